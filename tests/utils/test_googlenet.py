"""GoogLeNet against arithmetic, against the paper's table, and against torchvision."""

import copy
import math
import pickle
from dataclasses import astuple, replace

import pytest
import torch
import torchvision
from parity import ParityError, assert_parity, pictures, settle
from torch import nn
from torch.nn import functional as F

from utils.accounting import account
from utils.blocks import InceptionSpec
from utils.googlenet import (
    AUX_HEADS,
    INPUTS,
    MICRO,
    MODULES,
    PAPER,
    TABLE_1,
    VARIANTS,
    Config,
    GoogLeNet,
    GoogLeNetOutputs,
    MaxPool,
    colour_googlenet,
    googlenet,
    micro_googlenet,
    mini_googlenet,
)
from utils.networks.rows import each_module


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def torchvision_googlenet(**options) -> nn.Module:
    return torchvision.models.googlenet(weights=None, init_weights=False, **options)


# Counts


@pytest.mark.parametrize(
    ("variant", "without_heads", "with_heads"),
    [
        ("paper", 6_998_552, 13_378_280),
        ("torchvision", 6_624_904, 13_004_888),
        ("bn", 7_005_832, 13_385_816),
    ],
)
def test_parameters(variant, without_heads, with_heads):
    with torch.device("meta"):
        assert parameters(googlenet(variant, aux_heads=False)) == without_heads
        assert parameters(googlenet(variant)) == with_heads


def test_parameters_of_the_small_networks():
    assert parameters(mini_googlenet()) == 260_650
    assert 68_000 < parameters(micro_googlenet()) < 72_000
    assert 68_000 < parameters(micro_googlenet(norm=None)) < 72_000
    assert 70_000 < parameters(colour_googlenet()) < 80_000


def test_early_pools_leave_the_weights_and_a_third_of_the_work():
    late = mini_googlenet(in_channels=1)
    early = mini_googlenet(in_channels=1, early_pools=True)
    early.load_state_dict(late.state_dict())
    ratio = account(early, (1, 28, 28)).macs / account(late, (1, 28, 28)).macs
    assert 0.30 < ratio < 0.33
    x = torch.rand(1, 1, 28, 28)
    for name in early.config.layers:
        x = early.get_submodule(name)(x)
    assert x.shape == (1, 128, 7, 7)


def test_mini_has_the_published_stages():
    shapes = []
    with torch.device("meta"):
        model = mini_googlenet()
        x = torch.empty(1, 3, 32, 32)
        for name in model.config.layers:
            x = model.get_submodule(name)(x)
            shapes.append(tuple(x.shape[1:]))
    widths = [64, 64, 96, 96, 96, 96, 96, 128, 128, 128, 128]
    sizes = 3 * [32] + 5 * [16] + 3 * [8]
    assert shapes == [(c, size, size) for c, size in zip(widths, sizes, strict=True)]


# The table


def test_the_table_has_the_depth_that_the_paper_states():
    assert sum(row.depth for row in TABLE_1) == 22
    pools = sum("pool" in row.type for row in TABLE_1)
    assert sum(row.depth for row in TABLE_1) + pools == 27


def test_modules_fit_together():
    names, rows = zip(*((row.module, row) for row in TABLE_1 if row.module), strict=True)
    assert names == tuple(MODULES) == ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
    for row in rows:
        spec, (channels, *size) = MODULES[row.module], INPUTS[row.module]
        assert (spec.out_channels(channels), *size) == row.output
        assert astuple(spec) == row.filters


def test_the_network_has_the_shapes_of_the_table():
    rows = [row.output for row in TABLE_1 if row.type not in ("softmax", "dropout (40%)")]
    stages = [
        *("conv1", "maxpool1", "conv3", "maxpool2", "inception3a", "inception3b", "maxpool3"),
        *(f"inception4{letter}" for letter in "abcde"),
        *("maxpool4", "inception5a", "inception5b", "avgpool", "fc"),
    ]
    shapes = {}
    with torch.device("meta"):
        model = googlenet("paper").eval()
        for name in stages:
            model.get_submodule(name).register_forward_hook(
                lambda module, args, out, name=name: shapes.update({name: tuple(out.shape[1:])})
            )
        model(torch.empty(1, 3, 224, 224))
    shapes["fc"] += (1, 1)
    assert [shapes[name] for name in stages] == rows
    first = PAPER["conv1"]
    assert f"{first.kernel_size}x{first.kernel_size}/{first.stride}" == TABLE_1[0].patch_stride
    assert (PAPER["conv2"].channels, PAPER["conv3"].channels) == TABLE_1[2].filters[1:3]


