"""GoogLeNet: the paper's Table 1 as data, and the network built from it.

One class, `GoogLeNet`, builds every network of this module from a table of rows and a handful of
options: the paper's, torchvision's, the batch-normalised one, and two small ones for 28 to 32 px.

References
----------
Szegedy et al. (2014), Going deeper with convolutions, arXiv:1409.4842.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .blocks import (
    AuxiliaryHead,
    AuxPool,
    ConvUnit,
    Inception,
    InceptionSpec,
    Norm,
)
from .networks.network import Classifier, initialise, some, weight_shapes
from .networks.rows import Convolution, MaxPool
from .support.checks import boolean, odd_int, one_of, positive_int, probability, store


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


# Some printed params and ops do not follow from the filters beside them: `utils.accounting` tells.
# fmt: off
TABLE_1 = tuple(TableRow(*row) for row in (
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
    """Six numbers in the order of the paper's columns."""
    return InceptionSpec(**dict(zip((f.name for f in fields(InceptionSpec)), filters, strict=True)))


# The nine modules: "3a" -> its six numbers, and "3a" -> the (C, H, W) that comes in at 224 px.
MODULES: Mapping[str, InceptionSpec] = MappingProxyType(
    {row.type[11:13]: _spec(*row.filters) for row in TABLE_1 if row.type.startswith("inception")}
)
INPUTS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        row.type[11:13]: before.output
        for before, row in pairwise(TABLE_1)
        if row.type.startswith("inception")
    }
)


@dataclass(frozen=True, kw_only=True)
class LocalNorm:
    """Local response normalisation over channels, with the values of Caffe's replication."""

    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75


Layer = Convolution | MaxPool | LocalNorm | InceptionSpec

# Table 1 up to 5b, layer by layer, with torchvision's names. The table leaves out the two local
# normalisations; their places and names are those of Caffe's replication.
PAPER: Mapping[str, Layer] = MappingProxyType(
    {
        "conv1": Convolution(channels=64, kernel_size=7, stride=2),
        "maxpool1": MaxPool(),
        "norm1": LocalNorm(),
        "conv2": Convolution(channels=64, kernel_size=1),
        "conv3": Convolution(channels=192, kernel_size=3),
        "norm2": LocalNorm(),
        "maxpool2": MaxPool(),
        "inception3a": MODULES["3a"],
        "inception3b": MODULES["3b"],
        "maxpool3": MaxPool(),
        "inception4a": MODULES["4a"],
        "inception4b": MODULES["4b"],
        "inception4c": MODULES["4c"],
        "inception4d": MODULES["4d"],
        "inception4e": MODULES["4e"],
        "maxpool4": MaxPool(),
        "inception5a": MODULES["5a"],
        "inception5b": MODULES["5b"],
    }
)
BATCH_NORMALISED: Mapping[str, Layer] = MappingProxyType(
    {name: row for name, row in PAPER.items() if not isinstance(row, LocalNorm)}
)
TORCHVISION: Mapping[str, Layer] = MappingProxyType(
    BATCH_NORMALISED | {"maxpool4": MaxPool(kernel_size=2)}
)

# The small GoogLeNet for CIFAR-10 of the University of Amsterdam's deep learning tutorial 5
# (P. Lippe): eight modules, at 32, 16 and 8 px.
MINI: Mapping[str, Layer] = MappingProxyType(
    {
        "conv1": Convolution(channels=64, kernel_size=3),
        "inception2a": _spec(16, 32, 32, 16, 8, 8),
        "inception2b": _spec(24, 32, 48, 16, 12, 12),
        "maxpool2": MaxPool(padding=1, ceil_mode=False),
        "inception3a": _spec(24, 32, 48, 16, 12, 12),
        "inception3b": _spec(16, 32, 48, 16, 16, 16),
        "inception3c": _spec(16, 32, 48, 16, 16, 16),
        "inception3d": _spec(32, 32, 48, 16, 24, 24),
        "maxpool3": MaxPool(padding=1, ceil_mode=False),
        "inception4a": _spec(32, 48, 64, 16, 16, 16),
        "inception4b": _spec(32, 48, 64, 16, 16, 16),
    }
)

# The same modules with both pools moved forward: at 14 and 7 px for images of 28 px, a fraction of
# the work. The names, and so the weights, are the same; the pools have none.
MINI_EARLY: Mapping[str, Layer] = MappingProxyType(
    {
        "conv1": MINI["conv1"],
        "maxpool1": MaxPool(),
        "inception2a": MINI["inception2a"],
        "inception2b": MINI["inception2b"],
        "maxpool2": MaxPool(),
        **{
            name: row for name, row in MINI.items() if name.startswith(("inception3", "inception4"))
        },
    }
)

