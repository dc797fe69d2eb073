"""Bottleneck calculator: what a 1x1 reduction in front of a k x k convolution saves."""

from __future__ import annotations

from typing import Any

from ..accounting import break_even, convolution_cost, reduced_cost
from ..googlenet import INPUTS, MODULES
from ..interactive import Interactive
from ..support.checks import integer, one_of
from ._figure import check_size, figure, several

_KERNELS = (1, 3, 5, 7)
_MOST = 1024


def bottleneck_calculator(
    c_in: int = 192,
    c_red: int = 16,
    c_out: int = 32,
    kernel_size: int = 5,
    *,
    size: tuple[int, int] = (28, 28),
    key: str | None = None,
) -> Interactive:
    """Return a figure that compares a k x k convolution with the same behind a 1x1 reduction.

    The reader moves the numbers of channels, the kernel and the size of the feature map, and sees
    the weights and multiply-adds of both paths, the saving, and the break-even on the cost's line.
    The defaults are the 5x5 branch of the paper's module 3a; its nine modules are presets.

    Parameters
    ----------
    c_in
        Input channels, 2 to 1024.
    c_red
        Channels behind the reduction, 1 to `c_in`.
    c_out
        Output channels, 1 to 1024.
    kernel_size
        1, 3, 5 or 7.
    size
        Height and width of the feature map in pixels, 1 to 224 each.
    key
        An anchor to link to.

    Raises
    ------
    TypeError
        If what should be an integer is none, or the size no pair.
    ValueError
        If a number is out of its range.
    """
    state = {
        "c_in": c_in,
        "c_red": c_red,
        "c_out": c_out,
        "kernel_size": kernel_size,
        "size": size,
    }
    _check(state)
    kernel = f"{kernel_size}×{kernel_size}"
    direct = convolution_cost(c_in, c_out, kernel_size=kernel_size, size=size)
    reduced = reduced_cost(c_in, c_red, c_out, kernel_size=kernel_size, size=size)
    even = break_even(c_in, c_out, kernel_size=kernel_size)
    saves = (
        f"It saves as long as there are fewer than {even:.1f} reduced channels."
        if even > 1
        else "Here no reduction saves anything."
    )
    return figure(
        __file__,
        alt="Bottleneck calculator: the cost of a convolution with and without a 1×1 reduction",
        key=key,
        check=_check,
        state=state,
        caption=(
            f"What a 1×1 reduction to {several(c_red, 'channel')} saves in front of a {kernel} "
            f"convolution from {c_in} to {several(c_out, 'channel')}, on {size[0]} × {size[1]} "
            f"pixels, without biases. {saves}"
        ),
        heads=("path", "weights", "multiply-adds"),
        rows=[(f"direct {kernel}", *direct), (f"1×1, then {kernel}", *reduced)],
        presets=_presets(),
    )


def _check(state: dict[str, Any]) -> None:
    integer(state["c_in"], "c_in", least=2, most=_MOST)
    integer(state["c_out"], "c_out", least=1, most=_MOST)
    integer(state["c_red"], "c_red", least=1, most=_MOST)
    if state["c_red"] > state["c_in"]:
        raise ValueError(
            f"c_red must be at most c_in = {state['c_in']}, or the 1x1 convolution would not "
            f"reduce; but it is {state['c_red']}"
        )
    one_of(integer(state["kernel_size"], "kernel_size", least=1), _KERNELS, "kernel_size")
    check_size(state["size"])


def _presets() -> list[dict[str, Any]]:
    """Return the 3x3 and the 5x5 branch of each of the paper's modules."""
    presets = []
    for name, spec in MODULES.items():
        c_in, *size = INPUTS[name]
        branches = [
            {"c_in": c_in, "c_red": c_red, "c_out": c_out, "kernel_size": k, "size": size}
            for c_red, c_out, k in (
                (spec.reduce3x3, spec.conv3x3, 3),
                (spec.reduce5x5, spec.conv5x5, 5),
            )
        ]
        presets.append({"module": name, "branches": branches})
    return presets
