"""The workflows call the same commands as people do, with pinned actions and few rights."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = {path.name: path for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
WORKFLOWS = {name: yaml.safe_load(path.read_text("utf-8")) for name, path in FILES.items()}
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def commands(name: str) -> list[str]:
    """What a workflow runs, step by step."""
    jobs = WORKFLOWS[name]["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("name", FILES)
def test_actions_are_pinned_by_commit_and_named_by_version(name: str) -> None:
    used = re.findall(r"uses: *(.*)", FILES[name].read_text("utf-8"))
    assert used
    for line in used:
        action, _, version = line.partition(" # ")
        assert PINNED.fullmatch(action.strip()), line
        assert re.fullmatch(r"v\d+\.\d+\.\d+", version.strip()), line


@pytest.mark.parametrize("name", FILES)
def test_a_workflow_may_read_and_a_job_may_what_it_needs(name: str) -> None:
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {"contents": "read"}
    granted = {k: j["permissions"] for k, j in workflow["jobs"].items() if "permissions" in j}
    expected = {
        "notebooks": {"contents": "write"},
        "deploy": {"pages": "write", "id-token": "write"},
    }
    assert granted == (expected if name == "pages.yml" else {})
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
        if "permissions" in job:  # nothing of the repository runs where there are rights
            assert not [s for s in job["steps"] if "make" in s.get("run", "")]
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
    assert "pull_request_target" not in workflow[True]  # YAML reads `on` as true


@pytest.mark.parametrize("name", FILES)
def test_text_from_outside_is_never_part_of_a_command(name: str) -> None:
    assert not [command for command in commands(name) if "${{" in command]


def test_publishing_puts_notebooks_before_pages() -> None:
    jobs = WORKFLOWS["pages.yml"]["jobs"]
    assert commands("pages.yml")[:2] == ["make notebooks", "make book"]
    assert "build" in jobs["notebooks"]["needs"]
    assert set(jobs["deploy"]["needs"]) == {"build", "notebooks"}


def test_colabs_versions_of_the_day_are_those_of_the_packages_that_we_name(tmp_path: Path) -> None:
    (step,) = (s for s in WORKFLOWS["weekly.yml"]["jobs"]["colab"]["steps"] if "name" in s)
    (tmp_path / ".github").mkdir()
    ours = tmp_path / ".github" / "colab.txt"
    ours.write_text("# torch==1\ntorch==2.11.0\njupyter_client==7.4.9\n")
    freeze = "torchaudio==9\ntorch==2.12.0+cpu\nx @ file:///x\njupyter_client==7.4.9\n"
    (tmp_path / "published").write_text(freeze)
    script = step["run"].replace("curl --fail", "cp published freeze.txt; : curl --fail")
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, check=True, capture_output=True)
    assert ours.read_text() == "torch==2.12.0\njupyter_client==7.4.9\n"


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))


def test_every_command_that_is_called_or_described_exists() -> None:
    called = " ".join(p.read_text("utf-8") for p in (*FILES.values(), ROOT / ".ci" / "run"))
    for name in ("README.md", "CONTRIBUTING.md"):
        called += " ".join(re.findall(r"`{1,3}[^`]*`{1,3}", (ROOT / name).read_text("utf-8")))
    assert set(re.findall(r"\bmake ([a-z-]+)\b", called)) <= targets()


def test_the_repository_is_named_nowhere() -> None:
    for path in (*FILES.values(), ROOT / "Makefile", ROOT / ".ci" / "run"):
        for address in re.findall(r"https?://\S+", path.read_text("utf-8")):
            assert "github.com" not in address, f"{path.name}: {address}"
