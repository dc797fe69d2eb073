"""What experiments measured, as it ships with the package."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from ..support.csv_table import parse_table, read_results

if TYPE_CHECKING:
    import pandas as pd

RESULTS = Path(__file__).parents[1] / "assets" / "results"


def results(name: str) -> "pd.DataFrame":
    """Read a stored experiment, one row a run.

    Raises
    ------
    ValueError
        There is none of that name; the message lists those there are.
    ResultsError
        Its file cannot be read, or is damaged.
    """
    known = sorted(path.stem for path in RESULTS.glob("*.csv"))
    if name not in known:
        raise ValueError(f"there are no results {name!r}; there are {', '.join(known) or 'none'}.")
    import pandas as pd  # only here: most of the course needs no tables

    def parse(content: bytes) -> pd.DataFrame:
        parse_table(content)  # pandas reads on where the end of a file is cut off
        return pd.read_csv(BytesIO(content))

    return read_results(RESULTS / f"{name}.csv", parse)
