"""Fashion-MNIST: grey pictures of clothes, 28 by 28, in ten classes of equal size."""

from http.client import HTTPException
from os import PathLike
from pathlib import Path

import torch

from ..support.checks import one_of
from ..support.downloads import patiently
from .idx import read_idx
from .labelled import LabelledImages

FASHION_CLASSES: tuple[str, ...] = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

#: What ships with the package: all test images, and as many for training.
SHIPPED = Path(__file__).parents[1] / "assets" / "fashion_mnist"

#: Where Debian's package dataset-fashion-mnist puts the full set.
DEBIAN = Path("/usr/share/datasets/fashion-mnist")

_PREFIX = {"train": "train", "test": "t10k"}


class DataUnavailableError(RuntimeError):
    """Data that do not ship with the package are not on this machine, and cannot be fetched."""


def fashion_mnist(
    split: str = "train", *, source: str | PathLike[str] = "shipped"
) -> LabelledImages:
    """Load the training or test images of Fashion-MNIST (Xiao, Rasul, Vollgraf 2017).

    Parameters
    ----------
    split : "train" or "test"
    source : "shipped", "full" or a folder
        "shipped" needs no network: all 10,000 test images, and the first 1,000 training images of
        each class, 10,000 of 60,000. "full" is the whole set, of Debian's package
        dataset-fashion-mnist where that is installed, else downloaded by torchvision into
        PyTorch's cache. A folder holds the set's own four files, gzipped or not, or is one that
        torchvision filled; give a folder named like the other two as a Path.

    Returns
    -------
    LabelledImages
        images (N, 1, 28, 28) uint8, dark background; labels (N,) int64; `FASHION_CLASSES`.

    Raises
    ------
    ValueError
        An unknown split; files that are damaged, of another format or do not fit together.
    FileNotFoundError
        The folder, or the files in it, are not there.
    DataUnavailableError
        "full" is neither on this machine nor to be had from the network; the message says what
        can be done.
    """
    one_of(split, tuple(_PREFIX), "split")
    if source == "shipped":
        folder = SHIPPED
    elif source == "full":
        folder = DEBIAN if DEBIAN.is_dir() else _downloaded()
    else:
        folder = Path(source).expanduser()
    images_file = _find(folder, f"{_PREFIX[split]}-images-idx3-ubyte")
    labels_file = _find(folder, f"{_PREFIX[split]}-labels-idx1-ubyte")
    images, labels = read_idx(images_file), read_idx(labels_file)
    fit = images.shape[1:] == (28, 28) and labels.shape == images.shape[:1]
    if not fit or labels.max(initial=0) >= len(FASHION_CLASSES):
        raise ValueError(
            f"{images_file} should hold N x 28 x 28 images, and {labels_file} N labels from 0 to "
            f"9; they hold {' x '.join(map(str, images.shape))} and "
            f"{' x '.join(map(str, labels.shape))}, to {labels.max(initial=0)}: not of this set."
        )
    part = "test" if split == "test" else "training, shipped" if folder == SHIPPED else "training"
    return LabelledImages(
        torch.from_numpy(images)[:, None],
        torch.from_numpy(labels).long(),
        FASHION_CLASSES,
        f"Fashion-MNIST, {part}",
    )


def _find(folder: Path, name: str) -> Path:
    """Return the file of that name, gzipped or not, in a folder or where torchvision puts it."""
    if not folder.is_dir():
        kind = "a file" if folder.is_file() else "not there"
        raise FileNotFoundError(
            f'source must be "shipped", "full" or a folder with the files of Fashion-MNIST; '
            f"{str(folder)!r} is {kind}."
        )
    places = (folder, folder / "raw", folder / "FashionMNIST" / "raw")
    for path in (place / f"{name}{end}" for place in places for end in (".gz", "")):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{folder} does not hold {name}.gz, nor {name}, nor a folder FashionMNIST/raw with it. "
        "The four files of Fashion-MNIST come from https://github.com/zalandoresearch/"
        'fashion-mnist; source="shipped" needs none.'
    )


def _downloaded() -> Path:
    """Return torchvision's folder in PyTorch's cache, filled if it is not yet.

    Files are taken by their checksums, so that one that was cut short is fetched again.
    """
    # Only here: they take a second to import.
    from torchvision.datasets import FashionMNIST
    from torchvision.datasets.utils import download_url

    root = Path(torch.hub.get_dir()).parent / "datasets"
    try:
        with patiently():
            for name, md5 in FashionMNIST.resources:
                folder = root / "FashionMNIST" / "raw"
                download_url(f"{FashionMNIST.mirrors[0]}{name}", folder, name, md5)
    except (OSError, RuntimeError, HTTPException) as error:
        reason = " ".join(str(error).split())
        raise DataUnavailableError(
            f"the full Fashion-MNIST is not on this machine and cannot be downloaded ({reason}). "
            "Three ways on: connect to the internet, and torchvision fetches it into "
            f"{root}; or install Debian's package dataset-fashion-mnist; or give the folder "
            "that holds its four files, as in "
            'fashion_mnist("train", source="/home/me/fashion-mnist"). Without any of them, '
            'source="shipped" has 10,000 of the 60,000 training images and all test images.'
        ) from error
    return root
