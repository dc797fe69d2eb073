"""How narrow may a bottleneck be? The micro network with narrower and wider reductions.

All else stays: the trunk, the filters behind the reductions, the images and their order, and one
learning rate. So the networks do not cost the same; that is the point. A rate for each width was
not looked for.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ..blocks import InceptionSpec
from ..data import fashion_mnist, results
from ..googlenet import MICRO
from ..networks.network import Config, Network
from ..networks.rows import Row
from ..support.checks import one_of
from ..support.telling import Estimate, points
from ..training import Recipe
from .harness import Experiment, Report
from .measures import fresh, split, train_and_test

SPECS = {name: row for name, row in MICRO.items() if isinstance(row, InceptionSpec)}

#: Setting -> how many times as wide as the micro network's all reductions are.
WIDTHS: Mapping[str, float] = MappingProxyType(
    {"an eighth": 1 / 8, "a quarter": 1 / 4, "half": 1 / 2, "as it is": 1.0, "twice": 2.0}
)


def with_reductions(widths: Mapping[str, tuple[int, int]]) -> Network:
    """Build the micro network for clothes with other reductions.

    Parameters
    ----------
    widths : dict of str to (int, int)
        Module, as "inception3a" -> channels before its 3x3 and before its 5x5.

    Raises
    ------
    ValueError
        The micro network has no such module.
    """
    layers: dict[str, Row] = dict(MICRO)
    for name, (reduce3x3, reduce5x5) in widths.items():
        one_of(name, tuple(SPECS), "a module")
        layers[name] = replace(SPECS[name], reduce3x3=reduce3x3, reduce5x5=reduce5x5)
    return Network(Config(name="bottleneck", layers=layers, in_channels=1, num_classes=10))


def network(times: float) -> Network:
    """Build the micro network with reductions `times` as wide, each to the nearest channel."""

    def width(of: int | None) -> int:
        return max(1, round(times * (of or 0)))

    return with_reductions(
        {name: (width(spec.reduce3x3), width(spec.reduce5x5)) for name, spec in SPECS.items()}
    )


def squeeze(
    *, times: float, recipe: Recipe, held_out: int, seed: int, report: Report
) -> dict[str, Any]:
    """Train the network with reductions `times` as wide on clothes, and test it.

    `held_out` of the training images test it; if 0, the test images do.
    """
    training, test = split(fashion_mnist, held_out)
    made = fresh(lambda: network(times), seed=seed)
    return train_and_test(made, training, test, recipe, seed=seed, report=report)


BOTTLENECKS = Experiment(
    name="bottlenecks",
    about="the micro network on clothes with all reductions narrower or wider, one rate for all",
    measure=squeeze,
    options={
        "times": 1.0,
        "recipe": Recipe(epochs=2, max_images=12_800, peak_rate=0.4),
        "held_out": 0,
    },
    settings={name: {"times": times} for name, times in WIDTHS.items()},
    seeds=(0, 1, 2, 3, 4),
    baseline="as it is",
)


def lost(setting: str) -> Estimate:
    """Return how many points such reductions cost against the micro network's own, as stored."""
    return -points(results("bottlenecks"), setting, "as it is")
