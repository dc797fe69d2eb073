"""How much of a stack of channels a few mixtures of them keep."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..support.palette import SERIES_COLOURS
from .picture import INK, STYLE, WIDTH, Picture


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
        No group or more than five, an empty group, or curves of different lengths.
    """
    lengths = {len(member) for members in curves.values() for member in members}
    if not 1 <= len(curves) <= 5 or not all(len(members) for members in curves.values()):
        raise ValueError(f"expected one to five groups of curves, got {len(curves)}")
    if len(lengths) != 1:
        raise ValueError(f"expected curves of one length, got {sorted(lengths)}")
    channels = np.arange(1, lengths.pop() + 1)
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
        axis = figure.subplots()
        looks = [
            (SERIES_COLOURS[0], "-"),
            (SERIES_COLOURS[1], (0, (1, 1))),
            (SERIES_COLOURS[2], "--"),
            (SERIES_COLOURS[0], "-."),
            (INK, (0, (5, 1, 1, 1, 1, 1))),
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
        figure.legend(loc="outside upper left", ncols=2 if len(curves) > 3 else len(curves))
    return Picture(figure, alt=alt)
