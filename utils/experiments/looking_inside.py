"""What is lost when a branch is switched off, and what the channels of each branch answer to.

Written down before the first run.

**Switched off** (`OFF`). The micro network, trained on clothes by the full recipe of `training`,
in three epochs; four seeds.

- In each of its modules, and in all of them at once, the output of one branch is replaced: by
  zeros, or by the mean that each of its channels has on training images. Zeros are a value that the
  layers behind have hardly ever met on all channels at once, so zeros may cost for their
  strangeness as well as for what is lost; means are usual, and lose what differs from image to
  image. Means are what the chapter reports first, zeros beside them.
- The branches are not equally wide. So as many channels of the module, drawn at random from all of
  its branches, are set to their means, too, twice a seed: what would as many channels cost that do
  not belong together?
- What decides: the points lost, in the mean over seeds, by branch, with Student's 95% interval over
  seeds; by class, with all four modules at once.

**Answers** (`ANSWERS`). Do branches specialise? The colour network, trained on patches of pictures.

- What a channel answers to is asked with pictures made from formulas (`utils.stimuli`), of 64 px:
  gratings of 2, 4, 8 and 16 waves, in 8 directions, 4 phases, in grey and in two pairs of colours
  of equal brightness; lines and arcs (radii of 6, 10 and 16 px), in 16 directions, bright and dark.
- Its answer to one of them is the largest value on the middle half of its map, the largest over
  phases and over bright and dark, less what it answers to plain mid grey; not below 0.
- Four properties of a channel, each undefined where all answers that it needs are 0:
  *orientation*: at its best number of grey waves, the length of the mean of exp(2i·direction)
  weighted by the answers (0: all directions alike; 1: one alone). *frequency*: how far the answers
  to the four numbers of grey waves, in the mean over directions, are from equal:
  (1 - mean² / mean of squares) / (1 - 1/4). *colour*: (c - g) / (c + g), of the best answers
  to a coloured and a grey grating. *curvature*: (a - l) / (a + l), of those to an arc and a line.
- A channel counts by its rank in its own module, from 0 to 1 among those where the property is
  defined. A branch with no speciality has a mean rank of 1/2.
- The test: the sum over seeds and branches of (channels in the branch) · (mean rank - 1/2)²,
  against 10,000 shufflings of the branches' labels within each network's module. 4 modules and 4
  properties are 16 tests in a setting: Holm's correction over the 16.
- Is it learned? A branch has a kernel before it has learned anything. So each network is asked
  before its training as well: with its first weights, and batch normalisation's statistics from
  1,000 training images.
- The kernel or the place? Two settings: as built (the 5x5 branch is the narrowest of the three
  with filters, and the 3x3 the widest); and with the kernels of these two exchanged, so that the
  wide branch has the 5x5. The learning rate is that which `multi_scale_filters` chose for the
  network as built, for both: accuracies are not compared. (A third setting, with all four branches
  equally wide, was planned, too, and cut before the first look.)
- Four seeds. What is reported first: which of the 16 tests pass, after training and before;
  then, for these, the branches' mean ranks in both settings.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ..blocks import InceptionSpec
from ..data import LabelledImages, fashion_mnist, results
from ..googlenet import micro_googlenet
from ..networks.network import Network
from ..stimuli import TINTS, arc, grating
from ..support.checks import boolean, integer, non_negative, positive_int
from ..support.modes import in_evaluation
from ..support.palette import BRANCHES
from ..training import Recipe
from ..training.batches import Normalisation, normalise
from . import multi_scale_filters as scales
from .harness import Experiment, Options, Report
from .measures import fresh, train_and_test
from .multi_scale_filters import Kinds
from .training import BASE, FULL
from .training import RECIPE as TRAINED


def widths(spec: InceptionSpec) -> dict[str, int]:
    """Return how many channels each branch of a module gives, in the order of its output."""
    pool = spec.pool_proj or 0
    return dict(zip(BRANCHES, (spec.conv1x1, spec.conv3x3, spec.conv5x5, pool), strict=True))


def modules(network: Network) -> dict[str, dict[str, slice]]:
    """Return stage -> branch -> which of the stage's output channels are the branch's."""
    found: dict[str, dict[str, slice]] = {}
    for stage, row in network.config.layers.items():
        if isinstance(row, InceptionSpec):
            ends = [0]
            for width in widths(row).values():
                ends.append(ends[-1] + width)
            found[stage] = {b: slice(*ends[i : i + 2]) for i, b in enumerate(BRANCHES)}
    return found


# --- Switched off -----------------------------------------------------------------------------

Edit = Callable[[Tensor], Tensor]
ALL = "all"  # modules at once
GROUP_ALL = "all modules"


def channel_means(network: Network, x: Tensor) -> dict[str, Tensor]:
    """Return the mean of every channel of every module over images and places: each (1, C, 1, 1).

    `x` are normalised images, (N, C, H, W).
    """
    sums: dict[str, Tensor] = {}
    with torch.no_grad():
        for batch in x.split(250):
            for stage, out in _stages(network, batch):
                share = out.mean((2, 3)).sum(0)[None, :, None, None] / len(x)
                sums[stage] = sums.get(stage, torch.zeros_like(share)) + share
    return {stage: sums[stage] for stage in modules(network)}


def _stages(network: Network, x: Tensor) -> Iterator[tuple[str, Tensor]]:
    for stage in network.config.layers:
        x = getattr(network, stage)(x)
        yield stage, x


def _set_to(values: Tensor, channels: Any) -> Edit:
    """Return what sets some channels of a map to `values`, (1, C, 1, 1), of all its channels."""

    def edit(x: Tensor) -> Tensor:
        x = x.clone()
        x[:, channels] = values[:, channels]
        return x

    return edit


def edits(network: Network, means: Mapping[str, Tensor], *, draws: int, seed: int) -> dict:
    """Return (stage or `ALL`, branch, what by) -> stage -> what is done to the stage's output.

    What by: "means", "zeros", or "random means": of as many channels of the module.
    """
    found: dict[tuple[str, str, str], dict[str, Edit]] = {}
    random = torch.Generator().manual_seed(seed)
    where = modules(network)
    for stage, branch in product(where, BRANCHES):
        own = where[stage][branch]
        for by, values in {"means": means[stage], "zeros": 0 * means[stage]}.items():
            edit = _set_to(values, own)
            found[stage, branch, by] = {stage: edit}
            found.setdefault((ALL, branch, by), {})[stage] = edit
        for draw in range(draws):
            order = torch.randperm(means[stage].shape[1], generator=random)
            edit = _set_to(means[stage], order[: own.stop - own.start])
            found[stage, branch, f"random means {draw}"] = {stage: edit}
    return found


def answers_with(
    network: Network, x: Tensor, changes: Mapping[Any, Mapping[str, Edit]]
) -> dict[Any, Tensor]:
    """Return the class that a network names, (N,), under each of several changes inside it.

    A stage's output that no change has touched is computed once for all changes behind it.
    """
    order = list(network.config.layers)
    named: dict[Any, list[Tensor]] = {key: [] for key in changes}

    def go_on(key: Any, out: Tensor, stages: list[str]) -> None:
        for stage in stages:
            out = getattr(network, stage)(out)
            if edit := changes[key].get(stage):
                out = edit(out)
        named[key].append(network.head(out).argmax(1))

    network.to(memory_format=torch.channels_last)  # three times as fast on a CPU
    with torch.no_grad(), in_evaluation(network):
        for batch in x.contiguous(memory_format=torch.channels_last).split(250):
            for place, (stage, out) in enumerate(_stages(network, batch)):
                for key, change in changes.items():
                    first = min(map(order.index, change), default=len(order) - 1)
                    if first == place:
                        touched = change[stage](out) if stage in change else out
                        go_on(key, touched, order[place + 1 :])
    return {key: torch.cat(parts) for key, parts in named.items()}


def ablate(
    *, recipe: Recipe, probed: int, draws: int, seed: int, report: Report
) -> list[dict[str, Any]]:
    """Train the micro network on clothes; switch off each branch; test it each time.

    Parameters
    ----------
    recipe : Recipe
    probed : int
        So many test images, the first.
    draws : int
        How often as many channels of the module are drawn at random.

    Returns
    -------
    list of dict
        A row a change, the first of them "intact": the columns of `train_and_test`, and ``stage``,
        ``branch``, ``by``, ``channels`` that are set, ``accuracy`` on the ``shown`` images, and
        ``right``: how many of each class are named right, in the order of the classes.
    """
    training, test = fashion_mnist("train"), fashion_mnist("test")
    network = fresh(lambda: micro_googlenet(in_channels=1), seed=seed)
    row = train_and_test(network, training, test, recipe, seed=seed, report=report)
    return [
        row | found
        for found in switched_off(
            network,
            training[:2_000],
            test[:probed],
            normalisation=(training.mean, training.std),
            draws=draws,
            seed=seed,
        )
    ]


def switched_off(
    network: Network,
    usual: LabelledImages,
    test: LabelledImages,
    *,
    normalisation: Normalisation,
    draws: int = 0,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Test a network intact, and with each branch of each module and of all modules replaced.

    Parameters
    ----------
    network : Network
        With Inception modules.
    usual : LabelledImages
        On which the channels' means are taken.
    test : LabelledImages
    normalisation : (means, stds)
    draws, seed : int
        Of channels at random; see `ablate`, which also lists what comes back.
    """
    with in_evaluation(network):
        means = channel_means(network, normalise(usual.images, normalisation))
    changes: dict[tuple[str, str, str], Mapping[str, Edit]] = {("none", "none", "intact"): {}}
    changes |= edits(network, means, draws=draws, seed=seed)
    named = answers_with(network, normalise(test.images, normalisation), changes)
    where = modules(network)
    rows = []
    for (stage, branch, by), classes in named.items():
        right = torch.bincount(
            test.labels[classes == test.labels], minlength=len(test.classes)
        ).tolist()
        touched = where if stage == ALL else {stage} & set(where)
        spans = [where[name][branch] for name in touched]
        rows.append(
            {
                "stage": stage,
                "branch": branch,
                "by": by,
                "channels": sum(span.stop - span.start for span in spans),
                "accuracy": sum(right) / len(test),
                "shown": len(test),
                "right": " ".join(map(str, right)),
            }
        )
    return rows


