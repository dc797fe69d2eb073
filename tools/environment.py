"""Make the environment that every command of the book runs in: `.venv`, beside this folder.

Run by whatever Python the machine has, hence nothing but the standard library and no syntax
newer than Python 3.6. A second run finds the environment as it should be and does nothing:
a stamp in it says what it was made from. Only a change of `requirements.txt`,
`constraints.txt`, the Python or the choice of PyTorch starts pip again.

    python3 tools/environment.py [--python PATH] [--torch default|cpu]
    python3 tools/environment.py --freeze      # write constraints.txt from what is installed
"""

import argparse
import contextlib
import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"

#: Free space, in GB, that a new environment takes, pip's downloads included.
NEEDED_GB = {"default": 9, "cpu": 4}
MINUTES = {"default": "3 to 10 minutes", "cpu": "2 to 5 minutes"}

#: Installed with PyTorch on some machines only, with versions that PyTorch itself fixes.
NOT_EVERYWHERE = re.compile(r"^(nvidia-|cuda-|triton\b)", re.IGNORECASE)

NO_SPACE = re.compile(r"No space left on device|\[Errno 28\]|Disk quota exceeded")
NO_NETWORK = re.compile(
    r"Temporary failure in name resolution|Name or service not known|nodename nor servname"
    r"|Failed to establish a new connection|Connection refused|Network is unreachable"
    r"|ConnectTimeoutError|ReadTimeoutError|Read timed out|timed out|ProxyError|SSLError"
    r"|Connection aborted|Connection reset|Remote end closed|Could not fetch URL"
    r"|HTTP error (?:40[37]|5\d\d)|IncompleteRead",
    re.IGNORECASE,
)


class Trouble(Exception):
    """Something the person at the keyboard can mend; the text is one line that says how."""


def say(text):
    print(text, flush=True)


# --- Which Python -----------------------------------------------------------------------------


