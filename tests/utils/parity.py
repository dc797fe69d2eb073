"""Parity of two networks, measured so that a wrong network fails.

With fresh weights a deep network gives almost the same answer to every picture, and a network with
wrong padding passes for the right one. Hence: batch normalisation with statistics of its own,
disturbed; pictures with structure; and the answers must be seen to differ before they may agree.
"""

import copy
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ParityError(AssertionError):
    """Two networks answer differently."""


def pictures(number: int, size: int, *, channels: int = 3, seed: int = 0) -> Tensor:
    """Random pictures with structure at several scales, (number, channels, size, size)."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.zeros(number, channels, size, size)
    for cells in (2, 5, 12, 30):
        noise = torch.randn(number, channels, cells, cells, generator=generator)
        images += F.interpolate(noise, size=(size, size), mode="bicubic")
    return images


@torch.no_grad()
def settle(model: nn.Module, images: Tensor, *, seed: int = 0) -> None:
    """Give batch normalisations the statistics of `images`, then disturb all they hold."""
    generator = torch.Generator().manual_seed(seed)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    model.train()
    model(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum

        def noise(like: Tensor) -> Tensor:
            return torch.randn(like.shape, generator=generator)

        norm.running_mean += 0.2 * norm.running_var.sqrt() * noise(norm.running_mean)
        norm.running_var *= torch.exp(0.2 * noise(norm.running_var))
        norm.weight *= torch.exp(0.2 * noise(norm.weight))
        norm.bias += 0.2 * noise(norm.bias)


@torch.no_grad()
def assert_parity(ours: nn.Module, theirs: nn.Module, size: int, *, training: bool = True) -> None:
    """Assert that two networks with equal weights answer alike to pictures of `size` px.

    In evaluation mode in float32 within 1e-5 of the largest answer; in training mode, auxiliary
    heads included, in float64 and without dropout within 1e-9 of it. Their answers are kept for
    the next call: theirs is a network that nobody changes.
    """
    known = _ANSWERS.setdefault(theirs, {})
    for mode in (_evaluated, _trained) if training else (_evaluated,):
        if (mode, size) not in known:
            known[mode, size] = mode(theirs, size)
        pairs = zip(mode(ours, size), known[mode, size], strict=True)
        for i, (our, their) in enumerate(pairs):
            kind, tolerance = ("evaluation", 1e-5) if mode is _evaluated else ("training", 1e-9)
            _assert_close(our, their, tolerance, f"{size} px, {kind}, output {i}")


_ANSWERS: WeakKeyDictionary[nn.Module, dict] = WeakKeyDictionary()


def _evaluated(model: nn.Module, size: int) -> tuple[Tensor, ...]:
    return (model.eval()(pictures(2, size, seed=size)),)


def _trained(model: nn.Module, size: int) -> tuple[Tensor, ...]:
    twin = copy.deepcopy(model).double().train()
    for module in twin.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    answers = twin(pictures(2, size, seed=size).double())
    return answers if isinstance(answers, tuple) else (answers,)


def _assert_close(ours: Tensor, theirs: Tensor, tolerance: float, where: str) -> None:
    scale = theirs.abs().max()
    spread = (theirs[0] - theirs[1]).abs().max() / scale
    assert spread > 0.01, f"{where}: two pictures' answers differ by {spread:.1e}, too little"
    error = (ours - theirs).abs().max() / scale
    if not error <= tolerance:
        raise ParityError(f"{where}: the answers differ by {error:.1e} of the largest")
