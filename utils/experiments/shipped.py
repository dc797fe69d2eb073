"""The networks that ship with the package: what each is trained on, how, and how it is shipped.

One run trains one of them with one seed, which takes long: `experiments/train_checkpoints.py`
keeps the state of a run in a file as it goes, and a row when it is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

from torch import nn

from .. import data, pretrained
from ..data import LabelledImages
from ..training import Recipe, evaluate
from ..training.progress import say
from .harness import Experiment, Report
from .machine import machine
from .measures import fresh, split, train_and_test


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """What a network is, what it is trained and tested on, and the recipe.

    Attributes
    ----------
    network, options : str, dict
        `utils.pretrained.create` builds it from these; the data add classes and channels.
    data : str
        The function of `utils.data` that gives the images of a split.
    train, test : dict
        Its options for each.
    recipe : Recipe
    """

    network: str
    recipe: Recipe
    data: str
    options: Mapping[str, Any] = field(default_factory=dict)
    train: Mapping[str, Any] = field(default_factory=dict)
    test: Mapping[str, Any] = field(default_factory=dict)

    def images(self, split: str) -> LabelledImages:
        """Load the images of "train" or "test"."""
        return getattr(data, self.data)(split, **getattr(self, split))

    def build(self, images: LabelledImages) -> nn.Module:
        """Build the network for such images."""
        shape = {"num_classes": len(images.classes), "in_channels": images.images.shape[1]}
        return pretrained.create(self.network, **self.options, **shape)


_FASHION: dict[str, Any] = {"data": "fashion_mnist", "train": {"source": "full"}}

# The three on Fashion-MNIST are compared with each other: they have one recipe.
FASHION = Recipe(epochs=18)
COLOUR = Recipe(epochs=10, crop=4)
_ZOOM = {"zoom": (0.7, 2.0)}  # things in sight of class activation maps come in all sizes

SHIPPED: dict[str, Shipped] = {
    "mini-googlenet": Shipped(
        network="mini_googlenet", options={"early_pools": True}, recipe=FASHION, **_FASHION
    ),
    "plain-network": Shipped(network="plain_network", recipe=FASHION, **_FASHION),
    "small-resnet": Shipped(network="small_resnet", recipe=FASHION, **_FASHION),
    "colour-googlenet": Shipped(
        network="colour_googlenet",
        recipe=COLOUR,
        data="patches",
        train={"count": 11_000} | _ZOOM,
        test=_ZOOM,
    ),
}


def train_shipped(
    *,
    network: str,
    recipe: Recipe,
    seed: int,
    report: Report,
    checkpoint: str | PathLike[str] | None = None,
) -> dict[str, Any]:
    """Train a network of `SHIPPED`; go on from `checkpoint`, if that is there."""
    return _trained(network, recipe, seed=seed, report=report, checkpoint=checkpoint)[1]


def _trained(name: str, recipe: Recipe, *, seed: int, **how: Any) -> tuple[nn.Module, dict]:
    images = SHIPPED[name].images("train")
    model = fresh(lambda: SHIPPED[name].build(images), seed=seed)
    return model, train_and_test(
        model, images, SHIPPED[name].images("test"), recipe, seed=seed, **how
    )


CHECKPOINTS = Experiment(
    name="checkpoints",
    about="the test accuracy of the networks that ship, each trained with several seeds",
    measure=train_shipped,
    options={"network": "mini-googlenet", "recipe": FASHION},
    settings={
        name: {"network": name, "recipe": shipped.recipe} for name, shipped in SHIPPED.items()
    },
)


def try_rate(
    *, network: str, held_out: int, recipe: Recipe, seed: int, report: Report
) -> dict[str, Any]:
    """Train a network of `SHIPPED` briefly; `held_out` of its training images test it."""
    training, test = split(SHIPPED[network].images, held_out)
    model = fresh(lambda: SHIPPED[network].build(training), seed=seed)
    return train_and_test(model, training, test, recipe, seed=seed, report=report)


#: The rates that are tried for the recipe of the three on Fashion-MNIST, in a few epochs.
TRIED = (0.8, 0.4, 0.2, 0.1)

CHECKPOINT_RATES = Experiment(
    name="checkpoint_rates",
    about="which learning rate suits the networks on Fashion-MNIST that ship",
    measure=try_rate,
    options={"network": "mini-googlenet", "held_out": 10_000, "recipe": Recipe(epochs=3)},
    settings={f"rate {rate:g}": {"peak_rate": rate} for rate in TRIED},
    seeds=(0,),
)


def ship(
    name: str,
    *,
    seed: int,
    checkpoint: str | PathLike[str],
    command: str,
    report: Report = say,
    folder: str | PathLike[str] | None = None,
) -> Path:
    """Put a trained network and its card into the package; return the card's path.

    Parameters
    ----------
    name, seed : str, int
        Of `SHIPPED`, and of the run.
    checkpoint : path
        The state of the run. What is missing of the training is done first.
    command : str
        That which trained it, for the card.
    report : function
    folder : path, optional
        By default, where what ships with the package lies.
    """
    shipped = SHIPPED[name]
    model, row = _trained(name, shipped.recipe, seed=seed, report=report, checkpoint=checkpoint)
    training, test = shipped.images("train"), shipped.images("test")
    result = evaluate(model, test, normalisation=(training.mean, training.std), logits=True)
    return pretrained.save(
        name,
        model,
        network=shipped.network,
        options=shipped.options,
        training=training,
        test=shipped.data,
        test_options=shipped.test,
        result=result,
        recipe=replace(shipped.recipe, seed=seed),
        seed=seed,
        command=command,
        machine=machine(),
        cpu_seconds=row["train_cpu_seconds"],
        folder=folder,
    )
