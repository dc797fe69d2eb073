"""The network as a map: GoogLeNet stage by stage, with its costs and what its units can see."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from PIL import Image

from ..accounting import Account, account
from ..blocks import InceptionSpec
from ..data import middle, photograph
from ..experiments.googlenet import time_shares
from ..googlenet import MODULES, GoogLeNet, googlenet
from ..interactive import Interactive
from ..support.checks import one_of
from ..support.jpeg import jpeg_data_url
from ..support.palette import BRANCH_LABELS, BRANCHES
from ._figure import figure

_VARIANTS = ("paper", "torchvision")
_MEASURES = ("macs", "parameters", "time")
_SIDE = 224  # pixels, of the paper's images

# The rows of the paper's table that hold a map or scores, with the parts of the network in each.
_PARTS = {
    "conv1": ("conv1",),
    "maxpool1": ("maxpool1", "norm1"),
    "conv2": ("conv2", "conv3"),
    "maxpool2": ("norm2", "maxpool2"),
    **{name: (f"inception{name}",) for name in ("3a", "3b")},
    "maxpool3": ("maxpool3",),
    **{name: (f"inception{name}",) for name in ("4a", "4b", "4c", "4d", "4e")},
    "maxpool4": ("maxpool4",),
    **{name: (f"inception{name}",) for name in ("5a", "5b")},
    "avgpool": ("avgpool", "flatten", "dropout"),
    "linear": ("fc",),
}


def network_map(
    stage: str = "4c",
    *,
    measure: str = "macs",
    variant: str = "paper",
    photo: str = "cat",
    key: str | None = None,
) -> Interactive:
    """Return a map of GoogLeNet, from which the reader chooses a stage.

    The bars of the map are the stages' shares of the multiply-adds, the parameters or the time, as
    `utils.experiments.googlenet` measured it on one thread. Of the chosen
    stage it shows the branches to scale, shapes, costs, and the squares of a photograph that one
    unit sees, along the narrowest and the widest path.

    Parameters
    ----------
    stage
        "conv1", "maxpool1", "conv2", "maxpool2", "3a", ..., "5b", "avgpool" or "linear".
    measure
        "macs", "parameters" or "time": what the bars show at first.
    variant
        "paper" or "torchvision": whose network, at first.
    photo
        A photograph of `utils.data`; its middle is shown.
    key
        An anchor to link to.

    Raises
    ------
    ValueError
        There is no such stage, measure, variant or photograph.
    """
    state = {"stage": stage, "measure": measure, "variant": variant}
    _check(state)
    networks = {name: _network(name) for name in _VARIANTS}
    chosen = networks[variant]
    rows = [
        (
            s["title"],
            "×".join(map(str, s["output"])),
            s["parameters"],
            s["macs"],
            s["rf"][0],
            s["rf"][1],
            f"{s['time']:.1%}",
        )
        for s in chosen["stages"]
    ]
    rows.append(("the whole network", "", chosen["parameters"], chosen["macs"], "", "", ""))
    return figure(
        __file__,
        alt="GoogLeNet as a map: the shapes, the costs and the receptive field of each stage",
        key=key,
        check=_check,
        state=state,
        caption=(
            f"GoogLeNet as in {_NAMES[variant]}, stage by stage, for one image of {_SIDE}×{_SIDE} "
            "pixels; receptive fields in pixels, along the narrowest and the widest path; time as "
            "a share, on one thread, that of a normalisation with the pool beside it."
        ),
        heads=("stage", "output", "parameters", "multiply-adds", "narrowest", "widest", "time"),
        rows=rows,
        networks=networks,
        photo=_jpeg(photo),
        side=_SIDE,
    )


_NAMES = {"paper": "the paper", "torchvision": "torchvision"}


def _check(state: dict[str, Any]) -> None:
    one_of(state["stage"], tuple(_PARTS), "stage")
    one_of(state["measure"], _MEASURES, "measure")
    one_of(state["variant"], _VARIANTS, "variant")


@cache
def _network(variant: str) -> dict[str, Any]:
    """Return what the map says of a network: totals, and a dict for each stage."""
    with torch.device("meta"):
        network = googlenet(variant, aux_heads=False)
    counted = account(network, (3, _SIDE, _SIDE))
    kernel = network.config.layers["inception3a"].kernel5x5
    stage_of = {part: name for name, parts in _PARTS.items() for part in parts}
    times = time_shares(variant, stage_of.__getitem__)
    stages, before = [], (3, _SIDE, _SIDE)
    for name, parts in _PARTS.items():
        rows = counted.stages.loc[[part for part in parts if part in counted.stages.index]]
        end = rows.iloc[-1]
        output = tuple(rows.iloc[0]["output"]) if name == "avgpool" else tuple(end["output"])
        stages.append(
            {
                "name": name,
                "title": _title(name),
                "input": list(before),
                "output": list(output),
                "parameters": int(rows["parameters"].sum()),
                "macs": int(rows["macs"].sum()),
                "time": round(times[name].mean, 4),
                "rf": [int(end["rf_min"]), int(end["rf_max"])],
                "columns": _columns(name, network, counted, kernel, output[0]),
            }
        )
        before = output
    whole = {"parameters": counted.parameters, "macs": counted.macs, "time": 1}
    return {**whole, "stages": stages}


def _title(name: str) -> str:
    if name in MODULES:
        return f"module {name}"
    number = name[-1]
    return {
        "conv1": "first convolution",
        "conv2": "second convolutions",
        "avgpool": "average pool",
        "linear": "linear layer",
    }.get(name, f"max pool {number}")


def _columns(
    name: str, network: GoogLeNet, counted: Account, kernel: int, channels: int
) -> list[dict[str, Any]]:
    """Return what is drawn side by side: for each branch its boxes from below, and its costs.

    A box is a label, its channels, and whether it has weights.
    """
    if name in MODULES:
        spec: InceptionSpec = MODULES[name]
        boxes: dict[str, list[list[Any]]] = {
            "1x1": [["1×1", spec.conv1x1, True]],
            "3x3": [["1×1", spec.reduce3x3, True], ["3×3", spec.conv3x3, True]],
            "5x5": [["1×1", spec.reduce5x5, True], [f"{kernel}×{kernel}", spec.conv5x5, True]],
            "pool": [["max 3×3", None, False], ["1×1", spec.pool_proj, True]],
        }
        costs = {
            branch: counted.layers[
                counted.layers.index.str.startswith(f"inception{name}.branch{number}.")
            ]
            for number, branch in enumerate(BRANCHES, 1)
        }
        return [
            {
                "branch": branch,
                "label": BRANCH_LABELS[branch],
                "boxes": boxes[branch],
                "parameters": int(costs[branch]["parameters"].sum()),
                "macs": int(costs[branch]["macs"].sum()),
            }
            for branch in BRANCHES
        ]
    if name == "conv1":
        only = [["7×7, step 2", channels, True]]
    elif name == "conv2":
        only = [["1×1", network.conv2.conv.out_channels, True], ["3×3", channels, True]]
    elif name == "linear":
        only = [["linear", channels, True]]
    elif name == "avgpool":
        only = [["average 7×7", None, False]]
    else:
        size = getattr(network, name).kernel_size
        only = [[f"max {size}×{size}, step 2", None, False]]
    return [{"branch": None, "label": "", "boxes": only}]


@cache
def _jpeg(name: str) -> str:
    """Return the middle of a photograph as a data address: it travels with the figure."""
    image = Image.fromarray(middle(photograph(name)))
    small = image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return jpeg_data_url(small, quality=70)
