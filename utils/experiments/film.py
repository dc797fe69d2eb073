"""A film of a training: at some of its moments, what a network sees, answers and takes for what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import LabelledImages
from ..support.checks import integer
from ..training import evaluate
from ..training.batches import Normalisation


@dataclass(frozen=True, eq=False)
class Frame:
    """A network at one moment of its training.

    Attributes
    ----------
    step, images : int
        Steps done, and images seen so far, with repetition.
    loss : float
        On the test images, in nats: the mean cross-entropy.
    accuracy : float
        The share of test images that it names right, in 0..1.
    answers : Tensor
        (garments, classes): the probability that it gives each class, garment by garment.
    mistakes : Tensor
        (classes, classes) int: how many test images of one class, the row, it takes for another.
    filters : Tensor
        (C_out, k, k): the weights of its first convolution, summed over the input's channels.
    """

    step: int
    images: int
    loss: float
    accuracy: float
    answers: Tensor = field(repr=False)
    mistakes: Tensor = field(repr=False)
    filters: Tensor = field(repr=False)


class Film:
    """Takes frames of a network while it learns: `train` is given it as `watch`.

    The first frame is taken at once, before the first step; the others lie closer together at the
    beginning, where most happens. ::

        film = Film(network, test, normalisation=(mean, std), steps=234, batch_size=128)
        train(network, training, recipe=recipe, watch=film)
        film.frames[-1].accuracy

    Parameters
    ----------
    network : nn.Module
        From (N, C, H, W) to scores (N, classes).
    test : LabelledImages
        What it is tested on at each moment: few, so that the training hardly has to wait.
    normalisation : (mean, std)
        That of the training.
    steps, batch_size : int
        Of the whole training, and images a step.
    moments : int
        Frames after the first.
    of_each : int
        How many garments of each class are shown: the first ones among the test images.
    show : callable, optional
        Called with the film after each frame: it may draw it.
    progress : callable, optional
        Called with the steps done and all steps, after each step.

    Raises
    ------
    ValueError
        A number is below 1, or there are too few test images of a class.
    """

    def __init__(
        self,
        network: nn.Module,
        test: LabelledImages,
        *,
        normalisation: Normalisation,
        steps: int,
        batch_size: int,
        moments: int = 14,
        of_each: int = 2,
        show: Callable[["Film"], None] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.steps = integer(steps, "steps", least=1)
        self.batch_size = integer(batch_size, "batch_size", least=1)
        of_each = integer(of_each, "of_each", least=1)
        self.network, self.test, self.normalisation = network, test, normalisation
        self.moments = planned(self.steps, moments)
        places = [
            (test.labels == label).nonzero()[:of_each, 0] for label in range(len(test.classes))
        ]
        if any(len(found) < of_each for found in places):
            raise ValueError(f"expected {of_each} test images of each class, at least.")
        self.chosen = torch.cat(places)
        self.frames: list[Frame] = []
        self.losses: list[float] = []
        self._show, self._progress = show, progress
        self._take(0)

    @property
    def garments(self) -> LabelledImages:
        """The garments whose answers are kept, class by class."""
        return self.test[self.chosen]

    def __call__(self, step: int, loss: float) -> None:
        """Look at the network after a step, whose batch had this loss in nats."""
        self.losses.append(loss)
        if self._progress is not None:
            self._progress(step, self.steps)
        if step in self.moments:
            self._take(step)

    def _take(self, step: int) -> None:
        answer = evaluate(self.network, self.test, normalisation=self.normalisation, logits=True)
        assert answer.logits is not None  # asked for
        said, true = answer.logits.argmax(dim=1), self.test.labels
        classes = len(self.test.classes)
        mistakes = torch.bincount(true * classes + said, minlength=classes**2)
        self.frames.append(
            Frame(
                step=step,
                images=step * self.batch_size,
                loss=F.cross_entropy(answer.logits, true).item(),
                accuracy=answer.accuracy,
                answers=answer.logits[self.chosen].softmax(dim=1),
                mistakes=mistakes.view(classes, classes).fill_diagonal_(0),
                filters=first_filters(self.network),
            )
        )
        if self._show is not None:
            self._show(self)


def planned(steps: int, moments: int) -> Sequence[int]:
    """Return after which steps frames are taken: closer together at the beginning.

    The last one is the last step, and there are no more than `moments`.
    """
    integer(moments, "moments", least=1)
    return sorted({max(1, round(steps * (n / moments) ** 2)) for n in range(1, moments + 1)})


def first_filters(network: nn.Module) -> Tensor:
    """Return a copy of the first convolution's weights, summed over its input: (C_out, k, k).

    Raises
    ------
    ValueError
        The network has no convolution.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            return module.weight.detach().sum(dim=1).float().cpu().clone()
    raise ValueError("expected a network with a convolution, found none.")
