"""How strongly filters of many sizes answer."""

from collections.abc import Mapping

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..support.palette import SERIES_COLOURS
from .picture import STYLE, WIDTH, Picture

_LOOKS = tuple(zip(SERIES_COLOURS, ("-", "--", ":"), ("o", "s", "^"), strict=True))


def by_size(panels: Mapping[str, pd.DataFrame], *, label: str, ticks: tuple[int, ...]) -> Picture:
    """Draw answers against the filter's size, a line for each column, its peak marked.

    Parameters
    ----------
    panels : dict of str to DataFrame
        Title -> answers, indexed by size in pixels; at most two, each with at most three columns.
    label : str
        What the answers are, with their unit.
    ticks : tuple of int
        The sizes to write at the axis, which is logarithmic.

    Raises
    ------
    ValueError
        No panel or more than two, an empty one, or more than three lines in one.
    """
    if not 1 <= len(panels) <= 2 or any(table.empty for table in panels.values()):
        raise ValueError(f"expected one or two panels with answers in each, got {list(panels)}")
    if any(len(table.columns) > len(_LOOKS) for table in panels.values()):
        raise ValueError(f"expected at most {len(_LOOKS)} lines in a panel")
    said = []
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.5 * len(panels) + 0.3), layout="constrained")
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axis, (title, table) in zip(axes, panels.items(), strict=True):
            words = []
            for (colour, line, marker), name in zip(_LOOKS, table, strict=False):
                curve = table[name]
                peak = curve.idxmax()
                axis.plot(curve, line, color=colour, linewidth=2, label=name)
                axis.plot(peak, curve[peak], marker, color=colour, ms=8)
                words.append(f"{name}, strongest at {peak}×{peak} with {curve[peak]:.3f}")
            said.append(f"{title}: " + "; ".join(words))
            axis.set_title(title)
            axis.set_xscale("log")
            axis.set_xticks(ticks, [str(size) for size in ticks])
            axis.minorticks_off()
            axis.set_ylim(min(0, table.min().min()), 1.1 * table.max().max())
            axis.set_ylabel(label)
            axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        axes[-1].set_xlabel("size of the filter, pixels")
    return Picture(figure, alt=f"{label} against the size of the filter. " + ". ".join(said) + ".")
