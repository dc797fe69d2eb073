"""Build a network by name: with fresh weights, published ones, or those of a file."""

import contextlib
import io
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import safetensors.torch
import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum

from .fitting import NO_HEADS, fit, unwrapped
from .names import entry_of, no_weights
from .preparation import Preprocessing
from .published import fetch

Weights: TypeAlias = str | PathLike | bytes | Mapping[str, Tensor] | WeightsEnum


def create(name: str, *, weights: Weights | None = None, **options: Any) -> nn.Module:
    """Build a network by name.

    What the weights say of classes, input channels and auxiliary heads holds, unless `options` say
    otherwise:

    - with another ``num_classes``, the layers that give scores, in all heads, start afresh;
    - with ``in_channels=1``, the first convolution's weights for three colours are added up. On an
      image whose three channels are equal, and were normalised alike, its answers stay the same;
    - with ``aux_heads=False``, the heads' weights are left out.

    Parameters
    ----------
    name : str
        One of `models`.
    weights : optional
        None: fresh ones. "torchvision" or "timm:tf_in1k", as `models` lists them, or torchvision's
        own constant: published ones, trained on ImageNet's 1000 classes, fetched when first used;
        `preprocessing` says how to feed them. Anything else is a file, as its path or its bytes, by
        `safetensors` or by `torch.save`, or a state dict. The names in it may be this package's or
        the published ones. All of them may stand behind "module." or "_orig_mod.", and the whole
        under "state_dict" or "model". No code in a file is run.
    **options
        What the network's own function takes: ``num_classes``, ``in_channels``, ``dropout``, ...

    Returns
    -------
    nn.Module
        In training mode, as PyTorch builds networks.

    Raises
    ------
    ValueError
        No such network or weights, or weights of another network.
    TypeError
        Weights of another kind.
    WeightsUnavailableError
        Published weights cannot be fetched.
    FileNotFoundError
        There is no such file.
    """
    entry = entry_of(name)
    if weights is None:
        return entry.build(**options)
    if key := _published(name, weights):
        published = entry.published[key]
        if options.get("in_channels") == 1:
            published.preprocessing.for_grey()  # if that can be
        aux = entry.aux and options.setdefault("aux_heads", published.aux)
        if aux and not published.aux:
            raise ValueError(NO_HEADS)
        what, state = f"the weights {key!r}", fetch(name, key, published.there, aux=aux)
    else:
        what, state = _read(name, weights)
    state = fit(state, entry, options, what)
    model = entry.build(**options)
    model.load_state_dict({**model.state_dict(), **state})
    return model


def preprocessing(
    name: str, weights: str | WeightsEnum = "torchvision", *, in_channels: int = 3
) -> Preprocessing:
    """Return how images are prepared for published weights; see `create` for the names.

    Raises
    ------
    ValueError
        No such weights; or they normalised each colour differently, and ``in_channels=1``.
    """
    key = _published(name, weights)
    if key is None:
        raise ValueError(no_weights(name, weights))
    found = entry_of(name).published[key].preprocessing
    return found.for_grey() if in_channels == 1 else found


def _published(name: str, weights: object) -> str | None:
    """Return the key of published weights in the network's entry; None if they are none."""
    known = entry_of(name).published
    if isinstance(weights, WeightsEnum):
        weights = str(weights)
        if key := next((key for key, of in known.items() if of.there == weights), None):
            return key
        raise ValueError(no_weights(name, weights))
    return weights if isinstance(weights, str) and weights in known else None


def _read(name: str, weights: object) -> tuple[str, Mapping[str, Any]]:
    """Return what weights are called, and their state dict, running no code that may be in it."""
    if isinstance(weights, Mapping):
        what, state = "the state dict", weights
    else:
        what, content = _content(name, weights)
        try:
            if content[8:9] == b"{":  # behind the length of its header: safetensors
                state = safetensors.torch.load(content)
            else:
                state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except Exception:  # damaged files fail in many ways
            raise ValueError(
                f"{what} holds no weights that can be read without running code: it must be "
                "written by safetensors, or by torch.save(model.state_dict(), path)."
            ) from None
    return what, unwrapped(state, what)


def _content(name: str, weights: object) -> tuple[str, bytes]:
    """Return what weights are called, and the bytes of their file."""
    if isinstance(weights, bytes | bytearray | memoryview):
        return f"what came as {len(weights):,} bytes", bytes(weights)
    if not isinstance(weights, str | PathLike):
        raise TypeError(
            "weights must be published ones by name, the path or bytes of a file, or a state dict, "
            f"as model.state_dict() gives it; got {type(weights).__name__}."
        )
    path = Path(weights)
    with contextlib.suppress(RuntimeError):  # ~ may be nobody's home
        path = path.expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{no_weights(name, str(weights))} Nor is there such a file.")
    return str(path), path.read_bytes()
