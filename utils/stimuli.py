"""Pictures made from formulas, to ask a network what it answers to: gratings, lines and arcs.

Each is (3, size, size), floats in 0..1, on a mid-grey ground.
"""

import math

import torch
from torch import Tensor

from .support.checks import one_of, positive_int

#: How much of a wave each of red, green and blue gets. The two colours keep the brightness of every
#: pixel what it was (0.299 red + 0.587 green + 0.114 blue, as in ITU-R BT.601).
TINTS: dict[str, tuple[float, float, float]] = {
    "grey": (1.0, 1.0, 1.0),
    "red and green": (1.0, -0.299 / 0.587, 0.0),
    "blue and yellow": (-0.114 / 0.886, -0.114 / 0.886, 1.0),
}
CONTRAST = 0.4  # how far from mid grey a picture goes


def grating(
    size: int, *, waves: float, angle: float = 0.0, phase: float = 0.0, tint: str = "grey"
) -> Tensor:
    """Draw parallel waves, dark and bright or from one colour to another.

    Parameters
    ----------
    size : int
        Height and width, in pixels.
    waves : float
        So many of them lie side by side across the picture; more than half of `size` cannot be
        told from fewer.
    angle : float
        Of the direction in which they follow each other, in radians: 0 gives upright stripes.
    phase : float
        In radians.
    tint : str
        One of `TINTS`.

    Raises
    ------
    ValueError
        No such tint, or too many waves for the pixels.
    """
    one_of(tint, tuple(TINTS), "tint")
    size = positive_int(size, "size")
    if not 0 <= waves <= size / 2:
        raise ValueError(f"waves must be from 0 to {size / 2:g} across {size} px, got {waves}.")
    x, y = _places(size)
    way = x * math.cos(angle) + y * math.sin(angle)
    wave = torch.sin(2 * math.pi * waves / size * way + phase)
    return 0.5 + CONTRAST * wave * torch.tensor(TINTS[tint])[:, None, None]


def arc(
    size: int, *, bend: float, angle: float = 0.0, length: float = 20.0, bright: bool = True
) -> Tensor:
    """Draw a bent line, 3 px thick, whose middle lies in the middle of the picture.

    Parameters
    ----------
    size : int
        Height and width, in pixels.
    bend : float
        One over the radius of the circle that it is a part of, in 1/px: 0 gives a straight line.
    angle : float
        Of the line in its middle, in radians: 0 runs to the right, and bends downwards.
    length : float
        Along the line, in pixels.
    bright : bool
        Brighter than the ground, or darker.
    """
    x, y = _places(positive_int(size, "size"))
    s = torch.linspace(-length / 2, length / 2, 65)
    # (sin(bs)/b, (1 - cos(bs))/b), written so that b may be 0.
    along = s * torch.sinc(bend * s / math.pi)
    across = bend * s.square() / 2 * torch.sinc(bend * s / (2 * math.pi)).square()
    line_x = along * math.cos(angle) - across * math.sin(angle)
    line_y = along * math.sin(angle) + across * math.cos(angle)
    pixels, line = torch.stack([x, y], -1).reshape(-1, 2), torch.stack([line_x, line_y], -1)
    distance = torch.cdist(pixels, line).amin(dim=1).view(size, size)
    ink = (2 - distance).clamp(0, 1)  # soft edges: half of the ink at 1.5 px
    return (0.5 + (CONTRAST if bright else -CONTRAST) * ink).expand(3, -1, -1)


def _places(size: int) -> tuple[Tensor, Tensor]:
    """Return how far each pixel lies right of the middle, and below it: each (size, size)."""
    places = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    y, x = torch.meshgrid(places, places, indexing="ij")
    return x, y
