"""GoogLeNet: the paper's Table 1 as data, and the network that is built from it.

First comes the table as printed, with the output's shape beside each row; then the same as `PAPER`,
layer by layer; then the network, its variants, and small ones of the kind for 28 to 64 px.

`PAPER` is a dict, name of a layer -> its row, in forward order. A row is data that builds itself:
``MaxPool().build(192, style)`` gives the pool and the number of channels that leave it, which
`Network` hands on to the next row. Convolutions pad by half their kernel, so that only strides and
pools make a map smaller. Whether they have biases and batch normalisation is the style, a part of
the `Config`: ``norm="batch"`` unless another is given, as None for the paper's network. A layer's
weights go by its name: "inception3a.branch2.1.conv.weight" are the 3x3 filters of module 3a. These
are torchvision's names, so that its checkpoints load.

References
----------
Szegedy et al. (2014), Going deeper with convolutions, arXiv:1409.4842.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, NamedTuple

from torch import Tensor

from .blocks import AuxiliaryHead, AuxPool, InceptionSpec, Norm
from .networks import network
from .networks.guards import check_heads
from .networks.network import Network, initialise
from .networks.rows import LocalNorm, MaxPool, Row, conv1x1, conv3x3, conv7x7, each_module
from .support.checks import boolean, one_of, store


class TableRow(NamedTuple):
    """One row of Table 1; `output` is (C, H, W) for images of 224x224 px, the rest as printed.

    `filters` are the columns #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj. In `params`,
    K is 1024 (112K are exactly 114,688 weights).
    """

    type: str
    patch_stride: str | None
    output: tuple[int, int, int]
    depth: int
    filters: tuple[int | None, ...] | None
    params: str | None
    ops: str | None

    @property
    def module(self) -> str:
        """Return "3a" of "inception (3a)", and nothing of a row of another type."""
        return self.type.rstrip(")").partition("inception (")[2]


# Some printed params and ops do not follow from the filters beside them; chapter 5 compares them.
# fmt: off
TABLE_1 = tuple(TableRow(*row) for row in (
    # type, patch/stride, output (C, H, W), depth, filters, params, ops
    ("convolution",    "7x7/2", (64, 112, 112), 1, None,                           "2.7K",  "34M"),
    ("max pool",       "3x3/2", (64, 56, 56),   0, None,                           None,    None),
    ("convolution", "3x3/1", (192, 56, 56),  2, (None, 64, 192, None, None, None), "112K",  "360M"),
    ("max pool",       "3x3/2", (192, 28, 28),  0, None,                           None,    None),
    ("inception (3a)", None,    (256, 28, 28),  2, (64, 96, 128, 16, 32, 32),      "159K",  "128M"),
    ("inception (3b)", None,    (480, 28, 28),  2, (128, 128, 192, 32, 96, 64),    "380K",  "304M"),
    ("max pool",       "3x3/2", (480, 14, 14),  0, None,                           None,    None),
    ("inception (4a)", None,    (512, 14, 14),  2, (192, 96, 208, 16, 48, 64),     "364K",  "73M"),
    ("inception (4b)", None,    (512, 14, 14),  2, (160, 112, 224, 24, 64, 64),    "437K",  "88M"),
    ("inception (4c)", None,    (512, 14, 14),  2, (128, 128, 256, 24, 64, 64),    "463K",  "100M"),
    ("inception (4d)", None,    (528, 14, 14),  2, (112, 144, 288, 32, 64, 64),    "580K",  "119M"),
    ("inception (4e)", None,    (832, 14, 14),  2, (256, 160, 320, 32, 128, 128),  "840K",  "170M"),
    ("max pool",       "3x3/2", (832, 7, 7),    0, None,                           None,    None),
    ("inception (5a)", None,    (832, 7, 7),    2, (256, 160, 320, 32, 128, 128),  "1072K", "54M"),
    ("inception (5b)", None,    (1024, 7, 7),   2, (384, 192, 384, 48, 128, 128),  "1388K", "71M"),
    ("avg pool",       "7x7/1", (1024, 1, 1),   0, None,                           None,    None),
    ("dropout (40%)",  None,    (1024, 1, 1),   0, None,                           None,    None),
    ("linear",         None,    (1000, 1, 1),   1, None,                           "1000K", "1M"),
    ("softmax",        None,    (1000, 1, 1),   0, None,                           None,    None),
))
# fmt: on


def _spec(*filters: int | None) -> InceptionSpec:
    """Write a module as the paper does: six numbers in the order of the columns."""
    return InceptionSpec(**dict(zip((f.name for f in fields(InceptionSpec)), filters, strict=True)))


# The nine modules: "3a" -> its six numbers, and "3a" -> the (C, H, W) that comes in at 224 px.
MODULES = {row.module: _spec(*row.filters) for row in TABLE_1 if row.module}
INPUTS = {row.module: before.output for before, row in pairwise(TABLE_1) if row.module}


def _stage(number: int, modules: Mapping[str, InceptionSpec]) -> dict[str, Row]:
    """Take the modules with this number, those between two pools, under torchvision's names."""
    return {f"inception{name}": row for name, row in modules.items() if name[0] == str(number)}


