"""Experiments: rows that survive kills and company, settings that do not mix, honest summaries."""

import getpass
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
import scipy.stats
import torch

from utils.experiments import Experiment, ResultsError, Store, silent, summarise, surroundings

ROOT = Path(__file__).parents[2]


def row(setting="a", seed=0, **values):
    return {"setting": setting, "seed": seed, **values}


# --- The file ---------------------------------------------------------------------------------


def test_rows_come_back_as_text(tmp_path):
    store = Store(tmp_path / "new folder" / "a.csv")
    assert store.rows() == []
    values = {"accuracy": 0.1 + 0.2, "norm": None, "good": True, "note": 'a, "b"\nc', "count": 3}
    assert store.add([row(**values)])
    texts = {"accuracy": "0.30000000000000004", "norm": "none", "good": "True"}
    assert store.rows() == [row(seed="0", **values | texts | {"count": "3"})]
    frame = pd.read_csv(store.path)
    assert frame["accuracy"].item() == values["accuracy"]
    assert frame["norm"].item() == "none"
    assert frame["good"].dtype == bool


def test_a_run_is_added_once_and_whole(tmp_path):
    store = Store(tmp_path / "a.csv")
    assert store.add([row(layer=i, gradient=i / 10) for i in range(3)])
    assert not store.add([row(layer=9, gradient=9.0)])
    assert [found["layer"] for found in store.rows()] == ["0", "1", "2"]
    assert store.runs() == {("a", "0")}


def test_new_columns_leave_earlier_rows_empty_there(tmp_path):
    store = Store(tmp_path / "a.csv")
    store.add([row(accuracy=0.5)])
    store.add([row(seed=1, accuracy=0.6, loss=1.0)])
    assert [found["loss"] for found in store.rows()] == ["", "1.0"]


def test_rows_can_be_kept_in_order(tmp_path):
    store = Store(tmp_path / "a.csv")
    for seed in (2, 0, 3, 1):
        store.add([row(seed=seed, step=step) for step in (5, 3)], order=lambda r: int(r["seed"]))
    assert [found["seed"] for found in store.rows()] == [*"00112233"]
    assert [found["step"] for found in store.rows()] == ["5", "3"] * 4  # a curve keeps its order


def test_rows_of_two_runs_are_refused(tmp_path):
    store = Store(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="one run"):
        store.add([row(seed=0), row(seed=1)])
    assert not store.path.exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,b\n1,2\n", "`setting`"),
        (b"", "`setting`"),
        (b"setting,seed,x\na,0,1\nb,0\n", "row 2"),
        (b"setting,seed,x\na,0,1\na,1,1,7\n", "row 2"),
        (b"<<<<<<< HEAD\nsetting,seed\na,0\n", "`setting`"),
        (b'setting,seed\na,"0\n', "end of data"),
        (b"setting,seed\na,\xff\n", "decode"),
    ],
)
def test_a_broken_file_is_refused_and_kept(tmp_path, content, says):
    store = Store(tmp_path / "a.csv")
    store.path.write_bytes(content)
    for call in (store.rows, lambda: store.add([row()])):
        with pytest.raises(ResultsError, match=says) as caught:
            call()
        assert "git checkout" in str(caught.value)
    assert store.path.read_bytes() == content


# The store alone, in a process that loads nothing else: quick to start, so it can die often.
WRITER = """
import importlib.util, itertools, sys
specification = importlib.util.spec_from_file_location("store", sys.argv[1])
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)
store, seed = module.Store(sys.argv[2]), sys.argv[3]
print("ready", flush=True)
for number in itertools.count():
    setting = f"{number:05}"
    if (setting, seed) not in store.runs():
        row = {"setting": setting, "seed": seed, "text": 3000 * seed}
        store.add([row | {"part": part} for part in "xyz"])
"""


