"""A training as a film: what a network answers, moment by moment, from random to right."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor

from ..experiments.film import Film, Frame
from ..interactive import Interactive
from ..plots.training import SHORT
from ..support.checks import integer
from ._figure import figure, packed


def training_film(
    film: Film, *, moment: int = 0, garment: int = 0, key: str | None = None
) -> Interactive:
    """Return a recorded training, which the reader steps through.

    At each moment it shows garments with the network's answers, the probabilities of the one that
    is chosen, the commonest mistakes on all test images, the first filters, and the curves of
    accuracy and loss: of the batches, of the test images, and of these if batch normalisation took
    their own mean and spread.

    Parameters
    ----------
    film
        What was recorded.
    moment
        Which frame is shown at first, from 0.
    garment
        Which garment is chosen at first, from 0.
    key
        An anchor to link to.

    Raises
    ------
    TypeError
        If what should be an integer is none.
    ValueError
        There is no such moment or garment.
    """
    garments, frames = film.garments, film.frames
    check = partial(_check, frames=len(frames), garments=len(garments))
    state = {"moment": moment, "garment": garment}
    check(state)
    rows = [
        (f"{frame.images:,}", f"{frame.loss:.2f}", f"{100 * frame.accuracy:.1f}%")
        for frame in frames
    ]
    height, width = garments.images.shape[2:]
    return figure(
        __file__,
        alt="A network while it learns: its answers to some garments, moment by moment",
        key=key,
        check=check,
        state=state,
        caption=f"The loss and the accuracy on {len(film.test):,} test images as it learns.",
        heads=("images seen", "loss, nats", "right"),
        rows=rows,
        classes=list(garments.classes),
        names=[SHORT.get(name, name) for name in garments.classes],
        labels=garments.labels.tolist(),
        size=[height, width],
        pictures=[packed(image[0]) for image in garments.images],
        tested=len(film.test),
        frames=[_told(frame) for frame in frames],
        batch_size=film.batch_size,
        losses=[round(loss, 3) for loss in film.losses],
    )


def _check(state: dict[str, Any], *, frames: int, garments: int) -> None:
    integer(state["moment"], "moment", least=0, most=frames - 1)
    integer(state["garment"], "garment", least=0, most=garments - 1)


def _told(frame: Frame) -> dict[str, Any]:
    """Return what the module shows of a moment, in few digits."""
    largest = frame.filters.abs().amax(dim=(1, 2), keepdim=True).clamp_min(1e-9)
    return {
        "images": frame.images,
        "loss": round(frame.loss, 4),
        "own": round(frame.own_loss, 4),
        "accuracy": round(frame.accuracy, 4),
        "answers": [[round(p, 3) for p in row] for row in frame.answers.tolist()],
        "mistakes": _commonest(frame.mistakes),
        # From 0, the most negative weight a filter could have, to 254, the largest.
        "filters": (127 + 127 * frame.filters / largest).round().int().flatten(1).tolist(),
    }


def _commonest(mistakes: Tensor, most: int = 5) -> list[tuple[int, int, int]]:
    """Return (shown, taken for, times) of the commonest mistakes."""
    times, places = mistakes.flatten().sort(descending=True, stable=True)
    found = zip(places[:most].tolist(), times[:most].tolist(), strict=True)
    return [(place // len(mistakes), place % len(mistakes), n) for place, n in found if n]
