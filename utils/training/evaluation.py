"""How good a network is on labelled images: accuracy with its interval, loss, scores."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import LabelledImages
from ..support.checks import one_of, positive_int
from ..support.modes import in_evaluation
from .batches import Normalisation, describe, normalise
from .guards import check_data, scores_of
from .machine import here, to_device
from .recipe import PRECISIONS, Precision


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """Answers to labelled images: so many right of so many, and the mean cross-entropy in nats.

    `logits` are the scores, (count, num_classes), in the order of the images, if asked for.
    """

    correct: int
    count: int
    loss: float
    logits: Tensor | None = field(default=None, repr=False)

    @property
    def accuracy(self) -> float:
        """The share of right answers, in 0..1."""
        return self.correct / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the accuracy: what so few images leave open.

        It holds for new images of the same kind; other seeds of a training spread further.
        """
        z = NormalDist().inv_cdf(0.975)
        n, p = self.count, self.accuracy
        middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
        return middle - half, middle + half


class TestBatches:
    """All of some images once, in order, normalised: what `evaluate` asks for.

    Anything with `all`, `classes` and `description` can stand in its place.
    """

    __test__ = False  # the name is no sign for pytest

    def __init__(
        self, data: LabelledImages, *, normalisation: Normalisation, batch_size: int = 500
    ) -> None:
        check_data(data)
        self.data = data
        self.normalisation = normalisation
        self.batch_size = positive_int(batch_size, "batch_size")
        normalise(data.images[:1], normalisation)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.data.classes

    @property
    def description(self) -> dict[str, Any]:
        """What the batches are made of."""
        return describe(self.data, self.normalisation)

    def all(self, *, rank: int = 0, world: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images (N, C, H, W) float32 and labels (N,): each `world`-th batch."""
        for start in range(rank * self.batch_size, len(self.data), world * self.batch_size):
            part = slice(start, start + self.batch_size)
            yield normalise(self.data.images[part], self.normalisation), self.data.labels[part]


def as_test_batches(
    data: LabelledImages | TestBatches,
    normalisation: Normalisation | None,
    *,
    batch_size: int = 500,
) -> TestBatches:
    """Make batches of images to evaluate on, unless they are some."""
    if hasattr(data, "all") and not isinstance(data, Tensor):  # a tensor has an `all`, too
        return data
    check_data(data)
    if normalisation is None:
        raise ValueError(
            "evaluate needs the normalisation=(mean, std) that the network was trained with."
        )
    return TestBatches(data, normalisation=normalisation, batch_size=batch_size)


@torch.no_grad()
def evaluate(
    model: nn.Module,
    data: LabelledImages | TestBatches,
    *,
    normalisation: Normalisation | None = None,
    batch_size: int = 500,
    device: torch.device | str | None = None,
    precision: Precision = "float32",
    logits: bool = False,
) -> Evaluation:
    """Let a network answer to labelled images, in evaluation mode.

    Under ``torchrun`` the processes share the work, and all get the result.

    Parameters
    ----------
    model : nn.Module
        As `train` takes it. Moved to `device`; otherwise, and with the mode of each of its parts,
        it is left as it was.
    data : LabelledImages
        Or what has `TestBatches`' interface.
    normalisation : (mean, std)
        That of the network's training: ``Batches(...).normalisation``.
    batch_size : int
        Images at a time; the answers do not depend on it, but for rounding.
    device : optional
        By default the one that the network is on.
    precision : "float32", "bfloat16" or "auto"
    logits : bool
        Keep the scores, on the CPU. Then every process answers to all images.

    Raises
    ------
    ValueError
        No images, no normalisation, labels that the network has no score for.
    TypeError
        Data of another kind, or a network that gives no scores.
    """
    one_of(precision, PRECISIONS, "precision")
    data = as_test_batches(data, normalisation, batch_size=batch_size)
    if device is None:
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
    machine = here(device)
    model.to(machine.device)
    share = {} if logits else {"rank": machine.rank, "world": machine.world}

    correct, count, loss, kept = 0, 0, 0.0, []
    with in_evaluation(model):
        for images, labels in data.all(**share):
            images = to_device(images, machine.device, model)
            with machine.autocast(precision, model):
                outputs = scores_of(model(images), labels)
            scores, labels = at_least_float32(outputs[0]), labels.to(machine.device)
            loss += F.cross_entropy(scores, labels, reduction="sum").item()
            correct += (scores.argmax(1) == labels).sum().item()
            count += len(labels)
            if logits:
                kept.append(scores.cpu())
    if not logits:
        correct, count, loss = machine.total(correct, count, loss)
    if count == 0:
        raise ValueError("there are no images to evaluate on.")
    return Evaluation(
        correct=int(correct),
        count=int(count),
        loss=loss / count,
        logits=torch.cat(kept) if logits else None,
    )


def at_least_float32(scores: Tensor) -> Tensor:
    """Leave half precision: a loss wants more digits."""
    return scores.to(torch.promote_types(scores.dtype, torch.float32))
