"""Every network of the package by name, with fresh weights, published ones, or those of a file.

    model = create("inception_v3", weights="timm:tf_in1k")
    images = preprocessing("inception_v3", "timm:tf_in1k")(photographs)

Published weights are fetched at run time by torchvision's and timm's own interfaces, which keep
them in their caches.
"""

import contextlib
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.transforms import v2 as transforms

from .descendants import inception_resnet, inception_v3, inception_v4, xception
from .descendants.bn_inception import bn_inception
from .descendants.hadamard import hadamard_inception, se_inception
from .googlenet import googlenet, micro_googlenet, mini_googlenet
from .network import misplaced, rename
from .rivals import plain_network, small_resnet


class WeightsUnavailableError(RuntimeError):
    """Published weights cannot be had: no network, or the package that knows them is missing."""


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What weights were trained to see: shorter side, crop in pixels, channel means and stds.

    Called with images, (N, 3, H, W) or (3, H, W), floating-point in 0..1, it returns them resized,
    cropped and normalised, (N, 3, crop, crop).
    """

    resize: int
    crop: int
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    interpolation: str = "bicubic"

    def __call__(self, images: Tensor) -> Tensor:
        """Return (N, 3, crop, crop)."""
        if not isinstance(images, Tensor) or not images.is_floating_point():
            got = images.dtype if isinstance(images, Tensor) else type(images).__name__
            raise TypeError(
                f"preprocessing expects a floating-point tensor in 0..1, got {got}: "
                "utils.data.to_tensor turns a picture into one."
            )
        interpolation = transforms.InterpolationMode(self.interpolation)
        steps = [
            transforms.Resize(self.resize, interpolation=interpolation, antialias=True),
            transforms.CenterCrop(self.crop),
            transforms.Normalize(self.mean, self.std),
        ]
        return transforms.Compose(steps)(images)


@dataclass(frozen=True, kw_only=True)
class Published:
    """One set of published weights: the name of the network there, and how to feed it.

    `aux` tells whether trained weights of the auxiliary heads come with them. torchvision's file
    for GoogLeNet has some, of which torchvision says that they are not trained.
    """

    there: str
    preprocessing: Preprocessing
    aux: bool = False


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A network by name.

    Attributes
    ----------
    build : callable
    size : int
        Height and width of the images it is made for, in pixels.
    keys : dict, optional
        Module here -> module in published weights. None if the names are the same.
    published : dict
        Value of ``weights`` -> `Published`.
    aux : tuple of str
        What the names of auxiliary heads begin with, here and there.
    """

    build: Callable[..., nn.Module]
    size: int
    keys: Mapping[str, str] | None = field(default=None, repr=False)
    published: dict[str, Published] = field(default_factory=dict)
    aux: tuple[str, ...] = ()


# torchvision's own preprocessing normalises as usual for ImageNet, and its networks with these
# weights then undo that into (x - 0.5) / 0.5 ("transform_input"): here that is one step.
_TIMM_V3 = Preprocessing(resize=341, crop=299)
_TIMM_333 = Preprocessing(resize=333, crop=299)
_GLUON = Preprocessing(resize=341, crop=299, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))

_GOOGLENET_AUX = ("aux1.", "aux2.")
ENTRIES: dict[str, Entry] = {
    "googlenet": Entry(build=partial(googlenet, "paper"), size=224, aux=_GOOGLENET_AUX),
    "googlenet_bn": Entry(build=partial(googlenet, "bn"), size=224, aux=_GOOGLENET_AUX),
    "googlenet_torchvision": Entry(
        build=partial(googlenet, "torchvision"),
        size=224,
        aux=_GOOGLENET_AUX,
        published={
            "torchvision": Published(
                there="GoogLeNet_Weights.IMAGENET1K_V1",
                preprocessing=Preprocessing(resize=256, crop=224, interpolation="bilinear"),
            )
        },
    ),
    "mini_googlenet": Entry(build=mini_googlenet, size=32),
    "micro_googlenet": Entry(build=micro_googlenet, size=28),
    "bn_inception": Entry(build=bn_inception, size=224),
    "inception_v3": Entry(
        build=inception_v3.inception_v3,
        size=299,
        keys=inception_v3.PUBLISHED_KEYS,
        aux=("aux.", "AuxLogits."),
        published={
            "torchvision": Published(
                there="Inception_V3_Weights.IMAGENET1K_V1",
                preprocessing=Preprocessing(resize=342, crop=299, interpolation="bilinear"),
                aux=True,
            ),
            "timm:tv_in1k": Published(
                there="inception_v3.tv_in1k", preprocessing=_TIMM_V3, aux=True
            ),
            "timm:tf_in1k": Published(there="inception_v3.tf_in1k", preprocessing=_TIMM_V3),
            "timm:tf_adv_in1k": Published(there="inception_v3.tf_adv_in1k", preprocessing=_TIMM_V3),
            "timm:gluon_in1k": Published(there="inception_v3.gluon_in1k", preprocessing=_GLUON),
        },
    ),
    "inception_v4": Entry(
        build=inception_v4.inception_v4,
        size=299,
        keys=inception_v4.TIMM_KEYS,
        published={"timm:tf_in1k": Published(there="inception_v4.tf_in1k", preprocessing=_TIMM_V3)},
    ),
    "inception_resnet_v1": Entry(build=inception_resnet.inception_resnet_v1, size=299),
    "inception_resnet_v2": Entry(
        build=inception_resnet.inception_resnet_v2,
        size=299,
        keys=inception_resnet.TIMM_KEYS,
        published={
            "timm:tf_in1k": Published(there="inception_resnet_v2.tf_in1k", preprocessing=_TIMM_333),
            "timm:tf_ens_adv_in1k": Published(
                there="inception_resnet_v2.tf_ens_adv_in1k", preprocessing=_TIMM_333
            ),
        },
    ),
    "xception": Entry(
        build=xception.xception,
        size=299,
        keys=xception.TIMM_KEYS,
        published={
            "timm:tf_in1k": Published(there="legacy_xception.tf_in1k", preprocessing=_TIMM_333)
        },
    ),
    "hadamard_inception": Entry(build=hadamard_inception, size=28),
    "se_inception": Entry(build=se_inception, size=28),
    "plain_network": Entry(build=plain_network, size=28),
    "small_resnet": Entry(build=small_resnet, size=28),
}


