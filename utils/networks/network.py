"""A network: what those of the family have in common, and one that is built from its table alone.

`Classifier` is what every network is from outside: images that are checked, weights that are
checked. `Network` is the usual one inside: stages in a row, average, linear layer.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..blocks import can_check
from ..support.checks import positive_int, probability
from .rows import Row, build_row, smallest_image


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


class Classifier(nn.Module):
    """Images in, scores out: (N, in_channels, H, W) -> (N, num_classes), before softmax.

    Parameters
    ----------
    config : Config
        With ``layers``, ``in_channels`` and ``num_classes``; `utils.googlenet.Config` is another.

    Attributes
    ----------
    config : Config
    smallest : int
        Least height and width of the images, in pixels.
    """

    small = "micro_googlenet"  # what to take for small images

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.smallest = smallest_image(config.layers.values())

    def check_images(self, x: Tensor) -> None:
        """Raise a TypeError or ValueError unless `x` are images that the network takes."""
        check_images(
            x,
            self,
            name=self._name(),
            in_channels=self.config.in_channels,
            smallest=self.smallest,
            hint=f"enlarge them, or take {self.small} for small images",
        )

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Load as `torch.nn.Module` does, but say of another network's weights what they are."""
        if strict and isinstance(state_dict, Mapping):
            check_weights(self.state_dict(), state_dict, self._describe)
        return super().load_state_dict(state_dict, strict=strict, assign=assign)

    def _name(self) -> str:
        return self.config.name

    def _describe(self, state_dict: Mapping[str, Any]) -> str:
        name = self._name()
        return misplaced(state_dict) or (
            f"They do not fit this {name}; published weights are renamed for it by "
            f'utils.create("{name}", weights=...).'
        )


class Network(Classifier):
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
        super().__init__(config)
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


def check_images(
    x: Tensor, model: nn.Module, *, name: str, in_channels: int, smallest: int, hint: str
) -> None:
    """Raise unless `x` are images that a network takes: (N, in_channels, H, W), floating-point.

    Parameters
    ----------
    x : Tensor
    model : nn.Module
        The network: the images must have the dtype of its weights.
    name : str
        The network's, for the message.
    in_channels : int
    smallest : int
        Least height and width, in pixels.
    hint : str
        What to do with images that are too small.

    Raises
    ------
    TypeError, ValueError
        What was expected, what came, what to do.
    """
    if not can_check(x):
        return
    wanted = f"{name} expects images as a floating-point tensor (N, {in_channels}, H, W)"
    if not isinstance(x, Tensor):
        raise TypeError(
            f"{wanted}, got {type(x).__name__}: utils.data.to_tensor turns an array into one."
        )
    if x.ndim != 4:
        hints = {3: "add the batch axis with x[None]", 5: "make one batch with x.flatten(0, 1)"}
        advice = hints.get(x.ndim, "put the batch axis first")
        raise ValueError(f"{wanted}, got the shape {tuple(x.shape)}: {advice}.")
    if x.shape[1] != in_channels:
        advice = f"build the network with in_channels={x.shape[1]}, or give it such images"
        if x.shape[3] == in_channels:
            advice = "the channels seem to come last: x.permute(0, 3, 1, 2)"
        raise ValueError(f"{wanted}, got {x.shape[1]} channels in {tuple(x.shape)}: {advice}.")
    if min(x.shape[2:]) < smallest:
        raise ValueError(
            f"this network shrinks images of less than {smallest}x{smallest} px to nothing, got "
            f"{x.shape[2]}x{x.shape[3]}: {hint}."
        )
    if not x.is_floating_point():
        raise TypeError(f"{wanted}, got {x.dtype}: for bytes, x.float() / 255.")
    # Not those of a layer by name: whoever fine-tunes may have replaced it.
    weights = next((p.dtype for p in model.parameters() if p.is_floating_point()), x.dtype)
    if x.dtype == weights:
        return
    # Autocast converts both, but leaves float64 alone.
    if torch.float64 in (x.dtype, weights) or not torch.is_autocast_enabled(x.device.type):
        raise TypeError(
            f"the images are {x.dtype}, the weights {weights}: convert the images with "
            f"x.to({weights}), or the network with model.to({x.dtype})."
        )


class WeightsError(RuntimeError, ValueError):
    """The weights are another network's: a RuntimeError, as PyTorch raises, and a ValueError."""


def check_weights(
    own: Mapping[str, Tensor], given: Mapping[str, Any], describe: Callable[[Mapping], str]
) -> None:
    """Raise a WeightsError unless `given` has the names and shapes of the state dict `own`.

    `describe` says of a state dict that does not fit what it might be.
    """
    wanted, found = weight_shapes(own), weight_shapes(given)
    missing = [key for key in wanted if key not in found]
    unknown = [key for key in found if key not in wanted]
    shapes = [
        f"{key} {found[key]} instead of {shape}"
        for key, shape in wanted.items()
        if found.get(key, shape) != shape
    ]
    if missing or unknown or shapes:
        raise WeightsError(
            "these are another network's weights. "
            f"Missing: {some(missing)}. Not of this network: {some(unknown)}. "
            f"Of another shape: {some(shapes)}. {describe(given)}"
        )


def weight_shapes(state_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Return name -> shape, without the counts that BatchNorm keeps: older files have none."""
    return {
        str(key): tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        for key, value in state_dict.items()
        if not str(key).endswith("num_batches_tracked")
    }


def misplaced(state_dict: Mapping[str, Any]) -> str | None:
    """Say how a state dict was wrapped or prefixed, if it was; None if it was not."""
    inside = [key for key, value in state_dict.items() if isinstance(value, Mapping)]
    if inside:
        return f"The weights may be one level further down: load checkpoint[{inside[0]!r}]."
    if state_dict and all(str(key).startswith("module.") for key in state_dict):
        return 'The names have the prefix "module." of DataParallel: remove it.'
    return None


def some(items: list[str]) -> str:
    """List the first few, for a message."""
    more = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return (", ".join(items[:3]) or "none") + more
