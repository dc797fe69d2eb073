"""New classes from a few labels: what each arm may change, what is drawn, what is stored."""

import pytest
import torch
from torch import nn

from utils.activations import stages
from utils.data import results
from utils.experiments import fine_tuning as tuning
from utils.experiments.fine_tuning import ALL, ARMS, BY_LAYER, EVEN, HEAD, LAST, ODD, SCRATCH
from utils.experiments.measures import fresh
from utils.googlenet import micro_googlenet
from utils.training import Recipe, train

OLD = (0.3, 0.35)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A network that knows nothing in the place of one that was trained."""
    state = fresh(lambda: micro_googlenet(5, in_channels=1), seed=9).state_dict()
    monkeypatch.setattr(tuning, "_knowing", lambda task, seed: state)


def recipe(**changes) -> Recipe:
    return tuning.replace(tuning.recipe_of(3, rate=0.1, steps=4), seed=1, **changes)


def test_a_smaller_draw_is_part_of_a_larger_one_and_no_held_out_image_is_drawn():
    held_out = tuning.of_each(tuning.new_classes(EVEN), slice(tuning.DRAWN_FROM, None))
    few, many = tuning.drawn(EVEN, 3, seed=5), tuning.drawn(EVEN, 100, seed=5)
    bytes_of = lambda data: {image.numpy().tobytes() for image in data.images}  # noqa: E731
    assert bytes_of(few) <= bytes_of(many)
    assert not bytes_of(many) & bytes_of(held_out)
    assert torch.bincount(many.labels).tolist() == 5 * [100]
    assert bytes_of(few) != bytes_of(tuning.drawn(EVEN, 3, seed=6))
    assert set(tuning.new_classes(EVEN).classes) == set(tuning.old_classes(ODD).classes)
    assert not set(tuning.new_classes(EVEN).classes) & set(tuning.old_classes(EVEN).classes)


def test_arms_of_one_seed_that_know_begin_with_one_network():
    begun = {arm: tuning.start(arm, EVEN, seed=1).state_dict() for arm in ARMS}
    fresh_one = begun.pop(SCRATCH)
    first = begun[HEAD]
    for weights in begun.values():
        assert all(torch.equal(value, first[name]) for name, value in weights.items())
    assert not torch.equal(fresh_one["conv1.conv.weight"], first["conv1.conv.weight"])


@pytest.mark.parametrize("arm", ARMS)
def test_each_arm_changes_what_it_may_and_nothing_else(arm):
    network = tuning.start(arm, EVEN, seed=1)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    tuning.learn(network, tuning.drawn(EVEN, 3, seed=1), recipe(), normalisation=OLD)
    moved = {
        name.partition(".")[0]
        for name, value in network.state_dict().items()
        if not torch.equal(value, before[name])
    }
    with_weights = {name for name in stages(network) if not name.startswith("maxpool")} | {"fc"}
    upper = {"inception4a", "inception4b", "fc"}
    assert moved == {HEAD: {"fc"}, LAST: upper}.get(arm, with_weights)


def test_what_is_computed_once_gives_what_the_whole_network_would_have_learned():
    images = tuning.drawn(EVEN, 3, seed=1)
    for arm in (HEAD, LAST):
        once, whole = (tuning.start(arm, EVEN, seed=1) for _ in range(2))
        tuning.learn(once, images, recipe(), normalisation=OLD)
        train(whole, images, recipe=recipe(), normalisation=OLD, report=tuning.silent)
        for ours, theirs in zip(once.parameters(), whole.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_divided_gradients_are_rates_of_their_own():
    one, other = (tuning.start(arm, EVEN, seed=1) for arm in (BY_LAYER, ALL))
    images = torch.randn(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    names = [name for name in stages(one) if not name.startswith("maxpool")]
    groups = [{"params": other.fc.parameters(), "lr": 0.1}] + [
        {"params": other.get_submodule(name).parameters(), "lr": 0.1 / tuning.FACTOR**depth}
        for depth, name in enumerate(reversed(names), 1)
    ]
    optimisers = [
        torch.optim.SGD(one.parameters(), lr=0.1, momentum=0.9, nesterov=True),
        torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True),
    ]
    for network, optimiser in zip((one, other), optimisers, strict=True):
        for _ in range(3):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(images), torch.arange(8) % 5).backward()
            optimiser.step()
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_cka_knows_turns_and_scales_and_nothing_of_noise():
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(300, 6, generator=generator)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator))[0]
    assert tuning.similarity(maps, 3 * maps @ turn + 1) == pytest.approx(1)
    assert tuning.similarity(maps, torch.randn(300, 6, generator=generator)) < 0.1


def test_every_rate_that_was_chosen_has_a_worse_one_on_either_side():
    rows = results(tuning.TUNING_RATES.name)
    means = rows.groupby(["arm", "labels", "peak_rate"])["accuracy"].mean()
    assert rows.groupby("setting")["seed"].nunique().eq(3).all()
    for (arm, labels), rates in tuning.GRID.items():
        ordered = sorted(rates)
        place = ordered.index(tuning.chosen_rates()[arm, labels])
        assert 0 < place < len(ordered) - 1, (arm, labels)
        best = means[arm, labels, ordered[place]]
        beside = [means[arm, labels, ordered[place + step]] for step in (-1, 1)]
        assert max(beside) <= best
        assert means[arm, labels, ordered[0]] < best > means[arm, labels, ordered[-1]]


def test_the_page_says_what_the_rows_hold():
    found = tuning.learned()
    best = {n: max(ARMS, key=lambda arm: found[arm][n]["mean"]) for n in tuning.LABELS}
    assert best[1] == HEAD
    assert best[100] == SCRATCH
    for pair in ((HEAD, SCRATCH, 3), (HEAD, ALL, 1), (LAST, HEAD, 30), (SCRATCH, HEAD, 100)):
        assert tuning.gained(*pair).low > 0, pair
    for pair in ((HEAD, SCRATCH, 1), (ALL, HEAD, 3), (SCRATCH, LAST, 100), (SCRATCH, ALL, 100)):
        assert tuning.gained(*pair).low < 0 < tuning.gained(*pair).high, pair
    for labels in (3, 30):
        found_ = tuning.gained(BY_LAYER, ALL, labels)
        assert found_.low < 0 < found_.high
    assert tuning.longer().low > 0
    costs = tuning.costs_of_slips()
    assert costs[tuning.NO_EVAL].low > 20
    assert costs[tuning.FOREIGN].mean > 2
    assert costs[tuning.PAIRS].mean < -4  # it gained
    for slip in (tuning.DRIFT, tuning.HOT_HEAD, tuning.HOT_LAYERS):
        assert costs[slip].low < 0 < costs[slip].high
    alike = tuning.alike()
    assert alike[ALL]["4b"] < alike[ALL]["conv1"] < alike[SCRATCH]["conv1"]
    assert all(alike[SCRATCH][name] > value for name, value in alike[tuning.UNTRAINED].items())
    rows = tuning.rows()
    assert set(rows["tested"]) == {1000}
    assert not rows["diverged"].any()


def test_a_run_says_what_it_says_it_does():
    row = tuning.tune(
        arm=HEAD, task=EVEN, labels=1, peak_rate=0.1, steps=2, slip=tuning.NONE, held_out=True,
        seed=0, report=print,
    )  # fmt: skip
    taken = [int(count) for count in row["taken"].split()]
    assert sum(taken) == row["tested"] == 1000
    assert sum(taken[::6]) == round(1000 * row["accuracy"])
    assert (row["free"], row["moved"]) == (645, 0)
    drifted = tuning.tune(
        arm=HEAD, task=EVEN, labels=1, peak_rate=0.1, steps=2, slip=tuning.DRIFT, held_out=True,
        seed=0, report=print,
    )  # fmt: skip
    assert drifted["free"] == 645
    assert drifted["moved"] > 0
