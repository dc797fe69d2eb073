"""How far a training is: the sums of the running epoch, the history, and a line for the reader."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from torch import Tensor

from .evaluation import Evaluation
from .machine import Machine

REPORT_EVERY = 30.0  # seconds, within an epoch
COLUMNS = (
    "epoch",
    "images",
    "loss",
    "train_accuracy",
    "test_accuracy",
    "test_loss",
    "rate",
    "seconds",
    "cpu_seconds",
)


@dataclass
class Sums:
    """What has added up since the epoch began: over images, and over seconds."""

    images: int = 0
    loss: float = 0.0
    correct: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


def say(line: str) -> None:
    """Write to standard output, and at once: a notebook takes standard error for a fault."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Progress:
    """Steps done, rows of the history, and the sums of the running epoch in this process.

    Parameters
    ----------
    machine
        The processes that share the work: the first one reports.
    report : callable
        Takes a line.
    epochs, steps_per_epoch : int
    """

    def __init__(
        self,
        machine: Machine,
        report: Callable[[str], None],
        *,
        epochs: int,
        steps_per_epoch: int,
    ) -> None:
        self.machine = machine
        self._report = report
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.step = 0
        self.rows: list[dict[str, Any]] = []
        self.sums = Sums()
        self._look_at_clocks()
        self._reported = self._clock

    def count(self, loss: float, scores: Tensor, labels: Tensor) -> None:
        """Add one step: the mean loss of its batch, scores (N, num_classes), labels (N,)."""
        self.step += 1
        self.sums.images += len(labels)
        self.sums.loss += loss * len(labels)
        self.sums.correct += int((scores.argmax(1) == labels).sum())
        self.tick()

    def tick(self) -> None:
        """Add the time since the last look at the clocks."""
        clock, cpu = self._clock, self._cpu
        self._look_at_clocks()
        self.sums.seconds += self._clock - clock
        self.sums.cpu_seconds += self._cpu - cpu

    def end_epoch(self, result: Evaluation | None, *, rate: float) -> None:
        """Add a row, of all processes, and begin new sums."""
        sums = self.joined()
        before = self.rows[-1]["images"] if self.rows else 0
        self.rows.append(
            {
                "epoch": len(self.rows) + 1,
                "images": before + sums.images,
                "loss": sums.loss / sums.images,
                "train_accuracy": sums.correct / sums.images,
                "test_accuracy": None if result is None else result.accuracy,
                "test_loss": None if result is None else result.loss,
                "rate": rate,
                "seconds": sums.seconds,
                "cpu_seconds": sums.cpu_seconds,
            }
        )
        self.sums = Sums()

    def report(self, line: str) -> None:
        """Give the reader a line, from the first process alone."""
        self._reported = self._clock
        if self.machine.rank == 0:
            self._report(line)

    def report_epoch(self) -> None:
        """Report the last row."""
        row = self.rows[-1]
        test = "" if row["test_accuracy"] is None else f", test {row['test_accuracy']:.2%}"
        self.report(
            f"epoch {row['epoch']}/{self.epochs}: loss {row['loss']:.3f}, "
            f"train {row['train_accuracy']:.2%}{test}, {row['seconds']:.0f} s"
        )

    def report_now_and_then(self) -> None:
        """Report how far the running epoch is, if the last line is long ago."""
        if self._clock - self._reported < REPORT_EVERY:
            return
        sums = self.sums
        self.report(
            f"epoch {len(self.rows) + 1}/{self.epochs}, "
            f"step {self.step % self.steps_per_epoch}/{self.steps_per_epoch}: "
            f"loss {sums.loss / sums.images:.3f}, train {sums.correct / sums.images:.2%}, "
            f"{sums.seconds:.0f} s"
        )

    def joined(self) -> Sums:
        """Return the sums of all processes; the seconds are this one's."""
        self.tick()
        sums = self.sums
        images, loss, correct = self.machine.total(sums.images, sums.loss, sums.correct)
        return replace(sums, images=int(images), loss=loss, correct=int(correct))

    def restore(self, *, step: int, rows: list, sums: dict[str, float]) -> None:
        """Go on from there; the sums, which are those of all, count in the first process only."""
        self.step, self.rows = step, rows
        self.sums = Sums(**sums) if self.machine.rank == 0 else Sums()
        self._look_at_clocks()

    def table(self) -> pd.DataFrame:
        """Return the history."""
        return pd.DataFrame(self.rows, columns=list(COLUMNS)).astype(
            {"test_accuracy": float, "test_loss": float}
        )

    def _look_at_clocks(self) -> None:
        self._clock, self._cpu = time.perf_counter(), time.process_time()
