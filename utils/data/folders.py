"""A reader's own pictures, in one folder a class."""

import os
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

import torch

from ..support.checks import positive_int
from .labelled import LabelledImages
from .loading import load_image

# What torchvision would pass over in silence: read where that is possible, else refused by name.
_MORE = (".gif", ".jfif", ".jpe", ".pbm", ".pnm", ".avif", ".heic", ".heif", ".jp2", ".jxl", ".svg")


def image_folder(folder: str | PathLike[str], *, size: int = 64) -> LabelledImages:
    """Load pictures sorted into one folder a class, resized and cropped to one size.

    The convention is that of `torchvision.datasets.ImageFolder`: `folder/cat/1.jpg` is of class
    "cat", folders within `cat` belong to it, classes are in alphabetical order. Hidden files and
    folders are a program's own, and hold no pictures. All pictures are held in memory, so this is
    for hundreds or thousands of small ones.

    Parameters
    ----------
    folder : path
    size : int
        The middle square of each picture is resized to so many pixels, with antialiasing.

    Returns
    -------
    LabelledImages
        images (N, 3, size, size) uint8; labels (N,) int64; the folders' names as classes.

    Raises
    ------
    FileNotFoundError
        No such folder, no folders in it, or one of them without pictures.
    ImageError
        A picture that cannot be read; the message names it.
    """
    # Only here: torchvision takes a second to import.
    from torchvision.transforms.v2.functional import center_crop, resize

    size, folder = positive_int(size, "size"), Path(folder).expanduser()
    classes, samples = find_pictures(folder)
    images = torch.empty(len(samples), 3, size, size, dtype=torch.uint8)
    for image, (path, _) in zip(images, samples, strict=True):
        picture = torch.from_numpy(load_image(path)).permute(2, 0, 1)
        # Cut first: a picture of 30,000 x 1 pixels, resized, would fill the memory.
        middle = center_crop(picture, [min(picture.shape[1:])] * 2)
        image[:] = resize(middle, [size, size], antialias=True)
    labels = torch.tensor([label for _, label in samples], dtype=torch.int64)
    return LabelledImages(images, labels, classes, folder.resolve().name)


def find_pictures(folder: Path) -> tuple[tuple[str, ...], list[tuple[Path, int]]]:
    """Return the classes of a folder, and of each picture the path and the number of its class.

    Raises
    ------
    FileNotFoundError
        No such folder, no folders in it, or one of them without pictures.
    """
    # Only here: torchvision takes a second to import.
    from torchvision.datasets.folder import IMG_EXTENSIONS

    wanted = "one folder a class with pictures in it, as in cat/1.jpg and dog/1.jpg"
    if not folder.is_dir():
        kind = "a file" if folder.is_file() else "not there"
        raise FileNotFoundError(f"{str(folder)!r} is {kind}: give a folder that holds {wanted}.")
    # Hidden folders are a program's own (.ipynb_checkpoints), and hold no class.
    classes = sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    )
    if not classes:
        raise FileNotFoundError(f"{str(folder)!r} holds no folders; it should hold {wanted}.")
    endings = (*IMG_EXTENSIONS, *_MORE)
    samples = [
        (path, label)
        for label, name in enumerate(classes)
        for path in _files(folder / name)
        if path.name.lower().endswith(endings)
    ]
    filled = {label for _, label in samples}
    empty = [name for label, name in enumerate(classes) if label not in filled]
    if empty:
        raise FileNotFoundError(
            f"no pictures in {', '.join(repr(str(folder / name)) for name in empty)}: put some "
            f"there ({', '.join(endings)}), or remove the folder."
        )
    return tuple(classes), samples


def _files(top: Path) -> Iterator[Path]:
    """Yield the files in a folder and below it that are not hidden, in torchvision's order.

    Links are followed, but to no folder twice, and to none above: those have no end.
    """
    real = Path(os.path.realpath(top))
    seen = {real, *real.parents}

    def new(folder: Path) -> bool:
        before = len(seen)
        seen.add(Path(os.path.realpath(folder)))
        return len(seen) > before

    def unreadable(error: OSError) -> None:
        raise error

    found = {}
    for root, folders, names in os.walk(top, onerror=unreadable, followlinks=True):
        folders[:] = [f for f in folders if not f.startswith(".") and new(Path(root, f))]
        found[root] = [name for name in sorted(names) if not name.startswith(".")]
    for root in sorted(found):
        yield from (Path(root, name) for name in found[root])
