"""A network of the family, built from its table: what they all have in common."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..blocks import check_images, check_weights, misplaced, some
from ..checks import positive_int, probability
from ..words import Row, build_row, smallest_image


@dataclass(frozen=True, kw_only=True)
class Config:
    """What a `Network` is built from; `dataclasses.replace` makes a variation.

    Attributes
    ----------
    name : str
        As in `utils.create`.
    layers : dict
        The network up to its last map: stage -> row, in forward order.
    in_channels, num_classes : int
    dropout : float
        In front of the last linear layer.
    eps : float
        What batch normalisation adds to the variance.
    """

    name: str
    layers: dict[str, Row] = field(repr=False)
    in_channels: int = 3
    num_classes: int = 1000
    dropout: float = 0.0
    eps: float = 1e-3

    def __post_init__(self) -> None:
        positive_int(self.in_channels, "in_channels")
        positive_int(self.num_classes, "num_classes")
        probability(self.dropout, "dropout")


def configure(name: str, layers: dict[str, Row], *, options: dict[str, Any], **own: Any) -> Config:
    """Make a `Config`; a TypeError names any of a caller's `options` that there is not."""
    known = {"num_classes", "in_channels"}
    if unknown := sorted(set(options) - known):
        raise TypeError(
            f"{name} has no option {some(unknown)}; it takes {', '.join(sorted(known | set(own)))}."
        )
    return Config(name=name, layers=layers, **own, **options)


class Network(nn.Module):
    """Stages in a row, average over the map, dropout, one linear layer.

    (N, in_channels, H, W) -> (N, num_classes) scores before softmax. Each stage of the table is a
    child under its name. Weights start as GoogLeNet's: He's normal distribution in convolutions,
    std 0.01 in the layer that gives scores.

    Parameters
    ----------
    config : Config

    Raises
    ------
    TypeError, ValueError
        From `forward`: the images are not a floating-point (N, in_channels, H, W) tensor in the
        dtype of the weights, or too small. From `load_state_dict`: another network's weights.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.smallest = smallest_image(config.layers.values())
        channels = config.in_channels
        for name, row in config.layers.items():
            module, channels = build_row(row, channels, eps=config.eps)
            self.add_module(name, module)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(config.dropout)
        self.fc = nn.Linear(channels, config.num_classes)
        initialise(self, scores=self.fc)

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
        """Raise unless `x` are images that the network takes."""
        check_images(
            x,
            self,
            name=self.config.name,
            in_channels=self.config.in_channels,
            smallest=self.smallest,
            hint="enlarge them, or take micro_googlenet for small images",
        )

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Load as `torch.nn.Module` does, but raise a ValueError on another network's weights."""
        if strict and isinstance(state_dict, Mapping):
            check_weights(self.state_dict(), state_dict, self._describe)
        return super().load_state_dict(state_dict, strict=strict, assign=assign)

    def _describe(self, state_dict: Mapping[str, Any]) -> str:
        name = self.config.name
        return misplaced(state_dict) or (
            f"They do not fit this {name}; published weights are renamed for it by "
            f'utils.create("{name}", weights=...).'
        )


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


def rename(
    state_dict: Mapping[str, Tensor], keys: Mapping[str, str], own: Iterable[str]
) -> dict[str, Tensor]:
    """Give published weights the names of this package.

    Parameters
    ----------
    state_dict : dict
        As published.
    keys : dict
        Module here -> the same module there, by path; the longest path that fits a name counts.
    own : iterable of str
        The names that are wanted, those of the network's own state dict.

    Raises
    ------
    ValueError
        `keys` covers not all of `own`; names are missing from `state_dict`, or left over in it.
    """
    theirs = {}
    for name in own:
        parts = name.split(".")
        paths = (".".join(parts[:end]) for end in range(len(parts) - 1, 0, -1))
        path = next((path for path in paths if path in keys), None)
        if path is None:
            raise ValueError(f"the key map has no place for {name}.")
        theirs[name] = keys[path] + name.removeprefix(path)
    missing = [key for key in theirs.values() if key not in state_dict]
    used = set(theirs.values())
    left_over = [key for key in state_dict if key not in used]
    if missing or left_over:
        raise ValueError(
            "these are not the published weights of this network. "
            f"Missing: {some(missing)}. Left over: {some(left_over)}."
            + (f" {wrapped}" if (wrapped := misplaced(state_dict)) else "")
        )
    return {name: state_dict[key] for name, key in theirs.items()}
