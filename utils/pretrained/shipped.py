"""Networks that this project trained itself: saved with a card each, and loaded with no network.

Of a checkpoint called NAME, three files lie in `CHECKPOINTS`: ``NAME.safetensors``, the weights;
``NAME.json``, the card, which says what they are, how they came about and what they reach; and
``NAME.logits.safetensors``, the scores of some test images, to be computed again by a test. None
of them can hold code.
"""

import hashlib
import json
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import torchvision
from safetensors import SafetensorError
from torch import Tensor, nn

from .. import __version__, data
from ..accounting import account
from ..support.atomic import write_together
from .creation import create
from .names import ENTRIES
from .preparation import Normalisation, Preprocessing

CHECKPOINTS = Path(__file__).parents[1] / "assets" / "checkpoints"
_KINDS = {  # of what a card holds
    str: ("name", "network", "licence", "command", "machine", "sha256", "logits_sha256"),
    dict: ("options", "trained_on", "tested_on", "recipe", "versions"),
    list: ("classes", "size", "mean", "std", "interval"),
    int: ("seed", "parameters", "multiply_adds", "correct", "count"),
    int | float: ("accuracy", "cpu_seconds"),
}
STORED = 64  # test images whose scores are kept
LICENCE = "CC BY 4.0"


class DamagedFileError(ValueError):
    """A file that ships with the package is missing, cut short, changed, or of another one."""


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """A trained network with what is needed to use it.

    Attributes
    ----------
    model : nn.Module
        In evaluation mode.
    classes : tuple of str
        What its scores stand for, in order.
    preprocessing : Normalisation or Preprocessing
        To be called with images, before the network is.
    card : dict
        Where the weights come from and what they reach. That of a shipped network has the keys
        that `save` lists.
    """

    model: nn.Module = field(repr=False)
    classes: tuple[str, ...]
    preprocessing: Normalisation | Preprocessing
    card: dict[str, Any] = field(repr=False)


def checkpoints(folder: str | PathLike[str] | None = None) -> tuple[str, ...]:
    """Return the names of the checkpoints that lie in a folder, by default the package's own."""
    return tuple(sorted(path.stem for path in _folder(folder).glob("*.json")))


def load(name: str, *, folder: str | PathLike[str] | None = None) -> Pretrained:
    """Load a trained network.

    Parameters
    ----------
    name : str
        One that ships with the package, as `checkpoints` lists them, such as "mini-googlenet"; or
        "googlenet": torchvision's weights, trained on ImageNet, fetched when first used.
        Underscores may stand for hyphens, and capitals for small letters.
    folder : path, optional
        Where `save` wrote it; by default, what ships with the package.

    Raises
    ------
    ValueError
        There is none of that name; the message lists those there are.
    DamagedFileError
        A file of it is missing, cut short or changed; the message says which.
    WeightsUnavailableError
        "googlenet" cannot be fetched.
    """
    names = checkpoints(folder) + (("googlenet",) if folder is None else ())
    if name not in names:
        name = str(name).lower().replace("_", "-")
    if name == "googlenet" and folder is None:
        return _imagenet()
    if name not in names:
        raise ValueError(
            f"there is no trained network {name!r}; there are {', '.join(names) or 'none'}. "
            "utils.models() lists the networks that can be built."
        )
    card = read_card(name, folder=folder)
    state = _read(_folder(folder) / f"{name}.safetensors", card["sha256"])
    path = _folder(folder) / f"{name}.json"
    try:
        model = create(card["network"], **card["options"])
        model.load_state_dict(state)
    except Exception as error:  # whatever else a changed card may ask for
        raise DamagedFileError(
            f"{path} does not describe the network of {name}.safetensors "
            f"({type(error).__name__}: {error}): {_advice(path)}"
        ) from None
    return Pretrained(
        model=model.eval(),
        classes=tuple(card["classes"]),
        preprocessing=Normalisation(
            size=tuple(card["size"]), mean=tuple(card["mean"]), std=tuple(card["std"])
        ),
        card=card,
    )


def _imagenet() -> Pretrained:
    name, weights = "googlenet_torchvision", "torchvision"
    published = ENTRIES[name].published[weights]
    there = torchvision.models.get_weight(published.there)
    return Pretrained(
        model=create(name, weights=weights).eval(),
        classes=tuple(there.meta["categories"]),
        preprocessing=published.preprocessing,
        card={"name": "googlenet", "network": name, "weights": published.there, "url": there.url}
        | {
            key: there.meta[key]
            for key in ("num_params", "_metrics", "recipe")
            if key in there.meta
        },
    )


