"""What is refused before a step is taken, and what stops a training that has gone wrong."""

import math
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, nn

from ..data import LabelledImages
from .recipe import Recipe


class DivergedError(RuntimeError):
    """The loss, or a weight, is no longer a finite number."""


def check_loss(loss: float, recipe: Recipe, *, name: str = "the loss") -> float:
    """Return a loss, or raise a DivergedError if it is not finite."""
    if not math.isfinite(loss):
        raise DivergedError(_diverged(f"{name} is {loss}", recipe))
    return loss


def check_weights(model: nn.Module, recipe: Recipe) -> None:
    """Raise a DivergedError rather than keep, or hand back, weights that a step has ruined."""
    if not all(parameter.isfinite().all() for parameter in model.parameters()):
        raise DivergedError(_diverged("a weight is not a finite number", recipe))


def _diverged(what: str, recipe: Recipe) -> str:
    return (
        f"the training has diverged: {what}. A lower peak_rate (it is {recipe.peak_rate:g}), a "
        "longer warmup or batch normalisation may help."
    )


def check_data(data: Any) -> None:
    """Raise unless `data` are labelled images, and at least one."""
    if not isinstance(data, LabelledImages):
        raise TypeError(
            f"expected LabelledImages, as fashion_mnist() gives, got {type(data).__name__}."
        )
    if len(data) == 0:
        raise ValueError(f"{data.name} holds no images.")


def check_classes(training: tuple[str, ...], test: tuple[str, ...]) -> None:
    """Raise a ValueError unless the test images have the classes of those to train on."""
    for i, (wanted, got) in enumerate(zip_longest(training, test)):
        if wanted != got:
            raise ValueError(
                "the test images have other classes than those to train on: number "
                f"{i} is {got!r} instead of {wanted!r}."
            )


def check_labels(labels: Tensor, scores: Tensor) -> None:
    """Raise unless there is a score for each label, which a GPU would not say as clearly."""
    if labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise ValueError(
            f"the labels go from {labels.min()} to {labels.max()}, but the network scores "
            f"{scores.shape[1]} classes, 0 to {scores.shape[1] - 1}: build it with as many classes "
            "as the data have."
        )


def mean_and_std(normalisation: Any, channels: int) -> tuple[Tensor, Tensor]:
    """Return a normalisation as two tensors that fit images (N, C, H, W), or raise a ValueError."""
    try:
        mean, std = (torch.as_tensor(value, dtype=torch.float32) for value in normalisation)
        good = {mean.shape, std.shape} <= {(), (channels,)} and bool(
            mean.isfinite().all() and std.isfinite().all() and (std > 0).all()
        )
    except (TypeError, ValueError, RuntimeError, OverflowError):  # no pair, or not of numbers
        good = False
    if not good:
        raise ValueError(
            "normalisation must be a pair (mean, std), of one finite number for all channels or "
            f"one for each of {channels}, each std above 0; got {normalisation!r}."
        )
    return mean.reshape(-1, 1, 1), std.reshape(-1, 1, 1)
