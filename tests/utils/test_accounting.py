"""Accounting against exact arithmetic, PyTorch's own counter, torchvision's figures, the papers."""

import math
import operator
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from utils.accounting import (
    Cost,
    account,
    break_even,
    convolution_cost,
    module_costs,
    reduced_cost,
)
from utils.blocks import Inception
from utils.googlenet import INPUTS, MODULES, googlenet, micro_googlenet, mini_googlenet

# Weights, weights with biases, multiply-adds: exact arithmetic on the paper's Table 1.
ROWS = {
    "conv1": (9_408, 9_472, 118_013_952),
    "conv2+conv3": (114_688, 114_944, 359_661_568),
    "inception3a": (163_328, 163_696, 128_049_152),
    "inception3b": (388_096, 388_736, 304_267_264),
    "inception4a": (375_552, 376_176, 73_608_192),
    "inception4b": (448_512, 449_160, 87_908_352),
    "inception4c": (509_440, 510_104, 99_850_240),
    "inception4d": (604_672, 605_376, 118_515_712),
    "inception4e": (867_328, 868_352, 169_996_288),
    "inception5a": (1_042_432, 1_043_456, 51_079_168),
    "inception5b": (1_442_816, 1_444_080, 70_697_984),
    "fc": (1_024_000, 1_025_000, 1_024_000),
}
# Receptive field along the narrowest and the widest path, and jump; arithmetic, after each stage.
FIELDS = {
    "conv1": (7, 7, 2),
    "maxpool1": (11, 11, 4),
    "conv3": (19, 19, 4),
    "maxpool2": (27, 27, 8),
    "inception3a": (27, 59, 8),
    "inception3b": (27, 91, 8),
    "maxpool3": (43, 107, 16),
    "inception4a": (43, 171, 16),
    "inception4b": (43, 235, 16),
    "inception4c": (43, 299, 16),
    "inception4d": (43, 363, 16),
    "inception4e": (43, 427, 16),
    "maxpool4": (75, 459, 32),
    "inception5a": (75, 587, 32),
    "inception5b": (75, 715, 32),
    "avgpool": (267, 907, 224),
    "fc": (267, 907, 224),
}
TORCHVISION_WIDEST = {
    "maxpool2": 27,
    "inception3a": 43,
    "inception3b": 59,
    "maxpool3": 75,
    "inception4a": 107,
    "inception4b": 139,
    "inception4c": 171,
    "inception4d": 203,
    "inception4e": 235,
    "maxpool4": 251,
    "inception5a": 315,
    "inception5b": 379,
    "avgpool": 571,
}


def on_meta(factory, *args, **options):
    with torch.device("meta"):
        return factory(*args, **options)


@pytest.fixture(scope="module")
def paper():
    return account(on_meta(googlenet))


# Arithmetic on one layer


def test_cost_of_a_convolution_is_that_of_the_layer():
    cost = convolution_cost(192, 32, kernel_size=5, size=(28, 28), bias=True)
    layer = nn.Conv2d(192, 32, 5, padding=2)
    assert cost.parameters == sum(p.numel() for p in layer.parameters())
    assert cost.macs == 120_422_400
    assert convolution_cost(192, 32, kernel_size=5, size=(28, 14)).macs == cost.macs // 2


def test_a_reduction_in_module_3a():
    """The 5x5 branch: 15,872 weights and 12.44 M multiply-adds for 153,600 and 120.4 M."""
    reduced = reduced_cost(192, 16, 32, kernel_size=5, size=(28, 28))
    assert reduced == Cost(15_872, 12_443_648)
    direct = convolution_cost(192, 32, kernel_size=5, size=(28, 28))
    assert direct == Cost(153_600, 120_422_400)
    assert round(direct.parameters / reduced.parameters, 2) == 9.68


