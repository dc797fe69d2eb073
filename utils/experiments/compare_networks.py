"""Which network would you pick: what published networks cost, and how sure a difference is.

The design, written down before the runs:

**Time.** Six networks of torchvision name one photograph of 224×224, one image at a time, on one
thread of the CPU, with random weights: what a multiply-add takes does not depend on its numbers, as
long as these are neither 0 nor next to it. In each of nine rounds all six take their turn, in an
order drawn anew, so that what disturbs the machine disturbs all alike; one round before them does
not count. A run keeps each network's median and quartiles; what is compared is its ratio to
GoogLeNet's median in the same run. What could go either way: whether the order by time is that by
multiply-adds. Both layouts of memory are timed, since the answer may depend on that.

**Answers.** Three networks of one size, trained on the same clothes with one recipe, name all
10,000 test images; so does the mean of their probabilities. Each two of the three are compared by
McNemar's exact test, two-sided; of three tests, the smallest p-value has to be below 0.05 / 3, the
next below 0.05 / 2 (Holm). What could go either way: whether 10,000 images tell the networks apart.
(That the three together are set beside each of them by the same three tests was added when the
answers were known.)

**Disturbed images.** The first 2,000 test images with noise, blurred, with less contrast and moved,
each at four strengths, from one that is hardly seen to one that is hard for a person, too. All
three networks get the same disturbed images, rounded to bytes as a camera would give them. At each
strength each two networks are compared by the same test, 48 tests in all, again with Holm's rule.
What could go either way: whether one network keeps more of its accuracy under all four.

**How sure they are of these** was added when it was known which they name rightly, and before it
was known how surely: with each answer its probability. On clean images all three are right more
often than they are sure. What could go either way: whether they stay so modest where they are right
less often, and whether the same network is the most modest everywhere. Means only, no tests.

What none of it can say: what other trainings of the same networks would do. One training of each
is shipped; for the spread of trainings there are three of each in ``checkpoints``, accuracies only.
"""

import base64
import math
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from functools import cache, partial
from itertools import combinations
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.stats import binomtest
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import get_model, get_model_weights
from torchvision.transforms.v2 import functional as vision

from ..accounting import account
from ..data import fashion_mnist, middle, photograph, results, to_tensor
from ..pretrained import load
from ..support.checks import one_of
from ..support.telling import Estimate, between, spread
from .classify_images import CLOTHES
from .harness import Experiment, Report
from .measures import fresh, packed, right_of

# --- Published networks -----------------------------------------------------------------------

#: Network, and which of its weights -> torchvision's names of both.
PUBLISHED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "AlexNet": ("alexnet", "IMAGENET1K_V1"),
        "VGG16": ("vgg16", "IMAGENET1K_V1"),
        "GoogLeNet": ("googlenet", "IMAGENET1K_V1"),
        "ResNet-50": ("resnet50", "IMAGENET1K_V1"),
        "ResNet-50, new": ("resnet50", "IMAGENET1K_V2"),
        "MobileNetV3": ("mobilenet_v3_large", "IMAGENET1K_V1"),
        "MobileNetV3, new": ("mobilenet_v3_large", "IMAGENET1K_V2"),
        "ConvNeXt-Tiny": ("convnext_tiny", "IMAGENET1K_V1"),
    }
)
OLDER, NEW = "older", "new"  # recipes


def build(model: str) -> nn.Module:
    """Build a network of torchvision with random weights, ready to answer."""
    options = {"init_weights": False, "aux_logits": False} if model == "googlenet" else {}
    return get_model(model, weights=None, **options).eval()


