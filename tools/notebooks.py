"""Export the chapters as Jupyter notebooks that run wherever `utils` can be installed.

    python tools/notebooks.py [--out _build/notebooks] [--no-run]

First the chapters that have changed are run, as `make book` does, for the numbers in their text.
Then Sphinx reads the book as for the pages, and
the builder `course_notebook` (`_ext/course/notebook.py`) writes each chapter from the resolved
page: glued numbers, citations and cross references are text. A role or directive that a notebook
cannot hold is an error with page and line. The same book gives the same bytes.

An export replaces the one before it in the same folder, once it has succeeded, and nothing else:
`.exported-notebooks` in the folder names the notebooks that it wrote.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "_build" / "notebooks"
LIST = ".exported-notebooks"  # of the notebooks in a folder that are this command's


class ExportError(Exception):
    """Nothing was exported; each line of the text names a page or a file, and the cause."""


def export(source: Path, out: Path) -> list[Path]:
    """Export every chapter of a book.

    Parameters
    ----------
    source
        Folder of the book, with `_config.yml` and `_toc.yml`.
    out
        Folder for the notebooks.

    Returns
    -------
    list of Path
        The notebooks, in alphabetical order.

    Raises
    ------
    ExportError
        If Sphinx warns of anything, or a page holds what a notebook cannot, or `place` cannot
        put the notebooks there. What was in `out` is as it was.
    """
    from jupyter_book.config import get_final_config
    from myst_nb.core.execute.base import ExecutionError
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    config, _ = get_final_config(
        user_yaml=source / "_config.yml",
        cli_config={"latex_individualpages": False},
        sourcedir=source,
    )
    # The outputs that `make book` has kept; MyST-NB would look beside `out`.
    config["nb_execution_cache_path"] = str(source / "_build" / ".jupyter_cache")
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
        try:
            return place(Path(scratch) / "out", out)
        except OSError as error:
            raise ExportError(f"the notebooks cannot be written to {out}: {error}") from error


def place(made: Path, out: Path) -> list[Path]:
    """Put new notebooks in the place of an earlier export's, and leave all else as it is.

    Returns
    -------
    list of Path
        The notebooks, in alphabetical order.

    Raises
    ------
    ExportError
        A file that no export wrote is in the way; nothing was changed.
    """
    new = {path.relative_to(made).as_posix(): path for path in sorted(made.rglob("*.ipynb"))}
    old = exported(out)
    foreign = [out / name for name in new if name not in old and os.path.lexists(out / name)]
    if foreign:
        raise ExportError(
            "\n".join(f"{path}: is there already, and no export wrote it" for path in foreign)
            + "\nMove it away, or name another folder with --out."
        )
    out.mkdir(parents=True, exist_ok=True)
    # On the same disk: once all are there, each only has to be given its name.
    with tempfile.TemporaryDirectory(dir=out, prefix=".export-") as folder:
        scratch = Path(folder)
        (scratch / "during").write_text("".join(f"{name}\n" for name in old | new.keys()), "utf-8")
        (scratch / "after").write_text("".join(f"{name}\n" for name in new), "utf-8")
        for number, (name, path) in enumerate(new.items()):
            shutil.copyfile(path, scratch / str(number))
            (out / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / "during").replace(out / LIST)
        for number, name in enumerate(new):
            (scratch / str(number)).replace(out / name)
        for name in old - new.keys():
            (out / name).unlink(missing_ok=True)
        (scratch / "after").replace(out / LIST)
    return [out / name for name in new]


def exported(out: Path) -> set[str]:
    """Name the notebooks in a folder that an earlier export wrote."""
    if out == OUT.resolve():  # in a folder for nothing but what was built
        return {path.relative_to(out).as_posix() for path in out.rglob("*.ipynb")}
    try:
        names = (out / LIST).read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return set()
    ours = {name for name in names if name.endswith(".ipynb") and ".." not in name.split("/")}
    return {name for name in ours if not PurePosixPath(name).is_absolute()}


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
    parser.add_argument("--out", type=Path, default=OUT, metavar="FOLDER")
    parser.add_argument("--no-run", action="store_true", help="take the outputs that are there")
    asked = parser.parse_args(arguments)
    try:
        if not asked.no_run and not run_chapters():
            return 1
        notebooks = export(ROOT, asked.out.resolve())
    except KeyboardInterrupt:
        import book

        return book.interrupted()
    except ExportError as error:
        print(error, file=sys.stderr)
        print("error: no notebook was exported", file=sys.stderr)
        return 1
    for path in notebooks:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
