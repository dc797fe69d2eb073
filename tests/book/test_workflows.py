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
    steps = [step for step in jobs["build"]["steps"] if "run" in step]
    assert [step["run"] for step in steps] == ["make notebooks", "make book"]
    folder = steps[1]["env"]["COURSE_NOTEBOOKS"]  # the pages' Colab buttons, see repository.py
    assert f"--out {folder}\n" in (ROOT / "Makefile").read_text("utf-8")
    uploads = [s["with"] for s in jobs["build"]["steps"] if "upload-artifact" in s.get("uses", "")]
    assert [upload["path"] for upload in uploads] == [folder]
    assert not [s for s in jobs["build"]["steps"] if "actions/cache" in s.get("uses", "")]
    assert set(jobs["deploy"]["needs"]) == {"build", "notebooks"}


def test_a_fork_publishes_only_when_asked_and_pages_switched_off_is_told() -> None:
    jobs = WORKFLOWS["pages.yml"]["jobs"]
    asked = "github.event_name == 'workflow_dispatch' || !github.event.repository.fork"
    assert jobs["build"]["if"] == asked
    assert "build" in jobs["notebooks"]["needs"]
    told = jobs["deploy"]["steps"][-1]
    assert told["if"] == "failure()"
    said = subprocess.run(["bash", "-c", told["run"]], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("::error title=Nothing was published::If the step above says")
    assert "choose 'GitHub Actions' as the source, and run" in said.stdout
    assert said.stdout.count("\n") == 1


def test_the_weekly_run_uses_no_cache_and_tests_the_ends_of_the_ranges() -> None:
    jobs = WORKFLOWS["weekly.yml"]["jobs"]
    assert "cache" not in str([job["steps"] for job in jobs.values()])
    ran = {
        name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()
    }
    fresh = ["fresh", "test", "test-notebooks", "test-browser", "linkcheck"]
    assert ran["fresh"] == [f"make {command}" for command in fresh]
    for which in ("oldest", "newest"):
        assert ran[which] == [f"python tools/environment.py --pin {which}", "make test"]
    assert ran["colab"][-1] == "make test-colab"


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


def test_dependabot_keeps_the_pins_of_actions() -> None:
    settings = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))
    assert [it["package-ecosystem"] for it in settings["updates"]] == ["github-actions"]


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
