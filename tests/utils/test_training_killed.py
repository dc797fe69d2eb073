"""A training that is killed goes on as if it had not been, and its file is always whole."""

import copy
import errno
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from safetensors.torch import save as safetensors
from test_training import QUICK, fresh, same, silent, stripes, tiny, weights, without_clocks
from torch import nn

from utils.support.atomic import write_whole
from utils.training import Batches, CheckpointError, train
from utils.training.checkpoint import read
from utils.training.evaluation import TestBatches

HERE = Path(__file__).parent
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{HERE}:{HERE.parents[1]}"}
SAVING = replace(QUICK, epochs=3)  # 3 steps an epoch


class Stop(Exception):  # noqa: N818
    """Stands for whatever ends a training early."""


class Stopping(Batches):
    """Batches that end before a step."""

    def __init__(self, *args, before: tuple[int, int], **options) -> None:
        super().__init__(*args, **options)
        self.before = before

    def epoch(self, number, start=0, rank=0, world=1):
        for i, batch in enumerate(super().epoch(number, start, rank, world), start):
            if (number, i) == self.before:
                raise Stop
            yield batch


def stopped(file: Path, model: nn.Module, *, before: tuple[int, int], every: int = 1) -> None:
    with pytest.raises(Stop):
        train(
            model, Stopping(stripes(), SAVING, before=before), stripes(seed=1), checkpoint=file,
            save_every_steps=every, report=silent,
        )  # fmt: skip


@pytest.mark.slow
def test_killed_in_saves_and_at_random(tmp_path):
    """Real processes, killed by the system: see killed.py."""
    seed = int.from_bytes(os.urandom(2))
    done = subprocess.run(
        [sys.executable, HERE / "killed.py", tmp_path, str(seed)],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, (seed, done.stderr)
    assert not done.stderr
    told = json.loads((tmp_path / "ends.json").read_text())
    assert told["ends"] == {
        "alone": [0], "in a save": [-9] * 5, "at random": [-9] * 5, "left alone": [0],
    }, seed  # fmt: skip
    assert told["parts"] == [1, 2, 3, 4, 5]  # each had begun to write
    log = (tmp_path / "killed.log").read_text()
    steps = [int(step) for step in re.findall(r"going on after step (\d+)", log)]
    assert steps == sorted(steps)
    assert len(set(steps)) >= 6, seed  # the first was killed before there was a file
    alone, killed = (load_file(tmp_path / f"{name}.after") for name in ("alone", "killed"))
    assert same(alone, killed), seed
    alone, killed = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("alone", "killed"))
    pd.testing.assert_frame_equal(alone, killed, check_exact=True)
    assert len(alone) == 10


@pytest.mark.parametrize(("before", "every"), [((0, 2), 1), ((1, 0), 1), ((1, 2), 2), ((2, 1), 4)])
def test_stopped_anywhere_it_goes_on(tmp_path, before, every):
    """Whatever the network was when training is taken up again, and whatever is left of a file."""
    file = tmp_path / "training.safetensors"
    model = tiny()
    history = train(model, stripes(), stripes(seed=1), SAVING, report=silent)
    stopped(file, tiny(), before=before, every=every)
    lines = []
    other = tiny(seed=9)
    resumed = train(other, stripes(), stripes(seed=1), SAVING, checkpoint=file, report=lines.append)
    step = (3 * before[0] + before[1]) // every * every
    assert lines[0] == f"going on after step {max(step, 3 * before[0])}, from {file}"
    assert same(weights(model), weights(other))
    assert without_clocks(history).equals(without_clocks(resumed))
    assert list(tmp_path.iterdir()) == [file]


def test_stopped_while_it_is_tested_it_goes_on(tmp_path):
    """Between an epoch's last step and its row in the history."""
    file = tmp_path / "training.safetensors"

    class Untested(TestBatches):
        def all(self, **share):
            raise Stop

    untested = Untested(stripes(seed=1), normalisation=(stripes().mean, stripes().std))
    with pytest.raises(Stop):
        train(
            tiny(), stripes(), untested, SAVING, checkpoint=file, save_every_steps=1, report=silent
        )
    alone, resumed = tiny(), tiny()
    history = train(alone, stripes(), stripes(seed=1), SAVING, report=silent)
    again = train(resumed, stripes(), stripes(seed=1), SAVING, checkpoint=file, report=silent)
    assert same(weights(alone), weights(resumed))
    assert without_clocks(history).equals(without_clocks(again))


