"""Weights that others publish: fetched through their packages, checked, and renamed for ours.

torchvision and timm keep what they fetch in caches, and take a file that lies there for good. The
names in both caches hold the SHA-256 that the file must have, or the first digits of it; here a
file is held against its name before it is used and after it was fetched, and removed if it differs.
"""

import contextlib
import hashlib
import pickle
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import Tensor

from ..support.downloads import patiently

# Where a cache keeps the file, and the first digits of its SHA-256; None if it does not.
Locate = Callable[[], tuple[Path, str] | None]
Load = Callable[[], Mapping[str, Tensor]]


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
        In one sentence or two: why, and what to do. The caches then hold nothing damaged.
    """
    what = f'the weights "{weights}" of {name}'
    fresh = f'create("{name}") builds the network with fresh weights.'
    other = (
        f"what came for {what} is not the published file, but cut short, changed on the way or "
        f"another page; nothing of it was kept. Try again, or from another network; {fresh}"
    )
    try:
        locate, load = _torchvision(there) if weights == "torchvision" else _timm(there, aux=aux)
    except ImportError as error:
        raise WeightsUnavailableError(
            f"{what} come through a package that cannot be imported ({error}): pip install "
            f"{error.name or 'timm'}."
        ) from None
    removed = ""
    if old := _remove_damaged(locate):
        removed = f" {old} was damaged, and has been removed."
        sys.stdout.write(f"Fetching {what} again.{removed}\n")
    try:
        with patiently():
            state = load()
    except Exception as error:  # whatever a network can do wrong, in three packages' words
        reason = (str(error).strip() or "no reason given").splitlines()[0]
        says = (
            f"{what} could not be fetched, which needs the internet the first time "
            f"({type(error).__name__}: {reason});{removed} {fresh}"
        )
        if _remove_damaged(locate) or "invalid hash" in reason:
            says = other
        elif isinstance(error, pickle.UnpicklingError):
            says = f"{what} hold more than weights, and are not opened: it could be code. {fresh}"
        raise WeightsUnavailableError(says) from None
    if _remove_damaged(locate):
        raise WeightsUnavailableError(other)
    return state


def _torchvision(there: str) -> tuple[Locate, Load]:
    from torchvision.models import get_weight

    weights = get_weight(there)

    def load() -> Mapping[str, Tensor]:
        return weights.get_state_dict(progress=True, check_hash=True, weights_only=True)

    return lambda: _in_torch_hub(weights.url), load


def _timm(there: str, *, aux: bool) -> tuple[Locate, Load]:
    import timm

    extra = {"aux_logits": True} if aux else {}
    repository, url = (getattr(timm.get_pretrained_cfg(there), key) for key in ("hf_hub_id", "url"))

    def load() -> Mapping[str, Tensor]:
        if repository and not _in_hugging_face_hub(repository):
            _ask_hugging_face(repository)
        return timm.create_model(there, pretrained=True, **extra).state_dict()

    if repository:
        return lambda: _in_hugging_face_hub(repository), load
    return lambda: _in_torch_hub(url), load


_HUB_FILE = "model.safetensors"


def _ask_hugging_face(repository: str) -> None:
    """Raise at once if there is no network: timm would try again and again for a minute."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError

    with contextlib.suppress(EntryNotFoundError):  # then it has the weights in another file
        get_hf_file_metadata(hf_hub_url(repository, _HUB_FILE))


def _in_hugging_face_hub(repository: str) -> tuple[Path, str] | None:
    from huggingface_hub import try_to_load_from_cache

    link = try_to_load_from_cache(repository, _HUB_FILE)
    if not isinstance(link, str):
        return None
    path = Path(link).resolve()  # a large file is called by its SHA-256
    return path, path.name if re.fullmatch("[0-9a-f]{64}", path.name) else ""


def _in_torch_hub(url: str) -> tuple[Path, str] | None:
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name
    digits = torch.hub.HASH_REGEX.search(path.name)
    return (path, digits[1] if digits else "") if path.is_file() else None


def _remove_damaged(locate: Locate) -> Path | None:
    """Remove the file in a cache if it is not what its name says; return its path if so."""
    found = locate()
    if found is None or digest_of(found[0]).startswith(found[1]):
        return None
    found[0].unlink(missing_ok=True)
    return found[0]


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
