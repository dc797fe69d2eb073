"""Training and evaluation mode, each for a while: a network gets its own modes back."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def in_evaluation(model: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode until the end."""
    with modes_kept(model):
        model.eval()
        yield


@contextmanager
def in_training(model: nn.Module) -> Iterator[None]:
    """Put a network into training mode until the end, but for parts that the caller keeps out.

    Parts in evaluation mode stay there if the network itself is in training mode: the caller has
    put them there. A network that is in evaluation mode as a whole goes into training mode, but for
    those of its parts whose parameters are all frozen.
    """
    with modes_kept(model) as modes:
        if not model.training:
            model.train()
            for part in list(modes):
                frozen = [not parameter.requires_grad for parameter in part.parameters()]
                if frozen and all(frozen):
                    for inside in part.modules():
                        inside.training = modes[inside]
        yield


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[dict[nn.Module, bool]]:
    """Give every part of a network its mode back at the end; they are there by module."""
    modes = {module: module.training for module in model.modules()}
    try:
        yield modes
    finally:
        for module, training in modes.items():
            module.training = training
