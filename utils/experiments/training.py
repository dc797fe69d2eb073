"""What the parts of the recipe are each worth: BatchNorm, augmentation, schedule, smoothing.

Leave one out, on the network that is quick to train, with the 10,000 training images that ship:
every reader can repeat it. It says what a part is worth *there*, in five epochs; longer trainings
and larger networks may need what this one does without.

A change of the network or of the schedule asks for another learning rate. So those are there twice:
with the rate of the full recipe, and with their own. `RATES` chooses them, on training images that
are held out: the test images choose nothing.
"""

from typing import Any

from ..blocks import Norm
from ..data import fashion_mnist
from ..googlenet import micro_googlenet, mini_googlenet
from ..training import Recipe
from .harness import Experiment, Options, Report
from .measures import fresh, split, train_and_test
from .rates import chosen

BASE = Recipe(epochs=5)
FULL = "full recipe"
WITHOUT: dict[str, Options] = {
    "without BatchNorm": {"norm": None},
    "without schedule": {"schedule": "constant"},
    "without augmentation": {"crop": 0, "flip": False},
    "without label smoothing": {"label_smoothing": 0.0},
}
#: What gets a learning rate of its own, and the rates that are tried: so many that the best has a
#: worse one on either side.
GRID: dict[str, tuple[float, ...]] = {
    FULL: (1.6, 0.8, 0.4, 0.2, 0.1),
    "without BatchNorm": (0.2, 0.1, 0.05, 0.025),
    "without schedule": (0.4, 0.2, 0.1, 0.05),
}


def micro(
    *, norm: Norm, recipe: Recipe, held_out: int, seed: int, report: Report
) -> dict[str, Any]:
    """Train the micro network on the shipped images.

    `held_out` of the training images test it; if 0, the test images do.
    """
    training, test = split(fashion_mnist, held_out)
    network = fresh(lambda: micro_googlenet(in_channels=1, norm=norm), seed=seed)
    return train_and_test(network, training, test, recipe, seed=seed, report=report)


def _at(setting: str, rate: float) -> str:
    return f"{setting}, rate {rate:g}"


RATES = Experiment(
    name="recipe_rates",
    about="which learning rate suits the full recipe, and that without BatchNorm or schedule",
    measure=micro,
    options={"norm": "batch", "recipe": BASE, "held_out": 2_000},
    settings={
        _at(setting, rate): {**WITHOUT.get(setting, {}), "peak_rate": rate}
        for setting, rates in GRID.items()
        for rate in rates
    },
    seeds=(0,),
)


def _settings() -> dict[str, Options]:
    """Return the settings of `RECIPE`, at the rates that `RATES` chose."""
    rates = chosen(RATES, GRID, _at)
    settings: dict[str, Options] = {FULL: {"peak_rate": rates[FULL]}}
    for name, options in WITHOUT.items():
        settings[name] = {**options, "peak_rate": rates[FULL]}
        if rates.get(name, rates[FULL]) != rates[FULL]:
            settings[f"{name}, own rate"] = {**options, "peak_rate": rates[name]}
    return settings


RECIPE = Experiment(
    name="recipe",
    about="what BatchNorm, schedule, augmentation and label smoothing are each worth",
    measure=micro,
    options={"norm": "batch", "recipe": BASE, "held_out": 0},
    settings=_settings,
    baseline=FULL,
)


def mini(*, early_pools: bool, recipe: Recipe, seed: int, report: Report) -> dict[str, Any]:
    """Train the small GoogLeNet on the shipped images."""
    training, test = fashion_mnist("train"), fashion_mnist("test")
    network = fresh(lambda: mini_googlenet(in_channels=1, early_pools=early_pools), seed=seed)
    return train_and_test(network, training, test, recipe, seed=seed, report=report)


#: The same weights on large maps or on small ones: for the same images, and for about the same
#: time, which buys three times the images.
POOLS = Experiment(
    name="pools",
    about="what it buys to pool before the first module, with the same weights",
    measure=mini,
    options={"early_pools": True, "recipe": Recipe(epochs=5)},
    settings={
        "late pools": {"early_pools": False, "max_images": 15_000},
        "early pools, as many images": {"max_images": 15_000},
        "early pools, three times the images": {"max_images": 45_000},
    },
    baseline="late pools",
)