@cache
def _published() -> pd.DataFrame:
    rows = {}
    for name, (model, which) in PUBLISHED.items():
        weights = get_model_weights(model)[which]
        size = weights.transforms().crop_size[0]
        with torch.device("meta"):
            counted = account(build(model), (3, size, size))
        metrics = weights.meta["_metrics"]["ImageNet-1K"]  # its validation images, one crop of each
        rows[name] = {
            "model": model,
            "recipe": NEW if "new training recipe" in weights.meta["_docs"] else OLDER,
            "size": size,
            "shrunk": weights.transforms().resize_size[0],
            "parameters": counted.parameters,
            "macs": counted.macs,
            "activation_bytes": counted.activation_bytes,
            "top1": metrics["acc@1"] / 100,
            "top5": metrics["acc@5"] / 100,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def published() -> pd.DataFrame:
    """Return what published networks cost, counted here, and how often they are right.

    Returns
    -------
    DataFrame
        Indexed as `PUBLISHED`: torchvision's name of the ``model``; the ``recipe`` of its weights,
        `OLDER` or `NEW`, torchvision's recipe of 2021; the ``size`` of its input, in pixels, and to
        how many the shorter side of an image is ``shrunk`` before its middle is cut out;
        ``parameters``, and for one image ``macs`` and ``activation_bytes``; ``top1`` and ``top5``,
        the accuracies in 0..1 that the weights' own card gives, on one crop of each of ImageNet's
        validation images.
    """
    return _published().copy()


#: A price -> what it is called. Times are those of one image over GoogLeNet's.
PRICES = MappingProxyType(
    {
        "parameters": "parameters",
        "macs": "multiply-adds",
        "activation_bytes": "memory written for maps",
        "time": "time, channels first",
    }
)


def beaten_by(name: str) -> dict[str, list[str]]:
    """Return each of `PRICES` -> who beats a published network there and in ``top1``."""
    table = _published().assign(time=lambda t: t["model"].map(lambda m: times()[m].mean))
    own = table.loc[name]
    found = {}
    for price in PRICES:
        no_worse = (table[price] <= own[price]) & (table["top1"] >= own["top1"])
        better = (table[price] < own[price]) | (table["top1"] > own["top1"])
        found[price] = list(table.index[no_worse & better])
    return found


def costs_less(name: str, other: str, costs: Sequence[str] = ("parameters", "macs")) -> list[str]:
    """Return by which of some costs a published network is cheaper than another."""
    table = _published()
    return [cost for cost in costs if table.loc[name, cost] < table.loc[other, cost]]


# --- Time -------------------------------------------------------------------------------------

ROUNDS = 9  # that count, after one that does not


def time_networks(*, layout: str, size: int, seed: int, report: Report) -> list[dict[str, Any]]:
    """Time published networks on one photograph, in turn, on one thread of the CPU.

    What is counted is the thread's own time, so that other processes disturb it little.

    Returns
    -------
    list of dict
        A row for each network: ``milliseconds``, the median of `ROUNDS`, and the quartiles ``low``
        and ``high``.
    """
    one_of(layout, ("channels first", "channels last"), "layout")
    memory = torch.channels_last if layout == "channels last" else torch.contiguous_format
    models = list(dict.fromkeys(model for model, _ in PUBLISHED.values()))
    image = (middle(to_tensor(photograph("cat")), size) - 0.45) / 0.225
    image = image.contiguous(memory_format=memory)
    networks = {}
    for model in models:
        report(f"building {model}")
        network = fresh(partial(build, model), seed=seed)
        networks[model] = network.to(memory_format=memory)
    spent: dict[str, list[float]] = {model: [] for model in models}
    draw = random.Random(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            for _ in range(1 + ROUNDS):
                for model in draw.sample(models, len(models)):
                    began = time.thread_time()
                    scores = networks[model](image)
                    spent[model].append(1000 * (time.thread_time() - began))
                    if not scores.isfinite().all():
                        raise ArithmeticError(f"{model} with random weights gave no finite scores")
    finally:
        torch.set_num_threads(threads)
    rows = []
    for model, times in spent.items():
        low, median, high = statistics.quantiles(times[1:], n=4)
        rows.append(
            {
                "timed": model,
                "milliseconds": round(median, 3),
                "low": round(low, 3),
                "high": round(high, 3),
            }
        )
    return rows


COMPARE_TIMES = Experiment(
    name="compare_times",
    about="how long published networks take for one image, side by side, on one thread",
    measure=time_networks,
    options={"layout": "channels first", "size": 224},
    settings={
        "channels first": {},
        "channels last": {"layout": "channels last"},
    },
    seeds=range(6),
)


def times(setting: str = "channels first") -> dict[str, Estimate]:
    """Return model -> its time over GoogLeNet's, run by run: the median, the least, the most."""
    one_of(setting, tuple(COMPARE_TIMES.plan()), "setting")
    rows = results(COMPARE_TIMES.name)
    rows = rows[rows["setting"] == setting]
    table = rows.pivot(index="seed", columns="timed", values="milliseconds")
    ratios = table.div(table["googlenet"], axis=0)
    return {
        model: Estimate(float(own.median()), float(own.min()), float(own.max()))
        for model, own in ratios.items()
    }


def layout_gain() -> dict[str, Estimate]:
    """Return model -> its time with channels first over that with channels last, run by run."""
    rows = results(COMPARE_TIMES.name)
    table = rows.pivot(index=["timed", "seed"], columns="setting", values="milliseconds")
    gains = table["channels first"] / table["channels last"]
    return {model: spread(own) for model, own in gains.groupby("timed")}


# --- A pair of networks -----------------------------------------------------------------------


class Paired(NamedTuple):
    """How two networks differ on the same images.

    ``first`` and ``second`` count the images that only one of them names rightly; ``p`` is the
    two-sided p-value of McNemar's exact test; ``lead`` is the first's lead in percentage points,
    with a 95% interval that covers the choice of images.
    """

    first: int
    second: int
    p: float
    lead: Estimate


def paired(right: Any, other: Any) -> Paired:
    """Compare two networks on the same images: arrays or tensors (N,) of bool, named rightly.

    If both were equally likely to be the one that is right, the images that only one names rightly
    would fall to either like tosses of a coin: McNemar's exact test.
    """
    one, two = (np.asarray(each, dtype=bool) for each in (right, other))
    if one.shape != two.shape or one.ndim != 1 or not len(one):
        raise ValueError(f"expected two vectors of one length, got {one.shape} and {two.shape}")
    first, second = int((one & ~two).sum()), int((two & ~one).sum())
    n, apart = len(one), first + second
    p = binomtest(first, apart).pvalue if apart else 1.0
    lead = 100 * (first - second) / n
    half = 100 * 1.959964 * math.sqrt(apart - (first - second) ** 2 / n) / n
    return Paired(first, second, float(p), Estimate(lead, lead - half, lead + half))


def holm(p: pd.Series) -> pd.Series:
    """Return p-values that make up for there being several (Holm): each at most 1."""
    ordered = p.sort_values()
    scaled = ordered * np.arange(len(ordered), 0, -1)
    return scaled.cummax().clip(upper=1.0).reindex(p.index)


# --- Answers to clothes -----------------------------------------------------------------------

TOGETHER = "all three"
PLAIN, MIRRORED = "as it is", "mirrored"  # views of an image
_LETTERS = "abcdefghij"  # of the ten classes


@torch.no_grad()
def probabilities(network: str, images: Tensor) -> Tensor:
    """Return the probabilities that a network that ships gives images of uint8: (N, 10)."""
    trained = load(network)
    parts = [trained.model(trained.preprocessing(x)) for x in images.split(250)]
    return torch.cat(parts).softmax(1)


@cache
def _viewed(network: str, view: str, count: int) -> Tensor:
    """Return a network's probabilities of a view of the first test images: (count, 10)."""
    images = fashion_mnist("test").images[:count]
    return probabilities(network, images.flip(3) if view == MIRRORED else images)


def name_all(*, network: str, view: str, tested: int, seed: int, report: Report) -> dict[str, Any]:
    """Let a network that ships, or all three together, name test images; `seed` plays no part.

    Returns
    -------
    dict
        ``accuracy``; ``named``, a letter an image, "a" for the first class; ``sure``, the
        probability of that class, a byte an image, in base64.
    """
    one_of(view, (PLAIN, MIRRORED), "view")
    networks = CLOTHES if network == TOGETHER else (network,)
    mean = torch.stack([_viewed(each, view, tested) for each in networks]).mean(0)
    sure, answers = mean.max(1)
    right = answers == fashion_mnist("test").labels[:tested]
    as_bytes = (255 * sure).round().to(torch.uint8).numpy()
    return {
        "accuracy": float(right.double().mean()),
        "named": "".join(_LETTERS[i] for i in answers.tolist()),
        "sure": base64.b64encode(as_bytes.tobytes()).decode(),
    }


NAMED = Experiment(
    name="named",
    about="what three networks of one size name each test image, and what they do together",
    measure=name_all,
    options={"network": CLOTHES[0], "view": PLAIN, "tested": 10_000},
    settings={network: {"network": network} for network in (*CLOTHES, TOGETHER)}
    | {f"{network}, {MIRRORED}": {"network": network, "view": MIRRORED} for network in CLOTHES},
    seeds=(0,),
)


@cache
def _named() -> dict[tuple[str, str], tuple[Tensor, Tensor]]:
    """Return (network, view) -> the class of each test image, and how sure of it."""
    found = {}
    for row in results(NAMED.name).itertuples(index=False):
        classes = torch.tensor([_LETTERS.index(letter) for letter in row.named])
        sure = np.frombuffer(base64.b64decode(row.sure), dtype=np.uint8)
        found[row.network, row.view] = classes, torch.from_numpy(sure.copy()).float() / 255
    return found


def named(view: str = PLAIN) -> dict[str, Tensor]:
    """Return network, or `TOGETHER` -> the class that it gives each test image: (10000,) int64."""
    one_of(view, (PLAIN, MIRRORED), "view")
    return {name: said.clone() for (name, seen), (said, _) in _named().items() if seen == view}


def how_sure(view: str = PLAIN) -> dict[str, Tensor]:
    """Return the same -> how sure it is of that class, in 0..1, in steps of 1/255: (10000,)."""
    one_of(view, (PLAIN, MIRRORED), "view")
    return {name: sure.clone() for (name, seen), (_, sure) in _named().items() if seen == view}


def named_right() -> dict[str, Tensor]:
    """Return the same -> whether it is right: (10000,) bool."""
    labels = fashion_mnist("test").labels
    return {name: said == labels[: len(said)] for name, said in named().items()}


def pairs() -> pd.DataFrame:
    """Compare each two networks that ship: columns of `Paired`, and ``holm``, for three tests."""
    right = named_right()
    found = {(a, b): paired(right[a], right[b]) for a, b in combinations(CLOTHES, 2)}
    table = pd.DataFrame.from_dict(found, orient="index", columns=list(Paired._fields))
    table.index = pd.MultiIndex.from_tuples(found)
    return table.assign(holm=holm(table["p"]))


def beside_together() -> pd.DataFrame:
    """Compare the three together with each of them: as `pairs`, a row for each network."""
    right = named_right()
    found = {name: paired(right[TOGETHER], right[name]) for name in CLOTHES}
    table = pd.DataFrame.from_dict(found, orient="index", columns=list(Paired._fields))
    return table.assign(holm=holm(table["p"]))


def mistakes() -> tuple[Tensor, Tensor]:
    """Return which test images all three name wrongly, and which of these by the same name."""
    said = torch.stack([named()[name] for name in CLOTHES])
    wrong = (said != fashion_mnist("test").labels[: said.shape[1]]).all(0)
    return wrong, wrong & (said == said[0]).all(0)


def told_of_answers() -> dict[str, int | Estimate]:
    """Return what the chapter says of the three networks' answers, by the name of the number."""
    right = named_right()
    wrong, alike = mistakes()
    apart = pairs()[["first", "second"]].sum(axis=1)
    return {
        "apart": between(apart),
        "fewer_or_more": int((pairs()["first"] - pairs()["second"]).abs().max()),
        "mistakes": between(int((~right[name]).sum()) for name in CLOTHES),
        "all_wrong": int(wrong.sum()),
        "same_mistake": int(alike.sum()),
    }


def trainings() -> pd.DataFrame:
    """Return the test accuracy of each training of the three: network by seed."""
    rows = results("checkpoints")
    table = rows[rows["setting"].isin(CLOTHES)].pivot(
        index="setting", columns="seed", values="test_accuracy"
    )
    return table.loc[list(CLOTHES)]


def quarrels(count: int = 8) -> list[int]:
    """Return the first test images that the three networks call by three different names."""
    said = named()
    one, two, three = (said[name] for name in CLOTHES)
    apart = (one != two) & (two != three) & (one != three)
    return apart.nonzero()[:count, 0].tolist()


# --- Disturbed images -------------------------------------------------------------------------

#: What is done to an image -> how strongly: std of the noise, for pixels in 0..1; std of the blur
#: in pixels; the share of the contrast that is left; pixels that it is moved by.
STRENGTHS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "noise": (0.05, 0.1, 0.2, 0.3),
        "blur": (0.5, 1.0, 1.5, 2.0),
        "contrast": (0.75, 0.5, 0.25, 0.1),
        "shift": (2.0, 4.0, 6.0, 8.0),
    }
)
UNDISTURBED = "as it is"


