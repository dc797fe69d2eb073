"""Images with labels, all of one size and in memory: what the small networks are trained on."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class LabelledImages:
    """Images of one size and the class of each.

    Attributes
    ----------
    images : Tensor
        (N, C, H, W), uint8.
    labels : Tensor
        (N,), int64: positions in `classes`.
    classes : tuple of str
        Their names.
    name : str
        What this is, for titles and cards.

    Raises
    ------
    TypeError, ValueError
        Other types, shapes that do not fit, or a label without a class.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    name: str = "images"

    def __post_init__(self) -> None:
        for field, dtype in (("images", torch.uint8), ("labels", torch.int64)):
            value = getattr(self, field)
            if not isinstance(value, Tensor) or value.dtype != dtype:
                got = value.dtype if isinstance(value, Tensor) else type(value).__name__
                floats = "; of floats in 0..1, (255 * images).round() first"
                raise TypeError(
                    f"{field} must be a tensor of {dtype}, got {got}: give torch.as_tensor({field})"
                    f".to({dtype}){floats if field == 'images' else ''}."
                )
        shapes = f"{tuple(self.images.shape)} and {tuple(self.labels.shape)}"
        if self.images.ndim != 4 or self.labels.shape != self.images.shape[:1]:
            raise ValueError(f"images and labels must be (N, C, H, W) and (N,), got {shapes}.")
        if self.images.shape[1] > 4 >= self.images.shape[3]:
            raise ValueError(
                f"images must be (N, C, H, W), got {shapes.partition(' and')[0]}: the channels "
                "seem to come last, take images.permute(0, 3, 1, 2)."
            )
        object.__setattr__(self, "classes", tuple(self.classes))
        if len(self) and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise ValueError(
                f"labels must lie in 0..{len(self.classes) - 1}, one for each of the "
                f"{len(self.classes)} classes; got {self.labels.min()} to {self.labels.max()}."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        size = "×".join(map(str, self.images.shape[1:]))
        return f"<{self.name}: {len(self):,} images of {size}, {len(self.classes)} classes>"

    def __getitem__(self, index: slice | Tensor | list[int]) -> "LabelledImages":
        """Return some of the images, by a slice or by a tensor or list of positions.

        Raises
        ------
        TypeError
            A single position, which would leave an image and not a set of images.
        """
        if not isinstance(index, slice):
            index = torch.as_tensor(index)
            if not index.numel() and index.is_floating_point():  # an empty list's type
                index = index.long()
            if index.ndim != 1:
                raise TypeError(
                    "take some of the images with a slice, or a tensor or list of positions; a "
                    "single one with .images[i] and .labels[i]."
                )
        return LabelledImages(self.images[index], self.labels[index], self.classes, self.name)

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each channel, of pixels in 0..1."""
        return self._moments[0]

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation of each channel, of pixels in 0..1."""
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        # From counts of the 256 values, which is exact and needs no copy of the images as floats.
        if not self.images.numel():
            raise ValueError(f"{self.name}: no images, so no mean and no standard deviation.")
        values = torch.arange(256, dtype=torch.float64) / 255
        means, stds = [], []
        for channel in self.images.unbind(1):
            share = torch.bincount(channel.flatten(), minlength=256).double() / channel.numel()
            mean = (share * values).sum()
            means.append(mean.item())
            stds.append((share * (values - mean).square()).sum().sqrt().item())
        return tuple(means), tuple(stds)
