"""Compare the speed of our networks with that of the published ones, in eager mode.

    .venv/bin/python tools/speed.py [--device cuda] [--write]
    .venv/bin/python tools/speed.py --mode training --batch 2 [--network xception ...] [--write]

In each round both networks, with the same weights, take the same pictures, once in either order;
a ratio is our time over theirs in one round, and what counts is the median of the rounds. On the
CPU, one thread and its own time: that of other processes does not count. `--write` keeps the
numbers in `utils/assets/results/speed.csv`, in place of earlier ones of the same measurement.
"""

import argparse
import csv
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import timm
import torch
import torchvision
from torch import nn

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "utils")]

from published import PAIRS  # noqa: E402

from utils.pretrained.published import rename  # noqa: E402

RESULTS = ROOT / "utils" / "assets" / "results" / "speed.csv"


def machine(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, 1 thread"


def seconds(work: Callable[[], object], device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        torch.cuda.synchronize()
        return time.perf_counter() - began
    began = time.process_time()
    work()
    return time.process_time() - began


def evaluate(model: nn.Module, x: torch.Tensor) -> None:
    with torch.inference_mode():
        model(x)


def train(model: nn.Module, x: torch.Tensor) -> None:
    model.zero_grad()
    outputs = model(x)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    sum(scores.square().mean() for scores in outputs).backward()


MODES = {"evaluation": evaluate, "training": train}


def measure(name: str, mode: str, *, batch: int, size: int, device: str, rounds: int) -> dict:
    pair = PAIRS[name]
    ours, theirs = pair.ours(), pair.theirs()
    ours.load_state_dict(rename(theirs.state_dict(), pair.keys, ours.state_dict()))
    models = [model.to(device).train(mode == "training") for model in (ours, theirs)]
    x = torch.randn(batch, 3, size, size, device=device)
    work = MODES[mode]
    for model in (*models, *models):
        work(model, x)
    ratios, times = [], ([], [])
    for _ in range(rounds):
        spent = [0.0, 0.0]
        for which in (0, 1, 1, 0):
            took = seconds(lambda which=which: work(models[which], x), device)
            spent[which] += took
            times[which].append(took)
        ratios.append(spent[0] / spent[1])
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "network": name,
        "mode": mode,
        "batch": batch,
        "size": size,
        "ratio": round(middle, 4),
        "ratio_low": round(low, 4),
        "ratio_high": round(high, 4),
        "ours_ms": round(1000 * statistics.median(times[0]), 2),
        "theirs_ms": round(1000 * statistics.median(times[1]), 2),
        "rounds": rounds,
        "device": machine(device),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "timm": timm.__version__,
    }


def _measurement(row: dict) -> list[str]:
    return [str(row[key]) for key in ("network", "mode", "batch", "size", "device")]


def write(rows: list[dict]) -> None:
    kept = []
    if RESULTS.exists():
        with RESULTS.open(newline="", encoding="utf-8") as file:
            new = [_measurement(row) for row in rows]
            kept = [row for row in csv.DictReader(file) if _measurement(row) not in new]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept + rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--size", type=int, default=299)
    parser.add_argument("--mode", nargs="*", default=["evaluation"], choices=tuple(MODES))
    parser.add_argument("--network", nargs="*", default=list(PAIRS), choices=tuple(PAIRS))
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    if "training" in asked.mode and asked.batch < 2:
        parser.error("--mode training needs --batch 2 or more: BatchNorm has no variance of one.")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = []
    for mode in asked.mode:
        for name in asked.network:
            numbers = {"batch": asked.batch, "size": asked.size}
            row = measure(name, mode, device=asked.device, rounds=asked.rounds, **numbers)
            rows.append(row)
            spread = f"{row['ratio_low']:.3f} to {row['ratio_high']:.3f}"
            print(f"{name:26} {mode:10} {row['ratio']:.3f} ({spread})", flush=True)
    if asked.write:
        write(rows)


if __name__ == "__main__":
    main()
