"""The networks of the package by name, and the published weights that there are for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from torch import nn

from ..googlenet import colour_googlenet, googlenet, micro_googlenet, mini_googlenet
from ..networks.baselines import plain_network, small_resnet
from ..networks.descendants import inception_resnet, inception_v3, inception_v4, xception
from ..networks.descendants.bn_inception import PORTED_KEYS, bn_inception
from ..networks.descendants.hadamard import hadamard_inception, se_inception
from .preparation import Preprocessing


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
    aux : bool
        Whether it can have auxiliary heads.
    """

    build: Callable[..., nn.Module]
    size: int
    keys: Mapping[str, str] | None = field(default=None, repr=False)
    published: dict[str, Published] = field(default_factory=dict)
    aux: bool = False


_TIMM_V3 = Preprocessing(resize=341, crop=299)
_TIMM_333 = Preprocessing(resize=333, crop=299)
_GLUON = Preprocessing(resize=341, crop=299, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))

ENTRIES: dict[str, Entry] = {
    "googlenet": Entry(build=partial(googlenet, "paper"), size=224, aux=True),
    "googlenet_bn": Entry(build=partial(googlenet, "bn"), size=224, aux=True),
    "googlenet_torchvision": Entry(
        build=partial(googlenet, "torchvision"),
        size=224,
        aux=True,
        published={
            "torchvision": Published(
                there="GoogLeNet_Weights.IMAGENET1K_V1",
                preprocessing=Preprocessing.of_torchvision("GoogLeNet_Weights.IMAGENET1K_V1"),
            )
        },
    ),
    "mini_googlenet": Entry(build=mini_googlenet, size=32),
    "micro_googlenet": Entry(build=micro_googlenet, size=28),
    "colour_googlenet": Entry(build=colour_googlenet, size=64),
    "bn_inception": Entry(build=bn_inception, size=224),
    "bn_inception_ported": Entry(
        build=partial(bn_inception, ported=True), size=224, keys=PORTED_KEYS
    ),
    "inception_v3": Entry(
        build=inception_v3.inception_v3,
        size=299,
        keys=inception_v3.PUBLISHED_KEYS,
        aux=True,
        published={
            "torchvision": Published(
                there="Inception_V3_Weights.IMAGENET1K_V1",
                preprocessing=Preprocessing.of_torchvision("Inception_V3_Weights.IMAGENET1K_V1"),
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


def entry_of(name: str) -> Entry:
    """Return a network's entry; a ValueError lists the names that there are."""
    if name not in ENTRIES:
        raise ValueError(f"there is no network {name!r}; there are {', '.join(ENTRIES)}.")
    return ENTRIES[name]


def no_weights(name: str, weights: object) -> str:
    """Say that there are no such published weights, and which there are."""
    published = ", ".join(f'"{key}"' for key in ENTRIES[name].published) or "none"
    return f"there are no published weights {weights!r} for {name}; there are: {published}."
