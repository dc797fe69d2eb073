"""What most experiments measure: a fresh network, trained, and tested on images it never saw."""

import base64
import math
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ..accounting import account
from ..data import LabelledImages
from ..training import DivergedError, Recipe, evaluate, train
from ..training.batches import Normalisation
from .harness import Report

Built = TypeVar("Built")


def fresh(build: Callable[[], Built], *, seed: int) -> Built:
    """Build what has weights from `seed`, and leave the global generator alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def split(
    images: Callable[[str], LabelledImages], held_out: int
) -> tuple[LabelledImages, LabelledImages]:
    """Return what to train on and what to test on.

    `images` gives those of "train" and "test". The last `held_out` training images test; if 0, the
    test images do.
    """
    training = images("train")
    if held_out:
        return training[:-held_out], training[-held_out:]
    return training, images("test")


def train_and_test(
    network: nn.Module,
    training: LabelledImages,
    test: LabelledImages,
    recipe: Recipe,
    *,
    seed: int,
    report: Report,
    checkpoint: str | PathLike[str] | None = None,
    watch: Callable[[int, float], None] | None = None,
) -> dict[str, Any]:
    """Train a network and return what it came to, as the columns of a row.

    `seed` is that of the run; it takes the place of the recipe's. `watch` is that of `train`.

    Returns
    -------
    dict
        ``test_accuracy`` (0..1), with ``correct`` of ``tested`` images, and ``test_loss`` in nats;
        ``train_accuracy`` and ``train_loss``, the means over the last epoch, with augmentation and
        smoothed labels where the recipe has them; ``diverged``, whether training came to numbers
        that are not finite, and ended there; ``images``, how many it saw, with repetition;
        ``train_seconds`` and ``train_cpu_seconds``, over all stops; ``parameters`` and, for one
        image, ``macs``.
    """
    seen = 0

    def count(module: nn.Module, inputs: tuple) -> None:
        nonlocal seen
        seen += len(inputs[0])

    recipe = replace(recipe, seed=seed)
    try:
        with network.register_forward_pre_hook(count):
            history = train(
                network,
                training,
                recipe=recipe,
                checkpoint=checkpoint,
                save_every_steps=50 if checkpoint else None,
                strict=True,
                report=report,
                watch=watch,
            )
        last = history.iloc[-1].to_dict()
        spent = history[["seconds", "cpu_seconds"]].sum().round(1)
    except DivergedError as error:
        report(str(error))
        last = {"images": seen, "loss": math.nan, "train_accuracy": math.nan}
        spent = {"seconds": math.nan, "cpu_seconds": math.nan}
    result = evaluate(network, test, normalisation=(training.mean, training.std))
    return {
        "test_accuracy": result.accuracy,
        "correct": result.correct,
        "tested": result.count,
        "test_loss": result.loss,
        "train_accuracy": last["train_accuracy"],
        "train_loss": last["loss"],
        "diverged": math.isnan(last["loss"]),
        "images": int(last["images"]),
        "train_seconds": float(spent["seconds"]),
        "train_cpu_seconds": float(spent["cpu_seconds"]),
        **costs(network, training),
    }


def costs(network: nn.Module, data: LabelledImages) -> dict[str, int]:
    """Return a network's parameters, and its multiply-adds for one image of `data`."""
    counted = account(network, tuple(data.images.shape[1:]))
    return {"parameters": counted.parameters, "macs": counted.macs}


def named_right(network: nn.Module, test: LabelledImages, *, normalisation: Normalisation) -> str:
    """Return which test images a network names right: a bit an image, in base64.

    `right_of` reads it. So a row holds what it takes to draw test images anew.
    """
    scores = evaluate(network, test, normalisation=normalisation, logits=True).logits
    assert scores is not None  # asked for
    return packed(scores.argmax(dim=1).cpu() == test.labels)


def packed(right: Tensor) -> str:
    """Write which images were named right, (N,) bool, as a cell of a table: bits, in base64."""
    return base64.b64encode(np.packbits(right.numpy()).tobytes()).decode()


def right_of(written: str, count: int) -> np.ndarray:
    """Read what `packed` wrote of `count` images: (count,) bool."""
    bits = np.frombuffer(base64.b64decode(written), dtype=np.uint8)
    return np.unpackbits(bits, count=count).astype(bool)
