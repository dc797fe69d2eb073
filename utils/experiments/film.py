"""A film of a training: at some of its moments, what a network sees, answers and takes for what."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data import LabelledImages
from ..support.checks import integer
from ..training import evaluate
from ..training.batches import Normalisation

_FEW = 300  # images, enough for a curve: the training has to wait for them


@dataclass(frozen=True, eq=False)
class Frame:
    """A network at one moment of its training.

    Attributes
    ----------
    step, images : int
        Steps done, and images seen so far, with repetition.
    loss : float
        On the test images, in nats: the mean cross-entropy.
    own_loss : float
        That of the first test images, some hundreds, if batch normalisation took their own mean and
        spread, and not the averages that it keeps while it learns.
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
    own_loss: float
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
        Called with the steps done, all steps and the loss in words, at first and after each step.

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
        progress: Callable[[int, int, str], None] | None = None,
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
        if progress is not None:
            progress(0, self.steps, "not begun")
        self._take(0)

    @property
    def garments(self) -> LabelledImages:
        """The garments whose answers are kept, class by class."""
        return self.test[self.chosen]

    def __call__(self, step: int, loss: float) -> None:
        """Look at the network after a step, whose batch had this loss in nats."""
        self.losses.append(loss)
        if self._progress is not None:
            self._progress(step, self.steps, f"loss {loss:.2f}")
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
                own_loss=evaluate(
                    _by_itself(self.network), self.test[:_FEW], normalisation=self.normalisation
                ).loss,
                accuracy=answer.accuracy,
                answers=answer.logits[self.chosen].softmax(dim=1),
                mistakes=mistakes.view(classes, classes).fill_diagonal_(0),
                filters=first_filters(self.network),
            )
        )
        if self._show is not None:
            self._show(self)


def _by_itself(network: nn.Module) -> nn.Module:
    """Return a copy that normalises each batch by itself, in evaluation, too."""
    other = copy.deepcopy(network)
    for module in other.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean = module.running_var = None
    return other


def told(film: Film) -> dict[str, str]:
    """Return what a film shows, in words: class names in small letters, shares in percent.

    Returns
    -------
    dict
        ``first`` and ``second``: what most test images are taken for before the first step and at
        the next moment, with ``first_share`` and ``second_share``; ``shown`` and ``taken``: which
        class is taken for which at more of the moments than any other; ``shown_share``: how many of
        that class, when it is worst; ``hardest`` and ``hardest_right``: the class with the fewest
        right at the end, and their share; ``worst``, ``worst_own``, ``worst_batch``: the loss at
        the moment when it is highest, by the test images' own averages, and of the batch before.
    """
    classes = [name.lower() for name in film.test.classes]
    of_class = torch.bincount(film.test.labels, minlength=len(classes))

    def right(frame: Frame) -> Tensor:
        return of_class - frame.mistakes.sum(dim=1)

    words: dict[str, str] = {}
    for name, frame in zip(("first", "second"), film.frames, strict=False):
        taken = frame.mistakes.sum(dim=0) + right(frame)
        words[name] = classes[int(taken.argmax())]
        words[f"{name}_share"] = f"{taken.max().item() / len(film.test):.0%}"
    frames = [frame for frame in film.frames[2:] if frame.mistakes.any()] or film.frames
    commonest = [int(frame.mistakes.argmax()) for frame in frames]
    place = max(commonest, key=commonest.count)
    shown, taken_for = divmod(place, len(classes))
    most = max(int(frame.mistakes[shown, taken_for]) for frame in frames)
    last = right(film.frames[-1]) / of_class
    worst = max(film.frames[1:], key=lambda frame: frame.loss)
    return {
        **words,
        "shown": classes[shown],
        "taken": classes[taken_for],
        "shown_share": f"{most / int(of_class[shown]):.0%}",
        "hardest": classes[int(last.argmin())],
        "hardest_right": f"{last.min().item():.0%}",
        "worst": f"{worst.loss:.1f}",
        "worst_own": f"{worst.own_loss:.1f}",
        "worst_batch": f"{film.losses[worst.step - 1]:.1f}",
    }


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
