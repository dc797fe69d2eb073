"""Cost and accuracy: published networks as points, on axes that the reader chooses."""

from __future__ import annotations

from typing import Any

from ..experiments.compare_networks import NEW, OLDER, published, times
from ..interactive import Interactive
from ..support.checks import one_of
from ._figure import figure

COSTS = ("parameters", "macs", "activations", "time", "last")
ACCURACIES = ("top1", "top5")
WEIGHTS = ("all", OLDER, NEW)


def cost_and_accuracy(
    x: str = "parameters",
    y: str = "top1",
    *,
    weights: str = "all",
    network: str = "GoogLeNet",
    key: str | None = None,
) -> Interactive:
    """Return published networks by what they cost and how often they are right, with their front.

    On the front are those that no other beats: cheaper, or as cheap, and right more often.

    Parameters
    ----------
    x
        The cost, one of `COSTS`: ``activations`` are the bytes that are written for the maps of one
        image; ``time`` and ``last`` the time of one image over GoogLeNet's, with channels first or
        last in memory.
    y
        One of `ACCURACIES`.
    weights
        Which weights are drawn, one of `WEIGHTS`.
    network
        Which point is chosen at first, one of `PUBLISHED`.
    key
        An anchor to link to.

    Raises
    ------
    ValueError
        There is no such cost, accuracy, weights or network.
    """
    networks = _networks()
    names = tuple(one["name"] for one in networks)

    def check(state: dict[str, Any]) -> None:
        for name, options in (
            ("x", COSTS),
            ("y", ACCURACIES),
            ("weights", WEIGHTS),
            ("network", names),
        ):
            one_of(state[name], options, name)

    state = {"x": x, "y": y, "weights": weights, "network": network}
    check(state)
    rows = [
        (
            one["name"],
            one["parameters"],
            one["macs"],
            f"{one['activations'] / 1e6:.0f}",
            f"{one['time'][0]:.2f}",
            f"{one['last'][0]:.2f}",
            f"{one['top1']:.1%}",
            f"{one['top5']:.1%}",
        )
        for one in networks
    ]
    return figure(
        __file__,
        alt="Published networks by what they cost and how often they are right, on axes to choose",
        key=key,
        check=check,
        state=state,
        caption="What networks of torchvision cost for one image, and how many of ImageNet's "
        "validation images they name rightly. Times are over GoogLeNet's.",
        heads=(
            "",
            "parameters",
            "multiply-adds",
            "MB of maps",
            "time",
            "time, channels last",
            "right at once",
            "right in five",
        ),
        rows=rows,
        networks=networks,
    )


def _networks() -> list[dict[str, Any]]:
    first, last = times("channels first"), times("channels last")

    def around(model: str, found: dict) -> list[float]:
        return [round(v, 3) for v in (found[model].mean, found[model].low, found[model].high)]

    return [
        {
            "name": name,
            "model": row.model,
            "recipe": row.recipe,
            "parameters": int(row.parameters),
            "macs": int(row.macs),
            "activations": int(row.activation_bytes),
            "time": around(row.model, first),
            "last": around(row.model, last),
            "top1": round(row.top1, 5),
            "top5": round(row.top5, 5),
        }
        for name, row in published().iterrows()
    ]