def test_a_finished_training_is_only_read(tmp_path):
    file = tmp_path / "training.safetensors"
    first, second = tiny(), tiny(seed=9)
    history = train(first, stripes(), recipe=SAVING, checkpoint=file, report=silent)
    before = file.stat()
    again = train(second, stripes(), recipe=SAVING, checkpoint=file, report=silent)
    assert same(weights(first), weights(second))
    assert history.equals(again)  # clocks too
    assert file.stat() == before


@pytest.mark.parametrize(
    "place",
    ["file/in a file", ".", "a\0b", "~nobody-of-this-name/x", "loop", "/dev/zero"],
)
def test_a_place_for_no_file_is_told_before_the_first_step(tmp_path, place, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")

    class Untouched(Batches):
        def epoch(self, *args):
            raise AssertionError("a step was taken")

    with pytest.raises(CheckpointError, match=r"cannot be (written|read)|is no place for a file"):
        train(tiny(), Untouched(stripes(), SAVING), checkpoint=place, report=silent)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop"]


def test_a_full_disk_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    file = tmp_path / "training.safetensors"
    stopped(file, tiny(), before=(1, 1))
    before = file.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"written \(No space left on device\): make room"):
        train(tiny(), stripes(), stripes(seed=1), SAVING, checkpoint=file, report=silent)
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_bytes() == before


def test_two_that_write_one_file_do_not_mix(tmp_path, monkeypatch):
    """While one is about to give its file the name, the other writes its own, halfway."""
    file, replace = tmp_path / "file", os.replace

    def interrupted(source, target):
        monkeypatch.setattr(os, "replace", replace)
        write_whole(file, b"the other's")
        replace(source, target)

    monkeypatch.setattr(os, "replace", interrupted)
    write_whole(file, b"one's own")
    assert file.read_bytes() == b"one's own"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link_and_folders_may_change(tmp_path, monkeypatch):
    for name in ("disk", "work", "elsewhere"):
        (tmp_path / name).mkdir()
    link = tmp_path / "work" / "link"
    link.symlink_to(tmp_path / "disk" / "there")
    monkeypatch.chdir(tmp_path / "work")

    def elsewhere(line):
        monkeypatch.chdir(tmp_path / "elsewhere")

    train(tiny(), stripes(), recipe=SAVING, checkpoint="link", report=elsewhere)
    assert link.is_symlink()
    assert read(tmp_path / "disk" / "there")[1]["progress"]["step"] == 9
    assert not list((tmp_path / "elsewhere").iterdir())


def test_other_conditions_are_told(tmp_path):
    file = tmp_path / "training.safetensors"
    stopped(file, tiny(), before=(1, 1))
    threads, lines = torch.get_num_threads(), []
    try:
        torch.set_num_threads(threads + 1)
        train(tiny(), stripes(), stripes(seed=1), SAVING, checkpoint=file, report=lines.append)
    finally:
        torch.set_num_threads(threads)
    assert f"(threads was {threads}, is {threads + 1}: not the same bit for bit)" in lines[0]


def frozen():
    model = tiny()
    model[0].weight.requires_grad_(False)
    return model


def held():
    model = tiny()
    model[1].eval()
    return model


def other_labels():
    data = stripes()
    return replace(data, labels=data.labels.flip(0))


