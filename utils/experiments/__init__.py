"""What the long runs measure: one module a chapter, one short function an experiment.

In a chapter, the stored results, and a small version of the same run::

    from utils.data import results
    from utils.experiments import summarise
    from utils.experiments.training import RECIPE

    summarise(results("recipe"), baseline=RECIPE.baseline)
    RECIPE.run(seeds=[0], settings=["full recipe"], max_images=2_000)

`experiments/run.py` makes the stored ones.
"""

from ..support.statistics import interval, summarise
from ..training.progress import say
from .harness import Experiment, silent
from .machine import surroundings
from .store import ResultsError, Store

__all__ = [
    "Experiment",
    "ResultsError",
    "Store",
    "interval",
    "say",
    "silent",
    "summarise",
    "surroundings",
]
