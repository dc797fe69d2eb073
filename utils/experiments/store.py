"""Rows of measurements in a CSV file that neither a kill nor a second process can spoil.

Every cell is kept as text, as `as_cell` writes it; pandas turns it into numbers when it reads the
file. Adding rows rewrites the whole file, beside the old one, and then puts it in the old one's
place: at any moment there is a complete file, with all rows of a run or none.
"""

import contextlib
import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ..support.atomic import write_whole
from ..support.csv_table import ResultsError, parse_table, read_results

Row = Mapping[str, str]


def as_cell(value: Any) -> str:
    """Write a value as it stands in a cell; None as "none", which pandas leaves as it is."""
    if value is None:
        return "none"
    value = value.item() if hasattr(value, "item") else value
    return repr(value) if isinstance(value, float) else str(value)


def cells(row: Mapping[str, Any]) -> dict[str, str]:
    """Write the values of a row as text, or raise a ValueError that names the column."""
    written = {}
    for name, value in row.items():
        try:
            written[name] = as_cell(value)
        except (ValueError, RuntimeError):  # an array's, a tensor's
            raise ValueError(
                f"column {name!r} must hold one number or text in each row, got {value!r}: give "
                "each number a column or a row of its own."
            ) from None
    return written


class Store:
    """The rows in one CSV file; without a file, none.

    A run is one or more rows that share `setting` and `seed`. Of a link, the file that it leads to
    is read and written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).resolve()

    def rows(self) -> list[dict[str, str]]:
        """Read all rows, as text.

        Raises
        ------
        ResultsError
            The file is not a table of runs.
        """
        try:
            return read_results(self.path, _parse)
        except FileNotFoundError:
            return []

    def runs(self) -> set[tuple[str, str]]:
        """Return (setting, seed) of every run that the file holds."""
        return _runs(self.rows())

    def add(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        order: Callable[[Row], Any] | None = None,
    ) -> bool:
        """Add the rows of one run, unless the file has that run already.

        Parameters
        ----------
        rows : sequence of dict
            All with the same `setting` and `seed`, no two alike. New columns are appended; earlier
            rows are empty there.
        order : function, optional
            The key by which the file's rows are sorted; those that are equal keep their order.

        Returns
        -------
        bool
            False if another process had added this run, whose rows then stay.

        Raises
        ------
        ResultsError
            The file is broken or cannot be written; the message holds the rows.
        ValueError
            These are not rows of one run, or a value is no number or text.
        """
        new = [cells(row) for row in rows]
        if len(_runs(new)) != 1:
            raise ValueError("rows must be those of one run, with one setting and one seed.")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self.path.parent):
                old = self.rows()
                if (new[0]["setting"], new[0]["seed"]) in _runs(old):
                    return False
                every = sorted(old + new, key=order) if order else old + new
                content = _table(every).encode()
                _parse(content)  # what could not be read again must not take the old one's place
                write_whole(self.path, content, mark="new")
        except Exception as error:  # whatever it is: what took hours to measure must not be lost
            raise ResultsError(
                f"the rows of a run could not be added to {self.path} ({error}); another folder "
                f"can be named with --out. Here they are:\n{_table(new)}"
            ) from error
        return True


def _runs(rows: Sequence[Row]) -> set[tuple[str, str]]:
    return {(row["setting"], row["seed"]) for row in rows}


def _table(rows: Sequence[Row]) -> str:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    file = StringIO()
    writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _parse(content: bytes) -> list[dict[str, str]]:
    """Read a table of runs; a csv.Error or ValueError says why it is none."""
    return parse_table(content, wanted=("setting", "seed"))


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no two processes write in a folder at the same time; on Windows, take care yourself."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    # Not filelock, which leaves a file: here, among the tables that git and the wheel take along.
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # the system lets go when the process ends, however
        yield
    finally:
        os.close(handle)
