"""Experiments: rows that survive kills and company, settings that do not mix, honest summaries."""

import contextlib
import errno
import getpass
import math
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch

from utils.data import DataUnavailableError, LabelledImages, results, stored
from utils.experiments import (
    Experiment,
    ResultsError,
    Store,
    measures,
    shipped,
    silent,
    summarise,
    surroundings,
    training,
)
from utils.experiments import rates as choosing
from utils.experiments.catalogue import EXPERIMENTS
from utils.googlenet import micro_googlenet
from utils.pretrained import load
from utils.training import DivergedError, Recipe

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "utils" / "assets" / "results"


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
        (b"<<<<<<< HEAD\nsetting,seed\na,0\n", "`setting`"),
        (b'setting,seed\na,"0\n', "end of data"),
        (b"setting,seed\na,\xff\n", "decode"),
        (b"setting,seed,x\na,0,12\na,1,1", "cut off"),  # of 12, say
        (b"setting,seed,x,x\na,0,1,2\n", "column 'x' twice"),
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


def test_a_link_stays_a_link_and_a_file_keeps_its_permissions(tmp_path):
    target, link = tmp_path / "kept.csv", tmp_path / "a.csv"
    link.symlink_to(target)  # nothing there yet
    store = Store(link)
    store.add([row()])
    for seed, mode in ((1, 0o640), (2, 0o444)):
        target.chmod(mode)
        store.add([row(seed=seed)])
        assert target.stat().st_mode & 0o777 == mode
    (tmp_path / "kept.csv.new.part").touch(mode=0o444)  # of one that was killed
    store.add([row(seed=3)])
    assert link.is_symlink()
    assert Store(target).runs() == {("a", str(seed)) for seed in range(4)}
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "kept.csv"}


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_rows_that_find_no_place_are_in_the_message(tmp_path, monkeypatch):
    store = Store(tmp_path / "a.csv")
    store.add([row()])
    before = store.path.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResultsError, match=r"No space left on device.; .* --out") as caught:
        store.add([row(seed=1, note="a, b")])
    assert 'setting,seed,note\na,1,"a, b"\n' in str(caught.value)
    assert list(tmp_path.iterdir()) == [store.path]  # no half of a file
    assert store.path.read_bytes() == before


# The store alone, in a process that loads little else: quick to start, so it can die often.
WRITER = """
import itertools, sys, types
for name, folder in (("utils", sys.argv[1]), ("utils.experiments", f"{sys.argv[1]}/experiments")):
    sys.modules[name] = types.ModuleType(name)  # a package that imports nothing itself
    sys.modules[name].__path__ = [folder]
from utils.experiments.store import Store
store, seed = Store(sys.argv[2]), sys.argv[3]
print("ready", flush=True)
for number in itertools.count():
    setting = f"{number:05}"
    if (setting, seed) not in store.runs():
        row = {"setting": setting, "seed": seed, "text": 3000 * seed}
        store.add([row | {"part": part} for part in "xyz"])
"""


def writer(path, seed):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, ROOT / "utils", path, str(seed)],
        stdout=subprocess.PIPE,
        text=True,
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
    assert {path.name for path in tmp_path.iterdir()} <= {"a.csv", "a.csv.new.part"}


# --- Experiments ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Diet:
    """Stands for a training recipe."""

    epochs: int = 2
    rate: float = 0.5
    norm: str | None = "batch"
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class NewDiet(Diet):
    """A recipe that has learnt a new trick."""

    salt: float = 0.0


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


def test_settings_and_seeds_may_come_from_an_iterator(experiment, meter, tmp_path):
    for store in (None, Store(tmp_path / "diets.csv")):
        frame = experiment.run(
            settings=iter(["narrow", "full"]), seeds=iter([3, 5]), store=store, report=silent
        )
        assert list(frame["setting"]) == ["full", "full", "narrow", "narrow"]
        assert list(frame["seed"]) == [3, 5, 3, 5]
    assert len(meter.calls) == 8


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


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"options": {"diet": Diet(rate=0.75), "width": 3}}, ["rate 0.5", "is 0.75", "'full'"]),
        ({"options": {"diet": Diet(), "width": 4}}, ["width 3", "width is 4"]),
        ({"options": {"diet": Diet(norm=None), "width": 3}}, ["norm batch", "norm is none"]),
        ({"settings": {"narrow": {"width": 1}}}, ["'full'", "no setting of diets"]),
        ({"name": "others"}, ["of the experiment 'diets', not of others"]),
        # A field that is new had its default, or is not known; it is not what it is now.
        ({"options": {"diet": NewDiet(salt=1.0), "width": 3}}, ["salt 0.0, and salt is 1.0"]),
        ({"options": {"diet": Diet(), "width": 3, "salt": 1.0}}, ["salt unknown, and salt is 1.0"]),
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


