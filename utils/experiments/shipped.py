"""The networks that ship with the package: what each is trained on, and how.

One run trains one of them with one seed, which takes long: `experiments/train_checkpoints.py`
keeps a checkpoint as it goes, and a row when it is done.
"""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any

from torch import nn

from ..checks import one_of
from ..data import LabelledImages, fashion_mnist, patches
from ..googlenet import micro_googlenet, mini_googlenet
from ..rivals import plain_network, small_resnet
from ..training import Recipe
from .harness import Experiment, Report
from .measures import fresh, train_and_test


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """What a network is built by, and what it is trained and tested on.

    Attributes
    ----------
    build : function
        ``build(num_classes, in_channels=...)``, a fresh network.
    data : function
        ``data(split)`` for "train" and "test".
    recipe : Recipe
    """

    build: Callable[..., nn.Module]
    data: Callable[[str], LabelledImages]
    recipe: Recipe


def _fashion(split: str) -> LabelledImages:
    return fashion_mnist(split, source="full" if split == "train" else "shipped")


FASHION = Recipe(epochs=10)
COLOUR = Recipe(epochs=10)

SHIPPED: dict[str, Shipped] = {
    "mini-googlenet": Shipped(build=mini_googlenet, data=_fashion, recipe=FASHION),
    "plain-network": Shipped(build=plain_network, data=_fashion, recipe=FASHION),
    "small-resnet": Shipped(build=small_resnet, data=_fashion, recipe=FASHION),
    "colour-googlenet": Shipped(build=micro_googlenet, data=patches, recipe=COLOUR),
}


def trained(
    name: str,
    *,
    seed: int,
    recipe: Recipe | None = None,
    report: Report,
    checkpoint: str | PathLike[str] | None = None,
) -> tuple[nn.Module, dict[str, Any]]:
    """Train a network of `SHIPPED`, or go on from `checkpoint`; return it and what it came to."""
    one_of(name, tuple(SHIPPED), "name")
    shipped = SHIPPED[name]
    training, test = shipped.data("train"), shipped.data("test")
    classes, channels = len(training.classes), training.images.shape[1]
    network = fresh(lambda: shipped.build(classes, in_channels=channels), seed=seed)
    recipe = recipe or shipped.recipe
    result = train_and_test(
        network, training, test, recipe, seed=seed, report=report, checkpoint=checkpoint
    )
    return network, result


def _measure(*, network: str, recipe: Recipe, seed: int, report: Report, **where: Any) -> dict:
    return trained(network, recipe=recipe, seed=seed, report=report, **where)[1]


CHECKPOINTS = Experiment(
    name="checkpoints",
    about="the test accuracy of the networks that ship with the package, each trained with seeds",
    measure=_measure,
    options={"network": "mini-googlenet", "recipe": FASHION},
    settings={
        name: {"network": name, "recipe": shipped.recipe} for name, shipped in SHIPPED.items()
    },
)
