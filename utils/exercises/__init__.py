"""Exercises that check themselves: one module a chapter.

In a chapter::

    from utils.exercises import one_by_one_reduction as ex

    ex.cost.check(cost)   # not attempted, wrong or right, with a diagnosis
    ex.cost.hint()        # one step further at each call
    ex.cost.solution()    # with the reason
    ex.cost.help()        # all of it, folded: for a page without a kernel
"""

from .core import Exercise, Verdict
from .results import Slip

__all__ = ["Exercise", "Slip", "Verdict"]