def save(
    name: str,
    model: nn.Module,
    *,
    network: str,
    options: Mapping[str, Any] | None = None,
    training: data.LabelledImages,
    test: str,
    test_options: Mapping[str, Any] | None = None,
    result: Any,
    recipe: Any,
    seed: int,
    command: str,
    machine: str,
    cpu_seconds: float,
    licence: str = LICENCE,
    folder: str | PathLike[str] | None = None,
) -> Path:
    """Write a trained network and its card, so that `load` finds it; return the card's path.

    Each file is complete or not there, and none is replaced before all are written. The card comes
    last: without it, or with an older one, the weights are not taken.

    Parameters
    ----------
    name : str
        As in "mini-googlenet": small letters and digits, with single hyphens or dots between them.
    model : nn.Module
    network, options : str, dict
        ``create(network, **options)`` builds it; ``num_classes`` and ``in_channels`` follow from
        the training images.
    training : LabelledImages
        What it was trained on. Size, classes, means and stds are taken from it.
    test, test_options : str, dict
        The test images are ``utils.data.<test>("test", **test_options)``.
    result : Evaluation
        Of these test images, with their logits, by `utils.training.evaluate`.
    recipe : Recipe
        Or any dataclass or dict: the settings of the training.
    seed : int
        Of the first weights and of the training.
    command : str
        That which trained it, to be repeated.
    machine : str
        The kind of machine, such as "2 CPU cores".
    cpu_seconds : float
        What the training took, all cores together.
    licence : str
        Of the weights.
    folder : path, optional
        By default, where what ships with the package lies.

    Raises
    ------
    ValueError
        The name cannot be one, the network is not the one named, the result not this network's on
        these images, or the card would hold what cannot be read again.
    """
    _check_name(name)
    options = dict(options or {})
    test_options = dict(test_options or {})
    options |= {"num_classes": len(training.classes), "in_channels": training.images.shape[1]}
    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    again = create(network, **options).eval()  # that the card's way to build it is the right one
    again.load_state_dict(state)

    images = getattr(data, test)("test", **test_options)
    preprocessing = Normalisation(
        size=tuple(training.images.shape[2:]), mean=training.mean, std=training.std
    )
    chosen, logits = stored_logits(again, preprocessing, images)
    _check_result(result, images, chosen, logits)
    weights = safetensors.torch.save(state, metadata={"format": "pt"})
    scores = safetensors.torch.save({"images": chosen, "logits": logits})
    counted = account(again, (training.images.shape[1], *preprocessing.size))
    card = {
        "name": name,
        "network": network,
        "options": options,
        "trained_on": {"name": training.name, "images": len(training)},
        "tested_on": {"name": images.name, "function": test, "options": test_options},
        "classes": list(training.classes),
        "size": list(preprocessing.size),
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
        "recipe": asdict(recipe) if is_dataclass(recipe) else dict(recipe),
        "seed": seed,
        "parameters": counted.parameters,
        "multiply_adds": counted.macs,
        "accuracy": result.accuracy,
        "interval": list(result.interval),
        "correct": result.correct,
        "count": result.count,
        "licence": licence,
        "command": command,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "package": __version__,
        },
        "machine": machine,
        "cpu_seconds": cpu_seconds,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "logits_sha256": hashlib.sha256(scores).hexdigest(),
    }
    try:
        text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise ValueError(f"the card of {name} cannot be written: {error}.") from error
    if fault := _fault(json.loads(text)):
        raise ValueError(f"the card of {name} could not be read again: {fault}.")
    place = _folder(folder)
    write_together(
        {
            place / f"{name}.safetensors": weights,
            place / f"{name}.logits.safetensors": scores,
            place / f"{name}.json": text,
        }
    )
    return place / f"{name}.json"


def _check_name(name: Any) -> None:
    """Raise a ValueError unless a checkpoint may have this name, of which its files get theirs."""
    known = isinstance(name, str) and re.fullmatch(r"[a-z0-9]+([-.][a-z0-9]+)*", name)
    if not known or name == "googlenet" or name.endswith(".logits"):
        raise ValueError(
            "the name of a checkpoint must be small letters and digits with single hyphens or dots "
            "between them, as in 'mini-googlenet', but not 'googlenet' or with '.logits' at its "
            f"end, which are taken; got {name!r}."
        )


@torch.no_grad()
def stored_logits(
    model: nn.Module, preprocessing: Callable[[Tensor], Tensor], images: data.LabelledImages
) -> tuple[Tensor, Tensor]:
    """Score a few images, evenly spread over the set: their places (n,), scores (n, classes)."""
    chosen = torch.linspace(0, len(images) - 1, min(STORED, len(images))).long()
    return chosen, model(preprocessing(images.images[chosen]))


