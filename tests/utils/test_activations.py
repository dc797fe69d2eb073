"""Feature maps by stage and branch, of every network."""

import pytest
import torch
from parity import pictures
from test_networks import CASES, every_network, fresh
from torch import nn

from utils.activations import branches, features, stages
from utils.blocks import Branches, Residual
from utils.googlenet import googlenet, micro_googlenet


@every_network
@torch.no_grad()
def test_stages_are_their_branches_put_together(name):
    model = fresh(name).eval()
    x = pictures(1, CASES[name].answer)
    short = branches(model)
    parts = features(model, x, [*stages(model), *short])
    assert list(parts) == [*stages(model), *short]
    scores = model.fc(torch.flatten(model.avgpool(parts[stages(model)[-1]]), 1))
    torch.testing.assert_close(scores, model(x))

    modules = 0
    for stage in stages(model):
        mine = [parts[key] for key in short if key.startswith(f"{stage}.")]
        module = model.get_submodule(stage)
        if isinstance(module, Branches):
            modules += 1
            assert torch.equal(torch.cat(mine, dim=1), parts[stage])
        elif isinstance(module, Residual) and f"{stage}.body" not in short:
            modules += 1
            correction = module.body.expand(torch.cat(mine, dim=1))
            earlier = parts[stages(model)[stages(model).index(stage) - 1]]
            expected = earlier + module.scale * correction
            expected = expected.relu() if module.relu else expected
            torch.testing.assert_close(parts[stage], expected)
        elif isinstance(module, Residual):
            modules += 1
            assert len(mine) == 2 or module.shortcut is None
            shortcut = parts.get(f"{stage}.shortcut")
            if shortcut is None:  # what arrives is handed on as it is
                continue
            expected = shortcut + parts[f"{stage}.body"]
            expected = expected.relu() if module.relu else expected
            torch.testing.assert_close(parts[stage], expected)
        elif mine:  # behind a gate
            modules += 1
            torch.testing.assert_close(parts[stage], module.gate(torch.cat(mine, dim=1)))
    assert modules == len({key.split(".")[0] for key in short})
    assert modules >= 4 or (name == "plain_network" and not short)  # the one that has no branches


def test_any_module_by_its_path_and_in_any_order():
    model = micro_googlenet().eval()
    names = ["fc", "inception3a.branch2.0.conv", "conv1"]
    with torch.no_grad():
        parts = features(model, pictures(2, 28), names)
    assert list(parts) == names
    assert parts["inception3a.branch2.0.conv"].shape == (2, 16, 14, 14)
    assert list(features(model, pictures(2, 28), "conv1")) == ["conv1"]


def test_it_leaves_no_hook_behind_and_keeps_mode_and_gradients():
    model = micro_googlenet().train()
    parts = features(model, pictures(2, 28))
    assert tuple(parts) == stages(model)
    assert model.training
    assert parts["conv1"].requires_grad
    with pytest.raises(ValueError, match="expects images"):
        features(model, torch.zeros(3, 28, 28))
    assert not any(module._forward_hooks for module in model.modules())


def test_heads_take_part_in_training_alone():
    model = googlenet("torchvision", aux_heads=True).eval()
    x = pictures(2, 64)
    with torch.no_grad(), pytest.raises(ValueError, match=r"'aux1' took no part .*model.train()"):
        features(model, x, ["conv1", "aux1"])
    model.train()
    assert features(model, x, ["aux1"])["aux1"].shape == (2, 1000)
    model.aux1 = None  # as torchvision's network allows
    scores = model(x)
    assert (scores.aux_logits1, scores.aux_logits2.shape) == (None, (2, 1000))
    model.aux2 = None
    assert model(x).shape == (2, 1000)


def test_what_follows_in_place_changes_no_map():
    """And gradients of later parts with respect to it stay."""
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True), nn.Flatten(), nn.Dropout(0.5))
    x = pictures(2, 28)
    parts = features(model.eval(), x, ["0", "1", "3"])
    assert torch.equal(parts["0"], model[0](x))
    assert parts["0"].min() < 0
    (gradient,) = torch.autograd.grad(parts["3"].sum(), parts["0"])
    assert torch.equal(gradient, (parts["0"] > 0).float())


def test_a_part_that_gives_no_map():
    model = nn.Sequential(nn.Flatten(2), nn.LSTM(28 * 28, 5, batch_first=True))
    with pytest.raises(ValueError, match="'1' gives no map, but a tuple"):
        features(model, pictures(2, 28), ["1"])


def test_stages_of_a_network_without_a_table():
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    assert stages(model) == ("0", "1")
    assert branches(model) == {}


@pytest.mark.parametrize(
    ("name", "says"),
    [("inception3", "inception3a"), ("inception3a.branch9", "inception3a.branch"), ("", "conv1")],
)
def test_a_part_that_is_not_there(name, says):
    with pytest.raises(ValueError, match="no part") as caught:
        features(micro_googlenet(), pictures(2, 28), [name])
    assert says in str(caught.value)
    assert "stages(model)" in str(caught.value)