def test_every_stored_row_is_compared(experiment, tmp_path):
    store = Store(tmp_path / "diets.csv")
    experiment.run(seeds=[0], store=store, report=silent)
    text = store.path.read_text("utf-8")
    old = "diets,narrow,0,2,0.5"
    assert text.count(old) == 1
    store.path.write_text(text.replace(old, "diets,narrow,0,2,0.75"), encoding="utf-8")
    with pytest.raises(ResultsError, match=r"'narrow' made with rate 0\.75"):
        experiment.missing(store)


def test_what_is_no_number_names_its_column(experiment, tmp_path):
    for value in (np.arange(3), torch.arange(3)):
        for store in (None, Store(tmp_path / "diets.csv")):
            lines = replace(experiment, measure=lambda value=value, **_: {"score": value})
            with pytest.raises(ValueError, match=r"column 'score' must hold one number"):
                lines.run(store=store, report=silent)


def test_a_field_that_is_new_had_its_default(experiment, meter, tmp_path):
    """A recipe that learns a new trick, not used by default, leaves stored results valid."""
    store = Store(tmp_path / "diets.csv")
    experiment.run(seeds=[0], store=store, report=silent)

    new = replace(experiment, options={"diet": NewDiet(), "width": 3})
    for _ in range(2):
        frame = new.run(seeds=[0, 1], store=store, report=silent)
    assert len(meter.calls) == 6
    assert frame.loc[frame["seed"] == 1, "salt"].tolist() == 3 * [0.0]


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
    with contextlib.suppress(ImportError, KeyError, OSError):  # in a container, a user has no name
        user = getpass.getuser()
        assert user not in text.split()
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


# --- What is measured -------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch):
    """Small data, so that a training takes a second."""
    shipped_data = training.fashion_mnist

    def fashion_mnist(split="train", **options):
        return shipped_data(split)[: 300 if split == "train" else 100]

    monkeypatch.setattr(training, "fashion_mnist", fashion_mnist)


def quick(**changes):
    return {"norm": "batch", "recipe": Recipe(epochs=1, max_images=128), "held_out": 40} | changes


def test_a_run_of_the_recipe_follows_from_its_seed(few):
    lines = []
    first, again, other = (
        training.micro(**quick(), seed=seed, report=lines.append) for seed in (3, 3, 4)
    )
    clocks = ("train_seconds", "train_cpu_seconds")
    assert {k: v for k, v in first.items() if k not in clocks} == {
        k: v for k, v in again.items() if k not in clocks
    }
    assert first["train_loss"] != other["train_loss"]
    assert first["images"] == 128
    assert first["tested"] == 40  # those held out
    assert first["test_accuracy"] == first["correct"] / 40
    assert first["parameters"] == sum(
        p.numel() for p in micro_googlenet(in_channels=1).parameters()
    )
    assert not first["diverged"]
    assert len(lines) == 3  # a line an epoch


def test_order_and_moves_follow_from_the_seed_of_the_run(monkeypatch):
    seeds = []

    def train(*_, recipe, **how):
        seeds.append(recipe.seed)
        raise DivergedError("at once")

    monkeypatch.setattr(measures, "train", train)
    images = LabelledImages(
        torch.arange(32**2).byte().view(1, 1, 32, 32), torch.zeros(1).long(), "a"
    )
    network = micro_googlenet(1, in_channels=1)
    for seed in (3, 4):
        measures.train_and_test(network, images, images, Recipe(), seed=seed, report=silent)
    assert seeds == [3, 4]


