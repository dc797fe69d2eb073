"""Two processes under PyTorch's own ``torchrun`` train as one does on the joined batch."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from joined import FIRST, RECIPE, network
from safetensors.torch import load_file
from test_train_imagenet import ARGUMENTS, make_pictures
from test_training import same, silent, stripes, without_clocks

from utils.pretrained import create
from utils.training import train

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> tuple[Path, str]:
    """The folder that two processes wrote to, and what they said."""
    folder = tmp_path_factory.mktemp("together")
    make_pictures(folder / "pictures")
    place = ["--checkpoint", str(folder / "imagenet.safetensors"), "--workers", "0"]
    (folder / "arguments").write_text(" ".join([*ARGUMENTS, *place]))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc_per_node=2", HERE / "joined.py", folder),
        ],
        env=os.environ | {
            "OMP_NUM_THREADS": "1",
            "GLOO_SOCKET_IFNAME": "lo",
            "PYTHONPATH": f"{HERE}:{HERE.parents[1]}",
        },
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def read(folder: Path, name: str, rank: int = 0) -> dict[str, torch.Tensor]:
    return load_file(folder / f"{name}-{rank}.after")


def distance(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    """The largest difference of any tensor, of that tensor's largest number."""
    assert set(first) == set(second)
    return max(
        ((first[key] - second[key]).abs().max() / second[key].abs().max().clamp_min(1e-30)).item()
        for key in first
    )


@pytest.mark.slow
def test_they_train_as_one(together):
    folder, _ = together
    alone = network()
    train(alone, stripes(), recipe=FIRST, report=silent)
    gradients = {key: value.grad for key, value in alone.named_parameters()}
    assert all(value.abs().max() > 1e-6 for value in gradients.values())
    for rank in (0, 1):
        assert distance(read(folder, "gradients", rank), gradients) < 1e-12
        assert distance(read(folder, "first", rank), alone.state_dict()) < 1e-12

    alone, before = network(), network().state_dict()
    history = train(alone, stripes(), stripes(30, seed=1), RECIPE, report=silent)
    weights = alone.state_dict()
    assert distance(before, weights) > 0.01
    for rank in (0, 1):
        assert distance(read(folder, "right", rank), weights) < 1e-12
        told = pd.read_csv(folder / f"right-{rank}.csv")
        pd.testing.assert_frame_equal(
            without_clocks(told), without_clocks(history), rtol=1e-12, check_exact=False
        )
    # What would be wrong is seen to be.
    for mutant in ("same share", "other moves", "added"):
        assert distance(read(folder, mutant), weights) > 1e-6, mutant


@pytest.mark.slow
def test_they_go_on_as_one(together):
    folder, _ = together
    for rank in (0, 1):
        assert same(read(folder, "right", rank), read(folder, "resumed", rank))
        right, resumed = (pd.read_csv(folder / f"{n}-{rank}.csv") for n in ("right", "resumed"))
        pd.testing.assert_frame_equal(
            without_clocks(right), without_clocks(resumed), check_exact=True
        )
    assert not same(read(folder, "dropout", 0), read(folder, "dropout", 1))
    assert same(read(folder, "statistics", 0), read(folder, "statistics", 1))
    assert read(folder, "statistics")["1.running_mean"].abs().max() > 0


@pytest.mark.slow
def test_the_first_alone_reports_and_writes(together):
    """Of the training that reported, and of the command on pictures in folders."""
    folder, output = together
    assert output.count("epoch 1/2: loss") == 2
    assert output.count("weights in") == 1
    history = pd.read_csv(folder / "imagenet.csv")
    assert list(history.images) == [12, 24]
    assert history.loss.notna().all()
    create("micro_googlenet", num_classes=3, weights=folder / "imagenet.weights.safetensors")
