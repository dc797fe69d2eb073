"""What a network says of images and heads that it cannot take: what was wrong, and what to do."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..blocks import can_check
from ..support.checks import one_of


def check_images(x: Tensor, model: nn.Module) -> None:
    """Raise unless `x` are images that a `Network` takes: (N, in_channels, H, W), floating-point.

    Raises
    ------
    TypeError, ValueError
        What was expected, what came, what to do.
    """
    if not can_check(x):
        return
    channels, smallest = model.config.in_channels, model.smallest
    wanted = f"{model.config.name} expects images as a floating-point tensor (N, {channels}, H, W)"
    check_layout(x, channels, wanted, otherwise="build the network with in_channels={}")
    if min(x.shape[2:]) < smallest:
        raise ValueError(
            f"this network shrinks images of less than {smallest}x{smallest} px to nothing, got "
            f"{x.shape[2]}x{x.shape[3]}: enlarge them, or take mini_googlenet for small images."
        )
    if not x.is_floating_point():
        raise TypeError(f"{wanted}, got {x.dtype}: if these are bytes, take x.float() / 255.")
    # Not those of a layer by name: whoever fine-tunes may have replaced it.
    weights = next((p.dtype for p in model.parameters() if p.is_floating_point()), x.dtype)
    if x.dtype == weights:
        return
    # Autocast converts both, but leaves float64 alone.
    if torch.float64 in (x.dtype, weights) or not torch.is_autocast_enabled(x.device.type):
        raise TypeError(
            f"the images are {x.dtype}, the weights {weights}: take x.to({weights}), or convert "
            f"the network with model.to({x.dtype})."
        )


def check_layout(x: Tensor, channels: int, wanted: str, *, otherwise: str = "") -> None:
    """Raise unless `x` is a tensor (N, channels, H, W); the message says how to make it one.

    `wanted` begins the message; `otherwise`, with a place for a number of channels, is an
    alternative to changing that of the images.
    """
    if not isinstance(x, Tensor):
        raise TypeError(
            f"{wanted}, got {type(x).__name__}: utils.data.to_tensor turns a picture into one."
        )
    shape = tuple(x.shape)
    if len(shape) == 4 and shape[1] == channels and 0 not in shape[2:]:
        return
    advice = ""
    if len(shape) == 3:
        advice = ": for one image alone, take x[None]"
    elif len(shape) == 4 and shape[3] == channels:
        advice = ": the channels seem to come last, take x.permute(0, 3, 1, 2)"
    elif len(shape) == 4 and shape[1] == 1:
        advice = f": for grey images, take x.expand(-1, {channels}, -1, -1)"
    if otherwise and len(shape) == 4 and shape[1] != channels:
        advice += f"{', or' if advice else ':'} {otherwise.format(shape[1])}"
    raise ValueError(f"{wanted}, got the shape {shape}{advice}.")


def check_heads(layers: Mapping[str, Any], heads: Mapping[str, str]) -> None:
    """Raise a ValueError unless each head, "aux1" or "aux2", has a layer of its own."""
    for layer, head in heads.items():
        one_of(head, ("aux1", "aux2"), "the name of an auxiliary head")
        if layer not in layers:
            raise ValueError(
                f"{head} stands on the layer {layer!r}, which is not there; there are "
                f"{', '.join(layers)}. To change some rows of a network keep the others, as in "
                "layers={**PAPER, ...}; to build one without heads, aux_heads=False."
            )
    if len(set(heads.values())) < len(heads):
        raise ValueError(f"each layer needs a head of its own, got {heads}.")
