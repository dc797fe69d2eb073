"""A network that is built from its table: stages in a row, average, linear layer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..blocks import Norm, Style
from ..support.checks import positive_int, probability, store
from .guards import check_images
from .rows import Row, build_row, smallest_image


@dataclass(frozen=True, kw_only=True)
class Config:
    """What a `Network` is built from; `dataclasses.replace` makes a variation.

    It holds a copy of the table it is given: a variation never changes what it came from.

    Attributes
    ----------
    name : str
        As in `utils.create`.
    layers : dict
        The network up to its last map: stage -> row, in forward order.
    in_channels, num_classes : int
    norm : "batch" or None
        Batch normalisation in every convolution unit.
    bias : bool, optional
        A bias in every convolution; by default only where no normalisation follows.
    eps : float
        What batch normalisation adds to the variance.
    dropout : float
        In front of the last linear layer.
    """

    name: str
    layers: Mapping[str, Row] = field(repr=False)
    in_channels: int = 3
    num_classes: int = 1000
    norm: Norm = "batch"
    bias: bool | None = None
    eps: float = 1e-3
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.layers, Mapping):
            raise TypeError(f"layers must be a dict, stage -> row, got {self.layers!r}.")
        store(self, layers=dict(self.layers))
        if taken := {"avgpool", "dropout", "fc", "aux1", "aux2"} & set(self.layers):
            raise ValueError(f"a network has its own {', '.join(sorted(taken))}: rename yours.")
        for name in ("in_channels", "num_classes"):
            store(self, **{name: positive_int(getattr(self, name), name)})
        store(self, dropout=probability(self.dropout, "dropout"))

    @property
    def style(self) -> Style:
        """What all convolution units of the network have in common."""
        return Style(norm=self.norm, bias=self.bias, eps=self.eps)


class Network(nn.Module):
    """Stages in a row, average over the map, dropout, one linear layer.

    (N, in_channels, H, W) -> (N, num_classes) scores before softmax. Each stage of the table is a
    child under its name.

    Convolutions and hidden layers start from He's normal distribution, which keeps the signal's
    size through ReLUs with and without normalisation; the layer that gives scores starts small
    (std 0.01), so that the first loss is close to ln(num_classes). Biases start at 0.

    Parameters
    ----------
    config : Config

    Attributes
    ----------
    config : Config
    widths : dict
        Stage -> the channels that come out of it.
    smallest : int
        Least height and width of the images, in pixels.

    Raises
    ------
    TypeError, ValueError
        From `forward`: the images are not a floating-point (N, in_channels, H, W) tensor in the
        dtype of the weights, or too small.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        if not isinstance(config, Config):
            raise TypeError(f"config must be a Config, got {config!r}: utils.create goes by name.")
        self.config = config
        self.widths: dict[str, int] = {}
        channels = config.in_channels
        for name, row in config.layers.items():
            module, channels = build_row(row, channels, config.style)
            self.add_module(name, module)
            self.widths[name] = channels
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(config.dropout)
        self.fc = nn.Linear(channels, config.num_classes)
        initialise(self, scores=self.fc)
        self.smallest = smallest_image(config.layers.values())

    def forward(self, x: Tensor) -> Tensor:
        """Score images; see the class for shapes and errors."""
        self.check_images(x)
        return self.head(self.run(x, self.config.layers))

    def run(self, x: Tensor, stages: Iterable[str]) -> Tensor:
        """Put a map through some of the stages, (N, C, H, W) -> (N, C', H', W')."""
        for name in stages:
            x = getattr(self, name)(x)
        return x

    def head(self, x: Tensor) -> Tensor:
        """Classify the last map, (N, C, H, W) -> (N, num_classes)."""
        x = torch.flatten(self.avgpool(x), 1)
        return self.fc(self.dropout(x))

    def check_images(self, x: Tensor) -> None:
        """Raise a TypeError or ValueError unless `x` are images that the network takes."""
        check_images(x, self)


def initialise(model: nn.Module, *, scores: nn.Linear) -> None:
    """Draw fresh weights; small ones for `scores`, the layer that gives them."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            if module is scores:
                nn.init.normal_(module.weight, std=0.01)
            else:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