def test_break_even_is_where_saving_turns_to_loss():
    """Each channel of a reduction costs the same: so many of them cost what they save."""
    modules = [(INPUTS[name][0], spec) for name, spec in MODULES.items()]
    layers = [(c_in, s.conv3x3, 3) for c_in, s in modules] + [(c, s.conv5x5, 5) for c, s in modules]
    for c_in, c_out, k in [*layers, (7, 3, 3)]:
        options = {"kernel_size": k, "size": (1, 1)}
        direct = convolution_cost(c_in, c_out, **options).parameters
        each = reduced_cost(c_in, 1, c_out, **options).parameters
        assert break_even(c_in, c_out, kernel_size=k) == pytest.approx(direct / each)
    assert round(break_even(192, 32, kernel_size=5), 1) == 154.8


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("naive", [False, True])
@pytest.mark.parametrize("kernel5x5", [5, 3])
def test_module_costs_are_those_of_the_module(bias, naive, kernel5x5):
    spec = MODULES["4d"].naive() if naive else MODULES["4d"]
    costs = module_costs(512, spec, size=(14, 14), bias=bias, kernel5x5=kernel5x5)
    module = on_meta(Inception, 512, spec.with_kernel5x5(kernel5x5), bias=bias)
    stages = account(module, (512, 14, 14)).stages
    assert list(costs) == ["1x1", "3x3", "5x5", "pool"]
    for i, cost in enumerate(costs.values(), 1):
        assert tuple(stages.loc[f"branch{i}", ["parameters", "macs"]]) == cost
    assert sum(costs.values()).macs == stages["macs"].sum()


def test_costs_add_up():
    assert Cost(1, 2) + Cost(10, 20) == Cost(11, 22)
    assert sum([Cost(1, 2), Cost(3, 4)]) == Cost(4, 6)
    with pytest.raises(TypeError):
        operator.add(Cost(1, 2), (3, 4))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: convolution_cost(0, 3, kernel_size=1, size=(2, 2)), ValueError, "c_in .* got 0"),
        (lambda: convolution_cost(3, 1.5, kernel_size=1, size=(2, 2)), TypeError, "c_out .* 1.5"),
        (lambda: reduced_cost(3, -1, 3, kernel_size=1, size=(2, 2)), ValueError, "got -1"),
        (lambda: break_even(3, 3, kernel_size=0), ValueError, "kernel_size .* got 0"),
        (
            lambda: convolution_cost(3, 3, kernel_size=1, size=(28, 28, 999)),
            TypeError,
            "height, width.* 999",
        ),
        (
            lambda: module_costs(192, (64, 96, 128, 16, 32, 32), size=(28, 28)),
            TypeError,
            "InceptionSpec",
        ),
    ],
)
def test_costs_that_cannot_be(call, error, says):
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_costs_of_numpys_integers_do_not_overflow(dtype):
    c_in, c_out, kernel, side = (dtype(n) for n in (240, 200, 5, 224))
    options = {"kernel_size": kernel, "size": (side, side), "bias": True}
    cost = convolution_cost(c_in, c_out, **options)
    assert cost == Cost(25 * 240 * 200 + 200, 25 * 240 * 200 * 224**2)
    assert reduced_cost(c_in, c_out, c_out, **options).macs == (240 + 25 * 200) * 200 * 224**2
    assert break_even(c_in, c_out, kernel_size=kernel) == break_even(240, 200, kernel_size=5)
    assert account(nn.Conv2d(3, 4, 1), (dtype(3), side, side)).macs == 12 * 224**2


# The account of a network


def test_every_stage_equals_exact_arithmetic(paper):
    stages = paper.stages[["parameters", "macs"]].copy()
    stages.loc["conv2+conv3"] = stages.loc["conv2"] + stages.loc["conv3"]
    for name, (_, parameters, macs) in ROWS.items():
        assert tuple(stages.loc[name]) == (parameters, macs), name
    assert paper.parameters == sum(row[1] for row in ROWS.values()) == 6_998_552
    assert paper.macs == sum(row[2] for row in ROWS.values()) == 1_582_671_872