def test_the_paper_variant_is_the_papers():
    model = googlenet()
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 57 + 2
    assert all(c.bias is not None for c in convolutions)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    assert model.inception3a.branch3[1].conv.kernel_size == (5, 5)
    assert model.dropout.p == 0.4
    assert model.aux1.dropout.p == model.aux2.dropout.p == 0.7
    assert (model.aux1.pool.kernel_size, model.aux1.pool.stride) == (5, 3)
    assert (model.maxpool4.kernel_size, model.maxpool4.stride) == (3, 2)
    names = [name for name, _ in model.named_children()]
    assert names.index("norm1") == names.index("maxpool1") + 1
    assert names.index("norm2") == names.index("maxpool2") - 1
    assert (model.norm1.size, model.norm1.alpha, model.norm1.beta) == (5, 1e-4, 0.75)


@pytest.mark.parametrize("variant", ["torchvision", "bn"])
def test_the_normalised_variants_have_no_bias_and_no_local_normalisation(variant):
    model = googlenet(variant)
    units = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(unit.bias is None for unit in units)
    assert len(norms) == len(units)
    assert all(norm.eps == 1e-3 for norm in norms)
    assert not any(isinstance(m, nn.LocalResponseNorm) for m in model.modules())


def test_kernel5x5_changes_the_third_branches_alone():
    """Of any table, and of torchvision's back to the paper's."""
    with torch.device("meta"):
        usual = googlenet("paper", aux_heads=False).state_dict()
        changed = googlenet("paper", aux_heads=False, kernel5x5=7).state_dict()
        back = googlenet("torchvision", kernel5x5=5).state_dict()
        assert {k: v.shape for k, v in back.items()} == {
            k: v.shape for k, v in googlenet("bn").state_dict().items()
        }
    for key, weight in usual.items():
        third = key.endswith("branch3.1.conv.weight")
        assert changed[key].shape == ((*weight.shape[:2], 7, 7) if third else weight.shape), key


def test_the_naive_network_keeps_the_names_of_its_branches():
    config = replace(micro_googlenet(7).config, layers=each_module(MICRO, InceptionSpec.naive))
    names = {key.split(".", 1)[1] for key in GoogLeNet(config).state_dict() if "3a" in key}
    ends = ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
    branches = ("branch1", "branch2.0", "branch3.0")
    assert names >= {f"{branch}.{end}" for branch in branches for end in ends}
    assert {name.split(".")[0] for name in names} == {"branch1", "branch2", "branch3"}


def test_tables_are_safe_from_those_who_use_them():
    config = googlenet("paper", num_classes=7).config
    config.aux_heads.clear()
    config.layers["conv1"] = None
    again = googlenet("paper", num_classes=7).config
    assert list(again.aux_heads) == list(AUX_HEADS) == ["inception4a", "inception4d"]
    assert again.layers == PAPER == VARIANTS["paper"].layers


# Parity with torchvision


@pytest.fixture(scope="module")
def pair():
    """Our network and torchvision's, with the same settled weights."""
    torch.manual_seed(0)
    ours, theirs = googlenet("torchvision"), torchvision_googlenet()
    settle(ours, pictures(4, 224))
    theirs.load_state_dict(ours.state_dict(), strict=True)
    return ours, theirs


def test_keys_equal_torchvisions():
    with torch.device("meta"):
        for heads, entries in ((True, 364), (False, 344)):
            ours = googlenet("torchvision", aux_heads=heads).state_dict()
            theirs = torchvision_googlenet(aux_logits=heads).state_dict()
            assert list(ours) == list(theirs)
            assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}
            assert len(ours) == entries


def test_weights_load_both_ways(pair):
    ours, theirs = copy.deepcopy(pair[0]), pair[1]
    for parameter in ours.parameters():
        nn.init.zeros_(parameter)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    back = torchvision_googlenet()
    back.load_state_dict(ours.state_dict(), strict=True)
    for key, value in back.state_dict().items():
        torch.testing.assert_close(value, theirs.state_dict()[key], rtol=0, atol=0)


@pytest.mark.parametrize(("size", "training"), [(224, True), (192, True), (299, False)])
def test_answers_equal_torchvisions(pair, size, training):
    assert_parity(*pair, size, training=training)


def other_pool_size(model):
    model.maxpool4 = nn.MaxPool2d(3, stride=2, ceil_mode=True)


def other_eps(model):
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-5


def other_padding(model):
    model.maxpool2 = nn.MaxPool2d(3, stride=2, padding=1)


def other_padding_of_a_convolution(model):
    model.inception5b.branch2[1].conv.padding_mode = "replicate"
    model.inception5b.branch2[1].conv._reversed_padding_repeated_twice = [1, 1, 1, 1]


