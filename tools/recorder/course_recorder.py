"""Note which files of the repository a chapter uses while it runs.

`tools/book.py` starts every chapter's kernel with this module loaded (see `sitecustomize.py`,
beside it), and re-executes the chapter when one of the files noted has changed since. Noted is
what happened, not what the text of a program suggests: files opened, modules looked for,
paths handed to anything that reads them, folders listed, in the kernel and in every Python
process that it starts. What was looked for and not found counts too: a module or a file that
turns up later can change the result as much as one that is edited.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import pathlib
import sys
import threading

#: Where the record goes, and the repository that it is about: set by `tools/book.py`.
RECORD, ROOT = "COURSE_RECORD", "COURSE_ROOT"

#: Parts of the repository that no chapter depends on. Of what is installed in the environment,
#: `tools/book.py` looks at the versions.
OUTSIDE = (".venv", "_build", ".git", ".ipynb_checkpoints")

MISSING, FOLDER = "missing", "folder"


def digest(path):
    """Give the state of a file or folder in one string.

    Parameters
    ----------
    path : str
        A trailing slash asks for the names in a folder; without one, a folder only has to be
        there.

    Returns
    -------
    str
        SHA-256 of a file's bytes or of a folder's names, "folder", or "missing".
    """
    try:
        if path.endswith("/"):
            names = sorted(n for n in os.listdir(path) if n != "__pycache__" and n[0] != ".")
            return hashlib.sha256("\0".join(names).encode()).hexdigest()
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except IsADirectoryError:
        return FOLDER
    except OSError:
        return MISSING


class Recorder:
    """Append one line of JSON, [name, digest], for each file at its first use.

    The digest is taken at that moment: a file edited while its chapter runs is then out of
    date, as it should be.
    """

    def __init__(self, root, record):
        self.root = os.path.realpath(root) + os.sep
        self.outside = tuple(self.root + name + os.sep for name in OUTSIDE)
        # O_APPEND: child processes write to the same file.
        self.record = os.open(record, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.seen = set()
        self.thread = threading.local()

    def write(self, name, state):
        os.write(self.record, (json.dumps([name, state]) + "\n").encode())

    def note(self, path, *, listed=False):
        """Note a path, if it belongs to the repository and is not noted yet."""
        if getattr(self.thread, "busy", False):  # our own reading
            return
        self.thread.busy = True
        try:
            path = os.path.realpath(os.fsdecode(path))
            if os.sep + "__pycache__" + os.sep in path:
                path = importlib.util.source_from_cache(path)
            if not path.startswith(self.root) or path.startswith(self.outside):
                return
            name = path[len(self.root) :].replace(os.sep, "/") + ("/" if listed else "")
            if name not in self.seen:
                self.seen.add(name)
                self.write(name, digest(path + ("/" if listed else "")))
        except (TypeError, ValueError):
            pass  # a file descriptor, an odd name: nothing in the repository
        finally:
            self.thread.busy = False

    def start(self):
        """Watch this process from now on."""
        recorder = self

        def audit(event, arguments):
            if event == "open":
                path, _, flags = arguments
                if not (flags or 0) & (os.O_WRONLY | os.O_RDWR):
                    recorder.note(path)
            # Python's own import system lists folders to find modules: `Finder` is finer.
            elif event in ("os.listdir", "os.scandir") and (
                "importlib" not in sys._getframe(1).f_code.co_filename
            ):
                recorder.note("." if arguments[0] is None else arguments[0], listed=True)

        class Finder:
            """Find no module, but see every name that is looked for."""

            @staticmethod
            def find_spec(name, path=None, target=None):
                if os.path.isdir(recorder.root + name.partition(".")[0]):
                    stem = recorder.root + name.replace(".", os.sep)
                    recorder.note(stem + ".py")
                    recorder.note(os.path.join(stem, "__init__.py"))

        # Readers written in C or Rust open files unseen, but only after they have asked the
        # Path for its text; so has `Path.exists`.
        as_text = pathlib.PurePath.__fspath__

        def fspath(self):
            text = as_text(self)
            recorder.note(text)
            return text

        pathlib.PurePath.__fspath__ = fspath
        sys.meta_path.insert(0, Finder)
        sys.addaudithook(audit)
        self.write("", "recording")


def read(record):
    """Read a record back.

    Parameters
    ----------
    record : pathlib.Path
        The file that a `Recorder` wrote.

    Returns
    -------
    dict of str to str, or None
        Digest by name, relative to the root; None if no recorder ran.
    """
    files = {}
    with contextlib.suppress(FileNotFoundError):
        for line in record.read_text("utf-8").splitlines():
            name, state = json.loads(line)
            files.setdefault(name, state)
    return files if files.pop("", None) else None
