"""What GoogLeNet costs: its stages' time, and the paper's own account against its filters."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import torch
from torch import nn

from ..data import middle, photograph, results, to_tensor
from ..googlenet import TABLE_1, googlenet
from ..support.checks import one_of
from ..support.telling import Estimate, spread
from .harness import Experiment, Report
from .measures import fresh

#: What agrees in a row: filters with params, filters with ops, params with ops.
_AGREEING = {
    (True, True, True): "filters, params, ops",
    (False, False, True): "params, ops",
    (False, True, False): "filters, ops",
    (False, True, True): "filters, ops; params, ops",
}


def printed(text: str) -> tuple[float, float]:
    """Read a number of the table, and one in its last digit: "2.7K" gives 2.7 and 0.1."""
    digits = text[:-1]
    return float(digits), 10.0 ** -len(digits.partition(".")[2])


def printed_total(column: str) -> float:
    """Add up one of the table's printed columns, "params" in K or "ops" in M."""
    one_of(column, ("params", "ops"), "column")
    return sum(printed(getattr(row, column))[0] for row in TABLE_1 if row.params)


def audit(macs: pd.Series) -> pd.DataFrame:
    """Check the printed parameters and operations of Table 1 against its filters and each other.

    K means 1,024 and M a million; one in the last printed digit is forgiven.

    Parameters
    ----------
    macs : Series
        The multiply-adds of each row that has parameters, in the table's order.

    Returns
    -------
    DataFrame
        Indexed as `macs`: ``what agrees``; ``filters give, K`` and ``printed params``; ``filters
        give, M`` and ``printed ops``; ``printed K give, M``, the operations that the printed
        parameters would take on the row's map.
    """
    found = {}
    for name, row in zip(macs.index, (row for row in TABLE_1 if row.params), strict=True):
        places = row.output[1] * row.output[2]
        weights, operations = macs[name] / places / 1024, macs[name] / 1e6
        (k, k_unit), (m, m_unit) = printed(row.params), printed(row.ops)
        implied = k * 1024 * places / 1e6
        agrees = (
            abs(weights - k) <= k_unit,
            abs(operations - m) <= m_unit,
            abs(implied - m) <= m_unit + k_unit * 1024 * places / 1e6,
        )
        found[name] = {
            "what agrees": _AGREEING[agrees],
            "filters give, K": weights,
            "printed params": row.params,
            "filters give, M": operations,
            "printed ops": row.ops,
            "printed K give, M": implied,
        }
    return pd.DataFrame.from_dict(found, orient="index")


# --- Time -------------------------------------------------------------------------------------

PASSES = 7  # of which the median counts, after one that does not


def time_stages(*, variant: str, size: int, seed: int, report: Report) -> list[dict[str, Any]]:
    """Time each stage of a GoogLeNet on one photograph, on one thread of the CPU.

    What is counted is the thread's own time, so that other processes disturb it little.

    Returns
    -------
    list of dict
        A row for each stage: ``milliseconds``, the median of `PASSES`, and ``share`` of the sum of
        all stages, in 0..1.
    """
    network = fresh(lambda: googlenet(variant, aux_heads=False).eval(), seed=seed)
    image = middle(to_tensor(photograph("cat")), size)
    spent: dict[str, list[float]] = {}

    def timed(name: str, stage: nn.Module) -> None:
        run = stage.forward

        def forward(*given: Any) -> Any:
            began = time.thread_time()
            out = run(*given)
            spent.setdefault(name, []).append(1000 * (time.thread_time() - began))
            return out

        stage.forward = forward  # type: ignore[method-assign]

    for name, stage in network.named_children():
        timed(name, stage)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            for _ in range(1 + PASSES):
                network(image)
    finally:
        torch.set_num_threads(threads)
    medians = {name: statistics.median(times[1:]) for name, times in spent.items()}
    whole = sum(medians.values())
    return [
        {"stage": name, "milliseconds": round(took, 3), "share": round(took / whole, 5)}
        for name, took in medians.items()
    ]


STAGE_TIMES = Experiment(
    name="stage_times",
    about="how much of the time each stage of GoogLeNet takes, on one thread",
    measure=time_stages,
    options={"variant": "paper", "size": 224},
    settings={"paper": {}, "torchvision": {"variant": "torchvision"}},
    seeds=range(8),
)


def time_shares(variant: str = "paper", row: Callable[[str], str] = str) -> dict[str, Estimate]:
    """Return which share of the time each stage takes: the mean, the least, the most of a run.

    `row` names the row of a table that a stage belongs to; the shares of one row are added.
    """
    one_of(variant, tuple(STAGE_TIMES.plan()), "variant")
    rows = results(STAGE_TIMES.name)
    rows = rows[rows["setting"] == variant]
    rows = rows.assign(row=rows["stage"].map(row))
    shares = rows.pivot_table("share", "row", "seed", aggfunc="sum", sort=False)
    return {name: spread(runs) for name, runs in shares.iterrows()}
