"""The small GoogLeNet's rivals: as large, as costly, with the same head; the trunk differs."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock as Published
from torchvision.models.resnet import conv1x1

from utils.accounting import account
from utils.blocks import Style
from utils.googlenet import mini_googlenet
from utils.networks.baselines import (
    PLAIN_WIDTHS,
    RESIDUAL_WIDTHS,
    BasicBlock,
    plain_layers,
    plain_network,
    residual_layers,
    small_resnet,
)
from utils.networks.network import Config, Network

RIVALS = pytest.mark.parametrize("build", [plain_network, small_resnet])
shipped = partial(mini_googlenet, early_pools=True)  # what they are held against


def counted(build, **options):
    in_channels = options.get("in_channels", 3)
    with torch.device("meta"):
        return account(build(**options).eval(), (in_channels, 28, 28))


@RIVALS
@pytest.mark.parametrize("in_channels", [1, 3])
def test_as_many_parameters_as_the_small_googlenet(build, in_channels):
    ours = counted(shipped, in_channels=in_channels)
    theirs = counted(build, in_channels=in_channels)
    assert abs(theirs.parameters / ours.parameters - 1) < 0.02


def test_about_the_same_multiply_adds():
    ours, *theirs = (
        counted(build, in_channels=1) for build in (shipped, plain_network, small_resnet)
    )
    assert all(abs(rival.macs / ours.macs - 1) < 0.12 for rival in theirs)


@RIVALS
def test_the_head_is_the_small_googlenets(build):
    ours, theirs = counted(shipped), counted(build)
    head = ["avgpool", "flatten", "dropout", "fc"]
    assert list(theirs.stages.index[-4:]) == list(ours.stages.index[-4:]) == head
    assert theirs.stages.output["avgpool"][1:] == (1, 1)
    maps = [network.stages.output.iloc[-5] for network in (ours, theirs)]  # the last ones
    assert [shape[1:] for shape in maps] == [(7, 7), (7, 7)]


@RIVALS
def test_normalised_as_the_rest_of_the_package(build):
    norms = [m for m in build().modules() if isinstance(m, nn.BatchNorm2d)]
    convolutions = [m for m in build().modules() if isinstance(m, nn.Conv2d)]
    assert len(norms) == len(convolutions)
    assert {norm.eps for norm in norms} == {1e-3}
    assert all(convolution.bias is None for convolution in convolutions)


def test_plain_means_plain():
    """3x3 convolutions, ReLUs and 2x2 pools in a row, and nothing else."""
    model = plain_network().eval()
    x = torch.rand(2, 3, 28, 28)
    units = [m for name, m in model.named_children() if name.startswith(("conv", "maxpool"))]
    y = x
    for unit in units:
        y = F.max_pool2d(y, 2) if isinstance(unit, nn.MaxPool2d) else F.relu(unit.bn(unit.conv(y)))
    torch.testing.assert_close(model(x), model.fc(y.mean((2, 3))))
    assert sum(isinstance(unit, nn.MaxPool2d) for unit in units) == len(PLAIN_WIDTHS) - 1


@pytest.mark.parametrize(("in_channels", "stride"), [(8, 1), (8, 2), (6, 1), (6, 2)])
def test_a_block_is_torchvisions(in_channels, stride):
    torch.manual_seed(0)
    ours, channels = BasicBlock(channels=8, stride=stride).build(
        in_channels, Style(norm="batch", eps=1e-5)
    )
    projected = stride > 1 or in_channels != 8
    assert (ours.shortcut is not None) == projected
    shortcut = nn.Sequential(conv1x1(in_channels, 8, stride), nn.BatchNorm2d(8))
    theirs = Published(in_channels, 8, stride, shortcut if projected else None)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(4, in_channels, 9, 9)
    torch.testing.assert_close(ours(x), theirs(x))
    assert channels == 8
    assert BasicBlock(channels=8, stride=stride).output_size(9) == theirs(x).shape[-1]
    ours.relu = False
    assert not torch.allclose(ours(x), theirs(x))


def test_widths_are_all_there_is_to_retune():
    """A table of other widths is another network, of the sizes it says."""
    for write, widths in ((plain_layers, PLAIN_WIDTHS), (residual_layers, RESIDUAL_WIDTHS)):
        wider = tuple(tuple(2 * width for width in stage) for stage in widths)
        with torch.device("meta"):
            model = Network(Config(name="wider", layers=write(wider), num_classes=10))
        assert model.fc.in_features == 2 * widths[-1][-1]
        convolutions = sum(len(stage) for stage in widths)
        assert sum(not name.startswith("maxpool") for name in write(widths)) == convolutions
