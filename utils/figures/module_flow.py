"""Data flowing through a module: its maps of a photograph, branch by branch, and who made which."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from .. import pretrained
from ..activations import features
from ..data import middle, photograph, to_tensor
from ..interactive import Interactive
from ..support.checks import integer
from ..support.jpeg import jpeg_data_url
from ..support.palette import BRANCH_LABELS, BRANCHES
from ._figure import figure

_NETWORK, _STAGE, _BEFORE = "colour-googlenet", "inception3a", "maxpool2"
_SIDE = 256  # pixels of the photograph: maps of 64 × 64
_ROW = 12  # maps side by side in the picture that holds them all
_STEPS = 4


def module_flow(
    channel: int | None = None,
    *,
    step: int = 1,
    photo: str = "coffee",
    key: str | None = None,
) -> Interactive:
    """Return a figure in which a photograph flows through an Inception module.

    It shows module 3a of the network "colour-googlenet", trained, step by step: what comes in, what
    the reductions and the pool make of it, what the convolutions make of that, and the
    concatenation. The reader chooses a channel of the output, and sees its map, its branch, its
    place, and the largest weights on its way back to the input.

    Parameters
    ----------
    channel
        Of the output, from 0; by default the one of the 3×3 branch that varies most.
    step
        1 (the input) to 4 (the concatenation).
    photo
        A photograph of `utils.data`; its middle is shown.
    key
        An anchor to link to.

    Raises
    ------
    TypeError
        If what should be an integer is none.
    ValueError
        There is no such channel, step or photograph.
    """
    flow = _flow(photo)
    if channel is None:
        channel = flow["best"]["3x3"]
    made = len(flow["channels"])

    def check(state: dict[str, Any]) -> None:
        integer(state["channel"], "channel", least=0, most=made - 1)
        integer(state["step"], "step", least=1, most=_STEPS)

    rows = []
    for column in flow["columns"]:
        first, best = column["start"], flow["best"][column["branch"]]
        last = first + column["boxes"][-1][1] - 1
        facts = flow["channels"][best]
        rows.append(
            (column["label"], f"{first} to {last}", best, f"{facts['peak']}", f"{facts['mean']}")
        )
    return figure(
        __file__,
        alt="A photograph flows through an Inception module: four branches, concatenated",
        key=key,
        check=check,
        state={"channel": channel, "step": step},
        caption=(
            f"Module 3a of a trained network on a photograph ({photo}): {flow['in']} channels come "
            f"in, {made} go out. For each branch its channels in the output, the one of them that "
            "varies most on this photograph, and its largest value and mean."
        ),
        heads=("branch", "channels", "varies most", "largest value", "mean"),
        rows=rows,
        flow=flow,
    )


@cache
def _flow(photo: str) -> dict[str, Any]:
    """Return all that the figure shows: maps as one picture, and what is said of each channel."""
    trained = pretrained.load(_NETWORK)
    image = _square(photo)
    normalised = trained.preprocessing(image, any_size=True)
    inner = {"3x3": f"{_STAGE}.branch2.0", "5x5": f"{_STAGE}.branch3.0"}
    inner["pool"] = f"{_STAGE}.branch4.0"
    outer = {branch: f"{_STAGE}.branch{number}" for number, branch in enumerate(BRANCHES, 1)}
    with torch.inference_mode():
        names = [_BEFORE, *inner.values(), *outer.values()]
        found = features(trained.model, normalised, names)
    maps = {name: tensor[0] for name, tensor in found.items()}
    weights = {name: value for name, value in trained.model.named_parameters() if "conv" in name}

    columns, channels, best = [], [], {}
    for branch in BRANCHES:
        out, start = maps[outer[branch]], len(channels)
        box = ["1×1" if branch in ("1x1", "pool") else BRANCH_LABELS[branch], len(out)]
        boxes = [box]
        if branch in inner:
            boxes.insert(0, ["max 3×3" if branch == "pool" else "1×1", len(maps[inner[branch]])])
        columns.append(
            {"branch": branch, "label": BRANCH_LABELS[branch], "boxes": boxes, "start": start}
        )
        for own, one in enumerate(out):
            middle, source = _way_back(weights, outer[branch], branch, own)
            channels.append(
                {
                    "branch": branch,
                    "own": own,
                    "middle": middle,
                    "source": source,
                    "peak": round(float(one.max()), 2),
                    "mean": round(float(one.mean()), 2),
                    "zero": round(float((one == 0).float().mean()), 3),
                }
            )
        best[branch] = start + int(out.flatten(1).std(dim=1).argmax())

    first, stacks = {}, []
    for name in (_BEFORE, *inner.values(), *outer.values()):
        first[name] = sum(len(stack) for stack in stacks)
        stacks.append(maps[name])
    return {
        "photo": jpeg_data_url(Image.fromarray(_bytes(image[0].permute(1, 2, 0))), quality=75),
        "maps": jpeg_data_url(_sheet(torch.cat(stacks)), quality=75),
        "side": stacks[0].shape[-1],
        "row": _ROW,
        "rows": -(-sum(len(stack) for stack in stacks) // _ROW),
        "in": len(maps[_BEFORE]),
        "first": {
            "input": first[_BEFORE],
            **{f"{branch}.middle": first[name] for branch, name in inner.items()},
            **{f"{branch}.out": first[name] for branch, name in outer.items()},
        },
        "columns": columns,
        "channels": channels,
        "best": best,
    }


def _way_back(
    weights: dict[str, Tensor], path: str, branch: str, own: int
) -> tuple[int | None, int]:
    """Return the channel inside the branch and the channel of the input that weigh most."""

    def heaviest(name: str, row: int) -> int:
        return int(weights[f"{path}.{name}conv.weight"][row].flatten(1).norm(dim=1).argmax())

    if branch == "1x1":
        return None, heaviest("", own)
    middle = heaviest("1.", own)
    return middle, middle if branch == "pool" else heaviest("0.", middle)


def _square(name: str) -> Tensor:
    """Return the middle of a photograph, (1, 3, 256, 256)."""
    x = middle(to_tensor(photograph(name)))
    return F.interpolate(x, (_SIDE, _SIDE), mode="bilinear", antialias=True).clamp(0, 1)


def _bytes(values: Tensor) -> np.ndarray:
    return (255 * values.clamp(0, 1)).round().byte().numpy()


def _sheet(maps: Tensor) -> Image.Image:
    """Put maps (C, H, W) into one grey picture, each from 0, black, to its own largest value."""
    scaled = _bytes(maps / maps.amax(dim=(1, 2), keepdim=True).clamp(min=1e-9))
    count, height, width = scaled.shape
    rows = -(-count // _ROW)
    sheet = np.zeros((rows * height, _ROW * width), np.uint8)
    for i, one in enumerate(scaled):
        top, left = (i // _ROW) * height, (i % _ROW) * width
        sheet[top : top + height, left : left + width] = one
    return Image.fromarray(sheet)
