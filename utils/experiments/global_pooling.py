"""What the head is worth: average, maximum, or all of the last map, behind the same trunk.

The trunk is the micro network's, with the same first weights for all heads; what comes after its
last map of (128, 7, 7) differs, in parameters too. Where a network looks is asked by moving what is
to be seen, and nothing of it may be cut off: so the clothes are halved, 14 px in a frame of 28 px,
and moves of up to 6 px keep them whole. They are there in their usual size too, for comparison.

A network is then tested on more than it was trained for: on clothes moved, on larger and smaller
frames around the same clothes, on the whole picture magnified or shrunk.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import LabelledImages, fashion_mnist, results
from ..googlenet import GoogLeNet, micro_googlenet
from ..support.checks import boolean, one_of
from ..support.telling import Estimate, points, spread
from ..training import Recipe, evaluate
from .harness import Experiment, Options, Report
from .measures import fresh, split, train_and_test
from .rates import chosen

AVERAGE, MAX, FLATTEN = "average", "max", "flatten"

#: What takes the place of the network's own pooling. The third leaves the map as it is; on maps
#: of other sizes, where it has to, it pools to the 7x7 that its weights are for, as torchvision's
#: VGG does. On 7x7 that changes nothing.
POOLS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        AVERAGE: lambda: nn.AdaptiveAvgPool2d(1),
        MAX: lambda: nn.AdaptiveMaxPool2d(1),
        FLATTEN: lambda: nn.AdaptiveAvgPool2d(7),
    }
)
HEADS: tuple[str, ...] = tuple(POOLS)

DIRECTIONS: tuple[tuple[int, int], ...] = ((-1, 0), (1, 0), (0, -1), (0, 1))  # (down, right)
SHIFTS = range(1, 7)
SIZES = (20, 24, 32, 40)


def with_head(head: str, *, seed: int) -> GoogLeNet:
    """Build the micro network for 28 px with one of `HEADS`.

    The trunk's first weights follow from `seed` alone: they are the same for all heads.

    Raises
    ------
    ValueError
        There is no such head.
    """
    one_of(head, HEADS, "head")
    network = fresh(lambda: micro_googlenet(in_channels=1), seed=seed)
    network.avgpool = POOLS[head]()
    if head == FLATTEN:
        features, classes = network.fc.in_features, network.fc.out_features
        network.fc = fresh(lambda: _scores(7 * 7 * features, classes), seed=seed)
    return network


def _scores(features: int, classes: int) -> nn.Linear:
    """Make a last layer whose weights start as small as those of the course's networks."""
    layer = nn.Linear(features, classes)
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.zeros_(layer.bias)
    return layer


def halved(data: LabelledImages) -> LabelledImages:
    """Shrink images to half their size, in the middle of a black frame of the size they had.

    Each pixel is the mean of four: (N, C, H, W) uint8 -> the same, with a margin of a quarter.
    """
    height, width = data.images.shape[2:]
    small = F.avg_pool2d(data.images.float(), 2).round().byte()
    left, top = (width - small.shape[3]) // 2, (height - small.shape[2]) // 2
    right, bottom = width - small.shape[3] - left, height - small.shape[2] - top
    images = F.pad(small, (left, right, top, bottom))
    return LabelledImages(images, data.labels, data.classes, f"{data.name}, halved")


def moved(images: Tensor, *, down: int, right: int) -> Tensor:
    """Move images by whole pixels; what leaves is lost, and black comes in: (N, C, H, W)."""
    return F.pad(images, (right, -right, down, -down))


