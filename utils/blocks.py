"""The bricks of the Inception family: a convolution unit, branches side by side, the side head.

Shapes are (N, C, H, W) throughout: images in the batch, channels, height, width.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from .support.checks import boolean, non_negative, odd_int, one_of, positive_int, probability, store

Norm = Literal["batch"] | None
Padding = Literal["same", "valid"]
AuxPool = Literal["average", "adaptive"]


class ConvUnit(nn.Module):
    """Convolution, batch normalisation if wanted, ReLU: (N, C_in, H, W) -> (N, C_out, H', W').

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or (int, int)
        Height and width of the kernel. Odd, or the output could not be centred on the input.
    stride : int
    padding : "same" or "valid"
        "same" pads by half the kernel, so that a stride of 1 keeps height and width; "valid" pads
        nothing: the map shrinks by the kernel less one.
    norm : "batch" or None
        Batch normalisation between convolution and ReLU.
    bias : bool, optional
        A bias in the convolution. By default only without normalisation: subtracting the batch's
        mean removes any constant just added.
    eps : float
        What batch normalisation adds to the variance: 1e-3, as in TF-slim and torchvision.
    relu : bool
        False leaves out the ReLU, for a unit whose output is added to something.

    Attributes
    ----------
    conv : nn.Conv2d
    bn : nn.BatchNorm2d or None
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int | tuple[int, int],
        stride: int = 1,
        padding: Padding = "same",
        norm: Norm = None,
        bias: bool | None = None,
        eps: float = 1e-3,
        relu: bool = True,
    ) -> None:
        super().__init__()
        in_channels = positive_int(in_channels, "in_channels")
        out_channels = positive_int(out_channels, "out_channels")
        if not isinstance(kernel_size, tuple):
            kernel_size = (kernel_size, kernel_size)
        if len(kernel_size) != 2:
            raise ValueError(f"kernel_size must be a number or (height, width), got {kernel_size}.")
        kernel = tuple(odd_int(size, "kernel_size") for size in kernel_size)
        stride = positive_int(stride, "stride")
        one_of(padding, ("same", "valid"), "padding")
        one_of(norm, ("batch", None), "norm")
        bias = norm is None if bias is None else boolean(bias, "bias")
        eps = non_negative(eps, "eps")
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel,
            stride=stride,
            padding=tuple(size // 2 for size in kernel) if padding == "same" else 0,
            bias=bias,
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=eps) if norm == "batch" else None
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C_out, H', W')."""
        x = self.conv(x)
        if self.bn is not None:
            x = self.bn(x)
        return F.relu(x) if self.relu else x


@dataclass(frozen=True, kw_only=True)
class Style:
    """What all convolution units of a network have in common; see `ConvUnit`."""

    norm: Norm = None
    bias: bool | None = None
    eps: float = 1e-3

    def unit(self, in_channels: int, out_channels: int, **options: Any) -> ConvUnit:
        """Make a `ConvUnit` in this style; `options` are its own, such as ``kernel_size``."""
        return ConvUnit(in_channels, out_channels, **asdict(self), **options)


class Branches(nn.Module):
    """Branches side by side, concatenated: (N, C_in, H, W) -> (N, sum of their C_out, H', W').

    Parameters
    ----------
    *branches : nn.Module
        Each from (N, C_in, H, W) to (N, its own channels, H', W'); children ``branch1``, ...
    """

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for number, branch in enumerate(branches, 1):
            self.add_module(f"branch{number}", branch)

    def branches(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs before concatenation, each (N, its own channels, H', W')."""
        return tuple(branch(x) for branch in self.children())

    def forward(self, x: Tensor) -> Tensor:
        """Return the concatenation along the channels, (N, C_out, H', W')."""
        if can_check(x) and x.ndim != 4:  # of a single image, heights would be put together
            raise ValueError(
                f"a module takes maps (N, C, H, W), got {tuple(x.shape)}: try x[None]."
            )
        return torch.cat(self.branches(x), dim=1)


