"""Whether answers are right as often as they are sure."""

from collections.abc import Mapping

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..support.palette import SERIES_COLOURS
from .picture import INK, STYLE, WIDTH, Picture


def reliability(panels: Mapping[str, pd.DataFrame]) -> Picture:
    """Draw how often answers are right against how sure they are, with counts and intervals.

    Parameters
    ----------
    panels : dict of str to DataFrame
        Title -> bins, as `utils.experiments.classify_images.reliability` returns them; at most two.

    Raises
    ------
    ValueError
        No panel, more than two, or one without bins.
    """
    if not 1 <= len(panels) <= 2 or any(bins.empty for bins in panels.values()):
        raise ValueError(f"expected one or two panels with bins in each, got {list(panels)}")
    said = []
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
        axes = figure.subplots(2, len(panels), squeeze=False, height_ratios=(3, 1), sharex=True)
        for upper, lower, (title, bins) in zip(*axes, panels.items(), strict=True):
            sure, right = 100 * bins["sure"], 100 * bins["right"]
            upper.plot((0, 100), (0, 100), ":", color=INK, linewidth=0.8)
            upper.vlines(sure, 100 * bins["low"], 100 * bins["high"], color=INK, linewidth=1.6)
            upper.plot(sure, right, "o", color=SERIES_COLOURS[0], ms=6, mec=INK, mew=0.6)
            upper.set_title(title)
            upper.set_ylim(-4, 104)
            upper.set_xlim(0, 104)
            lower.bar(sure, bins["count"], width=5, color=SERIES_COLOURS[0], alpha=0.7)
            lower.set_xlabel("sure, %")
            lower.set_ylim(bottom=0)
            said.append(
                f"{title}: "
                + "; ".join(
                    f"{row.answers:,.0f} answers {row.sure:.0%} sure are right in {row.right:.0%} "
                    f"({row.low:.0%} to {row.high:.0%})"
                    for row in bins.rename(columns={"count": "answers"}).itertuples(
                        index=False, name="Bin"
                    )
                )
            )
        axes[0, 0].set_ylabel("right, %")
        axes[1, 0].set_ylabel("answers")
    return Picture(
        figure,
        alt="How often answers are right against how sure they are, in bins, with 95% intervals. "
        + ". ".join(said)
        + ".",
    )
