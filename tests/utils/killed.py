"""Train in processes that are killed, again and again, and once in one that is left alone.

    python killed.py FOLDER SEED

Each training runs in a fork of this process, which has everything imported, so that killing many
costs little. FOLDER gets the weights and history of both trainings, and what they reported.
"""

import json
import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from safetensors.torch import save_file
from test_training import QUICK, silent, stripes, tiny

from utils.training import train

RECIPE = replace(QUICK, epochs=10)  # 120 steps, with as many images as `run` takes
# Killed in the n-th call of a function with which a checkpoint is written.
IN_A_SAVE = [("fsync", 1), ("fsync", 2), ("replace", 2), ("replace", 1), ("fsync", 3)]


def run(folder: Path, name: str) -> None:
    model = tiny()  # with dropout: chance in the network too
    with (folder / f"{name}.log").open("a") as log:
        history = train(
            model, stripes(192), stripes(seed=1), RECIPE, save_every_steps=1,
            checkpoint=folder / f"{name}.checkpoint",
            report=lambda line: print(line, file=log, flush=True),
        )  # fmt: skip
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / f"{name}.after")
    history.drop(columns=["seconds", "cpu_seconds"]).to_csv(folder / f"{name}.csv")


def die_in(function: str, number: int) -> None:
    """Let the n-th call of an `os` function kill this process, just before it does its work."""
    calls = iter(range(1, 1000))
    original = getattr(os, function)

    def deadly(*args, **kwargs):
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(os, function, deadly)


def in_a_fork(work) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def has_ended(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end_of(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path, seed: int) -> None:
    train(tiny(), stripes(), report=silent, recipe=QUICK)  # PyTorch imports much in its first step
    began = time.monotonic()
    ends = {"alone": [end_of(in_a_fork(lambda: run(folder, "alone")))], "in a save": []}
    took = time.monotonic() - began
    parts = []
    for function, number in IN_A_SAVE:

        def work(function=function, number=number):
            die_in(function, number)
            run(folder, "killed")

        ends["in a save"].append(end_of(in_a_fork(work)))
        parts.append(len(list(folder.glob("killed.checkpoint.*.part"))))
    chance = random.Random(seed)
    checkpoint = folder / "killed.checkpoint"
    ends["at random"] = []
    for _ in range(5):
        before = checkpoint.stat().st_mtime_ns
        child = in_a_fork(lambda: run(folder, "killed"))
        while checkpoint.stat().st_mtime_ns == before and not has_ended(child):  # until it begins
            time.sleep(0.001)
        # Five times a tenth of the whole, at most: on a quick machine too, none comes to its end.
        time.sleep(chance.uniform(0, min(took / 10, 0.05)))
        os.kill(child, signal.SIGKILL)
        ends["at random"].append(end_of(child))
    ends["left alone"] = [end_of(in_a_fork(lambda: run(folder, "killed")))]
    (folder / "ends.json").write_text(json.dumps({"ends": ends, "parts": parts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
