"""Photographs beside maps on one scale, each with its peak; and a matrix in blocks."""

from collections.abc import Mapping

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..support.palette import BRANCH_COLOURS
from .picture import INK, STYLE, WIDTH, Picture


def heat_maps(panels: Mapping[str, np.ndarray], *, label: str, alt: str) -> Picture:
    """Draw photographs and maps side by side; all maps share one scale, and show their peak.

    Parameters
    ----------
    panels
        Title -> a photograph, (H, W, 3), as `imshow` takes it; or a map, (H, W), at least one.
    label
        What the scale counts.
    alt
        What the pictures show; the height of each peak is put behind it.

    Raises
    ------
    ValueError
        No map, or a panel of another shape.
    """
    panels = {title: np.asarray(panel) for title, panel in panels.items()}
    if any(p.ndim != 2 and p.shape[2:] != (3,) for p in panels.values()):
        raise ValueError("expected photographs (H, W, 3) and maps (H, W)")
    maps = {title: panel for title, panel in panels.items() if panel.ndim == 2}
    if not maps:
        raise ValueError("expected at least one map")
    top = max(panel.max() for panel in maps.values())
    columns = 3 if len(panels) > 4 else 2
    rows = -(-len(panels) // columns)
    with rc_context(STYLE):
        shape = np.mean([p.shape[0] / p.shape[1] for p in panels.values()])
        height = rows * (shape * WIDTH / columns + 0.25) + 0.5
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis in axes:
            axis.set_axis_off()
        for axis, (title, panel) in zip(axes, panels.items(), strict=False):
            axis.set_title(title)
            if title not in maps:
                axis.imshow(panel)
                continue
            image = axis.imshow(panel, cmap="magma", vmin=0, vmax=top)
            row, column = np.unravel_index(panel.argmax(), panel.shape)
            size = 0.09 * max(panel.shape)
            x, y = (  # around the peak, but whole: pixels reach from -0.5 on
                min(max(at - size, -0.5), side - 0.5 - 2 * size)
                for at, side in ((column, panel.shape[1]), (row, panel.shape[0]))
            )
            axis.add_patch(Rectangle((x, y), 2 * size, 2 * size, fill=False, ec="#00E5FF", lw=2))
        figure.colorbar(image, ax=list(axes), location="bottom", label=label, aspect=40, shrink=0.6)
    peaks = ", ".join(f"{title} {panel.max():.1f}" for title, panel in maps.items())
    return Picture(figure, alt=f"{alt} Highest values: {peaks}.")


def block_matrix(widths: Mapping[str, int], rows: int) -> Picture:
    """Draw a matrix cut into one block of columns for each branch, times their channels.

    Parameters
    ----------
    widths
        Branch, in the words of `BRANCH_COLOURS` -> its channels.
    rows
        Channels that the matrix gives.
    """
    total = sum(widths.values())
    names = {"1x1": "1", "3x3": "3", "5x5": "5", "pool": "p"}
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
        upper, lower = figure.subplots(2, 1, height_ratios=(total, 1.4 * rows))
        for axis in (upper, lower):
            axis.set_axis_off()
            axis.set_aspect("equal")
        thick, at, down = 0.07 * total, 0.0, total / 2
        middle = 0.0
        for branch, width in widths.items():
            colour, name = BRANCH_COLOURS[branch], names[branch]
            _block(upper, at, middle - rows / 2, width, rows, colour, f"$V_{name}$")
            _block(upper, 1.12 * total, down - width, thick, width, colour, "")
            upper.text(1.22 * total, down - width / 2, f"$y_{name}$", va="center")
            at, down = at + width, down - width
        upper.text(1.06 * total, middle, "·", va="center", ha="center", fontsize=16)
        upper.set_xlim(-0.02 * total, 1.9 * total)
        upper.set_ylim(-0.52 * total, 0.52 * total)
        at = 0.0
        for place, (branch, width) in enumerate(widths.items()):
            colour, name = BRANCH_COLOURS[branch], names[branch]
            sign = "=" if place == 0 else "+"
            lower.text(at, 0, sign, va="center", ha="center", fontsize=14)
            at += 0.06 * total
            _block(lower, at, -rows / 2, width, rows, colour, f"$V_{name}$")
            at += width + 0.03 * total
            _block(lower, at, -width / 2, thick, width, colour, "")
            lower.text(at + 1.2 * thick, 0, f"$y_{name}$", va="center")
            at += thick + 0.15 * total
        lower.set_xlim(-0.04 * total, at)
        lower.set_ylim(-0.75 * rows, 0.75 * rows)
    blocks = ", ".join(f"{width} for the {branch} branch" for branch, width in widths.items())
    return Picture(
        figure,
        alt=f"A matrix of {rows} rows, cut into blocks of columns: {blocks}. Beside it the column "
        "of channels in the same colours. Below: the product is the sum of four smaller ones, each "
        "block times the channels of its own branch.",
    )


def _block(
    axis,
    x: float,
    y: float,
    width: float,
    height: float,
    colour: str,
    label: str,
) -> None:
    axis.add_patch(Rectangle((x, y), width, height, fc=colour, ec=INK, lw=0.8, alpha=0.75))
    axis.text(x + width / 2, y + height / 2, label, ha="center", va="center")
