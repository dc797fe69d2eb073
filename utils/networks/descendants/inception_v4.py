"""Inception-v4: the modules of v3 made uniform and wider, and a stem that branches.

References
----------
Szegedy et al. (2016), Inception-v4, Inception-ResNet and the impact of residual connections on
learning, arXiv:1602.07261 (AAAI 2017), Figures 3 to 9.

The paper's figures and TF-slim's code, whose weights timm carries, agree on every width; of the
averages in pool branches the paper does not say whether padding counts: in TF-slim it does not.
"""

from ..network import Config, Network
from ..rows import (
    AveragePool,
    Parallel,
    Row,
    conv1x1,
    conv3x3,
    factorised,
    fanned,
    grid_reduction,
    parallel,
    repeat,
)

# 299 -> 35 px, the paper's Figure 3.
STEM: dict[str, Row] = {
    "conv1": conv3x3(32, stride=2, padding="valid"),  # 149x149
    "conv2": conv3x3(32, padding="valid"),  # 147x147
    "conv3": conv3x3(64),
    "stem1": grid_reduction((conv3x3(96),), pool="first"),  # 160 channels, 73x73
    "stem2": parallel(  # 192 channels, 71x71
        (conv1x1(64), conv3x3(96, padding="valid")),
        (conv1x1(64), *factorised(7, filters=(64, 64)), conv3x3(96, padding="valid")),
    ),
    "stem3": grid_reduction((conv3x3(192),)),  # 384 channels, 35x35
}


def inception_a() -> Parallel:
    """Write the module at 35x35, 384 channels: Figure 4."""
    return parallel(
        (conv1x1(96),),
        (conv1x1(64), conv3x3(96)),
        (conv1x1(64), conv3x3(96), conv3x3(96)),
        (AveragePool(), conv1x1(96)),
    )


def inception_b() -> Parallel:
    """Write the module at 17x17, 1024 channels: Figure 5."""
    return parallel(
        (conv1x1(384),),
        (conv1x1(192), *factorised(7, filters=(224, 256))),
        (conv1x1(192), *factorised(7, filters=(192, 224, 224, 256), first="column")),
        (AveragePool(), conv1x1(128)),
    )


def inception_c() -> Parallel:
    """Write the module at 8x8, 1536 channels: Figure 6."""
    return parallel(
        (conv1x1(256),),
        (conv1x1(384), fanned(3, filters=256)),
        (conv1x1(384), *factorised(3, filters=(448, 512), first="column"), fanned(3, filters=256)),
        (AveragePool(), conv1x1(256)),
    )


LAYERS: dict[str, Row] = {
    **STEM,
    **repeat("inception_a", 4, inception_a()),
    "reduction_a": grid_reduction((conv3x3(384),), (conv1x1(192), conv3x3(224), conv3x3(256))),
    **repeat("inception_b", 7, inception_b()),
    "reduction_b": grid_reduction(
        (conv1x1(192), conv3x3(192)),
        (conv1x1(256), *factorised(7, filters=(256, 320)), conv3x3(320)),
    ),
    **repeat("inception_c", 3, inception_c()),
}


def inception_v4(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.2) -> Network:
    """Build Inception-v4, for images of 299x299 px.

    Parameters
    ----------
    num_classes, in_channels : int
    dropout : float
    """
    config = Config(
        name="inception_v4",
        layers=LAYERS,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
    )
    return Network(config)


# timm's names: module here -> module there. It numbers the stages and counts branches from 0.

_BRANCHES_THERE = {
    "stem1": {"branch2": "conv"},
    "stem3": {"branch1": "conv"},
    "inception_c": {
        "branch1": "branch0",
        "branch2.0": "branch1_0",
        "branch2.1.branch1": "branch1_1a",
        "branch2.1.branch2": "branch1_1b",
        "branch3.0": "branch2_0",
        "branch3.1": "branch2_1",
        "branch3.2": "branch2_2",
        "branch3.3.branch1": "branch2_3a",
        "branch3.3.branch2": "branch2_3b",
        "branch4": "branch3",
    },
}
_PLAIN = {f"branch{i}": f"branch{i - 1}" for i in range(1, 5)}


def _keys() -> dict[str, str]:
    keys = {"fc": "last_linear"}
    for number, (stage, row) in enumerate(LAYERS.items()):
        there = f"features.{number}"
        if isinstance(row, Parallel):
            branches = _BRANCHES_THERE.get(stage) or _BRANCHES_THERE.get(stage[:-1], _PLAIN)
            keys |= {f"{stage}.{ours}": f"{there}.{theirs}" for ours, theirs in branches.items()}
        else:
            keys[stage] = there
    return keys


TIMM_KEYS = _keys()
