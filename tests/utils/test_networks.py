"""What must hold of every network that `utils.create` makes, GoogLeNet's variants included."""

import re
import warnings
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import onnxruntime
import pytest
import torch
from parity import pictures, settle
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from utils.accounting import account
from utils.activations import stages
from utils.blocks import InceptionSpec
from utils.networks.network import Network
from utils.networks.rows import Parallel
from utils.pretrained import ENTRIES, create

CLASSES = 7


@dataclass(frozen=True)
class Case:
    """Sizes in pixels that keep a test short: to train at, and to answer at."""

    train: int
    answer: int


CASES = {
    "googlenet": Case(224, 224),  # its heads want 224 px
    "googlenet_bn": Case(224, 96),
    "googlenet_torchvision": Case(64, 96),
    "mini_googlenet": Case(28, 32),
    "micro_googlenet": Case(28, 32),
    "colour_googlenet": Case(64, 72),
    "bn_inception": Case(96, 96),
    "bn_inception_ported": Case(96, 96),
    "inception_v3": Case(299, 107),  # its head wants 299 px
    "inception_v4": Case(107, 107),
    "inception_resnet_v1": Case(107, 107),
    "inception_resnet_v2": Case(107, 107),
    "xception": Case(75, 75),
    "hadamard_inception": Case(28, 32),
    "se_inception": Case(28, 32),
    "plain_network": Case(28, 32),
    "small_resnet": Case(28, 32),
}
BIASED = ("mini_googlenet", "bn_inception_ported")  # under batch normalisation, too
every_network = pytest.mark.parametrize("name", ENTRIES)


def fresh(name: str, **options) -> nn.Module:
    torch.manual_seed(0)
    return create(name, num_classes=CLASSES, **options)


def on_meta(name: str, **options) -> nn.Module:
    with torch.device("meta"):
        return fresh(name, **options)


def losses(model: nn.Module, x: Tensor) -> Tensor:
    outputs = model(x)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return sum(F.cross_entropy(scores, torch.tensor([1, 5])) for scores in outputs)


def test_every_network_has_its_case():
    assert set(CASES) == set(ENTRIES)


@every_network
def test_it_learns(name):
    """Every parameter gets a gradient, and a step along it lowers the loss on the same batch."""
    model = fresh(name).train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    x = pictures(2, CASES[name].train)
    before = losses(model, x)
    before.backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        # A bias under batch normalisation has the gradient 0, up to rounding.
        if not (key.endswith("conv.bias") and name in BIASED):
            assert parameter.grad.abs().max() > 0, key
    norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.01 / norm * parameter.grad  # a short step along the gradient
        after = losses(model, x)
    assert after < before


@every_network
@torch.no_grad()
def test_its_answers(name):
    """Finite, of the right shape, the same twice, and different for different pictures."""
    model, size = fresh(name), CASES[name].answer
    settle(model, pictures(4, CASES[name].train))
    x = pictures(2, size, seed=1)
    scores = model.eval()(x)
    assert scores.shape == (2, CLASSES)
    assert scores.isfinite().all()
    assert torch.equal(scores, model(x))
    assert (scores[0] - scores[1]).abs().max() > 0.01 * scores.abs().max()


@every_network
def test_seeds_repeat(name):
    first, second = fresh(name).state_dict(), fresh(name).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    torch.manual_seed(1)
    other = create(name, num_classes=CLASSES).fc.weight
    assert not torch.equal(first["fc.weight"], other)


@every_network
def test_its_account(name):
    """Stage by stage in the table's order; its total is that of PyTorch's own counter."""
    model, size = on_meta(name).eval(), ENTRIES[name].size
    counted = account(model, (3, size, size))
    head = ["avgpool", "flatten", "dropout", "fc"]
    assert list(counted.stages.index) == [*model.config.layers, *head]
    assert tuple(model.config.layers) == stages(model)
    assert counted.stages.output["fc"] == (CLASSES,) == (model.config.num_classes,)
    assert counted.stages.output["avgpool"][0] == model.fc.in_features
    assert counted.parameters + counted.unused == sum(p.numel() for p in model.parameters())
    assert counted.stages.rf_max.notna().all()
    with FlopCounterMode(display=False) as counter, torch.device("meta"):
        model(torch.empty(1, 3, size, size))
    assert counter.get_total_flops() == 2 * counted.macs


