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
  in pool branches do not count the padding's zeros. The pools of 3c and 4e halve the grid as
  TensorFlow's "same" does, which at even sizes is Caffe's rounding up: ours equals the network that
  Caffe2 exported to ONNX (a test says so).
- The first convolution is "separable, depth multiplier 8", which TF-slim keeps and ports to Caffe
  and PyTorch do not. Built plain by default; ``separable_stem=True`` builds the separable one.

Weights that circulate in PyTorch were trained in Caffe, with another reading of the table: 128
filters after the pools of 4c and 4d, averages that count the padding's zeros, biases before the
normalisation, and 1e-5 in it. ``bn_inception(ported=True)`` is that network, and `PORTED_KEYS` are
the names in those files.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn

from ...blocks import Style
from ...support.checks import boolean
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
PORTED: dict[str, TableRow] = MODULES | {
    "4c": FIGURE_5["4c"]._replace(output=(608, 14, 14)),
    "4d": FIGURE_5["4d"]._replace(output=(608, 14, 14)),
    "4e": FIGURE_5["4e"]._replace(output=(1056, 7, 7)),
}


def inception(row: TableRow, *, count_padding: bool = False) -> Row:
    """Write a module; one without 1x1 filters halves the grid and lets the pool pass through."""
    single = (conv1x1(row.reduce3x3), conv3x3(row.conv3x3))
    double = (conv1x1(row.reduce_double), conv3x3(row.double3x3), conv3x3(row.double3x3))
    if not row.conv1x1:
        return grid_reduction(single, double, padding="same")
    keep = MaxPool(stride=1, padding=1, ceil_mode=False)
    pool = AveragePool(count_padding=count_padding) if row.pool == "avg" else keep
    return parallel((conv1x1(row.conv1x1),), single, double, (pool, conv1x1(row.pool_proj)))


STEM: dict[str, Row] = {
    "conv1": conv7x7(64, stride=2),  # 112x112
    "maxpool1": MaxPool(),  # 56x56
    "conv2": conv1x1(64),
    "conv3": conv3x3(192),
    "maxpool2": MaxPool(),  # 28x28
}
LAYERS: dict[str, Row] = STEM | {
    f"inception{name}": inception(row) for name, row in MODULES.items()
}
PORTED_LAYERS: dict[str, Row] = STEM | {
    f"inception{name}": inception(row, count_padding=True) for name, row in PORTED.items()
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
    ported: bool = False,
    separable_stem: bool = False,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = 0.0,
) -> Network:
    """Build BN-Inception, for images of 224x224 px.

    Parameters
    ----------
    ported : bool
        The network of the weights that were trained in Caffe and ported to PyTorch; see above. They
        want images in 0..255, channels in the order blue, green, red, less (104, 117, 128).
    separable_stem : bool
        The paper's separable first convolution instead of a plain one.
    num_classes, in_channels : int
    dropout : float
    """
    layers = PORTED_LAYERS if boolean(ported, "ported") else LAYERS
    config = Config(
        name="bn_inception",
        layers=layers | ({"conv1": SeparableStem()} if separable_stem else {}),
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        bias=True if ported else None,
        eps=1e-5 if ported else 1e-3,
    )
    return Network(config)


# Names in files of the PyTorch port: module here -> module there.


def _ported_keys() -> dict[str, str]:
    units = {"conv1": "conv1_7x7_s2", "conv2": "conv2_3x3_reduce", "conv3": "conv2_3x3"}
    single = ("3x3_reduce", "3x3")
    double = ("double_3x3_reduce", "double_3x3_1", "double_3x3_2")
    for name, row in PORTED.items():
        # A module that halves the grid has no 1x1: its branches begin with the 3x3.
        first = 2 if row.conv1x1 else 1
        here = {f"branch{first}.{i}": there for i, there in enumerate(single)}
        here |= {f"branch{first + 1}.{i}": there for i, there in enumerate(double)}
        if row.conv1x1:
            here |= {"branch1": "1x1", "branch4.1": "pool_proj"}
        units |= {
            f"inception{name}.{unit}": f"inception_{name}_{there}" for unit, there in here.items()
        }
    keys = {f"{unit}.conv": there for unit, there in units.items()}
    keys |= {f"{unit}.bn": f"{there}_bn" for unit, there in units.items()}
    return keys | {"fc": "last_linear"}


PORTED_KEYS = _ported_keys()
