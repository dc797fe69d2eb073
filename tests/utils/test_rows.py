"""The words of the tables: what each row builds, and what it makes of a size."""

from dataclasses import astuple

import numpy as np
import pytest
import torch
from torch import nn

from utils.blocks import Branches, ConvUnit, Inception, InceptionSpec, Residual, Style
from utils.networks.rows import (
    VALID_MAX_POOL,
    AveragePool,
    Convolution,
    HalvingPool,
    LocalNorm,
    MaxPool,
    ScaledResidual,
    build_chain,
    build_row,
    conv1x1,
    conv3x3,
    conv5x5,
    conv7x7,
    each_module,
    factorised,
    fanned,
    grid_reduction,
    parallel,
    repeat,
    smallest_image,
)

NORMALISED = Style(norm="batch")
SPEC = InceptionSpec(conv1x1=2, reduce3x3=3, conv3x3=4, reduce5x5=None, conv5x5=5, pool_proj=3)
ROWS = [
    conv1x1(5),
    conv3x3(5, stride=2),
    conv3x3(5, padding="valid"),
    conv3x3(5, stride=2, padding="valid"),
    conv5x5(5),
    conv7x7(5, stride=2),
    MaxPool(),
    VALID_MAX_POOL,
    MaxPool(kernel_size=2),
    MaxPool(padding=1, ceil_mode=False),
    MaxPool(padding=1),
    MaxPool(kernel_size=2, stride=3, padding=1),  # a last window would lie in the padding alone
    MaxPool(kernel_size=1, stride=3, ceil_mode=False),
    AveragePool(),
    AveragePool(count_padding=True),
    *factorised(7, filters=(4, 5)),
    fanned(3, filters=4),
    parallel((conv1x1(2),), (conv1x1(2), conv3x3(3)), (AveragePool(), conv1x1(4))),
    grid_reduction((conv3x3(4),), (conv1x1(2), conv3x3(3))),
    grid_reduction((conv3x3(4),), padding="same"),
    HalvingPool(),
    grid_reduction((conv3x3(4),), pool="first"),
    ScaledResidual(module=parallel((conv1x1(2),), (conv3x3(3),)), scale=0.1),
    LocalNorm(),
    SPEC,
    SPEC.with_kernel5x5(3),
    SPEC.naive().with_kernel5x5(7),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_builds_what_it_says(row):
    module, channels = build_row(row, 6, NORMALISED)
    module.eval()
    for size in range(1, 12):
        expected = row.output_size(size)
        if expected < 1:
            with pytest.raises(RuntimeError):
                module(torch.rand(2, 6, size, size))
        else:
            assert module(torch.rand(2, 6, size, size)).shape == (2, channels, expected, expected)


@pytest.mark.parametrize("first", ["row", "column"])
def test_factorised_takes_turns(first):
    chain = factorised(7, filters=(8, 9, 10), first=first)
    kernels = [(1, 7), (7, 1), (1, 7)] if first == "row" else [(7, 1), (1, 7), (7, 1)]
    assert [row.kernel_size for row in chain] == kernels
    assert [row.channels for row in chain] == [8, 9, 10]
    module, _ = build_chain(chain[:2], 4, NORMALISED)
    weights = sum(unit.conv.weight.numel() for unit in module)
    assert weights == 7 * 4 * 8 + 7 * 8 * 9


def test_fanned_is_side_by_side():
    row = fanned(3, filters=8)
    assert [chain[0].kernel_size for chain in row.chains] == [(1, 3), (3, 1)]


def test_grid_reduction_strides_the_last_of_each_chain():
    row = grid_reduction((conv3x3(4),), (conv1x1(2), conv3x3(3), conv3x3(3)))
    single, double, pool = row.chains
    assert [(c.stride, c.padding) for c in double] == [(1, "same"), (1, "same"), (2, "valid")]
    assert (single[0].stride, single[0].padding) == (2, "valid")
    assert pool == (VALID_MAX_POOL,)
    assert grid_reduction((conv3x3(4),), pool="first").chains[0] == (VALID_MAX_POOL,)


def test_branches_in_the_order_of_their_chains():
    torch.manual_seed(0)
    module, channels = parallel((conv1x1(2),), (conv1x1(3), conv3x3(4))).build(5, NORMALISED)
    assert isinstance(module, Branches)
    assert isinstance(module.branch1, ConvUnit)
    assert isinstance(module.branch2, nn.Sequential)
    x = torch.rand(2, 5, 6, 6)
    module.eval()
    assert torch.equal(module(x)[:, :2], module.branch1(x))
    assert torch.equal(module(x)[:, 2:], module.branch2(x))
    assert channels == 6


@pytest.mark.parametrize("relu", [True, False])
def test_a_scaled_residual_corrects_its_input(relu):
    torch.manual_seed(0)
    row = ScaledResidual(module=parallel((conv1x1(2),), (conv3x3(3),)), scale=0.3, relu=relu)
    module, channels = row.build(5, NORMALISED)
    module.eval()
    x = torch.randn(2, 5, 6, 6)
    expected = x + 0.3 * module.body.expand.conv(module.body.branches(x))
    torch.testing.assert_close(module(x), expected.relu() if relu else expected)
    assert channels == 5
    assert module.body.expand.conv.bias is not None
    assert module.body.expand.bn is None


def test_a_residual_with_a_projection():
    residual = Residual(nn.Conv2d(3, 4, 1, stride=2), shortcut=nn.Conv2d(3, 4, 1, stride=2))
    x = torch.rand(1, 3, 5, 5)
    torch.testing.assert_close(residual(x), residual.body(x) + residual.shortcut(x))


@pytest.mark.parametrize(
    "style", [Style(), Style(norm="batch", eps=0.25), Style(norm="batch", bias=True)], ids=str
)
def test_the_style_reaches_every_unit(style):
    for row in ROWS:
        module, _ = row.build(5, style)
        units = [m for m in module.modules() if isinstance(m, ConvUnit)]
        for unit in units:
            if unit.relu:  # the linear 1x1 of a residual has a style of its own
                assert (unit.bn and unit.bn.eps) == (style.norm and style.eps)
                assert (unit.conv.bias is not None) == (style.norm is None or style.bias is True)


def test_repeat_numbers_from_one():
    row = conv1x1(3)
    assert repeat("a", 2, row) == {"a1": row, "a2": row}


def test_smallest_image_looks_at_every_row():
    assert smallest_image([conv3x3(4)]) == 1
    assert smallest_image([conv3x3(4, padding="valid")]) == 3
    assert smallest_image([conv3x3(4, stride=2, padding="valid"), VALID_MAX_POOL]) == 7
    assert smallest_image([LocalNorm(), SPEC, MaxPool()]) == 2
    assert smallest_image([parallel((conv1x1(2),), (conv3x3(2, padding="valid"),))]) == 3


def test_each_module_changes_the_modules_alone():
    layers = {"conv1": conv3x3(4), "a": SPEC, "pool": MaxPool(), "b": parallel((conv1x1(2),))}
    changed = each_module(layers, InceptionSpec.naive)
    assert changed == layers | {"a": SPEC.naive()}
    assert layers["a"] is SPEC
    assert changed["a"].with_kernel5x5(3).naive() == SPEC.with_kernel5x5(3).naive()


def test_a_spec_and_its_chains_build_the_same():
    """The class that readers see, and the words of the tables: same names, the same answers."""
    keep = MaxPool(stride=1, padding=1, ceil_mode=False)
    spec = InceptionSpec(
        conv1x1=2, reduce3x3=3, conv3x3=4, reduce5x5=2, conv5x5=5, pool_proj=3
    ).with_kernel5x5(7)
    row = parallel(
        (conv1x1(2),), (conv1x1(3), conv3x3(4)), (conv1x1(2), conv7x7(5)), (keep, conv1x1(3))
    )
    (module, channels), (branches, same) = (one.build(6, NORMALISED) for one in (spec, row))
    assert isinstance(module, Inception)
    assert channels == same == 14
    branches.load_state_dict(module.state_dict())
    assert list(module.state_dict()) == list(branches.state_dict())
    x = torch.rand(2, 6, 8, 8)
    assert torch.equal(module(x), branches(x))


def test_numbers_are_plain_integers():
    """NumPy's bytes would wrap: 200 + 100 is 44 in uint8."""
    row = Convolution(channels=np.uint8(200), kernel_size=np.uint8(3))
    pool = MaxPool(kernel_size=np.uint8(3), stride=np.uint8(2), padding=np.uint8(1))
    assert {type(number) for number in [*astuple(row)[:3], *astuple(pool)[:3]]} == {int}
    assert pool.output_size(np.uint8(255)) == 128


@pytest.mark.parametrize(
    ("build", "error", "says"),
    [
        (lambda: build_row((1, 2), 3, Style()), TypeError, ["(1, 2)", "utils.networks.rows"]),
        (lambda: conv3x3(0), ValueError, ["Convolution.channels", "at least 1"]),
        (lambda: conv3x3(4, padding=1).build(3, Style()), ValueError, ["padding", "'valid'"]),
        (lambda: factorised(7, filters=(4,), first="up"), ValueError, ["first", "'column'"]),
        (lambda: factorised(4, filters=(4,)), ValueError, ["odd", "4"]),
        (lambda: grid_reduction((conv3x3(4),), pool="no"), ValueError, ["pool", "'first'"]),
        (lambda: MaxPool(stride=0), ValueError, ["MaxPool.stride", "0"]),
        (lambda: MaxPool(padding=-1), ValueError, ["MaxPool.padding", "-1"]),
        (lambda: MaxPool(ceil_mode="no"), TypeError, ["MaxPool.ceil_mode", "'no'"]),
        (lambda: SPEC.with_kernel5x5(4), ValueError, ["kernel5x5", "odd", "4"]),
    ],
)
def test_rows_that_cannot_be(build, error, says):
    with pytest.raises(error) as caught:
        build()
    assert all(word in str(caught.value) for word in says), caught.value
