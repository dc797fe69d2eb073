"""Export the chapters as Jupyter notebooks that run wherever `utils` can be installed.

    python tools/notebooks.py [--out _build/notebooks] [--no-run]

First the chapters that have changed are run, as `make book` does, for the numbers in their text.
Then Sphinx reads the book as for the pages, and
the builder `course_notebook` (`_ext/course/notebook.py`) writes each chapter from the resolved
page: glued numbers, citations and cross references are text. A role or directive that a notebook
cannot hold is an error with page and line. The same book gives the same bytes.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import sys
import tempfile
from pathlib import Path

from jupyter_book.config import get_final_config
from myst_nb.core.execute.base import ExecutionError
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace, patch_docutils

ROOT = Path(__file__).resolve().parent.parent


class ExportError(Exception):
    """A page cannot be exported; each line of the text names a page, a line and the cause."""


def export(source: Path, out: Path) -> list[Path]:
    """Export every chapter of a book.

    Parameters
    ----------
    source
        Folder of the book, with `_config.yml` and `_toc.yml`.
    out
        Folder for the notebooks; emptied first.

    Returns
    -------
    list of Path
        The notebooks, in alphabetical order.

    Raises
    ------
    ExportError
        If Sphinx warns of anything, or a page holds what a notebook cannot.
    """
    config, _ = get_final_config(
        user_yaml=source / "_config.yml",
        cli_config={"latex_individualpages": False},
        sourcedir=source,
    )
    # The outputs that `make book` has kept; MyST-NB would look beside `out`.
    config["nb_execution_cache_path"] = str(source / "_build" / ".jupyter_cache")
    shutil.rmtree(out, ignore_errors=True)
    warnings = io.StringIO()
    with tempfile.TemporaryDirectory() as scratch, patch_docutils(None), docutils_namespace():
        try:
            app = Sphinx(
                srcdir=str(source),
                confdir=None,
                outdir=str(Path(scratch) / "out"),
                doctreedir=str(Path(scratch) / "doctrees"),
                buildername="course_notebook",
                confoverrides=config,
                status=None,
                warning=warnings,
                freshenv=True,
            )
            app.build(force_all=True)
        except SphinxError as error:
            raise ExportError(f"{complaints(warnings)}{error}") from error
        except ExecutionError as error:
            raise ExportError(f"{error}: a cell failed; `make book` shows which") from error
        if said := complaints(warnings):
            raise ExportError(said.rstrip())
        made = Path(scratch) / "out"
        out.mkdir(parents=True)
        for path in sorted(made.rglob("*.ipynb")):
            target = out / path.relative_to(made)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return sorted(out.rglob("*.ipynb"))


def run_chapters() -> bool:
    """Run the chapters that have to run; print what fails, and tell whether nothing did."""
    import book

    book.BUILD.mkdir(exist_ok=True)
    book.prepare_machine()
    failures = book.run_chapters()
    for failure in failures:
        print(f"\n{failure}", file=sys.stderr)
    return not failures


def complaints(stream: io.StringIO) -> str:
    """Give what Sphinx warned of, without a terminal's colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "notebooks")
    parser.add_argument("--no-run", action="store_true", help="take the outputs that are there")
    asked = parser.parse_args(arguments)
    if not asked.no_run and not run_chapters():
        return 1
    try:
        notebooks = export(ROOT, asked.out.resolve())
    except ExportError as error:
        print(error, file=sys.stderr)
        print("error: no notebook was exported", file=sys.stderr)
        return 1
    for path in notebooks:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
