"""Complaints about types may become fewer, file by file, and never more."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRONG = "x: int = 'a word'\n"


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The command, for a small package with one complaint that has long been there."""
    path = ROOT / "tools" / "lint_types.py"
    specification = importlib.util.spec_from_file_location("lint_types", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "COUNTS", tmp_path / "types.csv")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils" / "old.py").write_text(WRONG)
    assert module.main(["--update"]) == 0
    return module


def test_complaints_only_become_fewer(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, counts = (tmp_path / name for name in ("utils/old.py", "utils/new.py", "types.csv"))
    assert counts.read_text() == "file,complaints\nutils/old.py,1\n"
    assert tool.main([]) == 0
    assert "1 old complaints" in capsys.readouterr().out

    old.write_text(WRONG + "y: str = 1\n")
    assert tool.main([]) == tool.main(["--update"]) == 1
    assert "utils/old.py:2: error: Incompatible types" in capsys.readouterr().out
    assert counts.read_text() == "file,complaints\nutils/old.py,1\n"

    old.write_text(WRONG)
    new.write_text(WRONG)
    assert tool.main([]) == 1
    assert "utils/new.py may have 0 complaints of mypy, not 1" in capsys.readouterr().out

    new.write_text("x = 1\n")
    old.unlink()
    assert tool.main([]) == 1
    assert "there are fewer: keep it so" in capsys.readouterr().out
    assert tool.main(["--update"]) == tool.main([]) == 0
    assert counts.read_text() == "file,complaints\n"
