"""The package floor by floor: who may import whom, and what importing may do."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "utils"
FLOORS = {
    **dict.fromkeys(("__init__", "support", "interactive", "networks.__init__"), 0),
    **dict.fromkeys(("blocks", "accounting", "data", "filters", "stimuli"), 1),
    **dict.fromkeys(("networks.rows", "networks.guards", "activations", "training"), 2),
    **dict.fromkeys(("networks.network", "attribution"), 3),
    **dict.fromkeys(
        ("googlenet", "networks.descendants", "networks.baselines", "networks.lean"), 4
    ),
    **dict.fromkeys(("pretrained",), 5),
    **dict.fromkeys(("experiments", "classify"), 6),
    **dict.fromkeys(("plots", "controls"), 7),
    **dict.fromkeys(("figures", "exercises"), 8),
}
# Rooms whose doors are on different floors; the file that holds only their docstring is on the
# lowest.
HALLS = {"networks"}
FILES = sorted(PACKAGE.rglob("*.py"))
MAY_DRAW = {"interactive", "plots", "controls", "figures", "exercises"}
DRAWING = {"matplotlib", "ipywidgets", "anywidget", "IPython"}


def place(parts: list[str]) -> str:
    """The entry of `FLOORS` that a module belongs to, given its names below `utils`."""
    return ".".join(parts[: 2 if parts[0] in HALLS else 1])


def room(path: Path) -> str:
    """The entry of `FLOORS` that a file belongs to."""
    return place([part.removesuffix(".py") for part in path.relative_to(PACKAGE).parts])


def imports(source: str, path: Path) -> tuple[set[str], set[str]]:
    """(own modules imported relatively, first names of those imported absolutely)."""
    package = ["utils", *path.relative_to(PACKAGE).parent.parts]
    own, foreign = set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            foreign |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            foreign.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            base += node.module.split(".") if node.module else []
            whole = [[*base[1:], alias.name] for alias in node.names]
            own |= {place(parts) for parts in whole}
    return own, foreign


def faults(source: str, path: Path) -> list[str]:
    """What a file imports against the rules."""
    own, foreign = imports(source, path)
    floor = FLOORS[room(path)]
    wrong = [f"{name}, by its absolute name" for name in foreign & {"utils", "chapters", "tests"}]
    wrong += [f"{name}, to draw with" for name in foreign & DRAWING if room(path) not in MAY_DRAW]
    wrong += [
        f"{name}, of floor {FLOORS[name]}"
        for name in own - {room(path)}
        if not name.startswith("__") and FLOORS[name] >= floor
    ]
    return wrong


def test_every_module_has_a_floor():
    assert {room(path) for path in FILES} <= set(FLOORS)
    assert {"blocks", "accounting", "data", "googlenet"} <= {room(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_and_are_relative(path):
    assert not faults(path.read_text(encoding="utf-8"), path)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("blocks.py", "from .googlenet import googlenet"),
        ("blocks.py", "from . import data"),
        ("networks/rows.py", "from ..googlenet import GoogLeNet"),
        ("networks/network.py", "from ..googlenet import GoogLeNet"),
        ("networks/descendants/xception.py", "from ...pretrained import create"),
        ("support/checks.py", "from ..blocks import Inception"),
        ("blocks.py", "from utils.data import photograph"),
        ("blocks.py", "import utils"),
        ("googlenet.py", "def f():\n    import matplotlib.pyplot as plt"),
        ("experiments/heads.py", "from ..plots import branches"),
        ("experiments/heads.py", "from ipywidgets import interact"),
        ("plots/costs.py", "from ..figures.bottleneck_calculator import bottleneck_calculator"),
    ],
)
def test_the_rules_bite(file, source):
    assert faults(source, PACKAGE / file)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("blocks.py", "from .support.checks import one_of"),
        ("googlenet.py", "from .blocks import Inception"),
        ("googlenet.py", "from .networks.rows import MaxPool"),
        (
            "networks/descendants/xception.py",
            "from ..rows import conv3x3\nfrom ..network import Network",
        ),
        ("figures/module_flow.py", "from ..interactive import Interactive\nfrom .host import draw"),
        ("plots/costs.py", "import matplotlib\nfrom .. import googlenet, support"),
    ],
)
def test_the_rules_let_pass(file, source):
    assert not faults(source, PACKAGE / file)


def test_a_descendant_builds_on_earlier_ones_only():
    lineage = "bn_inception inception_v3 inception_v4 inception_resnet xception hadamard"
    order = lineage.split()
    for path in (PACKAGE / "networks" / "descendants").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                names = [node.module] if node.module else [alias.name for alias in node.names]
                assert all(order.index(name) < order.index(path.stem) for name in names), path
    assert set(order) == {p.stem for p in (PACKAGE / "networks" / "descendants").glob("*.py")} - {
        "__init__"
    }


def run(code: str, where: Path) -> str:
    """Run code in a fresh Python; its output, which fails the test if anything is on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=where, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_the_package_itself_imports_nothing(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "utils", ignore=shutil.ignore_patterns("__pycache__"))
    assert run("import sys, utils; print('torch' in sys.modules)", tmp_path) == "False\n"


@pytest.mark.slow
def test_under_another_name_and_without_side_effects(tmp_path):
    """All of it imports as `inception_book`; those that may not draw load nothing to draw with."""
    other = tmp_path / "inception_book"
    shutil.copytree(PACKAGE, other, ignore=shutil.ignore_patterns("__pycache__"))
    modules = [
        ".".join(["inception_book", *path.relative_to(PACKAGE).with_suffix("").parts])
        for path in sorted(FILES, key=lambda path: FLOORS[room(path)])
    ]
    modules = [name.removesuffix(".__init__") for name in modules]
    low = [
        ".".join(["inception_book", *path.relative_to(PACKAGE).with_suffix("").parts])
        for path in FILES
        if room(path) not in MAY_DRAW
    ]
    code = f"""
import importlib, os, random, sys
import numpy, torch, torchvision  # torchvision sets a variable of PyTorch's compiler

def state():
    return (
        torch.get_rng_state().sum().item(), numpy.random.get_state()[1].sum(), random.getstate(),
        torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled(),
        os.getcwd(), dict(os.environ), sorted(os.listdir()),
    )

before = state()
for name in {low!r}:
    importlib.import_module(name)
assert not {DRAWING!r} & set(sys.modules), {DRAWING!r} & set(sys.modules)
assert state() == before
for name in {modules!r}:
    importlib.import_module(name)
assert state()[:6] == before[:6]
assert "utils" not in sys.modules
"""
    assert run(code, tmp_path) == ""
    assert not list(tmp_path.glob("*.png"))


def test_no_module_prints():
    for path in FILES:
        calls = [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Call)]
        names = [call.func.id for call in calls if isinstance(call.func, ast.Name)]
        assert "print" not in names, path
