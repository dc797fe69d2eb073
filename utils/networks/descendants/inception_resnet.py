"""Inception-ResNet: modules that correct their input, scaled so that wide ones stay stable.

What is new since Inception-v4: branches end in a linear 1x1 back to the input's width, which is
scaled by 0.1 to 0.3 and added to the input.

References
----------
Szegedy et al. (2016), Inception-v4, Inception-ResNet and the impact of residual connections on
learning, arXiv:1602.07261 (AAAI 2017).

Version 1 is the paper's, Figures 10 to 15. Of version 2 this is the code, TF-slim's, whose weights
timm carries; it is not quite the paper's (Figures 16 to 19):

- The paper gives version 2 the stem of Inception-v4; the code that of v3 and a module of v3.
- The paper repeats its modules 5, 10 and 5 times, the code 10, 20 and 10 times.
- The paper's 1x1 expand to 384, 1154 and 2048 channels, of which only the first equals the width
  of the input (384, 1152, 2144) that they are added to; the code's are 320, 1088 and 2080.
- In the code the last module has neither scale nor ReLU, and a 1x1 with 1536 filters follows it.

The paper gives a range of scales; 0.17, 0.10 and 0.20 are those of the code.
"""

from ..network import Config, Network
from ..rows import (
    AveragePool,
    Parallel,
    Row,
    ScaledResidual,
    conv1x1,
    conv3x3,
    factorised,
    grid_reduction,
    parallel,
    repeat,
)
from . import inception_v3

SCALE_A, SCALE_B, SCALE_C = 0.17, 0.10, 0.20


def inception_a(*, double: tuple[int, int]) -> Parallel:
    """Write the module at 35x35; `double` are the filters of the two 3x3 in a row."""
    return parallel(
        (conv1x1(32),),
        (conv1x1(32), conv3x3(32)),
        (conv1x1(32), *(conv3x3(filters) for filters in double)),
    )


def inception_b(*, first: int, narrow: int, filters: tuple[int, int]) -> Parallel:
    """Write the module at 17x17; `filters` are those of the 1x7 and the 7x1."""
    return parallel((conv1x1(first),), (conv1x1(narrow), *factorised(7, filters=filters)))


def inception_c(*, filters: tuple[int, int]) -> Parallel:
    """Write the module at 8x8; `filters` are those of the 1x3 and the 3x1."""
    return parallel((conv1x1(192),), (conv1x1(192), *factorised(3, filters=filters)))


_C1 = inception_c(filters=(192, 192))
V1: dict[str, Row] = {
    **{stage: row for stage, row in inception_v3.STEM.items() if stage != "maxpool2"},
    "conv6": conv3x3(256, stride=2, padding="valid"),  # 35x35
    **repeat("inception_a", 5, ScaledResidual(module=inception_a(double=(32, 32)), scale=SCALE_A)),
    "reduction_a": grid_reduction((conv3x3(384),), (conv1x1(192), conv3x3(192), conv3x3(256))),
    **repeat(
        "inception_b",
        10,
        ScaledResidual(
            module=inception_b(first=128, narrow=128, filters=(128, 128)), scale=SCALE_B
        ),
    ),
    "reduction_b": grid_reduction(
        (conv1x1(256), conv3x3(384)),
        (conv1x1(256), conv3x3(256)),
        (conv1x1(256), conv3x3(256), conv3x3(256)),
    ),
    **repeat("inception_c", 5, ScaledResidual(module=_C1, scale=SCALE_C)),
}

_C2 = inception_c(filters=(224, 256))
V2: dict[str, Row] = {
    **inception_v3.STEM,
    "inception": inception_v3.inception_a(first=96, pool=64, average=AveragePool()),
    **repeat("inception_a", 10, ScaledResidual(module=inception_a(double=(48, 64)), scale=SCALE_A)),
    "reduction_a": grid_reduction((conv3x3(384),), (conv1x1(256), conv3x3(256), conv3x3(384))),
    **repeat(
        "inception_b",
        20,
        ScaledResidual(
            module=inception_b(first=192, narrow=128, filters=(160, 192)), scale=SCALE_B
        ),
    ),
    "reduction_b": grid_reduction(
        (conv1x1(256), conv3x3(384)),
        (conv1x1(256), conv3x3(288)),
        (conv1x1(256), conv3x3(288), conv3x3(320)),
    ),
    **repeat("inception_c", 9, ScaledResidual(module=_C2, scale=SCALE_C)),
    "inception_c10": ScaledResidual(module=_C2, scale=1.0, relu=False),
    "conv6": conv1x1(1536),
}


def inception_resnet_v1(
    *, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.2
) -> Network:
    """Build Inception-ResNet-v1, for images of 299x299 px, at about the cost of Inception-v3.

    Parameters
    ----------
    num_classes, in_channels : int
    dropout : float
    """
    config = Config(
        name="inception_resnet_v1",
        layers=V1,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
    )
    return Network(config)


def inception_resnet_v2(
    *, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.2
) -> Network:
    """Build Inception-ResNet-v2, for images of 299x299 px, at about the cost of Inception-v4.

    Parameters
    ----------
    num_classes, in_channels : int
    dropout : float
    """
    config = Config(
        name="inception_resnet_v2",
        layers=V2,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
    )
    return Network(config)


# timm's names for version 2: module here -> module there. It counts branches from 0.


def _keys() -> dict[str, str]:
    stages = {
        "conv1": "conv2d_1a",
        "conv2": "conv2d_2a",
        "conv3": "conv2d_2b",
        "conv4": "conv2d_3b",
        "conv5": "conv2d_4a",
        "conv6": "conv2d_7b",
        "fc": "classif",
    }
    modules = {"inception": "mixed_5b", "reduction_a": "mixed_6a", "reduction_b": "mixed_7a"}
    residuals = {f"inception_a{i}": f"repeat.{i - 1}" for i in range(1, 11)}
    residuals |= {f"inception_b{i}": f"repeat_1.{i - 1}" for i in range(1, 21)}
    residuals |= {f"inception_c{i}": f"repeat_2.{i - 1}" for i in range(1, 10)}
    residuals["inception_c10"] = "block8"
    branches = range(1, 5)
    return (
        stages
        | {f"{s}.branch{i}": f"{t}.branch{i - 1}" for s, t in modules.items() for i in branches}
        | {
            f"{s}.body.branches.branch{i}": f"{t}.branch{i - 1}"
            for s, t in residuals.items()
            for i in branches
        }
        | {f"{s}.body.expand.conv": f"{t}.conv2d" for s, t in residuals.items()}
    )


TIMM_KEYS = _keys()