def writer(path, seed):
    code = ROOT / "utils" / "experiments" / "store.py"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, code, path, str(seed)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def test_killed_at_any_moment_and_two_at_once(tmp_path):
    """Rows written are never lost, doubled or cut, whoever dies when."""
    store = Store(tmp_path / "a.csv")
    before = set()
    for attempt in range(6):
        processes = [writer(store.path, seed) for seed in (1, 2, 1)]  # two of them on one seed
        time.sleep(0.1 + 0.031 * attempt)
        for process in processes:
            process.kill()
        assert {process.wait() for process in processes} == {-signal.SIGKILL}
        rows = store.rows()
        parts = Counter((found["setting"], found["seed"]) for found in rows)
        assert set(parts.values()) == {3}
        assert all(found["text"] == 3000 * found["seed"] for found in rows)
        assert before < set(parts)
        before = set(parts)
    assert {seed for _, seed in before} == {"1", "2"}
    for seed in ("1", "2"):  # a killed run leaves no gap: the next process starts where it was
        numbers = sorted(int(setting) for setting, other in before if other == seed)
        assert numbers == list(range(len(numbers)))
    assert {path.name for path in tmp_path.iterdir()} <= {"a.csv", ".a.csv.part"}


# --- Experiments ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Diet:
    """Stands for a training recipe."""

    epochs: int = 2
    rate: float = 0.5
    norm: str | None = "batch"
    seed: int = 0


class Meter:
    """Measures nothing, and notes when it is asked."""

    def __init__(self):
        self.calls = []

    def __call__(self, *, seed, report, diet, width):
        self.calls.append((seed, width, diet))
        report("half of it")
        return {"score": width * diet.rate + seed, "epochs seen": diet.epochs}


@pytest.fixture
def meter():
    return Meter()


@pytest.fixture
def experiment(meter):
    return Experiment(
        name="diets",
        about="what a diet does",
        measure=meter,
        options={"diet": Diet(), "width": 3},
        settings={"full": {}, "narrow": {"width": 1}, "slow, bare": {"rate": 0.25, "norm": None}},
        baseline="full",
    )


def test_a_live_run_is_a_table_with_all_that_made_it(experiment, meter):
    frame = experiment.run(seeds=[4, 7], report=silent)
    assert list(frame["setting"]) == ["full", "full", "narrow", "narrow", *2 * ["slow, bare"]]
    assert list(frame["seed"]) == [4, 7] * 3
    assert list(frame["score"]) == [5.5, 8.5, 4.5, 7.5, 4.75, 7.75]
    assert list(frame["norm"]) == [*4 * ["batch"], "none", "none"]
    assert list(frame["width"]) == [3, 3, 1, 1, 3, 3]
    assert set(frame["experiment"]) == {"diets"}
    names = {"seconds", "cpu_seconds", "machine", "threads", "python", "torch", "package", "rate"}
    assert names < set(frame)
    # Seed by seed, so that an early end leaves whole comparisons.
    assert [(seed, width) for seed, width, _ in meter.calls] == [
        *((4, width) for width in (3, 1, 3)),
        *((7, width) for width in (3, 1, 3)),
    ]


def test_a_small_version_changes_options_of_every_setting(experiment, meter):
    experiment.run(settings=["narrow"], seeds=[0], report=silent, epochs=1, width=9)
    assert meter.calls == [(0, 9, Diet(epochs=1))]


def test_only_what_is_missing_is_run(experiment, meter, tmp_path):
    store = Store(tmp_path / "diets.csv")
    first = experiment.run(seeds=[0], settings=["narrow"], store=store, report=silent)
    lines = []
    frame = experiment.run(seeds=[0, 1], store=store, report=lines.append)
    assert len(meter.calls) == 6
    assert lines[0] == "diets: 1 of 6 runs are there"
    assert "diets: run 1 of 5: full, seed 0" in lines
    assert "  half of it" in lines
    assert first["score"].item() == frame.loc[frame["setting"] == "narrow", "score"].iloc[0]
    experiment.run(seeds=[0, 1], store=store, report=silent)
    assert len(meter.calls) == 6
    stored = pd.read_csv(store.path)
    pd.testing.assert_frame_equal(stored, frame)
    assert list(stored["setting"]) == ["full", "full", "narrow", "narrow", *2 * ["slow, bare"]]
    again = experiment.run(seeds=[1], settings=["full"], store=store, report=silent)
    assert again["score"].tolist() == [2.5]  # only what was asked for