USUAL = (stripes().mean, stripes().std)
OTHERS = {
    "recipe": ({"recipe": replace(SAVING, seed=1)}, "recipe.seed was 0, is 1"),
    "data": ({"data": other_labels()}, "data.sha256 was"),
    "fewer": ({"data": stripes()[:48]}, r"data.images was \[50, 1, 8, 8\], is"),
    "normalisation": ({"normalisation": (0.5, 0.5)}, r"data\.mean was .*data\.std was"),
    "dropout": (
        {"model": tiny(dropout=0.2)},
        r"network.line 7 was '  \(5\): Dropout\(p=0.5, .* is '  \(5\): Dropout\(p=0.2",
    ),
    "network": ({"model": fresh()}, "network.line 1 was 'Sequential.*more"),
    "rate, strictly": (
        {"recipe": replace(SAVING, peak_rate=0.01), "strict": True},
        r"peak_rate was 0\.05, is 0\.01",
    ),
    "statistics": ({"model": held()}, "mode of 1 was None, is 'evaluation'"),
    "frozen": ({"model": frozen()}, "float32', is .*float32, frozen'"),
    "dtype": ({"model": tiny().double()}, "float32', is .*float64'"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_training_is_refused(tmp_path, what):
    file = tmp_path / "training.safetensors"
    stopped(file, tiny(), before=(1, 1))
    before = file.read_bytes()
    change, says = OTHERS[what]
    given = {
        "model": tiny(), "data": stripes(), "test": stripes(seed=1), "recipe": SAVING,
        "normalisation": USUAL,
    } | change  # fmt: skip
    untouched = weights(given["model"])
    with pytest.raises(CheckpointError, match=f"holds another training: .*{says}"):
        train(**given, checkpoint=file, report=silent)
    assert same(untouched, weights(given["model"]))
    assert file.read_bytes() == before
    # Each way out that the message names is one.
    with pytest.raises(CheckpointError, match="name another place with checkpoint=, or delete"):
        train(**given, checkpoint=file, report=silent)
    train(**given, checkpoint=tmp_path / "another", report=silent)
    file.unlink()
    train(**given, checkpoint=file, report=silent)


@pytest.mark.parametrize("what", OTHERS)
def test_what_has_no_step_is_replaced(tmp_path, what):
    """As after heads on maps of a wrong size, a rate that diverges at once, a damaged picture."""
    file = tmp_path / "training.safetensors"
    stopped(file, tiny(), before=(0, 0))
    assert read(file)[1]["progress"]["step"] == 0
    given = {"model": tiny(), "data": stripes(), "test": stripes(seed=1), "recipe": SAVING}
    given |= OTHERS[what][0]
    alone, lines = copy.deepcopy(given["model"]), []
    train(**given, checkpoint=file, report=lines.append)
    assert lines[0] == f"{file} held another training, without a step: replaced"
    train(**given | {"model": alone}, report=silent)
    assert same(weights(alone), weights(given["model"]))
    assert read(file)[1]["progress"]["step"] == 9


CHANGES = {
    "a lower rate": ({"recipe": replace(SAVING, peak_rate=0.01)}, "peak_rate was 0.05, is 0.01"),
    "more epochs": ({"recipe": replace(SAVING, epochs=4)}, "epochs was 3, is 4"),
    "batch size": ({"recipe": replace(SAVING, batch_size=10)}, "batch_size was 16, is 10"),
    "other test": ({"test": stripes(40, seed=2)}, "test.sha256 was"),
    "no test": ({"test": None}, "test.name was 'stripes', is None"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_that_can_be_gone_on_with(tmp_path, what):
    """From the start of the running epoch, with the weights that it had come to."""
    file = tmp_path / "training.safetensors"
    stopped(file, tiny(), before=(1, 1))
    change, says = CHANGES[what]
    given = {"data": stripes(), "test": stripes(seed=1), "recipe": SAVING} | change
    model, lines = tiny(seed=9), []
    history = train(model, **given, checkpoint=file, report=lines.append)
    step = len(stripes()) // given["recipe"].batch_size
    assert lines[0].startswith(f"going on after step {step}, from {file} (")
    assert says in lines[0]
    assert lines[0].endswith(": not the same bit for bit)")
    assert list(history.epoch) == list(range(1, given["recipe"].epochs + 1))
    assert list(history.images[:2]) == [48, 48 + step * given["recipe"].batch_size]
    assert history.test_accuracy.notna().sum() == (1 if what == "no test" else len(history))
    # What has been changed is what the file holds now.
    again = train(tiny(), **given, checkpoint=file, report=lines.append)
    assert again.equals(history)
    assert lines[-1] == f"going on after step {read(file)[1]['progress']['step']}, from {file}"


@pytest.mark.parametrize("first", [{"epochs": 1}, {"max_images": 96}, {"max_images": 70}])
def test_a_finished_training_can_be_longer(tmp_path, first):
    """At a constant rate it is the longer training, bit for bit, if it ended with an epoch."""
    file = tmp_path / "training.safetensors"
    constant = replace(SAVING, schedule="constant")
    alone, longer = tiny(), tiny(seed=9)
    history = train(alone, stripes(), recipe=constant, report=silent)
    train(tiny(), stripes(), recipe=replace(constant, **first), checkpoint=file, report=silent)
    if "epochs" in first:
        other = replace(constant, **first, label_smoothing=0.0)
        with pytest.raises(CheckpointError, match=r"finished .*Ask for more, with epochs= or max_"):
            train(tiny(), stripes(), recipe=other, checkpoint=file, report=silent)
    again = train(longer, stripes(), recipe=constant, checkpoint=file, report=silent)
    assert list(again.images) == list(history.images) == [48, 96, 144]
    assert same(weights(alone), weights(longer)) == (first != {"max_images": 70})


class Again(nn.Module):
    """A convolution with the weights of another layer."""

    def __init__(self, weight) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, x):
        return nn.functional.conv2d(x, self.weight)


class Stateful(nn.Module):
    """A layer that keeps something besides its weights."""

    def __init__(self, state) -> None:
        super().__init__()
        self.state = state

    def get_extra_state(self):
        return self.state

    def set_extra_state(self, state) -> None:
        self.state = state

    def forward(self, x):
        if self.training and isinstance(self.state, torch.Tensor):
            self.state = self.state + 1
        return x


class Views(nn.Module):
    """A layer with buffers that lie in one another's memory, and in that of its weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 1, 1))
        self.register_buffer("last", self.weight.detach()[1:])
        self.register_buffer("first", self.weight.detach()[:3])

    def forward(self, x):
        return x * self.weight


def shared() -> nn.Module:
    layer = nn.Conv2d(4, 4, 1)
    return nn.Sequential(layer, Again(layer.weight))


def between(layer) -> nn.Module:
    model = tiny()
    return nn.Sequential(*model[:3], layer(), *model[3:])


@pytest.mark.parametrize(
    "build",
    [
        fresh,  # momentum in channels last
        lambda: between(shared),
        lambda: between(Views),
        lambda: between(lambda: Stateful(torch.zeros(()))),
    ],
    ids=["channels last", "shared weights", "views", "further tensors"],
)
def test_whatever_the_network_holds_goes_on(tmp_path, build):
    file = tmp_path / "training.safetensors"
    alone, resumed = build(), build()
    history = train(alone, stripes(), stripes(seed=1), SAVING, report=silent)
    stopped(file, build(), before=(0, 2))
    again = train(resumed, stripes(), stripes(seed=1), SAVING, checkpoint=file, report=silent)
    assert same(weights(alone), weights(resumed))
    assert without_clocks(history).equals(without_clocks(again))


def test_where_a_function_lies_in_memory_is_no_matter(tmp_path):
    class Applied(nn.Module):
        def __init__(self, function) -> None:
            super().__init__()
            self.function = function

        def forward(self, x):
            return self.function(x)

        def extra_repr(self) -> str:
            return f"{self.function}, times 2"

    def build() -> nn.Module:
        def doubled(x):
            return 2 * x

        return nn.Sequential(Applied(doubled), *tiny())

    file = tmp_path / "training.safetensors"
    first, second = build(), build()
    assert str(first) != str(second)
    stopped(file, first, before=(1, 1))
    lines = []
    train(second, stripes(), stripes(seed=1), SAVING, checkpoint=file, report=lines.append)
    assert "going on after step 4" in lines[0]


DAMAGES = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "longer": lambda content: content + b"\0",
    "text": lambda content: b"not a checkpoint at all, but something else of some length",
    "weights alone": lambda content: safetensors(tiny().state_dict()),
    "another version": lambda content: content.replace(b'format\\": \\"2', b'format\\": \\"1'),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_file_is_refused(tmp_path, kind):
    file = tmp_path / "training.safetensors"
    stopped(file, tiny(), before=(1, 1))
    content = file.read_bytes()
    file.write_bytes(DAMAGES[kind](content))
    assert file.read_bytes() != content
    model = tiny()
    before = weights(model)
    with pytest.raises(CheckpointError, match="is no checkpoint of a training, or is damaged, or"):
        train(model, stripes(), stripes(seed=1), SAVING, checkpoint=file, report=silent)
    assert same(before, weights(model))
    assert file.exists()
