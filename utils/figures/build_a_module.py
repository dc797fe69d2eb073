"""Build a module: an Inception module from its six numbers, drawn to scale, with its costs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..accounting import module_costs
from ..blocks import InceptionSpec
from ..googlenet import INPUTS, MODULES
from ..interactive import Interactive
from ..support.checks import integer
from ..support.palette import BRANCH_LABELS
from ._figure import check_size, figure, several

_MOST_IN = 1024
_MOST = 512
_MAY_BE_NONE = ("reduce3x3", "reduce5x5", "pool_proj")


def build_a_module(
    in_channels: int = 192,
    spec: InceptionSpec = MODULES["3a"],
    *,
    size: tuple[int, int] = (28, 28),
    key: str | None = None,
) -> Interactive:
    """Return a figure in which the reader builds an Inception module from its six numbers.

    It shows the four branches to scale, their concatenation, and weights and multiply-adds by
    branch beside those of the naive module: the same filters, no reduction and no projection. The
    paper's nine modules are presets; the default is 3a.

    Parameters
    ----------
    in_channels
        Channels that the module reads, 1 to 1024.
    spec
        The six numbers, 1 to 512 each; None leaves a reduction or the projection out.
    size
        Height and width of the feature map in pixels, 1 to 224 each.
    key
        An anchor to link to.

    Raises
    ------
    TypeError
        If `spec` is not an `InceptionSpec`, what should be an integer is none, or the size no pair.
    ValueError
        If a number is out of its range.
    """
    if not isinstance(spec, InceptionSpec):
        raise TypeError(f"spec must be an InceptionSpec, as MODULES['3a'] is, but it is {spec!r}")
    state = {"in_channels": in_channels, "size": size, **asdict(spec)}
    _check(state)
    costs = module_costs(in_channels, spec, size=size)
    naive = module_costs(in_channels, spec.naive(), size=size)
    rows = [(BRANCH_LABELS[branch], *costs[branch], *naive[branch]) for branch in BRANCH_LABELS]
    rows.append(("module", *sum(costs.values()), *sum(naive.values())))
    return figure(
        __file__,
        alt="Build an Inception module: four branches to scale, and what each costs",
        key=key,
        check=_check,
        state=state,
        caption=(
            f"An Inception module with {several(in_channels, 'input channel')} and "
            f"{several(spec.out_channels(in_channels), 'output channel')} on {size[0]} × {size[1]} "
            "pixels, branch by branch, without biases; in the last two columns the naive module, "
            "with the same filters and no reduction or projection."
        ),
        heads=("branch", "weights", "multiply-adds", "weights, naive", "multiply-adds, naive"),
        rows=rows,
        presets=_presets(),
    )


def _check(state: dict[str, Any]) -> None:
    integer(state["in_channels"], "in_channels", least=1, most=_MOST_IN)
    for name in InceptionSpec.__dataclass_fields__:
        if state[name] is not None or name not in _MAY_BE_NONE:
            integer(state[name], name, least=1, most=_MOST)
    check_size(state["size"])


def _presets() -> dict[str, dict[str, Any]]:
    """Return the paper's nine modules as the figure's state."""
    return {
        name: {"in_channels": INPUTS[name][0], "size": list(INPUTS[name][1:]), **asdict(spec)}
        for name, spec in MODULES.items()
    }
