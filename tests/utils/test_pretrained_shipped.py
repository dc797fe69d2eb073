"""Checkpoints with cards: written whole, loaded without running code, refused when damaged."""

import errno
import json
import math
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from utils.data import patches, photograph, to_tensor
from utils.googlenet import micro_googlenet
from utils.pretrained import (
    DamagedFileError,
    Normalisation,
    checkpoints,
    create,
    load,
    save,
)
from utils.training import Evaluation, Recipe, evaluate

TRAINING = patches("train", count=44, size=28)
TEST_OPTIONS = {"count": 88, "size": 28}
TEST = patches("test", **TEST_OPTIONS)
NORMALISATION = (TRAINING.mean, TRAINING.std)
FILES = ("tiny.json", "tiny.logits.safetensors", "tiny.safetensors")


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return micro_googlenet(len(TRAINING.classes))


@cache
def answers(seed: int = 0) -> Evaluation:
    return evaluate(network(seed), TEST, normalisation=NORMALISATION, logits=True)


def save_tiny(folder: Path, seed: int = 0, name: str = "tiny", **changes) -> Path:
    given = {
        "network": "micro_googlenet",
        "training": TRAINING,
        "test": "patches",
        "test_options": TEST_OPTIONS,
        "recipe": Recipe(epochs=3),
        "seed": 0,
        "command": "python experiments/train_checkpoints.py tiny --seed 0",
        "machine": "2 CPU cores",
        "cpu_seconds": 1.5,
        "folder": folder,
        "result": answers(seed),
    }
    return save(name, network(seed), **given | changes)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    save_tiny(folder)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A copy that a test may damage."""
    return Path(shutil.copytree(made, tmp_path / "checkpoints"))


def test_three_files_and_nothing_else(made):
    assert sorted(path.name for path in made.iterdir()) == sorted(FILES)
    assert {path.stat().st_mode & 0o777 for path in made.iterdir()} == {0o644}
    assert checkpoints(made) == ("tiny",)


def test_what_was_saved_is_loaded(made):
    model, found = network().eval(), load("tiny", folder=made)
    assert not found.model.training
    assert found.classes == TRAINING.classes
    x = TEST.images[:5]
    wanted = model(found.preprocessing(x))
    torch.testing.assert_close(found.model(found.preprocessing(x)), wanted)
    torch.testing.assert_close(wanted, answers().logits[:5], rtol=1e-4, atol=1e-5)


def test_the_card_says_where_the_weights_come_from(made):
    card, result = load("tiny", folder=made).card, answers()
    assert card == json.loads((made / "tiny.json").read_text("utf-8"))
    assert card["options"] == {"num_classes": 11, "in_channels": 3}
    assert card["trained_on"] == {"name": TRAINING.name, "images": 44}
    assert card["tested_on"] == {"name": TEST.name, "function": "patches", "options": TEST_OPTIONS}
    assert card["recipe"]["epochs"] == 3
    assert Recipe(**card["recipe"]) == Recipe(epochs=3)
    assert card["parameters"] == sum(p.numel() for p in network().parameters())
    assert card["multiply_adds"] > card["parameters"]
    assert (card["correct"], card["count"]) == (result.correct, 88)
    assert card["interval"][0] < card["accuracy"] == result.accuracy < card["interval"][1]
    for key in ("licence", "command", "machine", "cpu_seconds", "seed", "versions", "sha256"):
        assert card[key] or card[key] == 0, key
    assert str(made) not in (made / "tiny.json").read_text("utf-8")


def test_underscores_and_capitals_may_be_written():
    assert load("Colour_GoogLeNet").card["name"] == "colour-googlenet"


@pytest.mark.parametrize("name", ["minigooglenet", "../tiny", "", None])
def test_names_that_there_are_not(made, name):
    with pytest.raises(ValueError, match="there are tiny"):
        load(name, folder=made)
    with pytest.raises(ValueError, match="googlenet"):
        load(name or "nothing")


def test_create_takes_the_file(made):
    path = made / "tiny.safetensors"
    model = create("micro_googlenet", weights=path, num_classes=11)
    assert all(
        torch.equal(value, load_file(path)[key]) for key, value in model.state_dict().items()
    )


def test_files_are_read_where_the_book_sees_it(made, monkeypatch):
    """The book's cache notes what a chapter reads through pathlib."""
    seen, read = [], Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        seen.append(path.name)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    monkeypatch.setattr("safetensors.torch.load_file", lambda *args, **options: 1 / 0)
    load("tiny", folder=made)
    assert sorted(seen) == ["tiny.json", "tiny.safetensors"]


