"""Auxiliary heads in a deep plain network, on images so few that it learns them by heart.

**Question.** A deep network without normalisation is trained on images so few that it can learn
them by heart. Do heads help it to learn them? Do they help on images that it never saw? And if so,
is it the heads themselves, or the dropout or the normalisation that one can put into them?

**Arms.** No heads; the lower head alone; the upper one alone; both, without dropout; both with the
paper's dropout of 0.7; both with batch normalisation of their two hidden layers. The trunk stays
plain in all arms. The last two are the changes of the head from which the Inception-v3 paper argues
that heads regularise (section 4).

**Held equal.** The network of `auxiliary_classifiers`, eight narrow modules, from He's start; 320
images of clothes at 14 px, without augmentation; 1,000 steps of 32, each image 100 times. A seed
draws the images, the first weights of trunk and heads, and the order; all arms of it share them.

**Rates.** For each arm, the best of a row (three seeds, full length) on 1,000 held-out training
images; the row is widened until the best has a worse one on either side.

**What decides.** Paired differences over ten other seeds, on the training images (learning) and on
4,000 test images: each head alone and both against none, then dropout and normalisation against
plain heads. That is five comparisons: their intervals cover 99% each, so 95% all five. A first look
(three seeds, 500 steps) had pairs that scattered by some 6 points against no heads, because most
runs without heads had not learned their images, and by 1 to 2 points between heads: ten seeds then
see differences of 6 and of 2 points. A run that never leaves chance counts like any other.

**Given up.** Images of 28 px, and networks as deep as GoogLeNet, for want of computing time.
"""

from typing import Any

import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from ..data import LabelledImages, fashion_mnist, results
from ..googlenet import GoogLeNet
from ..support.checks import one_of
from ..support.statistics import interval
from ..support.telling import Estimate
from ..training import Recipe, evaluate
from .auxiliary_classifiers import small_network
from .harness import Experiment, Options, Report
from .measures import fresh, train_and_test
from .rates import chosen

NONE, LOWER, UPPER, BOTH, DROPOUT, NORMALISED = ARMS = (
    "no heads",
    "lower head",
    "upper head",
    "both heads",
    "both, with dropout",
    "both, normalised",
)

#: Images to train on, held-out ones for the choice of rates, and test images.
FEW, HELD_OUT, TESTED = 320, 1_000, 4_000

RECIPE = Recipe(
    epochs=100, batch_size=32, crop=0, flip=False, label_smoothing=0.0, precision="float32"
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
    for name, other in (("aux1", UPPER), ("aux2", LOWER)):
        if arm in (NONE, other):
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


RATES = (0.1, 0.05, 0.025, 0.0125, 0.00625)


def _at(arm: str, rate: float) -> str:
    return f"{arm}, rate {rate:g}"


_OPTIONS: Options = {"arm": NONE, "recipe": RECIPE}

AUX_FEW_RATES = Experiment(
    name="aux_few_rates",
    about="which learning rate suits a plain network on few images, with heads and without",
    measure=learn,
    options=_OPTIONS,
    settings={_at(arm, rate): {"arm": arm, "peak_rate": rate} for arm in ARMS for rate in RATES},
)


def chosen_rates() -> dict[str, float]:
    """Return the rate that was best on held-out images, in the mean over seeds, for each arm.

    Raises
    ------
    ResultsError
        `AUX_FEW_RATES` has not been run to its end.
    """
    return chosen(AUX_FEW_RATES, dict.fromkeys(ARMS, RATES), _at, by="held_out_accuracy")


AUX_FEW = Experiment(
    name="aux_few",
    about="a plain network on few images to the end: no heads, one, both, dropout, normalised",
    measure=learn,
    options=_OPTIONS,
    settings=lambda: {arm: {"arm": arm, "peak_rate": r} for arm, r in chosen_rates().items()},
    seeds=range(5, 15),
    baseline=NONE,
)

#: What is compared: an arm, and the one that it differs from in one thing.
COMPARED: tuple[tuple[str, str], ...] = (
    (LOWER, NONE),
    (UPPER, NONE),
    (BOTH, NONE),
    (DROPOUT, BOTH),
    (NORMALISED, BOTH),
)
LEVEL = 0.99  # of each interval: then all of `COMPARED` hold in 95%


# --- What the stored rows say -----------------------------------------------------------------


def gained(arm: str, against: str, value: str = "test_accuracy") -> Estimate:
    """Return by how many percentage points an arm is above another, and the 99% interval."""
    for name in (arm, against):
        one_of(name, ARMS, "arm")
    table = 100 * results(AUX_FEW.name).pivot(index="seed", columns="setting", values=value)
    differences = table[arm] - table[against]
    return Estimate(float(differences.mean()), *interval(differences, level=LEVEL))


def tried() -> pd.DataFrame:
    """Return mean accuracies on held-out images: a row for each of `ARMS`, a column a rate."""
    rows = results(AUX_FEW_RATES.name)
    means = rows.pivot_table(index="arm", columns="peak_rate", values="held_out_accuracy")
    return means.loc[list(ARMS)]


def told_points() -> dict[str, Estimate | float]:
    """Return what the page tells in points: each of `COMPARED`, and what one rate would have said.

    ``few_misled`` is by how much both heads are above none on held-out images at the rate of 0.05,
    the middle one that was tried first.
    """
    names = ("few_lower", "few_upper", "few_both", "few_dropout", "few_normalised")
    found = {name: gained(*pair) for name, pair in zip(names, COMPARED, strict=True)}
    at_one_rate = tried()[0.05]
    return found | {"few_misled": 100 * float(at_one_rate[BOTH] - at_one_rate[NONE])}