def models() -> dict[str, tuple[str, ...]]:
    """Return what `create` can make: name -> the published weights there are for it."""
    return {name: tuple(entry.published) for name, entry in ENTRIES.items()}


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
    entry = _entry(name)
    if weights is None:
        return entry.build(**options)
    if isinstance(weights, str) and weights in entry.published:
        _check_published_options(name, weights, options)
        if entry.aux:
            options.setdefault("aux_heads", entry.published[weights].aux)
        state = _fetch(name, weights, aux=options.get("aux_heads", False))
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
    published = _entry(name).published
    if weights not in published:
        raise ValueError(_no_weights(name, weights))
    return published[weights].preprocessing


def _entry(name: str) -> Entry:
    if name not in ENTRIES:
        raise ValueError(f"there is no network {name!r}; there are {', '.join(ENTRIES)}.")
    return ENTRIES[name]


def _no_weights(name: str, weights: object) -> str:
    published = ", ".join(f'"{key}"' for key in ENTRIES[name].published) or "none"
    return f"there are no published weights {weights!r} for {name}; there are: {published}."


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


def _fetch(name: str, weights: str, *, aux: bool) -> Mapping[str, Tensor]:
    """Get published weights through the interface of the package that publishes them."""
    there = ENTRIES[name].published[weights].there
    try:
        # Their progress bars go where a notebook does not take them for errors.
        with contextlib.redirect_stderr(sys.stdout):
            if weights == "torchvision":
                from torchvision.models import get_weight

                return get_weight(there).get_state_dict(progress=True, check_hash=True)
            import timm

            extra = {"aux_logits": True} if aux else {}
            return timm.create_model(there, pretrained=True, **extra).state_dict()
    except ImportError as error:
        raise WeightsUnavailableError(
            f'the weights "{weights}" of {name} come through a package that cannot be imported '
            f"({error}): pip install {error.name or 'timm'}."
        ) from None
    except Exception as error:  # whatever a network can do wrong, in three packages' words
        reason = (str(error).strip() or "no reason given").splitlines()[0]
        raise WeightsUnavailableError(
            f'the weights "{weights}" of {name} could not be fetched, which needs the internet the '
            f'first time ({type(error).__name__}: {reason}); create("{name}") builds the network '
            "with fresh weights."
        ) from None


def _read(name: str, weights: str | PathLike) -> Mapping[str, Tensor]:
    """Read a state dict from a file, running no code that may be in it."""
    path = Path(weights)
    if not path.is_file():
        raise FileNotFoundError(f"{_no_weights(name, str(weights))} Nor is there such a file.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError):
        raise ValueError(
            f"{path} holds no weights that can be read without running code: it must be written "
            "by safetensors, or by torch.save(model.state_dict(), path)."
        ) from None
    if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
        raise ValueError(
            f"{path} holds a {type(state).__name__}, not a state dict: save model.state_dict()."
        )
    return state


def _renamed(state: Mapping[str, Tensor], model: nn.Module, entry: Entry) -> Mapping[str, Tensor]:
    """Give weights this package's names, unless they have them."""
    own = model.state_dict()
    known = sum(key in own for key in state)
    if entry.keys is None or misplaced(state) or 2 * known > len(state):
        return state
    return rename(state, entry.keys, own)
