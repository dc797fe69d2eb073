"""Xception: the Inception idea taken to its end, every channel filtered in space by itself.

What is new: depthwise separable convolutions in place of Inception modules, 36 convolution layers
in 14 modules, and linear residuals around all but the first and the last. Between the two halves of
a separable convolution there is no ReLU: with one, the paper found it worse.

References
----------
Chollet (2017), Xception: deep learning with depthwise separable convolutions, CVPR,
arXiv:1610.02357, Figure 5.

The published weights are those of timm's ``legacy_xception``, ported from Keras. eps is 1e-5, as in
timm; the "xception" networks of timm with numbers behind the name are others.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from ...blocks import Residual, Style
from ..network import Config, Network
from ..rows import Built, Chain, MaxPool, Row, build_chain, chain_size, conv3x3, repeat

ReLUPlace = Literal["before", "after"] | None


class SeparableUnit(nn.Module):
    """Depthwise 3x3, 1x1 over the channels, normalisation: (N, C_in, H, W) -> (N, C_out, H, W).

    Parameters
    ----------
    in_channels, out_channels : int
    relu : "before", "after" or None
        Where a ReLU stands; never between the 3x3 and the 1x1.
    eps : float
    """

    def __init__(self, in_channels: int, out_channels: int, *, relu: ReLUPlace, eps: float) -> None:
        super().__init__()
        self.relu = relu
        self.depthwise = nn.Conv2d(
            in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False
        )
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C_out, H, W)."""
        if self.relu == "before":
            x = F.relu(x)
        x = self.bn(self.pointwise(self.depthwise(x)))
        return F.relu(x) if self.relu == "after" else x


@dataclass(frozen=True, kw_only=True)
class Separable:
    """The row of a `SeparableUnit`."""

    channels: int
    relu: ReLUPlace

    def build(self, in_channels: int, style: Style) -> Built:
        """Make a `SeparableUnit`."""
        unit = SeparableUnit(in_channels, self.channels, relu=self.relu, eps=style.eps)
        return unit, self.channels

    def output_size(self, size: int) -> int:
        """Return `size`."""
        return size


@dataclass(frozen=True, kw_only=True)
class LinearResidual:
    """The row of a `Residual` without ReLU; `stride` of 2 projects the shortcut with a 1x1/2."""

    body: Chain
    stride: int = 1

    def build(self, in_channels: int, style: Style) -> Built:
        """Make a `Residual`."""
        body, channels = build_chain(self.body, in_channels, style)
        if self.stride == 1:
            return Residual(body), channels
        options = {"kernel_size": 1, "stride": self.stride, "relu": False}
        shortcut = style.unit(in_channels, channels, **options)
        return Residual(body, shortcut=shortcut), channels

    def output_size(self, size: int) -> int:
        """Return height or width after it."""
        return chain_size(self.body, size)


def separable(channels: int, *, relu: ReLUPlace = "before") -> Separable:
    """Row of a separable 3x3 convolution."""
    return Separable(channels=channels, relu=relu)


def halving(*body: Separable) -> LinearResidual:
    """Write a module that ends in a 3x3/2 max pool, beside a 1x1/2."""
    return LinearResidual(body=(*body, MaxPool(padding=1, ceil_mode=False)), stride=2)


LAYERS: dict[str, Row] = {
    # entry flow
    "conv1": conv3x3(32, stride=2, padding="valid"),  # 149x149
    "conv2": conv3x3(64, padding="valid"),  # 147x147
    "entry1": halving(separable(128, relu=None), separable(128)),  # 74x74
    "entry2": halving(separable(256), separable(256)),  # 37x37
    "entry3": halving(separable(728), separable(728)),  # 19x19
    # middle flow
    **repeat("middle", 8, LinearResidual(body=3 * (separable(728),))),
    # exit flow
    "exit1": halving(separable(728), separable(1024)),  # 10x10
    "conv3": separable(1536, relu="after"),
    "conv4": separable(2048, relu="after"),
}


def xception(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> Network:
    """Build Xception, for images of 299x299 px.

    Parameters
    ----------
    num_classes, in_channels : int
    dropout : float
    """
    config = Config(
        name="xception",
        layers=LAYERS,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        eps=1e-5,
    )
    return Network(config)


# timm's names: module here -> module there. It numbers ReLUs, convolutions, normalisations and
# pools of a body in one sequence, in which the first body has no first ReLU.


def _keys() -> dict[str, str]:
    keys = {"fc": "fc"}
    for i in (1, 2):
        keys |= {f"conv{i}.conv": f"conv{i}", f"conv{i}.bn": f"bn{i}"}
    for i in (3, 4):
        keys |= {f"conv{i}.depthwise": f"conv{i}.conv1", f"conv{i}.bn": f"bn{i}"}
        keys[f"conv{i}.pointwise"] = f"conv{i}.pointwise"
    residuals = [stage for stage, row in LAYERS.items() if isinstance(row, LinearResidual)]
    for number, stage in enumerate(residuals, 1):
        there = f"block{number}"
        keys |= {f"{stage}.shortcut.conv": f"{there}.skip"}
        keys |= {f"{stage}.shortcut.bn": f"{there}.skipbn"}
        for i in range(3):
            at = 3 * i + (0 if number == 1 else 1)
            keys[f"{stage}.body.{i}.depthwise"] = f"{there}.rep.{at}.conv1"
            keys[f"{stage}.body.{i}.pointwise"] = f"{there}.rep.{at}.pointwise"
            keys[f"{stage}.body.{i}.bn"] = f"{there}.rep.{at + 1}"
    return keys


TIMM_KEYS = _keys()