def test_seeds_differ_and_repeat(experiment):
    with pytest.raises(ValueError, match="0 twice"):
        experiment.run(seeds=[0, 1, 0], report=silent)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"options": {"diet": Diet(rate=0.75), "width": 3}},
            ["rate 0.5", "is 0.75", "'full'"],
        ),
        ({"options": {"diet": Diet(), "width": 4}}, ["width 3", "width is 4"]),
        ({"options": {"diet": Diet(norm=None), "width": 3}}, ["norm batch", "norm is none"]),
        ({"settings": {"narrow": {"width": 1}}}, ["'full'", "no setting of diets"]),
    ],
)
def test_rows_of_other_settings_are_never_mixed(experiment, meter, tmp_path, changes, says):
    store = Store(tmp_path / "diets.csv")
    experiment.run(seeds=[0], store=store, report=silent)
    before, calls = store.path.read_bytes(), len(meter.calls)
    with pytest.raises(ResultsError) as caught:
        replace(experiment, **changes).run(seeds=[0, 1], store=store, report=silent)
    assert all(word in str(caught.value) for word in [*says, "Delete", "--out"]), caught.value
    assert store.path.read_bytes() == before
    assert len(meter.calls) == calls


def test_a_field_that_is_new_had_its_default(experiment, meter, tmp_path):
    """A recipe that learns a new trick, not used by default, leaves stored results valid."""
    store = Store(tmp_path / "diets.csv")
    experiment.run(seeds=[0], store=store, report=silent)

    @dataclass(frozen=True, kw_only=True)
    class NewDiet(Diet):
        salt: float = 0.0

    def with_diet(diet):
        return replace(experiment, options={"diet": diet, "width": 3})

    frame = with_diet(NewDiet()).run(seeds=[0, 1], store=store, report=silent)
    assert len(meter.calls) == 6
    assert frame.loc[frame["seed"] == 1, "salt"].tolist() == 3 * [0.0]
    with_diet(NewDiet()).run(seeds=[0, 1], store=store, report=silent)
    with pytest.raises(ResultsError, match=r"salt 0\.0, and salt is 1\.0"):
        with_diet(NewDiet(salt=1.0)).run(seeds=[2], store=store, report=silent)


def test_settings_may_follow_from_earlier_results(experiment, meter):
    late = replace(experiment, settings=lambda: {"full": {"rate": 2.0}})
    assert late.run(seeds=[0], report=silent)["score"].item() == 6.0


def test_a_curve_is_several_rows_of_one_run(tmp_path):
    def layers(*, seed, report, depth):
        return [{"layer": layer, "gradient": 2.0**-layer} for layer in range(depth)]

    curves = Experiment(
        name="curves", about="curves", measure=layers, settings={"a": {}, "b": {"depth": 2}},
        options={"depth": 3},
    )  # fmt: skip
    store = Store(tmp_path / "curves.csv")
    frame = curves.run(seeds=[1, 0], store=store, report=silent)
    assert frame[["setting", "seed", "layer"]].values.tolist() == [
        *(["a", seed, layer] for seed in (0, 1) for layer in range(3)),
        *(["b", seed, layer] for seed in (0, 1) for layer in range(2)),
    ]
    pd.testing.assert_frame_equal(curves.run(seeds=[1, 0], store=store, report=silent), frame)


