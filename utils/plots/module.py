"""An Inception module, as it is drawn everywhere in the course."""

from itertools import pairwise

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from ..blocks import InceptionSpec
from ..support.palette import BRANCH_COLOURS
from .picture import INK, STYLE, WIDTH, Picture


def inception_module(in_channels: int, spec: InceptionSpec, *, alt: str = "") -> Picture:
    """Draw an Inception module: input below, four branches side by side, concatenation above.

    Widths are in proportion to channels everywhere. `alt` replaces the words that are made from
    the numbers.
    """
    columns = {
        "1x1": [("1×1", spec.conv1x1)],
        "3x3": [("1×1", spec.reduce3x3), ("3×3", spec.conv3x3)],
        "5x5": [("1×1", spec.reduce5x5), ("5×5", spec.conv5x5)],
        "pool": [("max pool", in_channels), ("1×1", spec.pool_proj)],
    }
    branches = {
        branch: [box for box in boxes if box[1] is not None] for branch, boxes in columns.items()
    }
    out_channels = spec.out_channels(in_channels)
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
        axis = figure.subplots()
        widths = [max(channels for _, channels in boxes) for boxes in branches.values()]
        gap = 0.2 * sum(widths)  # holds the label to the right of each box
        left = -(sum(widths) + len(widths) * gap) / 2
        right = -left
        landing = -out_channels / 2
        source = (-in_channels / 2, in_channels / 2)
        _bar(axis, source, 0, INK, filled=False)
        for (branch, boxes), width in zip(branches.items(), widths, strict=True):
            colour, middle = BRANCH_COLOURS[branch], left + width / 2
            landed = (landing, landing + boxes[-1][1])
            spans = [source, *((middle - n / 2, middle + n / 2) for _, n in boxes), landed]
            levels = [0, *[0.85, 1.8][-len(boxes) :], 2.9]
            for (start, end), (low, high) in zip(pairwise(spans), pairwise(levels), strict=True):
                faint = low == 0  # all four read the whole input, and overlap there
                _flow(axis, start, low + _THICK, end, high, colour, alpha=0.12 if faint else 0.3)
            for (name, channels), level, span in zip(boxes, levels[1:], spans[1:], strict=False):
                _bar(axis, span, level, colour, filled="pool" not in name)
                axis.text(
                    span[1] + 0.05 * gap, level + _THICK / 2, f"{name}\n{channels}", va="center"
                )
            _bar(axis, landed, 2.9, colour)
            way = ((sum(spans[-2]) + sum(landed)) / 4, (levels[-2] + _THICK + 2.9) / 2)
            axis.plot(*way, "^", color=colour, ms=7)  # which way the data go
            landing, left = landed[1], left + width + gap
        axis.text(in_channels / 2 + 0.1 * gap, _THICK / 2, f"input, {in_channels}", va="center")
        axis.text(
            landing + 0.1 * gap, 2.9 + _THICK / 2, f"concatenation, {out_channels}", va="center"
        )
        axis.set_xlim(-right, right)
        axis.set_ylim(-0.05, 2.95 + _THICK)
        axis.set_axis_off()
    words = "; ".join(
        " then ".join(f"{name} with {n} channels" for name, n in boxes)
        for boxes in branches.values()
    )
    return Picture(
        figure,
        alt=alt
        or f"An Inception module. From an input of {in_channels} channels, four branches side by "
        f"side: {words}. Their outputs are concatenated to {out_channels} channels.",
    )


_THICK = 0.16  # height of a box


def _bar(
    axis: Axes, span: tuple[float, float], y: float, colour: str, *, filled: bool = True
) -> None:
    """Draw a box over `span`; unfilled for what has no weights."""
    axis.add_patch(
        Rectangle(
            (span[0], y),
            span[1] - span[0],
            _THICK,
            facecolor=colour if filled else "none",
            edgecolor=colour,
            linewidth=1.2,
        )
    )


def _flow(
    axis: Axes,
    span: tuple[float, float],
    low: float,
    above: tuple[float, float],
    high: float,
    colour: str,
    *,
    alpha: float,
) -> None:
    """Draw the channels on their way from one box up to the next."""
    middle = (low + high) / 2
    (left, right), (above_left, above_right) = span, above
    outline = [
        *((left, low), (left, middle), (above_left, middle), (above_left, high)),
        *((above_right, high), (above_right, middle), (right, middle), (right, low)),
    ]
    codes = [Path.MOVETO, *3 * [Path.CURVE4], Path.LINETO, *3 * [Path.CURVE4]]
    axis.add_patch(PathPatch(Path(outline, codes), facecolor=colour, edgecolor="none", alpha=alpha))