def test_divergence_is_a_row(few):
    wild = Recipe(epochs=1, max_images=256, peak_rate=1e9, warmup=0.0)
    lines = []
    row = training.micro(**quick(recipe=wild, norm=None, held_out=0), seed=0, report=lines.append)
    assert row["diverged"]
    assert math.isnan(row["train_loss"])
    assert 128 <= row["images"] <= 256
    assert 0 <= row["test_accuracy"] < 0.5
    assert row["tested"] == 100  # the test images
    assert "diverged" in lines[0]


@pytest.fixture
def rates(monkeypatch):
    """Stored rates: the best of each setting."""
    best = {"full recipe": 0.2, "without BatchNorm": 0.05, "without schedule": 0.1}
    rows = [
        {
            "setting": f"{setting}, rate {rate:g}",
            "seed": 0,
            "test_accuracy": 0.8 if rate == best[setting] else 0.7,
        }
        for setting, grid in training.GRID.items()
        for rate in grid
    ]
    stored = {"recipe_rates": pd.DataFrame(rows)}

    def results(name):
        if name not in stored:
            raise ValueError(name)
        return stored[name]

    monkeypatch.setattr(choosing, "results", results)
    return stored


def test_each_change_gets_the_rate_that_suits_it(rates):
    plan = training.RECIPE.plan()
    base = replace(training.BASE, peak_rate=0.2)
    assert plan == {
        name: {"norm": norm, "held_out": 0, "recipe": replace(base, **changes)}
        for name, norm, changes in [
            ("full recipe", "batch", {}),
            ("without BatchNorm", None, {}),
            ("without BatchNorm, own rate", None, {"peak_rate": 0.05}),
            ("without schedule", "batch", {"schedule": "constant"}),
            ("without schedule, own rate", "batch", {"schedule": "constant", "peak_rate": 0.1}),
            ("without augmentation", "batch", {"crop": 0, "flip": False}),
            ("without label smoothing", "batch", {"label_smoothing": 0.0}),
        ]
    }
    assert training.RECIPE.baseline in plan


def test_no_setting_of_its_own_where_the_rate_is_the_same(rates):
    frame = rates["recipe_rates"]
    frame.loc[frame["setting"] == "without BatchNorm, rate 0.2", "test_accuracy"] = 0.9
    assert "without BatchNorm, own rate" not in training.RECIPE.plan()


def test_the_rate_is_the_best_in_the_mean_over_seeds(monkeypatch):
    accuracies = {0.1: [0.7, 0.7], 0.2: [0.5, 0.8], 0.4: [0.8, 0.5]}  # 0.1, not the last or first
    rows = [
        {"setting": str(rate), "seed": seed, "test_accuracy": accuracies[rate][seed]}
        for rate in accuracies
        for seed in (0, 1)
    ]
    monkeypatch.setattr(choosing, "results", lambda name: pd.DataFrame(rows))
    tried = replace(training.RATES, settings={str(rate): {} for rate in accuracies})
    best = choosing.chosen(tried, {"a": tuple(accuracies)}, lambda key, rate: str(rate))
    assert best == {"a": 0.1}


def test_rates_come_first(rates):
    rates["recipe_rates"].loc[0, "test_accuracy"] = math.nan  # an empty cell
    with pytest.raises(ResultsError, match=r"1 are still to be tried: .* recipe_rates"):
        training.RECIPE.plan()
    rates["recipe_rates"] = rates["recipe_rates"].iloc[1:]
    with pytest.raises(ResultsError, match=r"1 are still to be tried: .* recipe_rates"):
        training.RECIPE.plan()
    del rates["recipe_rates"]
    with pytest.raises(ResultsError, match=r"first run .* recipe_rates"):
        training.RECIPE.plan()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"setting,seed,test_accuracy\na,0,0.75", "its end is cut off.*git checkout"),
    ],
)
def test_damaged_rates_are_told_in_words(command, tmp_path, monkeypatch, content, says):
    """By the command, too, which lists experiments with rates of their own."""
    monkeypatch.setattr(stored, "RESULTS", tmp_path)
    (tmp_path / "recipe_rates.csv").write_bytes(content)
    with pytest.raises(ResultsError, match=says):
        training.RECIPE.plan()
    status, out, err = command("run.py")
    assert (status, err) == (0, "")
    assert re.search(rf"recipe: .*\n  .*{says}", out)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_stored_results_are_those_of_the_experiment_as_it_is(name):
    experiment, store = EXPERIMENTS[name], Store(RESULTS / f"{name}.csv")
    assert experiment.missing(store) == []
    rows = results(name)
    assert set(rows["experiment"]) == {name}
    if "images" in rows:  # an experiment that trains
        assert rows["images"].max() <= 50_000
    assert name in (ROOT / "experiments" / "README.md").read_text("utf-8")
    per_run = rows.groupby(["setting", "seed"]).size()
    assert (per_run.groupby("setting").size() == len(experiment.seeds)).all()
    if experiment.baseline and (per_run == 1).all():
        assert set(summarise(rows, baseline=experiment.baseline)["runs"]) == {len(experiment.seeds)}


