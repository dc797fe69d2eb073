"""Open the chapters as notebooks in JupyterLab, in a folder of the reader's own.

    python tools/lab.py [--no-browser] [JupyterLab's own options, such as --ip=0.0.0.0]

The exported notebooks (`make notebooks`) are copied into `work/`, which git ignores. A copy that is
there already is never overwritten: it may hold answers. Delete or rename it to get a new one.

JupyterLab refuses to run as root unless it is told to. In a container root is the only user, so
there this command tells it, and says so.
"""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXPORTED = ROOT / "_build" / "notebooks"
WORK = ROOT / "work"


def copy_new(exported, work):
    """Copy the notebooks that are not in `work` yet.

    Returns
    -------
    (list of Path, list of Path)
        What was copied, and what is there with other content, both relative to `work`.
    """
    copied, kept = [], []
    for source in sorted(exported.rglob("*.ipynb")):
        name = source.relative_to(exported)
        target = work / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            copied.append(name)
        elif target.read_bytes() != source.read_bytes():
            kept.append(name)
    return copied, kept


def is_root():
    return hasattr(os, "geteuid") and os.geteuid() == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    choices, more = parser.parse_known_args()
    if not any(EXPORTED.rglob("*.ipynb")):
        return "error: no exported notebooks in _build/notebooks: run `make notebooks` first."
    copied, kept = copy_new(EXPORTED, WORK)
    for name in copied:
        print(f"work/{name}: new")
    for name in kept:
        print(f"work/{name}: yours, kept as it is (delete or rename it to get the book's)")
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={WORK}"]
    command += ["--no-browser"] if choices.no_browser else []
    if is_root() and "--allow-root" not in more:
        print("You are root, so JupyterLab is started with --allow-root.")
        more.append("--allow-root")
    command += more
    server = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
    while True:
        try:
            return server.wait()
        except KeyboardInterrupt:  # the server gets it, too, and asks whether it is meant
            continue


if __name__ == "__main__":
    sys.exit(main())