def test_the_naive_modules_blow_up():
    stages = account(on_meta(googlenet, reduce=False, aux_heads=False)).stages
    modules = stages[stages.index.str.startswith("inception")]
    widths = [416, 832, 1280, 1728, 2176, 2640, 3344, 4048, 4944]
    assert [shape[0] for shape in modules["output"]] == widths
    biases = sum(s.conv1x1 + s.conv3x3 + s.conv5x5 for s in MODULES.values())
    assert round((modules["parameters"].sum() - biases) / 1e6, 1) == 92.5
    assert round(modules["macs"].sum() / 1e9, 2) == 12.09


def test_receptive_fields_of_the_paper(paper):
    for name, field in FIELDS.items():
        assert tuple(paper.stages.loc[name, ["rf_min", "rf_max", "jump"]]) == field, name


@pytest.mark.parametrize("ours", [True, False])
def test_receptive_fields_of_torchvision(ours):
    if ours:
        model = on_meta(googlenet, "torchvision")
    else:
        model = on_meta(torchvision.models.googlenet, weights=None, init_weights=False)
    stages = account(model).stages
    for name, widest in TORCHVISION_WIDEST.items():
        assert stages.loc[name, "rf_max"] == widest, name
    assert stages.loc["inception5b", "rf_min"] == 43 + 16  # by 1x1 alone, through a 2x2 pool


def test_receptive_fields_are_those_of_gradients():
    """Count the pixels that one unit's gradient reaches when all weights are positive."""
    model = micro_googlenet(norm=None, in_channels=1).double()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.01)
    model.maxpool2, model.maxpool3 = nn.AvgPool2d(3, 2), nn.AvgPool2d(3, 2)  # reach every pixel
    for module in model.modules():
        if isinstance(module, Inception):
            module.branch4[0] = nn.AvgPool2d(3, stride=1, padding=1)
    names = [*model.config.layers]
    stages = account(model, (1, 95, 95)).stages
    for last in ("conv1", "maxpool2", "inception3b", "maxpool3", "inception4b"):
        x = torch.ones(1, 1, 95, 95, dtype=torch.double, requires_grad=True)
        y = x
        for name in names[: names.index(last) + 1]:
            y = getattr(model, name)(y)
        middle = y.shape[-1] // 2
        y[0, :, middle, middle].sum().backward()
        reached = (x.grad[0, 0] != 0).any(dim=0).sum().item()
        assert reached == stages.loc[last, "rf_max"], last


def test_inception_v3_before_its_pool_sees_1311_pixels():
    """Araujo, Norris and Sim (2019), Computing receptive fields, Distill."""
    stages = account(on_meta(torchvision.models.inception_v3, init_weights=False), (3, 299, 299))
    assert stages.stages.loc["Mixed_7c", "rf_max"] == 1311


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("googlenet", {"init_weights": False, "aux_logits": False}),
        ("inception_v3", {"init_weights": False, "aux_logits": False}),
        ("resnet18", {}),
        ("alexnet", {}),
        ("vgg16", {}),
        ("densenet121", {}),
        ("mobilenet_v2", {}),
        ("squeezenet1_0", {}),
    ],
)
def test_torchvisions_networks_cost_what_torchvision_says(name, options):
    published = torchvision.models.get_model_weights(name).DEFAULT
    size = published.transforms.keywords["crop_size"]
    counted = account(on_meta(getattr(torchvision.models, name), **options), (3, size, size))
    assert round(counted.macs / 1e9, 3) == published.meta["_ops"]
    assert counted.unused == 0
    if name != "inception_v3":  # its published figure includes the auxiliary head
        assert counted.parameters == published.meta["num_params"]


def test_training_counts_the_heads():
    model = on_meta(googlenet)
    trained, used = account(model, training=True), account(model)
    assert trained.parameters == 13_378_280
    assert trained.unused == 0
    assert used.unused == 13_378_280 - 6_998_552
    order = list(trained.stages.index)
    assert order.index("aux1") == order.index("inception4a") + 1


