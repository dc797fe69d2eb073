"""What it costs to feed a trained network wrongly, and whether it is as right as it is sure."""

import copy
import math
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as vision

from ..data import LabelledImages, fashion_mnist, middle, patch_cells, patches, results
from ..pretrained import Pretrained, load
from ..support.checks import one_of, positive_int
from ..support.telling import Estimate
from .harness import Experiment, Report
from .measures import packed, right_of

CLOTHES = ("mini-googlenet", "plain-network", "small-resnet")
COLOUR = "colour-googlenet"

#: The usual numbers of ImageNet: those of red, green and blue, in 0..1.
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def photos(count: int) -> LabelledImages:
    """Return small test photographs as a camera would give them, twice in three as wide as high.

    They are crops of 108×144 pixels of the eleven pictures, of the cells that are for testing.
    """
    whole = patches("test", count=count, size=144)
    return LabelledImages(whole.images[:, :, 18:126], whole.labels, whole.classes, whole.name)


# --- What a network is fed --------------------------------------------------------------------


def shrunk(x: Tensor, size: tuple[int, int], *, antialias: bool = True) -> Tensor:
    """Cut out the middle square of images (N, C, H, W) in 0..1, and resize it."""
    return vision.resize(middle(x), list(size), antialias=antialias).clamp(0, 1)


