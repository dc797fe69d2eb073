"""Batches of pictures that do not fit into memory: read from folders while the network trains.

The crops are those that GoogLeNet's paper found good: anything from 8% to 100% of the picture, of
an aspect ratio from 3/4 to 4/3, resized to the network's size. torchvision's `RandomResizedCrop`
has them as its defaults.

References
----------
Szegedy et al. (2014), Going deeper with convolutions, arXiv:1409.4842, section 6.
"""

import hashlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate
from torchvision.transforms import v2 as transforms

from ..data import ImageError, load_image
from ..data.folders import find_pictures
from ..support.checks import positive_int
from .batches import Normalisation, normalise
from .recipe import Recipe, seed_for

# The usual means and standard deviations of ImageNet's channels, in 0..1.
IMAGENET: Normalisation = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class _Folder:
    """Pictures sorted into one folder a class; the base of what trains and what tests on them."""

    def __init__(
        self, folder: str | PathLike, *, normalisation: Normalisation, size: int, workers: int
    ) -> None:
        self.folder = Path(folder).expanduser()
        self.classes, self.samples = find_pictures(self.folder)
        self.normalisation = normalisation
        self.size = positive_int(size, "size")
        self.workers = workers

    @property
    def description(self) -> dict[str, Any]:
        """Which pictures these are, by their places, not by what is in the files."""
        places = [path.relative_to(self.folder).as_posix() for path, _ in self.samples]
        # A name need not be text, on some systems.
        bytes_of_places = "\n".join(places).encode("utf-8", "surrogateescape")
        return {
            "folder": self.folder.name,
            "pictures": len(self.samples),
            "classes": list(self.classes),
            "sha256 of places": hashlib.sha256(bytes_of_places).hexdigest(),
            "size": self.size,
            "mean and std": self.normalisation,
        }

    def _load(
        self, batches: Sequence[Sequence[int]], transform: Callable, seed: tuple
    ) -> Iterator[tuple[Tensor, Tensor]]:
        loader = DataLoader(
            _Pictures(self.samples, transform, seed),
            batch_sampler=batches,
            num_workers=self.workers,
            collate_fn=partial(_collate, self.normalisation),
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator(),  # or it would draw from the caller's random numbers
            worker_init_fn=_leave_interrupts,
        )
        with _interrupts_held():
            loaded = iter(loader)  # the workers begin here
        for batch in loaded:
            if isinstance(batch, ImageError):
                raise batch
            yield batch


