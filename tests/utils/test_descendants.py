"""The descendants against their published implementations, arithmetic, and the papers' tables."""

import copy

import pytest
import torch
from parity import ParityError, assert_parity, pictures, settle
from published import PAIRS, settled
from torch import nn
from torch.nn import functional as F

from utils.accounting import account
from utils.networks.descendants.bn_inception import CORRECTIONS, FIGURE_5, MODULES, bn_inception
from utils.networks.descendants.hadamard import Gate, hadamard_inception, se_inception
from utils.networks.descendants.inception_resnet import inception_resnet_v1, inception_resnet_v2
from utils.networks.descendants.inception_v3 import InceptionV3Outputs, inception_v3
from utils.networks.descendants.inception_v4 import inception_v4
from utils.networks.descendants.xception import SeparableUnit, xception
from utils.pretrained.published import rename


def on_meta(build):
    with torch.device("meta"):
        return build()


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


# Counts and shapes


@pytest.mark.parametrize("name", PAIRS)
def test_parameters_are_the_published_ones(name):
    pair = PAIRS[name]
    assert parameters(on_meta(pair.ours)) == pair.parameters == parameters(on_meta(pair.theirs))


def test_parameters_of_bn_inception():
    assert parameters(on_meta(bn_inception)) == 11_194_984
    separable = 3 * 8 * 49 + 24 * 64
    assert parameters(on_meta(lambda: bn_inception(separable_stem=True))) == (
        11_194_984 - 3 * 64 * 49 + separable
    )


def test_parameters_of_inception_resnet_v1_by_hand():
    """The widths of the paper's Figures 10 to 14, counted without the package."""

    def unit(c_in, c_out, area=1):
        return area * c_in * c_out + 2 * c_out

    def linear(c_in, c_out):
        return c_in * c_out + c_out

    stem = unit(3, 32, 9) + unit(32, 32, 9) + unit(32, 64, 9)
    stem += unit(64, 80) + unit(80, 192, 9) + unit(192, 256, 9)
    a = 3 * unit(256, 32) + 3 * unit(32, 32, 9) + linear(96, 256)
    reduction_a = unit(256, 384, 9) + unit(256, 192) + unit(192, 192, 9) + unit(192, 256, 9)
    b = 2 * unit(896, 128) + 2 * unit(128, 128, 7) + linear(256, 896)
    reduction_b = 3 * unit(896, 256) + unit(256, 384, 9) + 3 * unit(256, 256, 9)
    c = 2 * unit(1792, 192) + 2 * unit(192, 192, 3) + linear(384, 1792)
    total = stem + 5 * a + reduction_a + 10 * b + reduction_b + 5 * c + linear(1792, 1000)
    assert parameters(on_meta(inception_resnet_v1)) == total


SHAPES = {
    bn_inception: {
        "maxpool2": (192, 28, 28),
        **{f"inception{name}": row.output for name, row in MODULES.items()},
    },
    inception_v3: {
        "conv1": (32, 149, 149),
        "conv3": (64, 147, 147),
        "maxpool1": (64, 73, 73),
        "conv5": (192, 71, 71),
        "inception_a3": (288, 35, 35),
        "inception_b4": (768, 17, 17),
        "reduction_b": (1280, 8, 8),
        "inception_c2": (2048, 8, 8),
    },
    inception_v4: {
        "stem1": (160, 73, 73),
        "stem2": (192, 71, 71),
        "inception_a4": (384, 35, 35),
        "inception_b7": (1024, 17, 17),
        "inception_c3": (1536, 8, 8),
    },
    inception_resnet_v1: {
        "inception_a5": (256, 35, 35),
        "inception_b10": (896, 17, 17),
        "inception_c5": (1792, 8, 8),
    },
    inception_resnet_v2: {
        "inception_a10": (320, 35, 35),
        "inception_b20": (1088, 17, 17),
        "inception_c10": (2080, 8, 8),
        "conv6": (1536, 8, 8),
    },
    xception: {
        "conv2": (64, 147, 147),
        "entry3": (728, 19, 19),
        "middle8": (728, 19, 19),
        "conv4": (2048, 10, 10),
    },
}


@pytest.mark.parametrize("build", SHAPES, ids=lambda build: build.__name__)
def test_stages_have_the_shapes_of_the_paper(build):
    size = 224 if build is bn_inception else 299
    stages = account(on_meta(build), (3, size, size)).stages
    assert {name: stages.output[name] for name in SHAPES[build]} == SHAPES[build]


@pytest.mark.parametrize(
    ("build", "size", "reach"),
    [
        (bn_inception, 224, 699),
        (inception_v3, 299, 1311),
        (inception_v4, 299, 2071),
        (inception_resnet_v2, 299, 3039),
    ],
)
def test_receptive_fields_are_those_of_distill(build, size, reach):
    """Araujo, Norris, Sim (2019), Computing receptive fields, of the last map."""
    model = on_meta(build)
    stages = account(model, (3, size, size)).stages
    assert stages.rf_max[list(model.config.layers)[-1]] == reach


