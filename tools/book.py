"""Build the book: run the chapters that have to run, then make the pages, strictly.

    python tools/book.py [--fresh] [--no-notebooks] [--linkcheck]

A chapter's outputs are kept in Jupyter's cache (`_build/.jupyter_cache`), whose key is the
chapter's own cells. What else a chapter depends on is recorded while it runs
(`recorder/course_recorder.py`) and kept with its outputs: files of `utils/` and other files of
the repository that it used, the Python, the version of every package that is installed. If any of
these is not as it was, or there is no record, the kept outputs are thrown away and the chapter runs
again. Then the notebooks that the pages offer to download are exported, and Jupyter Book builds
every page from the cache; it executes nothing itself.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORDER = Path(__file__).resolve().parent / "recorder"
BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"
HTML = BUILD / "html"

# A check of internationalised addresses that JupyterLab brings along and jsonschema, here for the
# format of notebooks, does without when it is not there. Loading it takes longer than all else.
WITHOUT_SLOW_PACKAGE = "import sys; sys.modules['rfc3987_syntax'] = None\n"
sys.modules.setdefault("rfc3987_syntax", None)

sys.path.insert(0, str(RECORDER))
import course_recorder  # noqa: E402


def say(text="", **keywords):
    print(text, flush=True, **keywords)


def plural(number, word):
    return f"{number} {word}{'' if number == 1 else 's'}"


# --- The machine ------------------------------------------------------------------------------


def prepare_machine():
    """Let the build read and write nothing in the user's home: the same result everywhere."""
    local = BUILD / ".jupyter"
    fonts = Path(sys.prefix) / "var" / "matplotlib"  # outlives `make clean`
    with contextlib.suppress(OSError):
        fonts.mkdir(parents=True, exist_ok=True)
    writable = os.access(fonts, os.W_OK)
    os.environ.update(
        IPYTHONDIR=str(local / "ipython"),
        JUPYTER_CONFIG_DIR=str(local / "config"),
        JUPYTER_DATA_DIR=str(local / "data"),
        JUPYTER_RUNTIME_DIR=str(local / "runtime"),
        JUPYTER_PREFER_ENV_PATH="1",  # the kernel of this environment, not one of the user's
        MPLCONFIGDIR=str(fonts if writable else local / "matplotlib"),
        PYTHONUTF8="1",
        PYDEVD_DISABLE_FILE_VALIDATION="1",
    )
    for name in ("MPLBACKEND", "PYTHONSTARTUP"):
        os.environ.pop(name, None)
    (local / "runtime").mkdir(parents=True, exist_ok=True)


def prepare_fonts():
    """Have matplotlib list the machine's fonts now: later it would say so in a chapter."""
    folder = Path(os.environ["MPLCONFIGDIR"])
    if not any(folder.glob("fontlist*.json")):
        say("Looking up the fonts for matplotlib (once)")
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-c", "import matplotlib.font_manager"]
        subprocess.run(command, check=False, capture_output=True)


# --- Chapters ---------------------------------------------------------------------------------


@dataclass
class Chapter:
    """One page with code to run.

    Attributes
    ----------
    path : Path
        Its source.
    notebook : nbformat.NotebookNode
        The source as MyST-NB reads it.
    """

    path: Path
    notebook: object

    @property
    def name(self):
        return self.path.relative_to(ROOT).as_posix()

    def code_cells(self):
        """Give (number among the code cells from 1, line in the source, cell)."""
        lines = self.notebook.metadata.get("source_map")
        number = 0
        for index, cell in enumerate(self.notebook.cells):
            if cell.cell_type == "code":
                number += 1
                yield number, lines[index] + 1 if lines else None, cell

    def where(self, number, line, cell):
        """Name a cell for a message: page, line, number, first line of code."""
        first = next((s.strip() for s in cell.source.splitlines() if s.strip()), "")
        first = first if len(first) <= 60 else first[:57] + "..."
        place = f"{self.name}:{line}" if line else self.name
        return f"{place}: cell {number} (`{first}`)"


def read_settings():
    import yaml

    settings = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    execute = settings.get("execute", {})
    extensions = settings.get("parse", {}).get("myst_enable_extensions", [])
    return execute.get("timeout", 60), extensions