def normalised(x: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """Take off a mean of each channel, and divide by its std."""
    return vision.normalize(x, list(mean), list(std))


def _by(trained: Pretrained, x: Tensor) -> Tensor:
    return normalised(x, trained.preprocessing.mean, trained.preprocessing.std)


def _none(trained: Pretrained) -> tuple[tuple[float, ...], tuple[float, ...]]:
    channels = len(trained.preprocessing.mean)
    return (0.0,) * channels, (1.0,) * channels


def _size(trained: Pretrained) -> tuple[int, int]:
    """Return height and width of the images that a network was trained on, in pixels."""
    height, width = trained.card["size"]
    return height, width


def _small(trained: Pretrained, x: Tensor) -> Tensor:
    return shrunk(x, _size(trained))


def _wrapped(trained: Pretrained, x: Tensor) -> Tensor:
    """Take the mean off in whole bytes, where what falls below 0 begins again at 255."""
    by = trained.preprocessing
    mean, std = (torch.tensor(v)[:, None, None] for v in (by.mean, by.std))
    return ((255 * (_small(trained, x) - mean)).round() % 256) / (255 * std)


def _half_size(trained: Pretrained, x: Tensor) -> Tensor:
    """Shrink twice as much, and put a black frame around it."""
    height, width = _size(trained)
    return F.pad(shrunk(x, (height // 2, width // 2)), [height // 4] * 4)


Feed = Callable[[Pretrained, Tensor], Tensor]

#: Ways to feed a network -> what makes its input of images (N, C, H, W) in 0..1.
SLIPS: Mapping[str, Feed] = MappingProxyType(
    {
        "as trained": lambda t, x: _by(t, _small(t, x)),
        "no mean": lambda t, x: normalised(_small(t, x), _none(t)[0], t.preprocessing.std),
        "no std": lambda t, x: normalised(_small(t, x), t.preprocessing.mean, _none(t)[1]),
        "neither": _small,
        "bytes, 0 to 255": lambda t, x: 255 * _small(t, x),
        "bytes, then normalised": lambda t, x: _by(t, 255 * _small(t, x)),
        "mean taken off in uint8": _wrapped,
        "mean and std 0.5": lambda t, x: (_small(t, x) - 0.5) / 0.5,
        "on its side": lambda t, x: _by(t, _small(t, x)).rot90(1, (2, 3)),
        "mirrored": lambda t, x: _by(t, _small(t, x)).flip(3),
        "small, in a black frame": lambda t, x: _by(t, _half_size(t, x)),
    }
)

#: Those that photographs in colour have besides.
IN_COLOUR: Mapping[str, Feed] = MappingProxyType(
    {
        "ImageNet's mean and std": lambda t, x: normalised(_small(t, x), *IMAGENET),
        "transform_input off": lambda t, x: _by(t, 0.5 + 0.5 * normalised(_small(t, x), *IMAGENET)),
        "blue for red": lambda t, x: _by(t, _small(t, x).flip(1)),
        "grey": lambda t, x: _by(t, vision.rgb_to_grayscale(_small(t, x), 3)),
        "squeezed": lambda t, x: _by(t, vision.resize(x, list(_size(t))).clamp(0, 1)),
        "no antialias": lambda t, x: _by(t, shrunk(x, _size(t), antialias=False)),
        "cropped, not resized": lambda t, x: _by(t, middle(x, _size(t)[0])),
    }
)

#: Those that clothes, bright on black, have besides.
OF_CLOTHES: Mapping[str, Feed] = MappingProxyType(
    {"dark on white": lambda t, x: _by(t, 1 - _small(t, x))}
)

USUAL, TRAINING = "as trained", "in training mode"


def ways(network: str) -> Mapping[str, Feed]:
    """Return the ways in which a network that ships can be fed."""
    one_of(network, (COLOUR, *CLOTHES), "network")
    return {**SLIPS, **(IN_COLOUR if network == COLOUR else OF_CLOTHES)}


def fed(trained: Pretrained, images: Tensor, way: str) -> Tensor:
    """Return what a network is fed with images (N, C, H, W), bytes: (N, C, height, width)."""
    every = {**SLIPS, **IN_COLOUR, **OF_CLOTHES}
    one_of(way, tuple(every), "way")
    return every[way](trained, images.float() / 255)


def feed(*, network: str, way: str, tested: int, seed: int, report: Report) -> dict[str, Any]:
    """Test a network that ships when it is fed in one way; `seed` plays no part.

    Returns
    -------
    dict
        ``accuracy``, ``sure`` (the mean of its highest probability) and ``right``, a bit an image.
    """
    trained = load(network)
    test = photos(tested) if network == COLOUR else fashion_mnist("test")[:tested]
    if way == TRAINING:
        probabilities = _one_by_one(trained, test.images)
    else:
        probabilities = answers(trained, fed(trained, test.images, way))
    sure, named = probabilities.max(1)
    right = named == test.labels
    return {
        "accuracy": float(right.double().mean()),
        "sure": float(sure.mean()),
        "right": packed(right),
    }


@torch.no_grad()
def answers(trained: Pretrained, inputs: Tensor) -> Tensor:
    """Return the probabilities of inputs that are prepared: (N, C, H, W) to (N, classes)."""
    return torch.cat([trained.model(part).softmax(1) for part in inputs.split(250)])


@torch.no_grad()
def _one_by_one(trained: Pretrained, images: Tensor) -> Tensor:
    """Answer to each image alone, with layers that take their mean and std from it."""
    network: nn.Module = copy.deepcopy(trained.model).train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # dropout
        inputs = fed(trained, images, "as trained")
        return torch.cat([network(one[None]).softmax(1) for one in inputs])


FED = Experiment(
    name="fed",
    about="what the networks that ship name when they are fed wrongly, step by step",
    measure=feed,
    options={"network": COLOUR, "way": "as trained", "tested": 1_000},
    settings={
        f"{network}: {way}": {"network": network, "way": way}
        | ({"tested": 2_200} if network == COLOUR else {})
        for network in (COLOUR, *CLOTHES)
        for way in (*ways(network), TRAINING)
    },
    seeds=(0,),
)


def cost(network: str, way: str) -> Estimate:
    """Return how many points of accuracy a way to feed a network costs, from the stored rows.

    The 95% interval covers the choice of the test images, drawn anew 2,000 times: of photographs by
    their cells, since crops of one cell are much alike. It does not cover other trainings.
    """
    usual, other = (100.0 * _right(network, each) for each in (USUAL, way))
    lost = usual - other
    if network == COLOUR:
        cells = patch_cells("test", count=len(lost))
        table = pd.DataFrame({"lost": lost, "one": 1}).groupby(cells).sum().to_numpy()
    else:
        table = np.stack([lost, np.ones_like(lost)], axis=1)
    drawn = np.random.default_rng(0).multinomial(
        len(table), np.full(len(table), 1 / len(table)), size=2_000
    )
    sums = drawn @ table
    low, high = np.quantile(sums[:, 0] / sums[:, 1], (0.025, 0.975))
    return Estimate(float(lost.mean()), float(low), float(high))


def places() -> int:
    """Return from how many cells of the pictures the colour network's test photographs come."""
    return len(set(patch_cells("test", count=int(stored(COLOUR, USUAL)["tested"]))))


def costs(*networks: str) -> dict[str, dict[str, Estimate]]:
    """Return for each network what each wrong way to feed it costs, by way; see `cost`."""
    return {
        network: {way: cost(network, way) for way in (*ways(network), TRAINING) if way != USUAL}
        for network in networks
    }


def stored(network: str, way: str) -> pd.Series:
    """Return the stored row of a network fed in one way."""
    one_of(way, (*ways(network), TRAINING), "way")
    rows = _rows()
    return rows[(rows["network"] == network) & (rows["way"] == way)].iloc[0]


@cache
def _rows() -> pd.DataFrame:
    return results(FED.name)


def _right(network: str, way: str) -> np.ndarray:
    row = stored(network, way)
    return right_of(row["right"], int(row["tested"])).astype(float)


# --- As right as it is sure? ------------------------------------------------------------------


def reliability(probabilities: Tensor, labels: Tensor, bins: int = 10) -> pd.DataFrame:
    """Sort answers by how sure they are, and count in each bin how many are right.

    Parameters
    ----------
    probabilities : Tensor
        (N, classes), each row adding up to 1.
    labels : Tensor
        (N,).
    bins : int
        Of equal width, from 0 to 1; a bin holds its upper edge.

    Returns
    -------
    DataFrame
        A row for each bin that is not empty: ``count``, ``sure`` and ``right`` (means in 0..1),
        and Wilson's 95% interval of the latter, ``low`` and ``high``.
    """
    bins = positive_int(bins, "bins")
    sure, named = probabilities.double().max(1)
    place = (sure * bins).ceil().clamp(1, bins).long() - 1
    table = pd.DataFrame(
        {"bin": place.numpy(), "sure": sure.numpy(), "right": (named == labels).double().numpy()}
    )
    found = table.groupby("bin").agg(
        count=("right", "size"), sure=("sure", "mean"), right=("right", "mean")
    )
    z, n, p = 1.959964, found["count"], found["right"]
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5 / (1 + z**2 / n)
    return found.assign(low=centre - half, high=centre + half)


def calibration_error(probabilities: Tensor, labels: Tensor, bins: int = 10) -> float:
    """Return the expected calibration error: the mean gap between sure and right, by images."""
    found = reliability(probabilities, labels, bins)
    gaps = (found["sure"] - found["right"]).abs()
    return float((found["count"] * gaps).sum() / found["count"].sum())


def fit_temperature(scores: Tensor, labels: Tensor) -> float:
    """Return the temperature, from 1/8 to 8, whose softmax has the lowest cross-entropy.

    The loss has one minimum over the logarithm of the temperature, which a golden section finds.
    """
    low, high, share = math.log(1 / 8), math.log(8), (5**0.5 - 1) / 2

    def loss(log: float) -> float:
        return F.cross_entropy(scores.double() / math.exp(log), labels).item()

    for _ in range(40):
        one, two = high - share * (high - low), low + share * (high - low)
        low, high = (low, two) if loss(one) < loss(two) else (one, high)
    return math.exp((low + high) / 2)


def calibrate(*, network: str, seed: int, report: Report) -> list[dict[str, Any]]:
    """Measure how far a network that ships is from being as right as it is sure.

    Each half of its test images is judged with the temperature that suits the other half, so no
    image chooses the number that it is judged by. `seed` decides the halves: of clothes images, of
    photographs whole cells.

    Returns
    -------
    list of dict
        A row for each half: ``tested``, ``accuracy``, ``sure``, ``error`` (the expected calibration
        error) and ``loss`` in nats; the ``temperature``, and with it ``sure_after``,
        ``error_after`` and ``loss_after``.
    """
    scores, labels, groups = _scores(network)
    order = np.random.default_rng(seed).permutation(int(groups.max()) + 1)
    first = torch.from_numpy(np.isin(groups, order[: len(order) // 2]))
    rows = []
    for half in (first, ~first):
        temperature = fit_temperature(scores[~half], labels[~half])
        row: dict[str, Any] = {"tested": int(half.sum()), "temperature": temperature}
        for name, divisor in (("", 1.0), ("_after", temperature)):
            own, right = scores[half] / divisor, labels[half]
            probabilities = own.softmax(1)
            sure, named = probabilities.max(1)
            row |= {
                "accuracy": float((named == right).double().mean()),
                f"sure{name}": float(sure.mean()),
                f"error{name}": calibration_error(probabilities, right),
                f"loss{name}": F.cross_entropy(own, right).item(),
            }
        rows.append(row)
    return rows


@cache
def _scores(network: str) -> tuple[Tensor, Tensor, np.ndarray]:
    """Return a network's scores of its test images, their labels, and what is drawn as one."""
    trained = load(network)
    if network == COLOUR:
        test = patches("test", zoom=(0.7, 2.0))  # as its card has it
        groups = np.unique(patch_cells("test", count=len(test)), return_inverse=True)[1]
    else:
        test = fashion_mnist("test")
        groups = np.arange(len(test))
    with torch.no_grad():
        parts = [trained.model(trained.preprocessing(x)) for x in test.images.split(250)]
    return torch.cat(parts), test.labels, groups


CALIBRATION = Experiment(
    name="calibration",
    about="how sure the networks that ship are, and how right, before and after one temperature",
    measure=calibrate,
    options={"network": COLOUR},
    settings={network: {"network": network} for network in (*CLOTHES, COLOUR)},
    seeds=(0, 1, 2, 3, 4),
)