OFF = Experiment(
    name="branches_off",
    about="what a trained network loses when one of its branches is switched off",
    measure=ablate,
    options={
        "recipe": replace(BASE, epochs=3),
        "probed": 2_000,
        "draws": 2,
    },
    settings=lambda: {"micro": {"peak_rate": TRAINED.plan([FULL])[FULL]["recipe"].peak_rate}},
    seeds=(0, 1, 2, 3),
)


# --- Answers ----------------------------------------------------------------------------------

BUILT, EXCHANGED = "as built", "kernels exchanged"


def exchanged(spec: InceptionSpec) -> InceptionSpec:
    """Return a module whose 3x3 branch has the channels of the 5x5, and the other way round."""
    return replace(
        spec,
        reduce3x3=spec.reduce5x5,
        conv3x3=spec.conv5x5,
        reduce5x5=spec.reduce3x3,
        conv5x5=spec.conv3x3,
    )


WAYS: Kinds = MappingProxyType(
    {
        BUILT: scales.MODULES[scales.INCEPTION],
        EXCHANGED: lambda in_channels, spec: exchanged(spec),
    }
)


def colour_network(way: str) -> Network:
    """Build the colour network of eleven pictures with the modules of one of `WAYS`."""
    return scales.network(way, "patches", kinds=WAYS, num_classes=11, in_channels=3)