# Table 1 up to 5b, layer by layer, with torchvision's names; a `MaxPool()` is 3x3/2. The table
# leaves out the two local normalisations; their places and names are those of Caffe's replication.
PAPER: dict[str, Row] = {
    "conv1": conv7x7(64, stride=2),
    "maxpool1": MaxPool(),
    "norm1": LocalNorm(),
    "conv2": conv1x1(64),  # "#3x3 reduce" in the third row of the table
    "conv3": conv3x3(192),
    "norm2": LocalNorm(),
    "maxpool2": MaxPool(),
    **_stage(3, MODULES),
    "maxpool3": MaxPool(),
    **_stage(4, MODULES),
    "maxpool4": MaxPool(),
    **_stage(5, MODULES),
}


class GoogLeNetOutputs(NamedTuple):
    """Scores in training with auxiliary heads, each (N, num_classes); None for a head left out."""

    logits: Tensor
    aux_logits2: Tensor | None
    aux_logits1: Tensor | None


class GoogLeNet(Network):
    """A `Network` with auxiliary heads on some of its layers, active in training only.

    (N, in_channels, H, W) -> (N, num_classes) scores before softmax; in training, with auxiliary
    heads, a `GoogLeNetOutputs`. `Network` builds the layers of the table, and behind them the
    average over the map, dropout and one linear layer. The paper averages over 7x7, all of its last
    map; here it is all of whatever map the images give, so that other sizes than 224 px work too.

    The heads are drawn last: with and without them, the same seed gives the rest the same weights.

    Parameters
    ----------
    config : Config
        The functions below supply one.
    """

    def __init__(self, config: "Config") -> None:
        super().__init__(config)
        for layer, name in config.aux_heads.items():
            head = AuxiliaryHead(
                self.widths[layer],
                config.num_classes,
                pool=config.aux_pool,
                filters=config.aux_filters,
                hidden=config.aux_hidden,
                dropout=config.aux_dropout,
                **asdict(config.style),
            )
            initialise(head, scores=head.fc2)
            self.add_module(name, head)
        fc = self.fc
        del self.fc  # and add it again, as the last: the order in torchvision's state dict
        self.fc = fc

    def forward(self, x: Tensor) -> Tensor | GoogLeNetOutputs:
        """Score images; see the class for shapes, `Network` for errors."""
        self.check_images(x)
        aux = {}
        for layer in self.config.layers:
            x = getattr(self, layer)(x)
            name = self.config.aux_heads.get(layer)
            head = getattr(self, name) if self.training and name else None
            if head is not None:  # it may have been taken off: model.aux1 = None
                aux[name] = head(x)
        x = self.head(x)
        return GoogLeNetOutputs(x, aux.get("aux2"), aux.get("aux1")) if aux else x


