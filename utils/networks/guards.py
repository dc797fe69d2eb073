"""What a network says of images and weights that it cannot take: what was wrong, and what to do."""

import re
from collections.abc import Collection, Mapping
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
    shape, few = tuple(x.shape), {1, 3, 4, channels}
    if len(shape) == 4 and shape[1] == channels and 0 not in shape[2:]:
        return
    advice = []
    match shape:
        case (_, _):
            advice = [f"take x.expand(1, {channels}, -1, -1)"]
        case (first, _, last) if last in few and first not in few:
            advice = ["take x.permute(2, 0, 1)[None]"]
        case (_, _, _):
            advice = ["take x[None]"]
        case (_, _, _, _, _):
            advice = ["take x.flatten(0, 1)"]
        case (_, second, _, last) if last in few and second not in few:
            advice = ["the channels seem to come last, take x.permute(0, 3, 1, 2)"]
        case (_, second, _, _) if second != channels:
            if second == 1:
                advice = [f"take x.expand(-1, {channels}, -1, -1)"]
            elif second == 4 and channels in (1, 3):
                advice = ["the fourth seems to be transparency, take x[:, :3]"]
            elif second == 3 and channels == 1:
                advice = ["take x.float().mean(1, keepdim=True).to(x.dtype)"]
            advice += [otherwise.format(second)] * bool(otherwise)
    raise ValueError(f"{wanted}, got the shape {shape}{': ' * bool(advice)}{', or '.join(advice)}.")


# The layers of a network that give its scores, one for each head.
SCORES = re.compile(r"(aux\d?\.)?fc2?\.\w+$")


class WeightsError(RuntimeError, ValueError):
    """The weights are another network's: a RuntimeError, as PyTorch raises, and a ValueError."""


def check_weights(own: Mapping[str, Tensor], state_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state dict without what wraps it, if it has the names and shapes of `own`.

    Raises
    ------
    WeightsError
        It has not: the message says which it lacks and, where another number of classes, channels
        or heads would help, how to build the network.
    """
    wanted, weights = weight_shapes(own), unwrapped(state_dict, weight_shapes(own))
    found = weight_shapes(weights)
    if found == wanted:
        # A new dict, without PyTorch's note on versions, which asks for counts that old files lack.
        return weights
    advice = "Load them into the network that they come from; utils.create renames published ones."
    if options := differences(wanted, found):
        built = ", ".join(f"{key}={value}" for key, value in options.items())
        advice = f"Build the network with {built}."
    faults = {
        "Missing": [key for key in wanted if key not in found],
        "Not of this network": [key for key in found if key not in wanted],
        "Of another shape": [
            f"{key} {found[key]} instead of {shape}"
            for key, shape in wanted.items()
            if found.get(key, shape) != shape
        ],
    }
    listed = "".join(f"{what}: {some(keys)}. " for what, keys in faults.items() if keys)
    raise WeightsError(f"these are another network's weights. {listed}{advice}")


def weight_shapes(state_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Return name -> shape, without the counts that BatchNorm keeps: older files have none."""
    return {
        str(key): tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        for key, value in state_dict.items()
        if not str(key).endswith("num_batches_tracked")
    }


def unwrapped(state_dict: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return the part of a checkpoint that holds most of `names`; all, where less than half are.

    They may be one level down, or behind the prefix that DataParallel, torch.compile and others put
    in front of all names, or both.

    Raises
    ------
    WeightsError
        Two parts hold as many of them, as where an average is kept beside the weights.
    """
    first, parts = next(iter(names)), {}
    levels = {"state_dict": state_dict}
    levels |= {f"state_dict[{k!r}]": v for k, v in state_dict.items() if isinstance(v, Mapping)}
    for level, weights in levels.items():
        ends = [key for key in map(str, weights) if key.endswith(f".{first}")]
        for prefix in ("", *(key.removesuffix(first) for key in ends)):
            parts[f"{level}, those with {prefix!r}" if prefix else level] = {
                str(key).removeprefix(prefix): value
                for key, value in weights.items()
                if str(key).startswith(prefix)
            }
    known = {place: len(part.keys() & set(names)) for place, part in parts.items()}
    most = max(known.values())
    if 2 * most <= len(names):
        return parts["state_dict"]
    best = [place for place in parts if known[place] == most]
    if len(best) > 1:
        raise WeightsError(f"these weights are there more than once: take {', or '.join(best)}.")
    return parts[best[0]]


def differences(wanted: dict[str, Any], found: dict[str, Any]) -> dict[str, Any] | None:
    """Return what to change in building the network so that the weights fit; None if nothing does.

    That is another number of classes or of input channels, or the auxiliary heads. Both are what
    `weight_shapes` returns.
    """
    options = {}
    heads = [any(key.startswith("aux") for key in shapes) for shapes in (wanted, found)]
    if heads[0] != heads[1]:
        options["aux_heads"] = heads[1]
        wanted, found = (
            {key: shape for key, shape in shapes.items() if not key.startswith("aux")}
            for shapes in (wanted, found)
        )
    if wanted.keys() != found.keys():
        return None
    scores = [key for key in wanted if SCORES.match(key)]
    axes = dict.fromkeys(scores, ("num_classes", 0)) | {next(iter(wanted)): ("in_channels", 1)}
    for key, shape in wanted.items():
        if found[key] != shape:
            option, axis = axes.get(key, ("", 0))
            if not option or not _differ_along(axis, shape, found[key]):
                return None
            options[option] = found[key][axis]
    for key, (option, axis) in axes.items():
        if options.get(option, found[key][axis]) != found[key][axis]:
            return None
    return options


def _differ_along(axis: int, shape: tuple[int, ...], other: Any) -> bool:
    """Tell whether `other` is the shape but for its length along one axis, and not empty there."""
    if not isinstance(other, tuple) or len(other) != len(shape) or other[axis] < 1:
        return False
    return shape[:axis] + shape[axis + 1 :] == other[:axis] + other[axis + 1 :]


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


def some(items: list[str]) -> str:
    """List the first few, for a message."""
    more = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return (", ".join(items[:3]) or "none") + more