def version_of(python):
    """Give an interpreter's version as a tuple of three, or None if it does not run."""
    try:
        answer = subprocess.run(
            [str(python), "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
        return tuple(int(part) for part in answer.stdout.decode().strip().split("."))
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def text_of(version):
    return ".".join(str(part) for part in version)


def wanted():
    return "Python {} to {}".format(text_of(OLDEST), text_of(NEWEST))


def suits(version):
    return version is not None and len(version) == 3 and OLDEST <= version[:2] <= NEWEST


def choose_python(asked=""):
    """Find an interpreter that the book is tested with.

    Parameters
    ----------
    asked : str
        A name or path to use and no other, as in `make book PYTHON=python3.12`.

    Returns
    -------
    (str, tuple)
        Its path and its version.

    Raises
    ------
    Trouble
        None there, or the one asked for is too old or too new.
    """
    if asked:
        path = shutil.which(asked)
        version = version_of(path) if path else None
        if version is None:
            raise Trouble("PYTHON={} does not run. Give the path of {}.".format(asked, wanted()))
        if not suits(version):
            raise Trouble(
                "PYTHON={} is Python {}, which is too {}: this book needs {}.".format(
                    asked,
                    text_of(version),
                    "old" if version[:2] < OLDEST else "new",
                    wanted(),
                )
            )
        return path, version
    names = ["python3", "python"]
    names += ["python3.{}".format(minor) for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    seen = {}
    for name in names:
        path = shutil.which(name)
        version = version_of(path) if path else None
        if suits(version):
            return path, version
        if version:
            seen.setdefault(name, version)
    if not seen:
        raise Trouble("No Python found. Install {}, then run this again.".format(wanted()))
    name, version = next(iter(seen.items()))
    raise Trouble(
        "{} is Python {}, which is too {}: this book needs {}. Install one of these, or name "
        "one with PYTHON=/path/to/python3.12.".format(
            name, text_of(version), "old" if version[:2] < OLDEST else "new", wanted()
        )
    )


def check_venv_module(python, version):
    """Fail if the interpreter came without venv, as Debian's and Ubuntu's do."""
    test = subprocess.run(
        [python, "-c", "import venv, ensurepip"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if test.returncode:
        raise Trouble(
            "Python {0} ({1}) has no venv module. On Debian or Ubuntu: "
            "sudo apt-get install python{2}-venv. Then run this again.".format(
                text_of(version), python, text_of(version[:2])
            )
        )


# --- The stamp --------------------------------------------------------------------------------


class Environment:
    """The folder `.venv` of one checkout, and what its stamp says of it."""

    def __init__(self, root):
        self.root = Path(root)
        self.folder = self.root / ".venv"
        self.stamp = self.folder / "course-stamp.json"
        self.log = self.folder / "install.log"
        windows = os.name == "nt"
        self.python = self.folder.joinpath(
            *(("Scripts", "python.exe") if windows else ("bin", "python"))
        )

    def read_stamp(self):
        try:
            return json.loads(self.stamp.read_text("utf-8"))
        except (OSError, ValueError):
            return {}

    def write_stamp(self, **what):
        # Through a second file, so that a stamp is never half written.
        new = self.stamp.with_name(self.stamp.name + ".new")
        new.write_text(json.dumps(what, indent=1), "utf-8")
        os.replace(str(new), str(self.stamp))

    def wanted_packages(self):
        """Digest of the two files that say what is installed."""
        digest = hashlib.sha256()
        for name in ("requirements.txt", "constraints.txt"):
            digest.update((self.root / name).read_bytes() + b"\0")
        return digest.hexdigest()

    def size_gb(self):
        """How much of the disk the environment takes already."""
        total = 0
        for folder, _, files in os.walk(str(self.folder)):
            for name in files:
                with contextlib.suppress(OSError):
                    total += os.lstat(os.path.join(folder, name)).st_size
        return total / 1e9


def state(env, asked_python, asked_torch):
    """Compare the environment with what is asked for.

    Returns
    -------
    (str, str)
        "ready", "update" (install over it) or "make" (from nothing), and why.
    """
    stamp = env.read_stamp()
    if not env.folder.exists():
        return "make", ""
    if stamp.get("state") != "complete":
        return "make", "an earlier installation did not finish; starting it again"
    if stamp.get("path") != str(env.folder.resolve()):
        return "make", "this folder was moved or copied; the environment is made anew"
    version = version_of(env.python)
    if version is None or text_of(version) != stamp.get("python"):
        return "make", "the Python that the environment was made with has gone or changed"
    if asked_torch and asked_torch != stamp.get("torch"):
        return "make", "TORCH={} asked for, {} installed".format(asked_torch, stamp.get("torch"))
    if asked_python:
        _, other = choose_python(asked_python)
        if other != version:
            return "make", "Python {} asked for, {} installed".format(
                text_of(other), text_of(version)
            )
    if stamp.get("packages") != env.wanted_packages():
        return "update", "requirements.txt or constraints.txt has changed"
    return "ready", ""


# --- Installing -------------------------------------------------------------------------------


def check_space(env, torch):
    """Fail before the download if the disk cannot hold what is to come."""
    needed = NEEDED_GB["default" if torch == "default" and sys.platform == "linux" else "cpu"]
    needed = max(0.5, needed - env.size_gb())
    free = shutil.disk_usage(str(env.root)).free / 1e9
    if free < needed:
        hint = (
            ""
            if torch == "cpu"
            else " TORCH=cpu installs without GPU libraries, in {} GB.".format(NEEDED_GB["cpu"])
        )
        raise Trouble(
            "The disk is too full: {:.1f} GB free at {}, about {:.1f} GB needed.{}".format(
                free, env.root, needed, "" if torch == "cpu" else hint
            )
        )


def explain(output, index):
    """Turn what pip printed before it failed into one line that says what to do.

    Parameters
    ----------
    output : str
        All that pip printed.
    index : str
        The package index in use, for the message.
    """
    if NO_SPACE.search(output):
        return "The disk is full. Make room (see above for how much), then run this again."
    if NO_NETWORK.search(output) or "(from versions: none)" in output:
        return (
            "The package index is out of reach: {}. Check the connection (or proxy, or "
            "PIP_INDEX_URL), then run this again.".format(index)
        )
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    return "pip failed: {}".format(errors[-1][7:] if errors else "see above")


class Pip:
    """Run pip and say in few lines how far it is; everything it prints goes to the log."""

    def __init__(self, env, log):
        self.env = env
        self.log = log
        self.changing = False  # from here on, an interruption leaves half a package behind

    def install(self, arguments, index):
        command = [str(self.env.python), "-m", "pip", "install", "--no-input"]
        command += ["--disable-pip-version-check", "--progress-bar", "off"] + arguments
        scratch = self.env.folder / "tmp"  # /tmp may be small, and this disk has been measured
        scratch.mkdir(exist_ok=True)
        variables = dict(os.environ, TMPDIR=str(scratch), PYTHONUNBUFFERED="1")
        for name in (
            "PYTHONPATH",
            "PYTHONHOME",
            "PIP_TARGET",
            "PIP_USER",
            "PIP_REQUIRE_VIRTUALENV",
        ):
            variables.pop(name, None)
        self.log.write("$ " + " ".join(command) + "\n")
        process = subprocess.Popen(
            command,
            cwd=str(self.env.root),
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        lines = queue.Queue()
        reader = threading.Thread(target=self._read, args=(process.stdout, lines), daemon=True)
        reader.start()
        output = []
        try:
            self._follow(lines, output)
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        finally:
            shutil.rmtree(str(scratch), ignore_errors=True)
        if code:
            say("".join("    " + line for line in output[-15:]))
            raise Trouble(explain("".join(output), index))

    @staticmethod
    def _read(stream, lines):
        for line in iter(stream.readline, b""):
            lines.put(line.decode("utf-8", "replace"))
        lines.put(None)

    def _follow(self, lines, output):
        began = heard = time.monotonic()
        packages, doing, warned = 0, "asking the package index", False
        while True:
            try:
                line = lines.get(timeout=1)
            except queue.Empty:
                if time.monotonic() - heard > 15:
                    heard = time.monotonic()
                    say("  ... {} ({:.0f} s)".format(doing, heard - began))
                continue
            if line is None:
                return
            output.append(line)
            self.log.write(line)
            large = re.match(r"\s*Downloading (\S+?)-(\d[^-]*)-\S+ \((\d+)(?:\.\d+)? MB", line)
            if line.startswith("Collecting "):
                packages += 1
                doing = "fetching packages, {} so far".format(packages)
            elif large and int(large.group(3)) >= 50:
                doing = "downloading {} {} ({} MB)".format(*large.groups())
                say("  " + doing)
            elif line.startswith("Installing collected packages"):
                self.changing = True
                doing = "unpacking {} packages".format(line.count(",") + 1)
                say("  " + doing)
            elif "Retrying (" in line and not warned:
                warned = True
                say("  the package index does not answer; trying again for a while")
            else:
                continue
            heard = time.monotonic()


def torch_pins(constraints):
    """Give the pins of torch and torchvision, as in `torch==2.0.0`."""
    return re.findall(r"^(?:torch|torchvision)==\S+$", constraints, re.MULTILINE)


def build(env, asked_python, asked_torch, how, why):
    """Make the environment, or install what has changed over it."""
    before = env.read_stamp()
    torch = asked_torch or before.get("torch") or "default"
    if why:
        say("Environment: {}.".format(why))
    if how == "make":
        python, version = choose_python(asked_python)
        check_venv_module(python, version)
        if env.folder.exists():
            say("  removing the old environment")
            shutil.rmtree(str(env.folder))
        check_space(env, torch)
        say(
            "Making an environment in {} with Python {}. This happens once and takes {}.".format(
                env.folder, text_of(version), MINUTES[torch]
            )
        )
        made = subprocess.run(
            [python, "-m", "venv", str(env.folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if made.returncode:
            said = made.stdout.decode("utf-8", "replace").strip()
            say("\n".join("    " + line for line in said.splitlines()))
            if NO_SPACE.search(said):
                raise Trouble("The disk is full. Make room, then run this again.")
            raise Trouble("python -m venv failed, see above ({}).".format(python))
    else:
        version = version_of(env.python)
        check_space(env, torch)
        say("Updating the environment in {}.".format(env.folder))

    made_of = {
        "python": text_of(version),
        "torch": torch,
        "packages": env.wanted_packages(),
        "path": str(env.folder.resolve()),
    }
    env.write_stamp(state="unfinished", **made_of)
    with env.log.open("w", encoding="utf-8", errors="replace") as log:
        pip = Pip(env, log)
        try:
            if torch == "cpu":
                index = os.environ.get("TORCH_INDEX") or TORCH_INDEX
                pins = torch_pins((env.root / "constraints.txt").read_text("utf-8"))
                say("PyTorch without GPU libraries, from {}:".format(index))
                pip.install(["--no-deps", "--index-url", index] + pins, index)
            index = os.environ.get("PIP_INDEX_URL") or "pypi.org"
            say("Packages, as pinned in constraints.txt:")
            pip.install(["-c", "constraints.txt", "-r", "requirements.txt"], index)
        except BaseException:
            if how == "update" and not pip.changing:
                env.write_stamp(**before)  # nothing was touched: what was there still works
            raise
    # So that `import utils` works from anywhere in this environment, chapters and tests included.
    packages = subprocess.run(
        [str(env.python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        stdout=subprocess.PIPE,
        check=True,
    )
    pth = Path(packages.stdout.decode().strip()) / "inception-course.pth"
    pth.write_text(str(env.root.resolve()) + "\n", "utf-8")
    check = subprocess.run(
        [str(env.python), "-m", "pip", "check", "--disable-pip-version-check"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if check.returncode:
        say(check.stdout.decode("utf-8", "replace"))
        raise Trouble("The installed packages do not fit each other (above).")
    env.write_stamp(state="complete", **made_of)


@contextlib.contextmanager
def alone(root):
    """Let two commands in two terminals not install at the same time."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    with (root / ".venv.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Waiting for another command that is installing.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def freeze(env):
    """Write constraints.txt: the versions in the environment, less what is not everywhere."""
    listed = subprocess.run(
        [str(env.python), "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"],
        stdout=subprocess.PIPE,
        check=True,
    )
    pins = [re.sub(r"\+\w+$", "", line) for line in listed.stdout.decode().split()]
    pins = [p for p in pins if not NOT_EVERYWHERE.match(p) and not re.match(r"(pip|wheel)==", p)]
    head = (
        "# Every package that `make` installs, at the version it was tested with: direct ones and\n"
        "# what they bring. Written by `python3 tools/environment.py --freeze`. What only some\n"
        "# machines get (GPU libraries) is left out: PyTorch fixes these versions itself.\n"
    )
    text = head + "\n".join(sorted(pins, key=str.lower)) + "\n"
    (env.root / "constraints.txt").write_text(text, "utf-8")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default="", help="the interpreter to use and no other")
    parser.add_argument("--torch", default="", help="default (with CUDA on Linux) or cpu")
    parser.add_argument("--freeze", action="store_true", help="write constraints.txt")
    asked = parser.parse_args(arguments)
    root = Path(__file__).resolve().parent.parent
    env = Environment(root)
    try:
        if asked.torch not in ("", *MINUTES):
            raise Trouble("TORCH={} is not known: default or cpu.".format(asked.torch))
        if asked.freeze:
            freeze(env)
            return 0
        if state(env, asked.python, asked.torch)[0] == "ready":
            return 0
        with alone(root):
            how, why = state(env, asked.python, asked.torch)
            if how != "ready":
                began = time.monotonic()
                build(env, asked.python, asked.torch, how, why)
                say("Environment ready ({:.0f} s).".format(time.monotonic() - began))
    except Trouble as trouble:
        print("\nerror: {}".format(trouble), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again to finish.", file=sys.stderr)
        return 130
    except OSError as error:
        full = error.errno in (28, 122)  # no space left on device, disk quota exceeded
        line = "The disk is full. Make room, then run this again." if full else str(error)
        print("\nerror: {}".format(line), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