# Leaner still, for experiments with many runs: four modules, at 14 and 7 px for images of 28 px.
MICRO: Mapping[str, Layer] = MappingProxyType(
    {
        "conv1": Convolution(channels=32, kernel_size=3),
        "maxpool2": MaxPool(),
        "inception3a": _spec(16, 16, 32, 8, 8, 8),
        "inception3b": _spec(24, 24, 48, 8, 12, 12),
        "maxpool3": MaxPool(),
        "inception4a": _spec(24, 24, 48, 8, 12, 12),
        "inception4b": _spec(32, 24, 48, 8, 24, 24),
    }
)

# The micro network behind a first layer like GoogLeNet's own, with filters large enough to look at:
# its modules work at 16 and 8 px for images of 64 px.
COLOUR: Mapping[str, Layer] = MappingProxyType(
    dict(MICRO) | {"conv1": Convolution(channels=32, kernel_size=7, stride=2)}
)


@dataclass(frozen=True, kw_only=True)
class Config:
    """What `GoogLeNet` is built from; `dataclasses.replace` makes a variation.

    It holds copies of the dicts it is given: a variation never changes what it came from.

    Attributes
    ----------
    layers : dict
        The network up to its last module: name -> row, in forward order.
    in_channels, num_classes : int
    norm : "batch" or None
        Batch normalisation in every convolution unit.
    bias : bool, optional
        A bias in every convolution; by default only where no normalisation follows.
    kernel5x5 : int
        Kernel of the modules' third branch: 5 in the paper, 3 in torchvision.
    reduce : bool
        False builds the naive network: no 1x1 reduction and no projection in any module.
    dropout : float
        In front of the last linear layer.
    aux_heads : dict
        Layer -> the auxiliary head on its output, "aux1" or "aux2".
    aux_pool : "average" or "adaptive"
        How the auxiliary heads pool to 4x4; see `AuxiliaryHead`.
    aux_filters, aux_hidden : int
        The heads' 1x1 filters and hidden units.
    aux_dropout : float
    """

    layers: Mapping[str, Layer] = field(repr=False)
    in_channels: int = 3
    num_classes: int = 1000
    norm: Norm = None
    bias: bool | None = None
    kernel5x5: int = 5
    reduce: bool = True
    dropout: float = 0.4
    aux_heads: Mapping[str, str] = field(default_factory=dict)
    aux_pool: AuxPool = "average"
    aux_filters: int = 128
    aux_hidden: int = 1024
    aux_dropout: float = 0.7

    def __post_init__(self) -> None:
        for name in ("layers", "aux_heads"):
            if not isinstance(getattr(self, name), Mapping):
                raise TypeError(f"{name} must be a dict, got {getattr(self, name)!r}: see Config.")
            store(self, **{name: dict(getattr(self, name))})
        for name in ("in_channels", "num_classes", "aux_filters", "aux_hidden"):
            store(self, **{name: positive_int(getattr(self, name), name)})
        store(self, kernel5x5=odd_int(self.kernel5x5, "kernel5x5"))
        for name in ("dropout", "aux_dropout"):
            store(self, **{name: probability(getattr(self, name), name)})
        one_of(self.norm, ("batch", None), "norm")
        one_of(self.aux_pool, ("average", "adaptive"), "aux_pool")
        boolean(self.reduce, "reduce")
        if self.bias is not None:
            boolean(self.bias, "bias", " (or None)")
        self._check_names()

    def _check_names(self) -> None:
        for layer, head in self.aux_heads.items():
            one_of(head, ("aux1", "aux2"), "the name of an auxiliary head")
            if layer not in self.layers:
                raise ValueError(
                    f"{head} stands on the layer {layer!r}, which is not there; there are "
                    f"{', '.join(self.layers)}. To change some rows of a network keep the others, "
                    "as in layers={**PAPER, ...}; to build one without heads, aux_heads=False."
                )
        if len(set(self.aux_heads.values())) < len(self.aux_heads):
            raise ValueError(f"each layer needs a head of its own, got {self.aux_heads}.")
        taken = {"aux1", "aux2", "avgpool", "dropout", "fc"} & set(self.layers)
        if taken:
            raise ValueError(f"GoogLeNet has a layer {some(sorted(taken))} already: rename yours.")


AUX_HEADS: Mapping[str, str] = MappingProxyType({"inception4a": "aux1", "inception4d": "aux2"})
VARIANTS: Mapping[str, Config] = MappingProxyType(
    {
        "paper": Config(layers=PAPER, aux_heads=AUX_HEADS),
        "torchvision": Config(
            layers=TORCHVISION,
            norm="batch",
            kernel5x5=3,
            dropout=0.2,
            aux_heads=AUX_HEADS,
            aux_pool="adaptive",
        ),
        "bn": Config(layers=BATCH_NORMALISED, norm="batch", aux_heads=AUX_HEADS),
    }
)