def disturb(images: Tensor, kind: str, strength: float, *, seed: int = 0) -> Tensor:
    """Disturb images (N, 1, H, W) of uint8, and round them to bytes again.

    A shift goes up, down, left or right, drawn for each image; what comes in from outside is black.
    """
    one_of(kind, (UNDISTURBED, *STRENGTHS), "kind")
    if kind == UNDISTURBED:
        return images.clone()
    generator = torch.Generator().manual_seed(seed)
    x = images.float() / 255
    if kind == "noise":
        x = x + strength * torch.randn(x.shape, generator=generator)
    elif kind == "blur":
        side = 2 * math.ceil(3 * strength) + 1
        x = vision.gaussian_blur(x, [side, side], [strength, strength])
    elif kind == "contrast":
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        x = mean + strength * (x - mean)
    else:
        x = _moved(x, round(strength), torch.randint(4, (len(x),), generator=generator))
    return (255 * x.clamp(0, 1)).round().to(torch.uint8)


def _moved(x: Tensor, by: int, ways: Tensor) -> Tensor:
    """Move each image by so many pixels, in one of four ways."""
    height, width = x.shape[2:]
    wide = F.pad(x, [by] * 4)
    starts = ((0, by), (2 * by, by), (by, 0), (by, 2 * by))  # down, up, right, left
    windows = [wide[:, :, top : top + height, left : left + width] for top, left in starts]
    return torch.stack(windows)[ways, torch.arange(len(x))]


