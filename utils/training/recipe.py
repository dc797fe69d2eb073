"""How a network is trained: every setting that changes the result, and the seeds that follow."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..support.checks import boolean, integer, non_negative, one_of, store

Schedule = Literal["one-cycle", "constant"]
Precision = Literal["auto", "float32", "bfloat16"]
SCHEDULES, PRECISIONS = get_args(Schedule), get_args(Precision)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings of one training; `dataclasses.replace` makes a variation.

    Attributes
    ----------
    epochs : int
        Passes over the training images.
    batch_size : int
        Images a step; under ``torchrun`` those of all processes together.
    peak_rate : float
        The highest learning rate.
    warmup : float
        The fraction of all steps, in [0, 1), in which the rate rises.
    schedule : "one-cycle" or "constant"
        One-cycle: from a tenth of the peak up in a straight line, then down in one to nearly 0.
        Constant: the peak, always.
    momentum : float
        Of stochastic gradient descent, with Nesterov's look ahead, in [0, 1).
    weight_decay : float
        On weights alone (tensors of two and more dimensions): a decay of biases and of batch
        normalisation's scales would pull at what holds no excess.
    label_smoothing : float
        The share of the target, in [0, 1), that is spread evenly over all classes.
    aux_weight : float
        What the loss of each auxiliary head counts: 0.3 in the paper.
    crop : int
        Pixels of black padding around an image, in which a crop of its size is placed at random.
    flip : bool
        Mirror half of the images, left to right.
    precision : "auto", "float32" or "bfloat16"
        Of the convolutions and the linear layers; the weights stay as they are. "auto" is bfloat16
        where the machine has instructions for it.
    seed : int
        Of the order, the augmentation and the dropout; not of the network's first weights.
    max_images : int, optional
        Stop after so many image passes, and let the schedule end there.

    Raises
    ------
    TypeError, ValueError
        A value that is none; the message names it.

    References
    ----------
    One cycle: Smith and Topin (2017), Super-convergence, arXiv:1708.07120. Label smoothing:
    Szegedy et al. (2015), arXiv:1512.00567, section 7. Auxiliary losses: Szegedy et al. (2014),
    arXiv:1409.4842, section 5.
    """

    epochs: int = 10
    batch_size: int = 128
    peak_rate: float = 0.2
    warmup: float = 0.2
    schedule: Schedule = "one-cycle"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    aux_weight: float = 0.3
    crop: int = 2
    flip: bool = True
    precision: Precision = "auto"
    seed: int = 0
    max_images: int | None = None

    def __post_init__(self) -> None:
        for name, least in {"epochs": 1, "batch_size": 1, "crop": 0, "seed": 0}.items():
            store(self, **{name: integer(getattr(self, name), name, least=least)})
        if self.max_images is not None:
            hint = " (one batch)"
            most = integer(self.max_images, "max_images", least=self.batch_size, hint=hint)
            store(self, max_images=most)
        for name in ("warmup", "momentum", "label_smoothing"):
            store(self, **{name: non_negative(getattr(self, name), name, below=1)})
        for name in ("peak_rate", "weight_decay", "aux_weight"):
            store(self, **{name: non_negative(getattr(self, name), name)})
        one_of(self.schedule, SCHEDULES, "schedule")
        one_of(self.precision, PRECISIONS, "precision")
        boolean(self.flip, "flip")

    def steps(self, steps_per_epoch: int) -> int:
        """Count the steps of the whole training."""
        steps = self.epochs * steps_per_epoch
        return steps if self.max_images is None else min(steps, self.max_images // self.batch_size)

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of one step, counted from 0, of so many."""
        if self.schedule == "constant":
            return self.peak_rate
        rise = self.warmup * steps
        if step < rise:
            return self.peak_rate * (0.1 + 0.9 * step / rise)
        return self.peak_rate * (steps - step) / (steps - rise)


def seed_for(*parts: Any) -> int:
    """Return a seed, below 2**64, that depends on all parts, as ``seed_for("order", 0, epoch)``.

    A random sequence of its own for each purpose, epoch and step needs no state to be kept: a
    training that goes on from the middle draws what it would have drawn.
    """
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")
