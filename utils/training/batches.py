"""Batches of labelled images: in random order, cropped and mirrored at random, normalised."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data import LabelledImages
from .guards import check_data, mean_and_std
from .recipe import Recipe, seed_for

Normalisation = tuple[float | Sequence[float], float | Sequence[float]]


class Batches:
    """The batches of every epoch of a training, over images that fit into memory.

    Order and augmentation depend on the seed, the epoch and the step alone, so that any epoch can
    begin in its middle, and processes that share the work see shares of the same batches. What is
    left over at the end of an epoch, less than a batch, is left out; it differs each time.

    Anything with its attributes, a length and `epoch` can stand in its place.

    Parameters
    ----------
    data : LabelledImages
    recipe : Recipe
        Batch size, crop, flip and seed are taken from it.
    normalisation : (mean, std), optional
        A number each, or one for every channel, for images in 0..1; by default those of `data`.

    Raises
    ------
    ValueError
        Fewer images than a batch, another number of channels than of means, or a normalisation
        that is no pair of finite numbers.
    """

    def __init__(
        self,
        data: LabelledImages,
        recipe: Recipe | None = None,
        *,
        normalisation: Normalisation | None = None,
    ) -> None:
        recipe = Recipe() if recipe is None else recipe
        check_data(data)
        if len(data) < recipe.batch_size:
            raise ValueError(
                f"a batch of {recipe.batch_size} images cannot be taken from {len(data)}: take "
                "more images, or a smaller batch_size."
            )
        self.data = data
        self.recipe = recipe
        self.normalisation = (data.mean, data.std) if normalisation is None else normalisation
        normalise(data.images[:1], self.normalisation)  # complain now, not in the first step

    def __len__(self) -> int:
        """Count the steps of an epoch."""
        return len(self.data) // self.recipe.batch_size

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.data.classes

    @property
    def description(self) -> dict[str, Any]:
        """What the batches are made of, to be compared when a training goes on."""
        return describe(self.data, self.normalisation)

    def epoch(
        self, number: int, start: int = 0, rank: int = 0, world: int = 1
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images (N, C, H, W) float32, normalised, and labels (N,), from step `start` on.

        Parameters
        ----------
        number : int
            The epoch, from 0.
        start : int
            Steps to leave out.
        rank, world : int
            Which process of how many: each gets its own N = batch_size / world images of a batch.
        """
        size, seed = self.recipe.batch_size, self.recipe.seed
        shuffle = torch.Generator().manual_seed(seed_for("order", seed, number))
        order = torch.randperm(len(self.data), generator=shuffle)
        share = slice(rank * size // world, (rank + 1) * size // world)
        for step in range(start, len(self)):
            # The whole batch is moved at random, then a process takes its share.
            random = torch.Generator().manual_seed(seed_for("augmentation", seed, number, step))
            down, right = torch.randint(0, 2 * self.recipe.crop + 1, (2, size), generator=random)
            mirrored = (torch.rand(size, generator=random) < 0.5) & self.recipe.flip
            chosen = order[step * size :][share]
            images = move(
                self.data.images[chosen], down[share], right[share], mirrored[share],
                padding=self.recipe.crop,
            )  # fmt: skip
            yield normalise(images, self.normalisation), self.data.labels[chosen]


def move(images: Tensor, down: Tensor, right: Tensor, mirrored: Tensor, *, padding: int) -> Tensor:
    """Crop padded images at positions of their own and mirror some: (N, C, H, W), channels last.

    Parameters
    ----------
    images : Tensor
        (N, C, H, W)
    down, right : Tensor
        (N,) int: the crop's corner in the padded image, from 0 to twice the padding, in pixels.
    mirrored : Tensor
        (N,) bool: which to mirror, left to right.
    padding : int
        Black pixels on each side.
    """
    height, width = images.shape[-2:]
    rows = down[:, None] + torch.arange(height)  # (N, H)
    columns = right[:, None] + torch.arange(width)  # (N, W)
    columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    padded = F.pad(images, 4 * (padding,)).permute(0, 2, 3, 1)  # (N, H + .., W + .., C)
    which = torch.arange(len(images))[:, None, None]
    # One look-up for the whole batch: a loop over images would take longer than the network.
    return padded[which, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def normalise(images: Tensor, normalisation: Normalisation) -> Tensor:
    """Turn bytes into numbers of about mean 0 and spread 1: (N, C, H, W) uint8 -> float32.

    Raises
    ------
    ValueError
        `normalisation` is no pair of finite numbers, for all channels or for each, or a std is not
        above 0.
    """
    mean, std = mean_and_std(normalisation, images.shape[1])
    return (images.float() / 255 - mean) / std


def as_batches(
    data: LabelledImages | Batches,
    recipe: Recipe | None,
    normalisation: Normalisation | None,
    *,
    world: int,
) -> Batches:
    """Make batches of images, unless they are some: then they have a recipe and a normalisation."""
    if not hasattr(data, "epoch"):
        data = Batches(data, recipe, normalisation=normalisation)
    elif recipe not in (None, data.recipe):
        raise ValueError(
            f"the batches were made with another recipe: {data.recipe}, not {recipe}. Give the "
            "recipe once, to the batches."
        )
    elif normalisation is not None:
        raise ValueError("give the normalisation to the batches: they are made already.")
    if data.recipe.batch_size % world:
        raise ValueError(
            f"a batch of {data.recipe.batch_size} images cannot be shared equally among "
            f"{world} processes."
        )
    return data


def describe(data: LabelledImages, normalisation: Normalisation) -> dict[str, Any]:
    """Say which images these are, down to their last bit."""
    digest = hashlib.sha256(data.images.contiguous().numpy())
    digest.update(data.labels.contiguous().numpy())
    mean, std = (torch.as_tensor(value).tolist() for value in normalisation)
    return {
        "name": data.name,
        "images": list(data.images.shape),
        "classes": list(data.classes),
        "sha256": digest.hexdigest(),
        "mean": mean,
        "std": std,
    }
