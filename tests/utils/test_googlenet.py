"""GoogLeNet against arithmetic, against torchvision, and against bad input."""

import copy
import math
import pickle
import re
from dataclasses import astuple, replace

import numpy as np
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
    Convolution,
    GoogLeNet,
    GoogLeNetOutputs,
    LocalNorm,
    MaxPool,
    colour_googlenet,
    googlenet,
    micro_googlenet,
    mini_googlenet,
)
from utils.networks.network import WeightsError

FACTORIES = {
    "paper": lambda: googlenet("paper", num_classes=7),
    "torchvision": lambda: googlenet("torchvision", num_classes=7),
    "bn": lambda: googlenet("bn", num_classes=7),
    "naive": lambda: GoogLeNet(replace(micro_googlenet(7).config, reduce=False)),
    "mini": lambda: mini_googlenet(7),
    "mini without norm": lambda: mini_googlenet(7, norm=None),
    "mini, pooled early": lambda: mini_googlenet(7, early_pools=True),
    "micro": lambda: micro_googlenet(7),
    "colour": lambda: colour_googlenet(7),
    "micro without norm": lambda: micro_googlenet(7, norm=None),
}
SIZES = {
    **dict.fromkeys(("paper", "torchvision", "bn"), 224),
    **{"mini": 32, "mini without norm": 32, "colour": 64},
}


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


def test_early_pools_is_a_choice_of_two():
    with pytest.raises(TypeError, match="early_pools must be True or False"):
        mini_googlenet(early_pools=7)


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
    specs = [row for row in model.config.layers.values() if isinstance(row, InceptionSpec)]
    assert [astuple(spec) for spec in specs] == [
        (16, 32, 32, 16, 8, 8),
        (24, 32, 48, 16, 12, 12),
        (24, 32, 48, 16, 12, 12),
        (16, 32, 48, 16, 16, 16),
        (16, 32, 48, 16, 16, 16),
        (32, 32, 48, 16, 24, 24),
        (32, 48, 64, 16, 16, 16),
        (32, 48, 64, 16, 16, 16),
    ]


def test_mini_without_normalisation_has_none():
    plain, normalised = mini_googlenet(norm=None), mini_googlenet()
    scales = sum(2 * m.num_features for m in normalised.modules() if isinstance(m, nn.BatchNorm2d))
    assert scales > 0
    assert parameters(plain) == parameters(normalised) - scales


# The table


def test_the_table_has_the_depth_that_the_paper_states():
    assert sum(row.depth for row in TABLE_1) == 22
    pools = sum("pool" in row.type for row in TABLE_1)
    assert sum(row.depth for row in TABLE_1) + pools == 27


def test_modules_fit_together():
    outputs = {row.type[11:13]: row.output for row in TABLE_1 if row.type.startswith("incep")}
    assert list(MODULES) == ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    for name, spec in MODULES.items():
        assert spec.out_channels(INPUTS[name][0]) == outputs[name][0]
        assert INPUTS[name][1:] == outputs[name][1:]


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
    assert not any(isinstance(layer, LocalNorm) for layer in model.config.layers.values())


def test_the_naive_network_blows_up_as_computed():
    with torch.device("meta"):
        model = googlenet(reduce=False, aux_heads=False)
    modules = [model.get_submodule(f"inception{name}") for name in MODULES]
    widths = [416, 832, 1280, 1728, 2176, 2640, 3344, 4048, 4944]
    inputs = [192, *widths[:-1]]
    for module, c_in, c_out in zip(modules, inputs, widths, strict=True):
        with torch.device("meta"):
            assert module(torch.empty(1, c_in, 7, 7)).shape == (1, c_out, 7, 7)
    weights = sum(p.numel() for m in modules for p in m.parameters() if p.ndim == 4)
    assert round(weights / 1e6, 1) == 92.5
    assert model.fc.in_features == widths[-1]


def test_tables_are_safe_from_those_who_use_them():
    config = googlenet("paper", num_classes=7).config
    config.aux_heads.clear()
    config.layers["conv1"] = None
    assert list(AUX_HEADS) == list(googlenet("paper", num_classes=7).config.aux_heads)
    assert (
        PAPER["conv1"]
        == VARIANTS["paper"].layers["conv1"]
        == Convolution(channels=64, kernel_size=7, stride=2)
    )
    for table in (MODULES, INPUTS, PAPER, MICRO, AUX_HEADS, VARIANTS):
        with pytest.raises(TypeError, match="item assignment"):
            table["conv1"] = None