def test_layers_of_a_module(paper):
    layers = paper.layers.loc[lambda frame: frame["stage"] == "inception3a"]
    assert list(layers.index) == [
        *("inception3a.branch1.conv", "inception3a.branch1.relu"),
        *(f"inception3a.branch2.{i}.{part}" for i in (0, 1) for part in ("conv", "relu")),
        *(f"inception3a.branch3.{i}.{part}" for i in (0, 1) for part in ("conv", "relu")),
        *("inception3a.branch4.0", "inception3a.branch4.1.conv", "inception3a.branch4.1.relu"),
        "inception3a.cat",
    ]
    row = paper.layers.loc["inception3a.branch3.1.conv"]
    assert row["operation"] == "Conv2d 5x5"
    assert row["output"] == (32, 28, 28)
    assert row["parameters"] == 25 * 16 * 32 + 32
    assert row["macs"] == 25 * 16 * 32 * 28 * 28
    assert row["activation_bytes"] == 4 * 32 * 28 * 28
    assert (row["rf_min"], row["rf_max"], row["jump"]) == (59, 59, 8)
    assert paper.layers.index.is_unique
    assert paper.layers.loc["conv1.conv", "operation"] == "Conv2d 7x7/2"


def test_stages_are_sums_of_layers(paper):
    columns = ["parameters", "macs", "activation_bytes"]
    sums = paper.layers.groupby("stage", sort=False)[columns].sum()
    assert sums.equals(paper.stages[columns])
    assert paper.activation_bytes == paper.stages["activation_bytes"].sum()


def test_views_and_work_in_place_write_nothing():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(inplace=True), nn.ReLU(), nn.Flatten())
    written = account(model, (1, 4, 4)).layers["activation_bytes"]
    assert list(written) == [4 * 32, 0, 4 * 32, 0]


def test_a_weight_that_is_only_looked_up_is_not_written():
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(2, 1, 1))

        def forward(self, x):
            return x * self.scale

    layers = account(Scaled(), (2, 4, 4)).layers
    assert layers["activation_bytes"].to_dict() == {"scale": 0, "mul": 4 * 2 * 4 * 4}


def test_bytes_follow_the_dtype():
    half = account(micro_googlenet().half(), (3, 28, 28)).activation_bytes
    assert account(micro_googlenet(), (3, 28, 28)).activation_bytes == 2 * half


def test_a_shared_layer_is_counted_once_in_parameters_and_twice_in_work():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3, padding=1, bias=False)

        def forward(self, x):
            return self.conv(self.conv(x))

    counted = account(Twice(), (2, 8, 8))
    assert counted.parameters == 36
    assert counted.macs == 2 * 36 * 64
    assert list(counted.layers.index) == ["conv", "conv (2)"]
    assert list(counted.layers["rf_max"]) == [3, 5]


def test_a_block_called_twice_keeps_its_stage():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3, padding=1)

        def forward(self, x):
            return F.relu(self.conv(x))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = Block()

        def forward(self, x):
            return self.block(self.block(x))

    counted = account(Net(), (2, 8, 8))
    assert list(counted.stages.index) == ["block"]
    assert list(counted.layers.index)[1::2] == ["block.relu", "block.relu (2)"]


def test_a_network_that_does_nothing():
    counted = account(nn.Sequential(), (2, 8, 8))
    assert (counted.parameters, counted.macs, len(counted.stages)) == (0, 0, 0)


def test_functional_pools_strides_dilation_and_groups():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(4, 8, 3, dilation=2, groups=2, bias=False)
            self.fc = nn.Linear(8, 3)

        def forward(self, x):
            x = F.max_pool2d(x, kernel_size=3, stride=2)
            x = F.avg_pool2d(self.conv(x), 2)
            return self.fc(x.mean((2, 3)))

    layers = account(Net(), (4, 31, 31)).layers  # 31 -> 15 -> 11 -> 5
    assert list(layers["operation"]) == [
        *("MaxPool2d 3x3/2", "Conv2d 3x3", "AvgPool2d 2x2/2", "mean", "Linear")
    ]
    assert list(layers["rf_max"]) == [3, 11, 13, 29, 29]
    assert list(layers["jump"])[:3] == [2, 2, 4]
    assert layers.loc["conv", "macs"] == 9 * 2 * 8 * 11 * 11