SIZE = 64  # px
WAVES = (2, 4, 8, 16)
DIRECTIONS, PHASES = 8, 4
BENDS = (1 / 6, 1 / 10, 1 / 16)
PROPERTIES = ("orientation", "frequency", "colour", "curvature")


@cache
def gratings() -> Tensor:
    """Draw all gratings: (tint, waves, direction, phase, 3, 64, 64)."""
    angles = [math.pi * i / DIRECTIONS for i in range(DIRECTIONS)]
    phases = [2 * math.pi * i / PHASES for i in range(PHASES)]
    drawn = [
        grating(SIZE, waves=waves, angle=angle, phase=phase, tint=tint)
        for tint, waves, angle, phase in product(TINTS, WAVES, angles, phases)
    ]
    return torch.stack(drawn).view(len(TINTS), len(WAVES), DIRECTIONS, PHASES, 3, SIZE, SIZE)


@cache
def lines_and_arcs() -> Tensor:
    """Draw lines (bend 0, the first) and arcs: (bend, direction, bright or dark, 3, 64, 64)."""
    angles = [math.pi * i / DIRECTIONS for i in range(2 * DIRECTIONS)]
    drawn = [
        arc(SIZE, bend=bend, angle=angle, bright=bright)
        for bend, angle, bright in product((0.0, *BENDS), angles, (True, False))
    ]
    return torch.stack(drawn).view(1 + len(BENDS), 2 * DIRECTIONS, 2, 3, SIZE, SIZE)


