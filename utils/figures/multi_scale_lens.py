"""The multi-scale lens: what windows of five sizes see of a photograph, and what filters answer."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..data import photograph, photographs, texture
from ..filters import difference_of_gaussians, gabor_bank, mean_filter
from ..interactive import Interactive
from ..support.checks import integer, one_of
from ._figure import figure, packed

SIDE = 96
"""Height and width of the pictures under the lens, in pixels."""
SIZES = (1, 3, 5, 7, 15)
MARGIN = SIZES[-1] // 2

# What is cut out of each picture: top, left, side in its own pixels.
_CUTS = {
    "hubble": (364, 410, 192),
    "cat": (60, 100, 192),
    "gravel": (100, 100, 192),
}
_TITLES = {"hubble": "galaxies", "cat": "a cat's face", "gravel": "pebbles"}
NAMES = {
    "mean": "mean",
    "spot": "difference of Gaussians",
    "upright": "Gabor, upright edge",
    "level": "Gabor, level edge",
}


def multi_scale_lens(
    picture: str = "hubble",
    *,
    row: int = 63,
    column: int = 71,
    kind: str = "spot",
    key: str | None = None,
) -> Interactive:
    """Return a lens over a picture: windows of 1 to 15 pixels, and named filters' answers.

    Parameters
    ----------
    picture
        "hubble", "cat" or "gravel": part of a photograph in grey, 96 by 96 pixels.
    row, column
        The middle of all windows; 7 to 88, so that the largest lies within the picture.
    kind
        "mean", "spot" (a difference of Gaussians), "upright" or "level" (Gabor filters that answer
        to edges): the one whose answers are shown for the whole picture.
    key
        An anchor to link to.

    Raises
    ------
    TypeError
        If what should be an integer is none.
    ValueError
        There is no such picture, place or filter.
    """
    state = {"picture": picture, "row": row, "column": column, "filter": kind}
    _check(state)
    found = answers(grey(picture), row=row, column=column)
    rows = [
        (NAMES[name], *("none" if value is None else f"{value:+.3f}" for value in values.values()))
        for name, values in found.items()
    ]
    return figure(
        __file__,
        alt="A lens over a photograph: what windows of five sizes see, and what filters answer",
        key=key,
        check=_check,
        state=state,
        caption=(
            f"Answers of named filters of four sizes to {_TITLES[picture]}, around the pixel in "
            f"row {row} and column {column}; black is 0 and white is 1."
        ),
        heads=("filter", *(f"{size}×{size}" for size in SIZES)),
        rows=rows,
        names=list(NAMES.items()),
        kernels={name: {str(k): f.tolist() for k, f in bank.items()} for name, bank in _bank()},
        pictures=[(name, title, packed(grey(name))) for name, title in _TITLES.items()],
        side=SIDE,
    )


def _check(state: dict[str, Any]) -> None:
    one_of(state["picture"], tuple(_CUTS), "picture")
    one_of(state["filter"], tuple(NAMES), "kind")
    for name in ("row", "column"):
        integer(state[name], name, least=MARGIN, most=SIDE - 1 - MARGIN)


@cache
def grey(picture: str) -> Tensor:
    """Return one of the pictures under the lens, (96, 96) uint8."""
    image = photograph(picture) if picture in photographs() else texture(picture)
    top, left, side = _CUTS[picture]
    cut = Image.fromarray(image[top : top + side, left : left + side]).convert("L")
    return torch.from_numpy(np.array(cut.resize((SIDE, SIDE), Image.Resampling.LANCZOS)))


def _bank() -> list[tuple[str, dict[int, Tensor]]]:
    """Return filter -> size -> weights (size, size) in float64; a pixel alone has but a mean."""
    shapes = SIZES[1:]
    edges = {k: gabor_bank((float(k),), orientations=2, size=k)[:, 0].double() for k in shapes}
    # The weights of one sign add up to 1: of unit norm, the largest would win at every edge.
    edges = {k: 2 * bank / bank.abs().sum((1, 2), keepdim=True) for k, bank in edges.items()}
    # Of each direction an even filter, then an odd one; the odd ones answer to edges.
    return [
        ("mean", {k: mean_filter(k)[0, 0].double() for k in SIZES}),
        ("spot", {k: difference_of_gaussians(k)[0, 0].double() for k in shapes}),
        ("upright", {k: edges[k][1] for k in shapes}),
        ("level", {k: edges[k][3] for k in shapes}),
    ]


def answers(image: Tensor, *, row: int, column: int) -> dict[str, dict[int, float | None]]:
    """Return filter -> size -> its answer at a pixel of a picture in bytes, (H, W) uint8.

    Black is 0 and white is 1. None where there is no such filter of one pixel.
    """
    found: dict[str, dict[int, float | None]] = {}
    for name, bank in _bank():
        found[name] = dict.fromkeys(SIZES)
        for size, weights in bank.items():
            half = size // 2
            window = image[row - half : row + half + 1, column - half : column + half + 1]
            found[name][size] = float((weights * window.double() / 255).sum())
    return found
