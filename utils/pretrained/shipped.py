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
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
import torchvision
from torch import Tensor, nn

from .. import __version__, data
from ..accounting import account
from ..support.atomic import write_together, write_whole
from .creation import create
from .fitting import WeightsError
from .names import ENTRIES
from .preparation import Normalisation, Preprocessing

CHECKPOINTS = Path(__file__).parents[1] / "assets" / "checkpoints"
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


def load(name: str | PathLike[str], *, folder: str | PathLike[str] | None = None) -> Pretrained:
    """Load a trained network.

    Parameters
    ----------
    name : str
        One that ships with the package, as `checkpoints` lists them, such as "mini-googlenet"; or
        "googlenet": torchvision's weights, trained on ImageNet, fetched when first used.
        Underscores may stand for hyphens, and capitals for small letters. Or the path of a file
        that `save_weights` wrote, as the command that trains on folders of pictures does.
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
    if str(name).endswith(".safetensors"):
        return _of_file(Path(folder or "") / Path(name).expanduser())
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
    weights = _read(_folder(folder) / f"{name}.safetensors", card["sha256"])
    try:
        model = create(card["network"], **card["options"])
        _fill(model, safetensors.torch.load(weights))
        size, mean, std = (tuple(card[key]) for key in ("size", "mean", "std"))
        return Pretrained(
            model=model.eval(),
            classes=tuple(card["classes"]),
            preprocessing=Normalisation(size=size, mean=mean, std=std),
            card=card,
        )
    except Exception as error:  # whatever else a changed card may lack or ask for
        path = _folder(folder) / f"{name}.json"
        what = f"does not describe the network of {name}.safetensors"
        raise _damaged(path, f"{what} ({type(error).__name__}: {error})") from None


def save_weights(
    path: Path,
    model: nn.Module,
    *,
    network: str,
    options: Mapping[str, Any],
    classes: tuple[str, ...],
    preprocessing: Preprocessing,
) -> None:
    """Write weights and what it takes to use them into one file, for `load`.

    Parameters
    ----------
    path : Path
        It has to end in ".safetensors".
    network, options : str, dict
        ``create(network, **options)`` builds the network.
    classes : tuple of str
        What its scores stand for, in order.
    preprocessing : Preprocessing
        What images go through before.
    """
    card = {
        "network": network,
        "options": dict(options),
        "classes": list(classes),
        "preprocessing": asdict(preprocessing),
    }
    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    # One entry: two would stand in another order each time, and the file would not be the same.
    write_whole(path, safetensors.torch.save(state, {"card": json.dumps(card)}))


def _of_file(path: Path) -> Pretrained:
    """Load what `save_weights` wrote."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            text = (file.metadata() or {}).get("card")
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise ValueError(f"there is no file {str(path)!r}.") from None
    except (OSError, safetensors.SafetensorError) as error:
        raise DamagedFileError(f"{path} holds no weights ({error}): save them again.") from None
    if text is None:
        raise ValueError(
            f"{path} does not say of which network and classes its weights are: create(NETWORK, "
            "weights=FILE) loads weights alone."
        )
    card = json.loads(text)
    model = create(card["network"], **card["options"])
    _fill(model, state)
    steps: dict[str, Any] = card["preprocessing"]
    steps |= {key: tuple(steps[key]) for key in ("mean", "std")}
    return Pretrained(
        model=model.eval(),
        classes=tuple(card["classes"]),
        preprocessing=Preprocessing(**steps),
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
    folder: str | PathLike[str] | None = None,
) -> Path:
    """Write a trained network and its card, so that `load` finds it; return the card's path.

    Each file is complete or not there, and none is replaced before all are written. The card comes
    last: without it, or with an older one, the weights are not taken.

    Parameters
    ----------
    name : str
        As in "mini-googlenet": small letters and digits, with single hyphens between them.
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
        The settings of the training.
    seed : int
        Of the first weights and of the training.
    command : str
        That which trained it, to be repeated.
    machine : str
        The kind of machine, such as "2 CPU cores".
    cpu_seconds : float
        What the training took, all cores together.
    folder : path, optional
        By default, where what ships with the package lies.

    Raises
    ------
    ValueError
        The name cannot be one, the network is not the one named, or the result not this network's
        on these images.
    """
    if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(
            "the name of a checkpoint must be small letters and digits with single hyphens between "
            f"them, as in 'mini-googlenet'; got {name!r}."
        )
    shape = {"num_classes": len(training.classes), "in_channels": training.images.shape[1]}
    options, test_options = dict(options or {}) | shape, dict(test_options or {})
    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    again = create(network, **options).eval()  # that the card's way to build it is the right one
    _fill(again, state)

    images = getattr(data, test)("test", **test_options)
    preprocessing = Normalisation(
        size=tuple(training.images.shape[2:]), mean=training.mean, std=training.std
    )
    chosen = torch.linspace(0, len(images) - 1, min(STORED, len(images))).long()
    with torch.no_grad():
        logits = again(preprocessing(images.images[chosen]))
    if not _answers(result, len(images), chosen, logits):
        raise ValueError(
            f"result must be that of this network on all {len(images)} images of {images.name}: "
            "evaluate(model, test, normalisation=(training.mean, training.std), logits=True)."
        )
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
        "recipe": asdict(recipe),
        "seed": seed,
        "parameters": counted.parameters,
        "multiply_adds": counted.macs,
        "accuracy": result.accuracy,
        "interval": list(result.interval),
        "correct": result.correct,
        "count": result.count,
        "licence": LICENCE,
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
    text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    place = _folder(folder)
    write_together(
        {
            place / f"{name}.safetensors": weights,
            place / f"{name}.logits.safetensors": scores,
            place / f"{name}.json": text,
        }
    )
    return place / f"{name}.json"