class FolderBatches(_Folder):
    """What `Batches` is, for pictures in folders; `train` takes it in their place.

    A picture's crop depends on the seed, the epoch and the picture alone: not on the number of
    workers, nor on where a training was stopped.

    Parameters
    ----------
    folder : path
        One folder a class, as torchvision's `ImageFolder` wants it.
    recipe : Recipe
        Batch size, flip and seed are taken from it; its ``crop``, which is for small images, is
        not.
    size : int
        Height and width of the crops, in pixels.
    distort : bool
        Brightness, contrast and saturation each times a factor from 0.5 to 1.5, in random order.
    workers : int
        Processes that read pictures; 0 lets this one do it.
    normalisation : (mean, std)

    Raises
    ------
    FileNotFoundError
        No such folder, no classes in it, or a class without pictures.
    ValueError
        Fewer pictures than a batch.
    ImageError
        While training: a picture that cannot be read; the message names it.
    """

    def __init__(
        self,
        folder: str | PathLike,
        recipe: Recipe,
        *,
        size: int,
        distort: bool = False,
        workers: int = 0,
        normalisation: Normalisation = IMAGENET,
    ) -> None:
        super().__init__(folder, normalisation=normalisation, size=size, workers=workers)
        self.recipe = recipe
        self.distort = distort
        if len(self) == 0:
            raise ValueError(
                f"a batch of {recipe.batch_size} pictures cannot be taken from the "
                f"{len(self.samples)} in {self.folder}: take a smaller batch_size."
            )

    def __len__(self) -> int:
        """Count the steps of an epoch."""
        return len(self.samples) // self.recipe.batch_size

    @property
    def description(self) -> dict[str, Any]:
        """Which pictures these are, and how they are cropped."""
        return super().description | {"distort": self.distort}

    def epoch(
        self, number: int, start: int = 0, rank: int = 0, world: int = 1
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images (N, 3, size, size) float32 and labels (N,); see `Batches.epoch`."""
        batch, seed = self.recipe.batch_size, self.recipe.seed
        shuffle = torch.Generator().manual_seed(seed_for("order", seed, number))
        order = torch.randperm(len(self.samples), generator=shuffle).tolist()
        share = slice(rank * batch // world, (rank + 1) * batch // world)
        chosen = [order[step * batch :][share] for step in range(start, len(self))]
        return self._load(chosen, self._crop(), ("augmentation", seed, number))

    def _crop(self) -> Callable[[Tensor], Tensor]:
        steps = [
            transforms.RandomResizedCrop(
                self.size, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3), antialias=True
            )
        ]
        if self.recipe.flip:
            steps.append(transforms.RandomHorizontalFlip())
        if self.distort:
            steps.append(transforms.ColorJitter(brightness=0.5, contrast=0.5, saturation=0.5))
        return transforms.Compose(steps)


class FolderTestBatches(_Folder):
    """What `TestBatches` is, for pictures in folders: each once, its middle, not distorted.

    The middle square, of 7/8 of the shorter side, is resized to `size`: to 224 pixels the same as
    the shorter side to 256, then the middle 224.
    """

    def __init__(
        self,
        folder: str | PathLike,
        *,
        size: int,
        batch_size: int = 100,
        workers: int = 0,
        normalisation: Normalisation = IMAGENET,
    ) -> None:
        super().__init__(folder, normalisation=normalisation, size=size, workers=workers)
        self.batch_size = positive_int(batch_size, "batch_size")

    def all(self, *, rank: int = 0, world: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images (N, 3, size, size) float32 and labels (N,): each `world`-th batch."""
        numbers = list(range(len(self.samples)))
        starts = range(rank * self.batch_size, len(numbers), world * self.batch_size)
        chosen = [numbers[start : start + self.batch_size] for start in starts]
        return self._load(chosen, partial(_middle, size=self.size), ("test",))


def _middle(picture: Tensor, *, size: int) -> Tensor:
    """Cut, then resize: the other way round, a picture of 30,000 x 1 pixels fills the memory."""
    side = round(min(picture.shape[1:]) * 7 / 8)
    middle = transforms.functional.center_crop(picture, [side, side])
    return transforms.functional.resize(middle, [size, size], antialias=True)


class _Pictures(Dataset):
    """Pictures by number, each changed at random in its own way: (3, H, W) uint8, label."""

    def __init__(self, samples: list[tuple[Path, int]], transform: Callable, seed: tuple) -> None:
        self.samples = samples
        self.transform = transform
        self.seed = seed

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, number: int) -> tuple[Tensor, int] | ImageError:
        path, label = self.samples[number]
        try:
            picture = load_image(path)
        except ImageError as error:  # raised in a worker, it would bring a traceback along
            return error
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_for(*self.seed, number))
            return self.transform(torch.from_numpy(picture).permute(2, 0, 1)), label


def _leave_interrupts(worker: int) -> None:
    """Leave Ctrl-C, which every process of a terminal gets, to the one that trains."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back: in a fork, Python drops it, and a worker that has just begun dies of it."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield  # Python is not in charge of signals here
        return
    held = []
    signal.signal(signal.SIGINT, lambda *_: held.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held:
            signal.raise_signal(signal.SIGINT)


def _collate(normalisation: Normalisation, items: list) -> tuple[Tensor, Tensor] | ImageError:
    """Make a batch of what was loaded, where it was loaded: the trainer has other things to do."""
    for item in items:
        if isinstance(item, ImageError):
            return item
    images, labels = default_collate(items)
    return normalise(images, normalisation), labels
