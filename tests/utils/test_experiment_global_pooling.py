"""The heads that the chapter on global pooling compares, and the images that probe them."""

from pathlib import Path

import pytest
import torch
from torch import nn

import utils
from utils.data import LabelledImages, fashion_mnist, results
from utils.experiments import Store, silent
from utils.experiments.global_pooling import (
    AVERAGE,
    FLATTEN,
    GRID,
    HEADS,
    HEADS_FULL,
    HEADS_PROBED,
    HEADS_RATES,
    MAX,
    SHIFTS,
    SHOWN,
    SIZES,
    chosen_rates,
    framed,
    halved,
    heads,
    moved,
    probes,
    shifted,
    with_head,
    zoomed,
)
from utils.experiments.measures import fresh
from utils.googlenet import micro_googlenet
from utils.plots import by_pixels
from utils.training import Recipe

RESULTS = Path(utils.__file__).parent / "assets" / "results"


@pytest.fixture(scope="module")
def clothes() -> LabelledImages:
    return halved(fashion_mnist("test")[:40])


def test_trunks_start_from_the_same_weights_and_only_the_last_layer_differs():
    states = {head: with_head(head, seed=3).state_dict() for head in HEADS}
    trunk = [name for name in states[AVERAGE] if not name.startswith("fc.")]
    for head in (MAX, FLATTEN):
        assert list(states[head]) == list(states[AVERAGE])
        assert all(torch.equal(states[head][name], states[AVERAGE][name]) for name in trunk)
    other = with_head(AVERAGE, seed=4).state_dict()
    assert not torch.equal(other["conv1.conv.weight"], states[AVERAGE]["conv1.conv.weight"])
    plain = fresh(lambda: micro_googlenet(in_channels=1), seed=3).state_dict()
    assert all(torch.equal(plain[name], states[AVERAGE][name]) for name in plain)


def test_the_flat_layer_starts_as_small_as_the_others():
    flat = with_head(FLATTEN, seed=0).fc
    assert tuple(flat.weight.shape) == (10, 128 * 7 * 7)
    assert flat.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert not flat.bias.any()


def test_heads_pool_as_they_say():
    torch.manual_seed(0)
    images = torch.randn(2, 1, 28, 28)
    for head, pool in (
        (AVERAGE, lambda x: x.mean((2, 3))),
        (MAX, lambda x: x.amax((2, 3))),
        (FLATTEN, lambda x: x.flatten(1)),
    ):
        network = with_head(head, seed=0).eval()
        nn.init.normal_(network.fc.weight)
        last = images
        for name in network.config.layers:
            last = getattr(network, name)(last)
        assert last.shape[2:] == (7, 7)
        torch.testing.assert_close(network(images), network.fc(pool(last)))
        assert network(torch.randn(2, 1, 40, 20)).shape == (2, 10)


def test_there_is_no_other_head():
    with pytest.raises(ValueError, match="head"):
        with_head("median", seed=0)


def test_halved_clothes_are_means_of_four_pixels_in_a_black_frame(clothes):
    whole = fashion_mnist("test")[:40].images.float()
    means = whole.view(40, 1, 14, 2, 14, 2).mean((3, 5)).round()
    assert torch.equal(clothes.images[:, :, 7:21, 7:21].float(), means)
    black = clothes.images.clone()
    black[:, :, 7:21, 7:21] = 0
    assert not black.any()


def test_no_move_that_is_tested_cuts_anything_off(clothes):
    total = clothes.images.sum((1, 2, 3))
    for pixels in SHIFTS:
        assert torch.equal(shifted(clothes, pixels).images.sum((1, 2, 3)), total)
    # A move that is too far would be seen: some clothes fill their frame.
    assert not torch.equal(shifted(clothes, 9).images.sum((1, 2, 3)), total)


def test_one_of_four_moves_up_one_down_one_left_one_right(clothes):
    there = shifted(clothes, 3).images
    for turn, shift in enumerate(((-3, 0), (3, 0), (0, -3), (0, 3))):
        wanted = torch.roll(clothes.images[turn::4], shift, dims=(2, 3))
        assert torch.equal(there[turn::4], wanted)
    back = moved(moved(clothes.images, down=2, right=-5), down=-2, right=5)
    assert torch.equal(back, clothes.images)


