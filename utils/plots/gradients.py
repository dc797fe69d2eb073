"""Gradients stage by stage, and the curves of the trainings that they drive."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..support.palette import BRANCH_COLOURS
from .picture import INK, STYLE, WIDTH, Picture

_COLOURS = (BRANCH_COLOURS["3x3"], BRANCH_COLOURS["1x1"], BRANCH_COLOURS["5x5"], INK)
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
        axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
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
        figure.legend(handles, labels, loc="outside upper left", ncols=3)
    return Picture(figure, alt=alt)


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
    styles = ((BRANCH_COLOURS["1x1"], "-"), (BRANCH_COLOURS["3x3"], "--"))
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
