"""Numbers for the text of a page: computed in a cell, formatted there, and told by name."""

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from .statistics import summarise


@dataclass(frozen=True)
class Estimate:
    """A mean with its bounds: an interval, or the least and the most of a run.

    Formatted, it says all three, and after the mean a unit if the format names one:
    ``f"{estimate:.1f points}"`` gives "2.1 points (1.4 to 2.8)". Bounds without a mean give
    "1.4 to 2.8".
    """

    mean: float | None
    low: float
    high: float

    @property
    def bounds(self) -> tuple[float, float]:
        """Return (low, high)."""
        return self.low, self.high

    def __neg__(self) -> "Estimate":
        """Return the same, counted the other way round."""
        return Estimate(None if self.mean is None else -self.mean, -self.high, -self.low)

    def __format__(self, spec: str) -> str:
        """Write mean and bounds, each in the format in front of the unit."""
        spec, space, unit = spec.partition(" ")
        low, high = format(self.low, spec), format(self.high, spec)
        if self.mean is None:
            return f"{low} to {high}{space}{unit}"
        return f"{format(self.mean, spec)}{space}{unit} ({low} to {high})"


def points(
    rows: pd.DataFrame, setting: Hashable, baseline: Hashable, value: str = "test_accuracy"
) -> Estimate:
    """Say by how many percentage points a setting is above another, seed by seed.

    Parameters
    ----------
    rows : DataFrame
        One row for each setting and seed, as `utils.data.results` reads them.
    setting, baseline
        The two settings.
    value : str
        The column to compare, in 0..1.

    Returns
    -------
    Estimate
        The mean of the differences and its 95% interval.

    Raises
    ------
    ValueError
        As `summarise`.
    """
    pair = rows[rows["setting"].isin([setting, baseline])]
    found = 100 * summarise(pair, value, baseline=baseline).loc[setting]
    return Estimate(*(float(found[name]) for name in ("difference", "low", "high")))


def spread(values: pd.Series) -> Estimate:
    """Return the mean of some runs, with the least and the most of a run."""
    return Estimate(*(float(getattr(values, name)()) for name in ("mean", "min", "max")))


def between(values: Iterable[float]) -> Estimate:
    """Return the least and the most of some values."""
    ordered = sorted(map(float, values))
    return Estimate(None, ordered[0], ordered[-1])


def tell(form: str = "", /, **numbers: Any) -> None:
    """Tell the page some numbers, all in one format.

    A page shows the number `parts_in_all` with ``{glue:text}`parts-in-all` ``. Where MyST-NB is
    not installed, as in Colab, nothing happens.

    Parameters
    ----------
    form : str
        As Python's formats: ".0%", ".1f". Without one, whole numbers get commas, and a text stays
        as it is.
    **numbers
        Numbers, numbers of NumPy or of PyTorch, `Estimate`, or text.

    Raises
    ------
    ValueError
        A number is not finite, or is no whole number and has no format.
    TypeError
        Something is no number and no text.
    """
    texts = {name.replace("_", "-"): text(number, form) for name, number in numbers.items()}
    try:
        from myst_nb import glue
    except ImportError:  # not the book's environment
        return
    for name, told in texts.items():
        glue(name, told, display=False)


def text(number: Any, form: str = "") -> str:
    """Write a number as it stands in a sentence, as `tell` does: −1.5, 6,624, 93%."""
    if isinstance(number, str) and not form:
        return number
    if hasattr(number, "item"):
        number = number.item()
    if isinstance(number, bool) or not isinstance(number, int | float | Estimate):
        raise TypeError(f"expected a number, got {number!r}")
    if not form and not isinstance(number, int):
        raise ValueError(f"{number!r} needs a format, such as '.1f'")
    parts = (number.mean, *number.bounds) if isinstance(number, Estimate) else (number,)
    if not all(math.isfinite(part) for part in parts if part is not None):
        raise ValueError(f"a page cannot say {number!r}: it is not finite")
    return format(number, form or ",").replace("-", "−")