# --- Networks that ship -----------------------------------------------------------------------


@pytest.fixture
def tiny(monkeypatch):
    """A network that is trained in a second."""
    small = {"count": 128, "size": 28}
    network = shipped.Shipped(
        network="micro_googlenet",
        recipe=Recipe(epochs=1),
        data="patches",
        train=small,
        test={"count": 50, "size": 28},
    )
    monkeypatch.setitem(shipped.SHIPPED, "tiny", network)
    return network


def test_shipping_goes_on_from_the_checkpoint(tiny, tmp_path, monkeypatch):
    state, lines = tmp_path / "tiny-5.safetensors", []
    how = {"seed": 5, "checkpoint": state}
    row = shipped.train_shipped(network="tiny", recipe=tiny.recipe, report=lines.append, **how)
    assert "epoch 1/1" in lines[0]
    del lines[:]
    card = shipped.ship("tiny", command="make tiny", report=lines.append, folder=tmp_path, **how)
    assert not [line for line in lines if "epoch" in line]  # nothing was trained again
    loaded = load("tiny", folder=tmp_path)
    assert card == tmp_path / "tiny.json"
    assert loaded.card["correct"] == row["correct"]
    assert loaded.card["seed"] == loaded.card["recipe"]["seed"] == 5
    assert loaded.card["command"] == "make tiny"
    assert loaded.card["cpu_seconds"] == row["train_cpu_seconds"]
    assert row["tested"] == 50


