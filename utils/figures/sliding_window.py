"""Sliding window: a filter moves over a small picture, product by product, answer by answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..interactive import Interactive
from ..support.checks import integer
from ._figure import figure


def sliding_window(
    picture: Sequence[Sequence[float]] | np.ndarray,
    weights: Sequence[Sequence[float]] | np.ndarray,
    *,
    step: int = 1,
    key: str | None = None,
) -> Interactive:
    """Return a figure in which a filter's window moves over a picture, without padding.

    Parameters
    ----------
    picture : array
        Grey, (H, W), of few pixels: their values are written.
    weights : array
        The filter, (k, k), with an odd k.
    step
        The window shown first, from 1, in reading order.
    key
        An anchor to link to.

    Raises
    ------
    TypeError
        If the step is no integer.
    ValueError
        An even k, a picture smaller than the filter, or no such window.
    """
    picture, weights = np.asarray(picture, float), np.asarray(weights, float)
    k = len(weights)
    if picture.ndim != 2 or weights.shape != (k, k) or k % 2 == 0 or min(picture.shape) < k:
        raise ValueError(
            f"expected a picture (H, W) and smaller weights (k, k), k odd; got {picture.shape} and "
            f"{weights.shape}"
        )
    windows = np.lib.stride_tricks.sliding_window_view(picture, (k, k))
    answers = (windows * weights).sum(axis=(2, 3))

    def check(state: dict[str, Any]) -> None:
        integer(state["step"], "step", least=1, most=answers.size)

    return figure(
        __file__,
        alt=f"A {k}×{k} window moves over a small picture, and answers at each place",
        key=key,
        check=check,
        state={"step": step},
        caption=f"The answers of the {k}×{k} filter where its window lies within the picture.",
        heads=("", *(f"column {c + k // 2 + 1}" for c in range(answers.shape[1]))),
        rows=[
            (f"row {r + k // 2 + 1}", *(f"{value:g}".replace("-", "−") for value in line))
            for r, line in enumerate(answers)
        ],
        picture=picture.tolist(),
        weights=weights.tolist(),
    )
