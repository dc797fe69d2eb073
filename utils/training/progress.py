"""How far a training is: the sums of the running epoch, the history, and a line for the reader."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from .evaluation import Evaluation
from .machine import Machine

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


@dataclass
class Progress:
    """Steps done, rows of the history, and the sums of the running epoch in this process."""

    step: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)

    def __post_init__(self) -> None:
        self._look_at_clocks()
        self._reported = self._clock

    def count(self, images: int, loss: float, correct: int) -> None:
        """Add one step."""
        self.step += 1
        self.sums.images += images
        self.sums.loss += loss * images
        self.sums.correct += correct
        self.tick()

    def tick(self) -> None:
        """Add the time since the last look at the clocks."""
        clock, cpu = self._clock, self._cpu
        self._look_at_clocks()
        self.sums.seconds += self._clock - clock
        self.sums.cpu_seconds += self._cpu - cpu

    def end_epoch(self, machine: Machine, result: Evaluation | None, *, rate: float) -> None:
        """Add a row, of all processes, and begin new sums."""
        sums = self.joined(machine)
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

    def due(self, seconds: float) -> bool:
        """Tell whether the last line is so long ago."""
        return self._clock - self._reported >= seconds

    def line(self, epochs: int) -> str:
        """Write the last row as a line."""
        self._reported = self._clock
        row = self.rows[-1]
        test = "" if row["test_accuracy"] is None else f", test {row['test_accuracy']:.2%}"
        return (
            f"epoch {row['epoch']}/{epochs}: loss {row['loss']:.3f}, "
            f"train {row['train_accuracy']:.2%}{test}, {row['seconds']:.0f} s"
        )

    def line_within(self, epochs: int, start: int, steps: int) -> str:
        """Write how far the running epoch is."""
        self._reported = self._clock
        sums = self.sums
        return (
            f"epoch {len(self.rows) + 1}/{epochs}, step {self.step - start}/{steps}: "
            f"loss {sums.loss / sums.images:.3f}, train {sums.correct / sums.images:.2%}, "
            f"{sums.seconds:.0f} s"
        )

    def joined(self, machine: Machine) -> Sums:
        """Return the sums of all processes; the seconds are this one's."""
        self.tick()
        sums = self.sums
        images, loss, correct = machine.total(sums.images, sums.loss, sums.correct)
        return replace(sums, images=int(images), loss=loss, correct=int(correct))

    def restore(self, *, step: int, rows: list, sums: dict[str, float], first: bool) -> None:
        """Go on from there; the sums, which are those of all, count in the first process only."""
        self.step, self.rows = step, rows
        self.sums = Sums(**sums) if first else Sums()
        self._look_at_clocks()

    def table(self) -> pd.DataFrame:
        """Return the history."""
        return pd.DataFrame(self.rows, columns=list(COLUMNS)).astype(
            {"test_accuracy": float, "test_loss": float}
        )

    def _look_at_clocks(self) -> None:
        self._clock, self._cpu = time.perf_counter(), time.process_time()
