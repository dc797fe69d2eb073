"""All experiments whose results ship with the package, by name, in the order in which they run."""

from .harness import Experiment
from .training import POOLS, RATES, RECIPE

EXPERIMENTS: dict[str, Experiment] = {experiment.name: experiment for experiment in (RATES, RECIPE, POOLS)}