@pytest.mark.parametrize("size", SIZES)
def test_another_frame_keeps_the_clothes_and_their_place_on_the_grid(clothes, size):
    images = framed(clothes.images, size)
    assert images.shape == (40, 1, size, size)
    assert torch.equal(images.sum((1, 2, 3)), clothes.images.sum((1, 2, 3)))
    full = torch.ones(1, 1, 14, 14)
    frame = framed(torch.nn.functional.pad(full, (7, 7, 7, 7)), size)
    first = frame[0, 0].nonzero()[0]
    assert (first % 4 == 7 % 4).all()


def test_zooming_keeps_the_whole_picture(clothes):
    for size in SIZES:
        images = zoomed(clothes.images, size)
        assert images.shape == (40, 1, size, size)
        assert images.dtype == torch.uint8
        means = [x.float().mean((1, 2, 3)) for x in (images, clothes.images)]
        torch.testing.assert_close(*means, atol=2, rtol=0)


def test_probes_begin_with_the_images_as_they_are(clothes):
    found = [(name, pixels) for name, pixels, _ in probes(clothes)]
    assert found == [("shift", n) for n in range(7)] + [
        (name, size) for name in ("frame", "zoom") for size in SIZES
    ]
    assert torch.equal(next(probes(clothes))[2].images, clothes.images)


def test_a_run_gives_a_row_for_each_probe():
    options = {"recipe": Recipe(max_images=128), "held_out": 9_900, "seed": 0, "report": silent}
    with pytest.raises(ValueError, match="batch"):  # what is held out is not trained on
        heads(head=MAX, halve=True, probed=2, **options)
    options["held_out"] = 9_800
    rows = heads(head=MAX, halve=True, probed=4, **options)
    assert len(rows) == 15
    assert len({(row["probe"], row["pixels"]) for row in rows}) == 15
    assert {row["shown"] for row in rows} == {4}
    assert {row["tested"] for row in rows} == {9_800}
    assert len({row["test_accuracy"] for row in rows}) == 1
    with pytest.raises(ValueError, match="cut off"):
        heads(head=MAX, halve=False, probed=4, **options)


def test_each_head_has_a_rate_of_its_own_clothes_with_a_worse_one_on_either_side():
    rates = chosen_rates()
    for case, rate in rates.items():
        assert min(GRID[case]) < rate < max(GRID[case])
    for experiment in (HEADS_PROBED, HEADS_FULL):
        for options in experiment.plan().values():
            recipe = options["recipe"]
            shown = "full" if not options["halve"] else "moving" if recipe.crop else "still"
            assert recipe.peak_rate == rates[shown, options["head"]]
            assert {"crop": recipe.crop, "halve": options["halve"]}.items() >= SHOWN[shown].items()


@pytest.mark.parametrize("experiment", [HEADS_RATES, HEADS_PROBED, HEADS_FULL])
def test_stored_rows_are_of_the_experiment_as_it_is(experiment):
    store = Store(RESULTS / f"{experiment.name}.csv")
    experiment.missing(store)  # raises if rows were made with other options
    rows = results(experiment.name)
    assert store.path.stat().st_size < 300_000
    assert not rows["diverged"].any()
    assert rows["images"].le(50_000).all()
    each = 15 if experiment is HEADS_PROBED else 1
    assert set(rows.groupby(["setting", "seed"]).size()) == {each}


def test_the_pictures_words_hold_the_means():
    rows = results("heads")
    rows = rows[(rows["probe"] == "shift") & (rows["head"] == AVERAGE) & (rows["crop"] == 0)]
    mean = 100 * rows[rows["pixels"] == 6]["accuracy"].mean()
    alt = by_pixels({"still": rows}, series="head", label="moved by, px").alt
    assert f"still: average {100 * rows[rows['pixels'] == 0]['accuracy'].mean():.1f}% at 0" in alt
    assert f"{mean:.1f}% at 6" in alt


def test_the_picture_wants_one_or_two_panels_with_rows():
    rows = results("heads")
    with pytest.raises(ValueError, match="one or two panels"):
        by_pixels({}, series="head", label="px")
    with pytest.raises(ValueError, match="one or two panels"):
        by_pixels({"none": rows[:0]}, series="head", label="px")
    with pytest.raises(ValueError, match="at most 3 lines"):
        by_pixels({"many": rows.assign(own=range(len(rows)))}, series="own", label="px")
