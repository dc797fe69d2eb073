"""A learning rate for each thing that is compared, chosen without a look at the test images."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from ..data import results
from .harness import Experiment
from .store import ResultsError

Key = TypeVar("Key")


def chosen(
    tried: Experiment,
    grid: Mapping[Key, Sequence[float]],
    name: Callable[[Key, float], str],
    *,
    by: str = "test_accuracy",
) -> dict[Key, float]:
    """Return the rate that was best on held-out images, in the mean over seeds, for each key.

    Parameters
    ----------
    tried : Experiment
        The stored one that tries them.
    grid : dict
        What gets a rate -> the rates that are tried for it.
    name : function
        ``name(key, rate)`` is the setting of `tried`.
    by : str
        The column with the accuracy on held-out images.

    Raises
    ------
    ResultsError
        `tried` has not been run to its end.
    """
    try:
        rows = results(tried.name)
    except ValueError as error:
        raise ResultsError(f"first run experiments/run.py {tried.name}.") from error
    means = rows.groupby("setting")[by].mean().dropna()
    if missing := set(tried.settings) - set(means.index):
        raise ResultsError(
            f"the rates are not chosen yet, {len(missing)} are still to be tried: first run "
            f"experiments/run.py {tried.name}."
        )
    return {key: max(rates, key=lambda r: means[name(key, r)]) for key, rates in grid.items()}