def test_a_linear_layer_sees_the_whole_map():
    counted = account(on_meta(torchvision.models.alexnet), (3, 224, 224)).layers
    assert counted.loc["features.12", "rf_max"] == 195
    assert counted.loc["classifier.1", "rf_max"] == 195 + 5 * 32


class Then(nn.Module):
    """A 3x3 convolution in steps of 2, and a function of its map."""

    def __init__(self, function, channels=4):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)
        self.function = function
        self.buffer = nn.Buffer(torch.ones(channels))

    def forward(self, x):
        return self.function(self.conv(x))


def last(function, *, size=(4, 13, 9)):
    """What is seen behind a convolution: from 13x9 px to 6x4 units of 3 px, 2 px apart."""
    return tuple(account(Then(function), size).layers.iloc[-1][["rf_min", "rf_max", "jump"]])


@pytest.mark.parametrize(
    "function",
    [
        *(nn.PixelShuffle(2), nn.GroupNorm(2, 4), nn.Upsample(scale_factor=2)),
        *(lambda x: x.cumsum(2), lambda x: x.flip(3), lambda x: torch.roll(x, 1, 2)),
        *(lambda x: x.transpose(2, 3), lambda x: torch.fft.fft(x), lambda x: x[:, 0]),
        *(lambda x: x.mean(), lambda x: x.mean((1, 2)), lambda x: x.mean((0, 2, 3))),
        *(lambda x: x.std(False), lambda x: x.mean(2), lambda x: x.view(-1, 4)),
        *(lambda x: torch.cat([x, x], dim=2), lambda x: torch.cat(x.chunk(2, dim=1), dim=1)),
        lambda x: torch.relu(x.cumsum(2)),
    ],
)
def test_a_field_that_is_not_known_is_not_made_up(function):
    assert all(map(math.isnan, last(function)))


@pytest.mark.parametrize(
    "function",
    [
        *(F.gelu, torch.sigmoid, F.relu_, nn.LeakyReLU(), nn.BatchNorm2d(4), nn.Softmax(dim=1)),
        *(lambda x: x * 2 + 1, lambda x: F.softmax(x, dim=1), lambda x: x.mean(1, keepdim=True)),
        *(lambda x: torch.cat([x, x], dim=1), lambda x: x.contiguous().sub_(3.0)),
        lambda x: x.flatten(1).clamp(0, 6),
    ],
)
def test_work_at_one_place_sees_no_further(function):
    assert last(function) == (3, 3, 2)


@pytest.mark.parametrize(
    "function",
    [
        *(lambda x: x.mean((2, 3)), lambda x: x.mean([-2, -1], keepdim=True)),
        *(lambda x: x.amax((2, 3)), lambda x: x.sum(dim=(2, 3)), lambda x: x.std((1, 2, 3))),
        *(lambda x: F.softmax(x.flatten(1), dim=1), lambda x: x.flatten(1).sum(1)),
        *(nn.AdaptiveMaxPool2d(1), lambda x: torch.mean(input=x, dim=(2, 3))),
    ],
)
def test_a_reduction_of_the_map_sees_all_of_it(function):
    assert last(function)[:2] == (3 + 3 * 2, 3 + 5 * 2)


def test_a_reduction_along_one_axis_sees_that_axis():
    assert last(lambda x: x.amax(2, keepdim=True), size=(4, 13, 31))[:2] == (3, 3 + 5 * 2)
    assert last(lambda x: x.softmax(-1))[:2] == (3, 3 + 3 * 2)


@pytest.mark.parametrize(("kernel", "stride"), [((1, 7), (1, 3)), ((7, 1), (3, 1))])
def test_fields_are_those_of_the_shorter_and_the_longer_side(kernel, stride):
    row = account(nn.Conv2d(3, 4, kernel, stride), (3, 20, 20)).layers.iloc[-1]
    assert (row["rf_min"], row["rf_max"], row["jump"]) == (1, 7, 3)


