"""The words that the tables of the Inception family are written in.

A network is a table: stage -> row, in forward order. A row is data; it says what it builds and what
becomes of a map's size. Rows nest: a chain is a tuple of rows, one after the other; `parallel`
takes chains, puts them side by side and concatenates them. So an Inception module reads as in the
papers' figures, here that of Inception-v4 at 17x17::

    parallel(
        (conv1x1(384),),
        (conv1x1(192), *factorised(7, filters=(224, 256))),
        (conv1x1(192), *factorised(7, filters=(192, 224, 224, 256), first="column")),
        (AveragePool(), conv1x1(128)),
    )
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import count
from typing import Any, Literal, Protocol

from torch import nn

from ..blocks import (
    Branches,
    ConvUnit,
    HalvingMaxPool,
    InceptionSpec,
    Padding,
    Residual,
    Style,
)
from ..support.checks import boolean, odd_int, one_of, positive_int, store

Built = tuple[nn.Module, int]  # a module, and the channels that come out of it


class Row(Protocol):
    """What a table holds: anything that can be built, and knows what becomes of a map's size.

    `InceptionSpec` is one, too: the module of the paper's table.
    """

    def build(self, in_channels: int, style: Style) -> Built:
        """Make the module, from (N, in_channels, H, W), with convolution units in this style."""

    def output_size(self, size: int) -> int:
        """Return the height or width after it; 0 or less if the map is too small for it."""


Chain = tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Convolution:
    """`ConvUnit` with these numbers: convolution, normalisation if the style has it, ReLU."""

    channels: int
    kernel_size: int | tuple[int, int]
    stride: int = 1
    padding: Padding = "same"

    def __post_init__(self) -> None:
        kernel = self.kernel_size
        if isinstance(kernel, tuple):
            kernel = tuple(odd_int(size, "Convolution.kernel_size") for size in kernel)
        else:
            kernel = odd_int(kernel, "Convolution.kernel_size")
        store(self, channels=positive_int(self.channels, "Convolution.channels"))
        store(self, kernel_size=kernel)
        store(self, stride=positive_int(self.stride, "Convolution.stride"))

    def build(self, in_channels: int, style: Style) -> Built:
        """Make a `ConvUnit`."""
        options = {"kernel_size": self.kernel_size, "stride": self.stride, "padding": self.padding}
        return style.unit(in_channels, self.channels, **options), self.channels

    def output_size(self, size: int) -> int:
        """Return height or width after it (of a kernel that is not square, padding is "same")."""
        lost = 1 if self.padding == "same" else _pair(self.kernel_size)[0]
        return (size - lost) // self.stride + 1


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return size if isinstance(size, tuple) else (size, size)


def _convolution(height: int, width: int) -> Callable[..., Convolution]:
    size = height if height == width else (height, width)

    def convolution(filters: int, *, stride: int = 1, padding: Padding = "same") -> Convolution:
        return Convolution(channels=filters, kernel_size=size, stride=stride, padding=padding)

    convolution.__doc__ = f"Row of {height}x{width} filters; "
    convolution.__doc__ += '"valid" is what the papers mark V, "same" the rest.'
    return convolution


conv1x1, conv3x3, conv5x5, conv7x7 = (_convolution(size, size) for size in (1, 3, 5, 7))


@dataclass(frozen=True, kw_only=True)
class MaxPool:
    """A pool between stages. Rounding up takes 112 px to 56, 28, 14, 7; rounding down to 55, ..."""

    kernel_size: int = 3
    stride: int = 2
    padding: int = 0
    ceil_mode: bool = True

    def __post_init__(self) -> None:
        store(self, kernel_size=positive_int(self.kernel_size, "MaxPool.kernel_size"))
        store(self, stride=positive_int(self.stride, "MaxPool.stride"))
        if self.padding != 0:
            store(self, padding=positive_int(self.padding, "MaxPool.padding"))
        boolean(self.ceil_mode, "MaxPool.ceil_mode")

    def build(self, in_channels: int, style: Style) -> Built:
        """Make the pool."""
        return nn.MaxPool2d(**asdict(self)), in_channels

    def output_size(self, size: int) -> int:
        """Return height or width after the pool; 0 or less if the input is too small for it."""
        size = positive_int(size, "size")
        steps = size + 2 * self.padding - self.kernel_size
        if not self.ceil_mode:
            return steps // self.stride + 1
        windows = -(-steps // self.stride) + 1
        # PyTorch leaves out a last window that would lie in the padding alone.
        inside = (windows - 1) * self.stride < size + self.padding
        return windows if inside else windows - 1


@dataclass(frozen=True)
class HalvingPool:
    """A 3x3 max pool of stride 2 that halves every size, rounded up, as "same" convolutions do."""

    def build(self, in_channels: int, style: Style) -> Built:
        """Make a `HalvingMaxPool`."""
        return HalvingMaxPool(), in_channels

    def output_size(self, size: int) -> int:
        """Return half the height or width, rounded up."""
        return -(-size // 2)


@dataclass(frozen=True, kw_only=True)
class AveragePool:
    """The 3x3 average in a module's pool branch, which keeps height and width.

    At the border, `count_padding` decides whether the zeros of the padding count.
    """

    count_padding: bool = False

    def build(self, in_channels: int, style: Style) -> Built:
        """Make the pool."""
        count_padding = self.count_padding
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=count_padding), in_channels

    def output_size(self, size: int) -> int:
        """Return `size`."""
        return size


@dataclass(frozen=True, kw_only=True)
class LocalNorm:
    """Local response normalisation over channels, with the values of Caffe's replication."""

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75

    def build(self, in_channels: int, style: Style) -> Built:
        """Make the normalisation."""
        return nn.LocalResponseNorm(**asdict(self)), in_channels

    def output_size(self, size: int) -> int:
        """Return `size`."""
        return size


