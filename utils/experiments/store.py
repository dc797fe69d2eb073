"""Rows of measurements in a CSV file that neither a kill nor a second process can spoil.

Every cell is kept as text, as `text` writes it; pandas turns it into numbers when it reads the
file. Adding rows rewrites the whole file, beside the old one, and then puts it in the old one's
place: at any moment there is a complete file, with all rows of a run or none.
"""

import contextlib
import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, str]


class ResultsError(RuntimeError):
    """A file of results is broken, or was made with other settings than those asked for."""


def text(value: Any) -> str:
    """Write a value as it stands in a cell; None as "none", which pandas leaves as it is."""
    if value is None:
        return "none"
    value = value.item() if hasattr(value, "item") else value
    return repr(value) if isinstance(value, float) else str(value)


class Store:
    """The rows in one CSV file; without a file, none.

    A run is one or more rows that share `setting` and `seed`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def rows(self) -> list[dict[str, str]]:
        """Read all rows, as text.

        Raises
        ------
        ResultsError
            The file is not a table of runs.
        """
        try:
            with self.path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file, strict=True)
                columns, rows = reader.fieldnames or (), list(reader)
        except FileNotFoundError:
            return []
        except (csv.Error, UnicodeDecodeError) as error:
            raise self._broken(str(error)) from error
        if not {"setting", "seed"} <= set(columns):
            raise self._broken("its first line names no columns `setting` and `seed`")
        for number, row in enumerate(rows, 1):
            if None in row or None in row.values():  # more cells than columns, or fewer
                raise self._broken(f"row {number} has not one cell for each column")
        return rows

    def runs(self) -> set[tuple[str, str]]:
        """Return (setting, seed) of every run that the file holds."""
        return {(row["setting"], row["seed"]) for row in self.rows()}

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
            All with the same `setting` and `seed`. New columns are appended; earlier rows are
            empty there.
        order : function, optional
            The key by which the file's rows are sorted; those that are equal keep their order.

        Returns
        -------
        bool
            False if another process had added this run, whose rows then stay.
        """
        new = [{name: text(value) for name, value in row.items()} for row in rows]
        if len({(row["setting"], row["seed"]) for row in new}) != 1:
            raise ValueError("rows must be those of one run, with one setting and one seed.")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(self.path.parent):
            old = self.rows()
            if any(
                row["setting"] == new[0]["setting"] and row["seed"] == new[0]["seed"] for row in old
            ):
                return False
            self._replace(sorted(old + new, key=order) if order else old + new)
        return True

    def _replace(self, rows: Sequence[Row]) -> None:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        # One name for all: only one process writes at a time, and what a killed one left behind
        # is overwritten by the next.
        part = self.path.with_name(f".{self.path.name}.part")
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)

    def _broken(self, why: str) -> ResultsError:
        return ResultsError(
            f"{self.path} is not a table of results: {why}. Restore it (git checkout), or delete "
            "it to measure everything again."
        )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no two processes write in a folder at the same time; on Windows, take care yourself."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)  # a lock on the folder leaves no lock file in it
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # the system lets go when the process ends, however
        yield
    finally:
        os.close(handle)