def find_chapters(extensions):
    """Read the table of contents and every page in it that has code to run."""
    from myst_nb.core.config import NbParserConfig
    from myst_nb.core.read import create_nb_reader
    from myst_parser.config.main import MdParserConfig
    from sphinx_external_toc.parsing import parse_toc_yaml

    markdown = MdParserConfig(enable_extensions=set(extensions))
    chapters = []
    for document in parse_toc_yaml(ROOT / "_toc.yml"):
        for suffix in (".md", ".ipynb"):
            path = ROOT / (document.removesuffix(suffix) + suffix)
            if path.exists():
                text = path.read_text("utf-8")
                reader = create_nb_reader(str(path), markdown, NbParserConfig(), text)
                if reader is not None:
                    chapters.append(Chapter(path, reader.read(text)))
                break
    return [c for c in chapters if any(cell.source.strip() for _, _, cell in c.code_cells())]


# --- The cache --------------------------------------------------------------------------------


def open_cache():
    from jupyter_cache import get_cache

    store = get_cache(str(CACHE))
    try:
        store.list_cache_records()
    except Exception:  # left by another version, or damaged: nothing in it is worth a failure
        shutil.rmtree(CACHE, ignore_errors=True)
        store = get_cache(str(CACHE))
    return store


def digest_now(name):
    return course_recorder.digest(str(ROOT / name) + ("/" if name.endswith("/") else ""))


def installed():
    """Give the version of every installed package but pip, by name."""
    found = {}
    for folder in reversed(sys.path):  # the first counts
        for path in Path(folder).glob("*.dist-info"):
            name, _, version = path.stem.rpartition("-")
            found[name] = version
    found.pop("pip", None)
    return found


def why_stale(record):
    """Say why the outputs kept for a chapter cannot be used, or give "" if they can."""
    known = (record.data or {}).get("course")
    if not known:
        return "nothing is known of what it used"
    if known["python"] != sys.version:
        return "it ran with another Python"
    now = installed()
    before = known.get("packages", now)  # older records have constraints.txt among their files
    for name in sorted(now | before):
        if now.get(name) != before.get(name):
            return f"{name} is {now.get(name, 'gone')}, was {before.get(name, 'not there')}"
    for name, state in known["files"].items():
        now = digest_now(name)
        if now != state:
            gone, new = now == course_recorder.MISSING, state == course_recorder.MISSING
            return f"{name} " + ("is gone" if gone else "is new" if new else "has changed")
    return ""


def forget(store, record):
    from jupyter_cache.cache.db import NbCacheRecord

    # Not the store's own `remove_cache`, which gives up on an entry whose outputs are damaged.
    shutil.rmtree(CACHE / "executed" / record.hashkey, ignore_errors=True)
    NbCacheRecord.remove_records([record.pk], store.db)


def has_to_run(chapter, store, *, fresh):
    """Decide whether a chapter has to run; drop what the cache has of it if so.

    Returns
    -------
    str
        The reason, "" if it need not run.
    """
    try:
        record = store.match_cache_notebook(chapter.notebook)
    except KeyError:
        return "new cells"
    try:
        store.get_cache_bundle(record.pk)
        why = "asked for" if fresh else why_stale(record)
    except (KeyError, OSError, ValueError):
        why = "its outputs are damaged"
    if why:
        forget(store, record)
    return why


# --- Execution --------------------------------------------------------------------------------


@dataclass
class Run:
    """What became of executing one chapter."""

    seconds: float
    files: dict
    failures: list = field(default_factory=list)


def plain(text):
    """Strip the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def make_client(notebook, **settings):
    """Make what runs a notebook; Ctrl-C is a KeyboardInterrupt, over which nbclient's own trips."""
    import nbclient

    class Client(nbclient.NotebookClient):
        interrupted = False

        async def async_start_new_kernel(self, **keywords):
            task = asyncio.current_task()

            def stop():
                self.interrupted = True
                task.cancel()

            with contextlib.suppress(NotImplementedError):  # Windows
                asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)
            await super().async_start_new_kernel(**keywords)

        def execute(self, **keywords):
            try:
                return super().execute(**keywords)
            finally:
                if self.interrupted:
                    raise KeyboardInterrupt

    return Client(notebook, **settings)


