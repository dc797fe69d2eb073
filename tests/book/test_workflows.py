"""The workflows call the same commands as people do, with pinned actions and few rights."""

from __future__ import annotations

import os
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


def test_there_are_three() -> None:
    assert set(FILES) == {"ci.yml", "pages.yml", "weekly.yml"}


@pytest.mark.parametrize("name", FILES)
def test_actions_are_pinned_by_commit_and_named_by_version(name: str) -> None:
    used = re.findall(r"uses: *(.*)", FILES[name].read_text("utf-8"))
    assert used
    for line in used:
        action, _, version = line.partition(" # ")
        assert PINNED.fullmatch(action.strip()), line
        assert re.fullmatch(r"v\d+\.\d+\.\d+", version.strip()), line


def test_one_version_of_each_action() -> None:
    used = re.findall(r"uses: *(\S+)@(\S+ # \S+)", "".join(p.read_text() for p in FILES.values()))
    assert len(dict(used)) == len(set(used))


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


@pytest.mark.parametrize("name", FILES)
def test_pytorch_without_gpu_is_installed(name: str) -> None:
    assert WORKFLOWS[name]["env"]["TORCH"] == "cpu"


def test_ci_runs_every_check_and_keeps_the_pages() -> None:
    ran = [command.split(" #")[0] for command in commands("ci.yml")]
    assert sorted(ran) == sorted(
        f"make {command}"
        for command in ("lint", "test", "book", "notebooks", "test-notebooks", "test-browser")
    )
    jobs = WORKFLOWS["ci.yml"]["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    uploads = [s for s in jobs["book"]["steps"] if "upload-artifact" in s.get("uses", "")]
    assert [s["with"]["path"] for s in uploads] == ["_build/html"]


def test_publishing_runs_everything_and_puts_notebooks_before_pages() -> None:
    jobs = WORKFLOWS["pages.yml"]["jobs"]
    assert not [s for s in jobs["build"]["steps"] if "actions/cache" in s.get("uses", "")]
    assert set(jobs["deploy"]["needs"]) == {"build", "notebooks"}


def test_the_weekly_run_uses_no_cache() -> None:
    steps = WORKFLOWS["weekly.yml"]["jobs"]["fresh"]["steps"]
    assert not [s for s in steps if "cache" in str(s)]
    assert commands("weekly.yml") == [
        "make fresh",
        "make test",
        "make test-notebooks",
        "make test-browser",
        "make linkcheck",
    ]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))


def test_every_command_that_is_called_or_described_exists() -> None:
    called = " ".join(p.read_text("utf-8") for p in (*FILES.values(), ROOT / ".ci" / "run"))
    for name in ("README.md", "CONTRIBUTING.md"):
        called += " ".join(re.findall(r"`{1,3}[^`]*`{1,3}", (ROOT / name).read_text("utf-8")))
    assert set(re.findall(r"\bmake ([a-z-]+)\b", called)) <= targets()


def test_the_script_for_other_machines_runs_the_same_commands() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    text = script.read_text("utf-8")
    assert "set -euo pipefail" in text
    ran = re.findall(r"^step make (\S+)", text, re.M)
    assert ran == ["lint", "book", "notebooks", "test", "test-notebooks", "test-browser"]


def test_the_repository_is_named_nowhere() -> None:
    for path in (*FILES.values(), ROOT / "Makefile", ROOT / ".ci" / "run"):
        for address in re.findall(r"https?://\S+", path.read_text("utf-8")):
            assert "github.com" not in address, f"{path.name}: {address}"
