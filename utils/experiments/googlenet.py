"""The paper's own account of GoogLeNet, row by row, against the filters that it gives."""

import pandas as pd

from ..googlenet import TABLE_1
from ..support.checks import one_of

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
