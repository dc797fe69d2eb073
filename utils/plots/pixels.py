"""How often networks are right on images that are moved, framed or resized by so many pixels."""

from collections.abc import Mapping

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..support.palette import SERIES_COLOURS
from .picture import INK, STYLE, WIDTH, Picture

_LOOKS = (
    (SERIES_COLOURS[0], "-", "o"),
    (SERIES_COLOURS[1], "--", "s"),
    (SERIES_COLOURS[2], ":", "^"),
)


def by_pixels(
    panels: Mapping[str, pd.DataFrame],
    *,
    series: str,
    label: str,
    value: str = "accuracy",
    chance: float | None = None,
) -> Picture:
    """Draw a share against pixels: a thin line for each run, a thick one for their mean.

    Parameters
    ----------
    panels : dict of str to DataFrame
        Title -> rows with the columns `series`, ``seed``, ``pixels`` and `value`; at most two.
    series : str
        The column that tells the lines apart, with at most three values.
    label : str
        What the pixels are, with their unit.
    value : str
        A share in 0..1.
    chance : float, optional
        What guessing would reach: a dotted line.

    Raises
    ------
    ValueError
        No panel or more than two, no rows, or more than three lines in one.
    """
    if not 1 <= len(panels) <= 2 or any(rows.empty for rows in panels.values()):
        raise ValueError(f"expected one or two panels with rows in each, got {list(panels)}")
    names = list(dict.fromkeys(name for rows in panels.values() for name in rows[series]))
    if len(names) > len(_LOOKS):
        raise ValueError(f"expected at most {len(_LOOKS)} lines, got {names}")
    looks = dict(zip(names, _LOOKS, strict=False))
    said = []
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axis, (title, rows) in zip(axes, panels.items(), strict=True):
            words = []
            for name, own in rows.groupby(series, sort=False):
                colour, line, marker = looks[name]
                table = 100 * own.pivot(index="pixels", columns="seed", values=value)
                axis.plot(table, color=colour, linewidth=0.8, alpha=0.45)
                mean = table.mean(axis=1)
                axis.plot(mean, line, color=colour, marker=marker, ms=4.5, linewidth=2, label=name)
                ends = ", ".join(
                    f"{mean[pixels]:.1f}% at {pixels}" for pixels in (mean.index[0], mean.index[-1])
                )
                words.append(f"{name} {ends}")
            said.append(f"{title}: " + "; ".join(words))
            axis.set_title(title)
            axis.set_xlabel(label)
            axis.set_xticks(sorted(rows["pixels"].unique()))
            if chance is not None:
                axis.axhline(100 * chance, color=INK, linewidth=0.8, linestyle=":")
            axis.set_ylim(0, 100)
        axes[0].set_ylabel("right, %")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
    runs = max(rows["seed"].nunique() for rows in panels.values())
    return Picture(
        figure,
        alt=f"Images named rightly against {label}, {runs} runs a line. " + ". ".join(said) + ".",
    )
