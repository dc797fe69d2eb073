"""Parameters and multiply-adds of a layer and of an Inception module, by arithmetic."""

from typing import Any, NamedTuple

from ..support.checks import height_width, positive_int


class Cost(NamedTuple):
    """Parameters and multiply-adds; costs add up, also with `sum`."""

    parameters: int
    macs: int

    def __add__(self, other: "Cost") -> "Cost":  # type: ignore[override]
        if not isinstance(other, Cost):
            return NotImplemented
        return Cost(self.parameters + other.parameters, self.macs + other.macs)

    def __radd__(self, other: int) -> "Cost":
        return self if other == 0 else NotImplemented  # sum() starts from 0


def convolution_cost(
    c_in: int, c_out: int, *, kernel_size: int, size: tuple[int, int], bias: bool = False
) -> Cost:
    """Cost of a k x k convolution, C_in to C_out channels, on an output of `size` = (H, W).

    k²·C_in·C_out weights (and C_out biases), each weight used once at every output position.
    """
    height, width = height_width(size)
    c_out = positive_int(c_out, "c_out")
    weights = positive_int(kernel_size, "kernel_size") ** 2 * positive_int(c_in, "c_in") * c_out
    return Cost(weights + bool(bias) * c_out, weights * height * width)


def reduced_cost(
    c_in: int,
    c_red: int,
    c_out: int,
    *,
    kernel_size: int,
    size: tuple[int, int],
    bias: bool = False,
) -> Cost:
    """Cost of the same with a 1x1 reduction to C_red channels first: C_red·(C_in + k²·C_out)."""
    reduction = convolution_cost(c_in, c_red, kernel_size=1, size=size, bias=bias)
    return reduction + convolution_cost(c_red, c_out, kernel_size=kernel_size, size=size, bias=bias)


def break_even(c_in: int, c_out: int, *, kernel_size: int) -> float:
    """Return the C_red below which a reduction saves weights: k²·C_in·C_out / (C_in + k²·C_out)."""
    c_in = positive_int(c_in, "c_in")
    outputs = positive_int(kernel_size, "kernel_size") ** 2 * positive_int(c_out, "c_out")
    return c_in * outputs / (c_in + outputs)


def module_costs(
    in_channels: int, spec: Any, *, size: tuple[int, int], bias: bool = False, kernel5x5: int = 5
) -> dict[str, Cost]:
    """Cost of an Inception module by branch: "1x1", "3x3", "5x5", "pool".

    Parameters
    ----------
    in_channels : int
    spec : utils.blocks.InceptionSpec
        Its reductions and projection may be None.
    size : (int, int)
        Height and width of the map.
    bias : bool
        Whether to count biases.
    kernel5x5 : int
        3 for torchvision's "5x5" branch.
    """
    if not hasattr(spec, "conv1x1"):
        raise TypeError(f"spec must be an InceptionSpec, got {spec!r}: MODULES holds the paper's.")

    def branch(c_red: int | None, c_out: int, kernel_size: int) -> Cost:
        options = {"kernel_size": kernel_size, "size": size, "bias": bias}
        if c_red is None:
            return convolution_cost(in_channels, c_out, **options)
        return reduced_cost(in_channels, c_red, c_out, **options)

    return {
        "1x1": branch(None, spec.conv1x1, 1),
        "3x3": branch(spec.reduce3x3, spec.conv3x3, 3),
        "5x5": branch(spec.reduce5x5, spec.conv5x5, kernel5x5),
        "pool": Cost(0, 0) if spec.pool_proj is None else branch(None, spec.pool_proj, 1),
    }