def _check_result(result: Any, images: data.LabelledImages, chosen: Tensor, logits: Tensor) -> None:
    """Raise unless a result has the logits of these images, as the network gives them."""
    given = result.logits
    if given is None or given.shape != (len(images), logits.shape[1]):
        raise ValueError(
            f"result must be that of all {len(images)} images of {images.name}, with their logits: "
            "evaluate(model, test, normalisation=..., logits=True)."
        )
    apart = (given[chosen].float() - logits).abs().max() / logits.abs().max()
    if not apart < 1e-3:
        raise ValueError(
            "result is not this network's on these images, with the training images' mean and std: "
            f"its logits are off by {apart:.1g} of the largest."
        )


def read_card(name: str, *, folder: str | PathLike[str] | None = None) -> dict[str, Any]:
    """Read the card of a checkpoint.

    Raises
    ------
    DamagedFileError
        It is no card, or that of another checkpoint.
    """
    path = _folder(folder) / f"{name}.json"
    try:
        card = json.loads(_bytes(path))
    except (ValueError, RecursionError) as error:  # not text, or not JSON
        if isinstance(error, DamagedFileError):
            raise
        raise DamagedFileError(f"{path} is no card (any more): {_advice(path)}") from None
    if not isinstance(card, dict) or card.get("name") != name:
        raise DamagedFileError(f"{path} is not the card of {name}: {_advice(path)}")
    if fault := _fault(card):
        raise DamagedFileError(f"{path} is not the card of {name}, {fault}: {_advice(path)}")
    return card


def _fault(card: dict[str, Any]) -> str:
    """Say what a card lacks or what in it cannot be; nothing if it is sound."""
    for kind, keys in _KINDS.items():
        for key in keys:
            if not isinstance(card.get(key), kind) or isinstance(card[key], bool):
                return f"its {key} is missing or of another kind"
    options, mean, std = card["options"], card["mean"], card["std"]
    if "weights" in options:
        return "its options name other weights"
    if len(card["classes"]) != options.get("num_classes") or not _all(str, card["classes"]):
        return "its classes are not one name for each score"
    if len(mean) != options.get("in_channels") or not _all(int | float, mean):
        return "its mean is not one number for each channel"
    if len(std) != options.get("in_channels") or not _all(int | float, std):
        return "its std is not one number for each channel"
    if not all(0 <= m <= 1 and 0 < s <= 1 for m, s in zip(mean, std, strict=True)):
        return "its mean or std is not that of pixels in 0..1"
    if len(card["size"]) != 2 or not _all(int, card["size"]) or min(card["size"]) < 1:
        return "its size is not a height and a width"
    if not 0 <= card["correct"] <= card["count"] != 0:
        return "its correct is not some of its count"
    if card["accuracy"] != card["correct"] / card["count"]:
        return "its accuracy is not correct / count"
    return ""


def _all(kind: Any, values: list) -> bool:
    return all(isinstance(value, kind) and not isinstance(value, bool) for value in values)


def read_logits(name: str, *, folder: str | PathLike[str] | None = None) -> tuple[Tensor, Tensor]:
    """Read the stored scores of a checkpoint: places of test images (n,), scores (n, classes)."""
    card = read_card(name, folder=folder)
    path = _folder(folder) / f"{name}.logits.safetensors"
    kept = _read(path, card["logits_sha256"])
    if set(kept) != {"images", "logits"}:
        raise DamagedFileError(f"{path} holds no scores: {_advice(path)}")
    return kept["images"], kept["logits"]


def _read(path: Path, sha256: str) -> dict[str, Tensor]:
    """Read tensors from a file, if it is the one that its card describes."""
    content = _bytes(path)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DamagedFileError(
            f"{path} is not the file that its card describes (SHA-256 {found[:8]}... instead of "
            f"{str(sha256)[:8]}...): it is incomplete, or was changed. {_advice(path)}"
        )
    try:
        return safetensors.torch.load(content)
    except SafetensorError as error:
        raise DamagedFileError(f"{path} holds no tensors ({error}): {_advice(path)}") from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DamagedFileError(f"{path} cannot be read ({reason}): {_advice(path)}") from None


def _advice(path: Path) -> str:
    if path.parent == CHECKPOINTS:
        return (
            'install the package again; in a clone, "git checkout -- utils/assets/checkpoints" '
            "brings its files back."
        )
    return "save the network again."


def _folder(folder: str | PathLike[str] | None) -> Path:
    return CHECKPOINTS if folder is None else Path(folder).expanduser()
