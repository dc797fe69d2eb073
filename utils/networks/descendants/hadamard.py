"""A simplified Inception network with gates: Hadamard attention, squeeze-and-excitation beside it.

**Illustrative, not the paper's network.** Of "Simplified Inception module based Hadamard attention
mechanism for medical image classification" only the abstract could be read. It promises a
simplified Inception module that uses its parameters better, and a Hadamard attention that adds
accuracy at little cost; it says neither which branches are left nor how the attention is computed.
What the name alone allows is built here: an element-wise (Hadamard) product of a map with a gate
computed from it, Y = X * A(X), on a module with two branches instead of four. None of the paper's
results is claimed for it.

Squeeze-and-excitation is the same gate with one average in front: it weighs channels, the Hadamard
gate every single value.

References
----------
Jin, You, Cai (2023), Journal of Computer and Communications 11(6), doi:10.4236/jcc.2023.116001.
Hu, Shen, Sun (2018), Squeeze-and-excitation networks, CVPR, arXiv:1709.01507.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...blocks import Style
from ...support.checks import one_of, positive_int
from ..network import Config, Network
from ..rows import Built, MaxPool, Parallel, Row, conv1x1, conv3x3, parallel

Attention = Literal["hadamard", "squeeze"] | None


class Gate(nn.Module):
    """A map times a gate between 0 and 1 computed from it, (N, C, H, W) -> the same shape.

    The gate is 1x1 to C/reduction channels, ReLU, 1x1 back to C, sigmoid.

    Parameters
    ----------
    channels : int
    attention : "hadamard" or "squeeze"
        "hadamard": the gate is (N, C, H, W), one factor for each value. "squeeze": it is computed
        from the map's average, (N, C, 1, 1), one factor for each channel.
    reduction : int
    """

    def __init__(self, channels: int, *, attention: Attention, reduction: int = 4) -> None:
        super().__init__()
        one_of(attention, ("hadamard", "squeeze"), "attention")
        narrow = max(1, channels // positive_int(reduction, "reduction"))
        self.squeeze = nn.AdaptiveAvgPool2d(1) if attention == "squeeze" else None
        self.fc1 = nn.Conv2d(channels, narrow, 1)
        self.fc2 = nn.Conv2d(narrow, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the gated map."""
        gate = x if self.squeeze is None else self.squeeze(x)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(gate))))


@dataclass(frozen=True, kw_only=True)
class Gated:
    """The row of a module with a `Gate` behind it; attention None leaves the gate out."""

    module: Parallel
    attention: Attention
    reduction: int = 4

    def build(self, in_channels: int, style: Style) -> Built:
        """Make the module, or a Sequential of ``branches`` and ``gate``."""
        branches, channels = self.module.build(in_channels, style)
        if self.attention is None:
            return branches, channels
        gated = nn.Sequential()
        gated.add_module("branches", branches)
        gated.add_module("gate", Gate(channels, attention=self.attention, reduction=self.reduction))
        return gated, channels

    def output_size(self, size: int) -> int:
        """Return what the module makes of `size`."""
        return self.module.output_size(size)


def simplified(*, first: int, narrow: int, filters: int) -> Parallel:
    """Write an Inception module with its 1x1 and its 3x3 branch only."""
    return parallel((conv1x1(first),), (conv1x1(narrow), conv3x3(filters)))


# As micro_googlenet, with simplified modules: 28 -> 14 -> 7 px.
_STEM: dict[str, Row] = {"conv1": conv3x3(32), "maxpool1": MaxPool()}
_MODULES: dict[str, Parallel | MaxPool] = {
    "inception2a": simplified(first=24, narrow=16, filters=40),
    "inception2b": simplified(first=32, narrow=24, filters=64),
    "maxpool2": MaxPool(),
    "inception3a": simplified(first=32, narrow=24, filters=64),
    "inception3b": simplified(first=48, narrow=32, filters=80),
}


def hadamard_inception(
    num_classes: int = 10,
    *,
    attention: Attention = "hadamard",
    reduction: int = 4,
    in_channels: int = 3,
    dropout: float = 0.0,
) -> Network:
    """Build a small simplified Inception network with gates, for images of 28 to 32 px.

    Illustrative: see the module.

    Parameters
    ----------
    num_classes : int
    attention : "hadamard", "squeeze" or None
        The gate behind every module.
    reduction : int
        By how much the gate's 1x1 reduces the channels.
    in_channels : int
    dropout : float
    """
    one_of(attention, ("hadamard", "squeeze", None), "attention")
    layers = _STEM | {
        name: Gated(module=row, attention=attention, reduction=reduction)
        if isinstance(row, Parallel)
        else row
        for name, row in _MODULES.items()
    }
    config = Config(
        name="se_inception" if attention == "squeeze" else "hadamard_inception",
        layers=layers,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
    )
    return Network(config)


def se_inception(num_classes: int = 10, **options: Any) -> Network:
    """Build the same with squeeze-and-excitation; options as in `hadamard_inception`."""
    return hadamard_inception(num_classes, attention="squeeze", **options)
