"""What images go through before a trained network sees them."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models import get_weight
from torchvision.transforms import v2 as transforms


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What published weights were trained to see: shorter side, crop in pixels, means and stds.

    Called with images, (N, 3, H, W) or (3, H, W), floating-point in 0..1, it returns them resized,
    cropped and normalised, (N, 3, crop, crop).
    """

    resize: int
    crop: int
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
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

    def __call__(self, images: Tensor) -> Tensor:
        """Return (N, 3, crop, crop)."""
        if not isinstance(images, Tensor) or not images.is_floating_point():
            got = images.dtype if isinstance(images, Tensor) else type(images).__name__
            raise TypeError(
                f"preprocessing expects a floating-point tensor in 0..1, got {got}: "
                "utils.data.to_tensor turns a picture into one."
            )
        interpolation = transforms.InterpolationMode(self.interpolation)
        steps = [
            transforms.Resize(self.resize, interpolation=interpolation, antialias=True),
            transforms.CenterCrop(self.crop),
            transforms.Normalize(self.mean, self.std),
        ]
        return transforms.Compose(steps)(images)


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
        if not isinstance(images, Tensor):
            raise TypeError(
                f"{wanted}, got {type(images).__name__}: utils.data.to_tensor turns a picture into "
                "a tensor."
            )
        shape = tuple(images.shape)
        if images.ndim != 4 or shape[1] != channels:
            advice = (
                f"x.expand(-1, {channels}, -1, -1) repeats a grey, x.float().mean(1, keepdim=True) "
                "makes one"
            )
            if images.ndim == 3:
                advice = "x[None] adds the batch axis"
            elif shape[-1] == channels:
                advice = "x.permute(0, 3, 1, 2) brings the channels first"
            raise ValueError(f"{wanted}, got the shape {shape}: {advice}.")
        if shape[2:] != self.size and not any_size:
            raise ValueError(
                f"{wanted}, got {shape[2]}x{shape[3]} px: resize them, with "
                f"torch.nn.functional.interpolate(x, size={self.size}, mode='bilinear', "
                "antialias=True), or ask for it as it is, with any_size=True."
            )
        if images.dtype == torch.uint8:
            images = images.float() / 255
        elif images.numel() and not (images.min() >= 0 and images.max() <= 1):
            raise ValueError(
                f"{wanted}, as bytes or as numbers in 0..1; got {images.dtype} from "
                f"{images.min():g} to {images.max():g}: these may be normalised already, or bytes "
                "turned into floats."
            )
        mean, std = (
            torch.tensor(values, device=images.device).reshape(-1, 1, 1)
            for values in (self.mean, self.std)
        )
        return (images.float() - mean) / std
