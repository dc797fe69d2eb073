"""How often networks are right on images that are disturbed, more and more strongly."""

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


def by_strength(panels: Mapping[str, pd.DataFrame], *, usual: str = "0") -> Picture:
    """Draw accuracies against the strength of what is done to the images, a line a network.

    Parameters
    ----------
    panels : dict of str to DataFrame
        What the axis says of the strengths -> accuracies in 0..1, with a row for each strength,
        from the images as they are to the most disturbed, and a column for each network, at most
        three; an even number of panels.
    usual : str
        How the first row is written.

    Raises
    ------
    ValueError
        No panel, an odd number of them, or panels of different networks, none, or too many.
    """
    names = list(next(iter(panels.values())).columns) if panels else []
    if not panels or len(panels) % 2 or not 1 <= len(names) <= len(_LOOKS):
        raise ValueError(
            f"expected two or four panels of one to three networks, got {list(panels)}"
        )
    if any(list(table.columns) != names for table in panels.values()):
        raise ValueError("expected the same networks, in the same order, in each panel")
    said = []
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.6 + 2.1 * len(panels) / 2), layout="constrained")
        axes = figure.subplots(len(panels) // 2, 2, sharey=True, squeeze=False).flat
        for axis, (label, table) in zip(axes, panels.items(), strict=True):
            words = []
            for (name, shares), (colour, line, marker) in zip(table.items(), _LOOKS, strict=False):
                axis.plot(
                    range(len(shares)), 100 * shares, line, color=colour, marker=marker, ms=4.5,
                    mec=INK, mew=0.4, linewidth=1.8, label=name,
                )  # fmt: skip
                words.append(f"{name} " + ", ".join(f"{share:.1%}" for share in shares))
            said.append(f"{label}: " + "; ".join(words))
            axis.set_xticks(range(len(table)), [usual, *(f"{s:g}" for s in table.index[1:])])
            axis.set_xlabel(label)
            axis.set_ylim(0, 100)
        for axis in list(figure.axes)[::2]:
            axis.set_ylabel("right, %")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
    return Picture(
        figure,
        alt="Images named rightly, as they are and more and more disturbed. "
        + ". ".join(said)
        + ".",
    )