class GoogLeNetOutputs(NamedTuple):
    """Scores in training with auxiliary heads, each (N, num_classes); None for a head left out."""

    logits: Tensor
    aux_logits2: Tensor | None
    aux_logits1: Tensor | None


class GoogLeNet(Classifier):
    """Stem, Inception modules and pools, average over the map, dropout, one linear layer.

    (N, in_channels, H, W) -> (N, num_classes) scores before softmax; in training, with auxiliary
    heads, a `GoogLeNetOutputs`. The paper averages over 7x7, all of its last map; so does this
    class, over all of whatever map the images give, so that other sizes than 224 px work too.

    Convolutions and hidden layers start from He's normal distribution, which keeps the signal's
    size through ReLUs with and without normalisation; the layers that give scores start small
    (std 0.01), so that the first loss is close to ln(num_classes). Biases start at 0. The heads
    come last: with and without them, the same seed gives the rest the same weights.

    Parameters
    ----------
    config : Config
        `googlenet`, `mini_googlenet` and `micro_googlenet` supply one.

    Raises
    ------
    TypeError, ValueError
        From `forward`: the images are not a floating-point (N, in_channels, H, W) tensor in the
        dtype of the weights, or too small. From `load_state_dict`: another network's weights.
    """

    small = "mini_googlenet"

    def __init__(self, config: Config) -> None:
        if not isinstance(config, Config):
            raise TypeError(
                f"config must be a Config, got {config!r}: `googlenet` builds a network by name."
            )
        super().__init__(config)
        channels, width = config.in_channels, {}
        for name, layer in config.layers.items():
            module, channels = _build(layer, channels, config)
            self.add_module(name, module)
            width[name] = channels

        self.fc = nn.Linear(channels, config.num_classes)
        initialise(self, scores=self.fc)

        for name, head in config.aux_heads.items():
            aux = AuxiliaryHead(
                width[name],
                config.num_classes,
                filters=config.aux_filters,
                hidden=config.aux_hidden,
                norm=config.norm,
                bias=config.bias,
                pool=config.aux_pool,
                dropout=config.aux_dropout,
            )
            initialise(aux, scores=aux.fc2)
            self.add_module(head, aux)

        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(config.dropout)
        self.fc = self._modules.pop("fc")  # the last, as in torchvision's state dict

    def forward(self, x: Tensor) -> Tensor | GoogLeNetOutputs:
        """Score images; see the class for shapes and errors."""
        self.check_images(x)
        aux = {}
        for name in self.config.layers:
            x = getattr(self, name)(x)
            if self.training and name in self.config.aux_heads:
                head = self.config.aux_heads[name]
                aux[head] = getattr(self, head)(x)
        x = torch.flatten(self.avgpool(x), 1)
        x = self.fc(self.dropout(x))
        return GoogLeNetOutputs(x, aux.get("aux2"), aux.get("aux1")) if aux else x

    def _name(self) -> str:
        return "GoogLeNet"

    def _describe(self, state_dict: Mapping[str, Any]) -> str:
        return describe_weights(state_dict)


def _build(layer: Layer, in_channels: int, config: Config) -> tuple[nn.Module, int]:
    """Make the module for one row of a table; return it and the channels that come out of it."""
    style = {"norm": config.norm, "bias": config.bias}
    match layer:
        case Convolution(channels=channels, kernel_size=kernel, stride=stride):
            unit = ConvUnit(in_channels, channels, kernel_size=kernel, stride=stride, **style)
            return unit, channels
        case InceptionSpec():
            spec = layer if config.reduce else layer.naive()
            module = Inception(in_channels, spec, kernel5x5=config.kernel5x5, **style)
            return module, spec.out_channels(in_channels)
        case MaxPool():
            return nn.MaxPool2d(**asdict(layer)), in_channels
        case LocalNorm():
            return nn.LocalResponseNorm(**asdict(layer)), in_channels
    raise TypeError(f"a row of a network's table cannot be {layer!r}: see utils.googlenet.Layer.")