def test_multiply_adds_of_inception_v3_are_torchvisions():
    assert round(account(on_meta(inception_v3), (3, 299, 299)).macs / 1e9, 3) == 5.713


# BN-Inception's table, and the network built plainly from it


def test_the_slips_of_figure_5_are_slips():
    def width(row, passed):
        pooled = passed if row.pool_proj is None else row.pool_proj
        return row.conv1x1 + row.conv3x3 + row.double3x3 + pooled

    passed = 192
    for name, row in MODULES.items():
        assert width(row, passed) == row.output[0] == FIGURE_5[name].output[0]
        passed = row.output[0]
    assert width(FIGURE_5["4c"], 576) == width(FIGURE_5["4d"], 576) == 608
    assert set(CORRECTIONS) == {"3c", "4c", "4d", "4e"}


def plainly(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """BN-Inception in a few lines of plain PyTorch, from the weights of `model` by their names."""
    w = model.state_dict()

    def unit(x, name, stride=1):
        kernel = w[f"{name}.conv.weight"]
        x = F.conv2d(x, kernel, stride=stride, padding=kernel.shape[-1] // 2)
        bn = [w[f"{name}.bn.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        return F.relu(F.batch_norm(x, *bn, eps=1e-3))

    def module(x, name, kind):
        if kind in ("avg", "max"):
            one = unit(x, f"{name}.branch1")
            three = unit(unit(x, f"{name}.branch2.0"), f"{name}.branch2.1")
            five = unit(unit(x, f"{name}.branch3.0"), f"{name}.branch3.1")
            five = unit(five, f"{name}.branch3.2")
            if kind == "avg":
                pool = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
            else:
                pool = F.max_pool2d(x, 3, stride=1, padding=1)
            return torch.cat([one, three, five, unit(pool, f"{name}.branch4.1")], dim=1)
        three = unit(unit(x, f"{name}.branch1.0"), f"{name}.branch1.1", 2)
        five = unit(unit(x, f"{name}.branch2.0"), f"{name}.branch2.1")
        five = unit(five, f"{name}.branch2.2", 2)
        height, width = x.shape[2:]  # TensorFlow's "same": nothing before an even size
        padded = F.pad(x, (width % 2, 1, height % 2, 1), value=-torch.inf)
        return torch.cat([three, five, F.max_pool2d(padded, 3, stride=2)], dim=1)

    x = F.max_pool2d(unit(x, "conv1", 2), 3, stride=2, ceil_mode=True)
    x = F.max_pool2d(unit(unit(x, "conv2"), "conv3"), 3, stride=2, ceil_mode=True)
    kinds = {"3c": "halve", "4e": "halve", "5b": "max"}
    for name in ("3a", "3b", "3c", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        x = module(x, f"inception{name}", kinds.get(name, "avg"))
    return F.linear(x.mean(dim=(2, 3)), w["fc.weight"], w["fc.bias"])


@pytest.fixture(scope="module")
def bn_model():
    torch.manual_seed(0)
    model = bn_inception()
    settle(model, pictures(4, 224))
    return model.eval()


@pytest.mark.parametrize("size", [224, 171])
@torch.no_grad()
def test_bn_inception_is_what_its_table_says(bn_model, size):
    x = pictures(2, size, seed=1)
    answers, expected = bn_model(x), plainly(bn_model, x)
    assert (answers[0] - answers[1]).abs().max() > 0.01 * answers.abs().max()
    assert (answers - expected).abs().max() < 1e-5 * answers.abs().max()


@pytest.mark.parametrize("part", ["average", "eps", "order", "stride"])
@torch.no_grad()
def test_another_bn_inception_is_not(bn_model, part):
    mutant = copy.deepcopy(bn_model)
    if part == "average":
        mutant.inception4b.branch4[0].count_include_pad = True
    elif part == "eps":
        mutant.inception4b.branch1.bn.eps = 0.1
    elif part == "order":
        swap_branches(mutant.inception5b, 3, 4)
    else:
        mutant.inception3c.branch3 = torch.nn.MaxPool2d(3, stride=2, padding=1)
    x = pictures(2, 224, seed=1)
    expected = plainly(bn_model, x)
    assert (mutant(x) - expected).abs().max() > 1e-5 * expected.abs().max()


# Published names


@pytest.mark.parametrize("name", PAIRS)
def test_the_key_map_is_one_to_one(name):
    pair = PAIRS[name]
    ours, theirs = on_meta(pair.ours).state_dict(), on_meta(pair.theirs).state_dict()
    renamed = rename(theirs, pair.keys, ours)
    assert renamed.keys() == ours.keys()
    assert {k: v.shape for k, v in renamed.items()} == {k: v.shape for k, v in ours.items()}
    back = rename({key: key for key in theirs}, pair.keys, ours)
    assert sorted(back.values()) == sorted(theirs)


# Parity


@pytest.fixture
def pair(request):
    """Our network and the published one, settled."""
    return settled(request.param)


def swap_branches(module: nn.Module, i: int, j: int) -> None:
    """Concatenate two branches in the other order."""
    order = list(range(1, 1 + len(list(module.children()))))
    order[i - 1], order[j - 1] = j, i
    module.branches = lambda x: tuple(getattr(module, f"branch{k}")(x) for k in order)


def other_eps(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps *= 0.1


def replicated(convolution):
    convolution.padding_mode = "replicate"
    height, width = convolution.padding
    convolution._reversed_padding_repeated_twice = [width, width, height, height]


def max_for_average(model):
    model.avgpool = nn.AdaptiveMaxPool2d(1)


def strides_swapped(model):
    """The stem's stride of 2 one convolution later: the same shapes further on."""
    model.conv1.conv.stride, model.conv2.conv.stride = (1, 1), (2, 2)
    model.conv1.conv.padding, model.conv2.conv.padding = (0, 0), (1, 1)


def set_to(path, name, value):
    def mutate(model):
        setattr(model.get_submodule(path), name, value)

    mutate.__name__ = f"{path}.{name}"
    return mutate


def swap(path, i, j):
    def mutate(model):
        swap_branches(model.get_submodule(path), i, j)

    mutate.__name__ = f"branches of {path}"
    return mutate


def pad(path):
    def mutate(model):
        replicated(model.get_submodule(path))

    mutate.__name__ = f"padding of {path}"
    return mutate


def max_pool(path):
    def mutate(model):
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, nn.MaxPool2d(3, stride=1, padding=1))

    mutate.__name__ = f"max at {path}"
    return mutate


EVERYWHERE = [other_eps, max_for_average, strides_swapped]
MUTANTS = {
    "inception_v3 torchvision": [
        *EVERYWHERE,
        max_pool("inception_a1.branch4.0"),
        set_to("inception_b1.branch4.0", "count_include_pad", False),
        set_to("maxpool1", "kernel_size", 2),
        pad("inception_b4.branch2.1.conv"),
        swap("inception_c1", 2, 3),
        swap("inception_c1.branch2.1", 1, 2),
        swap("reduction_b", 1, 2),
        set_to("inception_c2.branch1", "relu", False),
        set_to("conv4", "relu", False),
    ],
    "inception_v4": [
        *EVERYWHERE,
        max_pool("inception_a4.branch4.0"),
        set_to("inception_c2.branch4.0", "count_include_pad", True),
        pad("inception_c3.branch3.1.conv"),
        swap("stem1", 1, 2),
        swap("stem3", 1, 2),
        swap("inception_c3.branch3.3", 1, 2),
        set_to("stem2.branch2.2", "relu", False),
    ],
    "inception_resnet_v2": [
        *EVERYWHERE,
        max_pool("inception.branch4.0"),
        set_to("inception.branch4.0", "count_include_pad", True),
        set_to("inception_a3", "scale", 0.2),
        set_to("inception_b20", "scale", 0.11),
        set_to("inception_c9", "scale", 1.0),
        set_to("inception_c10", "scale", 0.2),
        set_to("inception_c10", "relu", True),
        set_to("inception_b7", "relu", False),
        set_to("inception_b7.body.expand", "relu", True),
        pad("inception_a10.body.branches.branch3.2.conv"),
        swap("inception_c10.body.branches", 1, 2),
    ],
    "xception": [
        *EVERYWHERE,
        set_to("entry2.body.0", "relu", None),
        set_to("middle4.body.1", "relu", None),
        set_to("middle4", "scale", 0.9),
        set_to("conv4", "relu", "before"),
        pad("middle8.body.2.depthwise"),
        set_to("entry2", "relu", True),
        set_to("exit1.shortcut", "relu", True),
        set_to("entry3.body.2", "kernel_size", 2),
    ],
}


def sized(name):
    """Size in pixels, and whether in training, too: with a side head, 299 at least.

    A second size is for what rounds differently there, which training mode does not change.
    """
    if "torchvision" in name:
        return [(name, 299, True), (name, 331, False)]
    return [(name, 139, True), (name, 171, False), (name, 299, False)]


@pytest.mark.parametrize(
    ("pair", "size", "training"),
    [case for name in PAIRS for case in sized(name)],
    indirect=["pair"],
)
def test_answers_equal_the_published_networks(pair, size, training):
    assert_parity(*pair, size, training=training)


@pytest.mark.parametrize(
    ("pair", "mutate"),
    [(name, mutate) for name, mutants in MUTANTS.items() for mutate in mutants],
    indirect=["pair"],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_wrong_network_does_not_pass(pair, mutate):
    mutant = copy.deepcopy(pair[0])
    mutate(mutant)
    with pytest.raises(ParityError):
        assert_parity(mutant, pair[1], 107)


@pytest.mark.parametrize(
    ("pair", "mutate"),
    [
        ("inception_v3 torchvision", set_to("aux.pool", "kernel_size", 3)),
        ("inception_v3 torchvision", set_to("aux.conv1", "relu", False)),
        ("inception_v3 torchvision", set_to("aux.conv2.bn", "eps", 1e-5)),
    ],
    indirect=["pair"],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_wrong_head_does_not_pass(pair, mutate):
    mutant = copy.deepcopy(pair[0])
    mutate(mutant)
    with pytest.raises(ParityError, match="training, output 1"):
        assert_parity(mutant, pair[1], 299)


# What is new in one of them


def test_the_head_of_inception_v3_is_optional_and_needs_its_size():
    model = inception_v3(num_classes=7)
    with pytest.raises(ValueError, match=r"17x17.*299 px; got 16x16.*aux_heads=False"):
        on_meta(inception_v3)(torch.empty(2, 3, 298, 298, device="meta"))
    with torch.no_grad():
        assert model.eval()(torch.rand(1, 3, 75, 75)).shape == (1, 7)
        outputs = model.train()(torch.rand(2, 3, 299, 299))
    assert isinstance(outputs, InceptionV3Outputs)
    assert [scores.shape for scores in outputs] == [(2, 7), (2, 7)]
    alone = on_meta(lambda: inception_v3(aux_heads=False))
    assert alone.aux is None
    assert alone(torch.empty(2, 3, 107, 107, device="meta")).shape == (2, 1000)


def test_a_separable_unit_has_no_relu_between_its_halves():
    torch.manual_seed(0)
    unit = SeparableUnit(3, 5, relu=None, eps=1e-5).eval()
    x = torch.randn(2, 3, 8, 8)
    depthwise = F.conv2d(x, unit.depthwise.weight, padding=1, groups=3)
    torch.testing.assert_close(unit(x) * (1 + 1e-5) ** 0.5, unit.pointwise(depthwise))


def test_squeeze_and_excitation_is_torchvisions():
    from torchvision.ops import SqueezeExcitation

    torch.manual_seed(0)
    ours, theirs = Gate(16, attention="squeeze"), SqueezeExcitation(16, 4)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, 16, 9, 9)
    torch.testing.assert_close(ours(x), theirs(x))
    assert not torch.allclose(Gate(16, attention="hadamard")(x), theirs(x))


def test_hadamard_gate_weighs_every_value_and_squeeze_every_channel():
    torch.manual_seed(0)
    x = torch.randn(2, 8, 5, 5)
    hadamard, squeeze = Gate(8, attention="hadamard"), Gate(8, attention="squeeze")
    squeeze.load_state_dict(hadamard.state_dict())
    factors = hadamard(x) / x
    assert ((factors > 0) & (factors < 1)).all()
    assert factors.flatten(2).std(dim=2).min() > 1e-3
    assert (squeeze(x) / x).flatten(2).std(dim=2).max() < 1e-5
    flat = torch.ones(1, 8, 1, 1).expand(1, 8, 5, 5)
    torch.testing.assert_close(hadamard(flat), squeeze(flat))


@pytest.mark.parametrize(("channels", "narrow"), [(16, 4), (7, 1), (4, 1), (3, 1), (1, 1)])
def test_a_gate_reduces_to_one_channel_at_least(channels, narrow):
    gate = Gate(channels, attention="squeeze", reduction=4)
    assert gate.fc1.out_channels == narrow
    x = torch.ones(2, channels, 3, 3)
    assert gate(x).shape == x.shape


def test_gates_cost_the_same_parameters_and_can_be_left_out():
    hadamard, squeeze = on_meta(hadamard_inception), on_meta(se_inception)
    without = on_meta(lambda: hadamard_inception(attention=None))
    assert parameters(hadamard) == parameters(squeeze) > parameters(without)
    assert not any(isinstance(module, Gate) for module in without.modules())


# Bad input


@pytest.mark.parametrize(
    ("build", "error", "says"),
    [
        (lambda: bn_inception(dropout=1.0), ValueError, ["dropout", "probability"]),
        (lambda: hadamard_inception(attention="self"), ValueError, ["attention", "'squeeze'"]),
        (lambda: hadamard_inception(reduction=0), ValueError, ["reduction", "at least 1"]),
    ],
)
def test_a_network_that_cannot_be(build, error, says):
    with pytest.raises(error) as caught:
        on_meta(build)
    assert all(word in str(caught.value) for word in says), caught.value
