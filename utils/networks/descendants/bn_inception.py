"""BN-Inception: GoogLeNet with batch normalisation, and 5x5 filters as two 3x3 in a row.

What is new since GoogLeNet: normalisation in every convolution unit; two 3x3 for each 5x5; a third
module at 28x28; averages in most pool branches; no pools between modules, but two modules that
halve the grid themselves; no local normalisation, no dropout, no side heads.

Many call it Inception-v2; in "Rethinking the Inception architecture" that is another network.

References
----------
Ioffe, Szegedy (2015), Batch normalization: accelerating deep network training by reducing internal
covariate shift, ICML, arXiv:1502.03167, Figure 5 (the table) and Appendix.

Where the paper contradicts itself, and what is built here:

- Modules 4c and 4d print 128 filters after the pool and 576 channels out; their branches then add
  up to 608. Built: 96, as TF-slim has it, hence 576. (Others keep 128, hence 608.)
- 3c and 4e print the grid before their stride: 28x28 for 14x14, 14x14 for 7x7.
- The text says that the 5x5 became two 3x3 with up to 128 filters; the table goes up to 256.
- The text counts 13.6 million parameters; the table as corrected has 11,194,984 (a test counts).
- Not stated, and taken from TF-slim: both 3x3 of a pair have the same number of filters; averages
  in pool branches do not count the padding's zeros. Not stated, and ours: the grid is halved with
  padding on both sides of convolutions and pools alike, so that they meet at every image size.
- The first convolution is "separable, depth multiplier 8", which TF-slim keeps and ports to Caffe
  and PyTorch do not. Built plain by default; ``separable_stem=True`` builds the separable one.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn

from ...blocks import Style
from ..network import Config, Network
from ..rows import (
    AveragePool,
    Built,
    MaxPool,
    Row,
    conv1x1,
    conv3x3,
    conv7x7,
    grid_reduction,
    parallel,
)


class TableRow(NamedTuple):
    """A module's row of Figure 5, as printed; `output` is (C, H, W) for images of 224x224 px."""

    output: tuple[int, int, int]
    conv1x1: int
    reduce3x3: int
    conv3x3: int
    reduce_double: int
    double3x3: int
    pool: str
    pool_proj: int | None


# fmt: off
FIGURE_5: dict[str, TableRow] = {
    "3a": TableRow((256, 28, 28),  64,  64,  64,  64,  96, "avg", 32),
    "3b": TableRow((320, 28, 28),  64,  64,  96,  64,  96, "avg", 64),
    "3c": TableRow((576, 28, 28),  0,   128, 160, 64,  96, "max", None),
    "4a": TableRow((576, 14, 14),  224, 64,  96,  96,  128, "avg", 128),
    "4b": TableRow((576, 14, 14),  192, 96,  128, 96,  128, "avg", 128),
    "4c": TableRow((576, 14, 14),  160, 128, 160, 128, 160, "avg", 128),
    "4d": TableRow((576, 14, 14),  96,  128, 192, 160, 192, "avg", 128),
    "4e": TableRow((1024, 14, 14), 0,   128, 192, 192, 256, "max", None),
    "5a": TableRow((1024, 7, 7),   352, 192, 320, 160, 224, "avg", 128),
    "5b": TableRow((1024, 7, 7),   352, 192, 320, 192, 224, "max", 128),
}
# fmt: on
CORRECTIONS: dict[str, dict[str, Any]] = {
    "3c": {"output": (576, 14, 14)},
    "4c": {"pool_proj": 96},
    "4d": {"pool_proj": 96},
    "4e": {"output": (1024, 7, 7)},
}
MODULES: dict[str, TableRow] = {
    name: row._replace(**CORRECTIONS.get(name, {})) for name, row in FIGURE_5.items()
}


def inception(row: TableRow) -> Row:
    """Write a module; one without 1x1 filters halves the grid and lets the pool pass through."""
    single = (conv1x1(row.reduce3x3), conv3x3(row.conv3x3))
    double = (conv1x1(row.reduce_double), conv3x3(row.double3x3), conv3x3(row.double3x3))
    if not row.conv1x1:
        return grid_reduction(single, double, padding="same")
    keep = MaxPool(stride=1, padding=1, ceil_mode=False)
    pool = AveragePool() if row.pool == "avg" else keep
    return parallel((conv1x1(row.conv1x1),), single, double, (pool, conv1x1(row.pool_proj)))


LAYERS: dict[str, Row] = {
    "conv1": conv7x7(64, stride=2),  # 112x112
    "maxpool1": MaxPool(),  # 56x56
    "conv2": conv1x1(64),
    "conv3": conv3x3(192),
    "maxpool2": MaxPool(),  # 28x28
    **{f"inception{name}": inception(row) for name, row in MODULES.items()},
}


@dataclass(frozen=True, kw_only=True)
class SeparableStem:
    """The row of the separable 7x7/2: `multiplier` maps of each colour, then a 1x1 over all."""

    channels: int = 64
    multiplier: int = 8

    def build(self, in_channels: int, style: Style) -> Built:
        """Make a `SeparableConvolution`."""
        return SeparableConvolution(in_channels, self, style), self.channels

    def output_size(self, size: int) -> int:
        """Return height or width after the stride."""
        return (size - 1) // 2 + 1


class SeparableConvolution(nn.Module):
    """7x7/2 for each colour alone, 1x1 over all, normalisation, ReLU: (N, C, H, W) -> half H, W."""

    def __init__(self, in_channels: int, row: SeparableStem, style: Style) -> None:
        super().__init__()
        between = in_channels * row.multiplier
        self.depthwise = nn.Conv2d(
            in_channels, between, 7, stride=2, padding=3, groups=in_channels, bias=False
        )
        self.pointwise = style.unit(between, row.channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels, H/2, W/2), rounded up."""
        return self.pointwise(self.depthwise(x))


def bn_inception(
    *,
    separable_stem: bool = False,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = 0.0,
) -> Network:
    """Build BN-Inception, for images of 224x224 px.

    Parameters
    ----------
    separable_stem : bool
        The paper's separable first convolution instead of a plain one.
    num_classes, in_channels : int
    dropout : float
    """
    config = Config(
        name="bn_inception",
        layers=LAYERS | ({"conv1": SeparableStem()} if separable_stem else {}),
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
    )
    return Network(config)
