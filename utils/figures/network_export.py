"""A trained network as a layout and bytes that `network_engine.js` runs in a page."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..blocks import ConvUnit, Inception
from ..networks.network import Network
from ..networks.rows import MaxPool
from ..pretrained import Normalisation, Pretrained
from ..support.palette import BRANCHES

_MOST = 2**15 - 1  # whole numbers of 16 bits
_INSIDE = {
    "1x1": "branch1",
    "3x3.reduce": "branch2.0",
    "3x3": "branch2.1",
    "5x5.reduce": "branch3.0",
    "5x5": "branch3.1",
    "pool": "branch4.1",
}


@dataclass(frozen=True)
class Exported:
    """What a page needs to run a network.

    Attributes
    ----------
    layout : dict
        ``size``, ``mean``, ``std``, ``classes``; ``stages``, in forward order, each with ``name``,
        ``kind`` ("conv", "pool" or "module"), ``channels`` and ``side`` of its map and, for a
        module, the channels of its ``branches``; and ``units``, the convolutions and the last
        layer in the order of their weights, each with ``name``, ``inputs``, ``outputs`` and
        ``kernel``.
    weights : bytes
        For each unit a scale and a bias for each output channel (float32, little-endian); then all
        weights as 16-bit numbers to be multiplied by their scales, lower bytes first. Deflated.
    """

    layout: dict[str, Any]
    weights: bytes


def export(trained: Pretrained) -> Exported:
    """Fold batch normalisation into the convolutions, and write all weights as 16-bit numbers.

    A number of 16 bits for each weight, and a scale for each output channel, are closer to the
    trained weights than float16 of the same size: scores come out about twenty times as close.

    Parameters
    ----------
    trained : Pretrained
        A small network of this package for square grey images: convolutions, max pools (3×3, in
        steps of 2) and Inception modules with 3×3 and 5×5 filters, all reduced.

    Raises
    ------
    ValueError
        Something in the network is of another kind.
    """
    model, normalisation = trained.model, trained.preprocessing
    if not (isinstance(model, Network) and isinstance(normalisation, Normalisation)):
        raise ValueError("a network is exported if this package built and trained it.")
    height, width = normalisation.size
    if height != width or len(normalisation.mean) != 1:
        raise ValueError("a network is exported for square grey images only.")
    stages: list[dict[str, Any]] = []
    units: dict[str, tuple[Tensor, Tensor]] = {}
    side = height
    for name, row in model.config.layers.items():
        module = model.get_submodule(name)
        stage: dict[str, Any] = {"name": name}
        if isinstance(module, Inception):
            for part, path in _INSIDE.items():
                units[f"{name}.{part}"] = _folded(module.get_submodule(path))
            widths = {branch: len(units[f"{name}.{branch}"][0]) for branch in BRANCHES}
            stage |= {"kind": "module", "branches": widths, "channels": sum(widths.values())}
        elif isinstance(module, ConvUnit):
            units[name] = _folded(module)
            stage |= {"kind": "conv", "channels": module.conv.out_channels}
        elif isinstance(module, nn.MaxPool2d) and row == MaxPool():
            stage |= {"kind": "pool", "channels": stages[-1]["channels"]}
            side = row.output_size(side)
        else:
            raise ValueError(f"stage {name!r}, {row}, is of a kind that is not exported.")
        stages.append(stage | {"side": side})
    units["fc"] = (model.fc.weight.detach().double()[..., None, None], model.fc.bias.detach())

    floats, integers = [], []
    for weight, bias in units.values():
        scale = (weight.abs().flatten(1).amax(1) / _MOST).clamp(min=1e-30).float()
        floats += [scale.numpy().astype("<f4"), bias.float().numpy().astype("<f4")]
        integers.append((weight / scale.double()[:, None, None, None]).round().flatten().numpy())
    whole = np.clip(np.concatenate(integers), -_MOST, _MOST).astype("<i2")
    planes = whole.view(np.uint8).reshape(-1, 2).T
    layout = {
        "size": height,
        "mean": normalisation.mean[0],
        "std": normalisation.std[0],
        "classes": list(trained.classes),
        "stages": stages,
        "units": [
            {"name": name, "inputs": w.shape[1], "outputs": w.shape[0], "kernel": w.shape[2]}
            for name, (w, _) in units.items()
        ],
    }
    return Exported(layout, zlib.compress(np.concatenate(floats).tobytes() + planes.tobytes(), 9))


def data_address(content: bytes) -> str:
    """Return bytes as a data URL, which the book puts into a file of its own."""
    return f"data:application/octet-stream;base64,{base64.b64encode(content).decode()}"


def _folded(unit: nn.Module) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution with its normalisation in them, in float64."""
    if not isinstance(unit, ConvUnit):
        raise ValueError(f"{unit} is of a kind that is not exported.")
    conv, bn = unit.conv, unit.bn
    weight = conv.weight.detach().double()
    bias = torch.zeros(len(weight)) if conv.bias is None else conv.bias.detach()
    if bn is None:
        return weight, bias.double()
    mean, variance = (
        buffer.double() for buffer in (bn.get_buffer("running_mean"), bn.get_buffer("running_var"))
    )
    factor = bn.weight.double() / torch.sqrt(variance + bn.eps)
    bias = (bias.double() - mean) * factor + bn.bias.double()
    return (weight * factor[:, None, None, None]).detach(), bias.detach()
