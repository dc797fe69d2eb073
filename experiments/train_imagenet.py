r"""Train a network of this package on ImageNet, or on any pictures sorted into folders.

DATA holds `train` and `val`, each with one folder a class, as torchvision's ImageFolder wants them.
Stopped or killed, the same command goes on from the checkpoint, bit for bit; with more --epochs, a
lower --peak-rate or other pictures it goes on, too, and says so. The end writes beside it the
weights, with the names of the classes, for utils.load(FILE), and the history as a table.

    .venv/bin/python experiments/train_imagenet.py DATA --network googlenet_bn
    .venv/bin/torchrun --standalone --nproc_per_node=8 experiments/train_imagenet.py DATA
    .venv/bin/torchrun --nnodes=2 --nproc_per_node=8 --rdzv_backend=c10d \
        --rdzv_endpoint=HOST:29500 experiments/train_imagenet.py DATA

The first uses one accelerator, if there is one; the second all eight of a machine; the third, run
on each, those of two machines. A batch is shared among them all; batch normalisation sees each
one's share. The crops are those that GoogLeNet's paper found good; the other defaults are this
course's, a place to start from: they have not been run on ImageNet.
"""

import argparse
import os
import re
import sys
from dataclasses import fields
from pathlib import Path

# First: it makes `utils` be found.
from commands import MOST_THREADS, WORK, Parser, end, whole

# isort: split
import torch

from utils.pretrained import ENTRIES, Preprocessing, create, save_weights
from utils.support.atomic import write_whole
from utils.training import Recipe, train
from utils.training.folders import FolderBatches, FolderTestBatches
from utils.training.machine import here


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def options(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    usual = Recipe(epochs=90, batch_size=256, peak_rate=0.2, warmup=0.1, weight_decay=1e-4)
    parser = Parser(__doc__)
    add = parser.add_argument
    # fmt: off
    add("data", type=Path, metavar="DATA", help="the folder that holds train and val")
    add("--network", choices=ENTRIES, default="googlenet_bn", metavar="NAME",
        help=f"one of {', '.join(ENTRIES)} (%(default)s)")
    add("--size", type=whole(1), metavar="PX", help="of the crops (by default the network's own)")
    add("--no-aux", action="store_true", help="leave out the network's auxiliary heads, if any")
    add("--epochs", type=whole(1), metavar="N", default=usual.epochs, help="(%(default)s)")
    add("--batch-size", type=whole(1), metavar="N", default=usual.batch_size,
        help="pictures a step, in all processes together (%(default)s)")
    add("--peak-rate", type=float, metavar="X", default=usual.peak_rate,
        help="of learning; much lower without batch normalisation (%(default)s)")
    add("--warmup", type=float, metavar="X", default=usual.warmup,
        help="fraction of the steps in which the rate rises (%(default)s)")
    add("--schedule", choices=("one-cycle", "constant"), default=usual.schedule,
        help="(%(default)s)")
    add("--weight-decay", type=float, metavar="X", default=usual.weight_decay,
        help="(%(default)s)")
    add("--label-smoothing", type=float, metavar="X", default=usual.label_smoothing,
        help="(%(default)s)")
    add("--aux-weight", type=float, metavar="X", default=usual.aux_weight,
        help="of each auxiliary head's loss (%(default)s)")
    add("--distort", action="store_true",
        help="change brightness, contrast and saturation at random")
    add("--precision", choices=("auto", "float32", "bfloat16"), default=usual.precision,
        help="auto is bfloat16 where that is quick (%(default)s)")
    add("--seed", type=whole(0), metavar="N", default=usual.seed, help="(%(default)s)")
    add("--max-images", type=whole(1), metavar="N",
        help="stop, and end the schedule, after so many")
    add("--workers", type=whole(0, MOST_THREADS), metavar="N", default=min(8, cores()),
        help="processes that read pictures, for each that trains (8, or as many as there are "
             "cores: %(default)s)")
    add("--device", metavar="NAME", help="as in cpu (by default an accelerator, if there is one)")
    add("--checkpoint", type=Path, metavar="FILE",
        help="(by default work/training/imagenet-NETWORK-seedN.safetensors)")
    add("--save-every-steps", type=whole(1), metavar="N", default=1000,
        help="besides the end of every epoch (%(default)s)")
    # fmt: on
    return parser.parse_args(given)


# Advice of the package that this command words otherwise.
_WORDS = {
    "aux_heads=False": "--no-aux",
    'heads that pool adaptively (aux_pool="adaptive")': "--network googlenet_torchvision",
    "enlarge them, or take mini_googlenet": "a larger --size, or --network mini_googlenet",
}


def say(error: BaseException) -> str:
    """Word an error as this command is called: "peak_rate" and "epochs=" are options here."""
    text = str(error)
    for words, option in _WORDS.items():
        text = text.replace(words, option)

    def named(found: re.Match) -> str:
        plain = found[0] == found[1] and "_" not in found[1]  # a word like others
        return found[0] if plain else f"--{found[1].replace('_', '-')}"

    names = "|".join(vars(options(["DATA"])))
    return re.sub(rf"(?<![\w/-])(?:recipe\.|data\.)?\b({names})\b(?!=')=?", named, text)


def main(given: list[str] | None = None) -> None:
    """Train, and write the network's weights and the history beside the checkpoint."""
    chosen = options(given)
    chosen.data = chosen.data.expanduser()
    for part in ("train", "val"):
        if not (chosen.data / part).is_dir():
            raise FileNotFoundError(
                f"there is no folder {part!r} in {str(chosen.data)!r}: DATA must hold train and "
                "val, each with a folder of pictures for each class."
            )
    settings = {field.name for field in fields(Recipe)} & vars(chosen).keys()
    recipe = Recipe(crop=0, **{name: getattr(chosen, name) for name in settings})
    entry = ENTRIES[chosen.network]
    size = chosen.size or entry.size
    batches = FolderBatches(
        chosen.data / "train", recipe, size=size, distort=chosen.distort, workers=chosen.workers
    )
    test = FolderTestBatches(chosen.data / "val", size=size, workers=chosen.workers)

    torch.manual_seed(chosen.seed)
    heads = {"aux_heads": False} if chosen.no_aux and entry.aux else {}
    built = {"num_classes": len(batches.classes)} | heads
    model = create(chosen.network, **built)
    name = f"imagenet-{chosen.network}-seed{chosen.seed}.safetensors"
    checkpoint = (chosen.checkpoint or WORK / name).expanduser()
    beside = checkpoint.name.removesuffix(".safetensors")
    history = train(
        model,
        batches,
        test,
        checkpoint=checkpoint,
        save_every_steps=chosen.save_every_steps,
        device=chosen.device,
    )
    if here(chosen.device).rank == 0:
        to = checkpoint.with_name(f"{beside}.weights.safetensors")
        mean, std = test.normalisation
        seen = Preprocessing(
            resize=round(size * 8 / 7), crop=size, mean=mean, std=std, interpolation="bilinear"
        )  # what the pictures in `val` went through
        save_weights(
            to, model, network=chosen.network, options=built, classes=batches.classes,
            preprocessing=seen,
        )  # fmt: skip
        table = history.to_csv(index=False).encode()
        write_whole(checkpoint.with_name(f"{beside}.csv"), table)
        sys.stdout.write(f"weights in {to}, history beside them\n")


if __name__ == "__main__":
    end(main, say)