def _answers(result: Any, count: int, chosen: Tensor, logits: Tensor) -> bool:
    """Tell whether a result has logits of so many images, and these at the chosen places."""
    if result.logits is None or len(result.logits) != count:
        return False
    near = 1e-3 * float(logits.abs().max())
    return torch.allclose(result.logits[chosen].float(), logits, rtol=0, atol=near)


def read_card(name: str, *, folder: str | PathLike[str] | None = None) -> dict[str, Any]:
    """Read the card of a checkpoint.

    Raises
    ------
    DamagedFileError
        It is no card, or that of another checkpoint.
    """
    path = _folder(folder) / f"{name}.json"
    content = _read(path)
    try:
        card = json.loads(content)
        if (card["name"], len(card["sha256"]), len(card["logits_sha256"])) != (name, 64, 64):
            raise ValueError("another card")
        return card
    except (ValueError, KeyError, TypeError):
        raise _damaged(path, f"is not the card of {name} (any more)") from None


def _read(path: Path, sha256: str | None = None) -> bytes:
    """Read a file, if it is the one that its card describes."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged(path, f"cannot be read ({error.strerror})") from None
    if sha256 not in (None, hashlib.sha256(content).hexdigest()):
        raise _damaged(path, "is not the file that its card describes: incomplete, or changed")
    return content


def _fill(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    try:
        model.load_state_dict(state)
    except RuntimeError as error:  # PyTorch's text has a line for each weight
        first = str(error).partition("\n")[2].strip().partition("\n")[0]
        raise WeightsError(f"these are another network's weights ({first[:200]})") from None


def _damaged(path: Path, how: str) -> DamagedFileError:
    advice = "save the network again."
    if path.parent == CHECKPOINTS:
        advice = (
            'install the package again; in a clone, "git checkout -- utils/assets/checkpoints" '
            "brings its files back."
        )
    return DamagedFileError(f"{path} {how}: {advice}")


def _folder(folder: str | PathLike[str] | None) -> Path:
    return CHECKPOINTS if folder is None else Path(folder).expanduser()
