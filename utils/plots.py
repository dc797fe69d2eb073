"""The course's static figures: each function draws one, and returns a `Picture`.

An Inception module is drawn as in the interactive figures: four branches side by side, in the four
colours of `style`, with widths in proportion to channels.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from .blocks import InceptionSpec
from .pictures import INK, STYLE, WIDTH, Gallery, Picture
from .style import BRANCH_COLOURS

__all__ = ["Gallery", "Picture", "costs_by_module", "inception_module", "kept_variance"]


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


def costs_by_module(costs: Mapping[str, Mapping[str, float]], *, unit: str, alt: str) -> Picture:
    """Draw bars of cost for each module, one series beside the other.

    Parameters
    ----------
    costs
        Series to module to cost. All series have the same modules.
    unit
        What an axis label says of the cost.

    Raises
    ------
    ValueError
        No series, or more than two; series of different modules.
    """
    if not 1 <= len(costs) <= 2:
        raise ValueError(f"expected one or two series of costs, got {len(costs)}")
    if len({tuple(values.keys()) for values in costs.values()}) > 1:
        raise ValueError("expected the same modules, in the same order, in each series")
    names = list(next(iter(costs.values())).keys())
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
        axis = figure.subplots()
        width = 0.8 / len(costs)
        fills = [(INK, 0.85), (BRANCH_COLOURS["3x3"], 1.0)]
        for i, (series, (colour, alpha)) in enumerate(zip(costs.items(), fills, strict=False)):
            label, values = series
            axis.bar(
                np.arange(len(names)) + (i - (len(costs) - 1) / 2) * width,
                [values[name] for name in names],
                width,
                label=label,
                color=colour,
                alpha=alpha,
            )
        axis.set_xticks(range(len(names)), names)
        axis.set_ylabel(unit)
        figure.legend(loc="outside upper left", ncols=2)
    return Picture(figure, alt=alt)


def kept_variance(
    curves: Mapping[str, Sequence[np.ndarray]], *, marks: Mapping[int, str], alt: str
) -> Picture:
    """Draw how much of a stack of channels the best r mixtures of them keep.

    Parameters
    ----------
    curves
        Group to curves; curve[r - 1] is the share kept by r mixtures, in 0..1. Each curve of a
        group is drawn thin, their mean thick.
    marks
        Widths to mark, with a label each.

    Raises
    ------
    ValueError
        No group or more than three, an empty group, or curves of different lengths.
    """
    lengths = {len(member) for members in curves.values() for member in members}
    if not 1 <= len(curves) <= 3 or not all(len(members) for members in curves.values()):
        raise ValueError(f"expected one to three groups of curves, got {len(curves)}")
    if len(lengths) != 1:
        raise ValueError(f"expected curves of one length, got {sorted(lengths)}")
    channels = np.arange(1, lengths.pop() + 1)
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
        axis = figure.subplots()
        looks = [
            (BRANCH_COLOURS["1x1"], "-"),
            (BRANCH_COLOURS["pool"], (0, (1, 1))),
            (BRANCH_COLOURS["3x3"], "--"),
        ]
        for (group, members), (colour, dashes) in zip(curves.items(), looks, strict=False):
            for member in members:
                axis.plot(
                    channels, 100 * np.asarray(member), color=colour, linewidth=0.8, alpha=0.6
                )
            mean = 100 * np.mean(members, axis=0)
            axis.plot(channels, mean, color=colour, linewidth=2.2, linestyle=dashes, label=group)
        for width, label in marks.items():
            axis.axvline(width, color=INK, linewidth=0.8, linestyle=":")
            axis.text(width, 104, label, ha="center", va="bottom", fontsize=9)
        axis.set_xscale("log", base=2)
        powers = [2**i for i in range(int(np.log2(len(channels))) + 1)]
        ticks = sorted({*powers, len(channels)})
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
        axis.minorticks_off()
        axis.set_xlim(1, len(channels))
        axis.set_ylim(0, 102)
        axis.set_xlabel("mixtures kept by the 1×1 reduction")
        axis.set_ylabel("variance kept, %")
        figure.legend(loc="outside upper left", ncols=len(curves))
    return Picture(figure, alt=alt)
