"""Tables of results, which are read only if they are whole."""

import csv
from collections.abc import Callable, Collection
from io import StringIO
from pathlib import Path
from typing import TypeVar

Read = TypeVar("Read")


class ResultsError(RuntimeError):
    """A file of results is broken, or was made with other settings than those asked for."""


def read_results(path: Path, parse: Callable[[bytes], Read]) -> Read:
    """Return what `parse` makes of a file of results.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ResultsError
        The file cannot be read, or `parse` raised a csv.Error or a ValueError, which says why it is
        no table of results.
    """
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ResultsError(f"{path} cannot be read ({reason}).") from error
    except (csv.Error, ValueError) as error:
        raise ResultsError(
            f"{path} is not a table of results: {error}. Restore it (git checkout), or "
            "delete it to measure everything again."
        ) from error


def parse_table(content: bytes, *, wanted: Collection[str] = ()) -> list[dict[str, str]]:
    """Read a table in CSV, all of it as text; a csv.Error or ValueError says why it is none.

    Parameters
    ----------
    content : bytes
        Its first line names the columns; each further one is a row, column -> cell.
    wanted : names
        Columns that it must have.
    """
    written = content.decode("utf-8-sig")  # a spreadsheet writes the mark that this leaves out
    reader = csv.DictReader(StringIO(written, newline=""), strict=True)
    columns, rows = list(reader.fieldnames or ()), list(reader)
    if not columns or not set(wanted) <= set(columns):
        named = " and ".join(f"`{name}`" for name in wanted)
        raise ValueError(f"its first line names no columns {named}".rstrip())
    for name in columns:
        if columns.count(name) > 1:
            raise ValueError(f"its first line names the column {name!r} twice")
    if not written.endswith("\n"):
        raise ValueError("its end is cut off")
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():  # more cells than columns, or fewer
            raise ValueError(f"row {number} has not one cell for each column")
    return rows
