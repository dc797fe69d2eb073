"""The lean module: the same function as branches written out, and what its network costs."""

from functools import partial

import pytest
import torch
from torch import nn

from utils.accounting import account
from utils.blocks import Branches, InceptionSpec, Style
from utils.experiments.measures import fresh
from utils.networks.lean import LeanInception, PooledConvolution, lean_googlenet
from utils.networks.rows import AveragePool, conv1x1, conv3x3, conv5x5, parallel

SPEC = InceptionSpec(
    conv1x1=5, reduce3x3=4, conv3x3=7, reduce5x5=3, conv5x5=6, pool_proj=2
)  # six numbers, no two of them equal


def written_out(lean: LeanInception, in_channels: int) -> nn.Module:
    """Four branches, each with its own pool, normalisation and ReLU; the same weights."""
    spec = lean.spec
    row = parallel(
        (conv1x1(spec.conv1x1),),
        (conv1x1(spec.reduce3x3), conv3x3(spec.conv3x3)),
        (conv1x1(spec.reduce5x5), conv5x5(spec.conv5x5)),
        (AveragePool(), conv1x1(spec.pool_proj)),
    )
    module, _ = row.build(in_channels, Style(norm="batch"))
    module.to(lean.bn.weight.dtype)
    assert isinstance(module, Branches)
    one, three, five, pooled = module.children()
    direct, projection = lean.direct.weight.split((spec.conv1x1, spec.pool_proj))
    ends = (one, three[1], five[1], pooled[1])
    kernels = (direct, lean.conv3x3.weight, lean.conv5x5.weight, projection)
    widths = (spec.conv1x1, spec.conv3x3, spec.conv5x5, spec.pool_proj)
    units = [
        *zip(ends, kernels, strict=True),
        *zip((three[0], five[0]), _halves(lean), strict=True),
    ]
    norms = [
        *_shares(lean.bn, widths),
        *_shares(lean.reduce.bn, (spec.reduce3x3, spec.reduce5x5)),
    ]
    with torch.no_grad():
        for (unit, kernel), norm in zip(units, norms, strict=True):
            unit.conv.weight.copy_(kernel)
            for name, value in norm.items():
                getattr(unit.bn, name).copy_(value)
    return module


def _halves(lean: LeanInception) -> tuple[torch.Tensor, ...]:
    return lean.reduce.conv.weight.split((lean.spec.reduce3x3, lean.spec.reduce5x5))


def _shares(bn: nn.BatchNorm2d, widths: tuple[int, ...]) -> list[dict[str, torch.Tensor]]:
    names = ("weight", "bias", "running_mean", "running_var")
    split = {name: getattr(bn, name).split(widths) for name in names}
    return [{name: split[name][i] for name in names} for i in range(len(widths))]


def lively(module: nn.Module) -> None:
    """Give every normalisation scales, shifts and statistics of its own."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, -1.5, 1.5)  # negative ones, too
            nn.init.normal_(part.bias)
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 1.5)


@pytest.mark.parametrize("training", [False, True])
def test_it_is_the_module_written_out(training: bool) -> None:
    lean = fresh(lambda: LeanInception(6, SPEC), seed=0).double()
    fresh(lambda: lively(lean), seed=1)
    other = written_out(lean, 6).train(training)
    lean.train(training)
    x = fresh(lambda: torch.randn(3, 6, 9, 8, dtype=torch.double), seed=2)
    torch.testing.assert_close(lean(x), other(x))
    gradients = [
        torch.autograd.grad(module(y).square().sum(), y)[0]
        for module in (lean, other)
        for y in (x.clone().requires_grad_(),)
    ]
    torch.testing.assert_close(*gradients)


def test_a_max_pool_could_not_trade_places() -> None:
    lean = fresh(lambda: LeanInception(6, SPEC), seed=0).eval()
    other = written_out(lean, 6).eval()
    x = fresh(lambda: torch.randn(2, 6, 8, 8), seed=1)
    lean.pool = other.branch4[0] = nn.MaxPool2d(3, stride=1, padding=1)
    difference = (lean(x) - other(x)).abs().amax(dim=(0, 2, 3))
    width = SPEC.pool_proj
    assert difference[:-width].max() < 1e-5  # the three other branches
    assert difference[-width:].min() > 0.1


def test_the_input_is_added_where_it_fits() -> None:
    width = SPEC.out_channels(1)
    plain, added = (
        fresh(partial(LeanInception, width, SPEC, residual=residual), seed=0)
        for residual in (False, True)
    )
    x = torch.rand(2, width, 5, 5)
    torch.testing.assert_close(added(x), x + plain(x))
    assert not LeanInception(width + 1, SPEC, residual=True).residual


def test_a_module_without_reduction_is_refused() -> None:
    spec = InceptionSpec(conv1x1=5, reduce3x3=None, conv3x3=7, reduce5x5=3, conv5x5=6, pool_proj=2)
    with pytest.raises(ValueError, match="1x1"):
        LeanInception(6, spec)


@pytest.mark.parametrize("size", [28, 29])
def test_the_first_pool_halves(size: int) -> None:
    assert PooledConvolution(2, 3)(torch.rand(2, 2, size, size)).shape == (
        2,
        3,
        14 + size % 2,
        14 + size % 2,
    )


def test_it_keeps_to_the_record_s_limit() -> None:
    counted = account(lean_googlenet(in_channels=1), (1, 28, 28))
    assert counted.parameters <= 300_000
