"""What runs with several seeds say, and how surely."""

import math

import pandas as pd
from scipy.special import stdtrit

from .checks import one_of

LEVEL = 0.95  # of an interval: how often it holds the mean


def interval(values: pd.Series, *, level: float = LEVEL) -> tuple[float, float]:
    """Return Student's interval of the mean of independent measurements.

    With three seeds it reaches 2.5 standard deviations to either side: three are few.

    Returns
    -------
    (low, high)
        NaN with fewer than two measurements.
    """
    values = values.dropna()
    n = len(values)
    if n < 2:
        return math.nan, math.nan
    half = stdtrit(n - 1, (1 + level) / 2) * values.std() / math.sqrt(n)
    return values.mean() - half, values.mean() + half


def summarise(
    rows: pd.DataFrame, value: str = "test_accuracy", *, baseline: str | None = None
) -> pd.DataFrame:
    """Summarise an experiment by setting, in the order of its rows.

    Parameters
    ----------
    rows : DataFrame
        One row for each setting and seed, as `utils.data.results` reads them.
    value : str
        The column to summarise.
    baseline : str, optional
        The setting that the others are compared with, seed by seed: with one seed both saw the
        same images in the same order, so their difference scatters less than they do.

    Returns
    -------
    DataFrame
        Indexed by setting: ``runs``, ``mean``, ``std`` (of single runs), ``min``, ``max``; with a
        baseline also ``pairs``, ``difference`` (its mean) and its 95% interval ``low``, ``high``.

    Raises
    ------
    ValueError
        No such column or baseline, or several rows for one setting and seed.
    """
    one_of(value, tuple(rows.columns), "value")
    if (several := rows.duplicated(["setting", "seed"])).any():
        setting, seed = rows.loc[several, ["setting", "seed"]].iloc[0]
        raise ValueError(
            f"setting {setting!r} has several rows for seed {seed}: choose one of them for each "
            "seed first, as the last of a curve."
        )
    table = rows.pivot(index="setting", columns="seed", values=value).loc[rows["setting"].unique()]
    summary = pd.DataFrame({"runs": table.count(axis=1)})
    for name in ("mean", "std", "min", "max"):
        summary[name] = getattr(table, name)(axis=1)
    if baseline is None:
        return summary
    one_of(baseline, tuple(table.index), "baseline")
    differences = table - table.loc[baseline]
    summary["pairs"] = differences.count(axis=1)
    summary["difference"] = differences.mean(axis=1)
    bounds = [interval(differences.loc[setting]) for setting in table.index]
    summary["low"], summary["high"] = zip(*bounds, strict=True)
    return summary
