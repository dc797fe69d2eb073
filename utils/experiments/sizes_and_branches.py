"""Do several sizes of filters help, or several branches? Each with and without the other.

Written down before the first run:

- **The question.** In `multi_scale_filters` the number of branches, the pool and the reductions
  change together with the sizes. Here one thing changes at a time: filters of one size (3x3) or of
  several (1x1, 3x3, 5x5), all behind one reduction or each behind its own.
- **Held equal.** All four have the pool branch with its projection, the same number of output
  channels, and the same number of filters in each place. There are twice as many 1x1 as 5x5
  filters, and 2 * 1 + 25 = 3 * 9: so several sizes have exactly as many weights and multiply-adds
  as one, behind reductions of the same width. From one reduction to three, each of the three gets
  narrower until the module costs the same, to the nearest channel.
- **Rates.** One for each of the four and for each data set, the best of a grid on held-out images
  of the same data in the mean of three seeds.
- **How many seeds.** The differences of `scales_fashion` scatter from seed to seed with a standard
  deviation of about half a point. To notice a difference of one point in nine of ten experiments
  takes 5 seeds. There are 12 for clothes, and 8 for
  patches, which scatter more: 12 were planned there, too, and cut short before the first look.
- **What decides.** The mean over seeds of "several sizes less one size", for one reduction, for
  three, and over both; with a 95% interval that covers seeds and test images.

A run keeps which test images it named right, so that test images can be drawn anew as well as
seeds: clothes one by one, patches by the cell of the picture that they are cut from, since crops of
one cell overlap. Patches are also shown closer and farther than in training; these are two more
comparisons, and are read as such.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..accounting import module_costs
from ..blocks import InceptionSpec
from ..data import patch_cells, results
from ..networks.rows import Convolution, MaxPool, Row, conv1x1, parallel
from ..support.checks import one_of
from ..support.telling import Estimate
from ..training import Recipe
from . import multi_scale_filters
from .harness import Report
from .measures import named_right, right_of
from .multi_scale_filters import ZOOMS, Data, Grid, Kinds, comparison, images, trained, trials

#: The four: (whether sizes differ, whether each has a reduction of its own).
FACTORS: Mapping[str, tuple[bool, bool]] = {
    "several sizes, three reductions": (True, True),
    "one size, three reductions": (False, True),
    "several sizes, one reduction": (True, False),
    "one size, one reduction": (False, False),
}


def module(in_channels: int, spec: InceptionSpec, *, several: bool, apart: bool) -> Row:
    """Write a module with filters of several sizes or of one, behind three reductions or one.

    It costs about what `spec` costs, and has as many output channels.

    Parameters
    ----------
    in_channels : int
    spec : InceptionSpec
    several : bool
        Twice as many 1x1 as 5x5, the rest 3x3; otherwise 3x3 in their place.
    apart : bool
        Each of the three behind a reduction of its own; otherwise all behind one.
    """
    few = spec.conv1x1 // 2
    filters = spec.conv1x1 + spec.conv3x3 + spec.conv5x5
    widths = (2 * few, filters - 3 * few, few)
    sizes = (1, 3, 5) if several else (3, 3, 3)
    costs = module_costs(in_channels, replace(spec, pool_proj=None), size=(1, 1)).values()
    paid = sum(cost.parameters for cost in costs)
    reductions = 3 if apart else 1
    width = round(paid / (reductions * in_channels + 9 * filters))
    parts = [
        Convolution(channels=n, kernel_size=size) for n, size in zip(widths, sizes, strict=True)
    ]
    pool = MaxPool(kernel_size=3, stride=1, padding=1, ceil_mode=False)
    pooled = (pool, conv1x1(spec.pool_proj))
    if apart:
        return parallel(*((conv1x1(width), part) for part in parts), pooled)
    return parallel((conv1x1(width), parallel(*((part,) for part in parts))), pooled)


MODULES: Kinds = {
    name: partial(module, several=several, apart=apart)
    for name, (several, apart) in FACTORS.items()
}
#: As `multi_scale_filters.network`, with one of `FACTORS` in its modules.
network = partial(multi_scale_filters.network, kinds=MODULES)


def compare(
    *, modules: str, data: Data, recipe: Recipe, held_out: int, seed: int, report: Report
) -> dict[str, Any]:
    """Train the micro network with such modules, and test it; see `multi_scale_filters.trained`.

    Without `held_out`, also ``right``: which of the test images it named right, as `named_right`
    writes them. For patches ``closer_right`` and ``farther_right``, too.
    """
    made, test, normalisation, row = trained(
        modules, data, recipe, held_out, kinds=MODULES, seed=seed, report=report
    )
    for zoom in () if held_out else tests(data):
        shown = test if zoom == "trained" else images(data, "test", zoom)
        name = "right" if zoom == "trained" else f"{zoom}_right"
        row[name] = named_right(made, shown, normalisation=normalisation)
    return row


def tests(data: Data) -> tuple[str, ...]:
    """Return the sizes of `ZOOMS` at which a network is tested on such data."""
    return tuple(ZOOMS) if data == "patches" else ("trained",)


#: So many that the best has a worse one on either side.
_TRIED: Mapping[Data, tuple[float, ...]] = {
    "fashion": (0.8, 0.4, 0.2, 0.1),
    "patches": (0.4, 0.2, 0.1, 0.05),
}
GRID: Grid = {(data, name): rates for data, rates in _TRIED.items() for name in FACTORS}

RATES = trials(
    "factors_rates",
    about="which learning rate suits one size of filter and several, one reduction and three",
    measure=compare,
    grid=GRID,
)

SEEDS: Mapping[Data, int] = {"fashion": 12, "patches": 8}
_SHOWN: Mapping[Data, str] = {"fashion": "clothes", "patches": "patches of pictures"}

FASHION, PATCHES = (
    comparison(
        f"factors_{data}",
        data,
        RATES,
        GRID,
        about=f"one size of filter or several, behind one reduction or three, on {what}",
        seeds=tuple(range(SEEDS[data])),
        baseline="one size, one reduction",
    )
    for data, what in _SHOWN.items()
)


# --- What the stored rows say -----------------------------------------------------------------

SIZES = {"several sizes, {}": 1, "one size, {}": -1}
REDUCTIONS = {"{}, three reductions": 1, "{}, one reduction": -1}


def gained(
    change: Mapping[str, int],
    *others: str,
    data: Data = "fashion",
    shown: str = "trained",
    draws: int = 2_000,
) -> Estimate:
    """Return by how many points a change moves the accuracy on the stored rows.

    Its 95% interval covers seeds and test images: both are drawn anew, with replacement, `draws`
    times, the same of them for all settings; of patches whole cells of the pictures.

    Parameters
    ----------
    change : `SIZES` or `REDUCTIONS`
    *others : str
        Of the other factor, as "one reduction"; the mean over all that are given.
    data : "fashion" or "patches"
    shown : str
        One of `tests`: the size at which patches are shown.
    """
    one_of(shown, tests(data), "shown")
    rows = results(f"factors_{data}").set_index("setting")
    column = "right" if shown == "trained" else f"{shown}_right"
    images = int(rows["tested"].iloc[0])
    right = {
        name: np.stack([right_of(written, images) for written in rows.loc[name, column]])
        for name in FACTORS
    }
    parts = [
        sign * right[name.format(other)].astype(float)
        for name, sign in change.items()
        for other in others
    ]
    effect = np.stack(parts).sum(axis=0) / len(others)  # (seeds, images)
    unit = patch_cells("test", count=images) if data == "patches" else np.arange(images)
    number = np.bincount(unit)  # of images in each unit that is drawn
    sums = np.stack([np.bincount(unit, weights=of_seed) for of_seed in effect])
    random = np.random.default_rng(0)
    seeds, units = sums.shape
    drawn = []
    for _ in range(draws):
        again = random.integers(seeds, size=seeds)
        chosen = random.integers(units, size=units)
        drawn.append(sums[again].mean(axis=0)[chosen].sum() / number[chosen].sum())
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(*(100 * float(value) for value in (effect.mean(), low, high)))


def on_patches() -> dict[str, Any]:
    """Return what the stored rows say of several sizes on patches, for the text.

    ``patch``, ``closer`` and ``farther``: by how many points several sizes are above one, in the
    mean over both kinds of reductions; ``runs``; ``images`` and the ``cells`` they are cut from;
    ``needed``, how many seeds would notice half a point in nine of ten experiments, by the
    standard deviation of that difference from seed to seed.
    """
    rows = results("factors_patches")
    table = 100 * rows.pivot(index="seed", columns="setting", values="test_accuracy")
    both = ("one reduction", "three reductions")
    signs = {n.format(other): sign for n, sign in SIZES.items() for other in both}
    differences = sum(sign * table[name] for name, sign in signs.items()) / len(both)
    images = int(rows["tested"].iloc[0])
    gains = {
        "patch" if shown == "trained" else shown: gained(SIZES, *both, data="patches", shown=shown)
        for shown in tests("patches")
    }
    return gains | {
        "runs": len(table),
        "images": images,
        "cells": len(np.unique(patch_cells("test", count=images))),
        "needed": math.ceil(((1.96 + 1.28) * differences.std() / 0.5) ** 2),
    }