def name_disturbed(
    *, kind: str, strength: float, tested: int, seed: int, report: Report
) -> list[dict[str, Any]]:
    """Let the three networks name the same disturbed images.

    Returns
    -------
    list of dict
        A row for each network: ``accuracy``; ``sure``, the mean probability of what it named; and
        ``right``, a bit an image, in base64.
    """
    test = fashion_mnist("test")[:tested]
    images = disturb(test.images, kind, strength, seed=seed)
    rows = []
    for network in CLOTHES:
        sure, named = probabilities(network, images).max(1)
        right = named == test.labels
        rows.append(
            {
                "network": network,
                "accuracy": float(right.double().mean()),
                "sure": float(sure.double().mean()),
                "right": packed(right),
            }
        )
    return rows


DISTURBED = Experiment(
    name="disturbed",
    about="what three networks of one size name rightly with noise, blur, less contrast, or moved",
    measure=name_disturbed,
    options={"kind": UNDISTURBED, "strength": 0.0, "tested": 2_000},
    settings={UNDISTURBED: {}}
    | {
        f"{kind} {strength:g}": {"kind": kind, "strength": strength}
        for kind, strengths in STRENGTHS.items()
        for strength in strengths
    },
    seeds=(0,),
)


@cache
def _disturbed() -> pd.DataFrame:
    return results(DISTURBED.name)


