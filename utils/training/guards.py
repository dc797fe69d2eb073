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


def check_finite(model: nn.Module, recipe: Recipe) -> None:
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
            f"expected LabelledImages, as fashion_mnist() gives, got {type(data).__name__}: make "
            "them of tensors, with utils.data.LabelledImages(images, labels, classes), or of "
            "folders, with utils.data.image_folder; folders of more than fits into memory come as "
            "utils.training.folders.FolderBatches."
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


def scores_of(outputs: Any, labels: Tensor) -> tuple[Tensor | None, ...]:
    """Return the main scores, then those of auxiliary heads, or None for one that is left out.

    Parameters
    ----------
    outputs
        What a network gives: scores (N, num_classes), or a tuple or a list of such.
    labels : Tensor
        (N,), still on the CPU: a GPU would not say as clearly what is wrong with them.

    Raises
    ------
    TypeError
        These are no scores.
    ValueError
        There is no score for a label.
    """
    scores = tuple(outputs) if isinstance(outputs, tuple | list) else (outputs,)
    found = [*scores[:1], *(one for one in scores[1:] if one is not None)]
    shapes = {tuple(one.shape) if isinstance(one, Tensor) else () for one in found}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 2 or shape[0] != len(labels):
        got = [_named(one) for one in found]
        raise TypeError(
            "expected scores (N, num_classes) from the network, or a tuple of them with the main "
            f"ones first, got {' and '.join(got) or 'an empty one'}: put any other network into a "
            "module of your own, whose forward returns the scores."
        )
    if labels.min() < 0 or labels.max() >= scores[0].shape[1]:
        raise ValueError(
            f"the labels go from {labels.min()} to {labels.max()}, but the network scores "
            f"{scores[0].shape[1]} classes, 0 to {scores[0].shape[1] - 1}: build it with as many "
            "classes as the data have."
        )
    return scores


def _named(output: Any) -> str:
    shape = f" {tuple(output.shape)}" if isinstance(output, Tensor) else ""
    return f"{type(output).__name__}{shape}"


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
