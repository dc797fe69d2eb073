"""Training on pictures in folders, by the command and by what it is made of."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from test_training import QUICK, same
from torch import nn
from torchvision.transforms.v2 import functional

from utils.data import ImageError, image_folder, load_image
from utils.pretrained import DamagedFileError, create, load
from utils.training import Recipe, evaluate, folders
from utils.training.checkpoint import read
from utils.training.folders import IMAGENET, FolderBatches, FolderTestBatches
from utils.training.machine import here

ROOT = Path(__file__).parents[2]
COMMAND = ROOT / "experiments" / "train_imagenet.py"
ARGUMENTS = [
    *("--network", "micro_googlenet", "--size", "16", "--epochs", "2", "--batch-size", "4"),
    *("--device", "cpu", "--precision", "float32", "--peak-rate", "0.05", "--distort"),
]
COLOURS = {"blue": (40, 60, 200), "green": (50, 180, 60), "red": (200, 50, 40)}


def make_pictures(folder: Path) -> Path:
    """A dozen pictures to train on and six to test on, 40 to 80 px, of all shapes and kinds."""
    random = np.random.default_rng(0)
    for part, count in (("train", 4), ("val", 2)):
        for name, colour in COLOURS.items():
            (folder / part / name).mkdir(parents=True)
            for i in range(count):
                height, width = random.integers(40, 81, size=2)
                noise = random.integers(-40, 41, size=(height, width, 3))
                picture = Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8))
                end = "jpg" if i % 2 else "png"
                picture.save(folder / part / name / f"{i}.{end}")
    return folder


@pytest.fixture
def pictures(tmp_path) -> Path:
    return make_pictures(tmp_path / "pictures")


@pytest.fixture
def train_imagenet(monkeypatch):
    monkeypatch.syspath_prepend(COMMAND.parent)
    import train_imagenet

    return train_imagenet


RECIPE = replace(QUICK, batch_size=4)


def everything(batches: FolderBatches, epoch: int, **where) -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = zip(*batches.epoch(epoch, **where), strict=True)
    return torch.stack(images), torch.stack(labels)


def test_batches(pictures):
    state = torch.get_rng_state()
    batches = FolderBatches(pictures / "train", RECIPE, size=24)
    assert batches.classes == ("blue", "green", "red")
    assert len(batches) == 3
    images, labels = everything(batches, 0)
    assert images.shape == (3, 4, 3, 24, 24)
    assert images.dtype == torch.float32
    assert sorted(labels.flatten().tolist()) == 4 * [0] + 4 * [1] + 4 * [2]
    mean, std = (torch.tensor(value)[:, None, None] for value in IMAGENET)
    strongest = (images * std + mean).mean(dim=(3, 4)).argmax(2)  # red, green or blue
    assert torch.equal(strongest, 2 - labels)
    again, _ = everything(FolderBatches(pictures / "train", RECIPE, size=24), 0, start=1)
    assert torch.equal(again, images[1:])
    halves = [everything(batches, 0, rank=rank, world=2)[0] for rank in (0, 1)]
    assert torch.equal(torch.cat(halves, dim=1), images)
    assert not torch.equal(everything(batches, 1)[0], images)
    other = FolderBatches(pictures / "train", replace(RECIPE, seed=1), size=24)
    assert not torch.equal(everything(other, 0)[0], images)
    distorted = FolderBatches(pictures / "train", RECIPE, size=24, distort=True)
    assert not torch.equal(everything(distorted, 0)[0], images)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_picture_is_cropped_anew_in_each_epoch(tmp_path):
    """One picture alone: what differs between epochs is not the order."""
    (tmp_path / "all" / "one").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "all" / "one" / "1.png")
    batches = FolderBatches(tmp_path / "all", replace(RECIPE, batch_size=1), size=24)
    first, second = (everything(batches, epoch)[0] for epoch in (0, 1))
    assert not torch.equal(first, second)


def test_crops_are_the_papers(tmp_path):
    """Seen from inside: a picture whose pixels say where they are, 8% to 100%, 3/4 to 4/3."""
    (tmp_path / "one").mkdir()
    side = 200
    ramp = np.linspace(0, 255, side)
    place = np.stack([*np.meshgrid(ramp, ramp), np.zeros((side, side))], axis=-1)
    for i in range(60):
        Image.fromarray(place.astype(np.uint8)).save(tmp_path / "one" / f"{i}.png")
    recipe = replace(QUICK, batch_size=60)
    batches = FolderBatches(tmp_path, recipe, size=50, normalisation=(0.0, 1.0))
    images, _ = next(batches.epoch(0))
    # The outermost pixels lie half a pixel inside the crop, of 50.
    width = (images[:, 0, :, 0] - images[:, 0, :, -1]).abs().mean(1) * 50 / 49
    height = (images[:, 1, 0] - images[:, 1, -1]).abs().mean(1) * 50 / 49
    area, ratio = width * height, width / height
    assert 0.07 < area.min() < 0.2
    assert 0.8 < area.max() < 1.03
    assert 0.72 < ratio.min() < 0.85
    assert 1.2 < ratio.max() < 1.4
    mirrored = (images[:, 0, 0, 0] > images[:, 0, 0, -1]).sum()
    assert 15 < mirrored < 45
    assert len(images.flatten(1).unique(dim=0)) == 60


def test_distortions_are_of_brightness_contrast_and_saturation(tmp_path, monkeypatch):
    """Each times 0.5 to 1.5: told apart by two greys and a colour as bright as their mean."""
    (tmp_path / "one").mkdir()
    colours = np.uint8([[[40] * 3, [110] * 3, [110, 70, 28]]])
    for i in range(60):
        Image.fromarray(colours).save(tmp_path / "one" / f"{i}.png")
    monkeypatch.setattr(folders.transforms, "RandomResizedCrop", lambda *_, **__: nn.Identity())
    recipe = replace(QUICK, batch_size=60, flip=False)
    batches = FolderBatches(tmp_path, recipe, size=3, distort=True, normalisation=(0.0, 1.0))
    images, _ = next(batches.epoch(0))
    dark, light, colour = (255 * images[:, :, 0]).unbind(2)  # (60, 3) each
    assert (dark.std(1).max(), light.std(1).max()) == (0, 0)
    brightness = (dark + light)[:, 0] / 150
    contrast = (light - dark)[:, 0] / 70 / brightness
    saturation = (colour[:, 0] - colour[:, 2]) / 82 / contrast / brightness
    for factor in (brightness, contrast, saturation):
        assert 0.4 < factor.min() < 0.65
        assert 1.35 < factor.max() < 1.6


def test_test_batches(pictures):
    test = FolderTestBatches(pictures / "val", size=14, batch_size=4)
    images, labels = zip(*test.all(), strict=True)
    assert [len(part) for part in labels] == [4, 2]
    assert images[0].shape == (4, 3, 14, 14)
    assert torch.cat(labels).tolist() == [0, 0, 1, 1, 2, 2]
    (second,) = [labels for _, labels in test.all(rank=1, world=2)]
    assert second.tolist() == [2, 2]
    path = pictures / "val" / "blue" / "0.png"
    with Image.open(path) as picture:
        scale = 16 / min(picture.size)
        resized = picture.resize([round(side * scale) for side in picture.size], Image.BILINEAR)
    left, top = ((side - 14) // 2 for side in resized.size)
    wanted = torch.from_numpy(np.array(resized.crop((left, top, left + 14, top + 14)))) / 255
    mean, std = (torch.tensor(value) for value in IMAGENET)
    close = ((wanted - mean) / std).permute(2, 0, 1) - images[0][0]
    assert close.abs().mean() < 0.1
    model = create("micro_googlenet", num_classes=3)
    result = evaluate(model, test, logits=True)
    assert result.logits.shape == (6, 3)


def test_the_middle_is_seven_eighths_of_the_shorter_side(tmp_path):
    (tmp_path / "one").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (80, 96, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "one" / "1.png")
    test = FolderTestBatches(tmp_path, size=70, normalisation=(0.0, 1.0))
    ((images, _),) = test.all()
    wanted = torch.from_numpy(noise[5:75, 13:83]).permute(2, 0, 1) / 255
    torch.testing.assert_close(images[0], wanted)


def test_a_thin_picture_does_not_fill_the_memory(pictures, monkeypatch):
    Image.new("L", (30_000, 1)).save(pictures / "val" / "red" / "9.png")
    sizes = []
    resize = functional.resize

    def watched(picture, *args, **options):
        sizes.append(picture.shape)
        return resize(picture, *args, **options)

    monkeypatch.setattr(functional, "resize", watched)
    ((images, _),) = FolderTestBatches(pictures / "val", size=14).all()
    assert images.shape == (7, 3, 14, 14)
    assert image_folder(pictures / "val", size=14).images.shape == (7, 3, 14, 14)
    assert len(sizes) == 14
    assert all(height == width for _, height, width in sizes)


def test_description_knows_the_pictures(pictures):
    def described(**options):
        return FolderBatches(pictures / "train", RECIPE, **{"size": 24} | options).description

    first = described()
    assert described() == first
    assert described(size=25) != first
    assert described(distort=True) != first
    (pictures / "train" / "red" / "0.png").rename(pictures / "train" / "red" / "7.png")
    assert described() != first


def test_bad_folders(pictures):
    folder = pictures / "train"
    for place, batch, says in (
        ("nowhere", 4, "nowhere' is not there"),
        ("train", 20, "20 pictures cannot be taken from the 12 in"),
    ):
        with pytest.raises((FileNotFoundError, ValueError), match=says):
            FolderBatches(pictures / place, replace(RECIPE, batch_size=batch), size=24)
    (folder / "red" / "0.png").write_bytes(b"no picture")
    for workers in (0, 1):
        with pytest.raises(ImageError, match=r"^.*red.0\.png is no picture") as caught:
            everything(FolderBatches(folder, RECIPE, size=24, workers=workers), 0)
        assert "Traceback" not in str(caught.value)


def test_the_commands_mistakes(train_imagenet, pictures, capsys):
    """A sentence each."""
    calls = {
        (str(pictures / "val"),): "error: there is no folder 'train' in '.*val': DATA must hold",
        (str(pictures), "--size", "0"): "expected a whole number from 1, got '0'",
        (str(pictures), "--network", "resnet"): "invalid choice: 'resnet'",
        (str(pictures), "--peak-rate", "-1"): "error: --peak-rate must be a number of at least 0",
        (str(pictures), "--batch-size", "13"): "13 pictures cannot be taken from the 12",
        (): "the following arguments are required: DATA",
        (str(pictures), *ARGUMENTS, "--device", "foo"): "error: there is no device 'foo' that",
        (str(pictures), *ARGUMENTS, "--device", "meta"): "error: there is no device 'meta' that",
    }
    for given, says in calls.items():
        with pytest.raises(SystemExit) as ended:
            train_imagenet.end(
                lambda given=given: train_imagenet.main([*given, "--workers", "0"]),
                train_imagenet.say,
            )
        message = f"{ended.value.code}\n{capsys.readouterr().err}"
        assert re.search(says, message), message
        assert len(message.splitlines()) <= 2
    (pictures / "val" / "red").rename(pictures / "val" / "reed")
    with pytest.raises(ValueError, match=r"other classes .*: number 2 is 'reed' instead of 'red'"):
        train_imagenet.main([str(pictures), *ARGUMENTS, "--workers", "0"])


@pytest.fixture
def refused(train_imagenet):
    """What the command says when it ends with an error."""

    def message(*given: str) -> str:
        with pytest.raises(SystemExit) as ended:
            train_imagenet.end(lambda: train_imagenet.main([*given]), train_imagenet.say)
        return ended.value.code

    return message


WAYS_OUT = {
    "--network googlenet": (r"heads \(--no-aux\), or", "--network googlenet --no-aux"),
    "--network googlenet ": (
        r"or with --network googlenet_torchvision\.",
        "--network googlenet_torchvision",
    ),
    "--network inception_v3 --size 96": (
        r"without the head \(--no-aux\)",
        "--network inception_v3 --size 96 --no-aux",
    ),
    "--network googlenet_bn --no-aux --size 8": (
        "a larger --size, or --network mini_googlenet",
        "--network mini_googlenet --size 8",
    ),
    "--network micro_googlenet --peak-rate 1e30": (
        r"A lower --peak-rate \(it is 1e\+30\), a longer warmup or",
        "--network micro_googlenet --peak-rate 0.1",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("failing", WAYS_OUT)
def test_ways_out_are_options_and_lead_out(train_imagenet, refused, pictures, tmp_path, failing):
    """What fails before its first step is done as the message says, without deleting anything."""
    says, way = WAYS_OUT[failing]
    place = ["--checkpoint", str(tmp_path / "run"), "--workers", "0", "--device", "cpu"]
    usual = [str(pictures), *place, "--size", "32", "--batch-size", "4", "--max-images", "8"]
    assert re.search(says, refused(*usual, *failing.split()))
    train_imagenet.main([*usual, *way.split()])


def test_changes_on_the_way(train_imagenet, refused, pictures, tmp_path, capsys):
    """A picture that is damaged, and gone; then another, a larger size, more epochs."""
    place = ["--checkpoint", str(tmp_path / "run"), "--workers", "0", "--device", "cpu"]
    usual = [str(pictures), *place, *ARGUMENTS[:4], "--batch-size", "4", "--epochs", "1"]
    (pictures / "train" / "red" / "0.png").write_bytes(b"no picture")
    assert "0.png is no picture" in refused(*usual)
    (pictures / "train" / "red" / "0.png").unlink()
    train_imagenet.main(usual)
    assert "another training, without a step: replaced" in capsys.readouterr().out
    message = refused(*usual, "--label-smoothing", "0")
    assert "--label-smoothing was 0.1, is 0.0. Ask for more, with --epochs or --max-imag" in message
    message = refused(*usual, "--seed", "1")
    assert "--seed was 0, is 1. Go back to what it was, name another place with --check" in message
    train_imagenet.main([*usual, "--label-smoothing", "0", "--epochs", "2"])
    (pictures / "train" / "red" / "1.jpg").unlink()
    train_imagenet.main([*usual, "--epochs", "3", "--size", "24", "--batch-size", "5"])
    assert re.search("going on after step 4, .* was", capsys.readouterr().out)


def test_weights_know_their_classes(train_imagenet, pictures, tmp_path):
    """And the network that they are of, and what pictures go through before."""
    place = ["--checkpoint", str(tmp_path / "run.safetensors"), "--workers", "0"]
    train_imagenet.main([str(pictures), *ARGUMENTS, *place, "--size", "21"])
    file = tmp_path / "run.weights.safetensors"
    trained = load(file)
    assert trained.classes == ("blue", "green", "red")
    assert not trained.model.training
    assert same(trained.model.state_dict(), load_file(file))
    path = pictures / "val" / "blue" / "0.png"
    image = torch.from_numpy(load_image(path)).permute(2, 0, 1)[None] / 255
    mine = trained.preprocessing(image)
    ((images, _),) = FolderTestBatches(pictures / "val", size=21).all()
    assert (mine[0] - images[0]).abs().mean() < 0.2 < images[0].std()
    bare = tmp_path / "bare.safetensors"
    save_file(load_file(file), bare)
    with pytest.raises(ValueError, match=r"does not say of which network .* create\(NETWORK, "):
        load(bare)
    create("micro_googlenet", weights=bare, num_classes=3)  # as it says
    bare.write_bytes(b"nothing")
    with pytest.raises(DamagedFileError, match="holds no weights"):
        load(bare)
    with pytest.raises(ValueError, match="there is no file"):
        load(tmp_path / "none.safetensors")


class Reached(Exception):  # noqa: N818
    """Where the training would begin."""


def test_every_option_arrives(train_imagenet, tmp_path, monkeypatch):
    """In the recipe, the network, the pictures or the training."""
    seen = {}

    def folder(path, recipe=None, **options):
        seen[path.name] = options
        seen["recipe"] = recipe or seen["recipe"]
        return SimpleNamespace(classes=("a", "b"))

    def create(name, **options):
        seen["network"] = name, options

    def train(*_, **options):
        seen["training"] = options
        raise Reached

    for name, stand_in in {"create": create, "train": train}.items():
        monkeypatch.setattr(train_imagenet, name, stand_in)
    for name in ("FolderBatches", "FolderTestBatches"):
        monkeypatch.setattr(train_imagenet, name, folder)
    for name in ("train", "val"):
        (tmp_path / name).mkdir()

    given = {
        "epochs": 3, "batch_size": 5, "peak_rate": 0.25, "warmup": 0.125, "schedule": "constant",
        "weight_decay": 0.5, "label_smoothing": 0.0625, "aux_weight": 0.75,
        "precision": "bfloat16", "seed": 7, "max_images": 11,
    }  # fmt: skip
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    elsewhere = ["--size=32", "--workers=1", "--save-every-steps=9", "--device=cpu", "--distort"]
    state = tmp_path / "state.safetensors"
    with pytest.raises(Reached):
        train_imagenet.main([str(tmp_path), f"--checkpoint={state}", *flags, *elsewhere])
    assert seen == {
        "train": {"size": 32, "distort": True, "workers": 1},
        "val": {"size": 32, "workers": 1},
        "recipe": Recipe(crop=0, **given),
        "network": ("googlenet_bn", {"num_classes": 2}),
        "training": {"checkpoint": state, "save_every_steps": 9, "device": "cpu"},
    }
    for network, heads in {"googlenet": {"aux_heads": False}, "mini_googlenet": {}}.items():
        with pytest.raises(Reached):
            train_imagenet.main([str(tmp_path), "--network", network, "--no-aux"])
        assert seen["network"] == (network, {"num_classes": 2} | heads)


def test_devices_that_are_there(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    monkeypatch.setattr(
        torch.accelerator, "current_accelerator", lambda **_: torch.device("cuda")
    )  # as on a machine with two
    monkeypatch.setenv("LOCAL_RANK", "1")
    for given in (None, "cuda", "cuda:1"):
        assert here(given).device == torch.device("cuda", 1)
    assert here("cpu").device == torch.device("cpu")
    for given in ("cuda:2", "mps"):
        with pytest.raises(ValueError, match=f"'{given}' .* there are cpu, cuda:0, cuda:1"):
            here(given)


def test_help(train_imagenet, capsys):
    with pytest.raises(SystemExit):
        train_imagenet.options(["--help"])
    text = capsys.readouterr().out
    assert "torchrun --standalone" in text
    assert "micro_googlenet" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.slow
def test_end_to_end(train_imagenet, pictures, tmp_path, capsys):
    """Trained alone; killed in a process of its own, resumed here with other workers: the same."""

    def arguments(name: str, workers: int) -> list[str]:
        place = ["--checkpoint", str(tmp_path / f"run.{name}"), "--save-every-steps", "1"]
        return [str(pictures), *ARGUMENTS, *place, "--workers", str(workers)]

    train_imagenet.main(arguments("alone", 0))
    assert "epoch 2/2" in capsys.readouterr().out

    checkpoint = tmp_path / "run.killed"
    process = subprocess.Popen(
        [sys.executable, COMMAND, *arguments("killed", 1)],
        env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    # The file is there from the start: wait for the first step.
    while process.poll() is None and (
        not checkpoint.exists() or read(checkpoint)[1]["progress"]["step"] == 0
    ):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, output
    train_imagenet.main(arguments("killed", 0))
    assert "going on after step" in capsys.readouterr().out
    tables = [pd.read_csv(tmp_path / f"run.{name}.csv") for name in ("alone", "killed")]
    plain = [table.drop(columns=["seconds", "cpu_seconds"]) for table in tables]
    pd.testing.assert_frame_equal(*plain, check_exact=True)
    assert list(plain[0].images) == [12, 24]
    files = [tmp_path / f"run.{name}.weights.safetensors" for name in ("alone", "killed")]
    assert same(*map(load_file, files))
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    assert digests[0] == digests[1]
    model = create("micro_googlenet", num_classes=3, weights=files[0])
    test = FolderTestBatches(pictures / "val", size=16)
    assert evaluate(model, test).accuracy == tables[0].test_accuracy.iloc[-1]