# Damage


DAMAGES = {
    "cut short": lambda content: content[:-100],
    "empty": lambda content: b"",
    "one bit": lambda content: content[:-5] + bytes([content[-5] ^ 1]) + content[-4:],
    "removed": None,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_weights_are_refused(folder, damage):
    file = "tiny.safetensors"
    if change := DAMAGES[damage]:
        (folder / file).write_bytes(change((folder / file).read_bytes()))
    else:
        (folder / file).unlink()
    with pytest.raises(DamagedFileError, match=f"{file}.*save the network again") as caught:
        load("tiny", folder=folder)
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_checkpoint_without_its_card_is_not_there(folder):
    (folder / "tiny.json").unlink()
    with pytest.raises(ValueError, match="there are none"):
        load("tiny", folder=folder)


def test_the_package_s_own_files_are_installed_again(folder, monkeypatch):
    monkeypatch.setattr("utils.pretrained.shipped.CHECKPOINTS", folder)
    (folder / "tiny.safetensors").unlink()
    with pytest.raises(DamagedFileError, match="install the package again"):
        load("tiny")


@pytest.mark.parametrize(
    "change",
    [
        *(b"{", b"[]"),
        {"name": "other"},
        {"sha256": 64 * "0"},
        {"mean": 0.5},
        {"options": {"num_classes": 12, "in_channels": 3}},
        {"network": "nothing"},
    ],
)
def test_a_card_that_is_none_or_does_not_fit(folder, change):
    path = folder / "tiny.json"
    if isinstance(change, dict):
        change = json.dumps(json.loads(path.read_text("utf-8")) | change).encode()
    path.write_bytes(change)
    with pytest.raises(DamagedFileError, match=r"tiny.*save the network again") as caught:
        load("tiny", folder=folder)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_full_disk_leaves_the_old_checkpoint(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    left = [None]

    def fsync(_):
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        left.pop()

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(OSError, match="No space"):
        save_tiny(folder, seed=1)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("after", [0, 1, 2])
def test_stopped_while_it_writes(folder, monkeypatch, after):
    """The old checkpoint is whole, or refused; never half of one and half of another."""
    done, replace_ = [], Path.replace

    def stopped(path: Path, target: Path) -> Path:
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(target)
        return replace_(path, target)

    monkeypatch.setattr(Path, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        save_tiny(folder, seed=1)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    if after == 0:
        wanted = network(seed=0).state_dict()
        found = load("tiny", folder=folder).model.state_dict()
        assert all(torch.equal(found[key], wanted[key]) for key in wanted)
    else:
        with pytest.raises(DamagedFileError, match="is not the file that its card describes"):
            load("tiny", folder=folder)


NOT_THIS = "result must be that of this network on all"
REFUSED = {
    "a name with a path": (
        lambda: {"name": "../esc"},
        r"name of a checkpoint must be .*'\.\./esc'",
    ),
    "another network": (lambda: {"network": "mini_googlenet"}, "another network's weights"),
    "no scores": (lambda: {"result": replace(answers(), logits=None)}, NOT_THIS),
    "another network's result": (lambda: {"result": answers(seed=1)}, NOT_THIS),
    "not a number": (
        lambda: {"result": replace(answers(), logits=answers().logits * math.nan)},
        NOT_THIS,
    ),
    "other images": (lambda: {"test_options": {"count": 88, "size": 28, "seed": 1}}, NOT_THIS),
    "what JSON has no words for": (lambda: {"cpu_seconds": math.nan}, "not JSON compliant"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_save_does_not_take(folder, what):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    changes, says = REFUSED[what]
    with pytest.raises(ValueError, match=says):
        save_tiny(folder, **changes())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


# Preprocessing


def test_images_are_normalised():
    prepare = Normalisation(size=(28, 28), mean=TRAINING.mean, std=TRAINING.std)
    x = prepare(TRAINING.images)
    torch.testing.assert_close(x.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std((0, 2, 3), correction=0), torch.ones(3))
    picture = to_tensor(photograph("cat"))
    assert prepare(picture, any_size=True).shape == picture.shape