@every_network
def test_the_smallest_image_is_the_smallest(name):
    model = on_meta(name).eval()
    smallest = model.smallest
    with torch.device("meta"):
        assert model(torch.empty(1, 3, smallest, smallest)).shape == (1, CLASSES)
        if smallest == 1:
            return
        with pytest.raises(ValueError, match=f"{smallest}x{smallest} px"):
            model(torch.empty(1, 3, smallest - 1, smallest))
        model.check_images = lambda x: None  # what PyTorch itself would say
        with pytest.raises(RuntimeError):
            model(torch.empty(1, 3, smallest - 1, smallest))


@every_network
def test_other_channels_and_shapes(name):
    model = on_meta(name, in_channels=1).eval()
    with torch.device("meta"):
        assert model(torch.empty(2, 1, 96, 128)).shape == (2, CLASSES)
    with pytest.raises(ValueError, match="in_channels=3"):
        model(torch.empty(2, 3, 96, 128, device="meta"))
    with pytest.raises(TypeError, match="unexpected keyword"):
        create(name, depth_multiplier=2)


def thinned(name: str) -> nn.Module:
    """A network with one module of each kind where its table has several in a row.

    What exports once exports again; the widths are the network's own.
    """
    config = on_meta(name).config
    rows = list(config.layers.items())
    kept = [rows[0]] + [pair for before, pair in pairwise(rows) if kind(pair[1]) != kind(before[1])]
    torch.manual_seed(0)
    heads = {"aux_heads": {}} if hasattr(config, "aux_heads") else {}
    return Network(replace(config, layers=dict(kept), **heads))


def kind(row: object) -> object:
    """What is equal for rows that differ in widths alone; of residuals, those must be equal too."""
    if isinstance(row, InceptionSpec | Parallel):
        return re.sub(r"(?<=[ =])\d+", "n", str(row))
    return row


def test_a_thinned_network_is_a_network_of_the_same_kinds():
    thin = thinned("inception_resnet_v2").config.layers
    whole = on_meta("inception_resnet_v2").config.layers
    assert 2 * len(thin) < len(whole)
    assert {kind(row) for row in thin.values()} == {kind(row) for row in whole.values()}
    spec = on_meta("googlenet").config.layers
    assert list(thinned("googlenet").config.layers) == [
        name for name in spec if not name.endswith(("3b", "4b", "4c", "4d", "4e", "5b"))
    ]


def exported(model: nn.Module, size: int) -> torch.export.ExportedProgram:
    """For any batch of images of one size."""
    shapes = {"x": {0: torch.export.Dim("batch")}}
    return torch.export.export(model, (pictures(2, size),), dynamic_shapes=shapes)


QUICK = ("micro_googlenet", "plain_network", "small_resnet")


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ENTRIES],
)
@torch.no_grad()
def test_export(name, tmp_path):
    """By `torch.export`, and from there to ONNX, for any batch: equal answers.

    Pools that round up drop a last window at some sizes: their networks are exported at two.
    """
    model = thinned(name)
    settle(model, pictures(4, CASES[name].answer))
    model.eval()
    rounds_up = any(isinstance(m, nn.MaxPool2d) and m.ceil_mode for m in model.modules())
    for size in [CASES[name].answer] + rounds_up * [max(model.smallest, 2)]:
        program = exported(model, size)
        x = pictures(3, size, seed=2)
        wanted = model(x)
        torch.testing.assert_close(program.module()(x), wanted)
        answer = through_onnx(program, x, tmp_path / f"{size}.onnx")
        assert (answer - wanted).abs().max() < 1e-4 * wanted.abs().max()


def through_onnx(program: torch.export.ExportedProgram, x: Tensor, path: Path) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(program, f=str(path), dynamo=True, verbose=False, optimize=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    (answer,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    return torch.from_numpy(answer)