def framed(images: Tensor, size: int) -> Tensor:
    """Give halved images of 28 px another black frame of `size` px around the same 14 px.

    The clothes keep their place on the grid of the last map, whose cells are 4 px apart: what
    changes is how much black is around them.
    """
    before = 4 * ((size - 14 - 3) // 8) + 3 - 7  # their first row was 7, so 3 after steps of 4
    after = size - 28 - before
    return F.pad(images, (before, after, before, after))


def zoomed(images: Tensor, size: int) -> Tensor:
    """Resize images to `size` px, smoothly: (N, C, H, W) uint8 -> (N, C, size, size)."""
    return (
        F.interpolate(
            images.float(), size=(size, size), mode="bilinear", antialias=True, align_corners=False
        )
        .round()
        .byte()
    )


def shifted(data: LabelledImages, pixels: int) -> LabelledImages:
    """Move every image by so many pixels, one of four up, one down, one left, one right."""
    images = data.images.clone()
    for turn, (down, right) in enumerate(DIRECTIONS):
        part = slice(turn, None, len(DIRECTIONS))
        images[part] = moved(images[part], down=down * pixels, right=right * pixels)
    return LabelledImages(images, data.labels, data.classes, data.name)


def probes(data: LabelledImages) -> Iterator[tuple[str, int, LabelledImages]]:
    """Yield the name of a probe, its pixels, and halved test images changed that way."""
    for pixels in (0, *SHIFTS):
        yield "shift", pixels, shifted(data, pixels)
    for name, change in (("frame", framed), ("zoom", zoomed)):
        for size in SIZES:
            images = change(data.images, size)
            yield name, size, LabelledImages(images, data.labels, data.classes, data.name)


RECIPE = Recipe(epochs=3, max_images=24_000)


def heads(
    *,
    head: str,
    halve: bool,
    recipe: Recipe,
    held_out: int,
    probed: int,
    seed: int,
    report: Report,
) -> list[dict[str, Any]]:
    """Train the micro network with one head on the shipped images; then probe it.

    Parameters
    ----------
    head : one of `HEADS`
    halve : bool
        Train and test on halved clothes.
    held_out : int
        So many of the training images test it; if 0, the test images do.
    probed : int
        The first so many test images are changed in the ways of `probes`, and named again.

    Returns
    -------
    list of dict
        One row for each probe, or only one if `probed` is 0: the columns of `train_and_test`, the
        same in all rows, and ``probe``, its ``pixels``, ``accuracy`` on the ``shown`` images.
    """
    if not boolean(halve, "halve") and probed:
        raise ValueError("only halved clothes can be probed: others would be cut off.")

    def clothes(part: str) -> LabelledImages:
        return halved(fashion_mnist(part)) if halve else fashion_mnist(part)

    training, test = split(clothes, held_out)
    network = with_head(head, seed=seed)
    trained = train_and_test(network, training, test, recipe, seed=seed, report=report)
    normalisation = (training.mean, training.std)
    rows = [
        trained
        | {
            "probe": name,
            "pixels": pixels,
            "accuracy": evaluate(
                network, images, normalisation=normalisation, precision=recipe.precision
            ).accuracy,
            "shown": len(images),
        }
        for name, pixels, images in probes(test[:probed])
        if probed
    ]
    return rows or [trained]


#: How images are shown in training -> what of the options that takes. Random crops shift training
#: images, which is what is tested afterwards: so with and without.
SHOWN: Mapping[str, Options] = MappingProxyType(
    {"still": {"crop": 0}, "moving": {"crop": 2}, "full": {"halve": False}}
)


def _at(case: tuple[str, str], rate: float) -> str:
    return f"{case[1]}, {case[0]}, rate {rate:g}"


_OPTIONS: Options = {
    "head": AVERAGE,
    "halve": True,
    "recipe": RECIPE,
    "held_out": 0,
    "probed": 0,
}

#: The rates that are tried: the best of a wider row that was tried with one seed, and its
#: neighbours on either side, so that the best has a worse one on both.
GRID: Mapping[tuple[str, str], tuple[float, ...]] = MappingProxyType(
    {
        ("still", AVERAGE): (0.8, 0.4, 0.2),
        ("still", MAX): (0.2, 0.1, 0.05),
        ("still", FLATTEN): (0.05, 0.025, 0.0125),
        ("moving", AVERAGE): (0.8, 0.4, 0.2, 0.1),
        ("moving", MAX): (0.1, 0.05, 0.025),
        ("moving", FLATTEN): (0.05, 0.025, 0.0125),
        ("full", AVERAGE): (1.6, 0.8, 0.4, 0.2),
        ("full", MAX): (0.2, 0.1, 0.05),
        ("full", FLATTEN): (0.05, 0.025, 0.0125),
    }
)

HEADS_RATES = Experiment(
    name="heads_rates",
    about="which learning rate suits a head that averages, takes the maximum, or takes all",
    measure=heads,
    options={**_OPTIONS, "held_out": 2_000},
    settings={
        _at((shown, head), rate): {"head": head, "peak_rate": rate, **SHOWN[shown]}
        for (shown, head), rates in GRID.items()
        for rate in rates
    },
)


def chosen_rates() -> dict[tuple[str, str], float]:
    """Return the rate that was best on held-out images for each of `SHOWN` and each of `HEADS`.

    Raises
    ------
    ResultsError
        `HEADS_RATES` has not been run to its end.
    """
    return chosen(HEADS_RATES, GRID, _at)


STILL = "{}, trained on still images"
MOVING = "{}, trained on moving images"


def _settings() -> dict[str, Options]:
    rates = chosen_rates()
    return {
        name.format(head): {"head": head, "peak_rate": rates[shown, head], **SHOWN[shown]}
        for shown, name in (("still", STILL), ("moving", MOVING))
        for head in HEADS
    }


HEADS_PROBED = Experiment(
    name="heads",
    about="average, maximum or all of the last map, on halved clothes that move, shrink and grow",
    measure=heads,
    options={**_OPTIONS, "probed": 1_000},
    settings=_settings,
    seeds=(0, 1, 2, 3, 4),
    baseline=STILL.format(AVERAGE),
)


def _full_settings() -> dict[str, Options]:
    rates = chosen_rates()
    return {head: {"head": head, "peak_rate": rates["full", head]} for head in HEADS}


HEADS_FULL = Experiment(
    name="heads_full",
    about="average, maximum or all of the last map, on clothes of the usual size",
    measure=heads,
    options={**_OPTIONS, "halve": False},
    settings=_full_settings,
    seeds=(0, 1, 2, 3, 4),
    baseline=AVERAGE,
)


# --- What the stored rows say -----------------------------------------------------------------

#: How the heads were trained -> the experiment, and a setting's name in it.
TRAINED: Mapping[str, tuple[Experiment, str]] = MappingProxyType(
    {"still": (HEADS_PROBED, STILL), "moving": (HEADS_PROBED, MOVING), "full": (HEADS_FULL, "{}")}
)


def centred(trained: str, head: str) -> pd.Series:
    """Return a head's accuracies on all test images, in the middle of their frame, by seed.

    `trained` is one of `TRAINED`.
    """
    rows = _once(trained)
    setting = TRAINED[trained][1].format(head)
    return rows[rows["setting"] == setting].set_index("seed")["test_accuracy"]


def ahead(trained: str, head: str) -> Estimate:
    """Return by how many points a head is above the average, in the middle of the frame."""
    name = TRAINED[trained][1]
    return points(_once(trained), name.format(head), name.format(AVERAGE))


def _once(trained: str) -> pd.DataFrame:
    one_of(trained, tuple(TRAINED), "trained")
    return results(TRAINED[trained][0].name).drop_duplicates(["setting", "seed"])


def probed(trained: str, head: str, probe: str = "shift") -> pd.DataFrame:
    """Return a head's accuracies under a probe: a row a seed, a column for each of its pixels.

    `trained` is "still" or "moving"; `probe` "shift", "frame" or "zoom".
    """
    one_of(trained, ("still", "moving"), "trained")
    rows = results(HEADS_PROBED.name)
    rows = rows[(rows["setting"] == TRAINED[trained][1].format(head)) & (rows["probe"] == probe)]
    return rows.pivot(index="seed", columns="pixels", values="accuracy")


def lost(trained: str, head: str, pixels: int) -> Estimate:
    """Return how many points a head loses when the images move, and the least and most of a run."""
    found = probed(trained, head)
    return spread(100 * (found[0] - found[pixels]))
