"""Pool a map: what a mean, a maximum and all numbers of a map say while a thing is dragged."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data import fashion_mnist
from ..interactive import Interactive
from ..support.checks import integer, one_of
from ._figure import figure

#: The first of its class among the test images, shrunk to 14 pixels.
THINGS = ("Dress", "T-shirt/top", "Trouser", "Bag", "Ankle boot")
_SIDE, _MOST = 28, 6  # pixels: the frame, the furthest move in any direction
# Where the thing begins: top, left. Moved by a cell, all of its edges still reach the last cells.
_PLACE = (6, 7)
#: Dark on the left and bright on the right; from black to white its answer is 1.
EDGE = torch.tensor([[-1.0, 0.0, 1.0]] * 3) / 3


def pool_a_map(
    right: int = 0, down: int = 0, *, thing: str = "Dress", key: str | None = None
) -> Interactive:
    """Return a piece of clothing that the reader drags, its map, and three ways to end a network.

    The network is so small that it can be seen whole: one 3×3 filter for upright edges, ReLU, and
    twice a max pool of 3×3 that takes every second place, as in GoogLeNet's stem. From 28×28 pixels
    it makes 7×7 cells. Nothing of the thing is ever cut off.

    Parameters
    ----------
    right, down : int
        By how many pixels the thing is moved at first, from -6 to 6.
    thing
        One of `THINGS`.
    key
        An anchor to link to.

    Raises
    ------
    TypeError
        If what should be an integer is none.
    ValueError
        There is no such thing, or it would leave the frame.
    """
    state = {"right": right, "down": down, "thing": thing}
    _check(state)
    rows = []
    for pixels in range(_MOST + 1):
        found = ends(thing, right=pixels)
        rows.append(
            (
                f"moved by {pixels} px",
                *(f"{found[name]:.3f}" for name in ("mean", "maximum")),
                f"{100 * found['changed']:.0f}%",
            )
        )
    return figure(
        __file__,
        alt="A piece of clothing is moved: what the mean, the maximum and all numbers of its map "
        "say",
        key=key,
        check=_check,
        state=state,
        caption=(
            f"{thing}, moved to the right: the mean and the maximum of its map of upright edges, "
            "and by how much of their length all numbers of the map differ from those before."
        ),
        heads=("", "mean", "maximum", "all numbers"),
        rows=rows,
        things={name: _shrunk(name).flatten().tolist() for name in THINGS},
        edge=EDGE.tolist(),
        side=_SIDE,
        place=_PLACE,
        most=_MOST,
    )


def _check(state: dict[str, Any]) -> None:
    for name in ("right", "down"):
        integer(state[name], name, least=-_MOST, most=_MOST)
    one_of(state["thing"], THINGS, "thing")


@cache
def _shrunk(thing: str) -> Tensor:
    """Return half the height and width of a test image, (14, 14) uint8."""
    test = fashion_mnist("test")
    image = test.images[test.labels == test.classes.index(thing)][0]
    return F.avg_pool2d(image.float(), 2)[0].round().byte()


def map_of(thing: str, *, right: int = 0, down: int = 0) -> Tensor:
    """Return the map of a thing that has been moved, (7, 7), each value in 0..1."""
    small = _shrunk(thing).float() / 255
    image = torch.zeros(1, 1, _SIDE, _SIDE)
    top, left = _PLACE[0] + down, _PLACE[1] + right
    image[0, 0, top : top + small.shape[0], left : left + small.shape[1]] = small
    edges = F.conv2d(image, EDGE[None, None], padding=1).relu()
    for _ in range(2):
        edges = F.max_pool2d(edges, 3, stride=2, padding=1)
    return edges[0, 0]


def ends(thing: str, *, right: int = 0, down: int = 0) -> dict[str, float]:
    """Return what three ways to end a network make of a moved thing's map.

    Returns
    -------
    dict
        ``mean``, ``maximum``; ``changed``, how far all numbers are from those of the thing in the
        middle, as a share of the length of these.
    """
    before, now = map_of(thing), map_of(thing, right=right, down=down)
    return {
        "mean": float(now.mean()),
        "maximum": float(now.max()),
        "changed": float((now - before).norm() / before.norm()),
    }
