"""The commands of experiments/: Ctrl-C at any moment, and options that suit the machine.

What else they do is tested with what they run: experiments, checkpoints and ImageNet.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_train_imagenet import ARGUMENTS, make_pictures

from utils.training import folders

COMMANDS = Path(__file__).parents[2] / "experiments"
STOPPED = "\nStopped. What is done is kept; the same command goes on from there.\n"


@pytest.fixture
def train_imagenet(monkeypatch):
    monkeypatch.syspath_prepend(COMMANDS)
    import train_imagenet

    return train_imagenet


def test_ctrl_c_waits_until_the_workers_have_begun():
    reached = []

    def begin():
        with folders._interrupts_held():
            signal.raise_signal(signal.SIGINT)
            reached.append("the end of the block")

    with pytest.raises(KeyboardInterrupt):
        begin()
    assert reached == ["the end of the block"]
    with folders._interrupts_held():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_that_python_drops_is_repeated(train_imagenet, capsys):
    class Dropping:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    def main():
        Dropping()
        time.sleep(30)
        raise AssertionError("it went on")

    before = sys.unraisablehook
    with pytest.raises(SystemExit) as ended:
        train_imagenet.end(main)
    assert ended.value.code == 130
    assert capsys.readouterr() == (STOPPED, "")
    assert sys.unraisablehook is before


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_ends_a_training_with_workers(tmp_path):
    """It comes to every process of the group; the epochs are short, so that many workers begin."""
    pictures, state = make_pictures(tmp_path / "pictures"), tmp_path / "state"
    command = [sys.executable, COMMANDS / "train_imagenet.py", pictures, *ARGUMENTS]
    for wait in (0, 0.05):
        process = subprocess.Popen(
            [*command, "--workers", "2", "--epochs", "100000", "--checkpoint", state],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            said = next(line for line in process.stdout if line.startswith("epoch"))
            time.sleep(wait)
            os.killpg(process.pid, signal.SIGINT)
            output, complaints = process.communicate(timeout=60)
        finally:
            process.kill()
        assert (process.returncode, complaints) == (130, ""), said
        assert output.endswith(STOPPED)


@pytest.mark.parametrize(("cores", "workers"), [(1, 1), (2, 2), (64, 8)])
def test_there_are_no_more_workers_than_cores(train_imagenet, monkeypatch, cores, workers):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert train_imagenet.options(["pictures"]).workers == workers
