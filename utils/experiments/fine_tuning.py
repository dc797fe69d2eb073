"""Your own classes from a few pictures: a new head, some layers, all layers, or from scratch.

The design, written down before the runs:

**Question.** A network that knows five kinds of clothes is to learn five others from 1, 3, 10, 30
or 100 labelled images of each. How much is what it knows already worth, and how much of it should
be allowed to change?

**Classes.** Fashion-MNIST's ten are split by their numbers, so that nobody can have picked the
split with the nicest result. `EVEN`: the new classes are those with even numbers, T-shirt,
Pullover, Coat, Shirt and Bag, four of which look alike; the old ones are trousers, dresses and
three kinds of shoes. (`ODD` is the other way round.)

**Arms.** `SCRATCH`: a fresh network. `HEAD`: a new linear layer on the frozen rest, whose features
are computed once. `LAST`: the same, with the last two modules free as well. `ALL`: every layer is
free. `BY_LAYER`: so, too, but every stage has a lower rate than the one above it, by the factor 2.6
of Howard and Ruder (2018).

**Held equal.** The micro network, trained on the 5,000 shipped images of the old classes, three
times over. Then 100 steps of stochastic gradient descent in one cycle, with at most 32 images a
step (of 1 or 3 labels a class, with all of them), without augmentation, smoothed labels or weight
decay. A seed trains a network on the old classes, draws the labelled images among the first 800 of
each new class, and draws the order of the images; all arms share all of it. (The head was to begin
afresh; in the runs that are stored it began with the old classes' weights, see `start`.)
A draw of 10 labels holds the draw of 3.

**Rates.** For each arm, the best of a row on held-out images (the last 200 training images of each
new class of `EVEN`), in the mean over three seeds, once with 3 labels a class, used for 1 and 3,
and once with 30, used for 10, 30 and 100; a row is widened until the best has a worse one on either
side. (A first look with one seed, on held-out images of `EVEN` with
3 and 30 labels, showed how long a run takes and where the rows should lie.)

**What decides.** Three other seeds, those that were done when the time for computing gave out (five
were planned); 200 test
images of each new class; differences of arms, paired by seed. An interval is Student's, of 95%: it
covers the draw of the labelled images, the network's own training and the order, and no other test
images or classes. What could go either way: whether old classes help at all with so different new
ones; whether all layers beat the head, and from how many labels on; whether from scratch catches
up.

**Similarity.** With 100 labels, linear CKA (Kornblith et al. 2019) between the maps of the
network before and after, stage by stage, on 500 test images of the new classes. `UNTRAINED`, a
network with random weights, says how much of it is to be had for nothing.

**A check.** `EVEN` from scratch with 100 labels, four times as many steps: whether it was only
stopped too early.

**Slips.** Six ways to go wrong, with 10 labels a class, each against the same training
without the slip, same seeds: see `SLIPS`.

**Given up.** Augmentation, which can be had with a frozen trunk only by computing features again;
larger networks; rates of their own for each number of labels;
the same with the roles of old and new classes exchanged, which was planned, for want of computing
time.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from ..activations import features, stages
from ..data import LabelledImages, fashion_mnist, results
from ..googlenet import GoogLeNet, micro_googlenet
from ..support.checks import one_of
from ..support.modes import in_evaluation
from ..support.statistics import interval
from ..support.telling import Estimate, points
from ..training import DivergedError, Recipe, evaluate, train
from ..training.batches import normalise
from ..training.recipe import seed_for
from .harness import Experiment, Options, Report, silent
from .measures import fresh
from .rates import chosen

SCRATCH, HEAD, LAST, ALL, BY_LAYER = ARMS = (
    "from scratch",
    "new head",
    "last two modules",
    "all layers",
    "all, rate by layer",
)
UNTRAINED = "untrained"

EVEN, ODD = TASKS = ("even", "odd")
NUMBERS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {EVEN: (0, 2, 4, 6, 8), ODD: (1, 3, 5, 7, 9)}
)

LABELS = (1, 3, 10, 30, 100)
STEPS, BATCH = 100, 32
SEEDS = (3, 4, 7)
DRAWN_FROM, TESTED, COMPARED, SHOWN = 800, 200, 100, 4  # images a class
FACTOR = 2.6  # of the rates of neighbouring stages

PRETRAINING = Recipe(epochs=3, peak_rate=0.8, precision="float32")


# --- Data and networks ------------------------------------------------------------------------


def of_classes(data: LabelledImages, numbers: tuple[int, ...]) -> LabelledImages:
    """Return the images of some classes, in their order, under new labels 0, 1, 2, ..."""
    place = torch.full((len(data.classes),), -1)
    place[list(numbers)] = torch.arange(len(numbers))
    labels = place[data.labels]
    names = tuple(data.classes[number] for number in numbers)
    return LabelledImages(data.images[labels >= 0], labels[labels >= 0], names, data.name)


def of_each(data: LabelledImages, part: slice) -> LabelledImages:
    """Return some of the images of each class, by their places among those of the class."""
    places = [(data.labels == label).nonzero()[:, 0][part] for label in range(len(data.classes))]
    return data[torch.cat(places)]


def old_classes(task: str) -> LabelledImages:
    """Return the training images of the classes that the network knows already."""
    one_of(task, TASKS, "task")
    return of_classes(fashion_mnist("train"), NUMBERS[ODD if task == EVEN else EVEN])


def new_classes(task: str, split: str = "train") -> LabelledImages:
    """Return the images of the classes that it is to learn, labelled 0 to 4."""
    one_of(task, TASKS, "task")
    return of_classes(fashion_mnist(split), NUMBERS[task])


def drawn(task: str, labels: int, *, seed: int) -> LabelledImages:
    """Draw so many labelled images of each new class; a smaller draw is part of a larger one."""
    data = new_classes(task)
    places = []
    for label in range(len(data.classes)):
        random = torch.Generator().manual_seed(seed_for("labelled", seed, label))
        order = torch.randperm(DRAWN_FROM, generator=random)[:labels]
        places.append((data.labels == label).nonzero()[:, 0][order])
    return data[torch.cat(places)]


@cache
def _knowing(task: str, seed: int) -> dict[str, Tensor]:
    old = old_classes(task)
    network = fresh(partial(micro_googlenet, len(old.classes), in_channels=1), seed=seed)
    train(network, old, recipe=replace(PRETRAINING, seed=seed), report=silent)
    return network.state_dict()


def knowing(task: str, *, seed: int) -> GoogLeNet:
    """Return a network that has been trained on the old classes; a process trains it once."""
    network = micro_googlenet(len(NUMBERS[task]), in_channels=1)
    network.load_state_dict(_knowing(task, seed))
    return network.eval()


def start(arm: str, task: str, *, seed: int) -> GoogLeNet:
    """Return the network with which an arm begins, and what may change free.

    Its head begins with the weights for the five old classes, as in the runs that are stored. That
    was not meant: the head should have begun afresh. It is to be mended, and the runs repeated.

    What may not is frozen, and in evaluation mode, so that batch normalisation keeps its statistics
    too.
    """
    one_of(arm, (*ARMS, UNTRAINED), "arm")
    network = fresh(partial(micro_googlenet, len(NUMBERS[task]), in_channels=1), seed=seed)
    if arm in (SCRATCH, UNTRAINED):
        return network
    network.load_state_dict(_knowing(task, seed))
    for part in network.children():
        if arm in (HEAD, LAST) and part is not network.fc:
            freeze(part)
    if arm == LAST:
        for name in ("inception4a", "inception4b"):
            network.get_submodule(name).train().requires_grad_(True)
    if arm == BY_LAYER:
        slow_down(network, FACTOR)
    return network


def freeze(part: nn.Module) -> None:
    """Keep a part as it is: no gradients, and batch normalisation's statistics stay."""
    part.eval().requires_grad_(False)


