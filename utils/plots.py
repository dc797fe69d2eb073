"""The course's static figures: each function returns a `Picture`, a figure with its words.

A picture shows itself as inline SVG. Its ink is the text colour of whatever page it stands in, so
it is readable in light and dark; photographs and the four branch colours stay what they are.
"""

import html
import io
import re
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from .blocks import InceptionSpec
from .style import BRANCH_COLOURS, BRANCHES

_INK = "#010203"  # replaced by the page's text colour
_WIDTH = 7.2  # inches: the text column
_STYLE = {
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": _INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "font.size": 10,
    "legend.frameon": False,
    "svg.fonttype": "path",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


class Picture:
    """A matplotlib figure together with the words that replace it for who cannot see it.

    Parameters
    ----------
    figure
        What to show; `picture.figure` gives it back, to save or to change it.
    alt
        What the picture shows, in one to three sentences.

    Raises
    ------
    ValueError
        `alt` is empty.
    """

    def __init__(self, figure: Figure, *, alt: str):
        if not alt.strip():
            raise ValueError("expected alt text that says what the picture shows, got none")
        self.figure, self.alt = figure, alt

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"

    def _repr_html_(self) -> str:
        file = io.StringIO()
        # The salt names the picture, so that two pictures on one page share no element ids, and
        # the same picture is the same text in every build.
        with rc_context({**_STYLE, "svg.hashsalt": self.alt}):
            self.figure.savefig(file, format="svg", metadata={"Date": None}, bbox_inches="tight")
        svg = file.getvalue()
        svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
        label = html.escape(self.alt)
        # A fixed height would keep the picture from shrinking with the page.
        svg = re.sub(
            r'<svg (.*?)width="([\d.]+)pt" height="[\d.]+pt"',
            rf'<svg role="img" aria-label="{label}" '
            r'style="width: 100%; max-width: \2pt; height: auto" \1',
            svg,
            count=1,
            flags=re.DOTALL,
        )
        return f'<div class="course-picture">{svg}</div>'


def _figure(height: float, *, width: float = _WIDTH) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def photographs(
    images: Mapping[str, np.ndarray], *, alt: str, columns: int | None = None
) -> Picture:
    """Images side by side under their titles.

    Parameters
    ----------
    images
        Title to image: (H, W, 3) in colour, or (H, W) in grey, where the darkest value is black and
        the brightest white. uint8, or floats; colour floats in 0..1.
    alt
        What they show.
    columns
        How many in a row; all in one row if not given.
    """
    if not images:
        raise ValueError("expected at least one image, got none")
    columns = columns or len(images)
    rows = -(-len(images) // columns)
    with rc_context(_STYLE):
        first = next(iter(images.values()))
        side = _WIDTH / columns
        figure = _figure(rows * (side * first.shape[0] / first.shape[1] + 0.3))
        axes = figure.subplots(rows, columns, squeeze=False).flat
        for axis, (title, image) in zip(axes, images.items(), strict=False):
            axis.imshow(image, cmap="gray", interpolation="antialiased")
            axis.set_title(title)
        for axis in axes if len(images) == rows * columns else figure.axes:
            axis.set_axis_off()
    return Picture(figure, alt=alt)


def inception_module(
    in_channels: int, spec: InceptionSpec, *, title: str = "", alt: str = ""
) -> Picture:
    """An Inception module: input below, four branches side by side, concatenation above.

    The width of each box is in proportion to its channels.
    """
    columns = {
        "1x1": [("1×1", spec.conv1x1)],
        "3x3": [("1×1", spec.reduce3x3), ("3×3", spec.conv3x3)],
        "5x5": [("1×1", spec.reduce5x5), ("5×5", spec.conv5x5)],
        "pool": [("3×3 max pool", in_channels), ("1×1", spec.pool_proj)],
    }
    columns = {
        branch: [box for box in boxes if box[1] is not None] for branch, boxes in columns.items()
    }
    out_channels = spec.out_channels(in_channels)
    with rc_context(_STYLE):
        figure = _figure(3.6)
        axis = figure.subplots()
        gap = 0.12 * max(in_channels, out_channels)
        widths = [max(n for _, n in boxes) for boxes in columns.values()]
        total = sum(widths) + gap * (len(widths) - 1)
        left = -total / 2
        for (branch, boxes), width in zip(columns.items(), widths, strict=True):
            middle = left + width / 2
            heights = [1.55] if len(boxes) == 1 else [1.05, 2.05]
            points = [0.5, *heights, 3.1]
            for low, high in zip(points[:-1], points[1:], strict=True):
                _arrow(axis, middle, low + 0.2, high - 0.2)
            for height, (name, channels) in zip(heights, boxes, strict=True):
                hatched = "pool" in name
                _box(
                    axis,
                    middle,
                    height,
                    channels,
                    BRANCH_COLOURS[branch],
                    f"{name}, {channels}",
                    filled=not hatched,
                )
            left += width + gap
        _bar(axis, 0.3, total, in_channels, f"input: {in_channels} channels")
        _bar(axis, 3.3, total, out_channels, f"concatenation: {out_channels} channels")
        axis.set_xlim(-total / 2 - gap, total / 2 + gap)
        axis.set_ylim(-0.05, 3.65)
        axis.set_axis_off()
        if title:
            axis.set_title(title)
    words = "; ".join(
        " then ".join(f"{name} with {n} channels" for name, n in boxes)
        for boxes in columns.values()
    )
    return Picture(
        figure,
        alt=alt
        or f"An Inception module. From an input of {in_channels} channels, four branches side by "
        f"side: {words}. Their outputs are concatenated to {out_channels} channels.",
    )


def _box(
    axis: Axes, x: float, y: float, width: float, colour: str, label: str, *, filled: bool
) -> None:
    axis.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - 0.13),
            width,
            0.26,
            boxstyle="round,pad=0,rounding_size=0.03",
            mutation_aspect=0.02,
            facecolor=colour if filled else "none",
            edgecolor=colour,
            linewidth=1.5,
        )
    )
    axis.text(x, y + 0.2, label, ha="center", va="bottom", fontsize=9)


