"""Do several sizes of filters help? Inception modules against others of the same cost.

The networks have `micro_googlenet`'s trunk and differ in their four modules alone. Within a module
every convolution works on maps of one size, so its multiply-adds are its weights times the places
of the map: what is matched in weights is matched in multiply-adds as well. Each network gets a
learning rate of its own for each data set, which `RATES` chooses on training images that are held
out.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any, Literal

from ..accounting import module_costs
from ..blocks import InceptionSpec
from ..data import LabelledImages, fashion_mnist, patches, results
from ..googlenet import COLOUR, MICRO
from ..networks.network import Config, Network
from ..networks.rows import Convolution, Parallel, Row, conv1x1, parallel
from ..support.checks import one_of
from ..support.telling import Estimate, points, spread
from ..training import Recipe, evaluate
from ..training.batches import Normalisation
from .harness import Experiment, Options, Report
from .measures import fresh, split, train_and_test
from .rates import chosen

Data = Literal["fashion", "patches"]

INCEPTION = "Inception"
TWICE = "3x3 twice"
ONLY_3, ONLY_5 = "only 3x3", "only 5x5"


def twice_3x3(in_channels: int, spec: InceptionSpec) -> Row:
    """Write an Inception module whose third branch has a 3x3 kernel, too.

    Its reduction is as wide as makes the branch cost what it cost, to the nearest channel.
    """
    before, now = (in_channels + size * size * spec.conv5x5 for size in (5, 3))
    return replace(spec, reduce5x5=round(spec.reduce5x5 * before / now)).with_kernel5x5(3)


def one_branch(in_channels: int, spec: InceptionSpec, *, size: int) -> Parallel:
    """Write a 1x1 reduction and filters of one size, as many as the module has output channels.

    The reduction is as wide as makes both cost what the module costs, to the nearest channel.
    """
    costs = module_costs(in_channels, spec, size=(1, 1)).values()
    filters = spec.out_channels(in_channels)
    reduction = sum(cost.parameters for cost in costs) / (in_channels + size * size * filters)
    convolution = Convolution(channels=filters, kernel_size=size)
    return parallel((conv1x1(max(1, round(reduction))), convolution))


Kinds = Mapping[str, Callable[[int, InceptionSpec], Row]]

#: What takes the place of each Inception module, at its cost.
MODULES: Kinds = {
    INCEPTION: lambda in_channels, spec: spec,
    TWICE: twice_3x3,
    ONLY_3: partial(one_branch, size=3),
    ONLY_5: partial(one_branch, size=5),
}
TRUNKS: Mapping[str, Mapping[str, Any]] = {"fashion": MICRO, "patches": COLOUR}


def network(
    modules: str,
    data: Data = "fashion",
    *,
    kinds: Kinds = MODULES,
    num_classes: int,
    in_channels: int,
) -> Network:
    """Build the micro network for one of the data sets, with one of the `kinds` of modules in it.

    Raises
    ------
    ValueError
        There are no such modules, or no such data.
    """
    one_of(modules, tuple(kinds), "modules")
    one_of(data, tuple(TRUNKS), "data")
    layers: dict[str, Row] = {}
    width = in_channels
    for name, row in TRUNKS[data].items():
        if isinstance(row, InceptionSpec):
            layers[name], width = kinds[modules](width, row), row.out_channels(width)
        else:
            layers[name], width = row, getattr(row, "channels", width)
    return Network(
        Config(name=modules, layers=layers, in_channels=in_channels, num_classes=num_classes)
    )


#: How much of a picture a crop shows, against its 64 px: in training and the usual test, and in two
#: tests on sizes that training never showed, things twice as large and half as large again.
ZOOMS: Mapping[str, float | tuple[float, float]] = {
    "trained": (0.5, 1.5), "closer": 0.25, "farther": 2.25,
}  # fmt: skip


_TESTED = 5_000  # test images at most


@cache
def images(data: Data, split: str, zoom: str = "trained") -> LabelledImages:
    """Load the images of a split; `zoom` is one of `ZOOMS`, for patches."""
    if data == "fashion":
        return fashion_mnist(split)
    count = 2_200 if split == "test" else 5_500
    return patches(split, count=count, zoom=ZOOMS[zoom])


def trained(
    modules: str, data: Data, recipe: Recipe, held_out: int, *, kinds: Kinds = MODULES,
    most: int | None = None, seed: int, report: Report,
) -> tuple[Network, LabelledImages, Normalisation, dict[str, Any]]:  # fmt: skip
    """Train the micro network with such modules; return it, its test images, and what it came to.

    `held_out` of the training images test it; of patches, as many from parts of the pictures that
    are held out. If 0, the test images do, `most` of them.
    """
    if data == "patches" and held_out:  # crops overlap: the last of them would not be new
        training, test = images(data, "try"), images(data, "held out")[:held_out]
    else:
        training, test = split(partial(images, data), held_out)
    test = test[:most]
    shape = {"num_classes": len(training.classes), "in_channels": training.images.shape[1]}
    made = fresh(lambda: network(modules, data, kinds=kinds, **shape), seed=seed)
    row = train_and_test(made, training, test, recipe, seed=seed, report=report)
    return made, test, (training.mean, training.std), row


def compare(
    *, modules: str, data: Data, recipe: Recipe, held_out: int, seed: int, report: Report
) -> dict[str, Any]:
    """Train the micro network with such modules, and test it; see `trained`.

    Without `held_out`, patches are tested at the other `ZOOMS` too (``closer_accuracy``,
    ``farther_accuracy``).
    """
    made, _, normalisation, row = trained(
        modules, data, recipe, held_out, most=_TESTED, seed=seed, report=report
    )
    if data == "patches" and not held_out:
        for zoom in ("closer", "farther"):
            found = evaluate(made, images(data, "test", zoom), normalisation=normalisation)
            row[f"{zoom}_accuracy"] = found.accuracy
    return row


#: A piece of clothing is seen three times, a patch six times: about 30,000 passes for both.
RECIPES: Mapping[Data, Recipe] = {
    "fashion": Recipe(epochs=3),
    "patches": Recipe(epochs=6, crop=4),
}

# Rates are tried on about a third as many.
_TRIED: Mapping[Data, Recipe] = {
    "fashion": replace(RECIPES["fashion"], epochs=2, max_images=10_240),
    "patches": replace(RECIPES["patches"], epochs=3, max_images=10_240),
}

#: Data and modules -> the rates that are tried for them.
Grid = Mapping[tuple[Data, str], tuple[float, ...]]


def _at(data: Data, modules: str, rate: float) -> str:
    return f"{data}, {modules}, rate {rate:g}"


def trials(name: str, *, about: str, measure: Callable[..., Any], grid: Grid) -> Experiment:
    """Return the experiment that tries the rates of a grid on held-out images, with three seeds."""
    data, modules = next(iter(grid))
    options = {"modules": modules, "data": data, "recipe": RECIPES[data], "held_out": 1_500}
    settings = {
        _at(data, modules, rate): {
            "modules": modules,
            "data": data,
            "recipe": replace(_TRIED[data], peak_rate=rate),
        }
        for (data, modules), rates in grid.items()
        for rate in rates
    }
    return Experiment(name=name, about=about, measure=measure, options=options, settings=settings)


def comparison(name: str, data: Data, tried: Experiment, grid: Grid, **about: Any) -> Experiment:
    """Return the experiment that compares all modules of a grid, each at the rate it was given."""

    def settings() -> dict[str, Options]:
        rates = chosen(tried, grid, lambda key, rate: _at(*key, rate))
        return {
            modules: {"modules": modules, "peak_rate": rate}
            for (of, modules), rate in rates.items()
            if of == data
        }

    options = {**tried.options, "data": data, "recipe": RECIPES[data], "held_out": 0}
    measure = tried.measure
    return Experiment(name=name, measure=measure, options=options, settings=settings, **about)


#: So many that the best has a worse one on either side.
GRID: Grid = {
    ("fashion", INCEPTION): (1.6, 0.8, 0.4, 0.2),
    ("fashion", TWICE): (1.6, 0.8, 0.4, 0.2),
    ("fashion", ONLY_3): (0.8, 0.4, 0.2),
    ("fashion", ONLY_5): (0.8, 0.4, 0.2, 0.1),
    ("patches", INCEPTION): (0.8, 0.4, 0.2, 0.1, 0.05),
    ("patches", TWICE): (1.6, 0.8, 0.4, 0.2, 0.1, 0.05),
    ("patches", ONLY_3): (0.8, 0.4, 0.2, 0.1, 0.05),
    ("patches", ONLY_5): (0.8, 0.4, 0.2, 0.1, 0.05),
}

RATES = trials(
    "scales_rates",
    about="which learning rate suits each kind of module, on clothes and on patches of pictures",
    measure=compare,
    grid=GRID,
)

_SHOWN: Mapping[Data, str] = {
    "fashion": "clothes", "patches": "patches of pictures in many sizes",
}  # fmt: skip
FASHION, PATCHES = (
    comparison(
        f"scales_{data}",
        data,
        RATES,
        GRID,
        about=f"several sizes of filters in a module against one, at the same cost, on {what}",
        seeds=(0, 1, 2, 3, 4),
        baseline=INCEPTION,
    )
    for data, what in _SHOWN.items()
)


# --- What the stored rows say -----------------------------------------------------------------


def gained(data: Data, modules: str, test: str = "test") -> Estimate:
    """Return by how many points such `MODULES` are above Inception's on stored rows.

    `test` may be "closer" or "farther", for patches.
    """
    return points(results(f"scales_{data}"), modules, INCEPTION, f"{test}_accuracy")


def slower(modules: str, data: Data = "fashion") -> Estimate:
    """Return how many times the processor time of such `MODULES` training with Inception's took."""
    rows = results(f"scales_{data}")
    seconds = rows.pivot(index="seed", columns="setting", values="train_cpu_seconds")
    return spread(seconds[INCEPTION] / seconds[modules])
