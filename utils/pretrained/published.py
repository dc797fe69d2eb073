"""Weights that others publish: fetched through their packages, and renamed for ours.

torchvision and timm keep what they fetch in caches, and check it in their own ways.
"""

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..support.downloads import patiently


class WeightsUnavailableError(RuntimeError):
    """Published weights cannot be had: no network, a bad answer, or a package is missing."""


def fetch(name: str, weights: str, there: str, *, aux: bool = False) -> Mapping[str, Tensor]:
    """Get published weights through the interface of the package that publishes them.

    Parameters
    ----------
    name, weights : str
        As `utils.pretrained.create` takes them, for messages; "torchvision" or "timm:...".
    there : str
        What the package calls them.
    aux : bool
        Ask timm for those of the auxiliary heads, too.

    Raises
    ------
    WeightsUnavailableError
        In two or three sentences: why, and what to do.
    """
    what = f'the weights "{weights}" of {name}'
    try:
        with patiently():
            return _torchvision(there) if weights == "torchvision" else _timm(there, aux=aux)
    except ImportError as error:
        raise WeightsUnavailableError(
            f"{what} come through a package that cannot be imported ({error}): pip install "
            f"{error.name or 'timm'}."
        ) from None
    except Exception as error:  # whatever a network can do wrong, in three packages' words
        reason = (str(error).strip() or "no reason given").splitlines()[0]
        raise WeightsUnavailableError(
            f"{what} could not be loaded ({type(error).__name__}: {reason}). The first time, this "
            "needs the internet. If it did not help to try again, a file may be damaged: delete it "
            f"from {torch.hub.get_dir()}, or what comes through timm from Hugging Face's cache. "
            f'create("{name}") builds the network with fresh weights.'
        ) from None


def _torchvision(there: str) -> Mapping[str, Tensor]:
    from torchvision.models import get_weight

    return get_weight(there).get_state_dict(progress=True, check_hash=True, weights_only=True)


def _timm(there: str, *, aux: bool) -> Mapping[str, Tensor]:
    import timm
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError

    hub = getattr(timm.get_pretrained_cfg(there), "hf_hub_id", None)
    file = "model.safetensors"
    if hub and not isinstance(try_to_load_from_cache(hub, file), str):
        # Without a network this fails at once; timm would try again and again for a minute.
        with contextlib.suppress(EntryNotFoundError):  # then the weights are in another file
            get_hf_file_metadata(hf_hub_url(hub, file))
    extra: dict[str, Any] = {"aux_logits": True} if aux else {}
    return timm.create_model(there, pretrained=True, **extra).state_dict()


def rename(
    state_dict: Mapping[str, Any], keys: Mapping[str, str], own: Iterable[str]
) -> dict[str, Any]:
    """Give published weights the names of this package.

    Parameters
    ----------
    state_dict : dict
        As published; names that are no weight's of the network stay.
    keys : dict
        Module here -> the same module there, by path; the longest path that fits a name counts.
    own : iterable of str
        The names of the network's own state dict.

    Raises
    ------
    ValueError
        `keys` covers not all of `own`, or a weight is there under both names.
    """
    there = {}
    for name in own:
        parts = name.split(".")
        paths = (".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1))
        path = next((path for path in paths if path in keys), None)
        if path is None:
            raise ValueError(f"the key map has no place for {name}.")
        there[keys[path] + name.removeprefix(path)] = name
    renamed = {there.get(name, name): value for name, value in state_dict.items()}
    if len(renamed) < len(state_dict):
        twice = [name for name in state_dict if name in renamed and name not in there]
        raise ValueError(f"these weights are there under published names, too: {', '.join(twice)}.")
    return renamed
