"""A book of a few lines, built with this repository's own settings, extension and tools."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]
HEADER = """\
---
jupytext:
  text_representation:
    format_name: myst
kernelspec:
  name: python3
---
"""


@dataclass
class Answer:
    """What a command answered: its exit status and all that it printed."""

    status: int
    text: str

    @property
    def ran(self) -> dict[str, str]:
        """Chapters that were executed, and why each."""
        return dict(
            re.findall(r"^  \[\d+/\d+\] (?:chapters/)?(\S+)\.md \((.*)\) \.\.\.", self.text, re.M)
        )


class TinyBook:
    """A checkout with a landing page and no chapters yet, in a path with a space."""

    def __init__(self, folder: Path, *, like: TinyBook | None = None) -> None:
        self.root = folder / "a tiny book"
        if like is not None:
            shutil.copytree(like.root, self.root, symlinks=True)
            self.chapters = list(like.chapters)
            return
        self.root.mkdir(parents=True)
        for name in ("_config.yml", "references.bib", "pyproject.toml"):
            shutil.copy(ROOT / name, self.root)
        for name in ("_ext", "_static"):
            shutil.copytree(ROOT / name, self.root / name)
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "tools", self.root / "tools", ignore=ignore)
        self.write("constraints.txt", "one==1\n")
        self.write("index.md", "# A tiny book\n\nNothing but a start.\n")
        self.chapters: list[str] = []
        self.contents()

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), "utf-8")
        return path

    def contents(self) -> None:
        lines = ["format: jb-book", "root: index"]
        if self.chapters:
            lines += ["chapters:", *(f"  - file: chapters/{name}" for name in self.chapters)]
        self.write("_toc.yml", "\n".join(lines) + "\n")

    def page(self, name: str, text: str) -> Path:
        """Add a page of prose."""
        if name not in self.chapters:
            self.chapters.append(name)
            self.contents()
        return self.write(f"chapters/{name}.md", f"# Page {name}\n\n{dedent(text)}")

    def chapter(self, name: str, *cells: str, prose: str = "Some prose.") -> Path:
        """Add a page with code cells."""
        code = "\n\n".join(
            f"```{{code-cell}} ipython3\n{dedent(cell).strip()}\n```" for cell in cells
        )
        self.page(name, "")
        return self.write(f"chapters/{name}.md", f"{HEADER}\n# Page {name}\n\n{prose}\n\n{code}\n")

    def run(self, *command: str, **variables: str) -> Answer:
        """Run a command with this environment's Python, in the book's folder."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        return Answer(done.returncode, done.stdout)

    def interrupt(self, when: Callable[[str], bool], *command: str) -> Answer:
        """Run a command as in a terminal, and press Ctrl-C once what it has printed is as told."""
        printed = self.root / "printed"
        with printed.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            while process.poll() is None and not when(printed.read_text("utf-8", "replace")):
                time.sleep(0.02)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=240)  # on a busy machine, shutting down takes long
        finally:
            process.kill()
        return Answer(process.returncode, printed.read_text("utf-8", "replace"))

    def build(self, *options: str, **variables: str) -> Answer:
        """Do what `make book` does once there is an environment."""
        return self.run("tools/book.py", "--no-notebooks", *options, **variables)

    def execute(self) -> dict[str, str]:
        """Do only the first half of a build, in this process: run the chapters that have to run.

        Returns
        -------
        dict
            The chapters that ran, and why each.
        """
        specification = importlib.util.spec_from_file_location("book", self.root / "tools/book.py")
        book = importlib.util.module_from_spec(specification)
        printed = io.StringIO()
        path, variables = list(sys.path), dict(os.environ)
        try:
            with contextlib.redirect_stdout(printed):
                sys.modules["book"] = book  # dataclasses look it up
                specification.loader.exec_module(book)
                book.BUILD.mkdir(exist_ok=True)
                book.prepare_machine()
                failures = book.run_chapters()
        finally:
            sys.path[:] = path
            os.environ.clear()
            os.environ.update(variables)
            del sys.modules["book"]
        assert not failures, failures
        return Answer(0, printed.getvalue()).ran

    def html(self, name: str) -> str:
        return (self.root / "_build" / "html" / f"{name}.html").read_text("utf-8")
