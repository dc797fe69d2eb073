"""The commands: the Makefile, the environment, and what is said when it cannot be made."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "_ext"))
from course.notebook import first_cell  # noqa: E402


@pytest.fixture
def environment() -> ModuleType:
    """The module tools/environment.py."""
    return tool("environment")


def tool(name: str) -> ModuleType:
    """A module of the folder `tools`."""
    specification = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def wheel(folder: Path, name: str, version: str, requires: str = "") -> None:
    """Put a package of one module into a folder that serves as a package index."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    file = place / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}/__init__.py", f"VERSION = {version!r}\n")
        needs = f"Requires-Dist: {requires}\n" if requires else ""
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    links = (f'<a href="{p.name}">{p.name}</a>' for p in sorted(place.glob("*.whl")))
    (place / "index.html").write_text("\n".join(links))


class Checkout:
    """A copy of the commands with two small packages to install, in a path with spaces."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "my copy of it"
        self.index = folder / "index"
        (self.root / "tools").mkdir(parents=True)
        shutil.copy(ROOT / "Makefile", self.root)
        shutil.copy(ROOT / "tools" / "environment.py", self.root / "tools")
        (self.root / "requirements.txt").write_text("one\ntorch\n")
        self.pin(one="1.0", torch="1.0")
        for version in ("1.0", "2.0"):
            wheel(self.index, "one", version)
            wheel(self.index, "torch", version)
        self.python = self.root / ".venv" / "bin" / "python"

    def pin(self, **versions: str) -> None:
        lines = (f"{name}=={version}\n" for name, version in versions.items())
        (self.root / "constraints.txt").write_text("".join(lines))

    def variables(self, **more: str) -> dict[str, str]:
        clean = {
            k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "MAKE", "MFLAGS"))
        }
        return {
            **clean,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": self.index.as_uri(),
            "TORCH": "",
            "PYTHON": sys.executable,
            **more,
        }

    def make(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *arguments],
            cwd=self.root,
            env=self.variables(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def start(self, **variables: str) -> subprocess.Popen[str]:
        """Start making the environment, as `make` does."""
        return subprocess.Popen(
            [sys.executable, "tools/environment.py", "--python", sys.executable],
            cwd=self.root,
            env=self.variables(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def version(self, name: str) -> str:
        command = [self.python, "-c", f"import {name}; print({name}.VERSION)"]
        return subprocess.check_output(command, text=True).strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout that has no environment yet."""
    return Checkout(tmp_path)


# --- Making the environment -------------------------------------------------------------------


@pytest.mark.slow
def test_the_environment_is_made_once_and_follows_the_pins(checkout: Checkout) -> None:
    first = checkout.make("environment")
    assert first.returncode == 0, first.stdout
    assert "takes" in first.stdout
    assert checkout.version("one") == "1.0"
    stamp = checkout.root / ".venv" / "course-stamp.json"
    assert json.loads(stamp.read_text())["state"] == "complete"
    site = subprocess.check_output(
        [checkout.python, "-c", "import sys; print(sys.path)"], text=True
    )
    assert str(checkout.root) in site, "utils can be imported from anywhere"

    again = checkout.make("environment", PIP_INDEX_URL="http://127.0.0.1:9/")
    assert (again.returncode, again.stdout) == (0, ""), "nothing to do, nothing said"

    checkout.pin(one="2.0", torch="1.0")
    changed = checkout.make("environment")
    assert changed.returncode == 0, changed.stdout
    assert "has changed" in changed.stdout
    assert checkout.version("one") == "2.0"

    # An update that fails before it has touched anything leaves what worked.
    checkout.pin(one="1.0", torch="1.0")
    said = trouble(checkout, PIP_INDEX_URL="http://127.0.0.1:9/", PIP_RETRIES="1")
    assert "The package index is out of reach: http://127.0.0.1:9/" in said
    checkout.pin(one="2.0", torch="1.0")
    assert checkout.make("environment", PIP_INDEX_URL="http://127.0.0.1:9/").stdout == ""

    # Programs in an environment name its folder: a moved one does not work.
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    checkout.python = checkout.root / ".venv" / "bin" / "python"
    moved = checkout.make("environment")
    assert moved.returncode == 0, moved.stdout
    assert "was moved or copied" in moved.stdout
    assert checkout.version("one") == "2.0"


