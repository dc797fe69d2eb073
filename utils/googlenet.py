"""GoogLeNet: the paper's Table 1 as data, and the network built from it.

One class, `GoogLeNet`, builds every network of this module from a table of rows and a handful of
options: the paper's, torchvision's, the batch-normalised one, and two small ones for 28 to 32 px.

References
----------
Szegedy et al. (2014), Going deeper with convolutions, arXiv:1409.4842.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import count, pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .blocks import (
    AuxiliaryHead,
    AuxPool,
    ConvUnit,
    Inception,
    InceptionSpec,
    Norm,
    can_check,
    odd_int,
    one_of,
    positive_int,
    probability,
)


class TableRow(NamedTuple):
    """One row of Table 1; `output` is (C, H, W) for images of 224x224 px, the rest as printed.

    `filters` are the columns #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj. In `params`,
    K is 1024 (112K are exactly 114,688 weights).
    """

    type: str
    patch_stride: str | None
    output: tuple[int, int, int]
    depth: int
    filters: tuple[int | None, ...] | None
    params: str | None
    ops: str | None


# Some printed params and ops do not follow from the filters beside them: `utils.accounting` tells.
TABLE_1: tuple[TableRow, ...] = (
    TableRow("convolution", "7x7/2", (64, 112, 112), 1, None, "2.7K", "34M"),
    TableRow("max pool", "3x3/2", (64, 56, 56), 0, None, None, None),
    TableRow(
        "convolution", "3x3/1", (192, 56, 56), 2, (None, 64, 192, *[None] * 3), "112K", "360M"
    ),
    TableRow("max pool", "3x3/2", (192, 28, 28), 0, None, None, None),
    TableRow("inception (3a)", None, (256, 28, 28), 2, (64, 96, 128, 16, 32, 32), "159K", "128M"),
    TableRow("inception (3b)", None, (480, 28, 28), 2, (128, 128, 192, 32, 96, 64), "380K", "304M"),
    TableRow("max pool", "3x3/2", (480, 14, 14), 0, None, None, None),
    TableRow("inception (4a)", None, (512, 14, 14), 2, (192, 96, 208, 16, 48, 64), "364K", "73M"),
    TableRow("inception (4b)", None, (512, 14, 14), 2, (160, 112, 224, 24, 64, 64), "437K", "88M"),
    TableRow("inception (4c)", None, (512, 14, 14), 2, (128, 128, 256, 24, 64, 64), "463K", "100M"),
    TableRow("inception (4d)", None, (528, 14, 14), 2, (112, 144, 288, 32, 64, 64), "580K", "119M"),
    TableRow(
        "inception (4e)", None, (832, 14, 14), 2, (256, 160, 320, 32, 128, 128), "840K", "170M"
    ),
    TableRow("max pool", "3x3/2", (832, 7, 7), 0, None, None, None),
    TableRow("inception (5a)", None, (832, 7, 7), 2, (256, 160, 320, 32, 128, 128), "1072K", "54M"),
    TableRow(
        "inception (5b)", None, (1024, 7, 7), 2, (384, 192, 384, 48, 128, 128), "1388K", "71M"
    ),
    TableRow("avg pool", "7x7/1", (1024, 1, 1), 0, None, None, None),
    TableRow("dropout (40%)", None, (1024, 1, 1), 0, None, None, None),
    TableRow("linear", None, (1000, 1, 1), 1, None, "1000K", "1M"),
    TableRow("softmax", None, (1000, 1, 1), 0, None, None, None),
)


def _spec(*filters: int | None) -> InceptionSpec:
    """Six numbers in the order of the paper's columns."""
    return InceptionSpec(**dict(zip((f.name for f in fields(InceptionSpec)), filters, strict=True)))


# The nine modules: "3a" -> its six numbers, and "3a" -> the (C, H, W) that comes in at 224 px.
MODULES: dict[str, InceptionSpec] = {
    row.type[11:13]: _spec(*row.filters) for row in TABLE_1 if row.type.startswith("inception")
}
INPUTS: dict[str, tuple[int, int, int]] = {
    row.type[11:13]: before.output
    for before, row in pairwise(TABLE_1)
    if row.type.startswith("inception")
}


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """A row of the stem: `ConvUnit` with these numbers."""

    channels: int
    kernel_size: int
    stride: int = 1


@dataclass(frozen=True, kw_only=True)
class MaxPool:
    """A pool between stages. Rounding up takes 112 px to 56, 28, 14, 7; rounding down to 55, ..."""

    kernel_size: int = 3
    stride: int = 2
    padding: int = 0
    ceil_mode: bool = True

    def output_size(self, size: int) -> int:
        """Height or width after the pool; 0 or less if the input is too small for it."""
        steps = size + 2 * self.padding - self.kernel_size
        rounded = -(-steps // self.stride) if self.ceil_mode else steps // self.stride
        return rounded + 1


@dataclass(frozen=True, kw_only=True)
class LocalNorm:
    """Local response normalisation over neighbouring channels, with the values of Caffe's copy."""

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75


Row = Convolution | MaxPool | LocalNorm | InceptionSpec

# Table 1 up to 5b as layers, named as in torchvision, with the two local normalisations that
# Figure 3 of the paper and Caffe's replication add to the stem.
PAPER: dict[str, Row] = {
    "conv1": Convolution(channels=64, kernel_size=7, stride=2),
    "maxpool1": MaxPool(),
    "norm1": LocalNorm(),
    "conv2": Convolution(channels=64, kernel_size=1),
    "conv3": Convolution(channels=192, kernel_size=3),
    "norm2": LocalNorm(),
    "maxpool2": MaxPool(),
    "inception3a": MODULES["3a"],
    "inception3b": MODULES["3b"],
    "maxpool3": MaxPool(),
    "inception4a": MODULES["4a"],
    "inception4b": MODULES["4b"],
    "inception4c": MODULES["4c"],
    "inception4d": MODULES["4d"],
    "inception4e": MODULES["4e"],
    "maxpool4": MaxPool(),
    "inception5a": MODULES["5a"],
    "inception5b": MODULES["5b"],
}
WITHOUT_LOCAL_NORM = {name: row for name, row in PAPER.items() if not isinstance(row, LocalNorm)}
TORCHVISION = WITHOUT_LOCAL_NORM | {"maxpool4": MaxPool(kernel_size=2)}

# The reduced GoogLeNet of the University of Amsterdam's deep learning tutorial 5 (P. Lippe),
# for CIFAR-10: eight modules at 32, 16 and 8 px.
MINI: dict[str, Row] = {
    "conv1": Convolution(channels=64, kernel_size=3),
    "inception2a": _spec(16, 32, 32, 16, 8, 8),
    "inception2b": _spec(24, 32, 48, 16, 12, 12),
    "maxpool2": MaxPool(padding=1, ceil_mode=False),
    "inception3a": _spec(24, 32, 48, 16, 12, 12),
    "inception3b": _spec(16, 32, 48, 16, 16, 16),
    "inception3c": _spec(16, 32, 48, 16, 16, 16),
    "inception3d": _spec(32, 32, 48, 16, 24, 24),
    "maxpool3": MaxPool(padding=1, ceil_mode=False),
    "inception4a": _spec(32, 48, 64, 16, 16, 16),
    "inception4b": _spec(32, 48, 64, 16, 16, 16),
}
