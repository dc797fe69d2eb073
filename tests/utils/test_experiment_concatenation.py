"""Concatenation against addition: prices that match, networks that are as said, fair rates."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from utils.accounting import account
from utils.blocks import Branches, ConvUnit, Style
from utils.data import results
from utils.exercises import concatenation as ex
from utils.experiments import concatenation, silent
from utils.experiments.concatenation import (
    CONCATENATED,
    GRID,
    MERGING,
    MERGING_RATES,
    MODULES,
    NO_POOL,
    RELU_LAST,
    SAME_REDUCTIONS,
    SPECS,
    THIN_REDUCTIONS,
    WIDTHS,
    Added,
    Addition,
    network,
)
from utils.googlenet import MICRO, micro_googlenet

each = pytest.mark.parametrize("setting", MODULES)


def alive(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give batch normalisation statistics that are no one's default; return it for evaluation."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    model.train()(torch.randn(32, 1, 28, 28, generator=generator))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.uniform_(-0.5, 0.5, generator=generator)
    return model.eval()


# The networks


@each
def test_all_networks_have_one_price(setting):
    base = account(micro_googlenet(in_channels=1), (1, 28, 28))
    found = account(network(setting), (1, 28, 28))
    assert found.parameters == pytest.approx(base.parameters, rel=0.01)
    assert found.macs == pytest.approx(base.macs, rel=0.01)
    assert base.parameters > 60_000  # a price to speak of


def test_concatenated_is_the_micro_network():
    torch.manual_seed(0)
    ours, theirs = network(CONCATENATED), alive(micro_googlenet(in_channels=1))
    names = [name for name, _ in theirs.named_children()]
    assert [name for name, _ in ours.named_children()] == names
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 1, 28, 28)
    with torch.inference_mode():
        want, got = theirs(x), ours.eval()(x)
    assert (want[0] - want[1]).abs().max() > 0.01 * want.abs().max()
    torch.testing.assert_close(got, want)


def test_without_a_pool_only_the_pools_are_gone():
    torch.manual_seed(0)
    pooled, plain = network(CONCATENATED), alive(network(NO_POOL))
    weights = zip(plain.state_dict().values(), pooled.state_dict().values(), strict=True)
    assert all(a.shape == b.shape for a, b in weights)
    x = torch.randn(2, 32, 14, 14)
    module = plain.inception3a
    assert not any(isinstance(part, nn.MaxPool2d) for part in module.modules())
    assert isinstance(module.branch4, ConvUnit)
    torch.testing.assert_close(module(x)[:, -8:], module.branch4(x))


def test_addition_adds():
    torch.manual_seed(0)
    model = alive(network(SAME_REDUCTIONS))
    x = torch.randn(2, 32, 14, 14)
    one, three, five, pool = model.inception3a.branches(x)
    assert all(branch.min() >= 0 and branch.max() > 0 for branch in (one, three, five, pool))
    torch.testing.assert_close(model.inception3a(x), one + three + five + pool)


def test_the_relu_may_come_last():
    torch.manual_seed(0)
    model = alive(network(RELU_LAST))
    x = torch.randn(2, 32, 14, 14)
    branches = model.inception3a.branches(x)
    assert all(branch.min() < 0 for branch in branches)
    torch.testing.assert_close(model.inception3a(x), F.relu(sum(branches)))
    inner = model.inception3a.branch2[0]
    assert inner(x).min() == 0  # the reductions keep theirs


def test_addition_is_concatenation_with_shared_weights_behind():
    torch.manual_seed(0)
    branches = [nn.Conv2d(3, 4, 1) for _ in range(4)]
    behind = nn.Conv2d(4, 6, 1, bias=False)
    x = torch.randn(2, 3, 5, 5)
    repeated = behind.weight.repeat(1, 4, 1, 1)
    concatenated = F.conv2d(Branches(*branches)(x), repeated)
    torch.testing.assert_close(behind(Added(*branches)(x)), concatenated)


def test_branches_that_are_added_must_agree():
    row = concatenation.added(4, 2, 3)
    with pytest.raises(ValueError, match=r"same number of channels, got \[4, 4, 5, 4\]"):
        Addition(replace(row.spec, conv5x5=5)).build(3, Style())


def test_the_two_ways_to_pay_are_what_they_say():
    specs = list(SPECS.values())
    channels, before = [], 32
    for spec in specs:
        before = spec.out_channels(before)
        channels.append(before)
    same, thin = WIDTHS[SAME_REDUCTIONS], WIDTHS[THIN_REDUCTIONS]
    assert [(r3, r5) for _, r3, r5 in same] == [(s.reduce3x3, s.reduce5x5) for s in specs]
    assert [2 * width for width, _, _ in thin] == channels
    assert all(
        r3 <= s.reduce3x3 and r5 < s.reduce5x5 for (_, r3, r5), s in zip(thin, specs, strict=True)
    )
    assert WIDTHS[RELU_LAST] == same


@each
def test_the_networks_differ_in_their_modules_alone(setting):
    layers = MICRO | MODULES[setting]
    assert list(layers) == list(MICRO)
    changed = [name for name in layers if layers[name] != MICRO[name]]
    assert changed == ([] if setting == CONCATENATED else list(SPECS))


# The runs


def test_rows_that_ship_have_the_price_they_claim():
    rows = results("merging")
    for setting, found in rows.groupby("setting"):
        counted = account(network(setting), (1, 28, 28))
        assert set(found["parameters"]) == {counted.parameters}
        assert set(found["macs"]) == {counted.macs}
        assert sorted(found["seed"]) == list(range(len(found)))
        assert len(found) >= 3
    assert rows["images"].nunique() == 1
    assert rows["images"].max() <= 50_000
    assert set(rows["held_out"]) == {0}


def test_each_setting_has_its_own_best_rate_with_a_worse_one_on_either_side():
    tried, rows = results("merging_rates"), results("merging")
    assert (tried["held_out"] > 0).all()
    for setting in rows["setting"].unique():
        of = tried[tried["modules"] == setting].sort_values("peak_rate")
        accuracy = of["test_accuracy"].to_numpy()
        best = int(accuracy.argmax())
        assert len(of) == len(GRID[setting])
        assert 0 < best < len(of) - 1, setting
        used = rows.loc[rows["setting"] == setting, "peak_rate"]
        assert set(used) == {of["peak_rate"].iloc[best]}


def test_held_out_images_are_not_trained_on(monkeypatch):
    seen = {}

    def spy(model, training, test, recipe, *, seed, report):
        seen.update(training=training, test=test)
        return {}

    monkeypatch.setattr(concatenation, "train_and_test", spy)
    options = MERGING_RATES.plan()["concatenated, rate 0.4"]
    concatenation.merge(seed=0, report=silent, **options)
    assert (len(seen["training"]), len(seen["test"])) == (8_000, 2_000)
    held = {image.numpy().tobytes() for image in seen["test"].images}
    twice = sum(image.numpy().tobytes() in held for image in seen["training"].images)
    assert twice < 20  # Fashion-MNIST holds a few pictures twice


def test_a_run_follows_from_its_seed():
    small = {"max_images": 256, "held_out": 100, "settings": [SAME_REDUCTIONS], "report": silent}
    first, again = (MERGING.run(seeds=[3], **small) for _ in range(2))
    same = ["setting", "modules", "test_accuracy", "test_loss", "images", "peak_rate"]
    pd.testing.assert_frame_equal(first[same], again[same])
    assert first["images"].item() == 256
    assert first["modules"].item() == SAME_REDUCTIONS


# The questions


def rows_of(**means: float) -> pd.DataFrame:
    """Rows of three seeds that scatter by 0.001 around these means."""
    return pd.DataFrame(
        [
            {"setting": setting, "seed": seed, "test_accuracy": mean + 0.001 * ((seed * n) % 3)}
            for n, (setting, mean) in enumerate(means.items(), 1)
            for seed in range(3)
        ]
    )


@pytest.mark.parametrize(
    ("narrow", "wide", "text"),
    [
        (0.80, 0.82, "Concatenation, against all of them"),
        (0.90, 0.91, "Addition, however it is done"),
        (0.85, 0.8501, "No difference"),
        (0.80, 0.90, "It depends"),
    ],
)
def test_the_prediction_is_computed_from_the_rows(narrow, wide, text):
    rows = rows_of(both=0.85, narrow=narrow, wide=wide)
    question = ex.prediction(rows, concatenated="both", added=("narrow", "wide"))
    [right] = [option for option in question.state["options"] if option["right"]]
    assert right["text"].startswith(text)
    assert "data-prediction" in question.fallback  # what follows waits for the reader


def test_the_prediction_refuses_settings_that_are_not_there():
    with pytest.raises(ValueError, match="a setting of the rows"):
        ex.prediction(rows_of(both=0.8, narrow=0.8), concatenated="both", added=("wide",))


def test_the_first_channel_of_a_branch_is_computed():
    question = ex.first_of_branch("4a")
    assert question.state["answer"] == 192 + 208
    slips = [slip["value"] for slip in question.state["options"]]
    assert {192, 401, 399, 448} <= set(slips)
    assert len(slips) == 7


def test_one_bright_pixel_becomes_nine():
    [right] = [o for o in ex.one_bright_pixel().state["options"] if o["right"]]
    dark = torch.zeros(1, 1, 28, 28)
    dark[0, 0, 14, 14] = 1
    pooled = F.max_pool2d(dark, 3, stride=1, padding=1)
    assert (tuple(pooled.shape[2:]), int(pooled.sum())) == ((28, 28), 9)
    assert all(size in right["text"] for size in ("28×28", "3×3"))


def test_a_sum_is_priced_as_its_module():
    for width, reduce3x3, reduce5x5 in ((85, 96, 16), (8, 1, 3)):
        row = concatenation.added(width, reduce3x3, reduce5x5)
        built, channels = row.build(192, Style(norm="batch"))
        weights = sum(m.weight.numel() for m in built.modules() if isinstance(m, nn.Conv2d))
        assert channels == width
        assert ex.added_weights(192, width, reduce3x3, reduce5x5) == weights
