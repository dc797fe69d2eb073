"""Signals and gradients stage by stage, and the curves of the trainings that they drive."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..support.palette import SERIES_COLOURS
from .picture import INK, STYLE, WIDTH, Picture

_COLOURS = (*SERIES_COLOURS, INK)
_MARKERS = ("o", "s", "^", "D")


def gradients_by_stage(
    panels: Mapping[str, Mapping[str, pd.DataFrame]],
    *,
    stages: Mapping[str, str],
    alt: str,
) -> Picture:
    """Draw the gradient of each stage's weights, of the main loss and of all losses together.

    Parameters
    ----------
    panels
        Title -> line -> rows, with ``stage``, ``main`` and ``joint``, and a row for each seed. Full
        lines show the main loss alone, dashed ones the heads' losses added; bands span the seeds.
    stages
        Those to draw, from the image on -> how they are written.
    alt
        What the picture shows.

    Raises
    ------
    ValueError
        No panel, or rows that lack one of the stages.
    """
    if not panels:
        raise ValueError("expected at least one panel, got none")
    for title, lines in panels.items():
        for line, rows in lines.items():
            if missing := [stage for stage in stages if stage not in set(rows["stage"])]:
                raise ValueError(f"the rows of {line!r} in {title!r} lack the stages {missing}")
    places = range(len(stages))
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.5 + 2.1 * len(panels)), layout="constrained")
        axes = figure.subplots(len(panels), sharex=True, sharey=True, squeeze=False)[:, 0]
        for axis, (title, lines) in zip(axes, panels.items(), strict=True):
            styles = zip(_COLOURS, _MARKERS, strict=True)
            for (line, rows), (colour, marker) in zip(lines.items(), styles, strict=False):
                for value, dashes in (("main", "-"), ("joint", "--")):
                    grouped = rows.groupby("stage")[value]
                    mean, low, high = (
                        getattr(grouped, name)().loc[list(stages)].to_numpy()
                        for name in ("mean", "min", "max")
                    )
                    axis.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
                    axis.plot(
                        places, mean, dashes, color=colour, marker=marker, ms=4,
                        mfc=colour if value == "main" else "none",
                        label=line if value == "main" else None,
                    )  # fmt: skip
            axis.set_yscale("log")
            axis.set_title(title)
            axis.set_xticks(places, list(stages.values()))
        figure.supylabel("norm of the gradient", fontsize=10, color=INK)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
    return Picture(figure, alt=alt)


def signal_by_stage(
    lines: Mapping[str, Mapping[str, float]], *, label: str, alt: str, share: bool = False
) -> Picture:
    """Draw how large something is, stage by stage, on a scale of powers of ten.

    Parameters
    ----------
    lines
        Line -> stage -> a positive number. All lines have the same stages.
    label
        What the axis says of the numbers.
    share
        The numbers lie between 0 and 1, and so does the scale, which is a straight one.

    Raises
    ------
    ValueError
        No line, or lines of different stages.
    """
    if len({tuple(line) for line in lines.values()}) != 1:
        raise ValueError("expected lines of the same stages, in the same order")
    stages = list(next(iter(lines.values())))
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
        axis = figure.subplots()
        styles = zip(_COLOURS, _MARKERS, strict=True)
        for (name, line), (colour, marker) in zip(lines.items(), styles, strict=False):
            axis.plot(range(len(stages)), list(line.values()), color=colour, marker=marker, ms=4,
                      label=name)  # fmt: skip
        if share:
            axis.set_ylim(0, 1.03)
        else:
            axis.set_yscale("log")
        axis.set_xticks(range(len(stages)), stages)
        axis.set_ylabel(label)
        figure.legend(loc="outside upper left", ncols=2)
    return Picture(figure, alt=alt)


def gradient_maps(rows: Mapping[str, Mapping[str, np.ndarray]], *, alt: str) -> Picture:
    """Draw what losses say about each pixel, all on one scale of powers of ten.

    Parameters
    ----------
    rows
        Row -> title -> (H, W), gradients without their sign. All rows have the same titles.
    alt
        What the picture shows.

    Raises
    ------
    ValueError
        No row, or rows of different titles.
    """
    if len({tuple(row) for row in rows.values()}) != 1:
        raise ValueError("expected rows of the same titles, in the same order")
    loudest = [float(np.max(grid)) for row in rows.values() for grid in row.values()]
    most = max(loudest)
    low = 2 * int(np.floor(np.log10(min(loudest) / most) / 2))  # so that no square is all black
    titles = list(next(iter(rows.values())))
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.7 * len(rows)), layout="constrained")
        axes = figure.subplots(len(rows), len(titles), squeeze=False)
        for place, ((name, row), line) in enumerate(zip(rows.items(), axes, strict=True)):
            for axis, (title, grid) in zip(line, row.items(), strict=True):
                power = np.log10(np.maximum(np.asarray(grid, dtype=float) / most, 1e-40))
                image = axis.imshow(power, vmin=low, vmax=0, cmap="magma", interpolation="nearest")
                axis.set_xticks([])
                axis.set_yticks([])
                if place == 0:
                    axis.set_title(title)
            line[0].set_ylabel(name)
        bar = figure.colorbar(image, ax=axes, shrink=0.9)
        ticks = range(0, low - 1, -4)
        bar.set_ticks([*ticks], labels=[f"$10^{{{n}}}$" for n in ticks])
        bar.set_label("gradient, of the largest here")
    return Picture(figure, alt=alt)


#: The ways of the three losses: the stage that each is attached to.
_WAYS = {"main loss": "fc", "head on 4d": "4d", "head on 4a": "4a"}


def ways_of_gradients() -> Picture:
    """Draw GoogLeNet with its two heads, and how far each of the three losses reaches back."""
    stages = ["stem", "3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b", "fc"]
    colours = dict(zip(_WAYS, (INK, _COLOURS[0], _COLOURS[1]), strict=True))
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.5), layout="constrained")
        axis = figure.subplots()
        for x, name in enumerate(stages):
            axis.add_patch(Rectangle((x - 0.4, 0), 0.8, 0.9, fill=False, edgecolor=INK))
            axis.text(x, 0.45, name, ha="center", va="center", fontsize=9)
            if x:
                axis.annotate("", (x - 0.38, 0.45), (x - 0.62, 0.45),
                              arrowprops={"arrowstyle": "-", "color": INK})  # fmt: skip
        for height, (loss, stage) in enumerate(_WAYS.items()):
            x, y = stages.index(stage), -0.6 - 0.75 * height
            look = {"arrowstyle": "->", "color": colours[loss], "lw": 2}
            axis.annotate("", (-0.4, y), (x + 0.1, y), arrowprops=look)
            axis.text(x + 0.2, y, loss if stage != "fc" else "", va="center", fontsize=9)
            if stage == "fc":
                axis.text(x + 0.4, y - 0.32, loss, ha="right", va="center", fontsize=9)
                continue
            axis.add_patch(Rectangle((x - 0.4, 1.6), 0.8, 0.8, fill=False, lw=2,
                                     edgecolor=colours[loss]))  # fmt: skip
            axis.text(x, 2.0, "head", ha="center", va="center", fontsize=8)
            axis.plot([x, x], [0.9, 1.6], color=colours[loss], lw=2)
        axis.set_xlim(-0.7, len(stages) - 0.3)
        axis.set_ylim(-2.5, 2.5)
        axis.axis("off")
    return Picture(
        figure,
        alt="GoogLeNet as a row of boxes from the stem to the linear layer fc, with a head on 4a "
        "and another on 4d. Three arrows run back to the stem: the main loss's from fc through "
        "every stage, one from 4d, one from 4a. Behind 4d only the main loss arrives.",
    )


def learning_curves(
    panels: Mapping[str, Mapping[str, pd.DataFrame]],
    *,
    value: str = "curve_loss",
    label: str = "loss on test images, nats",
    limits: Sequence[float] = (0, 3),
    alt: str,
) -> Picture:
    """Draw a value as training goes on: a panel for what is compared, a thin line for each seed.

    Parameters
    ----------
    panels
        Title -> line -> rows, with ``images``, ``seed`` and `value`. The first line is full, the
        second dashed.
    value : str
    label : str
        What the axis says of it.
    limits : (low, high)
        Of the axis; what is beyond stands at its edge.
    alt : str

    Raises
    ------
    ValueError
        No panel.
    """
    if not panels:
        raise ValueError("expected at least one panel, got none")
    across = 2 if len(panels) > 1 else 1
    down = -(-len(panels) // across)
    styles = ((SERIES_COLOURS[0], "-"), (SERIES_COLOURS[1], "--"))
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.6 + 1.7 * down), layout="constrained")
        grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for axis in grid.flat[len(panels) :]:
            axis.set_visible(False)
        for axis, (title, lines) in zip(grid.flat, panels.items(), strict=False):
            for (line, rows), (colour, dashes) in zip(lines.items(), styles, strict=False):
                for _, run in rows.groupby("seed"):
                    axis.plot(
                        run["images"], run[value].clip(*limits), dashes, color=colour,
                        linewidth=0.9, alpha=0.6,
                    )  # fmt: skip
                mean = rows.groupby("images")[value].mean().clip(*limits)
                axis.plot(mean.index, mean, dashes, color=colour, linewidth=2, label=line)
            axis.set_title(title)
            axis.set_ylim(*limits)
        figure.supxlabel("training images seen", fontsize=10, color=INK)
        figure.supylabel(label, fontsize=10, color=INK)
        handles, labels = grid.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=2)
    return Picture(figure, alt=alt)
