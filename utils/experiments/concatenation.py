"""Branches that are concatenated or added, at matched cost; and the pool in a module, or none.

The networks have `micro_googlenet`'s trunk and differ in their four modules alone. Each gets a
learning rate of its own, which `MERGING_RATES` chooses on training images that are held out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..blocks import Branches, ConvUnit, InceptionSpec, Style
from ..data import fashion_mnist, results
from ..googlenet import MICRO
from ..networks.network import Config, Network
from ..networks.rows import Built, Row
from ..support.telling import Estimate, points
from ..training import Recipe
from .harness import Experiment, Report
from .measures import fresh, split, train_and_test
from .rates import chosen


class Added(Branches):
    """Branches side by side, added: (N, C_in, H, W) -> (N, C, H, W), each of them with C.

    Parameters
    ----------
    *branches : nn.Module
        As for `Branches`; each ends in a `ConvUnit`.
    relu_last : bool
        Take the ReLU from the end of each branch, and put one behind the sum.
    """

    def __init__(self, *branches: nn.Module, relu_last: bool = False) -> None:
        super().__init__(*branches)
        self.relu_last = relu_last
        for branch in branches if relu_last else ():
            [*_, last] = (unit for unit in branch.modules() if isinstance(unit, ConvUnit))
            last.relu = False

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum, (N, C, H, W)."""
        x = reduce(torch.add, self.branches(x))
        return F.relu(x) if self.relu_last else x


@dataclass(frozen=True)
class WithoutPool:
    """The row of an Inception module with no pool in front of the projection: a second 1x1."""

    spec: InceptionSpec

    def build(self, in_channels: int, style: Style) -> Built:
        """Make `Branches`, those of the `Inception` module but for the pool."""
        module, channels = self.spec.build(in_channels, style)
        *branches, (_, projection) = module.children()
        return Branches(*branches, projection), channels

    def output_size(self, size: int) -> int:
        """Return `size`."""
        return size


@dataclass(frozen=True)
class Addition:
    """The row of `Added`: the branches of an Inception module, all of one width, added."""

    spec: InceptionSpec
    relu_last: bool = False

    def build(self, in_channels: int, style: Style) -> Built:
        """Make `Added`; a ValueError if the branches do not agree in channels."""
        spec = self.spec
        widths = [spec.conv1x1, spec.conv3x3, spec.conv5x5, spec.pool_proj]
        if len(set(widths)) > 1:
            raise ValueError(
                f"branches that are added need the same number of channels, got {widths}: "
                "change their filters, or concatenate them."
            )
        module, _ = spec.build(in_channels, style)
        return Added(*module.children(), relu_last=self.relu_last), spec.conv1x1

    def output_size(self, size: int) -> int:
        """Return `size`."""
        return size


def added(width: int, reduce3x3: int, reduce5x5: int, *, relu_last: bool = False) -> Row:
    """Write a module of four branches of `width` channels each, added."""
    spec = InceptionSpec(
        conv1x1=width,
        reduce3x3=reduce3x3,
        conv3x3=width,
        reduce5x5=reduce5x5,
        conv5x5=width,
        pool_proj=width,
    )
    return Addition(spec, relu_last)


SPECS: dict[str, InceptionSpec] = {
    name: row for name, row in MICRO.items() if isinstance(row, InceptionSpec)
}
CONCATENATED = "concatenated"
NO_POOL = "concatenated, no pool"
SAME_REDUCTIONS = "added, narrow"
RELU_LAST = "added, narrow, ReLU last"
THIN_REDUCTIONS = "added, wider"
#: Two ways to pay for addition, as (width, 3x3 reduction, 5x5 reduction) of each module: the
#: reductions of concatenation and what width is left, or half of concatenation's width and what
#: reductions are left. The third is the first with its ReLU behind the sum, as residuals have it.
WIDTHS: dict[str, tuple[tuple[int, int, int], ...]] = {
    SAME_REDUCTIONS: ((17, 16, 8), (37, 24, 8), (37, 24, 8), (46, 24, 8)),
    THIN_REDUCTIONS: ((32, 7, 4), (48, 17, 5), (48, 18, 5), (64, 18, 4)),
}
WIDTHS[RELU_LAST] = WIDTHS[SAME_REDUCTIONS]
MODULES: dict[str, dict[str, Row]] = {
    CONCATENATED: SPECS,
    NO_POOL: {name: WithoutPool(spec) for name, spec in SPECS.items()},
    **{
        setting: {
            name: added(*width, relu_last=setting == RELU_LAST)
            for name, width in zip(SPECS, widths, strict=True)
        }
        for setting, widths in WIDTHS.items()
    },
}


def network(
    modules: str | Mapping[str, Row], *, in_channels: int = 1, num_classes: int = 10
) -> Network:
    """Build the micro network, for images of 28 to 32 px, with other modules in it.

    `modules` is one of `MODULES`, or the rows of such a table by name.
    """
    name, rows = (modules, MODULES[modules]) if isinstance(modules, str) else ("own", modules)
    layers = {**MICRO, **rows}
    return Network(
        Config(name=name, layers=layers, in_channels=in_channels, num_classes=num_classes)
    )


RECIPE = Recipe(epochs=3, max_images=25_000)


def merge(
    *, modules: str, recipe: Recipe, held_out: int, seed: int, report: Report
) -> dict[str, Any]:
    """Train the network with these modules on the shipped images.

    `held_out` of the training images test it; if 0, the test images do.
    """
    training, test = split(fashion_mnist, held_out)
    made = fresh(lambda: network(modules), seed=seed)
    return train_and_test(made, training, test, recipe, seed=seed, report=report)


#: The rates that are tried: so many that the best has a worse one on either side.
GRID: dict[str, tuple[float, ...]] = dict.fromkeys(MODULES, (1.6, 0.8, 0.4, 0.2, 0.1))


def _at(setting: str, rate: float) -> str:
    return f"{setting}, rate {rate:g}"


MERGING_RATES = Experiment(
    name="merging_rates",
    about="which learning rate suits branches that are concatenated, added, or without their pool",
    measure=merge,
    options={"modules": CONCATENATED, "recipe": RECIPE, "held_out": 2_000},
    settings={
        _at(setting, rate): {"modules": setting, "peak_rate": rate}
        for setting, rates in GRID.items()
        for rate in rates
    },
    seeds=(0,),
)


def _settings() -> dict[str, dict[str, Any]]:
    rates = chosen(MERGING_RATES, GRID, _at)
    return {setting: {"modules": setting, "peak_rate": rates[setting]} for setting in MODULES}


MERGING = Experiment(
    name="merging",
    about="concatenation against addition at matched cost, and the pool in a module against none",
    measure=merge,
    options={"modules": CONCATENATED, "recipe": RECIPE, "held_out": 0},
    settings=_settings,
    seeds=(0, 1, 2, 3, 4),
    baseline=CONCATENATED,
)


def gained(modules: str, baseline: str = CONCATENATED) -> Estimate:
    """Return by how many points such `MODULES` are above others on the stored rows."""
    return points(results(MERGING.name), modules, baseline)
