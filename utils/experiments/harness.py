"""What every experiment shares: settings times seeds, one run each, and rows that can be resumed.

An experiment is a measurement, a function that is given a seed and the options of one setting, and
the settings to compare. A run is one call of it; it gives one row, or several of the same columns
(a curve, a number for each layer). ::

    ROOTS = Experiment(
        name="roots",
        about="how far a step of Newton's method gets",
        measure=newton,                        # newton(*, seed, report, steps, start)
        settings={"one step": {}, "two steps": {"steps": 2}},
        options={"steps": 1, "start": 1.0},    # what all settings share
    )
    ROOTS.run(seeds=[0])                       # live, here and now: a table
    ROOTS.run(store=Store("roots.csv"))        # kept: what the file has already is not run again
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from ..support.checks import integer, one_of
from ..training.progress import say
from .machine import surroundings
from .options import Options, changed, difference, flat
from .store import ResultsError, Row, Store, cells

Report = Callable[[str], None]


def silent(line: str) -> None:
    """Swallow a line of progress."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Settings to compare, and how one of them is measured with one seed.

    Attributes
    ----------
    name : str
        That of its file of results, too.
    about : str
        What it measures, in half a sentence.
    measure : function
        ``measure(*, seed, report, **options)`` returns what it measured, column -> value, or a
        list of such rows. All that chance decides follows from `seed`; `report` takes lines of
        progress.
    settings : dict, or function that returns one
        Name -> the options in which the setting differs from `options`, in the order in which they
        run and are listed. A function is asked when the experiment runs, for settings that follow
        from earlier results.
    options : dict
        Of all settings. A dataclass, such as a `Recipe`, is one option; its fields become columns,
        and a setting may name a field itself, as in ``{"crop": 0}``.
    seeds : sequence of int
        By default.
    baseline : str, optional
        The setting that the others are compared with.
    """

    name: str
    about: str
    measure: Callable[..., Mapping[str, Any] | Sequence[Mapping[str, Any]]]
    settings: Mapping[str, Options] | Callable[[], Mapping[str, Options]]
    options: Options = field(default_factory=dict)
    seeds: Sequence[int] = (0, 1, 2)
    baseline: str | None = None

    def plan(self, settings: Iterable[str] | None = None, **changes: Any) -> dict[str, dict]:
        """Return setting -> all its options, for some or all settings.

        Parameters
        ----------
        settings : names, optional
        **changes
            Options of every setting, over its own: what a small version does with less.

        Raises
        ------
        ValueError
            There is no such setting.
        TypeError
            There is no such option.
        """
        known = self.settings() if callable(self.settings) else self.settings
        names = list(known) if settings is None else list(settings)
        for name in names:
            one_of(name, tuple(known), f"a setting of {self.name}")
        return {
            name: changed(changed(self.options, known[name]), changes)
            for name in known
            if name in names
        }

    def run(
        self,
        *,
        settings: Iterable[str] | None = None,
        seeds: Iterable[int] | None = None,
        store: Store | None = None,
        report: Report = say,
        **changes: Any,
    ) -> pd.DataFrame:
        """Run what is missing; return the rows of all runs asked for.

        Runs go seed by seed, all settings of one before the next: stopped early, the seeds that
        are complete still compare every setting. Each run is kept as soon as it is done.

        Parameters
        ----------
        settings, seeds : optional
            All by default.
        store : Store, optional
            Where rows are kept, and found again. Several processes may work on one store.
        report : function
            Takes lines of progress; `silent` swallows them.
        **changes
            See `plan`.

        Raises
        ------
        ResultsError
            The store has rows that were made with other options or is broken; or it cannot be
            written, and the message holds the rows of the run.
        TypeError, ValueError
            From `plan`; or a run measures what is no number or text.
        """
        seeds = _check_seeds(self.seeds if seeds is None else seeds)
        settings = None if settings is None else list(settings)  # an iterator gives them once only
        plan = self.plan(settings, **changes)
        places = {name: place for place, name in enumerate(self.plan())}
        missing = self.missing(store, settings=settings, seeds=seeds, **changes)
        if len(missing) < len(plan) * len(seeds):
            there = len(plan) * len(seeds) - len(missing)
            report(f"{self.name}: {there} of {len(plan) * len(seeds)} runs are there")

        def order(row: Row) -> tuple[int, int]:
            return places[row["setting"]], int(row["seed"])

        rows: list[dict[str, str]] = []
        took = []
        for number, (name, seed) in enumerate(missing, 1):
            if store is not None and (name, str(seed)) in store.runs():
                continue  # another process did it meanwhile
            report(f"{self.name}: run {number} of {len(missing)}: {name}, seed {seed}")
            began = time.perf_counter()
            new = self._measure(name, seed, plan[name], report)
            took.append(time.perf_counter() - began)
            left = sum(took) / len(took) * (len(missing) - number)
            report(f"  {took[-1]:.0f} s; about {left / 60:.0f} min to go")
            if store is None:
                rows += [cells(row) for row in new]
            else:
                store.add(new, order=order)
        if store is not None:
            rows = store.rows()
        asked = {(name, str(seed)) for seed in seeds for name in plan}
        rows = [row for row in rows if (row["setting"], row["seed"]) in asked]
        return _frame(sorted(rows, key=order))

    def missing(
        self,
        store: Store | None,
        *,
        settings: Iterable[str] | None = None,
        seeds: Iterable[int] | None = None,
        **changes: Any,
    ) -> list[tuple[str, int]]:
        """Return (setting, seed) of the runs that a store does not have yet; see `run`."""
        seeds = _check_seeds(self.seeds if seeds is None else seeds)
        plan = self.plan(settings, **changes)
        rows = [] if store is None else store.rows()
        if store is not None:
            self._check_same(store.path, rows, plan)
        kept = {(row["setting"], row["seed"]) for row in rows}
        wanted = [(name, seed) for seed in seeds for name in plan]
        return [(name, seed) for name, seed in wanted if (name, str(seed)) not in kept]

    def _measure(self, setting: str, seed: int, options: dict, report: Report) -> list[dict]:
        wall, cpu = time.perf_counter(), time.process_time()
        measured = self.measure(seed=seed, report=lambda line: report(f"  {line}"), **options)
        spent = {
            "seconds": round(time.perf_counter() - wall, 1),
            "cpu_seconds": round(time.process_time() - cpu, 1),
        }
        given = {"experiment": self.name, "setting": setting, "seed": seed} | flat(options)
        found = [measured] if isinstance(measured, Mapping) else list(measured)
        if not found or not all(found):
            raise ValueError(f"{self.name} has measured nothing: a run gives at least one row.")
        report(f"  {_results(found)}")
        around = given | spent | surroundings()
        for row in found:
            if twice := set(row) & set(around):
                raise ValueError(f"{self.name} measures what is a column already: {sorted(twice)}.")
        return [given | dict(row) | spent | surroundings() for row in found]

    def _check_same(self, path: Path, rows: Sequence[Row], plan: Mapping[str, dict]) -> None:
        """Raise a ResultsError if rows were made with other options than those planned."""
        known = self.plan()
        for row in rows:
            setting = row["setting"]
            if row.get("experiment", self.name) != self.name:
                other = f"of the experiment {row['experiment']!r}, not of {self.name}"
            elif setting not in known:
                other = f"of {setting!r}, which is no setting of {self.name} (any more)"
            elif made := difference(row, plan.get(setting, {})):
                other = f"of {setting!r} made with {made}"
            else:
                continue
            raise ResultsError(
                f"{path} has a row {other}. Delete such rows, or write to another folder with "
                "--out."
            )


def _check_seeds(seeds: Iterable[int]) -> list[int]:
    return list(dict.fromkeys(integer(seed, "a seed", least=0) for seed in seeds))


def _results(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say what a run gave: its first column, or how many rows."""
    if len(rows) != 1:
        return f"{len(rows)} rows"
    name, value = next(iter(rows[0].items()))
    return f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"


def _frame(rows: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """Return rows with the types that they have when read from their file."""
    if not rows:
        return pd.DataFrame()
    return pd.read_csv(StringIO(pd.DataFrame(rows).to_csv(index=False)))