def _peaks(network: Network, x: Tensor) -> dict[str, Tensor]:
    """Return each channel's largest answer on the middle half of its map: stage -> (N, C)."""
    found: dict[str, list[Tensor]] = {stage: [] for stage in modules(network)}
    with torch.no_grad():
        for batch in x.split(128):
            for stage, out in _stages(network, batch):
                if stage in found:
                    rows, columns = (slice(n // 4, n - n // 4) for n in out.shape[2:])
                    found[stage].append(out[:, :, rows, columns].amax((2, 3)))
    return {stage: torch.cat(parts) for stage, parts in found.items()}


def properties(network: Network, normalisation: Normalisation) -> dict[str, dict[str, Tensor]]:
    """Measure what the channels of each module answer to: stage -> property -> (C,).

    The definitions stand above; NaN where a property is undefined.
    """

    def answers(pictures: Tensor) -> dict[str, Tensor]:
        """Return stage -> answers above that to plain grey, (..., C)."""
        shape = pictures.shape[:-3]
        x = (pictures.reshape(-1, 3, SIZE, SIZE) - mean) / std
        peaks = _peaks(network, x)
        return {s: (p - plain[s]).clamp(min=0).view(*shape, -1) for s, p in peaks.items()}

    mean, std = (torch.tensor(part)[:, None, None] for part in normalisation)
    with in_evaluation(network):
        plain = _peaks(network, (torch.full((1, 3, SIZE, SIZE), 0.5) - mean) / std)
        waves, lines = answers(gratings()), answers(lines_and_arcs())
    found = {}
    for stage in plain:
        tints = waves[stage].amax(3)  # (tint, waves, direction, C)
        grey, colour = tints[0], tints[1:].amax((0, 1, 2))
        straight, bent = lines[stage][0].amax((0, 1)), lines[stage][1:].amax((0, 1, 2))
        best = grey.sum(1).argmax(0)  # (C,): at how many waves
        at_best = grey[best, :, torch.arange(len(best))].T  # (direction, C)
        turns = torch.polar(
            torch.ones(DIRECTIONS), 2 * math.pi * torch.arange(DIRECTIONS) / DIRECTIONS
        )
        by_waves = grey.mean(1)  # (waves, C)
        equality = by_waves.mean(0).square() / by_waves.square().mean(0)
        found[stage] = {
            "orientation": (turns[:, None] * at_best).sum(0).abs() / at_best.sum(0),
            "frequency": (1 - equality) / (1 - 1 / len(WAVES)),
            "colour": _contrast(colour, grey.amax((0, 1))),
            "curvature": _contrast(bent, straight),
        }
    return found


def _contrast(one: Tensor, other: Tensor) -> Tensor:
    return (one - other) / (one + other)


def answers_by_branch(
    *, way: str, trained: bool, recipe: Recipe, seed: int, report: Report
) -> list[dict[str, Any]]:
    """Train the colour network with the modules of one of `WAYS`; ask what its channels answer to.

    Parameters
    ----------
    way : one of `WAYS`
    trained : bool
        Otherwise the first weights are asked, and nothing is trained.

    Returns
    -------
    list of dict
        A row a module: ``stage``; ``widths`` of its branches; each of `PROPERTIES` by channel, as
        text, with "nan" where it is undefined; ``test_accuracy`` and what else was measured in
        training, if there was one.
    """
    row: dict[str, Any] = {}
    if boolean(trained, "trained"):
        network, _, normalisation, row = scales.trained(
            way, "patches", recipe, 0, kinds=WAYS, seed=seed, report=report
        )
    else:
        training = scales.images("patches", "train")
        normalisation = (training.mean, training.std)
        network = fresh(lambda: colour_network(way), seed=seed)
        _calibrate(network, normalise(training.images[:1_000], normalisation))
    return [
        {
            "stage": stage,
            "widths": " ".join(str(part.stop - part.start) for part in parts.values()),
            **{name: _written(found[name]) for name in PROPERTIES},
            **row,
        }
        for (stage, parts), found in zip(
            modules(network).items(), properties(network, normalisation).values(), strict=True
        )
    ]


def _calibrate(network: Network, x: Tensor) -> None:
    """Set batch normalisation's statistics to those of these images."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(x)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    network.eval()


def _written(values: Tensor) -> str:
    return " ".join(f"{value:.3f}" for value in values.tolist())


def _settings() -> dict[str, Options]:
    rate = scales.PATCHES.plan([scales.INCEPTION])[scales.INCEPTION]["recipe"].peak_rate
    return {
        f"{way}{'' if trained else ', untrained'}": {
            "way": way,
            "trained": trained,
            "peak_rate": rate,
        }
        for trained in (True, False)
        for way in WAYS
    }


ANSWERS = Experiment(
    name="branch_answers",
    about="what the channels of each branch answer to, trained and not, with kernels exchanged",
    measure=answers_by_branch,
    options={"way": BUILT, "trained": True, "recipe": replace(scales.RECIPES["patches"], epochs=4)},
    settings=_settings,
    seeds=(0, 1, 2, 3),
    baseline=BUILT,
)


# --- What the stored rows say -----------------------------------------------------------------


def losses(rows: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the points of accuracy lost, a row for each module (or all of them), branch and seed.

    Parameters
    ----------
    rows : DataFrame, optional
        Such as `switched_off` lists, with a column ``seed``; by default those stored.

    Returns
    -------
    DataFrame
        ``group``, such as "3a" or "all modules"; ``branch``; ``seed``; ``channels``; the points
        lost with ``means`` in their place, with ``zeros``, and, where they were drawn, with the
        means of as many channels at ``random``.
    """
    rows = results(OFF.name) if rows is None else rows
    rows = rows.assign(by=rows["by"].str.removesuffix(" 0").str.removesuffix(" 1"))
    intact = rows[rows["by"] == "intact"].set_index("seed")["accuracy"]
    changed = rows[rows["by"] != "intact"]
    lost = 100 * (changed["seed"].map(intact) - changed["accuracy"])
    keys = ["stage", "branch", "seed", "channels"]
    table = changed.assign(lost=lost).pivot_table(
        index=keys, columns="by", values="lost", sort=False
    )
    table = table.rename(columns={"random means": "random"}).reset_index()
    names = {stage: stage.removeprefix("inception") for stage in table["stage"].unique()}
    table.insert(0, "group", table["stage"].map(names | {ALL: GROUP_ALL}))
    order = [*dict.fromkeys(table["group"])]
    order.sort(key=lambda group: group == GROUP_ALL)
    place = table["group"].map(order.index) * len(BRANCHES) + table["branch"].map(BRANCHES.index)
    return table.iloc[np.lexsort((table["seed"], place))].drop(columns="stage")


def told_of_losses() -> dict[str, float]:
    """Return what the text says of the stored losses, in points, means over seeds.

    In each of the first three modules, of the 3x3 branch and of as many channels at random (in the
    first, also the branch's least and most); in how many networks the draw costs more than the
    branch in the second; in the last two, of the pool; in all modules, of 3x3 and 1x1,
    with means and with zeros.
    """
    rows = losses()
    table = rows.groupby(["group", "branch"]).mean(numeric_only=True)
    first, last, every = table.loc[("3a", "3x3")], table.loc[("4b", "pool")], table.loc[GROUP_ALL]
    runs = rows[(rows["group"] == "3a") & (rows["branch"] == "3x3")]["means"]
    below = rows[(rows["branch"] == "3x3") & (rows["means"] < rows["random"])]["group"]
    return {
        "first_3x3": first["means"],
        "first_random": first["random"],
        "second_3x3": table.loc[("3b", "3x3"), "means"],
        "second_random": table.loc[("3b", "3x3"), "random"],
        "third_3x3": table.loc[("4a", "3x3"), "means"],
        "third_random": table.loc[("4a", "3x3"), "random"],
        "draw_worse": (below == "3b").sum(),
        "third_pool": table.loc[("4a", "pool"), "means"],
        "third_pool_random": table.loc[("4a", "pool"), "random"],
        "first_low": runs.min(),
        "first_high": runs.max(),
        "last_pool": last["means"],
        "last_random": last["random"],
    } | {
        f"all_{branch}{name}": every.loc[branch, by]
        for branch in ("3x3", "1x1")
        for by, name in {"means": "", "zeros": "_zeros"}.items()
    }


def told_of_classes() -> dict[str, Any]:
    """Return what the text says of the points that classes lose.

    Without the 5x5 branches: by how many the networks differ, in the median over classes; and the
    class of which they differ most, with the least (as a gain) and the most that a network loses.
    Without the 3x3 branches: how many shirts are named right, in per cent, at least, and how much
    of all else, at most.
    """
    fewest, most_else = 100.0, 0.0
    rows = results(OFF.name)
    off = rows[(rows["stage"] == ALL) & (rows["branch"] == "3x3") & (rows["by"] == "means")]
    labels = fashion_mnist("test").labels[: rows["shown"].iloc[0]]
    shown, shirt = torch.bincount(labels).numpy(), fashion_mnist("test").classes.index("Shirt")
    for text in off["right"]:
        right = np.array(text.split(), dtype=float)
        fewest = min(fewest, 100 * right[shirt] / shown[shirt])
        others = right.sum() - right[shirt], shown.sum() - shown[shirt]
        most_else = max(most_else, 100 * others[0] / others[1])
    table = by_class().query("branch == '5x5'").pivot(index="class", columns="seed", values="lost")
    low, high = table.min(axis=1), table.max(axis=1)
    most = (high - low).idxmax()
    return {
        "class_range": float((high - low).median()),
        "class_name": most,
        "class_gain": -float(low[most]),
        "class_high": float(high[most]),
        "shirts_right": fewest,
        "else_right": most_else,
    }


def by_class(stage: str = ALL, by: str = "means", rows: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the points that each class loses: a row a class, branch and seed.

    Parameters as of `losses`; `stage` is a stage's name or `ALL`.
    """
    rows = results(OFF.name) if rows is None else rows
    classes = fashion_mnist("test").classes
    shown = torch.bincount(fashion_mnist("test").labels[: rows["shown"].iloc[0]]).numpy()

    def shares(part: pd.DataFrame) -> dict[tuple[int, str], np.ndarray]:
        right = part["right"].map(lambda text: np.array(text.split(), dtype=float) / shown)
        return dict(zip(zip(part["seed"], part["branch"], strict=True), right, strict=True))

    intact = {seed: share for (seed, _), share in shares(rows[rows["by"] == "intact"]).items()}
    off = shares(rows[(rows["stage"] == stage) & (rows["by"] == by)])
    return pd.DataFrame(
        [
            {"class": name, "branch": branch, "seed": seed, "lost": points}
            for (seed, branch), share in off.items()
            for name, points in zip(classes, 100 * (intact[seed] - share), strict=True)
        ]
    )


def _ranks(setting: str, stage: str, of: str) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Return seed -> the ranks, 0..1, of the channels where a property is defined; their branch."""
    rows = results(ANSWERS.name)
    rows = rows[(rows["setting"] == setting) & (rows["stage"] == stage)]
    found = {}
    for seed, widths_, written in zip(rows["seed"], rows["widths"], rows[of], strict=True):
        values = np.array(written.split(), dtype=float)
        branch = np.repeat(range(len(BRANCHES)), [int(width) for width in widths_.split()])
        defined = ~np.isnan(values)
        ranks = pd.Series(values[defined]).rank().to_numpy()
        found[int(seed)] = ((ranks - 1) / (len(ranks) - 1), branch[defined])
    return found


@cache
def mean_ranks(*settings: str) -> pd.DataFrame:
    """Return the mean rank of each branch's channels, by setting, stage, property and seed.

    Columns ``setting``, ``stage``, ``property``, ``branch``, ``seed``, ``channels`` (where the
    property is defined) and ``rank``, 0..1. Without `settings`, all that are stored.
    """
    stored = results(ANSWERS.name)
    found = []
    for setting, stage, of in product(
        settings or stored["setting"].unique(), stored["stage"].unique(), PROPERTIES
    ):
        for seed, (ranks, branch) in _ranks(setting, stage, of).items():
            found += [
                {
                    "setting": setting,
                    "stage": stage,
                    "property": of,
                    "branch": name,
                    "seed": seed,
                    "channels": int((branch == number).sum()),
                    "rank": float(ranks[branch == number].mean()),
                }
                for number, name in enumerate(BRANCHES)
                if (branch == number).any()
            ]
    return pd.DataFrame(found)


@cache
def shuffled_labels(setting: str, shuffles: int = 10_000) -> pd.DataFrame:
    """Test each property in each module against shuffled labels; see the head of this file.

    Returns
    -------
    DataFrame
        A row a test: ``stage``, ``property``, ``p`` and ``holm``, which is corrected for all tests
        of the setting; ``seeds``; ``first``, the branch whose mean rank is highest in the mean over
        seeds, and ``in``, the number of seeds in which it is.
    """
    random = np.random.default_rng(0)
    found = []
    for stage, of in product(results(ANSWERS.name)["stage"].unique(), PROPERTIES):
        seeds = _ranks(setting, stage, of)
        own, drawn = 0.0, np.zeros(shuffles)
        for ranks, branch in seeds.values():
            own += _spread(ranks[None], branch)[0]
            drawn += _spread(random.permuted(np.tile(ranks, (shuffles, 1)), axis=1), branch)
        means = mean_ranks(setting)
        means = means[(means["stage"] == stage) & (means["property"] == of)]
        table = means.pivot(index="branch", columns="seed", values="rank").loc[
            lambda t: [name for name in BRANCHES if name in t.index]
        ]
        first = table.mean(axis=1).idxmax()
        found.append(
            {
                "stage": stage,
                "property": of,
                "p": (1 + int((drawn >= own - 1e-12).sum())) / (1 + shuffles),
                "seeds": len(seeds),
                "first": first,
                "in": int((table.idxmax() == first).sum()),
            }
        )
    tests = pd.DataFrame(found)
    tests.insert(3, "holm", holm(tests["p"].to_numpy()))
    return tests


def found_if(kind: int, *, level: float, repeats: int = 1_000) -> tuple[float, float]:
    """Return the mean rank and the power of the test if a branch had so many channels of a kind.

    That is: if the 5x5 branch of module 3a, as built, held the `kind` channels that rank highest,
    in each of the stored networks, and all others lay at random.

    Parameters
    ----------
    kind : int
        From 0 to the channels of the branch.
    level : float
        The largest share of shufflings with which the test passes, below 1.
    repeats : int
        How many experiments are simulated, and how many shufflings they are held against.

    Returns
    -------
    (float, float)
        The expected mean rank of the branch, and the share of experiments that pass.

    Raises
    ------
    TypeError, ValueError
        More channels of the kind than the branch has, or fewer than none; a level that is no share;
        no repeat.
    """
    parts = modules(colour_network(BUILT))["inception3a"]
    own, channels = parts["5x5"], parts["pool"].stop
    width = own.stop - own.start
    kind = integer(kind, "kind", least=0, most=width, hint=", the branch's channels")
    level, repeats = non_negative(level, "level", below=1), positive_int(repeats, "repeats")
    branch = np.repeat(range(len(BRANCHES)), [part.stop - part.start for part in parts.values()])
    ranks = np.linspace(0, 1, channels)
    low, high = ranks[: channels - kind], ranks[channels - kind :]
    seeds, random = results(ANSWERS.name)["seed"].nunique(), np.random.default_rng(2)
    real, drawn = np.zeros(repeats), np.zeros(10 * repeats)
    for _ in range(seeds):
        rest = random.permuted(np.tile(low, (repeats, 1)), axis=1)
        top = np.tile(high, (repeats, 1))
        real += _spread(np.hstack([rest[:, : own.start], top, rest[:, own.start :]]), branch)
        drawn += _spread(random.permuted(np.tile(ranks, (10 * repeats, 1)), axis=1), branch)
    mean = (high.sum() + (width - kind) * low.mean()) / width
    return float(mean), float((real > np.quantile(drawn, 1 - level)).mean())


def grouped(settings: tuple[str, str], groups: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Return mean ranks as `utils.plots.by_branch` takes them, of two settings side by side.

    Parameters
    ----------
    settings : (str, str)
        Each becomes a column.
    groups : dict
        Title -> (stage, property).

    Returns
    -------
    DataFrame
        ``group``, ``branch``, which is named by its kernel, ``seed``, and the two settings.
    """
    ranks = mean_ranks().pivot_table(
        index=["stage", "property", "branch", "seed"], columns="setting", values="rank"
    )
    parts = {title: ranks.loc[key, list(settings)] for title, key in groups.items()}
    return pd.concat(parts, names=["group"]).reset_index()


def of_3a() -> pd.DataFrame:
    """Return the mean ranks of module 3a, as built, trained and untrained: a group a property."""
    groups = {of: ("inception3a", of) for of in PROPERTIES}
    return grouped((BUILT, f"{BUILT}, untrained"), groups)


def passing(level: float = 0.05) -> pd.DataFrame:
    """Return the mean ranks, as built and with exchanged kernels, wherever one of the two passes.

    A group's title says which.
    """
    groups = {}
    for way in (BUILT, EXCHANGED):
        tests = shuffled_labels(way)
        for stage, of in tests.loc[tests["holm"] < level, ["stage", "property"]].to_numpy():
            groups[f"{stage[-2:]}, {of}: passes {way}"] = (stage, of)
    return grouped((BUILT, EXCHANGED), groups)


def verdicts(setting: str, level: float = 0.05) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the shares of shufflings of a setting, and which pass: a row a property, by module."""
    found = shuffled_labels(setting)
    table = found.assign(module=found["stage"].str[-2:], passes=found["holm"] < level).pivot(
        index="property", columns="module"
    )
    return table["p"].loc[list(PROPERTIES)], table["passes"].loc[list(PROPERTIES)].astype(bool)


def _spread(ranks: np.ndarray, branch: np.ndarray) -> np.ndarray:
    """Return the sum over branches of channels · (mean rank - 1/2)²: (shuffles, C) -> (shuffles,).

    `branch` is in ascending order.
    """
    total = np.zeros(len(ranks))
    for number in np.unique(branch):
        own = ranks[:, branch == number]
        total += own.shape[1] * (own.mean(axis=1) - 0.5) ** 2
    return total


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values corrected for their number, by Holm's method (1979)."""
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1)
    return corrected