class Gate(nn.Module):
    """Squeeze and excitation, the scale in front: it sees the whole map, and keeps its size."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, stride=2)
        self.fc = nn.Linear(4, 4)
        self.register_buffer("mean", torch.ones(4))

    def forward(self, x):
        x = self.conv(x)
        scale = self.fc(x.mean((2, 3))).sigmoid().view(x.size(0), 4, 1, 1)
        return scale * x - self.mean.reshape(1, -1, 1, 1)


def test_a_gate():
    layers = account(Gate(), (4, 13, 9)).layers
    gated = layers.iloc[-1]
    assert gated["output"] == (4, 6, 4)
    assert (gated["rf_min"], gated["rf_max"], gated["jump"]) == (3, 13, 2)
    assert layers.loc["view", "activation_bytes"] == 0
    assert layers.loc["mul", "activation_bytes"] == 4 * 4 * 6 * 4


@pytest.mark.parametrize(("units", "kernel", "cells"), [(5, 3, 3), (14, 4, 4), (2, 2, 7)])
def test_an_adaptive_pool_sees_no_more_than_its_map(units, kernel, cells):
    """From 5 units to 3 it averages over 0-1, 1-3 and 3-4: three at most."""
    model = nn.Sequential(
        nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(cells), nn.Flatten(), nn.Linear(cells**2, 1)
    )
    layers = account(model, (1, 2 * units, 2 * units)).layers
    assert list(layers["rf_max"]) == [2, 2 * kernel, 2 * kernel, 2 * units]


def test_heads_of_torchvisions_network_see_no_more_than_their_map():
    layers = account(on_meta(googlenet, "torchvision"), training=True).layers
    for head, below in (("aux1", "inception4a.cat"), ("aux2", "inception4d.cat")):
        whole = layers.loc[below, ["rf_min", "rf_max"]] + 13 * 16
        assert list(layers.loc[f"{head}.fc1", ["rf_min", "rf_max"]]) == list(whole)
    small = account(on_meta(torchvision.models.vgg11), (3, 64, 64)).layers
    assert small.loc["classifier.0", "rf_max"] == 150 + 32


class OwnConv(nn.Conv2d):
    def forward(self, x):
        return super().forward(x)


@pytest.mark.parametrize("layer", [nn.Conv2d(3, 4, 3), OwnConv(3, 4, 3), nn.BatchNorm2d(3)])
@pytest.mark.parametrize("inside", [False, True])
def test_a_layer_alone(layer, inside):
    counted = account(nn.Sequential(layer) if inside else layer, (3, 6, 6))
    weights = 108 if isinstance(layer, nn.Conv2d) else 0
    assert counted.parameters == sum(p.numel() for p in layer.parameters())
    assert counted.macs == weights * 16
    assert counted.unused == 0
    if not inside:
        assert counted.name == type(layer).__name__
        assert list(counted.stages.index) == [type(layer).__name__.lower()]


def test_a_layer_alone_for_other_shapes():
    layers = account(nn.Conv1d(3, 4, 5), (3, 9)).layers
    assert list(layers["operation"]) == ["Conv1d 5"]
    assert list(layers["macs"]) == [3 * 4 * 5 * 5]
    assert account(nn.Linear(7, 5), (7,)).macs == 35
    found = account(nn.Sequential(nn.LayerNorm([3, 4, 4]), nn.Conv2d(3, 2, 3)), (3, 4, 4))
    assert found.macs == 2 * 3 * 9 * 4


class Odd(nn.Module):
    """Names and arguments that must not confuse."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)

    def forward(self, linear, mask=None, scale: float = 1.0):
        x = F.avg_pool2d(input=self.conv(linear), kernel_size=2)
        x = F.max_pool2d(kernel_size=3, input=x, stride=1)
        return x if mask is None else x * mask


def test_names_and_arguments_that_must_not_confuse():
    layers = account(Odd(), (3, 16, 16)).layers
    assert list(layers["rf_max"]) == [3, 4, 8]
    assert list(layers["jump"]) == [1, 2, 2]


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was(training):
    model = mini_googlenet()
    model.train(True)
    model.inception3a.eval()  # frozen by its owner
    before = {key: value.clone() for key, value in model.state_dict().items()}
    account(model, (3, 32, 32), training=training)
    assert model.training
    assert not model.inception3a.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert model(torch.rand(2, 3, 32, 32)).isfinite().all()


