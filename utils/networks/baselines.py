"""Two networks of the small GoogLeNet's size with other trunks: only convolutions, and residuals.

They are what it is compared with, on images of 28 to 32 px: as many parameters within 2%, about as
many multiply-adds, the same head (average, linear layer), the same normalisation and fresh weights.
What is left to tell them apart is how the trunk is made. The widths are tuned to those counts; a
test holds them.

References
----------
Simonyan, Zisserman (2015), Very deep convolutional networks for large-scale image recognition,
ICLR, arXiv:1409.1556.
He et al. (2015), Deep residual learning for image recognition, arXiv:1512.03385.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_lowercase

from torch import nn

from ..blocks import Residual, Style
from .network import Config, Network
from .rows import Built, MaxPool, Row, conv3x3

# The number of filters of each 3x3 convolution or block at 28, 14 and 7 px, for images of 28 px.
PLAIN_WIDTHS: tuple[tuple[int, ...], ...] = ((32,), (64, 64), (88, 92, 96))
RESIDUAL_WIDTHS: tuple[tuple[int, ...], ...] = ((16,), (32, 32, 32), (64, 64, 64))


@dataclass(frozen=True, kw_only=True)
class BasicBlock:
    """The row of a `Residual` of two 3x3; where it changes the shape, a 1x1 projects the input."""

    channels: int
    stride: int = 1

    def build(self, in_channels: int, style: Style) -> Built:
        """Make a `Residual`."""
        body = nn.Sequential(
            style.unit(in_channels, self.channels, kernel_size=3, stride=self.stride),
            style.unit(self.channels, self.channels, kernel_size=3, relu=False),
        )
        shortcut = None
        if self.stride > 1 or in_channels != self.channels:
            options = {"kernel_size": 1, "stride": self.stride, "relu": False}
            shortcut = style.unit(in_channels, self.channels, **options)
        return Residual(body, shortcut=shortcut, relu=True), self.channels

    def output_size(self, size: int) -> int:
        """Return height or width after it."""
        return (size - 1) // self.stride + 1


def plain_layers(widths: tuple[tuple[int, ...], ...] = PLAIN_WIDTHS) -> dict[str, Row]:
    """Write a table of 3x3 convolutions with a 2x2 max pool between two stages."""
    layers: dict[str, Row] = {}
    for stage, filters in enumerate(widths, 1):
        if stage > 1:
            layers[f"maxpool{stage}"] = MaxPool(kernel_size=2)
        layers |= {f"conv{stage}{letter}": conv3x3(n) for letter, n in _lettered(filters)}
    return layers


def residual_layers(widths: tuple[tuple[int, ...], ...] = RESIDUAL_WIDTHS) -> dict[str, Row]:
    """Write a table of one 3x3 convolution, then blocks; the first of a stage has a stride of 2."""
    (stem,), *stages = widths
    layers: dict[str, Row] = {"conv1": conv3x3(stem)}
    for stage, filters in enumerate(stages, 2):
        for letter, n in _lettered(filters):
            stride = 2 if letter == "a" else 1
            layers[f"block{stage}{letter}"] = BasicBlock(channels=n, stride=stride)
    return layers


def _lettered(filters: tuple[int, ...]) -> Iterable[tuple[str, int]]:
    return zip(ascii_lowercase, filters, strict=False)


def plain_network(num_classes: int = 10, *, in_channels: int = 3) -> Network:
    """Build a plain network, VGG's way, for images of 28 to 32 px: 3x3 convolutions and pools."""
    config = Config(
        name="plain_network",
        layers=plain_layers(),
        num_classes=num_classes,
        in_channels=in_channels,
    )
    return Network(config)


def small_resnet(num_classes: int = 10, *, in_channels: int = 3) -> Network:
    """Build a small ResNet of basic blocks, for images of 28 to 32 px."""
    config = Config(
        name="small_resnet",
        layers=residual_layers(),
        num_classes=num_classes,
        in_channels=in_channels,
    )
    return Network(config)
