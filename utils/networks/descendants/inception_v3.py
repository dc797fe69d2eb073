"""Inception-v3: factorised convolutions, grids reduced by strided branches, one side head.

What is new since BN-Inception: images of 299 px, 7x7 convolutions as 1x7 and 7x1, modules that end
in 1x3 and 3x1 side by side, grids reduced by convolutions beside a pool, one normalised side head.

References
----------
Szegedy et al. (2015), Rethinking the Inception architecture for computer vision, arXiv:1512.00567.

Where paper and code differ, this is the code, torchvision's and TF-slim's, whose weights exist:

- The paper's Table 1 has a stem of six 3x3 convolutions and one pool, the code four of them, a 1x1
  with 80 filters and two pools.
- The paper has five modules at 17x17, the code four and a reduction.
- The modules at 35x35 have a branch of 5x5 filters, which the paper says to factorise.
- The averages in pool branches count the padding's zeros, as torchvision and timm do; TensorFlow,
  for which the published weights were trained, does not.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...blocks import ConvUnit, can_check
from ..network import Config, Network, initialise
from ..rows import (
    VALID_MAX_POOL,
    AveragePool,
    Parallel,
    Row,
    conv1x1,
    conv3x3,
    conv5x5,
    factorised,
    fanned,
    grid_reduction,
    parallel,
)

AVERAGE = AveragePool(count_padding=True)

# 299 -> 35 px, the same in Inception-ResNet.
STEM: dict[str, Row] = {
    "conv1": conv3x3(32, stride=2, padding="valid"),  # 149x149
    "conv2": conv3x3(32, padding="valid"),  # 147x147
    "conv3": conv3x3(64),
    "maxpool1": VALID_MAX_POOL,  # 73x73
    "conv4": conv1x1(80),
    "conv5": conv3x3(192, padding="valid"),  # 71x71
    "maxpool2": VALID_MAX_POOL,  # 35x35
}


def inception_a(*, pool: int, first: int = 64, average: Row = AVERAGE) -> Parallel:
    """Write the module at 35x35: the paper's Figure 5, with a 5x5 left in."""
    return parallel(
        (conv1x1(first),),
        (conv1x1(48), conv5x5(64)),
        (conv1x1(64), conv3x3(96), conv3x3(96)),
        (average, conv1x1(pool)),
    )


def inception_b(*, narrow: int) -> Parallel:
    """Write the module at 17x17: the paper's Figure 6, n = 7."""
    return parallel(
        (conv1x1(192),),
        (conv1x1(narrow), *factorised(7, filters=(narrow, 192))),
        (conv1x1(narrow), *factorised(7, filters=(narrow, narrow, narrow, 192), first="column")),
        (AVERAGE, conv1x1(192)),
    )


def inception_c() -> Parallel:
    """Write the module at 8x8: the paper's Figure 7."""
    return parallel(
        (conv1x1(320),),
        (conv1x1(384), fanned(3, filters=384)),
        (conv1x1(448), conv3x3(384), fanned(3, filters=384)),
        (AVERAGE, conv1x1(192)),
    )


LAYERS: dict[str, Row] = {
    **STEM,
    "inception_a1": inception_a(pool=32),
    "inception_a2": inception_a(pool=64),
    "inception_a3": inception_a(pool=64),
    "reduction_a": grid_reduction((conv3x3(384),), (conv1x1(64), conv3x3(96), conv3x3(96))),
    "inception_b1": inception_b(narrow=128),
    "inception_b2": inception_b(narrow=160),
    "inception_b3": inception_b(narrow=160),
    "inception_b4": inception_b(narrow=192),
    "reduction_b": grid_reduction(
        (conv1x1(192), conv3x3(320)),
        (conv1x1(192), *factorised(7, filters=(192, 192)), conv3x3(192)),
    ),
    "inception_c1": inception_c(),
    "inception_c2": inception_c(),
}
AUX_AFTER = "inception_b4"