def test_numbers_are_plain_integers():
    row = Convolution(channels=np.uint8(200), kernel_size=np.uint8(3))
    pool = MaxPool(kernel_size=np.uint8(3), stride=np.uint8(2), padding=np.uint8(1))
    config = Config(layers={"conv1": row}, in_channels=np.uint8(3), num_classes=np.int32(10))
    numbers = [*astuple(row)[:3], *astuple(pool)[:3], config.in_channels, config.num_classes]
    assert {type(number) for number in numbers} == {int}
    assert pool.output_size(np.uint8(255)) == 128


@pytest.mark.parametrize("ceil_mode", [True, False])
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 5])
def test_a_pools_output_is_pytorchs(ceil_mode, kernel_size):
    for stride in range(1, 7):
        for padding in range(kernel_size // 2 + 1):
            options = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
            row = MaxPool(**options, ceil_mode=ceil_mode)
            for size in range(1, 20):
                expected = row.output_size(size)
                if expected > 0:
                    x = torch.empty(1, size, 1, device="meta").expand(1, size, size)
                    y = F.max_pool2d(x, **options, ceil_mode=ceil_mode)
                    assert y.shape[-1] == expected, (row, size)


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


# Invariants of every network


@pytest.mark.parametrize("name", FACTORIES)
def test_every_parameter_gets_a_gradient(name):
    torch.manual_seed(0)
    model = FACTORIES[name]()
    size = SIZES.get(name, 28)
    outputs = model(pictures(2, size))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    sum(F.cross_entropy(out, torch.tensor([1, 5])) for out in outputs).backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        # A bias under batch normalisation has the gradient 0, up to rounding.
        if not (key.endswith("conv.bias") and model.config.norm == "batch"):
            assert parameter.grad.abs().max() > 0, key


@pytest.mark.parametrize("name", FACTORIES)
def test_same_seed_same_weights(name):
    states = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        states.append(FACTORIES[name]().state_dict())
    first, second, third = states
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.equal(first["fc.weight"], third["fc.weight"])


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


@pytest.mark.parametrize("name", FACTORIES)
def test_answers_are_finite_and_differ_between_pictures(name):
    torch.manual_seed(0)
    model, size = FACTORIES[name](), SIZES.get(name, 28)
    settle(model, pictures(4, size))
    with torch.no_grad():
        scores = model.eval()(pictures(2, size, seed=1))
    assert scores.shape == (2, 7)
    assert scores.isfinite().all()
    assert (scores[0] - scores[1]).abs().max() > 0.01 * scores.abs().max()


@pytest.mark.parametrize("name", ["bn", "torchvision", "mini", "micro", "micro without norm"])
def test_the_first_loss_is_that_of_guessing(name):
    torch.manual_seed(0)
    model = FACTORIES[name]()
    outputs = model(pictures(7, SIZES.get(name, 28)))
    scores = outputs[0] if isinstance(outputs, tuple) else outputs
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
    model = FACTORIES["torchvision"]()
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


def test_average_over_the_map_is_the_papers_seven_by_seven():
    x = torch.rand(2, 1024, 7, 7)
    pool = googlenet("paper", aux_heads=False).avgpool
    torch.testing.assert_close(pool(x), F.avg_pool2d(x, 7, stride=1))


@pytest.mark.parametrize("name", FACTORIES)
def test_the_smallest_image_is_the_smallest(name):
    model = FACTORIES[name]().eval()
    smallest = model.smallest
    model(torch.rand(1, 3, smallest, smallest))
    if smallest > 1:
        with pytest.raises(ValueError, match=f"{smallest}x{smallest}"):
            model(torch.rand(1, 3, smallest - 1, smallest))
        model.check_images = lambda x: None  # what PyTorch itself would say
        with pytest.raises(RuntimeError, match="too small"):
            model(torch.rand(1, 3, smallest - 1, smallest))


def test_torchvisions_smallest_image():
    smallest = torchvision.models.GoogLeNet_Weights.DEFAULT.meta["min_size"]
    assert (googlenet("torchvision").smallest,) * 2 == smallest


def test_other_channels_classes_and_sizes():
    model = googlenet("bn", num_classes=3, in_channels=1, aux_heads=False).eval()
    assert model(torch.rand(2, 1, 96, 128)).shape == (2, 3)
    assert mini_googlenet(4, in_channels=1)(torch.rand(2, 1, 28, 28)).shape == (2, 4)
    assert micro_googlenet(4, in_channels=1)(torch.rand(2, 1, 32, 32)).shape == (2, 4)


# Tools of PyTorch that must work


@pytest.mark.parametrize("name", ["torchvision", "micro"])
def test_fx_traces_the_network(name):
    model = FACTORIES[name]().eval()
    x = pictures(2, 64)
    with torch.no_grad():
        torch.testing.assert_close(torch.fx.symbolic_trace(model)(x), model(x))


def test_fx_traces_the_heads():
    model = FACTORIES["paper"]()
    graph = torch.fx.symbolic_trace(model.train()).graph
    called = {str(node.target) for node in graph.nodes if node.op == "call_module"}
    assert {"aux1.pool", "aux1.fc2", "aux2.conv.conv", "fc"} <= called


def test_compile_takes_the_whole_network():
    model = FACTORIES["micro"]().eval()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    x = pictures(2, 28)
    with torch.no_grad():
        torch.testing.assert_close(compiled(x), model(x))


def test_export_for_any_batch():
    model = FACTORIES["micro"]().eval()
    shapes = {"x": {0: torch.export.Dim("batch")}}
    exported = torch.export.export(model, (pictures(2, 28),), dynamic_shapes=shapes)
    x = pictures(5, 28, seed=1)
    with torch.no_grad():
        torch.testing.assert_close(exported.module()(x), model(x))


def test_a_pickled_network_is_the_same():
    model = FACTORIES["micro without norm"]().eval()
    again = pickle.loads(pickle.dumps(model))
    assert again.config == model.config
    x = pictures(2, 28)
    torch.testing.assert_close(again(x), model(x))


def test_half_precision_and_autocast():
    x = pictures(2, 64)
    model = FACTORIES["torchvision"]().eval()
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


def test_a_checkpoint_file(tmp_path):
    model, again = mini_googlenet(), mini_googlenet()
    torch.save(model.state_dict(), tmp_path / "mini.pt")
    again.load_state_dict(torch.load(tmp_path / "mini.pt", weights_only=True))
    x = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(again.eval()(x), model.eval()(x))


# Bad input: what was expected, what came, what to do


@pytest.mark.parametrize(
    ("build", "error", "says"),
    [
        (lambda: googlenet("v1"), ValueError, ["variant", "'paper'", "'torchvision'", "'v1'"]),
        (lambda: googlenet(num_classes=0), ValueError, ["num_classes", "at least 1", "0"]),
        (lambda: googlenet(num_classes=10.0), TypeError, ["num_classes", "integer", "10.0"]),
        (lambda: googlenet(in_channels=-3), ValueError, ["in_channels", "at least 1", "-3"]),
        (lambda: googlenet(dropout=1.0), ValueError, ["dropout", "probability", "1.0"]),
        (lambda: googlenet(aux_dropout=-0.1), ValueError, ["aux_dropout", "-0.1"]),
        (lambda: googlenet(norm="layer"), ValueError, ["norm", "'batch'", "None", "'layer'"]),
        (lambda: googlenet(kernel5x5=4), ValueError, ["kernel5x5", "odd", "4", "3 or 5"]),
        (lambda: googlenet(aux_pool="max"), ValueError, ["pool", "'adaptive'", "'max'"]),
        (lambda: googlenet(reduce="no"), TypeError, ["reduce", "True or False", "'no'"]),
        (lambda: googlenet(bias="no"), TypeError, ["bias", "None", "'no'"]),
        (lambda: googlenet(aux_heads="no"), TypeError, ["aux_heads", "True or False", "'no'"]),
        (
            lambda: googlenet("bn", aux_heads={"inception4b": "aux1"}),
            TypeError,
            ["aux_heads", "True or False", "Config"],
        ),
        (lambda: Config(layers=MICRO, aux_pool="max"), ValueError, ["aux_pool", "'max'"]),
        (lambda: Config(layers=3), TypeError, ["layers", "dict", "3"]),
        (lambda: GoogLeNet("paper"), TypeError, ["Config", "'paper'", "googlenet"]),
        (
            lambda: replace(VARIANTS["bn"], aux_heads=dict.fromkeys(AUX_HEADS, "aux1")),
            ValueError,
            ["head of its own", "inception4d"],
        ),
        (lambda: Config(layers={"fc": MaxPool()}), ValueError, ["fc already", "rename"]),
        (lambda: Convolution(channels=0, kernel_size=1), ValueError, ["Convolution.channels", "0"]),
        (lambda: MaxPool(stride=0), ValueError, ["MaxPool.stride", "0"]),
        (lambda: MaxPool(padding=-1), ValueError, ["MaxPool.padding", "-1"]),
        (lambda: MaxPool(ceil_mode="no"), TypeError, ["MaxPool.ceil_mode", "'no'"]),
        (lambda: googlenet(drop_out=0.5), TypeError, ["drop_out", "Config"]),
        (lambda: micro_googlenet(True), TypeError, ["num_classes", "True"]),
        (
            lambda: replace(VARIANTS["bn"], aux_heads={"inception9z": "aux1"}),
            ValueError,
            ["aux1", "inception4a", "'inception9z'"],
        ),
        (
            lambda: GoogLeNet(replace(VARIANTS["bn"], layers={"conv1": 64}, aux_heads={})),
            TypeError,
            ["row", "64", "Layer"],
        ),
    ],
)
def test_a_network_that_cannot_be(build, error, says):
    with pytest.raises(error) as caught:
        build()
    assert all(word in str(caught.value) for word in says), caught.value


@pytest.mark.parametrize(
    ("images", "error", "says"),
    [
        (torch.rand(2, 1, 64, 64), ValueError, ["(N, 3, H, W)", "1 channels", "in_channels=1"]),
        (torch.rand(2, 64, 64, 3), ValueError, ["64 channels", "permute(0, 3, 1, 2)"]),
        (torch.rand(2, 3, 14, 64), ValueError, ["15x15", "14x64", "mini_googlenet"]),
        (torch.rand(3, 64, 64), ValueError, ["(3, 64, 64)", "x[None]"]),
        (torch.rand(2, 5, 3, 64, 64), ValueError, ["(2, 5, 3, 64, 64)", "flatten(0, 1)"]),
        (torch.rand(64, 64), ValueError, ["(64, 64)", "batch axis"]),
        (torch.zeros(2, 3, 64, 64, dtype=torch.uint8), TypeError, ["uint8", "x.float() / 255"]),
        (torch.zeros(2, 3, 64, 64, dtype=torch.int64), TypeError, ["int64", "floating-point"]),
        (torch.rand(2, 3, 64, 64).half(), TypeError, ["float16", "float32", "x.to("]),
        (torch.rand(2, 3, 64, 64).double(), TypeError, ["float64", "model.to("]),
        (np.zeros((2, 3, 64, 64)), TypeError, ["ndarray", "to_tensor"]),
        (None, TypeError, ["NoneType", "tensor"]),
    ],
)
def test_images_that_do_not_fit(images, error, says):
    model = googlenet("torchvision", num_classes=7, aux_heads=False).eval()
    with pytest.raises(error) as caught:
        model(images)
    assert all(word in str(caught.value) for word in says), caught.value


@pytest.mark.parametrize(("size", "cells"), [(192, "12x12"), (299, "18x18")])
def test_the_papers_heads_want_their_size(size, cells):
    with torch.device("meta"):
        model, images = googlenet("paper"), torch.empty(2, 3, size, size)
        adaptive = googlenet("paper", aux_pool="adaptive")
    with pytest.raises(ValueError, match="4x4") as caught:
        model(images)
    for words in (cells, "14x14", "224x224", "aux_heads=False", 'aux_pool="adaptive"'):
        assert words in str(caught.value)
    assert model.eval()(images).shape == (2, 1000)
    assert isinstance(adaptive(images), GoogLeNetOutputs)


@pytest.mark.parametrize(
    ("other", "call"),
    [
        (lambda: googlenet("paper", aux_heads=False), 'googlenet("paper", aux_heads=False)'),
        (lambda: googlenet("bn"), 'googlenet("bn")'),
        (
            lambda: googlenet("torchvision", num_classes=5),
            'googlenet("torchvision", num_classes=5)',
        ),
        (
            lambda: googlenet("torchvision", aux_heads=False, reduce=False),
            'googlenet("torchvision", reduce=False, aux_heads=False)',
        ),
        (
            lambda: googlenet("bn", bias=True, reduce=False),
            'googlenet("bn", bias=True, reduce=False)',
        ),
        (lambda: googlenet("bn", norm=None), 'googlenet("paper")'),
        (lambda: googlenet("paper", kernel5x5=7), 'googlenet("paper", kernel5x5=7)'),
        (mini_googlenet, "mini_googlenet()"),
        (lambda: micro_googlenet(4), "micro_googlenet(num_classes=4)"),
        (
            lambda: micro_googlenet(4, in_channels=1, norm=None),
            "micro_googlenet(num_classes=4, in_channels=1, norm=None)",
        ),
        (lambda: GoogLeNet(replace(micro_googlenet().config, reduce=False)), None),
        (torchvision.models.resnet18, None),
    ],
)
def test_a_checkpoint_of_another_network(other, call):
    with torch.device("meta"):
        model = googlenet("bn", in_channels=1)
        state = other().state_dict()
        with pytest.raises(WeightsError, match="another network") as caught:
            model.load_state_dict(state)
        says = f"They are those of {call}." if call else "not those of a network of this module"
        assert says in str(caught.value), caught.value
        if call:
            eval(call).load_state_dict(state)


@pytest.mark.parametrize("error", [RuntimeError, ValueError, WeightsError])
def test_other_weights_raise_what_pytorch_raises(error):
    with pytest.raises(error):
        micro_googlenet().load_state_dict({})


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module.net."])
@pytest.mark.parametrize("inside", [False, True])
def test_a_checkpoint_wrapped_or_prefixed(prefix, inside):
    torch.manual_seed(0)
    model, other = micro_googlenet(), micro_googlenet()
    own = {f"{prefix}{key}": value for key, value in other.state_dict().items()}
    checkpoint = own | {"n_averaged": torch.tensor(3)}  # as AveragedModel adds
    if inside:
        checkpoint = {"optimizer_state_dict": {"state": {}}, "epoch": 3, "model_state_dict": own}
    with pytest.raises(WeightsError, match=r"They hold those of micro_googlenet\(\)") as caught:
        model.load_state_dict(checkpoint)
    advice = re.search(r": load (.*)\.$", str(caught.value)).group(1)
    model.load_state_dict(eval(advice, {"state_dict": checkpoint}))
    assert torch.equal(model.fc.weight, other.fc.weight)


def test_a_checkpoint_one_level_down():
    state = micro_googlenet().state_dict()
    with pytest.raises(WeightsError, match=r"load state_dict\['model'\]\."):
        micro_googlenet().load_state_dict({"optimizer": {"state": {}}, "model": state})


def test_a_file_without_counts_of_batches():
    """As older PyTorch and other programs write: BatchNorm fills them in."""
    state = micro_googlenet().state_dict()
    older = {key: value for key, value in state.items() if "num_batches" not in key}
    assert len(older) < len(state)
    micro_googlenet().load_state_dict(older)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"fc.weight": np.zeros((10, 128))}, "fc.weight ndarray instead of (10, 128)"),
        ({"fc.bias": None}, "fc.bias NoneType instead of (10,)"),
        ({7: torch.zeros(1)}, "Not of this network: 7"),
        ({"fc.weight": torch.zeros(0, 128)}, "fc.weight (0, 128) instead"),
        ({"fc.weight": torch.tensor(1.0)}, "fc.weight () instead"),
        ({"conv1.conv.weight": [1]}, "conv1.conv.weight list instead"),
    ],
)
def test_a_checkpoint_with_other_things_in_it(change, says):
    model = micro_googlenet()
    with pytest.raises(WeightsError) as caught:
        model.load_state_dict(model.state_dict() | change)
    assert says in str(caught.value)
    with pytest.raises(TypeError, match="dict-like"):
        model.load_state_dict("micro.pt")


def test_a_checkpoint_of_another_network_leaves_the_weights_alone():
    model = micro_googlenet(10)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=r"Of another shape: fc\.weight"):
        model.load_state_dict(micro_googlenet(4).state_dict())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_loading_part_of_a_checkpoint_is_still_possible():
    model = googlenet("torchvision", aux_heads=False)
    state = googlenet("torchvision").state_dict()
    result = model.load_state_dict(state, strict=False)
    assert not result.missing_keys
    assert all(key.startswith("aux") for key in result.unexpected_keys)