def execute(chapter, timeout):
    """Run a chapter's cells in a new kernel, in the chapter's folder; fill in the outputs."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = chapter.notebook
    timeout = notebook.metadata.get("mystnb", {}).get("execution_timeout", timeout)
    reached = []
    client = make_client(
        notebook,
        timeout=timeout,
        record_timing=False,  # it would go into the cells' metadata, and these into the cache's key
        resources={"metadata": {"path": str(chapter.path.parent)}},
        on_cell_start=lambda cell, cell_index: reached.append(cell_index),
    )
    numbered = {id(cell): (n, line, cell) for n, line, cell in chapter.code_cells()}
    failures = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        record = Path(folder) / "record"
        environment = {
            **os.environ,
            course_recorder.RECORD: str(record),
            course_recorder.ROOT: str(ROOT),
            "PYTHONPATH": os.pathsep.join([str(RECORDER), str(ROOT)]),
        }
        with (BUILD / "kernel.log").open("a", encoding="utf-8") as log:
            try:
                client.execute(env=environment, stderr=log)
            except (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError) as error:
                cell = notebook.cells[reached[-1]] if reached else None
                place = chapter.where(*numbered[id(cell)]) if cell else chapter.name
                if isinstance(error, CellTimeoutError):
                    failures.append(f"{place} did not end in {timeout} s.")
                elif isinstance(error, CellExecutionError):
                    trace = plain("\n".join(cell.outputs[-1].traceback))
                    failures.append(f"{place} failed with {error.ename}:\n{trace.rstrip()}")
                else:
                    failures.append(f"{place}: the kernel died ({error}); see _build/kernel.log")
        seconds = time.monotonic() - began
        files = course_recorder.read(record)
    if files is None and not failures:
        raise RuntimeError(f"{chapter.name}: the kernel ran without its recorder")
    for number, line, cell in chapter.code_cells():
        said = "".join(
            output.text
            for output in cell.get("outputs", [])
            if output.output_type == "stream" and output.name == "stderr"
        )
        if said:
            place = chapter.where(number, line, cell)
            failures.append(f"{place} wrote to stderr:\n{plain(said).rstrip()}")
    return Run(seconds, files or {}, failures)


def keep(chapter, run, store):
    """Put a chapter's outputs into the cache, with what they depend on."""
    from jupyter_cache.base import CacheBundleIn

    files = {name: state for name, state in run.files.items() if name != chapter.name}
    course = {"python": sys.version, "packages": installed(), "files": dict(sorted(files.items()))}
    store.cache_notebook_bundle(
        CacheBundleIn(
            chapter.notebook,
            str(chapter.path),
            data={"execution_seconds": run.seconds, "course": course},
        ),
        check_validity=False,
        overwrite=True,
    )


def run_chapters(*, fresh=False):
    """Execute what has to be executed.

    Returns
    -------
    list of str
        What failed: page, cell and error each.
    """
    timeout, extensions = read_settings()
    chapters = find_chapters(extensions)
    store = open_cache()
    due = [(c, why) for c in chapters if (why := has_to_run(c, store, fresh=fresh))]
    if not due:
        say(f"Chapters: none of {len(chapters)} has to run")
        return []
    (BUILD / "kernel.log").write_text("")
    prepare_fonts()
    ready = len(chapters) - len(due)
    say(f"Chapters: {len(due)} to run" + (f", {ready} as they were" if ready else ""))
    failures = []
    for number, (chapter, why) in enumerate(due, 1):
        say(f"  [{number}/{len(due)}] {chapter.name} ({why}) ...", end=" ")
        run = execute(chapter, timeout)
        say(f"{run.seconds:.1f} s" if not run.failures else "FAILED")
        if run.failures:
            failures += run.failures
        else:
            keep(chapter, run, store)
    return failures


# --- Pages ------------------------------------------------------------------------------------

PROBLEM = re.compile(r"\b(WARNING|ERROR|CRITICAL|SEVERE)\b:?")
BROKEN = re.compile(r"^\(\s*(\S+): line\s+(\d+)\) broken\s+(.*)")