def describe_weights(state_dict: Mapping[str, Any]) -> str:
    """Say which network of this module a state dict belongs to, and how to load it there."""
    name = "state_dict"
    levels = {name: state_dict}
    levels |= {f"{name}[{k!r}]": v for k, v in state_dict.items() if isinstance(v, Mapping)}
    for place, weights in levels.items():
        shapes = weight_shapes(weights)
        # DataParallel, torch.compile and others put a prefix in front of all names.
        prefixes = (key.removesuffix(_FIRST) for key in shapes if key.endswith(_FIRST))
        prefix = next(prefixes, "")
        call = _call({k.removeprefix(prefix): v for k, v in shapes.items() if k.startswith(prefix)})
        if call and prefix:
            place = (
                f"{{key.removeprefix({prefix!r}): value for key, value in {place}.items() "
                f"if key.startswith({prefix!r})}}"
            )
        if call and place == name:
            return f"They are those of {call}."
        if call:
            return f"They hold those of {call}: load {place}."
    return "They are not those of a network of this module."


_FIRST = "conv1.conv.weight"


def _call(shapes: dict[str, tuple[int, ...]]) -> str | None:
    """Return the shortest call that builds a network with these names and shapes, if any does."""
    if [len(shapes.get(key, ())) for key in (_FIRST, "fc.weight")] != [4, 2]:
        return None
    kernels = [shape[-1] for key, shape in shapes.items() if _LAST_OF_BRANCH_3.search(key)]
    seen = {
        "num_classes": shapes["fc.weight"][0],
        "in_channels": shapes[_FIRST][1],
        "norm": "batch" if "conv1.bn.weight" in shapes else None,
        "bias": "conv1.conv.bias" in shapes,
        "kernel5x5": max(kernels, default=5),
        "reduce": any(".branch2.1." in key for key in shapes),
        "aux_heads": any(key.startswith("aux") for key in shapes),
    }
    small = {"num_classes": 10, "in_channels": 3, "norm": "batch"}
    usual = [(mini_googlenet, (), small), (micro_googlenet, (), small)]
    for variant, config in VARIANTS.items():
        large = {"norm": config.norm, "bias": seen["norm"] is None, "kernel5x5": config.kernel5x5}
        large |= {"num_classes": 1000, "in_channels": 3, "reduce": True, "aux_heads": True}
        usual.append((googlenet, (variant,), large))
    calls = [
        (factory, args, {key: seen[key] for key in options if seen[key] != options[key]})
        for factory, args, options in usual
    ]
    for factory, args, options in sorted(calls, key=lambda call: len(call[2])):
        try:
            with torch.device("meta"):
                built = factory(*args, **options)
        except (TypeError, ValueError):  # numbers that no network has, such as an even kernel
            continue
        if weight_shapes(built.state_dict()) == shapes:
            given = [*map(repr, args), *(f"{key}={value!r}" for key, value in options.items())]
            return f"{factory.__name__}({', '.join(given)})".replace("'", '"')
    return None


_LAST_OF_BRANCH_3 = re.compile(r"branch3\.\d\.conv\.weight$")


def googlenet(
    variant: str = "paper",
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    aux_heads: bool = True,
    reduce: bool = True,
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
    **options
        Any other field of `Config`, such as ``dropout`` or ``kernel5x5``.
    """
    one_of(variant, tuple(VARIANTS), "variant")
    boolean(aux_heads, "aux_heads", " (other places for heads: a Config)")
    known = {option.name for option in fields(Config)}
    if unknown := set(options) - known:
        raise TypeError(
            f"googlenet has no option {some(sorted(unknown))}; see utils.googlenet.Config."
        )
    config = replace(
        VARIANTS[variant],
        num_classes=num_classes,
        in_channels=in_channels,
        reduce=reduce,
        **({} if aux_heads else {"aux_heads": {}}) | options,
    )
    return GoogLeNet(config)


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
    return GoogLeNet(
        Config(
            layers=MINI_EARLY if boolean(early_pools, "early_pools") else MINI,
            num_classes=num_classes,
            in_channels=in_channels,
            norm=norm,
            bias=True,
            dropout=0.0,
        )
    )


def micro_googlenet(
    num_classes: int = 10, *, in_channels: int = 3, norm: Norm = "batch"
) -> GoogLeNet:
    """Build a GoogLeNet of about 70,000 parameters, for images of 28 to 32 px, quick to train.

    The course's own: half of `mini_googlenet`'s modules, and a pool before the first of them.
    """
    return GoogLeNet(
        Config(
            layers=MICRO, num_classes=num_classes, in_channels=in_channels, norm=norm, dropout=0.0
        )
    )


def colour_googlenet(
    num_classes: int = 11, *, in_channels: int = 3, norm: Norm = "batch"
) -> GoogLeNet:
    """Build a GoogLeNet of about 75,000 parameters, for colour images of 64 px.

    The course's own: `micro_googlenet` with GoogLeNet's 7x7/2 in front, in 32 channels.
    """
    return GoogLeNet(
        Config(
            layers=COLOUR, num_classes=num_classes, in_channels=in_channels, norm=norm, dropout=0.0
        )
    )
