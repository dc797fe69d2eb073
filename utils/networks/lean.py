"""A GoogLeNet that trains fast on a CPU: each module the same function in fewer passes over memory.

On small maps a step of training spends most of its time outside the convolutions: in pools over
wide maps, and in a normalisation and a ReLU for each of six convolutions. Two exchanges change
nothing but the time:

- Normalisation and ReLU act on each channel alone. So they can follow the concatenation, once,
  instead of closing each of four branches.
- An *average* over neighbours and a 1x1 convolution are both linear, one along the map and one
  along the channels. So the projection can come first, and the pool then has a tenth of the
  channels to read. With a max pool this would be another function.

A module as wide as its input can add it to its output, as ResNet does; that is another function.

References
----------
Szegedy et al. (2015), arXiv:1512.00567, has average pools in its modules.
He et al. (2015), Deep residual learning for image recognition, arXiv:1512.03385.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..blocks import InceptionSpec, Style
from ..support.checks import positive_int, store
from .network import Config, Network
from .rows import Built, MaxPool, Row, conv3x3


class LeanInception(nn.Module):
    """An Inception module with an average pool, normalised once: (N, C, H, W) -> (N, C', H, W).

    Parameters
    ----------
    in_channels : int
    spec : InceptionSpec
        With both reductions and the projection.
    residual : bool
        Add the input where it is as wide as the output.
    eps : float
        What batch normalisation adds to the variance.

    Attributes
    ----------
    direct : nn.Conv2d
        The 1x1 of the first branch and the projection of the last, which read the same map.
    reduce : ConvUnit
        Both reductions.
    residual : bool
        Whether the input is added.

    Raises
    ------
    ValueError
        A spec without a reduction or the projection.
    """

    def __init__(
        self, in_channels: int, spec: InceptionSpec, *, residual: bool = False, eps: float = 1e-3
    ) -> None:
        super().__init__()
        if None in (spec.reduce3x3, spec.reduce5x5, spec.pool_proj):
            raise ValueError(f"a lean module has all of its 1x1 convolutions, got {spec}.")
        self.spec = spec
        self.residual = residual and in_channels == spec.out_channels(in_channels)
        self.direct = nn.Conv2d(in_channels, spec.conv1x1 + spec.pool_proj, 1, bias=False)
        style = Style(norm="batch", eps=eps)
        self.reduce = style.unit(in_channels, spec.reduce3x3 + spec.reduce5x5, kernel_size=1)
        self.conv3x3 = nn.Conv2d(spec.reduce3x3, spec.conv3x3, 3, padding=1, bias=False)
        self.conv5x5 = nn.Conv2d(spec.reduce5x5, spec.conv5x5, 5, padding=2, bias=False)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
        self.bn = nn.BatchNorm2d(spec.out_channels(in_channels), eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C', H, W)."""
        direct, projected = self.direct(x).split((self.spec.conv1x1, self.spec.pool_proj), dim=1)
        to3x3, to5x5 = self.reduce(x).split((self.spec.reduce3x3, self.spec.reduce5x5), dim=1)
        branches = direct, self.conv3x3(to3x3), self.conv5x5(to5x5), self.pool(projected)
        y = F.relu(self.bn(torch.cat(branches, dim=1)))
        return x + y if self.residual else y


class PooledConvolution(nn.Module):
    """A 3x3 convolution, a 3x3 max pool of stride 2, normalisation, ReLU: (N, C', H / 2, W / 2).

    The pool comes first, so that what follows has a quarter of the map to read.
    """

    def __init__(self, in_channels: int, out_channels: int, *, eps: float = 1e-3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.bn = nn.BatchNorm2d(out_channels, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, out_channels, H / 2, W / 2), rounded up."""
        return F.relu(self.bn(self.pool(self.conv(x))))


@dataclass(frozen=True)
class Lean:
    """The row of a `LeanInception`; it is always normalised."""

    spec: InceptionSpec
    residual: bool = False

    def build(self, in_channels: int, style: Style) -> Built:
        """Make the module."""
        options = {"residual": self.residual, "eps": style.eps}
        module = LeanInception(in_channels, self.spec, **options)
        return module, self.spec.out_channels(in_channels)

    def output_size(self, size: int) -> int:
        """Return `size`."""
        return size


@dataclass(frozen=True)
class PooledConv3x3:
    """The row of a `PooledConvolution`; it is always normalised."""

    channels: int

    def __post_init__(self) -> None:
        store(self, channels=positive_int(self.channels, "PooledConv3x3.channels"))

    def build(self, in_channels: int, style: Style) -> Built:
        """Make the module."""
        return PooledConvolution(in_channels, self.channels, eps=style.eps), self.channels

    def output_size(self, size: int) -> int:
        """Return half of it, rounded up."""
        return (size + 1) // 2


def _lean(*filters: int) -> Lean:
    names = ("conv1x1", "reduce3x3", "conv3x3", "reduce5x5", "conv5x5", "pool_proj")
    return Lean(InceptionSpec(**dict(zip(names, filters, strict=True))), residual=True)


# Two convolutions at full size; then modules, most of which are as wide as their input and add it.
LEAN: dict[str, Row] = {
    "conv1": conv3x3(32),
    "conv2": PooledConv3x3(48),
    "inception2a": _lean(24, 32, 48, 16, 12, 12),
    "inception2b": _lean(24, 32, 48, 16, 12, 12),
    "maxpool2": MaxPool(padding=1, ceil_mode=False),
    "inception3a": _lean(24, 32, 48, 16, 12, 12),
    "inception3b": _lean(24, 32, 48, 16, 12, 12),
    "inception3c": _lean(24, 32, 48, 16, 12, 12),
    "inception3d": _lean(32, 48, 64, 16, 16, 16),
    "inception4a": _lean(32, 48, 64, 16, 16, 16),
    "inception4b": _lean(32, 48, 64, 16, 16, 16),
}


def lean_googlenet(num_classes: int = 10, *, in_channels: int = 3) -> Network:
    """Build a GoogLeNet of about 290,000 parameters, for images of 28 to 32 px, fast to train.

    The course's own: eight modules, the kind that `LeanInception` describes.
    """
    config = Config(
        name="lean_googlenet", layers=LEAN, num_classes=num_classes, in_channels=in_channels
    )
    return Network(config)