@pytest.mark.slow
def test_torch_without_gpu_comes_from_its_own_index_and_is_remembered(
    checkout: Checkout, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    wheel(small, "torch", "1.0+cpu")
    first = checkout.make("environment", TORCH="cpu", TORCH_INDEX=small.as_uri())
    assert first.returncode == 0, first.stdout
    assert checkout.version("torch") == "1.0+cpu"
    assert checkout.make("environment").stdout == "", "TORCH=cpu need not be said again"
    other = checkout.make("environment", TORCH="default")
    assert "TORCH=default asked for, cpu installed" in other.stdout
    assert checkout.version("torch") == "1.0"


@contextlib.contextmanager
def hanging_index() -> Iterator[str]:
    """A package index that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/simple/"


def stop(process: subprocess.Popen[str], after: str, how: signal.Signals) -> str:
    """Send a signal to a command once it has printed something; what it prints afterwards."""
    for line in process.stdout:
        if after in line:
            break
    process.send_signal(how)
    return process.communicate(timeout=30)[0]


@pytest.mark.slow
def test_an_interrupted_or_killed_installation_is_started_again(checkout: Checkout) -> None:
    with hanging_index() as index:
        process = checkout.start(PIP_INDEX_URL=index)
        assert process.stdout.readline().startswith("Making")
        stop(checkout.start(), "Waiting for another command that is installing", signal.SIGKILL)
        said = stop(process, "Packages", signal.SIGINT)
    assert process.returncode == 130
    assert "Interrupted. Run the same command again to finish." in said
    assert "Traceback" not in said
    finished = checkout.make("environment")
    assert finished.returncode == 0, finished.stdout
    assert "an earlier installation did not finish" in finished.stdout
    assert checkout.version("one") == "1.0"

    # An update that is killed while pip changes what is installed, too.
    version = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    checkout.python.unlink()
    changing = "rm -r .venv/lib/*/site-packages/one-*; echo Uninstalled; exec sleep 3"
    checkout.python.write_text(
        f'#!/bin/sh\ncase "$2" in *version_info*) echo {version};; *) {changing};; esac\n'
    )
    checkout.python.chmod(0o755)
    checkout.pin(one="2.0", torch="1.0")
    stop(checkout.start(), "Uninstalled", signal.SIGKILL)
    finished = checkout.make("environment")
    assert "an earlier installation did not finish" in finished.stdout
    assert checkout.version("one") == "2.0"


# --- What is missing --------------------------------------------------------------------------


def trouble(checkout: Checkout, **variables: str) -> str:
    """The one line that says what is missing (make adds a line of its own)."""
    done = checkout.make("environment", **variables)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    lines = [s for s in done.stdout.splitlines() if s.strip() and not s.startswith("make")]
    return lines[-1]


def fake_python(folder: Path, version: str, *, venv: bool = True) -> Path:
    """Write a program that answers as a Python of some version would."""
    program = folder / f"python-{version}"
    program.write_text(
        f'#!/bin/sh\ncase "$2" in *version_info*) echo {version};; '
        f"*ensurepip*) exit {int(not venv)};; *) exit 1;; esac\n"
    )
    program.chmod(0o755)
    return program


def test_a_python_that_does_not_suit(checkout: Checkout, tmp_path: Path) -> None:
    for version, word in (("3.10.9", "old"), ("3.14.0", "new"), ("2.7.18", "old")):
        said = trouble(checkout, PYTHON=str(fake_python(tmp_path, version)))
        assert f"is Python {version}, which is too {word}: this book needs Python 3.11 to" in said
    said = trouble(checkout, PYTHON=str(fake_python(tmp_path, "3.12.3", venv=False)))
    assert "has no venv module" in said
    assert "sudo apt-get install python3.12-venv" in said
    assert "PYTHON=/no/python does not run" in trouble(checkout, PYTHON="/no/python")
    assert "TORCH=gpu is not known: default or cpu" in trouble(checkout, TORCH="gpu")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("make", "sh"):
        (tools / name).symlink_to(shutil.which(name))
    said = trouble(checkout, PATH=str(tools), PYTHON="")
    assert "no Python found. Install Python 3.11 to 3.13" in said
    assert not (checkout.root / ".venv").exists()


def test_the_first_python_that_suits_is_found(
    environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, version in (("python3", "3.9.1"), ("python3.12", "3.12.4"), ("python3.11", "3.11.2")):
        fake_python(tmp_path, version).rename(tmp_path / name)
    monkeypatch.setenv("PATH", str(tmp_path) + ":/bin")
    assert environment.choose_python() == (str(tmp_path / "python3.12"), "3.12.4")


@pytest.mark.parametrize(
    ("torch", "said"),
    [
        ("default", r"too full: 2\.0 GB free .* about [49] GB needed\. TORCH=cpu installs"),
        ("cpu", r"too full: 2\.0 GB free .* about 4 GB needed\.$"),
    ],
)
def test_a_full_disk(
    torch: str, said: str, environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil._ntuple_diskusage(10**12, 10**12 - 2 * 10**9, 2 * 10**9)
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    with pytest.raises(environment.Trouble, match=said):
        environment.make_venv(sys.executable, torch)
    assert not (tmp_path / ".venv").exists()


def test_what_is_said_when_pip_fails(
    environment: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path)
    monkeypatch.setattr(environment, "PYTHON", fake_python(tmp_path, "3.12.4"))
    (tmp_path / "index").write_text("here")
    index = (tmp_path / "index").as_uri()
    with pytest.raises(environment.Trouble, match="pip failed; it says above why"):
        environment.pip_install(index)
    with pytest.raises(environment.Trouble, match=r"index is out of reach: http://127\.0\.0\.1:9/"):
        environment.pip_install("http://127.0.0.1:9/")
    monkeypatch.setattr(
        environment.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 10**12, 0)
    )
    with pytest.raises(environment.Trouble, match="The disk is full"):
        environment.pip_install(index)


# --- What is installed ------------------------------------------------------------------------


def names(lines: list[str]) -> set[str]:
    """Normalised project names of requirement lines."""
    found = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line.strip()) for line in lines)
    return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match}


def requirements(lines: list[str]) -> dict[str, str]:
    """Ranges of versions by project, of requirement lines."""
    found = [Requirement(line) for line in lines if names([line])]
    return {next(iter(names([it.name]))): str(it.specifier) for it in found}


def test_the_lists_of_packages_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = project["dependencies"] + [
        line for extra in project["optional-dependencies"].values() for line in extra
    ]
    required = requirements((ROOT / "requirements.txt").read_text("utf-8").splitlines())
    pinned = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert requirements(declared) == required
    assert all(re.match(r".*>=", ranges) for ranges in required.values()), "a bound to be tested"
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^ +]+", p) for p in pinned if p[0] != "#")
    assert not [p for p in pinned if re.match(r"nvidia-|cuda-|triton|inception-course", p)]
    pins = requirements(pinned)
    for name, ranges in required.items():
        assert SpecifierSet(ranges).contains(pins[name].removeprefix("==")), name

    # What Colab has stays as it is, but for what it does not have.
    colab = requirements((ROOT / ".github" / "colab.txt").read_text("utf-8").splitlines())
    for name, ranges in requirements(project["dependencies"]).items():
        assert SpecifierSet(ranges).contains(colab[name].removeprefix("==")), name


def test_the_ends_of_the_ranges_can_be_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    constraints = tool("constraints")
    monkeypatch.setattr(constraints, "ROOT", tmp_path)
    lines = "# one\none>=1.0,<2\ntwo-three>=3\n"
    (tmp_path / "requirements.txt").write_text(lines)
    for which, pins in (("oldest", "one==1.0\ntwo-three==3\n"), ("newest", "")):
        monkeypatch.setattr(sys, "argv", ["constraints.py", which])
        constraints.main()
        assert (tmp_path / "constraints.txt").read_text() == pins


def test_what_is_installed_can_be_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    constraints = tool("constraints")
    listed = "Torch==2.1.0+cu130\nabc==1.0\nnvidia-nccl==2\npip==25\n-e git+x#egg=here\n"
    monkeypatch.setattr(constraints, "run", lambda *command: (0, listed))
    assert constraints.frozen() == constraints.WRITTEN + "abc==1.0\nTorch==2.1.0\n"


def installed_by_make() -> set[str]:
    """Names of the packages in requirements.txt and of all that these bring."""
    waiting = names((ROOT / "requirements.txt").read_text("utf-8").splitlines())
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        found.add(name)
        for line in metadata.requires(name) or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting |= names([requirement.name]) - found
    return found


def test_whatever_is_imported_is_installed() -> None:
    """A package that only happens to be in somebody's environment is not."""
    where = metadata.packages_distributions()
    expected = installed_by_make()
    ours = {
        "utils",
        "inception_course",
        *(p.stem for p in ROOT.rglob("*.py") if ".venv" not in p.parts),
    }
    ours |= {p.name for p in (ROOT / "_ext").iterdir()}
    settings = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    imported = {(name, "_config.yml") for name in settings["sphinx"]["config"]["extensions"]}
    for folder in ("utils", "tools", "tests", "_ext"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {(alias.name, path.name) for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    imported.add((node.module, path.name))
    for module, file in sorted(imported):
        top = module.partition(".")[0]
        if top not in ours and top not in sys.stdlib_module_names:
            assert names(where.get(top, [])) & expected, f"{file} imports {module}"


# --- The package, installed -------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the package beside another one called `utils`."""
    folder = tmp_path_factory.mktemp("installed")
    source, site = folder / "source", folder / "site"
    for name in ("utils", "tools/installed"):
        shutil.copytree(ROOT / name, source / name)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "LICENSE-text"):
        shutil.copy(ROOT / name, source)
    (site / "utils").mkdir(parents=True)
    (site / "utils" / "__init__.py").write_text("THEIRS = True\n")
    (site / "utils" / "data.py").write_text("THEIRS = True\n")
    pip = [sys.executable, "-m", "pip", "--quiet", "install", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", site, source], check=True)
    return site


def alone(site: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program that finds only what is installed there, and this environment's packages."""
    variables = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-c", program]
    streams = {"capture_output": True, "text": True, "check": False}
    return subprocess.run(command, cwd=site.parent, env=variables, **streams)


@pytest.mark.slow
def test_every_module_is_there_under_the_name_that_cannot_clash(installed: Path) -> None:
    ours = [path.relative_to(ROOT) for path in (ROOT / "utils").rglob("*.py")]
    modules = [".".join(p.with_suffix("").parts).removesuffix(".__init__") for p in ours]
    modules = ["inception_course" + name.removeprefix("utils") for name in modules]
    program = f"""
import importlib, inception_course, sys
for name in {modules}:
    importlib.import_module(name)
assert inception_course.create("xception").training
assert "utils" not in sys.modules
"""
    done = alone(installed, program)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_beside_another_utils_nothing_is_lost_and_a_clash_is_told(installed: Path) -> None:
    assert (installed / "utils" / "data.py").read_text() == "THEIRS = True\n"
    assert alone(installed, "import utils.data; assert utils.THEIRS").returncode == 0
    done = alone(installed, first_cell(None))
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert said.startswith("ImportError: No module named 'utils.googlenet'")
    way_out = re.search(r"run after that: (.*)", said)[1]
    chapter = "from utils.data import FASHION_CLASSES\nfrom utils.googlenet import googlenet"
    done = alone(installed, f"{way_out}\n{first_cell(None)}\n{chapter}")
    assert done.returncode == 0, done.stderr

    # Without the other, `utils` is ours.
    shutil.move(installed / "utils", installed.with_name("theirs"))
    try:
        done = alone(installed, f"{chapter}\nimport utils; print(utils.__file__, utils.models)")
    finally:
        shutil.move(installed.with_name("theirs"), installed / "utils")
    assert str(installed / "inception_course") in done.stdout, done.stderr


# --- The Makefile -----------------------------------------------------------------------------


def make_here(*arguments: str) -> str:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, env=clean, capture_output=True, text=True, check=True
    ).stdout


COMMANDS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))


def test_help_is_the_default_and_names_every_command() -> None:
    assert make_here() == make_here("help")
    assert set(re.findall(r"^  ([a-z-]+) ", make_here(), re.M)) == COMMANDS


@pytest.mark.parametrize("command", sorted(COMMANDS - {"help", "clean"}))
def test_every_command_sets_up_its_environment_first(command: str) -> None:
    assert re.search(r"tools/\w+|pytest|ruff", make_here("-n", command))[0] == "tools/environment"


@pytest.mark.parametrize(("command", "needs"), [("test-browser", "pytest"), ("serve", "serve.py")])
def test_commands_that_need_pages_build_them_first(command: str, needs: str) -> None:
    recipe = make_here("-n", command)
    assert recipe.index("tools/book.py") < recipe.index(needs)


def test_waiting_threads_leave_the_cores_to_others(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(
        f"include {ROOT / 'Makefile'}\nshow:\n\t@echo $$OMP_WAIT_POLICY\n"
    )
    assert make_here("-f", str(tmp_path / "Makefile"), "show") == "passive\n"


def test_clean_leaves_the_environment(checkout: Checkout) -> None:
    (checkout.root / "_build").mkdir()
    (checkout.root / ".venv").mkdir()
    assert checkout.make("clean").returncode == 0
    assert not (checkout.root / "_build").exists()
    assert (checkout.root / ".venv").exists()


# --- The web server ---------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """Address of tools/serve.py, its first port taken by another program."""
    (tmp_path / "index.html").write_text("hello")
    (tmp_path / "module.mjs").write_text("export default 1;")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, ROOT / "tools/serve.py", "--port", port, "--folder", tmp_path]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            address = re.search(r"http://127\.0\.0\.1:(\d+)/", server.stdout.readline())
            assert address[1] != port
            yield address[0]
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=10) == 0


def test_serve_finds_a_free_port_and_types_that_browsers_accept(served: str) -> None:
    with urllib.request.urlopen(served) as answer:
        assert answer.read() == b"hello"
    with urllib.request.urlopen(served + "module.mjs") as answer:
        assert answer.headers["Content-Type"] == "text/javascript"


def test_serve_without_a_book(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/serve.py", "--folder", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "run `make book` first" in done.stderr