@dataclass(frozen=True, kw_only=True)
class Config(network.Config):
    """What `GoogLeNet` is built from: what every `Network` is, and the auxiliary heads.

    Attributes
    ----------
    aux_heads : dict
        Layer -> the auxiliary head on its output, "aux1" or "aux2".
    aux_pool, aux_filters, aux_hidden, aux_dropout
        As in `AuxiliaryHead`.
    """

    name: str = "googlenet"
    aux_heads: Mapping[str, str] = field(default_factory=dict)
    aux_pool: AuxPool = "average"
    aux_filters: int = 128
    aux_hidden: int = 1024
    aux_dropout: float = 0.7

    def __post_init__(self) -> None:
        super().__post_init__()
        check_heads(self.layers, self.aux_heads)
        store(self, aux_heads=dict(self.aux_heads))


# What there is of GoogLeNet beside the paper's; `googlenet` says how they differ.
BATCH_NORMALISED = {name: row for name, row in PAPER.items() if not isinstance(row, LocalNorm)}
TORCHVISION = each_module(BATCH_NORMALISED, lambda row: row.with_kernel5x5(3))
TORCHVISION["maxpool4"] = MaxPool(kernel_size=2)

AUX_HEADS = {"inception4a": "aux1", "inception4d": "aux2"}
VARIANTS: dict[str, Config] = {
    "paper": Config(layers=PAPER, norm=None, dropout=0.4, aux_heads=AUX_HEADS),
    "torchvision": Config(
        name="googlenet_torchvision",
        layers=TORCHVISION,
        dropout=0.2,
        aux_heads=AUX_HEADS,
        aux_pool="adaptive",
    ),
    "bn": Config(name="googlenet_bn", layers=BATCH_NORMALISED, dropout=0.4, aux_heads=AUX_HEADS),
}


def googlenet(
    variant: str = "paper",
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    aux_heads: bool = True,
    reduce: bool = True,
    kernel5x5: int | None = None,
    **options: Any,
) -> GoogLeNet:
    """Build GoogLeNet, for images of about 224x224 px.

    Parameters
    ----------
    variant : "paper", "torchvision" or "bn"
        "paper": 5x5 kernels, biases, local response normalisation, 3x3/2 pools, dropout 0.4,
        auxiliary heads that need 224 px; no half precision on a CPU, where PyTorch's local
        normalisation has none. "torchvision": 3x3 kernels in their place, batch
        normalisation, a 2x2/2 pool before stage 5, dropout 0.2, adaptive heads; its checkpoints
        load. "bn": the paper's, with batch normalisation for biases and local normalisation.
    num_classes, in_channels : int
    aux_heads : bool
        The two auxiliary heads, active in training only.
    reduce : bool
        False builds the naive network, without any 1x1 reduction or projection: nearly 100
        million weights. ``with torch.device("meta"):`` builds it without memory, to be counted.
    kernel5x5 : int, optional
        Another kernel in the third branch of every module.
    **options
        Any other field of `Config`, such as ``dropout``, ``norm`` or ``layers``.
    """
    one_of(variant, tuple(VARIANTS), "variant")
    if not boolean(aux_heads, "aux_heads", " (other places for heads: a Config)"):
        options["aux_heads"] = {}
    config = replace(VARIANTS[variant], num_classes=num_classes, in_channels=in_channels, **options)
    layers = config.layers
    if not boolean(reduce, "reduce"):
        layers = each_module(layers, InceptionSpec.naive)
    if kernel5x5 is not None:
        layers = each_module(layers, lambda row: row.with_kernel5x5(kernel5x5))
    return GoogLeNet(replace(config, layers=layers))