def disturbed() -> pd.DataFrame:
    """Return the stored rows: ``network``, ``kind``, ``strength``, ``accuracy``, ``sure``, more."""
    return _disturbed().copy()


def kept(kind: str, strength: float) -> dict[str, float]:
    """Return network -> its accuracy on images that are disturbed so."""
    rows = _disturbed()
    own = rows[(rows["kind"] == kind) & (rows["strength"] == strength)]
    return dict(zip(own["network"], own["accuracy"], strict=True))


def panels() -> dict[str, pd.DataFrame]:
    """Return kind -> accuracies, a row for each strength, as it is first; a column a network."""
    rows = _disturbed()
    usual = kept(UNDISTURBED, 0.0)
    found = {}
    for kind, strengths in STRENGTHS.items():
        own = rows[rows["kind"] == kind].pivot(
            index="strength", columns="network", values="accuracy"
        )
        own = own.loc[list(strengths), list(CLOTHES)]
        found[kind] = pd.concat([pd.DataFrame(usual, index=[math.nan])[list(CLOTHES)], own])
    return found


def strongest() -> pd.DataFrame:
    """Return how right and how sure each network is, as it is and at the strongest of each kind.

    Returns
    -------
    DataFrame
        A row for each setting; columns of two levels, the network, and ``right`` and ``sure``, the
        means in 0..1.
    """
    rows = _disturbed().drop(columns="right").rename(columns={"accuracy": "right"})
    settings = [UNDISTURBED, *(f"{kind} {all_[-1]:g}" for kind, all_ in STRENGTHS.items())]
    table = rows.pivot(index="setting", columns="network", values=["right", "sure"]).swaplevel(
        axis=1
    )
    return table.loc[settings, [(name, what) for name in CLOTHES for what in ("right", "sure")]]


