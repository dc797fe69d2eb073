"""What runs with several seeds came to, setting by setting."""

from textwrap import fill

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..support.palette import SERIES_COLOURS
from ..support.statistics import interval, summarise
from .picture import INK, STYLE, WIDTH, Picture


def runs(
    rows: pd.DataFrame,
    value: str = "test_accuracy",
    *,
    label: str = "test accuracy, %",
    scale: float = 100,
    baseline: str | None = None,
    decimals: int = 1,
    alt: str = "",
) -> Picture:
    """Draw an experiment: a line a setting, a dot a run, and the mean with its 95% interval.

    Parameters
    ----------
    rows : DataFrame
        One row for each setting and seed, as `utils.data.results` reads them; settings are drawn
        from the top in the order of the rows.
    value : str
        The column to draw.
    label : str
        What the axis says of it, with its unit.
    scale : float
        From the column to the axis: 100 makes a share a percentage.
    baseline : str, optional
        Draw each setting's difference from this one, seed by seed: with one seed both saw the same
        images in the same order.
    decimals : int
        Of the numbers that the alt text and the axis give.
    alt : str
        Replaces the words that are made from the numbers.

    Raises
    ------
    ValueError
        No such column or baseline, or several rows for one setting and seed.
    """
    found = summarise(rows, value, baseline=baseline)  # checks the rows, too
    table = scale * rows.pivot(index="setting", columns="seed", values=value).loc[found.index]
    if baseline is not None:
        table = (table - table.loc[baseline]).drop(index=baseline)
    means = table.mean(axis=1)
    bounds = {setting: interval(table.loc[setting]) for setting in table.index}
    with rc_context(STYLE):
        height = (0.7 if baseline is None else 0.9) + 0.42 * len(table)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axis = figure.subplots()
        for place, setting in enumerate(table.index):
            dots = table.loc[setting].dropna()
            colour = SERIES_COLOURS[0]
            axis.plot(dots, len(dots) * [place], "o", color=colour, ms=6, mec=INK, mew=0.6)
            axis.plot(bounds[setting], 2 * [place], color=INK, linewidth=1.6)
            axis.plot(means[setting], place, "|", color=INK, ms=13, mew=2.2)
        if baseline is not None:
            axis.axvline(0, color=INK, linewidth=0.8, linestyle=":")
        elif (table.min() >= 0).all():  # an interval may reach below what is possible
            axis.set_xlim(left=max(axis.get_xlim()[0], 0))
            if scale == 100 and (table.max() <= 100).all():
                axis.set_xlim(right=min(axis.get_xlim()[1], 102))
        axis.set_yticks(range(len(table)), [fill(name, 26) for name in table.index])
        axis.set_ylim(len(table) - 0.5, -0.5)  # the first above
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        axis.set_xlabel(label if baseline is None else f"{label}\nless that of “{baseline}”")
    sign = "+" if baseline is not None else ""
    said = "; ".join(
        f"{setting} {means[setting]:{sign}.{decimals}f} "
        f"({bounds[setting][0]:{sign}.{decimals}f} to {bounds[setting][1]:{sign}.{decimals}f})"
        for setting in table.index
    )
    what = f"{label}, less that of “{baseline}”" if baseline is not None else label
    fewest, most = table.count(axis=1).min(), table.count(axis=1).max()
    count = f"{most}" if fewest == most else f"{fewest} to {most}"
    return Picture(
        figure,
        alt=alt or f"{what}: {count} runs of each setting. Mean and 95% interval: {said}.",
    )