class AuxiliaryHead(nn.Module):
    """The normalised side head, (N, 768, H, W) -> (N, num_classes), on a map of 17x17 or more.

    Unlike GoogLeNet's it has no hidden linear layer and no dropout.
    """

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(5, stride=3)
        self.conv1 = ConvUnit(in_channels, 128, kernel_size=1, norm="batch")
        self.conv2 = ConvUnit(128, 768, kernel_size=5, padding="valid", norm="batch")
        self.fc = nn.Linear(768, num_classes)
        initialise(self, scores=self.fc)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores, (N, num_classes)."""
        if can_check(x) and min(x.shape[-2:]) < 17:
            raise ValueError(
                "Inception-v3's auxiliary head needs a map of 17x17 or more, which takes images of "
                f"299 px; got {x.shape[-2]}x{x.shape[-1]}. Train on larger images, or without the "
                "head (aux_heads=False)."
            )
        x = self.pool(x)  # (N, 768, 5, 5)
        x = self.conv2(self.conv1(x))  # (N, 128, 5, 5), (N, 768, 1, 1)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class InceptionV3Outputs(NamedTuple):
    """Scores in training with the auxiliary head, each (N, num_classes)."""

    logits: Tensor
    aux_logits: Tensor


class InceptionV3(Network):
    """A `Network` with a side head on its last map of 17x17, active in training only."""

    def __init__(self, config: Config, *, aux_heads: bool = True) -> None:
        super().__init__(config)
        self.aux = AuxiliaryHead(self.widths[AUX_AFTER], config.num_classes) if aux_heads else None

    def forward(self, x: Tensor) -> Tensor | InceptionV3Outputs:
        """Score images: (N, num_classes); in training with the head, both heads' scores."""
        if self.aux is None or not self.training:
            return super().forward(x)
        self.check_images(x)
        stages = list(self.config.layers)
        split = stages.index(AUX_AFTER) + 1
        x = self.run(x, stages[:split])
        aux = self.aux(x)
        return InceptionV3Outputs(self.head(self.run(x, stages[split:])), aux)


def inception_v3(
    *, aux_heads: bool = True, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5
) -> InceptionV3:
    """Build Inception-v3, for images of 299x299 px.

    Parameters
    ----------
    aux_heads : bool
        The one auxiliary head, active in training only, on images of 299 px or more.
    num_classes, in_channels : int
    dropout : float
    """
    config = Config(
        name="inception_v3",
        layers=LAYERS,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
    )
    return InceptionV3(config, aux_heads=aux_heads)


# Published names: module here -> module there.

STEM_THERE = {
    "conv1": "Conv2d_1a_3x3",
    "conv2": "Conv2d_2a_3x3",
    "conv3": "Conv2d_2b_3x3",
    "conv4": "Conv2d_3b_1x1",
    "conv5": "Conv2d_4a_3x3",
}
MODULES_THERE = {
    "inception_a1": "Mixed_5b",
    "inception_a2": "Mixed_5c",
    "inception_a3": "Mixed_5d",
    "reduction_a": "Mixed_6a",
    "inception_b1": "Mixed_6b",
    "inception_b2": "Mixed_6c",
    "inception_b3": "Mixed_6d",
    "inception_b4": "Mixed_6e",
    "reduction_b": "Mixed_7a",
    "inception_c1": "Mixed_7b",
    "inception_c2": "Mixed_7c",
}
BRANCHES_THERE = {
    "inception_a": {
        "branch1": "branch1x1",
        **{f"branch2.{i}": f"branch5x5_{i + 1}" for i in range(2)},
        **{f"branch3.{i}": f"branch3x3dbl_{i + 1}" for i in range(3)},
        "branch4.1": "branch_pool",
    },
    "reduction_a": {
        "branch1": "branch3x3",
        **{f"branch2.{i}": f"branch3x3dbl_{i + 1}" for i in range(3)},
    },
    "inception_b": {
        "branch1": "branch1x1",
        **{f"branch2.{i}": f"branch7x7_{i + 1}" for i in range(3)},
        **{f"branch3.{i}": f"branch7x7dbl_{i + 1}" for i in range(5)},
        "branch4.1": "branch_pool",
    },
    "reduction_b": {
        **{f"branch1.{i}": f"branch3x3_{i + 1}" for i in range(2)},
        **{f"branch2.{i}": f"branch7x7x3_{i + 1}" for i in range(4)},
    },
    "inception_c": {
        "branch1": "branch1x1",
        "branch2.0": "branch3x3_1",
        "branch2.1.branch1": "branch3x3_2a",
        "branch2.1.branch2": "branch3x3_2b",
        "branch3.0": "branch3x3dbl_1",
        "branch3.1": "branch3x3dbl_2",
        "branch3.2.branch1": "branch3x3dbl_3a",
        "branch3.2.branch2": "branch3x3dbl_3b",
        "branch4.1": "branch_pool",
    },
}
# torchvision's names and timm's, the same.
PUBLISHED_KEYS = {
    **STEM_THERE,
    **{
        f"{stage}.{branch}": f"{there}.{branch_there}"
        for stage, there in MODULES_THERE.items()
        for branch, branch_there in BRANCHES_THERE[stage.rstrip("1234")].items()
    },
    "aux.conv1": "AuxLogits.conv0",
    "aux.conv2": "AuxLogits.conv1",
    "aux.fc": "AuxLogits.fc",
    "fc": "fc",
}