def test_what_another_process_has_done_meanwhile_is_not_done_again(experiment, meter, tmp_path):
    store = Store(tmp_path / "diets.csv")
    other = Store(tmp_path / "other.csv")
    experiment.run(seeds=[0], settings=["slow, bare"], store=other, report=silent)
    del meter.calls[:]

    def measure(**options):
        if not meter.calls:  # the other process ends its run while this one has just begun
            store.add(other.rows())
        return meter(**options)

    frame = replace(experiment, measure=measure).run(seeds=[0], store=store, report=silent)
    assert [width for _, width, _ in meter.calls] == [3, 1]
    assert len(frame) == 3


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda e: e.run(settings=["wide"], report=silent), ValueError, ["'wide'", "narrow"]),
        (lambda e: e.run(salt=3, report=silent), TypeError, ["'salt'", "epochs", "width"]),
        (lambda e: e.run(seeds=[], report=silent), ValueError, ["seed"]),
        (lambda e: e.run(seeds=[-1], report=silent), ValueError, ["-1"]),
        (lambda e: e.run(seeds=["0"], report=silent), TypeError, ["'0'"]),
        (lambda e: replace(e, measure=lambda **_: {"width": 1}).run(report=silent), ValueError,
         ["width", "column"]),
    ],
)  # fmt: skip
def test_bad_requests(experiment, call, error, says):
    with pytest.raises(error) as caught:
        call(experiment)
    assert all(word in str(caught.value) for word in says), caught.value


def test_rows_say_on_what_they_were_made_and_name_nobody():
    made = surroundings()
    assert made["torch"] == torch.__version__
    assert made["threads"] == torch.get_num_threads()
    text = " ".join(map(str, made.values()))
    assert socket.gethostname() not in text
    assert getpass.getuser() not in text.split()
    assert re.match(r"\d+ cores? of \w+", made["machine"]) or torch.cuda.is_available()


# --- Summaries --------------------------------------------------------------------------------


def table(**settings):
    rows = [
        {"setting": setting, "seed": seed, "test_accuracy": value}
        for setting, values in settings.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_summary_with_differences_paired_by_seed():
    rows = table(full=[0.80, 0.90, 0.85], bare=[0.79, 0.89, 0.82], short=[0.7])
    summary = summarise(rows, baseline="full")
    assert list(summary.index) == ["full", "bare", "short"]
    assert summary["runs"].tolist() == [3, 3, 1]
    expected = {"mean": 0.85, "std": 0.05, "min": 0.8, "max": 0.9, "difference": 0.0}
    assert summary.loc["full", list(expected)].to_dict() == pytest.approx(expected)
    bare = summary.loc["bare"]
    pairs = [-0.01, -0.01, -0.03]
    test = scipy.stats.ttest_1samp(pairs, 0).confidence_interval(0.95)
    assert bare["difference"] == pytest.approx(-5 / 300)
    assert (bare["low"], bare["high"]) == pytest.approx((test.low, test.high))
    assert bare["high"] - bare["low"] < 0.06  # unpaired, three times as wide
    short = summary.loc["short"]
    assert short["difference"] == pytest.approx(-0.1)
    assert short[["std", "low", "high"]].isna().all()
    assert (summary["pairs"] == summary["runs"]).all()


def test_summary_compares_common_seeds_only():
    rows = table(full=[0.8, 0.9], bare=[0.7, 0.7, 0.1])
    assert summarise(rows, baseline="full").loc["bare", "difference"] == pytest.approx(-0.15)
    assert summarise(rows, baseline="full").loc["bare", "pairs"] == 2


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda rows: summarise(rows, "speed"), ["'speed'", "test_accuracy"]),
        (lambda rows: summarise(rows, baseline="wide"), ["'wide'", "'full'"]),
        (lambda rows: summarise(pd.concat([rows, rows])), ["several rows", "seed 0"]),
    ],
)
def test_summaries_that_cannot_be(call, says):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call(table(full=[0.8, 0.9]))
    assert all(word in str(caught.value) for word in says), caught.value
