"""Make the environment that every command of the book runs in: `.venv`, beside this folder.

Run by whatever Python the machine has, hence nothing but the standard library (no `filelock`) and
no syntax newer than Python 3.6. A stamp in the environment says what it was made from: while that
holds, a run does nothing. Only a change of `requirements.txt`, `constraints.txt`, the Python or the
choice of PyTorch starts pip again.

    python3 tools/environment.py [--python PATH] [--torch default|cpu]
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "course-stamp.json"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

OLDEST, NEWEST = [3, 11], [3, 13]
WANTED = "Python 3.11 to 3.13"
INDEX = "https://pypi.org/simple/"
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
#: Free space, in GB, that a new environment takes, pip's downloads included; and time.
NEEDED_GB = {"default": 9 if sys.platform == "linux" else 4, "cpu": 4}
MINUTES = {"default": "3 to 10 minutes", "cpu": "2 to 5 minutes"}


class Trouble(Exception):
    """Something the person at the keyboard can mend; the text is one line that says how."""


def say(text):
    print(text, flush=True)


def run(*command):
    """Run a program; give its exit status and all that it printed."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300
        )
        return done.returncode, done.stdout.decode("utf-8", "replace").strip()
    return -1, ""


def version_of(python):
    """Give an interpreter's version, as in "3.12.4", or "" if it does not run."""
    status, said = run(str(python), "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])")
    return said if status == 0 and re.match(r"\d+\.\d+\.\d+$", said) else ""


def choose_python(asked=""):
    """Give path and version of the Python asked for, or of the first that the book is tested with.

    It is trouble if there is none, or it is too old or too new, or came without `venv`.
    """
    names = ["python3", "python", "python3.13", "python3.12", "python3.11"]
    found = [(name, shutil.which(name)) for name in ([asked] if asked else names)]
    found = [(name, path, version_of(path)) for name, path in found if path]
    found = [(*it, [int(part) for part in it[2].split(".")[:2]]) for it in found if it[2]]
    if not found:
        what = f"PYTHON={asked} does not run" if asked else "No Python found"
        raise Trouble(f"{what}. Install {WANTED}, then run this again.")
    suited = [it for it in found if OLDEST <= it[3] <= NEWEST]
    if not suited:
        name, _, version, minor = found[0]
        raise Trouble(
            f"{name} is Python {version}, which is too {'old' if minor < OLDEST else 'new'}: this "
            f"book needs {WANTED}. Install it, or name one with PYTHON=/path/to/python3.12."
        )
    _, path, version, minor = suited[0]
    if run(path, "-c", "import venv, ensurepip")[0]:  # as Debian's and Ubuntu's come
        raise Trouble(
            f"Python {version} ({path}) has no venv module. On Debian or Ubuntu: sudo apt-get "
            f"install python{minor[0]}.{minor[1]}-venv. Then run this again."
        )
    return path, version


def read_stamp():
    try:
        return json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def write_stamp(what):
    new = STAMP.with_suffix(".new")  # so that a stamp is never half written
    new.write_text(json.dumps(what, indent=1), "utf-8")
    os.replace(str(new), str(STAMP))


def packages():
    """Digest of the two files that say what is installed."""
    names = "requirements.txt", "constraints.txt"
    return hashlib.sha256(b"\0".join((ROOT / name).read_bytes() for name in names)).hexdigest()


def installed():
    """List what pip has installed, by the folders that it leaves for each package."""
    places = "lib/python*/site-packages/*.dist-info", "Lib/site-packages/*.dist-info"
    return sorted(path.name for place in places for path in VENV.glob(place))


def what_to_do(python, torch):
    """Say "make" (from nothing), "update" (install over what is there) or "", and why."""
    stamp = read_stamp()
    if not VENV.exists():
        return "make", ""
    # Where pip was stopped before it changed anything, what was there still works.
    if stamp.get("state") != "complete" and stamp.get("before") != installed():
        return "make", "an earlier installation did not finish; starting it again"
    if stamp["path"] != str(VENV.resolve()):
        return "make", "this folder was moved or copied; the environment is made anew"
    if version_of(PYTHON) != stamp["python"]:
        return "make", "the Python that the environment was made with has gone or changed"
    if torch and torch != stamp["torch"]:
        return "make", f"TORCH={torch} asked for, {stamp['torch']} installed"
    if python and choose_python(python)[1] != stamp["python"]:
        return "make", f"PYTHON={python} asked for, Python {stamp['python']} installed"
    if stamp["packages"] != packages():
        return "update", "requirements.txt or constraints.txt has changed"
    return "", ""


