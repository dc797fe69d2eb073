"""`make lab` gives the reader notebooks of their own, and never takes their answers away."""

import sys
from pathlib import Path
from typing import ClassVar

import pytest

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


class Server:
    """JupyterLab as `main` sees it: how it was started, and that Ctrl-C does not end it at once."""

    started: ClassVar[list] = []

    def __init__(self, command, env):
        self.started.append((command, env))
        self.waits = iter([KeyboardInterrupt, KeyboardInterrupt, 0])

    def wait(self):
        came = next(self.waits)
        if came:
            raise came
        return came


@pytest.fixture
def started(tmp_path, monkeypatch):
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported" / "a.ipynb").write_text("{}")
    monkeypatch.setattr(lab, "EXPORTED", tmp_path / "exported")
    monkeypatch.setattr(lab, "WORK", tmp_path / "work")
    monkeypatch.setattr(sys, "argv", ["lab.py", "--no-browser"])
    monkeypatch.setattr(Server, "started", [])
    monkeypatch.setattr(lab.subprocess, "Popen", Server)
    return Server.started


def test_lab_starts_in_the_readers_folder_with_the_package_on_its_path(started, tmp_path):
    lab.main()
    ((command, environment),) = started
    assert f"--ServerApp.root_dir={tmp_path / 'work'}" in command
    assert "--no-browser" in command
    assert environment["PYTHONPATH"].split(":")[0] == str(ROOT)


@pytest.mark.parametrize("root", [True, False])
def test_options_reach_jupyterlab_which_runs_as_root_in_a_container(started, monkeypatch, root):
    monkeypatch.setattr(lab, "is_root", lambda: root)
    monkeypatch.setattr(sys, "argv", ["lab.py", "--ip=0.0.0.0", *(["--allow-root"] * root)])
    lab.main()
    monkeypatch.setattr(sys, "argv", ["lab.py", "--no-browser"])
    lab.main()
    for command, _ in started:
        assert command.count("--allow-root") == root
    assert "--ip=0.0.0.0" in started[0][0]
    assert "--no-browser" not in started[0][0]


def test_ctrl_c_is_left_to_the_server_which_asks_back(started):
    assert lab.main() == 0
