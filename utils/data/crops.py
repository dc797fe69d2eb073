"""Small colour crops of a few pictures, labelled by picture: a task that needs no network."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..support.checks import one_of, positive_int
from .labelled import LabelledImages
from .scikit_pictures import PHOTOGRAPHS, TEXTURES, photograph, texture

#: Training and test crops come from different cells of a picture, of at least this many pixels
#: either way: two of them fit into the height of the smallest picture.
CELL = 150

#: What crops can be for: training and testing; or, without touching the test, trying out settings.
SPLITS = ("train", "test", "try", "held out")


def patches(
    split: str = "train",
    *,
    count: int = 5500,
    size: int = 64,
    zoom: float | tuple[float, float] = 1.0,
    seed: int = 0,
) -> LabelledImages:
    """Cut crops at random out of scikit-image's photographs and textures; name the picture.

    Each picture is divided into cells of about 150 pixels, of which about a third, evenly spread,
    are for testing. A crop lies within one cell, so no pixel is in both a training and a test crop,
    whatever their sizes, zooms and seeds. The training cells are divided once more: whoever chooses
    a setting trains on those to "try" it, and tests on those that are "held out".

    Neighbouring cells are parts of one picture all the same, under one light and one camera: this
    is a task of recognising eleven pictures by their colours and textures, in parts not seen
    before. It says nothing about recognising kinds of things. Some crops hold nothing but a plain
    background, so that even a good network stays below 100%.

    Parameters
    ----------
    split : "train", "test", "try" or "held out"
    count : int
        How many: the same number of each of the 11 pictures, within one. Crop i is of picture
        i mod 11, and a smaller count gives the first of the same crops.
    size : int
        Height and width of the crops, in pixels.
    zoom : float or (low, high)
        How much of the picture a crop shows, against `size`: a square of side size · zoom is cut
        out, and resized to `size` with antialiasing. So at 2 things look half as large. Of two
        numbers, the zoom is drawn between them, evenly in its logarithm.
    seed : int
        Decides cells, places and zooms. The same seed with another zoom takes the same cells.

    Returns
    -------
    LabelledImages
        images (count, 3, size, size) uint8, a grey texture in three equal channels; labels
        (count,) int64.

    Raises
    ------
    TypeError, ValueError
        An unknown split, a count or size below 1, a zoom that makes crops of less than one pixel or
        more than a cell.
    """
    one_of(split, SPLITS, "split")
    count, size = positive_int(count, "count"), positive_int(size, "size")
    pictures = _pictures()
    boxes = _boxes(
        [picture.shape[-2:] for picture in pictures], split, count, _sides(size, zoom), seed
    )
    images = torch.empty(count, 3, size, size, dtype=torch.uint8)
    for side in np.unique(boxes[:, 3]):  # all crops of one size at once
        chosen = np.flatnonzero(boxes[:, 3] == side)
        crops = torch.stack(
            [
                pictures[which][:, top : top + side, left : left + side]
                for which, top, left, _ in boxes[chosen].tolist()
            ]
        )
        images[torch.from_numpy(chosen)] = _resize(crops, size)
    part = {"train": "training"}.get(split, split)
    return LabelledImages(
        images,
        torch.from_numpy(boxes[:, 0].copy()),
        (*PHOTOGRAPHS, *TEXTURES),
        f"patches of pictures, {part}",
    )


def patch_cells(split: str, *, count: int, seed: int = 0) -> np.ndarray:
    """Say from which cell of which picture each crop of `patches` is cut: (count,) int64.

    Crops of one cell overlap, so that they are no independent measurements. No two cells of a
    split have the same number.
    """
    one_of(split, SPLITS, "split")
    cells = [len(_cells(picture.shape[-2:], split)) for picture in _pictures()]
    firsts = np.cumsum([0, *cells])
    drawn = _drawn(split, positive_int(count, "count"), seed)[:, 1]
    which = np.arange(count) % len(cells)
    return firsts[which] + (drawn * np.take(cells, which)).astype(np.int64)


def _pictures() -> list[Tensor]:
    """Return the eleven pictures, each (3, H, W) uint8."""
    photographs = [torch.from_numpy(photograph(name)).permute(2, 0, 1) for name in PHOTOGRAPHS]
    textures = [torch.from_numpy(texture(name)).expand(3, -1, -1) for name in TEXTURES]
    return photographs + textures


def _sides(size: int, zoom: float | tuple[float, float]) -> tuple[float, float]:
    """Return the smallest and the largest side of what is cut out, in pixels."""
    low, high = zoom if isinstance(zoom, tuple | list) and len(zoom) == 2 else (zoom, zoom)
    if not all(isinstance(z, int | float) and not isinstance(z, bool) for z in (low, high)):
        raise TypeError(f"zoom must be a number or two, (low, high); got {zoom!r}.")
    if not 1 <= low * size <= high * size <= CELL:
        raise ValueError(
            f"zoom must be a number or (low, high), and size · zoom from 1 to {CELL} pixels; "
            f"got {zoom!r} with crops of {size}, so at most {CELL / size:.3g}."
        )
    return low * size, high * size


def _cells(shape: Sequence[int], split: str) -> list[tuple[int, int, int, int]]:
    """Return (top, left, bottom, right) of the cells of one split in a picture of (H, W)."""
    kinds = {"train": (1, 2), "test": (0,), "try": (1,), "held out": (2,)}[split]
    rows, columns = shape[0] // CELL, shape[1] // CELL
    edges = [
        [length * i // parts for i in range(parts + 1)]
        for length, parts in zip(shape, (rows, columns), strict=True)
    ]
    return [
        (edges[0][row], edges[1][column], edges[0][row + 1], edges[1][column + 1])
        for row in range(rows)
        for column in range(columns)
        # Every third cell of a row, moved on by one from row to row, is for testing.
        if (row + column) % 3 in kinds
    ]


def _boxes(
    shapes: Sequence[Sequence[int]], split: str, count: int, sides: tuple[float, float], seed: int
) -> np.ndarray:
    """Return what to cut out, (count, 4) int64: which picture, top, left, side."""
    cells = [_cells(shape, split) for shape in shapes]
    low, high = (math.log(side) for side in sides)
    boxes = np.empty((count, 4), dtype=np.int64)
    for i, (scale, cell, y, x) in enumerate(_drawn(split, count, seed)):
        which = i % len(shapes)
        top, left, bottom, right = cells[which][int(cell * len(cells[which]))]
        side = round(math.exp(low + (high - low) * scale))
        boxes[i] = (
            which,
            top + int(y * (bottom - top - side + 1)),
            left + int(x * (right - left - side + 1)),
            side,
        )
    return boxes


def _drawn(split: str, count: int, seed: int) -> np.ndarray:
    """Draw what decides zoom, cell, row and column of each crop: (count, 4), from 0 to below 1.

    Uniform numbers alone: these stay the same from one NumPy to the next.
    """
    return np.random.default_rng([seed, SPLITS.index(split)]).random((count, 4))


def _resize(crops: Tensor, size: int) -> Tensor:
    """Resize (N, 3, S, S) uint8 to (N, 3, size, size) uint8."""
    if crops.shape[-1] == size:
        return crops
    resized = F.interpolate(crops.float(), (size, size), mode="bilinear", antialias=True)
    return resized.round_().clamp_(0, 255).to(torch.uint8)
