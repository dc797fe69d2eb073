"""Receptive fields: what a unit of a map sees of the input, from one map to the next."""

import re
from typing import Any, NamedTuple

from torch import Tensor, nn

# What is known to look at one place only, function or module: the names as `_plain` writes them.
POINTWISE = re.compile(
    r"(leaky|p|r)?relu6?|[cgs]?elu|silu|mish|hardtanh|hardswish|(hard|log)?sigmoid|tanh|softplus|"
    r"softsign|threshold|identity|(alpha|feature)?dropout[12]?d?|stochasticdepth|"
    r"(sync)?batchnorm[12]?d?|localresponsenorm|i?(add|sub|mul|truediv)|rsub|div|neg|pow|square|"
    r"r?sqrt|reciprocal|abs|exp|log|clamp|clip|maximum|minimum|lerp|where|cat|concat|concatenate|"
    r"contiguous|clone|detach|to|float|half|double|bfloat16|type"
)
VIEWS = re.compile(r"flatten|view|reshape|squeeze|unsqueeze")
_REDUCTIONS = re.compile(r"mean|sum|amax|amin|std|var|prod|(log)?softmax|logsumexp")


class Axis(NamedTuple):
    """What a unit of a map sees along one axis, in input pixels; `size` is the map's, in units."""

    low: float
    high: float
    jump: float
    size: int

    def through(self, kernel: float, stride: float, size: int) -> "Axis":
        """Look at this map through a window of `kernel` units, moved in steps of `stride`."""
        grown = (kernel - 1) * self.jump
        return Axis(self.low + grown, self.high + grown, self.jump * stride, size)


Field = tuple[Axis, Axis] | None  # height and width; None where it is not known


def widest(axes: tuple[Axis, ...]) -> Axis:
    """Merge what meets in a concatenation or a sum: the narrowest and the widest path."""
    largest = max(axes, key=lambda axis: axis.size)
    return largest._replace(low=min(a.low for a in axes), high=max(a.high for a in axes))


def behind(
    merged: tuple[Axis, Axis],
    name: str,
    module: nn.Module | None,
    args: tuple,
    kwargs: dict,
    result: Tensor,
) -> Field:
    """Return what a unit of `result` sees, given what those of the maps that it is made of see.

    `name` is that of a function or a module's class, as `plain` writes it; `module` is None for a
    function; `args` and `kwargs` are what it was given.
    """
    before = tuple(axis.size for axis in merged)
    after = tuple(result.shape[2:]) if result.ndim == 4 else (1, 1)
    if POINTWISE.fullmatch(name) or VIEWS.fullmatch(name):
        # A vector made from a map remembers the map's size, for a layer that sees all of it.
        return merged if result.ndim == 2 or after == before else None
    if _REDUCTIONS.fullmatch(name):
        dim = getattr(module, "dim", kwargs.get("dim", args[1] if len(args) > 1 else None))
        windows = _reduction(args[0] if args else kwargs["input"], dim, before, result)
    elif isinstance(module, nn.Linear):
        windows = [(size, 1) for size in before] if result.ndim == 2 else None
    else:
        windows = _windows(module, before, after)
    if windows is None:
        return None
    height, width = zip(merged, windows, after, strict=True)
    return tuple(axis.through(*window, size) for axis, window, size in (height, width))


def _windows(
    module: nn.Module | None, before: tuple[int, int], after: tuple[int, int]
) -> list[tuple[float, float]] | None:
    """Return (kernel, stride) along height and width, in units of the map before."""
    if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
        dilation = pair(getattr(module, "dilation", 1))
        sizes = zip(pair(module.kernel_size), dilation, strict=True)
        kernels = [(kernel - 1) * step + 1 for kernel, step in sizes]
        return list(zip(kernels, pair(module.stride), strict=True))
    if isinstance(module, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d):
        return [_adaptive(n, m) for n, m in zip(before, after, strict=True)]
    return None


def _adaptive(n: int, m: int) -> tuple[float, float]:
    """Return (kernel, stride) of an adaptive pool from n units to m.

    Its windows differ in size. The widest, moved in even steps, must reach from edge to edge.
    """
    kernel = max(-(-(i + 1) * n // m) - i * n // m for i in range(m))
    return kernel, (n - kernel) / (m - 1) if m > 1 else n


def _reduction(
    x: Tensor, dim: Any, before: tuple[int, int], result: Tensor
) -> list[tuple[int, int]] | None:
    """Return (kernel, stride) of a mean or its like: all of the map along what it reduces."""
    dims = dim if isinstance(dim, tuple | list) else (dim,)
    if not all(type(d) is int for d in dims):
        return None
    dims = {d % x.ndim for d in dims}
    seen = [1 in dims] * 2 if x.ndim == 2 else [axis in dims for axis in (2, 3)]
    if 0 in dims or not (result.ndim == x.ndim or all(seen)):
        return None
    return [(n if whole else 1, 1) for n, whole in zip(before, seen, strict=True)]


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """Return what PyTorch takes one number or two for, as two."""
    return value if isinstance(value, tuple) else (value, value)


def plain(name: str) -> str:
    """Write the names of functions, methods and modules alike: "leakyrelu" for `LeakyReLU`."""
    return name.replace("_", "").lower()
