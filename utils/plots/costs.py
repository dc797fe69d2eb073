"""What the modules of a network cost, side by side."""

from collections.abc import Mapping

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from ..support.palette import SERIES_COLOURS
from .picture import INK, STYLE, WIDTH, Picture


def costs_by_module(costs: Mapping[str, Mapping[str, float]], *, unit: str, alt: str) -> Picture:
    """Draw bars of cost for each module, one series beside the other.

    Parameters
    ----------
    costs
        Series to module to cost. All series have the same modules.
    unit
        What an axis label says of the cost.

    Raises
    ------
    ValueError
        No series, or more than two; series of different modules.
    """
    if not 1 <= len(costs) <= 2:
        raise ValueError(f"expected one or two series of costs, got {len(costs)}")
    if len({tuple(values.keys()) for values in costs.values()}) > 1:
        raise ValueError("expected the same modules, in the same order, in each series")
    names = list(next(iter(costs.values())).keys())
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
        axis = figure.subplots()
        width = 0.8 / len(costs)
        fills = [(INK, 0.85), (SERIES_COLOURS[0], 1.0)]
        for i, (series, (colour, alpha)) in enumerate(zip(costs.items(), fills, strict=False)):
            label, values = series
            axis.bar(
                np.arange(len(names)) + (i - (len(costs) - 1) / 2) * width,
                [values[name] for name in names],
                width,
                label=label,
                color=colour,
                alpha=alpha,
            )
        axis.set_xticks(range(len(names)), names)
        axis.set_ylabel(unit)
        figure.legend(loc="outside upper left", ncols=2)
    return Picture(figure, alt=alt)
