"""Build a network by name: with fresh weights, published ones, or those of a file."""

import contextlib
import io
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from ..networks.guards import unwrapped
from .names import ENTRIES, Entry, entry_of, no_weights
from .preparation import Preprocessing
from .published import fetch, rename


def create(name: str, *, weights: str | PathLike | None = None, **options: Any) -> nn.Module:
    """Build a network by name.

    Parameters
    ----------
    name : str
        One of `models`.
    weights : str or path, optional
        None: fresh ones. "torchvision" or "timm:tf_in1k", as `models` lists them: published ones,
        trained on ImageNet's 1000 classes, fetched when first used; `preprocessing` says how to
        feed them. Anything else is the path of a file, by `safetensors` or by `torch.save` of a
        state dict, with names of this package or the published ones. No code in it is run.
    **options
        What the network's own function takes: ``num_classes``, ``in_channels``, ``dropout``, ...
        Auxiliary heads are built if the weights have trained ones, unless ``aux_heads`` says
        otherwise.

    Returns
    -------
    nn.Module
        In training mode, as PyTorch builds networks.

    Raises
    ------
    ValueError
        No such network or weights, or weights of another network.
    WeightsUnavailableError
        Published weights cannot be fetched.
    FileNotFoundError
        There is no such file.
    """
    entry = entry_of(name)
    if weights is None:
        return entry.build(**options)
    if isinstance(weights, str) and weights in entry.published:
        _check_published_options(name, weights, options)
        if entry.aux:
            options.setdefault("aux_heads", entry.published[weights].aux)
        there = entry.published[weights].there
        state = fetch(name, weights, there, aux=options.get("aux_heads", False))
    else:
        state = _read(name, weights)
        if entry.aux:
            options.setdefault("aux_heads", any(key.startswith(entry.aux) for key in state))
    if entry.aux and not options["aux_heads"]:
        state = {key: value for key, value in state.items() if not key.startswith(entry.aux)}
    model = entry.build(**options)
    model.load_state_dict(_renamed(state, model, entry))
    return model


def preprocessing(name: str, weights: str) -> Preprocessing:
    """Return how images are prepared for published weights; see `create` for the names."""
    published = entry_of(name).published
    if weights not in published:
        raise ValueError(no_weights(name, weights))
    return published[weights].preprocessing


def _check_published_options(name: str, weights: str, options: dict[str, Any]) -> None:
    source = ENTRIES[name].published[weights]
    for option, value in (("num_classes", 1000), ("in_channels", 3)):
        if options.get(option, value) != value:
            raise ValueError(
                f"the weights {weights!r} are for {option}={value}, not {options[option]}: create "
                f"{name} with them, then replace its "
                f"{'last layer, model.fc' if option == 'num_classes' else 'first convolution'}."
            )
    if options.get("aux_heads") and not source.aux:
        raise ValueError(
            f"the weights {weights!r} of {name} have no trained auxiliary heads: leave out "
            "aux_heads=True."
        )


def _read(name: str, weights: str | PathLike) -> Mapping[str, Tensor]:
    """Read a state dict from a file, running no code that may be in it."""
    path = Path(weights)
    with contextlib.suppress(RuntimeError):  # ~ may be nobody's home
        path = path.expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{no_weights(name, str(weights))} Nor is there such a file.")
    try:
        if path.suffix == ".safetensors":
            state = safetensors.torch.load(path.read_bytes())
        else:
            state = torch.load(io.BytesIO(path.read_bytes()), map_location="cpu", weights_only=True)
    except Exception:  # damaged files fail in many ways
        raise ValueError(
            f"{path} holds no weights that can be read without running code: it must be written "
            "by safetensors, or by torch.save(model.state_dict(), path)."
        ) from None
    if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
        raise ValueError(
            f"{path} holds a {type(state).__name__}, not a state dict: save model.state_dict()."
        )
    for key, value in state.items():
        floats = isinstance(value, Tensor) and value.is_floating_point()
        if floats and not value.float().isfinite().all():  # as float32, in which we compute
            raise ValueError(f"{path}: {key!r} holds numbers that are not finite.")
    return state


def _renamed(state: Mapping[str, Tensor], model: nn.Module, entry: Entry) -> Mapping[str, Tensor]:
    """Give weights this package's names, unless they have them."""
    own = model.state_dict()
    _, found = unwrapped(state, own)
    known = sum(key in own for key in found)
    if entry.keys is None or 2 * known > len(found):
        return state
    return rename(state, entry.keys, own)
