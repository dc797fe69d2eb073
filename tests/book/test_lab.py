"""`make lab` gives the reader notebooks of their own, and never takes their answers away."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import lab  # noqa: E402


def test_new_notebooks_are_copied_and_the_readers_are_kept(tmp_path):
    exported, work = tmp_path / "exported", tmp_path / "my work"
    (exported / "chapters").mkdir(parents=True)
    for name in ("a", "b"):
        (exported / "chapters" / f"{name}.ipynb").write_text(f"{name}, first edition")

    assert lab.copy_new(exported, work) == (
        [Path("chapters/a.ipynb"), Path("chapters/b.ipynb")],
        [],
    )
    assert lab.copy_new(exported, work) == ([], [])

    (work / "chapters" / "a.ipynb").write_text("a, with answers")
    (exported / "chapters" / "b.ipynb").write_text("b, second edition")
    (exported / "chapters" / "c.ipynb").write_text("c")
    copied, kept = lab.copy_new(exported, work)
    assert copied == [Path("chapters/c.ipynb")]
    assert kept == [Path("chapters/a.ipynb"), Path("chapters/b.ipynb")]
    assert (work / "chapters" / "a.ipynb").read_text() == "a, with answers"


def test_without_exported_notebooks_it_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setattr(lab, "EXPORTED", tmp_path)
    monkeypatch.setattr(sys, "argv", ["lab.py"])
    assert "make notebooks" in lab.main()


def test_lab_starts_in_the_readers_folder_with_the_package_on_its_path(tmp_path, monkeypatch):
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "a.ipynb").write_text("{}")
    monkeypatch.setattr(lab, "EXPORTED", tmp_path / "exported")
    monkeypatch.setattr(lab, "WORK", tmp_path / "work")
    monkeypatch.setattr(sys, "argv", ["lab.py", "--no-browser"])
    calls = []
    monkeypatch.setattr(lab.subprocess, "call", lambda command, env: calls.append((command, env)))
    lab.main()
    ((command, environment),) = calls
    assert f"--ServerApp.root_dir={tmp_path / 'work'}" in command
    assert "--no-browser" in command
    assert environment["PYTHONPATH"].split(":")[0] == str(ROOT)