def slow_down(network: GoogLeNet, factor: float) -> None:
    """Give each stage a rate that is lower than that of the stage above by a factor.

    Gradients are divided, which for stochastic gradient descent with momentum, and without weight
    decay, is the same as rates of their own: `train` has one rate.
    """
    parts = [list(network.get_submodule(name).parameters()) for name in stages(network)]
    for depth, parameters in enumerate(
        reversed([own for own in parts if own]), 1
    ):  # pools have none
        for parameter in parameters:
            parameter.register_hook(partial(torch.mul, torch.tensor(factor**-depth)))


# --- Learning ---------------------------------------------------------------------------------


def recipe_of(labels: int, *, rate: float, steps: int = STEPS, classes: int = 5) -> Recipe:
    """Return the recipe for so many labels of each class."""
    batch = min(BATCH, classes * labels)
    return Recipe(
        epochs=steps,  # more than are needed
        batch_size=batch,
        max_images=steps * batch,
        peak_rate=rate,
        weight_decay=0.0,
        label_smoothing=0.0,
        crop=0,
        flip=False,
        precision="float32",
    )


@dataclass(frozen=True)
class MapBatches:
    """Maps that a frozen part has computed once, (N, C, H, W), in the place of `Batches`."""

    maps: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    recipe: Recipe
    normalisation: tuple[float, float] = (0.0, 1.0)

    def __len__(self) -> int:
        """Count the steps of an epoch."""
        return len(self.labels) // self.recipe.batch_size

    @property
    def description(self) -> dict[str, Any]:
        """What the batches are made of."""
        return {"maps": list(self.maps.shape)}

    def epoch(
        self, number: int, start: int = 0, rank: int = 0, world: int = 1
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield maps and labels in the order in which `Batches` yields images."""
        size = self.recipe.batch_size
        random = torch.Generator().manual_seed(seed_for("order", self.recipe.seed, number))
        order = torch.randperm(len(self.labels), generator=random)
        for step in range(start, len(self)):
            chosen = order[step * size :][:size]
            yield self.maps[chosen], self.labels[chosen]


def learn(
    network: GoogLeNet, images: LabelledImages, recipe: Recipe, *, normalisation: Any
) -> None:
    """Train what is free in a network; what comes out of the frozen layers below is computed once.

    Raises
    ------
    DivergedError
        As `train`.
    """
    names = stages(network)
    free = [name for name in names if _is_free(network.get_submodule(name))]
    below = names[: names.index(free[0])] if free else names
    if not below:
        train(network, images, recipe=recipe, normalisation=normalisation, report=silent)
        return
    with torch.no_grad():
        maps = normalise(images.images, normalisation)
        for name in below:
            maps = network.get_submodule(name)(maps)
        if not free:
            maps = network.avgpool(maps)  # of an average, the average is the same again
    above = [network.get_submodule(name) for name in names[len(below) :]]
    rest = nn.Sequential(*above, network.avgpool, nn.Flatten(), network.dropout, network.fc)
    batches: Any = MapBatches(maps, images.labels, images.classes, recipe)
    train(rest, batches, report=silent)


def _is_free(part: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in part.parameters())


def similarity(one: Tensor, other: Tensor) -> float:
    """Return the linear CKA of two sets of maps of the same images, (N, ...) each: 0 to 1.

    References
    ----------
    Kornblith et al. (2019), Similarity of neural network representations revisited,
    arXiv:1905.00414.
    """
    grams = []
    for maps in (one, other):
        flat = maps.flatten(1).double()
        flat = flat - flat.mean(0)
        grams.append(flat @ flat.T)
    a, b = grams
    return float((a * b).sum() / (a.norm() * b.norm()))


def similarities(network: GoogLeNet, before: GoogLeNet, images: Tensor) -> dict[str, float]:
    """Compare two networks stage by stage, pools left out, on normalised images (N, C, H, W)."""
    names = [name for name in stages(network) if not name.startswith("maxpool")]
    with torch.no_grad(), in_evaluation(network), in_evaluation(before):
        now, then = (features(each, images, names) for each in (network, before))
    return {f"cka_{name}": similarity(now[name], then[name]) for name in names}


# --- A run ------------------------------------------------------------------------------------

NONE = "none"
DRIFT, HOT_HEAD, HOT_LAYERS, FOREIGN, NO_EVAL, PAIRS = SLIPS = (
    "frozen weights, but in training mode",
    "a head with 100 times the rate",
    "all layers at the head's rate",
    "ImageNet's mean and std",
    "no eval() in use, one picture at a time",
    "two images a step",
)
GREY_IMAGENET = (0.449, 0.226)  # the means of ImageNet's three means and stds


def tune(
    *,
    arm: str,
    task: str,
    labels: int,
    peak_rate: float,
    steps: int,
    slip: str,
    held_out: bool,
    seed: int,
    report: Report,
) -> dict[str, Any]:
    """Teach a network new classes from a few labelled images of each, and test it.

    Parameters
    ----------
    arm : one of `ARMS`, or `UNTRAINED`
    task : one of `TASKS`
    labels, steps : int
        Labelled images of each class; steps of at most `BATCH` of them.
    peak_rate : float
    slip : `NONE`, or one of `SLIPS`
    held_out : bool
        Test on training images that are never drawn, and not on test images.

    Returns
    -------
    dict
        ``accuracy``, on ``tested`` images; ``taken``, how many images of each class, row by row,
        were taken for each class; ``named``, a digit for each of the first `SHOWN` test images of
        each class; ``train_accuracy``, on the labelled images; ``diverged``; ``free``, the
        parameters that could change; ``moved``, by how much the means that the first batch
        normalisation keeps have moved, in its standard deviations; ``cka_...``, the similarity of
        each stage's maps to those of the network before, where there are 100 labels, else NaN.
    """
    one_of(slip, (NONE, *SLIPS), "slip")
    old = old_classes(task)
    usual = (old.mean, old.std)
    normalisation = GREY_IMAGENET if slip == FOREIGN else usual
    images = drawn(task, labels, seed=seed)
    network = start(arm, task, seed=seed)
    free = sum(p.numel() for p in network.parameters() if p.requires_grad)
    recipe = replace(recipe_of(labels, rate=peak_rate, steps=steps), seed=seed)
    averages: Any = network.get_submodule("conv1.bn")
    first = averages.running_mean.clone(), averages.running_var.sqrt()
    if slip == PAIRS:
        recipe = replace(recipe, batch_size=2, peak_rate=peak_rate * 2 / recipe.batch_size)
    diverged = False
    if arm != UNTRAINED:
        try:
            if slip == DRIFT:
                network.train()
                train(network, images, recipe=recipe, normalisation=normalisation, report=silent)
            else:
                learn(network, images, recipe, normalisation=normalisation)
        except DivergedError as error:
            report(str(error))
            diverged = True
    if held_out:
        test = of_each(new_classes(task), slice(DRAWN_FROM, None))
    else:
        test = of_each(new_classes(task, "test"), slice(TESTED))
    scores = _scores(network, test, normalisation, alone=slip == NO_EVAL)
    said, classes = scores.argmax(1), len(test.classes)
    taken = torch.bincount(test.labels * classes + said, minlength=classes**2)
    place = torch.arange(len(test)) % (len(test) // classes)  # class by class
    names = [name for name in stages(network) if not name.startswith("maxpool")]
    alike = {f"cka_{name}": math.nan for name in names}
    if labels == max(LABELS) or arm == UNTRAINED:
        seen = normalise(test.images[place < COMPARED], usual)
        alike = similarities(network, knowing(task, seed=seed), seen)
    return {
        "accuracy": float((said == test.labels).double().mean()),
        "tested": len(test),
        "taken": " ".join(map(str, taken.tolist())),
        "named": "n" + "".join(map(str, said[place < SHOWN].tolist())),
        "train_accuracy": evaluate(network, images, normalisation=normalisation).accuracy,
        "diverged": diverged,
        "free": free,
        "moved": float(((averages.running_mean - first[0]) / first[1]).abs().mean()),
    } | {name: round(value, 4) for name, value in alike.items()}


@torch.no_grad()
def _scores(network: GoogLeNet, test: LabelledImages, normalisation: Any, *, alone: bool) -> Tensor:
    """Return scores (N, classes), in evaluation; or in training mode, image by image."""
    if not alone:
        found = evaluate(network, test, normalisation=normalisation, logits=True).logits
        assert found is not None  # asked for
        return found
    network.train()
    return torch.cat([network(x[None]) for x in normalise(test.images, normalisation)])


# --- Experiments ------------------------------------------------------------------------------

CHOSEN_WITH = {1: 3, 3: 3, 10: 30, 30: 30, 100: 30}  # labels -> with which the rate is chosen

#: The rates that are tried.
GRID: Mapping[tuple[str, int], tuple[float, ...]] = MappingProxyType(
    {
        (SCRATCH, 3): (1.6, 0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.0125),
        (HEAD, 3): (25.6, 6.4, 1.6, 0.4, 0.1, 0.025, 0.00625),
        (LAST, 3): (1.6, 0.8, 0.4, 0.2, 0.1, 0.05),
        (ALL, 3): (0.8, 0.4, 0.2, 0.1, 0.05),
        (BY_LAYER, 3): (3.2, 1.6, 0.8, 0.4, 0.2, 0.1, 0.05),
        (SCRATCH, 30): (1.6, 0.8, 0.4, 0.2, 0.1, 0.05),
        (HEAD, 30): (25.6, 6.4, 1.6, 0.4, 0.1),
        (LAST, 30): (3.2, 1.6, 0.8, 0.4, 0.2, 0.1, 0.05),
        (ALL, 30): (1.6, 0.8, 0.4, 0.2, 0.1, 0.05),
        (BY_LAYER, 30): (3.2, 1.6, 0.8, 0.4, 0.2),
    }
)

_OPTIONS: Options = {
    "arm": HEAD,
    "task": EVEN,
    "labels": 10,
    "peak_rate": 0.1,
    "steps": STEPS,
    "slip": NONE,
    "held_out": False,
}


def _at(case: tuple[str, int], rate: float) -> str:
    return f"{case[0]}, {case[1]} labels, rate {rate:g}"


TUNING_RATES = Experiment(
    name="tuning_rates",
    about="which learning rate suits a new head, some layers, all layers, and a fresh network",
    measure=tune,
    options={**_OPTIONS, "held_out": True},
    settings={
        _at((arm, labels), rate): {"arm": arm, "labels": labels, "peak_rate": rate}
        for (arm, labels), rates in GRID.items()
        for rate in rates
    },
)


def chosen_rates() -> dict[tuple[str, int], float]:
    """Return the rate that was best on held-out images: (arm, labels a class) -> rate.

    Raises
    ------
    ResultsError
        `TUNING_RATES` has not been run to its end.
    """
    found = chosen(TUNING_RATES, GRID, _at, by="accuracy")
    return {(arm, n): found[arm, at] for arm in ARMS for n, at in CHOSEN_WITH.items()}


def _name(arm: str, labels: int) -> str:
    return f"{EVEN}, {labels} labels, {arm}"


def _settings() -> dict[str, Options]:
    rates = chosen_rates()
    settings: dict[str, Options] = {
        _name(arm, labels): {"arm": arm, "labels": labels, "peak_rate": rates[arm, labels]}
        for labels in LABELS
        for arm in ARMS
    }
    longer: Options = {
        "arm": SCRATCH,
        "labels": 100,
        "peak_rate": rates[SCRATCH, 100],
        "steps": 4 * STEPS,
    }
    untrained: Options = {"arm": UNTRAINED, "labels": 1}
    return settings | {
        f"{EVEN}, {UNTRAINED}": untrained,
        f"{_name(SCRATCH, 100)}, longer": longer,
    }


TUNING = Experiment(
    name="tuning",
    about="new classes from 1 to 100 labels each: a new head, some layers, all, or from scratch",
    measure=tune,
    options=_OPTIONS,
    settings=_settings,
    seeds=SEEDS,
)


def _slips() -> dict[str, Options]:
    rates = chosen_rates()
    head, layers = rates[HEAD, 10], rates[ALL, 10]
    return {
        HEAD: {"peak_rate": head},
        DRIFT: {"peak_rate": head, "slip": DRIFT},
        HOT_HEAD: {"peak_rate": 100 * head, "slip": HOT_HEAD},
        FOREIGN: {"peak_rate": head, "slip": FOREIGN},
        ALL: {"arm": ALL, "peak_rate": layers},
        HOT_LAYERS: {"arm": ALL, "peak_rate": head, "slip": HOT_LAYERS},
        NO_EVAL: {"arm": ALL, "peak_rate": layers, "slip": NO_EVAL},
        PAIRS: {"arm": ALL, "peak_rate": layers, "slip": PAIRS},
    }


TUNING_SLIPS = Experiment(
    name="tuning_slips",
    about="what slips cost when a network is taught new classes",
    measure=tune,
    options=_OPTIONS,
    settings=_slips,
    seeds=SEEDS,
)


# --- What the stored rows say -----------------------------------------------------------------


def rows() -> pd.DataFrame:
    """Return the stored rows of all runs of `STEPS` steps."""
    found = results(TUNING.name)
    return found[found["steps"] == STEPS]


def learned() -> dict[str, dict[int, dict[str, Any]]]:
    """Return arm -> labels a class -> what the runs came to.

    Returns
    -------
    dict
        ``mean``, the share of test images named rightly, with the ends ``low`` and ``high`` of its
        95% interval; ``named``, for each run a text with a digit for each of `garments`.
    """
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for (arm, labels), own in rows().groupby(["arm", "labels"]):
        low, high = interval(own["accuracy"])
        found.setdefault(arm, {})[labels] = {
            "mean": round(own["accuracy"].mean(), 4),
            "low": round(low, 4),
            "high": round(high, 4),
            "named": [digits.removeprefix("n") for digits in own["named"]],
        }
    return found


def garments() -> LabelledImages:
    """Return the test images whose names are kept: the first `SHOWN` of each new class."""
    return of_each(new_classes(EVEN, "test"), slice(SHOWN))


def gained(arm: str, against: str, labels: int) -> Estimate:
    """Return by how many points an arm is above another, seed by seed, and the 95% interval."""
    own = rows()
    own = own[own["labels"] == labels]
    return points(own.assign(setting=own["arm"]), arm, against, "accuracy")


def longer() -> Estimate:
    """Return what four times as many steps bring from scratch, with 100 labels, in points."""
    at = _name(SCRATCH, 100)
    return points(results(TUNING.name), f"{at}, longer", at, "accuracy")


def alike() -> dict[str, dict[str, float]]:
    """Return arm -> stage -> how alike its maps are to those of the network before: the mean CKA.

    The arms have seen 100 labels a class; beside them, `UNTRAINED`.
    """
    own = rows()
    own = own[(own["labels"] == max(LABELS)) | (own["arm"] == UNTRAINED)]
    columns = [name for name in own.columns if name.startswith("cka_")]
    means = own.groupby("arm")[columns].mean()
    means.columns = [name.removeprefix("cka_").removeprefix("inception") for name in columns]
    return {arm: means.loc[arm].to_dict() for arm in (ALL, BY_LAYER, SCRATCH, UNTRAINED)}


#: Which training each slip is compared with.
WITHOUT: Mapping[str, str] = MappingProxyType(
    dict.fromkeys((DRIFT, HOT_HEAD, FOREIGN), HEAD)
    | dict.fromkeys((HOT_LAYERS, NO_EVAL, PAIRS), ALL)
)


def costs_of_slips() -> dict[str, Estimate]:
    """Return slip -> the points that it costs against the same training without it."""
    found = results(TUNING_SLIPS.name)
    return {slip: -points(found, slip, usual, "accuracy") for slip, usual in WITHOUT.items()}


def told_points() -> dict[str, Estimate]:
    """Return what the page tells in points: differences of arms, paired by seed."""
    pairs = {
        "lead_1": (HEAD, SCRATCH, 1),
        "lead_3": (HEAD, SCRATCH, 3),
        "head_all_1": (HEAD, ALL, 1),
        "all_head_3": (ALL, HEAD, 3),
        "last_head_30": (LAST, HEAD, 30),
        "scratch_head_100": (SCRATCH, HEAD, 100),
        "scratch_last_100": (SCRATCH, LAST, 100),
        "scratch_all_100": (SCRATCH, ALL, 100),
        "layer_all_3": (BY_LAYER, ALL, 3),
        "layer_all_30": (BY_LAYER, ALL, 30),
    }
    return {name: gained(*pair) for name, pair in pairs.items()} | {"longer": longer()}


def told_shares() -> dict[str, float]:
    """Return what the page tells in shares of test images: means with three labels a class."""
    found = learned()
    names = {"scratch": SCRATCH, "head": HEAD, "all": ALL}
    return {f"{name}_3": found[arm][3]["mean"] for name, arm in names.items()}


def told_alike() -> dict[str, float]:
    """Return what the page tells of `alike`: its first and its last stage."""
    found = alike()
    names = {"all": ALL, "layer": BY_LAYER, "scratch": SCRATCH, "none": UNTRAINED}
    return {
        f"alike_{name}_{which}": list(found[arm].values())[place]
        for name, arm in names.items()
        for which, place in (("first", 0), ("last", -1))
    }


def told_slips() -> dict[str, Estimate]:
    """Return what the page tells of `costs_of_slips`, in points that are lost."""
    names = ("drift", "hot_head", "foreign", "hot_layers", "no_eval", "pairs")
    return {
        f"lost_{name}": cost for name, cost in zip(names, costs_of_slips().values(), strict=True)
    }
