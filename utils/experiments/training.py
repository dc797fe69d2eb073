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
from ..data import fashion_mnist, results
from ..googlenet import micro_googlenet
from ..training import Recipe
from .harness import Experiment, Options, Report
from .measures import fresh, train_and_test
from .store import ResultsError

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
    training = fashion_mnist("train")
    if held_out:
        training, test = training[:-held_out], training[-held_out:]
    else:
        test = fashion_mnist("test")
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


def chosen_rates() -> dict[str, float]:
    """Return the rate that was best on the held-out images for each setting of `GRID`.

    Raises
    ------
    ResultsError
        `RATES` has not been run to its end.
    """
    try:
        rows = results(RATES.name)
    except ValueError as error:
        raise ResultsError(f"first run experiments/run.py {RATES.name}.") from error
    means = rows.groupby("setting")["test_accuracy"].mean()
    if missing := set(RATES.settings) - set(means.index):
        raise ResultsError(
            f"the rates are not chosen yet, {len(missing)} are still to be tried: first run "
            f"experiments/run.py {RATES.name}."
        )
    return {
        setting: max(rates, key=lambda rate: means[_at(setting, rate)])
        for setting, rates in GRID.items()
    }


def _settings() -> dict[str, Options]:
    """Return the settings of `RECIPE`, at the rates that `RATES` chose."""
    rates = chosen_rates()
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
