"""What a filter is: its weights, and what windows in a row see."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..support.palette import SERIES_COLOURS
from .picture import INK, STYLE, WIDTH, Picture


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