def jupyter_book(*arguments):
    """Run Jupyter Book; all that it prints goes to `_build/sphinx.log`.

    Returns
    -------
    (int, list of str)
        Its exit status and its complaints.
    """
    program = WITHOUT_SLOW_PACKAGE + "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", program]
    command += ["build", str(ROOT), "-W", "-n", "--keep-going", "--all", *arguments]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    complaints = []
    try:
        with (BUILD / "sphinx.log").open("w", encoding="utf-8") as log:
            for line in process.stdout:
                log.write(line)
                text = plain(line).rstrip().replace(str(ROOT) + os.sep, "")
                if PROBLEM.search(text) and "warnings being treated as errors" not in text.lower():
                    complaints.append(text)
                elif link := BROKEN.match(text):
                    complaints.append(f"{link[1]}: line {link[2]}: broken link {link[3]}")
    except BaseException:  # leave no process behind that nobody listens to
        process.terminate()
        raise
    finally:
        process.wait()
    return process.returncode, complaints


def cause(lines=25):
    """Find in the log why Jupyter Book broke off: the error it names, or else its last words."""
    text = (BUILD / "sphinx.log").read_text("utf-8", "replace").splitlines()
    text = [plain(line) for line in text]
    for line, following in itertools.pairwise(text):
        if re.fullmatch(r"(\w+ error|Exception occurred):", line):
            return f"{line} {following.strip()}"
    return "\n".join("    " + line for line in text[-lines:])


def report(problems, what):
    """Print what is wrong, and return the exit status for it."""
    for problem in problems:
        say(f"\n{problem}", file=sys.stderr)
    say(f"\nerror: {what}", file=sys.stderr)
    return 1


def export_notebooks():
    """Export the notebooks, which the pages offer to download; return what is wrong."""
    import notebooks

    say("Notebooks: being exported")
    try:
        notebooks.export(ROOT, BUILD / "notebooks")
    except notebooks.ExportError as error:
        return str(error).splitlines()
    return []


def build_pages():
    """Make every page anew; answer as `jupyter_book` does."""
    # Pages of chapters that were renamed or removed must not stay.
    shutil.rmtree(HTML, ignore_errors=True)
    say("Pages: being made")
    return jupyter_book()


def check_links():
    """Ask for every address on another site that the book links to; answer as `jupyter_book`."""
    say("Links to other sites: being asked for")
    pages = BUILD / "pages"  # Jupyter Book would write its report among them
    shutil.rmtree(pages, ignore_errors=True)
    if HTML.exists():
        HTML.rename(pages)
    try:
        return jupyter_book("--builder", "linkcheck")
    finally:
        shutil.rmtree(HTML, ignore_errors=True)
        if pages.exists():
            pages.rename(HTML)


def interrupted():
    """Say what to do after Ctrl-C, and return the exit status for it."""
    say("\nInterrupted. Run the same command again to finish.", file=sys.stderr)
    return 130


def build(*, fresh, linkcheck, notebooks):
    """Do what is asked for, and return the exit status."""
    began = time.monotonic()
    BUILD.mkdir(exist_ok=True)
    prepare_machine()
    failures = run_chapters(fresh=fresh)
    if failures:
        return report(failures, f"{plural(len(failures), 'cell')} failed, above; no page was made.")
    complaints = export_notebooks() if notebooks and not linkcheck else []
    if complaints:
        return report(complaints, f"{plural(len(complaints), 'problem')}, above; no page was made.")
    status, complaints = check_links() if linkcheck else build_pages()
    if status or complaints:
        if not complaints:
            complaints = [cause()]
        found = f"{plural(len(complaints), 'problem')}, above; the whole log: _build/sphinx.log"
        return report(complaints, found)
    if linkcheck:
        say("Every link leads somewhere.")
        return 0
    page = HTML / "index.html"
    say(f"\nThe book is built ({time.monotonic() - began:.0f} s): {page}")
    say(f"Open {page.as_uri()} in a browser, or run `make serve`.")
    return 0


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fresh", action="store_true", help="run every chapter again")
    parser.add_argument("--no-notebooks", action="store_true", help="offer none to download")
    parser.add_argument("--linkcheck", action="store_true", help="check links to other sites")
    asked = parser.parse_args(arguments)
    try:
        return build(fresh=asked.fresh, linkcheck=asked.linkcheck, notebooks=not asked.no_notebooks)
    except KeyboardInterrupt:
        return interrupted()


if __name__ == "__main__":
    sys.exit(main())
