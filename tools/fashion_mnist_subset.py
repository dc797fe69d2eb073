"""Make the part of Fashion-MNIST that ships with the package, from the full set.

    .venv/bin/python tools/fashion_mnist_subset.py [--source FOLDER] [--out FOLDER] [--per-class N]

All test images, and of the training images the first 1,000 of each class, in the order of the
set's own files, which is shuffled already. So no random numbers are needed: anyone with the full
set gets the same images, and on one machine the same bytes every time.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from utils.data.fashion import FASHION_CLASSES, SHIPPED, fashion_mnist  # noqa: E402
from utils.data.idx import idx_bytes  # noqa: E402
from utils.support.atomic import write_whole  # noqa: E402


def first_of_each_class(labels: np.ndarray, per_class: int) -> np.ndarray:
    """Return the positions of the first `per_class` images of each class, in rising order."""
    positions = [np.flatnonzero(labels == label)[:per_class] for label in range(10)]
    for name, found in zip(FASHION_CLASSES, positions, strict=True):
        if len(found) < per_class:
            raise SystemExit(
                f"error: {per_class} images of each class wanted, and there are only {len(found)} "
                f"of {name!r}. Give the full set, or a smaller --per-class."
            )
    return np.sort(np.concatenate(positions))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--source", default="full", help="a folder with the full set")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="where the four files go")
    parser.add_argument("--per-class", type=int, default=1000, help="training images of a class")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for split, prefix in (("train", "train"), ("test", "t10k")):
        data = fashion_mnist(split, source=options.source)
        images, labels = data.images[:, 0].numpy(), data.labels.numpy()
        if split == "train":
            chosen = first_of_each_class(labels, options.per_class)
            images, labels = images[chosen], labels[chosen]
        write_whole(options.out / f"{prefix}-images-idx3-ubyte.gz", idx_bytes(images))
        labels_file = options.out / f"{prefix}-labels-idx1-ubyte.gz"
        write_whole(labels_file, idx_bytes(labels.astype(np.uint8)))
        print(f"{split}: {len(labels):,} images")


if __name__ == "__main__":
    main()
