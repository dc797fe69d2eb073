"""A reader's own pictures, in one folder a class."""

from os import PathLike
from pathlib import Path

import torch

from ..checks import positive_int
from .labelled import LabelledImages
from .loading import load_image

# What torchvision would pass over in silence: read where that is possible, else refused by name.
_MORE = (".gif", ".avif", ".heic", ".heif", ".svg")


def image_folder(folder: str | PathLike[str], *, size: int = 64) -> LabelledImages:
    """Load pictures sorted into one folder a class, resized and cropped to one size.

    The convention is that of `torchvision.datasets.ImageFolder`: `folder/cat/1.jpg` is of class
    "cat", folders within `cat` belong to it, classes are in alphabetical order. All pictures are
    held in memory, so this is for hundreds or thousands of small ones.

    Parameters
    ----------
    folder : path
    size : int
        Each picture is resized until its shorter side has this many pixels, with antialiasing, and
        the middle is cut out.

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
    from torchvision.datasets.folder import IMG_EXTENSIONS, make_dataset
    from torchvision.transforms.v2.functional import center_crop, resize

    size, folder = positive_int(size, "size"), Path(folder).expanduser()
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
    samples = make_dataset(
        folder,
        {name: label for label, name in enumerate(classes)},
        is_valid_file=lambda path: (
            path.lower().endswith(endings) and not Path(path).name.startswith(".")
        ),
        allow_empty=True,
    )
    labels = torch.tensor([label for _, label in samples], dtype=torch.int64)
    empty = [
        name
        for name, n in zip(classes, labels.bincount(minlength=len(classes)), strict=True)
        if not n
    ]
    if empty:
        raise FileNotFoundError(
            f"no pictures in {', '.join(repr(str(folder / name)) for name in empty)}: put some "
            f"there ({', '.join(endings)}), or remove the folder."
        )
    images = torch.empty(len(samples), 3, size, size, dtype=torch.uint8)
    for image, (path, _) in zip(images, samples, strict=True):
        picture = torch.from_numpy(load_image(path)).permute(2, 0, 1)
        image[:] = center_crop(resize(picture, [size], antialias=True), [size, size])
    return LabelledImages(images, labels, tuple(classes), folder.resolve().name)
