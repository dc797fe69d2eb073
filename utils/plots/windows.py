"""What a filter is: its weights, the window that slides, and what two windows in a row see."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..support.palette import SERIES_COLOURS
from .picture import INK, STYLE, WIDTH, Picture


def sliding_window(
    picture: np.ndarray, weights: np.ndarray, places: Sequence[tuple[int, int]]
) -> Picture:
    """Draw a filter's window at some places of a small picture, and its answers so far.

    Parameters
    ----------
    picture : array
        Grey, (H, W), of few pixels: their values are written.
    weights : array
        The filter, (k, k), with an odd k; no padding.
    places : sequence of (row, column)
        The middles of the windows, in reading order. The answers up to each are shown.

    Raises
    ------
    ValueError
        No places, an even k, or a window that leaves the picture.
    """
    picture, weights = np.asarray(picture, float), np.asarray(weights, float)
    size, half = len(weights), len(weights) // 2
    (height, width), last = picture.shape, np.array(picture.shape) - half
    inside = all(half <= row < last[0] and half <= column < last[1] for row, column in places)
    if not places or size % 2 == 0 or not inside:
        raise ValueError(f"expected places whose {size}×{size} windows lie within, got {places}")
    windows = np.lib.stride_tricks.sliding_window_view(picture, weights.shape)
    answers = (windows * weights).sum(axis=(2, 3))
    colour = SERIES_COLOURS[0]
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, WIDTH * 1.9 * height / width / len(places) + 0.7))
        axes = figure.subplots(2, len(places), squeeze=False)
        for number, (row, column) in enumerate(places):
            above, below = axes[:, number]
            _cells(above, picture, f"window {number + 1}", picture)
            corner = (column - half - 0.5, row - half - 0.5)
            above.add_patch(Rectangle(corner, size, size, fill=False, edgecolor=colour, lw=2.5))
            so_far = np.full(picture.shape, np.nan)
            so_far[half : last[0], half : last[1]] = answers
            so_far.flat[row * width + column + 1 :] = np.nan
            _cells(below, so_far, "answers so far", answers)
            below.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=colour, lw=2.5)
            )
        figure.tight_layout(pad=0.3)
    said = "; ".join(
        f"in row {row + 1}, column {column + 1} the answer is "
        f"{answers[row - half, column - half]:g}"
        for row, column in places
    )
    return Picture(
        figure,
        alt=f"A {size}×{size} window at {len(places)} places of a picture of {height}×{width} "
        f"pixels, and below each the answers so far: {said}.",
    )


def _cells(axis: Axes, values: np.ndarray, title: str, scale: np.ndarray) -> None:
    """Draw values as grey cells with their numbers, black to white as `scale` goes; no NaN."""
    height, width = values.shape
    least, most = min(scale.min(), 0), max(scale.max(), 1)
    for row, column in np.ndindex(height, width):
        value = values[row, column]
        shade = (value - least) / (most - least)
        known = not np.isnan(value)
        axis.add_patch(
            Rectangle(
                (column - 0.5, row - 0.5),
                *(1, 1),
                facecolor=str(shade) if known else "none",
                edgecolor="#888888",
                linewidth=0.6,
            )
        )
        if known:
            ink = "white" if shade < 0.5 else "black"
            number = f"{value:g}".replace("-", "−")
            axis.text(column, row, number, ha="center", va="center", fontsize=7.5, color=ink)
    axis.set(xlim=(-0.6, width - 0.4), ylim=(height - 0.4, -0.6), aspect="equal")
    axis.set_title(title, fontsize=9)
    axis.set_axis_off()


def named_filters(filters: Mapping[str, np.ndarray]) -> Picture:
    """Draw the weights of filters, each on a scale of its own around zero.

    Parameters
    ----------
    filters : dict of str to array
        Name -> weights, (k, k); two in a row.

    Raises
    ------
    ValueError
        No filter, or one that is no square.
    """
    if not filters or any(np.ndim(f) != 2 or len(set(np.shape(f))) > 1 for f in filters.values()):
        raise ValueError(f"expected filters (k, k), got {list(filters)}")
    filters = {name: np.asarray(weights, float) for name, weights in filters.items()}
    rows = -(-len(filters) // 2)
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.35 * rows), layout="constrained")
        axes = list(figure.subplots(rows, 2, squeeze=False).flat)
        for axis, (name, weights) in zip(axes, filters.items(), strict=False):
            most = np.abs(weights).max()
            shown = axis.imshow(weights, cmap="PuOr", vmin=-most, vmax=most)
            bar = figure.colorbar(shown, ax=axis, shrink=0.7, ticks=[-most, 0, most])
            bar.ax.set_yticklabels([f"−{most:.2g}", "0", f"{most:.2g}"], fontsize=8)
            bar.outline.set_edgecolor(INK)
            axis.set_title(f"{name}, {len(weights)}×{len(weights)}", fontsize=9)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        for axis in axes[len(filters) :]:
            axis.set_axis_off()
    said = "; ".join(
        f"{name}, {len(f)}×{len(f)}, from {f.min():.2g} to {f.max():.2g}"
        for name, f in filters.items()
    )
    return Picture(figure, alt=f"The weights of filters as colours around zero: {said}.")


def receptive_field(sizes: Sequence[int]) -> Picture:
    """Draw what one answer behind some layers in a row has seen of each map before it.

    Parameters
    ----------
    sizes : sequence of int
        The sizes of the layers' filters, odd, with stride 1, from the first to the last.

    Raises
    ------
    ValueError
        No layer, or an even size.
    """
    if not sizes or any(size % 2 == 0 or size < 1 for size in sizes):
        raise ValueError(f"expected layers of odd sizes, got {sizes}")
    seen = [1]
    for size in reversed(sizes):
        seen.insert(0, seen[0] + size - 1)
    side = seen[0] + 2
    names = ["the image", *(f"after {size}×{size}, layer {n}" for n, size in enumerate(sizes, 1))]
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, WIDTH / len(seen) + 0.45), layout="constrained")
        axes = figure.subplots(1, len(seen))
        for axis, name, span in zip(axes, names, seen, strict=True):
            start = (side - span) // 2
            for row, column in np.ndindex(side, side):
                inside = start <= row < start + span and start <= column < start + span
                axis.add_patch(
                    Rectangle(
                        (column, row),
                        *(1, 1),
                        facecolor=SERIES_COLOURS[0] if inside else "none",
                        edgecolor="#888888",
                        linewidth=0.6,
                    )
                )
            axis.set(xlim=(-0.1, side + 0.1), ylim=(side + 0.1, -0.1), aspect="equal")
            axis.set_title(
                f"{name}:\n{span}×{span}" if span > 1 else f"{name}:\none answer", size=9
            )
            axis.set_axis_off()
    said = "; ".join(f"{name}: {span}×{span}" for name, span in zip(names, seen, strict=True))
    return Picture(figure, alt=f"What one answer depends on, map by map: {said}.")