class HalvingMaxPool(nn.MaxPool2d):
    """3x3 max pool of stride 2 that halves every size, rounded up: (N, C, H, W) -> half H, W.

    Beside "same" convolutions of stride 2 it meets them at every size. It pads as TensorFlow's
    "same" does: an even size only after its end, which is also what Caffe's rounding up comes to;
    an odd one on both sides.
    """

    def __init__(self) -> None:
        super().__init__(3, stride=2, ceil_mode=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the maxima, (N, C, ceil(H / 2), ceil(W / 2))."""
        height, width = x.shape[2:]
        padding = (height % 2, width % 2)
        return F.max_pool2d(x, self.kernel_size, self.stride, padding, ceil_mode=self.ceil_mode)


class Residual(nn.Module):
    """The input, or a projection of it, plus a scaled correction: x -> x + scale * body(x).

    Parameters
    ----------
    body : nn.Module
        From (N, C, H, W) to the shape of the shortcut.
    shortcut : nn.Module, optional
        The projection, where body changes the shape; None is the input itself.
    scale : float
        Below 1, it keeps very wide networks stable in training.
    relu : bool
        Whether a ReLU follows the sum.

    References
    ----------
    He et al. (2015), Deep residual learning for image recognition, arXiv:1512.03385; the scale:
    Szegedy et al. (2016), arXiv:1602.07261, section 3.3.
    """

    def __init__(
        self,
        body: nn.Module,
        *,
        shortcut: nn.Module | None = None,
        scale: float = 1.0,
        relu: bool = False,
    ) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.scale = scale
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum, (N, C', H', W')."""
        shortcut = x if self.shortcut is None else self.shortcut(x)
        x = torch.add(shortcut, self.body(x), alpha=self.scale)  # one pass over memory, not two
        return F.relu(x) if self.relu else x


@dataclass(frozen=True, kw_only=True)
class InceptionSpec:
    """The six numbers that describe an Inception module: one row of the paper's Table 1.

    Each is a number of 1x1, 3x3 or 5x5 filters. None in a reduction or in the projection means
    that this 1x1 convolution is left out. It is a `utils.networks.rows.Row`: it builds an
    `Inception`.

    Raises
    ------
    TypeError
        A number of filters is not an integer.
    ValueError
        A number of filters is zero or negative.
    """

    conv1x1: int
    reduce3x3: int | None
    conv3x3: int
    reduce5x5: int | None
    conv5x5: int
    pool_proj: int | None

    kernel5x5 = 5  # not one of the six: `OtherKernel` has another

    def __post_init__(self) -> None:
        for field in fields(InceptionSpec):
            value = getattr(self, field.name)
            if value is not None or field.name.startswith("conv"):
                hint = "" if field.name.startswith("conv") else " (None leaves the 1x1 out)"
                value = positive_int(value, f"InceptionSpec.{field.name}", hint)
                store(self, **{field.name: value})

    def out_channels(self, in_channels: int) -> int:
        """Count the output's channels; without projection those of the input pass through."""
        in_channels = positive_int(in_channels, "in_channels")
        pooled = in_channels if self.pool_proj is None else self.pool_proj
        return self.conv1x1 + self.conv3x3 + self.conv5x5 + pooled

    def naive(self) -> "InceptionSpec":
        """Return the same filters without reductions and projection (Figure 2a of the paper)."""
        return replace(self, reduce3x3=None, reduce5x5=None, pool_proj=None)

    def with_kernel5x5(self, kernel5x5: int) -> "OtherKernel":
        """Return the same filters with another kernel in the third branch, 3 in torchvision."""
        return OtherKernel(**asdict(self) | {"kernel5x5": kernel5x5})

    def build(self, in_channels: int, style: Style) -> tuple["Inception", int]:
        """Make the module, and count the channels that come out of it."""
        return Inception(in_channels, self, **asdict(style)), self.out_channels(in_channels)

    def output_size(self, size: int) -> int:
        """Return `size`: a module keeps height and width."""
        return size


@dataclass(frozen=True, kw_only=True)
class OtherKernel(InceptionSpec):
    """An `InceptionSpec` with another kernel in its third branch; `with_kernel5x5` writes it."""

    kernel5x5: int

    def __post_init__(self) -> None:
        super().__post_init__()
        store(self, kernel5x5=odd_int(self.kernel5x5, "kernel5x5"))


class Inception(Branches):
    """Four branches side by side, concatenated: (N, C_in, H, W) -> (N, C_out, H, W).

    1x1; 1x1 then 3x3; 1x1 then 5x5; 3x3 max pool then 1x1. The names are torchvision's, so
    that its checkpoints load: ``branch1`` to ``branch4``, within them ``0`` and ``1``.

    Parameters
    ----------
    in_channels : int
    spec : InceptionSpec
        The filters of each branch.
    norm, bias, eps
        As in `ConvUnit`.

    References
    ----------
    Szegedy et al. (2014), Going deeper with convolutions, arXiv:1409.4842, Figure 2.
    """

    def __init__(
        self,
        in_channels: int,
        spec: InceptionSpec,
        *,
        norm: Norm = None,
        bias: bool | None = None,
        eps: float = 1e-3,
    ) -> None:
        if not isinstance(spec, InceptionSpec):
            raise TypeError(
                f"spec must be an InceptionSpec, got {type(spec).__name__}: "
                "write InceptionSpec(conv1x1=64, reduce3x3=96, ...) or take one of MODULES."
            )
        style = Style(norm=norm, bias=bias, eps=eps)

        def unit(channels: int, filters: int, kernel_size: int) -> ConvUnit:
            return style.unit(channels, filters, kernel_size=kernel_size)

        def reduced(reduction: int | None, filters: int, kernel_size: int) -> nn.Sequential:
            if reduction is None:
                return nn.Sequential(unit(in_channels, filters, kernel_size))
            return nn.Sequential(
                unit(in_channels, reduction, 1), unit(reduction, filters, kernel_size)
            )

        pool = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1))
        if spec.pool_proj is not None:
            pool.append(unit(in_channels, spec.pool_proj, 1))
        super().__init__(
            unit(in_channels, spec.conv1x1, 1),
            reduced(spec.reduce3x3, spec.conv3x3, 3),
            reduced(spec.reduce5x5, spec.conv5x5, spec.kernel5x5),
            pool,
        )