VALID_MAX_POOL = MaxPool(ceil_mode=False)  # 3x3/2, "V" in the papers' figures: 35 -> 17 -> 8


@dataclass(frozen=True)
class Parallel:
    """Chains side by side, concatenated; `parallel` writes one."""

    chains: tuple[Chain, ...]

    def build(self, in_channels: int, style: Style) -> Built:
        """Make `Branches`."""
        built = [build_chain(chain, in_channels, style) for chain in self.chains]
        return Branches(*(module for module, _ in built)), sum(channels for _, channels in built)

    def output_size(self, size: int) -> int:
        """Return what all chains make of `size`, the least of it if they do not agree."""
        return min(chain_size(chain, size) for chain in self.chains)


def parallel(*chains: Chain) -> Parallel:
    """Put chains of rows side by side, in the order of concatenation."""
    return Parallel(chains)


def factorised(
    n: int, *, filters: tuple[int, ...], first: Literal["row", "column"] = "row"
) -> Chain:
    """Write nxn convolutions as 1xn and nx1 in turn, each with its own number of filters.

    Parameters
    ----------
    n : int
        The kernel: 7 gives 1x7 and 7x1.
    filters : tuple of int
        Of each convolution in turn, two for each nxn.
    first : "row" or "column"
        Whether to begin with 1xn or with nx1.
    """
    one_of(first, ("row", "column"), "first")
    shapes = [(1, n), (n, 1)] if first == "row" else [(n, 1), (1, n)]
    return tuple(_convolution(*shapes[i % 2])(channels) for i, channels in enumerate(filters))


def fanned(n: int, *, filters: int) -> Parallel:
    """Write an nxn convolution as 1xn and nx1 side by side, `filters` of each."""
    row, column = factorised(n, filters=(filters, filters))
    return parallel((row,), (column,))


def grid_reduction(
    *chains: Chain, pool: Literal["last", "first"] = "last", padding: Padding = "valid"
) -> Parallel:
    """Halve height and width: convolutions of stride 2 beside a 3x3 max pool of stride 2.

    The last convolution of each chain takes the stride. With "same" padding the pool is a
    `HalvingPool`, which meets the convolutions at every size.

    References
    ----------
    Szegedy et al. (2015), arXiv:1512.00567, section 5.
    """
    one_of(pool, ("last", "first"), "pool")
    strided = [(*chain[:-1], replace(chain[-1], stride=2, padding=padding)) for chain in chains]
    pooled = (VALID_MAX_POOL if padding == "valid" else HalvingPool(),)
    return Parallel((*strided, pooled) if pool == "last" else (pooled, *strided))


@dataclass(frozen=True, kw_only=True)
class ScaledResidual:
    """A module that corrects its input: branches, a linear 1x1 back to its width, scaled, added.

    Not a convolution unit: the 1x1 has a bias, and neither normalisation nor ReLU.
    """

    module: Parallel
    scale: float
    relu: bool = True

    def build(self, in_channels: int, style: Style) -> Built:
        """Make a `Residual` whose body is `Branches` and ``expand``."""
        branches, channels = self.module.build(in_channels, style)
        body = nn.Sequential()
        body.add_module("branches", branches)
        body.add_module("expand", ConvUnit(channels, in_channels, kernel_size=1, relu=False))
        return Residual(body, scale=self.scale, relu=self.relu), in_channels

    def output_size(self, size: int) -> int:
        """Return `size`."""
        return size


def build_chain(chain: Chain, in_channels: int, style: Style) -> Built:
    """Make the modules of a chain: one alone as itself, several as a Sequential."""
    modules, channels = [], in_channels
    for row in chain:
        module, channels = build_row(row, channels, style)
        modules.append(module)
    return (modules[0] if len(modules) == 1 else nn.Sequential(*modules)), channels


def build_row(row: Any, in_channels: int, style: Style) -> Built:
    """Make the module of one row; a TypeError for what is none."""
    if not hasattr(row, "build"):
        raise TypeError(
            f"a row of a network's table cannot be {row!r}: see utils.networks.rows.Row."
        )
    return row.build(in_channels, style)


def chain_size(chain: Iterable[Row], size: int) -> int:
    """Return the height or width after a chain; 0 or less if the map is too small for it."""
    for row in chain:
        size = row.output_size(size)
        if size < 1:
            break
    return size


def smallest_image(rows: Iterable[Row]) -> int:
    """Return the least height and width, in pixels, that rows do not shrink to nothing."""
    rows = tuple(rows)
    return next(size for size in count(1) if chain_size(rows, size) >= 1)


def each_module(
    layers: Mapping[str, Row], change: Callable[[InceptionSpec], Row]
) -> dict[str, Row]:
    """Change every Inception module of a table: ``each_module(PAPER, InceptionSpec.naive)``."""
    return {
        stage: change(row) if isinstance(row, InceptionSpec) else row
        for stage, row in layers.items()
    }


def repeat(name: str, number: int, row: Row) -> dict[str, Row]:
    """Give a row `number` times in a table, as "name1", "name2", ..."""
    return {f"{name}{i}": row for i in range(1, number + 1)}