def test_the_rate_of_what_ships_was_chosen_on_held_out_images():
    experiment = shipped.CHECKPOINT_RATES
    assert experiment.missing(Store(RESULTS / f"{experiment.name}.csv")) == []
    rows = results(experiment.name)
    assert set(rows["tested"]) == {10_000}
    assert set(rows["images"] // rows["epochs"] // 128) == {50_000 // 128}  # the others train
    accuracy = rows.set_index("peak_rate")["test_accuracy"]
    best = accuracy.idxmax()
    assert best == shipped.FASHION.peak_rate
    assert accuracy.index.min() < best < accuracy.index.max()  # a worse one on either side


def test_rivals_share_the_recipe():
    names = ("mini-googlenet", "plain-network", "small-resnet")
    assert len({shipped.SHIPPED[name].recipe for name in names}) == 1
    assert set(shipped.CHECKPOINTS.plan()) == set(shipped.SHIPPED)
    for name, options in shipped.CHECKPOINTS.plan().items():
        assert options == {"network": name, "recipe": shipped.SHIPPED[name].recipe}


# --- Commands ---------------------------------------------------------------------------------


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Run a command of experiments/; (exit status, what it wrote, what it complained)."""
    monkeypatch.syspath_prepend(ROOT / "experiments")

    def run(file, *arguments):
        argv = [file, *map(str, arguments), *(["--out", str(tmp_path)] if arguments else [])]
        monkeypatch.setattr(sys, "argv", argv)
        threads = torch.get_num_threads()
        try:
            with pytest.raises(SystemExit) as caught:
                runpy.run_path(str(ROOT / "experiments" / file), run_name="__main__")
        finally:
            torch.set_num_threads(threads)
        status, (out, err) = caught.value.code, capsys.readouterr()
        return (1, out, status) if isinstance(status, str) else (status, out, err)

    return run


def test_the_list_of_experiments(command):
    status, out, err = command("run.py")
    assert (status, err) == (0, "")
    for name, experiment in EXPERIMENTS.items():
        assert f"{name}: {experiment.about}\n" in out


def test_a_command_runs_what_is_missing(command, meter, experiment, monkeypatch, tmp_path):
    monkeypatch.setitem(EXPERIMENTS, "diets", experiment)
    status, out, _ = command("run.py", "diets", "--seeds", 1, 0, "--threads", 3)
    assert status == 0
    assert "run 6 of 6: slow, bare, seed 0" in out
    assert len(meter.calls) == 6
    assert {row["threads"] for row in Store(tmp_path / "diets.csv").rows()} == {"3"}
    status, out, _ = command("run.py", "diets", "--settings", "narrow", "full", "--seeds", 0, 2)
    assert "diets: 2 of 4 runs are there" in out
    assert len(Store(tmp_path / "diets.csv").rows()) == len(meter.calls) == 8


def test_stopping_says_how_to_go_on(command, experiment, monkeypatch):
    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setitem(EXPERIMENTS, "diets", replace(experiment, measure=interrupted))
    status, out, _ = command("run.py", "diets")
    assert status == 130
    assert "the same command goes on" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["run.py", "recip"], "no experiment 'recip'; there are"),
        (["run.py", "recipe", "--seeds", "-1"], "a whole number from 0, got '-1'"),
        (["run.py", "recipe_rates", "--settings", "all"], "must be one of 'full recipe, rate 1.6'"),
        (["run.py", "--all", "--settings", "all"], "--all takes no names"),
        (["run.py", "--settings", "all"], "name it"),
        (["run.py", "recipe", "--threads", "0"], "a whole number from 1, got '0'"),
        (["run.py", "recipe", "--thread", "1"], "unrecognized arguments: --thread"),
        (["run.py", "--seeds", "3"], "name an experiment, or give --all"),
        (["run.py", "recipe", "--seeds", str(2**64)], f"at most {2**63 - 1}, got '{2**64}'"),
        (["run.py", "recipe", "--threads", "100000"], "at most 1024, got '100000'"),
        (["train_checkpoints.py"], "required: name"),
        (["train_checkpoints.py", "rates", "--ship"], "leave out --seed and --ship"),
        (["train_checkpoints.py", "rates", "--seed", "1"], "leave out --seed and --ship"),
        (["train_checkpoints.py", "googlenet"], "invalid choice: 'googlenet'"),
        (["train_checkpoints.py", "mini-googlenet", "--seed", "a"], "got 'a'"),
    ],
)
def test_bad_arguments_are_answered_in_a_sentence(command, arguments, says):
    status, _, err = command(*arguments)
    assert status in (1, 2)
    assert err.startswith("error: ")
    assert says in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "error", [ResultsError, DataUnavailableError, DivergedError, OSError, ValueError]
)
def test_what_a_reader_can_mend_is_a_sentence(monkeypatch, error):
    monkeypatch.syspath_prepend(ROOT / "experiments")
    import commands

    def main():
        raise error("do this")

    with pytest.raises(SystemExit, match="error: do this"):
        commands.end(main)


def test_a_checkpoint_is_trained_kept_and_shipped(command, monkeypatch, tmp_path):
    calls = []

    def measure(*, network, recipe, seed, report, checkpoint):
        calls.append((network, seed, checkpoint, torch.get_num_threads()))
        return {"test_accuracy": 0.75}

    def ship(name, **how):
        calls.append((name, how))
        return "the card"

    monkeypatch.setattr(shipped, "CHECKPOINTS", replace(shipped.CHECKPOINTS, measure=measure))
    monkeypatch.setattr(shipped, "ship", ship)
    state = tmp_path / "states" / "mini-googlenet-3.safetensors"
    asked = ["mini-googlenet", "--seed", 3, "--work", state.parent]
    status, out, _ = command("train_checkpoints.py", *asked, "--threads", 1)
    assert status == 0
    assert "mini-googlenet, seed 3: test accuracy 0.7500\n" in out
    assert calls == [("mini-googlenet", 3, state, 1)]
    assert state.parent.is_dir()
    del calls[:]
    for threads in ([], ["--threads", 1]):
        _, out, _ = command("train_checkpoints.py", *asked, *threads, "--ship")
        assert out.endswith("the card\n")
    said = "python experiments/train_checkpoints.py mini-googlenet --seed 3"
    assert calls == [
        ("mini-googlenet", {"seed": 3, "checkpoint": state, "command": command_})
        for command_ in (said, f"{said} --threads 1")
    ]
