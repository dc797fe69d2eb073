"""GoogLeNet and BN-Inception as Caffe2 exported them: graphs that the package `onnx` ships.

`onnx` tests backends with them, all weights alike. Here the weights are random ones, given by name,
and ONNX Runtime, which knows nothing of our code, answers.
"""

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from onnx import helper, numpy_helper
from parity import pictures, settle
from torch import Tensor, nn
from torch.nn import functional as F

from utils.googlenet import googlenet
from utils.networks.descendants.bn_inception import MODULES, PORTED, bn_inception
from utils.networks.network import Network
from utils.pretrained import create

GRAPHS = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def answers(graph: str, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Scores before the softmax that ONNX Runtime computes, with all weights of a graph replaced.

    Pools of stride 2 round up, as in Caffe: some of these graphs lost that on their way.
    """
    model = onnx.load(GRAPHS / f"light_inception_{graph}.onnx")
    nodes, filled = [], {"data_0"}
    for node in model.graph.node:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "MaxPool" and attributes["strides"] == [2, 2]:
            next(a for a in node.attribute if a.name == "pads").ints[:] = [0, 0, 1, 1]
        if node.op_type == "AveragePool" and attributes["kernel_shape"] == [7, 7]:
            next(a for a in node.attribute if a.name == "pads").ints[:] = [0, 0, 0, 0]
        if node.op_type == "ConstantOfShape":
            filled.add(node.output[0])
        elif node.op_type not in ("Softmax", "Dropout"):
            nodes.append(node)
        elif node.op_type == "Dropout":
            nodes.append(helper.make_node("Identity", node.input[:1], node.output[:1]))
    shapes = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    asked = filled | {name for name in shapes if name.endswith("_0")}
    assert asked - {"data_0"} == set(weights), "every weight is replaced, and nothing else"
    read = {name for node in nodes for name in node.input} - set(weights)
    kept = [i for i in model.graph.initializer if i.name in read]
    given = [numpy_helper.from_array(w.numpy(), name) for name, w in weights.items()]
    scores = helper.make_tensor_value_info(nodes[-1].output[0], onnx.TensorProto.FLOAT, [1, 1000])
    images = helper.make_tensor_value_info("data_0", onnx.TensorProto.FLOAT, [1, 3, 224, 224])
    made = helper.make_model(
        helper.make_graph(nodes, graph, [images], [scores], [*kept, *given]),
        opset_imports=model.opset_import,
        ir_version=model.ir_version,
    )
    session = onnxruntime.InferenceSession(made.SerializeToString())
    return torch.cat(
        [torch.from_numpy(session.run(None, {"data_0": image[None].numpy()})[0]) for image in x]
    )


STEM = {"conv1": "conv1/7x7_s2", "conv2": "conv2/3x3_reduce", "conv3": "conv2/3x3"}


def caffe_name(unit: str, *, twice: bool = False) -> str:
    """The graphs' name of one of our convolution units; `twice`: two 3x3 in place of the 5x5."""
    if unit in STEM:
        return STEM[unit]
    stage, branch, *place = unit.split(".")
    names = {
        "branch1": ["1x1"],
        "branch2": ["3x3_reduce", "3x3"],
        "branch3": ["double3x3_reduce", "double3x3a", "double3x3b"]
        if twice
        else ["5x5_reduce", "5x5"],
        "branch4": ["", "pool_proj"],
    }
    if twice and stage.endswith(("3c", "4e")):  # no 1x1: its branches begin with the 3x3
        names = {"branch1": names["branch2"], "branch2": names["branch3"]}
    inside = names[branch][int(place[0]) if place else 0]
    return f"inception_{stage.removeprefix('inception')}/{inside}"


def weights_for_graph(model: nn.Module, *, twice: bool) -> dict[str, Tensor]:
    """The weights of our network under the names of the graph."""
    found = {}
    for path, layer in model.named_modules():
        unit = path.rpartition(".")[0]
        if isinstance(layer, nn.Conv2d):
            name = caffe_name(unit, twice=twice)
            found[f"{name}_w_0"] = layer.weight.detach()
            if layer.bias is not None:
                found[f"{name}_b_0"] = layer.bias.detach()
        elif isinstance(layer, nn.BatchNorm2d):
            name = caffe_name(unit, twice=twice)
            one, zero = torch.ones_like(layer.bias), torch.zeros_like(layer.bias)
            # Caffe normalises in one layer, and scales in the next.
            found |= {f"{name}/bn_scale_0": one, f"{name}/bn_bias_0": zero}
            found[f"{name}/bn_mean_0"] = layer.running_mean
            found[f"{name}/bn_var_0"] = layer.running_var
            found[f"{name}/bn/sc_w_0"] = layer.weight.detach()
            found[f"{name}/bn/sc_b_0"] = layer.bias.detach()
    shape = (1000, 1024) if twice else (1, 1, 1000, 1024)
    found["loss3/classifier_w_0"] = model.fc.weight.detach().reshape(shape)
    found["loss3/classifier_b_0"] = model.fc.bias.detach()
    return found


def as_caffe_has_it(graph: str) -> nn.Module:
    """Our network, with weights that make its answers depend on the picture."""
    torch.manual_seed(0)
    if graph == "v2":
        model = Network(replace(bn_inception().config, eps=1e-5))
        settle(model, pictures(4, 224))
    else:
        model = googlenet("paper", aux_heads=False)
        for name, parameter in model.named_parameters():
            if name.endswith("conv.bias"):
                nn.init.normal_(parameter, std=0.2)
    return model.eval()


@pytest.fixture(scope="module", params=["v1", "v2"])
def graph(request):
    """Our network, pictures, and what ONNX Runtime answers to them."""
    model = as_caffe_has_it(request.param)
    x = pictures(2, 224, seed=1)
    weights = weights_for_graph(model, twice=request.param == "v2")
    return model, x, answers(request.param, weights, x)


def error(model: nn.Module, x: Tensor, expected: Tensor) -> float:
    with torch.no_grad():
        return ((model(x) - expected).abs().max() / expected.abs().max()).item()


def test_ours_is_the_network_of_the_graph(graph):
    model, x, expected = graph
    assert (expected[0] - expected[1]).abs().max() > 0.01 * expected.abs().max()
    assert error(model, x, expected) < 3e-5


def _padded(model: nn.Module) -> None:
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.MaxPool2d) and module.stride == 2 and "." in name:
            owner, _, place = name.rpartition(".")
            setattr(model.get_submodule(owner), place, nn.MaxPool2d(3, stride=2, padding=1))


