"""The bricks: shapes, values, and what they say of numbers that cannot be."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from utils.blocks import AuxiliaryHead, ConvUnit, Inception, InceptionSpec

SPEC = InceptionSpec(conv1x1=8, reduce3x3=4, conv3x3=12, reduce5x5=2, conv5x5=6, pool_proj=5)


def test_unit_is_convolution_normalisation_relu():
    unit = ConvUnit(3, 5, kernel_size=3, stride=2, norm="batch").eval()
    nn.init.normal_(unit.bn.running_mean)
    x = torch.randn(2, 3, 9, 9)
    expected = F.conv2d(x, unit.conv.weight, stride=2, padding=1)
    mean, var = (t[:, None, None] for t in (unit.bn.running_mean, unit.bn.running_var))
    torch.testing.assert_close(unit(x), ((expected - mean) / (var + 1e-3).sqrt()).clamp(min=0))


def test_unit_has_a_bias_where_no_normalisation_follows():
    assert ConvUnit(3, 5, kernel_size=1).conv.bias is not None
    assert ConvUnit(3, 5, kernel_size=1).bn is None
    assert ConvUnit(3, 5, kernel_size=1, norm="batch").conv.bias is None
    assert ConvUnit(3, 5, kernel_size=1, norm="batch", bias=True).conv.bias is not None
    assert ConvUnit(3, 5, kernel_size=1, bias=False).conv.bias is None


def test_unit_leaves_its_input_alone():
    x = torch.randn(1, 3, 5, 5)
    kept = x.clone()
    ConvUnit(3, 3, kernel_size=1)(x)
    assert torch.equal(x, kept)


def test_module_is_four_branches_side_by_side():
    torch.manual_seed(0)
    module = Inception(7, SPEC)
    x = torch.randn(2, 7, 10, 10)

    def unit(block, x, padding):
        return F.conv2d(x, block.conv.weight, block.conv.bias, padding=padding).relu()

    one = unit(module.branch1, x, 0)
    three = unit(module.branch2[1], unit(module.branch2[0], x, 0), 1)
    five = unit(module.branch3[1], unit(module.branch3[0], x, 0), 2)
    pool = unit(module.branch4[1], F.max_pool2d(x, 3, stride=1, padding=1), 0)
    torch.testing.assert_close(module(x), torch.cat([one, three, five, pool], dim=1))
    assert [b.shape[1] for b in module.branches(x)] == [8, 12, 6, 5]
    assert module(x).shape[1] == SPEC.out_channels(7) == 31


def test_a_module_wants_a_batch():
    """Unbatched, a convolution works all the same, and dimension 1 would be the height."""
    with pytest.raises(ValueError, match=r"\(N, C, H, W\), got \(7, 10, 10\)"):
        Inception(7, SPEC)(torch.rand(7, 10, 10))


def test_naive_module():
    naive = SPEC.naive()
    assert naive == InceptionSpec(
        conv1x1=8, reduce3x3=None, conv3x3=12, reduce5x5=None, conv5x5=6, pool_proj=None
    )
    module = Inception(7, naive, norm="batch")
    x = torch.randn(1, 7, 6, 6)
    assert module(x).shape[1] == naive.out_channels(7) == 8 + 12 + 6 + 7
    torch.testing.assert_close(module.branches(x)[3], F.max_pool2d(x, 3, stride=1, padding=1))
    assert sum(p.numel() for p in module.parameters() if p.ndim == 4) == 7 * (8 + 9 * 12 + 25 * 6)


@pytest.mark.parametrize("pool", ["average", "adaptive"])
def test_head(pool):
    head = AuxiliaryHead(16, 10, pool=pool).eval()
    x = torch.rand(2, 16, 14, 14)
    pooled = F.avg_pool2d(x, 5, 3) if pool == "average" else F.adaptive_avg_pool2d(x, 4)
    hidden = F.relu(head.fc1(head.conv(pooled).flatten(1)))
    torch.testing.assert_close(head(x), head.fc2(hidden))
    assert head(x).shape == (2, 10)


def test_head_takes_norm_and_bias():
    """As any convolution unit: normalisation in place of the bias, unless it is asked for."""
    assert AuxiliaryHead(3, 5).conv.bn is None
    assert AuxiliaryHead(3, 5, norm="batch").conv.bn is not None
    assert AuxiliaryHead(3, 5, norm="batch").conv.conv.bias is None
    assert AuxiliaryHead(3, 5, norm="batch", bias=True).conv.conv.bias is not None
    assert AuxiliaryHead(3, 5, bias=False).conv.conv.bias is None


def test_head_drops_hidden_units_in_training_only():
    head = AuxiliaryHead(16, 10)
    x = torch.rand(1, 16, 14, 14)
    assert not torch.equal(head(x), head(x))
    head.eval()
    assert torch.equal(head(x), head(x))


def test_the_papers_head_takes_the_sizes_that_give_4x4():
    for size in (14, 15, 16):
        assert AuxiliaryHead(16, 10)(torch.rand(1, 16, size, size)).shape == (1, 10)


@pytest.mark.parametrize("size", [13, 17])
def test_the_papers_head_takes_no_others(size):
    with pytest.raises(ValueError, match=f"14x14 to 16x16; got {size}x{size}"):
        AuxiliaryHead(16, 10)(torch.rand(1, 16, size, size))
    assert AuxiliaryHead(16, 10, pool="adaptive")(torch.rand(1, 16, size, size)).shape == (1, 10)


@pytest.mark.parametrize(
    ("build", "error", "says"),
    [
        (lambda: ConvUnit(0, 4, kernel_size=3), ValueError, ["in_channels", "at least 1", "0"]),
        (lambda: ConvUnit(3, 4.5, kernel_size=3), TypeError, ["out_channels", "integer", "4.5"]),
        (lambda: ConvUnit(3, 4, kernel_size=(1, 4)), ValueError, ["kernel_size", "odd", "3 or 5"]),
        (lambda: ConvUnit(3, 4, kernel_size=(1, 3, 3)), ValueError, ["kernel_size", "(1, 3, 3)"]),
        (lambda: ConvUnit(3, 4, kernel_size=3, padding=1), ValueError, ["padding", "'valid'", "1"]),
        (lambda: ConvUnit(3, 4, kernel_size=3, stride=0), ValueError, ["stride", "at least 1"]),
        (lambda: ConvUnit(3, 4, kernel_size=3, norm="bn"), ValueError, ["norm", "'batch'", "'bn'"]),
        (lambda: ConvUnit(3, 4, kernel_size=3, bias="no"), TypeError, ["bias", "'no'"]),
        (lambda: ConvUnit(3, 4, kernel_size=3, eps=-1.0), ValueError, ["eps", "at least 0"]),
        (lambda: SPEC.out_channels(0), ValueError, ["in_channels", "0"]),
        (lambda: replace(SPEC, conv3x3=-1), ValueError, ["conv3x3 must be at least 1, got -1"]),
        (lambda: replace(SPEC, conv1x1=None), TypeError, ["conv1x1 must be an integer"]),
        (lambda: replace(SPEC, pool_proj=0), ValueError, ["None leaves the 1x1 out"]),
        (lambda: Inception(3, (64, 96, 128, 16, 32, 32)), TypeError, ["InceptionSpec", "tuple"]),
        (lambda: AuxiliaryHead(3, 0), ValueError, ["num_classes", "at least 1"]),
        (lambda: AuxiliaryHead(3, 5, dropout=1), ValueError, ["dropout", "below 1"]),
        (lambda: AuxiliaryHead(3, 5, pool="max"), ValueError, ["pool", "'average'", "'max'"]),
    ],
)
def test_bricks_that_cannot_be(build, error, says):
    with pytest.raises(error) as caught:
        build()
    assert all(word in str(caught.value) for word in says), caught.value


def test_specs_hold_plain_integers():
    """NumPy's bytes would wrap: 200 + 100 is 44 in uint8."""
    spec = replace(SPEC, conv1x1=np.uint8(200), conv3x3=np.uint8(100), pool_proj=None)
    assert spec.out_channels(np.uint8(7)) == 200 + 100 + 6 + 7
    assert all(type(value) in (int, type(None)) for value in vars(spec).values())
