"""What two processes do together: run by ``torchrun --nproc_per_node=2 joined.py FOLDER``.

Trains in several ways, right and wrong ones, and writes what comes out: FOLDER/NAME-RANK.after.
"""

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from test_training import QUICK, silent, stripes, tiny
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from utils.googlenet import micro_googlenet
from utils.training import Batches, evaluate, train
from utils.training.machine import here

RECIPE = replace(QUICK, max_images=64)  # 4 steps of 16 images, in 2 epochs
FIRST = replace(RECIPE, max_images=16)


def network() -> nn.Module:
    """Without batch normalisation and dropout, in float64: a sum may be split up exactly."""
    torch.manual_seed(0)
    return micro_googlenet(3, in_channels=1, norm=None).double()


class SameShare(Batches):
    """A mutant: every process takes the first one's images."""

    def epoch(self, number, start=0, rank=0, world=1):
        return super().epoch(number, start, 0, world)


class OtherMoves(Batches):
    """A mutant: every process draws its own augmentation."""

    def epoch(self, number, start=0, rank=0, world=1):
        other = Batches(self.data, replace(self.recipe, seed=self.recipe.seed + rank))
        return other.epoch(number, start, rank, world)


def added(parallel: DistributedDataParallel) -> DistributedDataParallel:
    """Make a mutant: gradients added up and not averaged."""
    for parameter in parallel.parameters():
        parameter.register_hook(lambda gradient: gradient * here("cpu").world)
    return parallel


def keep(folder: Path, name: str, model: nn.Module, *, gradients: bool = False) -> None:
    values = dict(model.named_parameters()) if gradients else model.state_dict()
    values = {k: (v.grad if gradients else v).detach().contiguous() for k, v in values.items()}
    save_file(values, folder / f"{name}-{here('cpu').rank}.after")


def main(folder: Path) -> None:
    def trained(name: str, data=None, recipe=RECIPE, **options) -> nn.Module:
        model = network()
        data = Batches(stripes(), recipe) if data is None else data
        history = train(model, data, stripes(30, seed=1), device="cpu", report=silent, **options)
        keep(folder, name, model)
        history.to_csv(folder / f"{name}-{here('cpu').rank}.csv", index=False)
        return model

    keep(folder, "gradients", trained("first", recipe=FIRST), gradients=True)
    model = trained("right", checkpoint=folder / "checkpoint", save_every_steps=1)
    told = evaluate(model, stripes(30, seed=1), normalisation=(0.3, 0.2), batch_size=7)
    all_of_it = evaluate(
        model, stripes(30, seed=1), normalisation=(0.3, 0.2), batch_size=7, logits=True
    )
    assert (told.correct, told.count) == (all_of_it.correct, all_of_it.count)
    assert abs(told.loss - all_of_it.loss) < 1e-12

    # Stopped after two of four steps, within an epoch; only the first process finds the file.
    class Stop(Exception):  # noqa: N818
        pass

    class Stopping(Batches):
        def epoch(self, number, start=0, rank=0, world=1):
            for i, batch in enumerate(super().epoch(number, start, rank, world), start):
                if (number, i) == (0, 2):
                    raise Stop
                yield batch

    name = "stopped" if here("cpu").rank == 0 else "not here"
    with suppress(Stop):
        trained("none", Stopping(stripes(), RECIPE), checkpoint=folder / name, save_every_steps=1)
    trained("resumed", checkpoint=folder / name)
    assert not (folder / "not here").exists()

    trained("same share", SameShare(stripes(), RECIPE))
    trained("other moves", OtherMoves(stripes(), RECIPE))
    original = DistributedDataParallel.__init__

    def adding(self, *args, **options):
        original(self, *args, **options)
        added(self)

    DistributedDataParallel.__init__ = adding
    trained("added")
    DistributedDataParallel.__init__ = original

    with pytest.raises(ValueError, match="15 images cannot be shared equally among 2"):
        train(network(), stripes(), recipe=replace(RECIPE, batch_size=15), device="cpu")

    # Dropout: each process leaves out units of its own.
    model, masks = nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.Dropout(0.5)), []
    model[2].register_forward_hook(lambda module, x, y: masks.append((y == 0).double()))
    train(model, stripes(), recipe=FIRST, device="cpu", report=silent)
    save_file({"mask": masks[0]}, folder / f"dropout-{here('cpu').rank}.after")

    # Batch normalisation: statistics of each one's own share, of which the first one's are kept.
    model = tiny()
    train(model, stripes(), recipe=RECIPE, device="cpu")  # the first process alone reports
    keep(folder, "statistics", model)

    sys.path.insert(0, str(Path(__file__).parents[2] / "experiments"))
    import train_imagenet

    train_imagenet.main([str(folder / "pictures"), *(folder / "arguments").read_text().split()])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
