"""The published networks that ours are held to, and their weights in our names."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import timm
import torch
import torchvision
from parity import pictures, settle
from torch import nn

from utils.networks.descendants import inception_resnet, inception_v3, inception_v4, xception
from utils.pretrained.published import rename


@dataclass(frozen=True)
class Pair:
    """How to build a network here and there, and the key map between them."""

    ours: Callable[[], nn.Module]
    theirs: Callable[[], nn.Module]
    keys: dict[str, str]
    parameters: int


PAIRS = {
    "inception_v3 torchvision": Pair(
        inception_v3.inception_v3,
        lambda: torchvision.models.inception_v3(weights=None, init_weights=False),
        inception_v3.PUBLISHED_KEYS,
        27_161_264,
    ),
    "inception_v3 timm": Pair(
        lambda: inception_v3.inception_v3(aux_heads=False),
        lambda: timm.create_model("inception_v3"),
        inception_v3.PUBLISHED_KEYS,
        23_834_568,
    ),
    "inception_v4": Pair(
        inception_v4.inception_v4,
        lambda: timm.create_model("inception_v4"),
        inception_v4.TIMM_KEYS,
        42_679_816,
    ),
    "inception_resnet_v2": Pair(
        inception_resnet.inception_resnet_v2,
        lambda: timm.create_model("inception_resnet_v2"),
        inception_resnet.TIMM_KEYS,
        55_843_464,
    ),
    "xception": Pair(
        xception.xception,
        lambda: timm.create_model("legacy_xception"),
        xception.TIMM_KEYS,
        22_855_952,
    ),
}


@lru_cache(maxsize=1)  # two are a gigabyte; tests of one network stand in a row
def settled(name: str) -> tuple[nn.Module, nn.Module]:
    """Our network and the published one, with the same settled weights, not to be changed."""
    torch.manual_seed(0)
    pair = PAIRS[name]
    ours, theirs = pair.ours(), pair.theirs()
    size = 299 if getattr(ours, "aux", None) else 171  # what a head needs
    settle(theirs, pictures(2, size))
    ours.load_state_dict(rename(theirs.state_dict(), pair.keys, ours.state_dict()))
    return ours, theirs