def _floored(model: nn.Module) -> None:
    model.maxpool1 = nn.MaxPool2d(3, stride=2, padding=1)


def _counting(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.AvgPool2d):
            module.count_include_pad = True


def _swapped(model: nn.Module) -> None:
    module = model.inception5b
    two, three = module.branch2, module.branch3
    module.branches = lambda x: (module.branch1(x), three(x), two(x), module.branch4(x))


def _unnormalised(model: nn.Module) -> None:
    for name in [name for name, m in model.named_modules() if isinstance(m, nn.LocalResponseNorm)]:
        setattr(model, name, nn.Identity())


def _eps(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3


@pytest.mark.parametrize(
    ("graph", "change"),
    [
        ("v1", _floored),
        ("v1", _swapped),
        ("v1", _unnormalised),
        ("v2", _padded),
        ("v2", _floored),
        ("v2", _counting),
        ("v2", _swapped),
        ("v2", _eps),
    ],
    indirect=["graph"],
)
def test_another_network_is_not(graph, change):
    model, x, expected = graph
    mutant = copy.deepcopy(model)
    change(mutant)
    assert error(mutant, x, expected) > 1e-4


# The port


def plainly_ported(state: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """The network of the port's files in plain PyTorch, by the names in the file."""

    def unit(x: Tensor, name: str, stride: int = 1) -> Tensor:
        kernel = state[f"{name}.weight"]
        pad = kernel.shape[-1] // 2
        x = F.conv2d(x, kernel, state[f"{name}.bias"], stride=stride, padding=pad)
        bn = (f"{name}_bn.{key}" for key in ("running_mean", "running_var", "weight", "bias"))
        return F.relu(F.batch_norm(x, *(state[key] for key in bn), eps=1e-5))

    def chain(x: Tensor, name: str, units: list[str], stride: int = 1) -> Tensor:
        for number, part in enumerate(units, 1):
            x = unit(x, f"{name}_{part}", stride if number == len(units) else 1)
        return x

    x = F.max_pool2d(unit(x, "conv1_7x7_s2", 2), 3, stride=2, ceil_mode=True)
    x = chain(x, "conv2", ["3x3_reduce", "3x3"])
    x = F.max_pool2d(x, 3, stride=2, ceil_mode=True)
    single = ["3x3_reduce", "3x3"]
    double = ["double_3x3_reduce", "double_3x3_1", "double_3x3_2"]
    for name in MODULES:
        at = f"inception_{name}"
        if name in ("3c", "4e"):
            pool = F.max_pool2d(x, 3, stride=2, ceil_mode=True)
            x = torch.cat([chain(x, at, single, 2), chain(x, at, double, 2), pool], dim=1)
            continue
        if name == "5b":
            pool = F.max_pool2d(x, 3, stride=1, padding=1)
        else:
            pool = F.avg_pool2d(x, 3, stride=1, padding=1)
        parts = [unit(x, f"{at}_1x1"), chain(x, at, single), chain(x, at, double)]
        x = torch.cat([*parts, unit(pool, f"{at}_pool_proj")], dim=1)
    return F.linear(x.mean(dim=(2, 3)), state["last_linear.weight"], state["last_linear.bias"])


@torch.no_grad()
def test_a_file_of_the_port_is_answered_as_there(tmp_path):
    """With the port's names, and random weights; by these names the oracle reads them."""
    torch.manual_seed(0)
    own = bn_inception(ported=True, num_classes=7)
    for name, parameter in own.named_parameters():
        if name.endswith("conv.bias"):
            nn.init.normal_(parameter, std=0.2)
    settle(own, pictures(4, 224))
    names = {}
    for key in own.state_dict():
        unit, _, rest = key.rpartition(".")
        owner, _, kind = unit.rpartition(".")
        if unit == "fc":
            names[key] = f"last_linear.{rest}"
            continue
        there = caffe_name(owner, twice=True).replace("/", "_").replace("double3x3", "double_3x3")
        there = there.replace("3x3a", "3x3_1").replace("3x3b", "3x3_2")
        names[key] = f"{there}{'_bn' if kind == 'bn' else ''}.{rest}"
    state = {names[key]: value for key, value in own.state_dict().items()}
    assert state["inception_4d_1x1.weight"].shape == (96, 608, 1, 1)
    assert state["inception_5a_1x1.weight"].shape == (352, 1056, 1, 1)
    torch.save(state, tmp_path / "bn_inception.pth")
    model = create("bn_inception_ported", weights=tmp_path / "bn_inception.pth").eval()
    x = pictures(2, 224, seed=1)
    assert model.fc.out_features == 7
    assert error(model, x, plainly_ported(state, x)) < 1e-5
    with pytest.raises(ValueError, match="another network's weights"):
        create("bn_inception", weights=tmp_path / "bn_inception.pth")


def test_the_port_is_wider_where_the_paper_misprints():
    widths = {name: row.output[0] for name, row in PORTED.items() if row != MODULES[name]}
    assert widths == {"4c": 608, "4d": 608, "4e": 1056}
    model = bn_inception(ported=True)
    assert {name: model.widths[f"inception{name}"] for name in widths} == widths