class Applied(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.ones(2, 3, 1, 1))

    def forward(self, x):
        return self.function(self, x)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: account("googlenet"), TypeError, ["torch.nn.Module", "str"]),
        (lambda: account(nn.ReLU(), 28), TypeError, ["input_size", "(C, H, W)", "28"]),
        (lambda: account(micro_googlenet(), (3, 0, 28)), ValueError, ["input_size[1]", "0"]),
        (lambda: account(micro_googlenet(), (1, 28, 28)), ValueError, ["1×28×28", "conv1"]),
        (lambda: account(on_meta(googlenet), (3, 9, 9)), ValueError, ["maxpool3", "too small"]),
        (
            lambda: account(on_meta(googlenet), (3, 192, 192), training=True),
            ValueError,
            ["aux1.fc1", "1152"],
        ),
        (
            lambda: account(Applied(lambda _, x: x if x.sum() > 0 else -x)),
            ValueError,
            ["torch.fx", "Applied", "parts"],
        ),
        (lambda: account(micro_googlenet(), (3, 28, 28)).to_html("rows"), ValueError, ["layers"]),
        (lambda: account(on_meta(torchvision.models.vit_b_16)), ValueError, ["cannot be counted"]),
        *(
            (lambda f=f: account(Applied(f), (3, 8, 8)), ValueError, [name, "cannot be counted"])
            for name, f in {
                "matmul": lambda _, x: x @ x,
                "multi_dot": lambda _, x: torch.linalg.multi_dot([x[0, 0], x[0, 0]]),
                "conv2d": lambda net, x: F.conv2d(x, net.weight),
                "tril": lambda net, x: net.weight.tril(),
            }.items()
        ),
        *(
            (lambda m=m, s=s: account(m, s), ValueError, ["cannot be counted", "nn.Conv2d"])
            for m, s in (
                (nn.Sequential(nn.ConvTranspose2d(3, 4, 2)), (3, 4, 4)),
                (nn.MultiheadAttention(4, 1), (4, 4)),
                (nn.TransformerEncoderLayer(8, 2, 16), (8,)),
            )
        ),
    ],
)
def test_what_cannot_be_counted(call, error, says):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in says), caught.value
    assert "While executing" not in str(caught.value)


# The table in a notebook


@pytest.mark.parametrize("by", ["stages", "layers"])
def test_table(paper, by):
    table = ET.fromstring(f"<div>{paper.to_html(by)}</div>")
    rows = [
        [(cell.tag, cell.get("scope"), "".join(cell.itertext())) for cell in row]
        for row in table.iter("tr")
    ]
    head, *body, foot = rows
    assert {(tag, scope) for tag, scope, _ in head} == {("th", "col")}
    assert len({len(row) for row in rows}) == 1
    assert all(row[0][:2] == ("th", "row") for row in [*body, foot])
    assert [row[0][2] for row in body] == list(getattr(paper, by).index)
    assert "6,998,552" in [text for _, _, text in foot]
    assert "1,582,671,872" in [text for _, _, text in foot]
    caption = "".join(table.find(".//caption").itertext())
    assert "3×224×224" in caption
    assert "6,379,728" in caption
    first = dict(zip([text for _, _, text in head], [text for _, _, text in body[0]], strict=True))
    assert first["Output"] == "64×112×112"
    assert first["Multiply-adds"] == "118,013,952"


def test_the_notebook_shows_the_stages(paper):
    assert paper._repr_html_() == paper.to_html("stages")
    assert "6,998,552 parameters" in repr(paper)


def test_table_escapes_names():
    class Odd(nn.Sequential):
        pass

    Odd.__name__ = "<script>"
    assert "<script>" not in account(Odd(nn.ReLU()), (1, 2, 2)).to_html()
