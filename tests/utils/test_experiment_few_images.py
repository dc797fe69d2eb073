"""Heads on few images: arms that begin alike, heads that differ in one thing, rows that ship."""

import pytest
import torch
from scipy import stats
from torch import nn

from utils.data import results
from utils.data.stored import RESULTS
from utils.experiments import Store, silent
from utils.experiments import heads_on_few_images as few


def test_arms_differ_in_their_heads_and_in_nothing_else():
    built = {arm: few.network(arm, seed=3).train() for arm in few.ARMS}
    plain = built[few.NONE].state_dict()
    assert not any(name.startswith("aux") for name in plain)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in built[few.DROPOUT].modules())
    for arm in few.ARMS[1:]:
        own = built[arm].state_dict()
        assert all(torch.equal(own[name], value) for name, value in plain.items()), arm
        kept = [name for name in ("aux1", "aux2") if getattr(built[arm], name) is not None]
        assert kept == {few.LOWER: ["aux1"], few.UPPER: ["aux2"]}.get(arm, ["aux1", "aux2"])
        rates = {getattr(built[arm], name).dropout.p for name in kept}
        assert rates == {0.7 if arm == few.DROPOUT else 0.0}
        trunk = [m for n, m in built[arm].named_modules() if not n.startswith("aux")]
        assert not any(isinstance(m, nn.BatchNorm2d) for m in trunk)
    for arm, name in ((few.LOWER, "aux1"), (few.UPPER, "aux2")):
        alone, beside = (built[a].get_submodule(name).state_dict() for a in (arm, few.BOTH))
        assert all(torch.equal(alone[key], beside[key]) for key in beside)
    both, normalised = built[few.BOTH].aux1, built[few.NORMALISED].aux1
    assert torch.equal(both.fc1.weight, normalised.fc1[0].weight)
    assert torch.equal(both.conv.conv.weight, normalised.conv.conv.weight)
    x = 5 + 3 * torch.randn(8, both.conv.conv.in_channels, 7, 7)
    hidden = normalised.fc1(normalised.conv(normalised.pool(x)).flatten(1))
    assert hidden.mean(0).abs().max() < 1e-5  # normalised over the batch
    with pytest.raises(ValueError, match="arm"):
        few.network("three heads", seed=0)


def test_a_seed_draws_its_images_and_never_a_held_out_one():
    one, same, other = few.images(0), few.images(0), few.images(1)
    assert torch.equal(one["training"].images, same["training"].images)
    assert not torch.equal(one["training"].images, other["training"].images)
    assert torch.equal(one["held out"].images, other["held out"].images)
    assert one["training"].images.shape == (few.FEW, 1, 14, 14)
    assert [len(one[name]) for name in ("held out", "test")] == [few.HELD_OUT, few.TESTED]
    seen = {image.numpy().tobytes() for image in one["training"].images}
    held = {image.numpy().tobytes() for image in one["held out"].images}
    assert not seen & held


def test_a_run_says_what_was_learned_and_what_generalises():
    options = few.AUX_FEW_RATES.plan([few._at(few.BOTH, few.RATES[1])], max_images=64)
    row = few.learn(seed=0, report=silent, **next(iter(options.values())))
    assert row["images"] == 64
    assert row["tested"] == few.TESTED
    for name in ("test_accuracy", "learned_accuracy", "held_out_accuracy"):
        assert 0 <= row[name] <= 1


def test_the_stored_rows_are_those_of_the_experiment():
    for experiment in (few.AUX_FEW_RATES, few.AUX_FEW):
        path = RESULTS / f"{experiment.name}.csv"
        assert not experiment.missing(Store(path))  # raises where options differ
        assert path.stat().st_size < 100_000
        assert results(experiment.name)["images"].max() <= 50_000


def test_each_arm_has_each_seed_once_and_none_that_chose_the_rate():
    rows = results("aux_few")
    assert not rows.duplicated(["setting", "seed"]).any()
    assert rows.groupby("setting")["seed"].nunique().to_dict() == dict.fromkeys(few.ARMS, 10)
    assert not set(few.AUX_FEW.seeds) & set(few.AUX_FEW_RATES.seeds)
    rates = few.chosen_rates()
    assert rows.groupby("setting")["peak_rate"].unique().map(list).to_dict() == {
        arm: [rate] for arm, rate in rates.items()
    }
    tried = few.tried()
    for arm, rate in rates.items():
        assert min(tried.columns) < rate < max(tried.columns)  # a worse one on either side
        assert tried.loc[arm, rate] == tried.loc[arm].max()


def test_five_comparisons_have_intervals_that_hold_together():
    assert len(few.COMPARED) * (1 - few.LEVEL) == pytest.approx(0.05)
    arm, against = few.COMPARED[0]
    table = results("aux_few").pivot(index="seed", columns="setting", values="test_accuracy")
    differences = 100 * (table[arm] - table[against])
    found = few.gained(arm, against)
    wanted = stats.t.interval(0.99, 9, differences.mean(), stats.sem(differences))
    assert found.bounds == pytest.approx(wanted)
    with pytest.raises(ValueError, match="arm"):
        few.gained("three heads", few.NONE)