# The University of Amsterdam's: eight modules, at 32, 16 and 8 px for images of 32 px.
_MINI = {
    "2a": _spec(16, 32, 32, 16, 8, 8),
    "2b": _spec(24, 32, 48, 16, 12, 12),
    "3a": _spec(24, 32, 48, 16, 12, 12),
    "3b": _spec(16, 32, 48, 16, 16, 16),
    "3c": _spec(16, 32, 48, 16, 16, 16),
    "3d": _spec(32, 32, 48, 16, 24, 24),
    "4a": _spec(32, 48, 64, 16, 16, 16),
    "4b": _spec(32, 48, 64, 16, 16, 16),
}
MINI: dict[str, Row] = {
    "conv1": conv3x3(64),
    **_stage(2, _MINI),
    "maxpool2": MaxPool(padding=1, ceil_mode=False),
    **_stage(3, _MINI),
    "maxpool3": MaxPool(padding=1, ceil_mode=False),
    **_stage(4, _MINI),
}

# The same with both pools moved forward: at 14 and 7 px for images of 28 px. The names, and so the
# weights, are the same; the pools have none.
MINI_EARLY: dict[str, Row] = {
    "conv1": conv3x3(64),
    "maxpool1": MaxPool(),
    **_stage(2, _MINI),
    "maxpool2": MaxPool(),
    **_stage(3, _MINI),
    **_stage(4, _MINI),
}

# Leaner still, for experiments with many runs: four modules, at 14 and 7 px for images of 28 px.
MICRO: dict[str, Row] = {
    "conv1": conv3x3(32),
    "maxpool2": MaxPool(),
    "inception3a": _spec(16, 16, 32, 8, 8, 8),
    "inception3b": _spec(24, 24, 48, 8, 12, 12),
    "maxpool3": MaxPool(),
    "inception4a": _spec(24, 24, 48, 8, 12, 12),
    "inception4b": _spec(32, 24, 48, 8, 24, 24),
}

# The micro network behind a first layer like GoogLeNet's own, with filters large enough to look at:
# its modules work at 16 and 8 px for images of 64 px.
COLOUR: dict[str, Row] = MICRO | {"conv1": conv7x7(32, stride=2)}


def mini_googlenet(
    num_classes: int = 10,
    *,
    in_channels: int = 3,
    norm: Norm = "batch",
    early_pools: bool = False,
) -> GoogLeNet:
    """Build the University of Amsterdam's small GoogLeNet, for images of 28 to 32 px.

    Its convolutions keep their biases under batch normalisation, as published; the
    normalisation's eps is 1e-3 as everywhere in this package (published: 1e-5).

    Parameters
    ----------
    num_classes, in_channels : int
    norm : "batch" or None
    early_pools : bool
        Pool before the first module and after the second, not after the second and the sixth: the
        same weights for about a third of the multiply-adds, and a last map of 7x7 from images of
        28 px, as large as GoogLeNet's own. The course's variation; not published.

    References
    ----------
    P. Lippe, UvA Deep Learning Tutorials, tutorial 5: Inception, ResNet and DenseNet.
    """
    layers = MINI_EARLY if boolean(early_pools, "early_pools") else MINI
    options: dict[str, Any] = {"num_classes": num_classes, "in_channels": in_channels, "norm": norm}
    return GoogLeNet(Config(name="mini_googlenet", layers=layers, bias=True, **options))


def micro_googlenet(
    num_classes: int = 10, *, in_channels: int = 3, norm: Norm = "batch"
) -> GoogLeNet:
    """Build a GoogLeNet of about 70,000 parameters, for images of 28 to 32 px, quick to train.

    The course's own: half of `mini_googlenet`'s modules, and a pool before the first of them.
    """
    options: dict[str, Any] = {"num_classes": num_classes, "in_channels": in_channels, "norm": norm}
    return GoogLeNet(Config(name="micro_googlenet", layers=MICRO, **options))


def colour_googlenet(
    num_classes: int = 11, *, in_channels: int = 3, norm: Norm = "batch"
) -> GoogLeNet:
    """Build a GoogLeNet of about 75,000 parameters, for colour images of 64 px.

    The course's own: `micro_googlenet` with GoogLeNet's 7x7/2 in front, in 32 channels.
    """
    options: dict[str, Any] = {"num_classes": num_classes, "in_channels": in_channels, "norm": norm}
    return GoogLeNet(Config(name="colour_googlenet", layers=COLOUR, **options))