def other_branch_order(model):
    module = model.inception3a
    module.branches = lambda x: tuple(getattr(module, f"branch{i}")(x) for i in (1, 2, 4, 3))


def max_for_average(model):
    model.avgpool = nn.AdaptiveMaxPool2d(1)


def the_papers_pool_in_a_head(model):
    model.aux1.pool = nn.AvgPool2d(5, stride=3)


def swapped_heads(model):
    """The order that torchvision returned up to 0.20.1."""
    model.register_forward_hook(
        lambda module, args, out: (
            GoogLeNetOutputs(out[0], out[2], out[1]) if module.training else out
        )
    )


@pytest.mark.parametrize(
    "mutate",
    [
        other_pool_size,
        other_eps,
        other_padding,
        other_padding_of_a_convolution,
        other_branch_order,
        max_for_average,
        the_papers_pool_in_a_head,
        swapped_heads,
    ],
)
def test_a_wrong_network_does_not_pass(pair, mutate):
    mutant = copy.deepcopy(pair[0])
    mutate(mutant)
    with pytest.raises(ParityError):
        assert_parity(mutant, pair[1], 224)


def test_parity_does_not_pass_where_it_could_not_fail():
    """With fresh weights and unset statistics, the answer hardly depends on the picture."""
    theirs = torchvision.models.googlenet(weights=None, init_weights=True)
    ours = googlenet("torchvision")
    ours.load_state_dict(theirs.state_dict())
    other_padding(ours)
    with pytest.raises(AssertionError, match="too little"):
        assert_parity(ours, theirs, 224)


# Weights to begin with, and the heads


@pytest.mark.parametrize("variant", VARIANTS)
def test_heads_leave_the_rest_its_weights(variant):
    states = []
    for heads in (True, False):
        torch.manual_seed(3)
        states.append(googlenet(variant, num_classes=7, aux_heads=heads).state_dict())
    with_heads, without = states
    assert all(torch.equal(value, with_heads[key]) for key, value in without.items())


def test_the_choice_of_biases_reaches_the_heads():
    with torch.device("meta"):
        for bias in (True, False):
            model = googlenet("bn", bias=bias)
            convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
            assert {c.bias is not None for c in convolutions} == {bias}


@pytest.mark.parametrize("norm", ["batch", None])
def test_the_first_loss_is_that_of_guessing(norm):
    torch.manual_seed(0)
    scores = micro_googlenet(7, norm=norm)(pictures(7, 28))
    loss = F.cross_entropy(scores, torch.arange(7)).item()
    assert loss == pytest.approx(math.log(7), abs=0.3)


def test_heads_begin_with_small_scores():
    torch.manual_seed(0)
    model = googlenet("paper")
    for head in AUX_HEADS.values():
        aux = model.get_submodule(head)
        he = (2 / aux.fc1.in_features) ** 0.5
        assert aux.fc1.weight.std().item() == pytest.approx(he, rel=0.05)
        assert aux.fc2.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert not aux.fc1.bias.any()
        assert not aux.fc2.bias.any()


def test_he_initialisation_keeps_the_size_of_the_signal():
    """Without normalisation, 22 layers deep, the signal neither dies nor explodes."""
    torch.manual_seed(0)
    model = googlenet("paper", aux_heads=False).eval()
    stages = {}
    for name in model.config.layers:
        model.get_submodule(name).register_forward_hook(
            lambda module, args, out, name=name: stages.update({name: out.std().item()})
        )
    images = pictures(2, 224)
    with torch.no_grad():
        model(images / images.std())
    assert all(0.1 < std < 10 for std in stages.values()), stages


def test_heads_answer_in_training_only():
    model = googlenet("torchvision", num_classes=7)
    outputs = model.train()(pictures(2, 64))
    assert isinstance(outputs, GoogLeNetOutputs)
    assert [out.shape for out in outputs] == 3 * [(2, 7)]
    assert model.eval()(pictures(2, 64)).shape == (2, 7)
    alone = googlenet("torchvision", aux_heads=False, num_classes=7)
    assert alone.train()(pictures(2, 64)).shape == (2, 7)


def test_a_network_with_the_upper_head_alone():
    config = replace(VARIANTS["bn"], num_classes=7, aux_heads={"inception4d": "aux2"})
    outputs = GoogLeNet(config)(pictures(2, 224))
    assert outputs.aux_logits1 is None
    assert outputs.aux_logits2.shape == (2, 7)


def test_torchvisions_smallest_image():
    smallest = torchvision.models.GoogLeNet_Weights.DEFAULT.meta["min_size"]
    assert (googlenet("torchvision").smallest,) * 2 == smallest


# Tools of PyTorch that must work