def told_of_sureness() -> dict[str, Estimate]:
    """Return what the chapter says of how right and how sure the networks are, in percent."""
    table = 100 * strongest()
    found = {}
    for name, setting in (("clean", UNDISTURBED), ("noise", "noise 0.3"), ("shift", "shift 8")):
        for what in ("right", "sure"):
            found[f"{name}_{what}"] = between(table.loc[setting].xs(what, level=1))
    own = table["small-resnet"].drop([UNDISTURBED, "shift 8"])
    return found | {"residual_right": between(own["right"]), "residual_sure": between(own["sure"])}


def told_of_disturbed() -> dict[str, float | Estimate]:
    """Return how far apart the networks are at most, in points: on clean and on other images.

    And as ``guessing`` the accuracies, in percent, where next to nothing is left of the images.
    """
    rows = _disturbed()
    lost = rows["setting"].isin(("noise 0.3", "contrast 0.1"))
    found: dict[str, float | Estimate] = {"guessing": between(100 * rows["accuracy"][lost])}
    for name, own in (
        ("clean_gap", rows[rows["kind"] == UNDISTURBED]),
        ("gap", rows),
        ("noise_gap", rows[(rows["kind"] == "noise") & (rows["strength"] == 0.1)]),
        ("shift_gap", rows[rows["kind"] == "shift"]),
    ):
        table = 100 * own.pivot(index="setting", columns="network", values="accuracy")
        found[name] = float((table.max(axis=1) - table.min(axis=1)).max())
    return found


def pairs_disturbed() -> pd.DataFrame:
    """Compare each two networks at each strength: columns of `Paired`, and ``holm`` for all."""
    found = {}
    rows = _disturbed()
    for setting, own in rows[rows["kind"] != UNDISTURBED].groupby("setting", sort=False):
        right = {
            row.network: right_of(row.right, row.tested) for row in own.itertuples(index=False)
        }
        for a, b in combinations(CLOTHES, 2):
            found[(setting, a, b)] = paired(right[a], right[b])
    table = pd.DataFrame.from_dict(found, orient="index", columns=list(Paired._fields))
    table.index = pd.MultiIndex.from_tuples(found, names=["setting", "first", "second"])
    table.columns = ["only_first", "only_second", "p", "lead"]
    return table.assign(holm=holm(table["p"]))
