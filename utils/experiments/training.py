"""What the parts of the recipe are each worth, and what a trained network gains by a second look.

Leave one out, on the network that is quick to train, with the 10,000 training images that ship:
every reader can repeat it. It says what a part is worth *there*, in five epochs; longer trainings
and larger networks may need what this one does without.

A change of the network or of the schedule asks for another learning rate. So those are there twice:
with the rate of the full recipe, and with their own. `RATES` chooses them, on training images that
are held out: the test images choose nothing.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .. import pretrained
from ..blocks import Norm
from ..data import LabelledImages, fashion_mnist, results
from ..googlenet import micro_googlenet, mini_googlenet
from ..support.checks import one_of
from ..support.telling import Estimate, between, points, text
from ..training import Recipe, evaluate
from ..training.batches import Normalisation
from .harness import Experiment, Options, Report
from .measures import fresh, right_of, split, train_and_test
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


def rates_chosen() -> dict[str, float]:
    """Return the rate that held-out images chose: for the full recipe and what has its own."""
    return chosen(RATES, GRID, _at)


def _settings() -> dict[str, Options]:
    """Return the settings of `RECIPE`, at the rates that `RATES` chose."""
    rates = rates_chosen()
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


#: What the page calls the settings.
_PARTS = {
    "batchnorm": "without BatchNorm",
    "batchnorm_own": "without BatchNorm, own rate",
    "schedule": "without schedule",
    "schedule_own": "without schedule, own rate",
    "augmentation": "without augmentation",
    "smoothing": "without label smoothing",
}


def worths() -> dict[str, Estimate]:
    """Return how many points of accuracy it changes to leave a part out, with its interval."""
    rows = results(RECIPE.name)
    return {f"w_{key}": points(rows, setting, FULL) for key, setting in _PARTS.items()}


def left_out() -> dict[str, Estimate]:
    """Return the same for each of the four parts, at a rate that suits what is left."""
    found = worths()
    return {
        "batch normalisation": found["w_batchnorm_own"],
        "schedule": found["w_schedule_own"],
        "augmentation": found["w_augmentation"],
        "label smoothing": found["w_smoothing"],
    }


def tried_rates() -> dict[str, dict[float, float]]:
    """Return schedule -> {rate: percent of held-out images right}, with BatchNorm."""
    tried = 100 * results(RATES.name).set_index("setting")["test_accuracy"]
    names = {"one cycle, by its peak": FULL, "a rate that stays": "without schedule"}
    return {
        told: {rate: float(tried[_at(name, rate)]) for rate in GRID[name]}
        for told, name in names.items()
    }


def told_of_rates() -> dict[str, float]:
    """Return what the rates tried on held-out images say: accuracies and gaps in percentage points.

    Returns
    -------
    dict
        ``at_chosen``, ``at_next``, ``at_lowest``: the full recipe at the best peak, the second best
        and the lowest; ``at_stays``: a constant rate, the best; ``at_shared``, ``without_norm``:
        with and without BatchNorm, both at the rate that suits the latter; ``by_rate``,
        ``by_norm_alone``: what the higher rate brings, and what BatchNorm does at the same rate.
    """
    tried = 100 * results(RATES.name).set_index("setting")["test_accuracy"]
    best = rates_chosen()
    full = [float(tried[_at(FULL, rate)]) for rate in GRID[FULL]]
    shared = float(tried[_at(FULL, best["without BatchNorm"])])
    without = float(tried[_at("without BatchNorm", best["without BatchNorm"])])
    return {
        "at_chosen": max(full),
        "at_next": sorted(full)[-2],
        "at_lowest": full[-1],
        "at_stays": float(tried[_at("without schedule", best["without schedule"])]),
        "at_shared": shared,
        "without_norm": without,
        "by_rate": max(full) - shared,
        "by_norm_alone": shared - without,
    }


def told_of_recipe() -> dict[str, str]:
    """Return what leaving parts out says beside `worths`: in percent and in percentage points.

    Returns
    -------
    dict
        ``without_train``, ``without_test``: without augmentation, right in training and in the
        test; ``full_train``: with it, in training; ``worse``: what the runs lose without a
        schedule, at a rate of their own, the least and the most; ``apart``, ``apart_full``: how far
        apart their test accuracies lie, and those of the full recipe.
    """
    accuracy = 100 * results(RECIPE.name).pivot(
        index="seed", columns="setting", values="test_accuracy"
    )
    constant, full = accuracy["without schedule, own rate"], accuracy[FULL]
    return {
        "without_train": f"{seen_in_training('without augmentation'):.0%}",
        "without_test": f"{accuracy['without augmentation'].mean():.0f}%",
        "full_train": f"{seen_in_training(FULL):.0%}",
        "worse": f"{between(full - constant):.1f}",
        "apart": f"{constant.max() - constant.min():.1f}",
        "apart_full": f"{full.max() - full.min():.1f}",
    }


def told_of_record() -> dict[str, str]:
    """Return what the network that ships came to, and what early pools are worth, in words.

    Returns
    -------
    dict
        ``inception``: test accuracy in percent; ``pools_same``, ``pools_thrice``: points that early
        pools bring for as many images, and for three times as many; ``pools_time``: the share of
        the time that the former take.
    """
    shipped = results("checkpoints").groupby("setting")["test_accuracy"].mean()
    tried = results(POOLS.name)
    late, same, thrice = POOLS.plan()
    spent = tried.groupby("setting")["train_cpu_seconds"].mean()
    return {
        "inception": f"{100 * shipped['mini-googlenet']:.2f}",
        "pools_same": text(points(tried, same, late), "+.1f"),
        "pools_thrice": text(points(tried, thrice, late), "+.1f"),
        "pools_time": f"{spent[same] / spent[late]:.0%}",
    }


def seen_in_training(setting: str) -> float:
    """Return the share named right in the last epoch of training, in the mean over seeds."""
    rows = results(RECIPE.name)
    one_of(setting, tuple(rows["setting"].unique()), "setting")
    return float(rows.loc[rows["setting"] == setting, "train_accuracy"].mean())


def read_range(rates: Sequence[float], losses: Sequence[float]) -> dict[str, Any]:
    """Read a learning-rate range test, whose rates rise by a constant factor.

    A loss has risen when it stands above the lowest so far by a tenth of what it had fallen.

    Returns
    -------
    dict
        ``smooth``, the losses averaged over about ten steps; ``steepest``, the rate at which these
        fall fastest, for a step of the rate's logarithm, before they rise for the first time;
        ``rises``, where they do; ``bursts``, from where on they stay above the lowest of all by a
        tenth of the whole fall. The last two are the last rate if that never happens.

    Raises
    ------
    ValueError
        Fewer than 20 steps, or not as many losses as rates.
    """
    if len(rates) < 20 or len(rates) != len(losses):
        raise ValueError(f"expected 20 or more losses, one a rate, got {len(losses)} losses.")
    values = np.nan_to_num(np.asarray(losses, dtype=float), nan=1e6, posinf=1e6)
    smooth = pd.Series(values).ewm(span=10).mean().to_numpy()
    lowest = np.minimum.accumulate(smooth)
    fallen = smooth[0] - lowest
    deep = fallen > 0.2 * fallen[-1]  # noise before the fall is no rise
    risen = np.flatnonzero(deep & (smooth > lowest + 0.1 * fallen))
    first = int(risen[0]) if len(risen) else len(rates) - 1
    last = int(np.flatnonzero(smooth <= lowest[-1] + 0.1 * fallen[-1])[-1])
    slopes = smooth[5:] - smooth[:-5]
    return {
        "smooth": smooth,
        "steepest": rates[int(slopes[: max(1, first - 4)].argmin()) + 2],
        "rises": rates[first],
        "bursts": rates[min(last + 1, len(rates) - 1)],
    }


def halving(factor: float = 0.96, every: int = 8) -> int:
    """Return after how many epochs a rate that is multiplied by `factor` now and then is halved."""
    return every * math.ceil(math.log(0.5) / math.log(factor))


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


# --- Views at test time -----------------------------------------------------------------------

View = tuple[int, int, bool]  # pixels down, pixels right, and whether mirrored

_MOVES = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
#: What a network is shown of one image, before its answers are averaged.
VIEWS: Mapping[str, tuple[View, ...]] = MappingProxyType(
    {
        "one view": ((0, 0, False),),
        "and its mirror image": ((0, 0, False), (0, 0, True)),
        "and moved by a pixel": tuple((*move, False) for move in _MOVES),
        "moved, and all mirrored": tuple((*move, m) for move in _MOVES for m in (False, True)),
    }
)
NETWORKS = ("mini-googlenet", "plain-network", "small-resnet")


def viewed(images: Tensor, view: View) -> Tensor:
    """Move images by whole pixels, black coming in, then mirror them if asked: (N, C, H, W)."""
    down, right, mirrored = view
    moved = F.pad(images, (right, -right, down, -down))
    return moved.flip(3) if mirrored else moved


def probabilities(
    network: nn.Module, data: LabelledImages, view: View, *, normalisation: Normalisation
) -> Tensor:
    """Return what a network gives each class for one view of each image: (N, classes)."""
    seen = LabelledImages(viewed(data.images, view), data.labels, data.classes, data.name)
    scores = evaluate(network, seen, normalisation=normalisation, logits=True).logits
    assert scores is not None  # asked for
    return scores.softmax(dim=1)


def look_again(*, network: str, seed: int, report: Report) -> list[dict[str, Any]]:
    """Test a network that ships on one view of each test image, and on the mean of several.

    Nothing is trained; `seed` chooses nothing.

    Returns
    -------
    list of dict
        A row for each of `VIEWS`: ``views``, their name; ``count``; ``accuracy`` (0..1) with
        ``correct`` of ``tested``; ``right``, which images, as `measures.right_of` reads them.
    """
    trained, test = pretrained.load(network), fashion_mnist("test")
    normalisation = (trained.card["mean"], trained.card["std"])
    given: dict[View, Tensor] = {}
    rows = []
    for name, looks in VIEWS.items():
        report(name)
        for view in looks:
            if view not in given:
                given[view] = probabilities(trained.model, test, view, normalisation=normalisation)
        mean = torch.stack([given[view] for view in looks]).mean(dim=0)
        right = (mean.argmax(dim=1) == test.labels).numpy()
        rows.append(
            {
                "views": name,
                "count": len(looks),
                "accuracy": float(right.mean()),
                "correct": int(right.sum()),
                "tested": len(right),
                "right": base64.b64encode(np.packbits(right).tobytes()).decode(),
            }
        )
    return rows


LOOKS = Experiment(
    name="views",
    about="what several views of a test image are worth to the networks that ship",
    measure=look_again,
    options={"network": NETWORKS[0]},
    settings={name: {"network": name} for name in NETWORKS},
    seeds=(0,),
)


def gained() -> dict[str, dict[str, Estimate]]:
    """Return views -> {network: what they bring}; their names say how many views that is."""
    return {
        f"{views} ({len(looks)})": {name: gained_by(views, name) for name in NETWORKS}
        for views, looks in VIEWS.items()
        if len(looks) > 1
    }


def gained_by(views: str, network: str) -> Estimate:
    """Return by how many percentage points several views of an image beat one, of 10,000 images.

    The 95% interval is of the test images, paired: those that both name right, or both wrong, say
    nothing. It covers no other training.
    """
    one_of(views, tuple(VIEWS), "views")
    one_of(network, NETWORKS, "network")
    rows = results(LOOKS.name)
    own = rows[rows["setting"] == network].set_index("views")
    one, several = (
        right_of(own["right"][name], own["tested"][name]) for name in ("one view", views)
    )
    gained = 100 * (several.astype(float) - one)
    half = 1.96 * gained.std() / len(gained) ** 0.5
    return Estimate(gained.mean(), gained.mean() - half, gained.mean() + half)