def make_venv(asked_python, torch):
    """Make an environment with nothing in it."""
    python, version = choose_python(asked_python)
    if VENV.exists():
        shutil.rmtree(str(VENV))
    free = shutil.disk_usage(str(ROOT)).free / 1e9
    if free < NEEDED_GB[torch]:
        small = f" TORCH=cpu installs without GPU libraries, in {NEEDED_GB['cpu']} GB."
        raise Trouble(
            f"The disk is too full: {free:.1f} GB free at {ROOT}, about {NEEDED_GB[torch]} GB "
            f"needed.{small if torch == 'default' else ''}"
        )
    say(
        f"Making an environment in {VENV} with Python {version}. "
        f"This happens once and takes {MINUTES[torch]}."
    )
    status, said = run(python, "-m", "venv", str(VENV))
    if status:
        raise Trouble(f"{python} -m venv failed: {said}")


def pip_install(index, *arguments):
    """Install with pip, which shows itself how far it is."""
    scratch = VENV / "tmp"  # /tmp may be small, and this disk has been measured
    scratch.mkdir(exist_ok=True)
    astray = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_USER", "PIP_REQUIRE_VIRTUALENV")
    variables = {name: value for name, value in os.environ.items() if name not in astray}
    variables["TMPDIR"] = str(scratch)
    command = [str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    try:
        status = subprocess.call([*command, *arguments], cwd=str(ROOT), env=variables)
    finally:
        shutil.rmtree(str(scratch), ignore_errors=True)
    if not status:
        return
    if shutil.disk_usage(str(ROOT)).free < 1e8:
        raise Trouble("The disk is full. Make room, then run this again.")
    try:
        urllib.request.urlopen(index, timeout=10).close()
    except (OSError, ValueError) as error:
        if getattr(error, "code", 500) in (407, *range(500, 600)):
            raise Trouble(
                f"The package index is out of reach: {index}. Check the connection (or proxy, or "
                "PIP_INDEX_URL), then run this again."
            ) from None
    raise Trouble("pip failed; it says above why.")


def build(asked_python, torch, how):
    """Make the environment, or install over it what has changed."""
    if how == "make":
        make_venv(asked_python, torch)
    stamp = read_stamp() or {
        "path": str(VENV.resolve()),
        "python": version_of(PYTHON),
        "torch": torch,
        "packages": "",
    }
    stamp.update(state="unfinished", before=installed() if how == "update" else [])
    write_stamp(stamp)
    if torch == "cpu":
        index = os.environ.get("TORCH_INDEX") or TORCH_INDEX
        pins = (ROOT / "constraints.txt").read_text("utf-8")
        pins = re.findall(r"^(?:torch|torchvision)==\S+$", pins, re.MULTILINE)
        say(f"PyTorch without GPU libraries, from {index}:")
        pip_install(index, "--no-deps", "--index-url", index, *pins)
    say("Packages, as pinned in constraints.txt:")
    index = os.environ.get("PIP_INDEX_URL") or INDEX
    pip_install(index, "-c", "constraints.txt", "-r", "requirements.txt")
    # So that `import utils` works from anywhere in this environment, chapters and tests included.
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    pth = Path(run(str(PYTHON), "-c", where)[1]) / "inception-course.pth"
    pth.write_text(f"{ROOT}\n", "utf-8")
    status, said = run(str(PYTHON), "-m", "pip", "check", "--disable-pip-version-check")
    if status:
        say(said)
        raise Trouble("The installed packages do not fit each other (above).")
    stamp.update(state="complete", packages=packages())
    write_stamp(stamp)


@contextlib.contextmanager
def alone():
    """Let two commands in two terminals not install at the same time."""
    try:
        import fcntl  # not on Windows
    except ImportError:
        yield
        return
    with (ROOT / ".venv.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Waiting for another command that is installing.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default="", help="the interpreter to use and no other")
    parser.add_argument("--torch", default="", help="default (with CUDA on Linux) or cpu")
    asked = parser.parse_args()
    try:
        if asked.torch not in ("", "default", "cpu"):
            raise Trouble(f"TORCH={asked.torch} is not known: default or cpu.")
        if not what_to_do(asked.python, asked.torch)[0]:
            return 0
        with alone():
            how, why = what_to_do(asked.python, asked.torch)
            if how:
                if why:
                    say(f"Environment: {why}.")
                build(asked.python, asked.torch or read_stamp().get("torch", "default"), how)
                say("Environment ready.")
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again to finish.", file=sys.stderr)
        return 130
    except (Trouble, OSError) as error:
        return f"\nerror: {error}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
