"""Whether weights fit a network: what wraps them comes off, and what differs is named."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .names import Entry
from .published import rename

# The layers of a network that give its scores, one for each head.
SCORES = re.compile(r"(aux\d?\.)?fc2?\.\w+$")


class WeightsError(RuntimeError, ValueError):
    """The weights are another network's: a RuntimeError, as PyTorch raises, and a ValueError."""


NO_HEADS = "these weights have no trained auxiliary heads: leave out aux_heads=True."


def unwrapped(state: Any, what: str) -> dict[str, Any]:
    """Return a state dict without what programs put around it.

    That is one level, "state_dict" or "model", and in front of all names the "module." of
    DataParallel and the "_orig_mod." of torch.compile. Nothing in it is left out.

    Raises
    ------
    ValueError
        `state` is no state dict.
    WeightsError
        Some names have such a prefix and some have not, or both levels are there.
    """
    inside = [key for key in ("state_dict", "model") if isinstance(state, Mapping) and key in state]
    if len(inside) > 1:
        raise WeightsError(f"{what} holds both {' and '.join(inside)}: give one of them.")
    if inside:
        state = state[inside[0]]
    if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
        raise ValueError(
            f"{what} holds a {type(state).__name__}, not a state dict: save model.state_dict()."
        )
    for prefix in ("module.", "_orig_mod.", "module."):  # either way round
        behind = [key for key in state if key.startswith(prefix)]
        before = [key for key in state if not key.startswith(prefix)]
        if behind and before:
            raise WeightsError(
                f"{what}: {prefix!r} stands before {some(behind)}, and not before {some(before)}: "
                "take out what is no weight, and give all names the prefix, or none."
            )
        if behind:
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return dict(state)


def fit(
    state: Mapping[str, Any], entry: Entry, options: dict[str, Any], what: str
) -> dict[str, Any]:
    """Return what is to be loaded, under our names; `options` get what the weights ask for."""
    with torch.device("meta"):  # all names there can be
        own = entry.build(**options | ({"aux_heads": True} if entry.aux else {})).state_dict()
    found = dict(state)
    if entry.keys is not None and next(iter(own)) not in state:  # these are not our names
        found = rename(state, entry.keys, own)
    for key, value in found.items():
        floats = isinstance(value, Tensor) and value.is_floating_point()
        if floats and not value.float().isfinite().all():  # as float32, in which we compute
            raise ValueError(f"{what}: {key!r} holds numbers that are not finite.")
    trunks = [{k: v for k, v in of.items() if not k.startswith("aux")} for of in (own, found)]
    heads = found.keys() != trunks[1].keys()
    wanted = entry.aux and options.setdefault("aux_heads", heads)
    if entry.aux and not (wanted and heads):
        own, found = trunks
    other = differences(weight_shapes(own), weight_shapes(found))
    if other is None and differences(*map(weight_shapes, trunks)) is not None:
        raise WeightsError(
            f"{what}: the auxiliary heads do not fit the rest, as where model.fc alone was "
            "replaced: leave them out, with aux_heads=False."
        )
    if other is None:
        raise WeightsError(f"{what} are another network's weights. {faults(own, found)}")
    if wanted and not heads:
        raise ValueError(NO_HEADS)
    for option, value in other.items():
        if options.setdefault(option, value) == value:
            continue
        if option == "num_classes":
            found = {key: value for key, value in found.items() if not SCORES.match(key)}
        elif (options[option], value) == (1, 3):
            first = next(iter(own))
            found[first] = found[first].sum(1, keepdim=True)
        else:
            raise ValueError(
                f"{what} are for {option}={value}, not {options[option]}: leave out {option}, and "
                "give the network such images."
            )
    return found


def faults(own: Mapping[str, Tensor], state: Mapping[str, Any]) -> str:
    """Say which weights a state dict lacks, has beside those of a network, or in another shape."""
    wanted, found = weight_shapes(own), weight_shapes(state)
    named = {
        "Missing": [key for key in wanted if key not in found],
        "Not of this network": [key for key in found if key not in wanted],
        "Of another shape": [
            f"{key} {found[key]} instead of {shape}"
            for key, shape in wanted.items()
            if found.get(key, shape) != shape
        ],
    }
    return " ".join(f"{what}: {some(keys)}." for what, keys in named.items() if keys)


def weight_shapes(state_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Return name -> shape, without the counts that BatchNorm keeps: older files have none."""
    return {
        str(key): tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        for key, value in state_dict.items()
        if not str(key).endswith("num_batches_tracked")
    }


def differences(wanted: dict[str, Any], found: dict[str, Any]) -> dict[str, Any] | None:
    """Return what to change in building the network so that the weights fit; None if nothing does.

    That is another number of classes or of input channels. Both are what `weight_shapes` returns.
    """
    if wanted.keys() != found.keys():
        return None
    options: dict[str, int] = {}
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


def some(items: list[str]) -> str:
    """List the first few, for a message."""
    more = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return (", ".join(items[:3]) or "none") + more
