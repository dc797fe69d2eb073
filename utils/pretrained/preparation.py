"""What images go through before a trained network sees them."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torchvision.models import get_weight
from torchvision.transforms import v2 as transforms

from ..networks.guards import check_layout
from ..support.checks import unit_range

MOST = 2**30  # numbers that a resize may make, of four bytes each


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What published weights were trained to see: shorter side, crop in pixels, means and stds.

    Called with images (N, C, H, W), bytes or floating-point in 0..1, it returns them as float32,
    resized, cropped and normalised, (N, C, crop, crop). C is the number of means: three colours, or
    one for the grey images of `for_grey`. Errors are those of `Normalisation`.
    """

    resize: int
    crop: int
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    interpolation: str = "bicubic"

    @classmethod
    def of_torchvision(cls, there: str) -> "Preprocessing":
        """Take that of torchvision's weights of an Inception network, by their full name.

        torchvision normalises as usual for ImageNet, and its networks with these weights then undo
        that into (x - 0.5) / 0.5 ("transform_input"): here that is one step.
        """
        preset = get_weight(there).transforms()
        return cls(
            resize=preset.resize_size[0],
            crop=preset.crop_size[0],
            interpolation=preset.interpolation.value,
        )

    def for_grey(self) -> "Preprocessing":
        """Return the same for one channel; a ValueError if colours are normalised differently."""
        if len({*self.mean}) > 1 or len({*self.std}) > 1:
            raise ValueError(
                "these weights had each colour normalised by numbers of its own, which one channel "
                "cannot have: leave out in_channels, and give grey images three equal channels, "
                "with x.expand(-1, 3, -1, -1)."
            )
        return replace(self, mean=self.mean[:1], std=self.std[:1])

    def __call__(self, images: Tensor) -> Tensor:
        """Return (N, C, crop, crop)."""
        channels = len(self.mean)
        wanted = f"this preprocessing takes images (N, {channels}, H, W)"
        check_layout(images, channels, wanted)
        height, width = images.shape[2:]
        larger = self.resize / min(height, width)
        numbers = len(images) * channels * round(height * larger) * round(width * larger)
        if numbers > MOST:
            raise ValueError(
                f"{len(images)} of {height}x{width} px, resized to {self.resize} px on their "
                f"shorter side, would fill {4 * numbers / 2**30:,.0f} GB: give a few at a time, or "
                "take utils.data.middle(x)."
            )
        _check_range(images, wanted)
        steps = [
            transforms.Resize(
                self.resize,
                interpolation=transforms.InterpolationMode(self.interpolation),
                antialias=True,
            ),
            transforms.CenterCrop(self.crop),
            transforms.Normalize(self.mean, self.std),
        ]
        return transforms.Compose(steps)(_floats(images))


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """What a small network was trained to see: images of one size, normalised.

    Called with images, (N, C, H, W), it returns them as float32 with the training images' means
    taken off and divided by their stds, channel by channel.

    Attributes
    ----------
    size : (int, int)
        Height and width of the images, in pixels.
    mean, std : tuple of float
        Of each channel of the training images, for pixels in 0..1.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images: Tensor, *, any_size: bool = False) -> Tensor:
        """Return (N, C, H, W) float32.

        Parameters
        ----------
        images : Tensor
            uint8, as `utils.data.LabelledImages` has them, or floating-point in 0..1, as
            `utils.data.to_tensor` gives them.
        any_size : bool
            Take images of another size than those in training: the network has seen none such.

        Raises
        ------
        TypeError, ValueError
            Another type, shape, range or number of channels; the message says what to do.
        """
        channels, (height, width) = len(self.mean), self.size
        wanted = f"this network was trained on images (N, {channels}, {height}, {width})"
        check_layout(images, channels, wanted)
        if images.shape[2:] != self.size and not any_size:
            raise ValueError(
                f"{wanted}, got {images.shape[2]}x{images.shape[3]} px: take "
                f"torch.nn.functional.interpolate(x, size={self.size}, mode='bilinear', "
                "antialias=True), or ask for it as it is, with any_size=True."
            )
        _check_range(images, wanted)
        mean, std = (
            torch.tensor(values, device=images.device).reshape(-1, 1, 1)
            for values in (self.mean, self.std)
        )
        return (_floats(images) - mean) / std


def _check_range(images: Tensor, wanted: str) -> None:
    """Raise unless images are bytes or numbers in 0..1."""
    wanted = f"{wanted}, as bytes or as floating-point numbers"
    if images.is_floating_point():
        unit_range(images, wanted)
    elif images.dtype != torch.uint8:
        raise TypeError(f"{wanted}, got {images.dtype}: of bytes, take x.to(torch.uint8).")


def _floats(images: Tensor) -> Tensor:
    """Return images as float32 in 0..1."""
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()