def test_fx_traces_the_heads():
    model = googlenet()
    graph = torch.fx.symbolic_trace(model.train()).graph
    called = {str(node.target) for node in graph.nodes if node.op == "call_module"}
    assert {"aux1.pool", "aux1.fc2", "aux2.conv.conv", "fc"} <= called


def test_compile_takes_the_whole_network():
    model = micro_googlenet().eval()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    x = pictures(2, 28)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), model(x))


def test_a_pickled_network_is_the_same():
    model = micro_googlenet(norm=None).eval()
    again = pickle.loads(pickle.dumps(model))
    assert again.config == model.config
    x = pictures(2, 28)
    torch.testing.assert_close(again(x), model(x))


def test_half_precision_and_autocast():
    x = pictures(2, 64)
    model = googlenet("torchvision", num_classes=7).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert model(x).dtype == torch.bfloat16
        with pytest.raises(TypeError, match="float64"):  # which autocast leaves as it is
            model(x.double())
    assert model.to(torch.bfloat16)(x.to(torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("last", "width"),
    [(nn.Identity(), 128), (nn.Sequential(nn.Dropout(0.1), nn.Linear(128, 3)), 3)],
    ids=["none", "two layers"],
)
def test_another_last_layer(last, width):
    """As for fine-tuning, or to use the features."""
    model = micro_googlenet().eval()
    assert model.fc.in_features == 128
    model.fc = last
    assert model(torch.rand(2, 3, 28, 28)).shape == (2, width)
    with pytest.raises(TypeError, match="float64"):
        model(torch.rand(2, 3, 28, 28).double())


# Bad input: what was expected, what came, what to do


@pytest.mark.parametrize(
    ("build", "error", "says"),
    [
        (lambda: googlenet("v1"), ValueError, ["variant", "'paper'", "'torchvision'", "'v1'"]),
        (lambda: googlenet(num_classes=0), ValueError, ["num_classes", "at least 1", "0"]),
        (lambda: googlenet(in_channels=2.0), TypeError, ["in_channels", "integer", "2.0"]),
        (lambda: googlenet(dropout=1.0), ValueError, ["dropout", "probability", "1.0"]),
        (lambda: googlenet(norm="layer"), ValueError, ["norm", "'batch'", "None", "'layer'"]),
        (lambda: googlenet(aux_dropout=-0.1), ValueError, ["dropout", "-0.1"]),
        (lambda: googlenet(reduce="no"), TypeError, ["reduce", "True or False", "'no'"]),
        (lambda: googlenet(bias="no"), TypeError, ["bias", "True or False", "'no'"]),
        (lambda: googlenet(eps="x"), ValueError, ["eps", "number", "'x'"]),
        (lambda: googlenet(drop_out=0.5), TypeError, ["drop_out", "Config"]),
        (lambda: googlenet(layers=3), TypeError, ["layers", "dict", "3"]),
        (
            lambda: googlenet(layers={"conv1": PAPER["conv1"]}),
            ValueError,
            ["aux1", "'inception4a'", "keep the others", "aux_heads=False"],
        ),
        (
            lambda: googlenet("bn", layers={"conv1": 64}, aux_heads=False),
            TypeError,
            ["row", "64", "Row"],
        ),
        (
            lambda: googlenet("bn", aux_heads={"inception4b": "aux1"}),
            TypeError,
            ["aux_heads", "True or False", "Config"],
        ),
        (
            lambda: Config(layers=PAPER, aux_heads=dict.fromkeys(AUX_HEADS, "aux1")),
            ValueError,
            ["head of its own", "inception4d"],
        ),
        (
            lambda: Config(layers=PAPER, aux_heads={"inception4a": "head"}),
            ValueError,
            ["auxiliary head", "'aux1'", "'head'"],
        ),
        (lambda: Config(layers={"fc": MaxPool()}), ValueError, ["its own fc", "rename"]),
        (lambda: GoogLeNet("paper"), TypeError, ["Config", "'paper'", "utils.create"]),
        (lambda: mini_googlenet(early_pools=7), TypeError, ["early_pools", "True or False"]),
    ],
)
def test_a_network_that_cannot_be(build, error, says):
    with torch.device("meta"), pytest.raises(error) as caught:
        build()
    assert all(word in str(caught.value) for word in says), caught.value


def test_the_papers_heads_want_their_size():
    with torch.device("meta"):
        model, images = googlenet("paper"), torch.empty(2, 3, 192, 192)
        adaptive = googlenet("paper", aux_pool="adaptive")
    with pytest.raises(ValueError, match=r"12x12.*aux_heads=False.*aux_pool=.adaptive"):
        model(images)
    assert model.eval()(images).shape == (2, 1000)
    assert isinstance(adaptive(images), GoogLeNetOutputs)