def _bar(axis: Axes, y: float, span: float, channels: int, label: str) -> None:
    axis.plot([-span / 2, span / 2], [y, y], color=_INK, linewidth=1.5)
    above = y > 1
    axis.text(0, y + (0.08 if above else -0.08), label, ha="center", va="bottom" if above else "top")


def _arrow(axis: Axes, x: float, low: float, high: float) -> None:
    axis.annotate(
        "",
        xy=(x, high),
        xytext=(x, low),
        arrowprops={"arrowstyle": "-|>", "color": _INK, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0},
    )


def costs_by_module(
    costs: Mapping[str, Mapping[str, float]], *, unit: str, alt: str
) -> Picture:
    """Bars of cost for each module, one series beside the other, on a logarithmic axis.

    Parameters
    ----------
    costs
        Series to module to cost. All series have the same modules.
    unit
        What an axis label says of the cost.
    """
    names = list(next(iter(costs.values())))
    with rc_context(_STYLE):
        figure = _figure(2.9)
        axis = figure.subplots()
        width = 0.8 / len(costs)
        fills = [(_INK, 0.85), (BRANCH_COLOURS["3x3"], 1.0)]
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
        axis.set_yscale("log")
        axis.set_xticks(range(len(names)), names)
        axis.set_ylabel(unit)
        figure.legend(loc="outside upper left", ncols=2)
    return Picture(figure, alt=alt)


def kept_variance(
    curves: Mapping[str, Sequence[np.ndarray]], *, marks: Mapping[int, str], alt: str
) -> Picture:
    """How much of a stack of channels the best projection to r channels keeps.

    Parameters
    ----------
    curves
        Group to curves; curve[r - 1] is the share kept by r channels, in 0..1. Each curve of a
        group is drawn thin, their mean thick.
    marks
        Widths to mark, with a label each.
    """
    with rc_context(_STYLE):
        figure = _figure(3.2)
        axis = figure.subplots()
        looks = [(BRANCH_COLOURS["1x1"], "-"), (BRANCH_COLOURS["3x3"], "--")]
        for (group, members), (colour, dashes) in zip(curves.items(), looks, strict=False):
            channels = np.arange(1, len(members[0]) + 1)
            for member in members:
                axis.plot(channels, 100 * np.asarray(member), color=colour, linewidth=0.6, alpha=0.5)
            mean = 100 * np.mean(members, axis=0)
            axis.plot(channels, mean, color=colour, linewidth=2.2, linestyle=dashes, label=group)
        for width, label in marks.items():
            axis.axvline(width, color=_INK, linewidth=0.8, linestyle=":")
            axis.text(width * 1.04, 4, label, rotation=90, va="bottom", fontsize=9)
        axis.set_xscale("log", base=2)
        ticks = [2**i for i in range(int(np.log2(len(channels))) + 1)] + [len(channels)]
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
        axis.minorticks_off()
        axis.set_xlim(1, len(channels))
        axis.set_ylim(0, 102)
        axis.set_xlabel("channels kept by the 1×1 reduction")
        axis.set_ylabel("variance kept, %")
        axis.legend(loc="lower right")
    return Picture(figure, alt=alt)


__all__ = [
    "BRANCHES",
    "Picture",
    "costs_by_module",
    "inception_module",
    "kept_variance",
    "photographs",
]
