"""Auxiliary heads in a deep plain network, on images so few that it learns them by heart.

**Question.** A deep network without normalisation is trained on images so few that it can learn
them by heart. Do heads help it to learn them? Do they help on images that it never saw? And if so,
is it the heads themselves, or the dropout or the normalisation that one can put into them?

**Arms.** No heads; both heads, without dropout; both with the paper's dropout of 0.7; both with
batch normalisation of their two hidden layers. The trunk stays plain in all arms. The last two are
the changes of the head from which the Inception-v3 paper argues that heads regularise (section 4).

**Held equal.** The network of `auxiliary_classifiers`, eight narrow modules, from He's start; 320
images of clothes at 14 px, without augmentation; 500 steps of 32. A seed draws the images, the
first weights of trunk and heads, and the order: all arms of a seed share them.

**Rates.** Three for each arm, with one seed, at full length, on 1,000 held-out training images.
All arms then got the middle one: it was the best without heads, and within a point of the best of
every other arm.

**What decides.** Paired differences over the seeds, with 95% intervals, on the training images
(learning) and on 4,000 test images: heads against none, then dropout and normalisation against
heads without.

**Given up**, for want of computing time: an arm with the lower head alone, and one with the upper;
ten seeds, and three for each rate; images of 28 px; trainings so long that every run of every arm
names all of its training images.
"""

from typing import Any

import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from ..data import LabelledImages, fashion_mnist, results
from ..googlenet import GoogLeNet
from ..support.checks import one_of
from ..support.telling import Estimate, points
from ..training import Recipe, evaluate
from .auxiliary_classifiers import small_network
from .harness import Experiment, Options, Report
from .measures import fresh, train_and_test

NONE, BOTH, DROPOUT, NORMALISED = ARMS = (
    "no heads",
    "both heads",
    "both, with dropout",
    "both, normalised",
)

#: Images to train on, held-out ones for the choice of rates, and test images.
FEW, HELD_OUT, TESTED = 320, 1_000, 4_000

RECIPE = Recipe(
    epochs=50, batch_size=32, crop=0, flip=False, label_smoothing=0.0, precision="float32"
)


def network(arm: str, *, seed: int) -> GoogLeNet:
    """Build the plain network with the heads of one of `ARMS`: (N, 1, H, W) -> (N, 10).

    The first weights follow from `seed` alone, those of the heads, too.

    Raises
    ------
    ValueError
        There is no such arm.
    """
    one_of(arm, ARMS, "arm")
    built = fresh(lambda: small_network(heads=True, norm=None), seed=seed)
    for name in ("aux1", "aux2"):
        head = getattr(built, name)
        head.dropout.p = 0.7 if arm == DROPOUT else 0.0
        if arm == NORMALISED:
            head.conv.bn = nn.BatchNorm2d(head.conv.conv.out_channels, eps=1e-3)
            head.fc1 = nn.Sequential(head.fc1, nn.BatchNorm1d(head.fc1.out_features, eps=1e-3))
        if arm == NONE:
            setattr(built, name, None)
    return built


def images(seed: int) -> dict[str, LabelledImages]:
    """Return a seed's images to train on, the held-out ones and the test's, halved to 14 px.

    Each pixel is the mean of four. The last `HELD_OUT` training images are never trained on.
    """

    def halved(data: LabelledImages, chosen: slice | torch.Tensor) -> LabelledImages:
        small = F.avg_pool2d(data.images[chosen].float(), 2).round().byte()
        return LabelledImages(small, data.labels[chosen], data.classes)

    training, test = fashion_mnist("train"), fashion_mnist("test")
    usable = len(training) - HELD_OUT
    few = torch.randperm(usable, generator=torch.Generator().manual_seed(seed))[:FEW]
    return {
        "training": halved(training, few),
        "held out": halved(training, slice(usable, None)),
        "test": halved(test, slice(0, TESTED)),
    }


def learn(*, arm: str, recipe: Recipe, seed: int, report: Report) -> dict[str, Any]:
    """Train one of `ARMS` on a seed's few images.

    Returns
    -------
    dict
        The columns of `train_and_test`; ``learned_accuracy`` (0..1) and ``learned_loss`` (nats), on
        the training images at the end, in evaluation; ``held_out_accuracy``.
    """
    shown = images(seed)
    model = network(arm, seed=seed)
    training = shown["training"]
    row = train_and_test(model, training, shown["test"], recipe, seed=seed, report=report)
    usual = (training.mean, training.std)
    learned = evaluate(model, training, normalisation=usual)
    held_out = evaluate(model, shown["held out"], normalisation=usual)
    return row | {
        "learned_accuracy": learned.accuracy,
        "learned_loss": learned.loss,
        "held_out_accuracy": held_out.accuracy,
    }


RATES = (0.1, 0.05, 0.025)
RATE = 0.05


def _at(arm: str, rate: float) -> str:
    return f"{arm}, rate {rate:g}"


_OPTIONS: Options = {"arm": NONE, "recipe": RECIPE}

AUX_FEW_RATES = Experiment(
    name="aux_few_rates",
    about="which learning rate suits a plain network on few images, with heads and without",
    measure=learn,
    options=_OPTIONS,
    settings={_at(arm, rate): {"arm": arm, "peak_rate": rate} for arm in ARMS for rate in RATES},
    seeds=(0,),
)

AUX_FEW = Experiment(
    name="aux_few",
    about="a plain network on few images to the end: no heads, both, with dropout, normalised",
    measure=learn,
    options=_OPTIONS,
    settings={arm: {"arm": arm, "peak_rate": RATE} for arm in ARMS},
    seeds=(2, 3, 4),
    baseline=NONE,
)


# --- What the stored rows say -----------------------------------------------------------------


def gained(arm: str, against: str, value: str = "test_accuracy") -> Estimate:
    """Return by how many percentage points an arm is above another, seed by seed."""
    for name in (arm, against):
        one_of(name, ARMS, "arm")
    return points(results(AUX_FEW.name), arm, against, value)


def tried() -> pd.DataFrame:
    """Return accuracies on held-out images: a row for each of `ARMS`, a column for each rate."""
    rows = results(AUX_FEW_RATES.name)
    return rows.pivot(index="arm", columns="peak_rate", values="held_out_accuracy").loc[list(ARMS)]


def first_seed(arm: str, against: str) -> float:
    """Return by how many points an arm was above another, with the seed that tried the rates."""
    rows = results(AUX_FEW_RATES.name).set_index("setting")["test_accuracy"]
    return 100 * float(rows[_at(arm, RATE)] - rows[_at(against, RATE)])