class AuxiliaryHead(nn.Module):
    """A small classifier on the side of the network: (N, C, H, W) -> (N, num_classes).

    Pool to 4x4, 1x1 filters, hidden units, dropout, linear.

    Parameters
    ----------
    in_channels, num_classes : int
    filters, hidden : int
        128 1x1 filters and 1024 hidden units in the paper; fewer suit a smaller network.
    norm, bias, eps
        As in `ConvUnit`, for the 1x1 convolution.
    pool : "average" or "adaptive"
        The paper averages over 5x5 windows in steps of 3, which gives 4x4 from a 14x14 map.
        torchvision averages adaptively to 4x4, from a map of any size.
    dropout : float
        Probability in [0, 1) of dropping a hidden unit.

    References
    ----------
    Szegedy et al. (2014), Going deeper with convolutions, arXiv:1409.4842, section 5.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        filters: int = 128,
        hidden: int = 1024,
        norm: Norm = None,
        bias: bool | None = None,
        eps: float = 1e-3,
        pool: AuxPool = "average",
        dropout: float = 0.7,
    ) -> None:
        super().__init__()
        one_of(pool, ("average", "adaptive"), "pool")
        average = pool == "average"
        self.pool = nn.AvgPool2d(5, stride=3) if average else nn.AdaptiveAvgPool2d(4)
        filters, hidden = positive_int(filters, "filters"), positive_int(hidden, "hidden")
        self.conv = ConvUnit(in_channels, filters, kernel_size=1, norm=norm, bias=bias, eps=eps)
        self.fc1 = nn.Linear(filters * 4 * 4, hidden)
        self.dropout = nn.Dropout(probability(dropout, "dropout"))
        self.fc2 = nn.Linear(hidden, positive_int(num_classes, "num_classes"))

    def forward(self, x: Tensor) -> Tensor:
        """Return scores, (N, num_classes)."""
        self._check_size(x)
        x = self.pool(x)  # (N, C, 4, 4)
        x = self.conv(x)  # (N, filters, 4, 4)
        x = F.relu(self.fc1(torch.flatten(x, 1)))  # (N, hidden)
        return self.fc2(self.dropout(x))  # (N, num_classes)

    def _check_size(self, x: Tensor) -> None:
        adaptive = isinstance(self.pool, nn.AdaptiveAvgPool2d)
        if adaptive or not can_check(x) or all(14 <= size <= 16 for size in x.shape[-2:]):
            return
        height, width = x.shape[-2:]
        raise ValueError(
            "an auxiliary head with the paper's 5x5/3 average pool must get 4x4 out of it, which "
            f"takes a map of 14x14 to 16x16; got {height}x{width}. GoogLeNet gives 14x14 for "
            "images of 224x224 px. Train on such images, without the heads (aux_heads=False), "
            'or with heads that pool adaptively (aux_pool="adaptive").'
        )


def can_check(x: object) -> bool:
    """Tell whether `x` has a shape to look at: not while `torch.fx` traces a network."""
    return not isinstance(x, fx.Proxy)
