"""One size or several, one reduction or three: equal costs, and what the stored rows say."""

import numpy as np
import pytest
import torch

from utils.accounting import account
from utils.data import fashion_mnist, results
from utils.experiments import silent
from utils.experiments import sizes_and_branches as factors
from utils.experiments.measures import named_right, right_of
from utils.support.statistics import interval
from utils.training import evaluate

SHAPES = {"fashion": (1, 28, 28), "patches": (3, 64, 64)}


@pytest.mark.parametrize("data", SHAPES)
def test_sizes_cost_nothing_and_reductions_next_to_nothing(data):
    costs = {
        name: account(
            factors.network(name, data, num_classes=10, in_channels=SHAPES[data][0]), SHAPES[data]
        )
        for name in factors.FACTORS
    }
    for reductions in ("one reduction", "three reductions"):
        several, one = (
            costs[f"{sizes} size{s}, {reductions}"] for sizes, s in (("several", "s"), ("one", ""))
        )
        assert (several.parameters, several.macs) == (one.parameters, one.macs)
    least, *_, most = sorted(cost.macs for cost in costs.values())
    assert most / least < 1.03


@pytest.mark.parametrize("name", factors.FACTORS)
def test_a_network_has_the_kernels_of_its_name(name):
    several, apart = factors.FACTORS[name]
    made = factors.network(name, num_classes=10, in_channels=1)
    first = made.inception3a
    kernels = [
        layer.kernel_size[0] for layer in first.modules() if isinstance(layer, torch.nn.Conv2d)
    ]
    assert (5 in kernels) == several
    ones = kernels.count(1)  # reductions, the projection, and filters of one place
    assert ones == (3 if apart else 1) + 1 + several
    assert made(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="several sizes"):
        factors.network("two sizes", num_classes=10, in_channels=1)
    with pytest.raises(ValueError, match="patches"):
        factors.network("one size, one reduction", "faces", num_classes=10, in_channels=1)


def test_what_was_named_right_is_written_and_read():
    made = factors.network("one size, one reduction", num_classes=10, in_channels=1)
    test = fashion_mnist("test")[:501]  # no multiple of eight
    found = right_of(named_right(made, test, normalisation=(0.3, 0.3)), 501)
    assert found.sum() == evaluate(made, test, normalisation=(0.3, 0.3)).correct
    assert found.shape == (501,)


@pytest.mark.parametrize("data", ["fashion", "patches"])
def test_stored_rows_hold_every_answer(data):
    rows = results(f"factors_{data}")
    for row in rows.itertuples():
        assert right_of(row.right, row.tested).sum() == row.correct


def test_the_change_is_the_mean_difference_and_its_interval_covers_more_than_seeds():
    rows = results("factors_fashion")
    table = 100 * rows.pivot(index="seed", columns="setting", values="test_accuracy")
    seeds = table["several sizes, one reduction"] - table["one size, one reduction"]
    found = factors.gained(factors.SIZES, "one reduction")
    assert found.mean == pytest.approx(seeds.mean())
    low, high = interval(seeds)
    assert found.high - found.low > 0.9 * (high - low)
    both = factors.gained(factors.SIZES, "one reduction", "three reductions")
    three = factors.gained(factors.SIZES, "three reductions")
    assert both.mean == pytest.approx(np.mean([found.mean, three.mean]))
    assert factors.gained(factors.REDUCTIONS, "one size").mean == pytest.approx(
        (table["one size, three reductions"] - table["one size, one reduction"]).mean()
    )


def test_what_chapter_1_says_of_them():
    sizes = factors.gained(factors.SIZES, "one reduction", "three reductions")
    assert sizes.low < 0 < sizes.high
    assert max(sizes.high, -sizes.low) < 0.5  # a difference of one point would have shown
    apart = factors.gained(factors.REDUCTIONS, "one size", "several sizes")
    assert apart.low < 0.1
    assert apart.mean > 0


def test_what_chapter_2_says_of_patches():
    found = factors.on_patches()
    for shown in ("patch", "closer", "farther"):
        assert found[shown].low < 0 < found[shown].high
    rows = results("factors_patches")
    several = rows["modules"].str.startswith("several")
    accuracy = rows.groupby(several)["test_accuracy"].mean()
    assert found["patch"].mean == pytest.approx(100 * (accuracy[True] - accuracy[False]))
    assert found["needed"] > found["runs"] == rows["seed"].nunique()
    assert found["cells"] < found["images"] == 2_200


def test_a_small_run_has_the_columns():
    rows = factors.FASHION.run(
        settings=["one size, one reduction"], seeds=[0], report=silent, max_images=256, held_out=500
    )
    assert rows["tested"].item() == 500
    assert "right" not in rows
