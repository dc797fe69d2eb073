"""Branches switched off and asked: the measures do what the chapter says of them."""

import numpy as np
import pandas as pd
import pytest
import torch

from utils.attribution import replaced
from utils.data import fashion_mnist
from utils.experiments import looking_inside as inside
from utils.experiments.measures import fresh
from utils.googlenet import MODULES, micro_googlenet
from utils.support.palette import BRANCHES


@pytest.fixture(scope="module")
def network():
    network = fresh(lambda: micro_googlenet(in_channels=1), seed=0)
    inside._calibrate(network, torch.rand(16, 1, 28, 28))
    torch.nn.init.normal_(network.fc.weight, generator=torch.Generator().manual_seed(0))
    return network.requires_grad_(False)


def test_modules_say_where_their_branches_are(network):
    where = inside.modules(network)
    assert list(where) == ["inception3a", "inception3b", "inception4a", "inception4b"]
    x = torch.rand(2, 1, 28, 28)
    for stage, parts in where.items():
        assert list(parts) == list(BRANCHES)
        for number, channels in enumerate(parts.values(), 1):
            with replaced(network, {f"{stage}.branch{number}": torch.zeros_like}):
                out = network.run(x, list(network.config.layers)[:3])
                if stage == "inception3a":
                    assert not out[:, channels].any()
    assert inside.widths(MODULES["3a"]) == {"1x1": 64, "3x3": 128, "5x5": 32, "pool": 32}


def test_switching_off_in_one_go_is_switching_off_by_hooks(network):
    training, test = fashion_mnist("train"), fashion_mnist("test")
    normalisation = (training.mean, training.std)
    found = inside.switched_off(
        network, training[:60], test[:40], normalisation=normalisation, draws=1
    )
    assert len(found) == 1 + 4 * 4 * 3 + 4 * 2
    x = inside.normalise(test.images[:40], normalisation)
    means = inside.channel_means(network, inside.normalise(training.images[:60], normalisation))
    where = inside.modules(network)
    for row in found:
        if row["by"] == "intact" or row["by"].startswith("random"):
            continue
        stages = where if row["stage"] == inside.ALL else [row["stage"]]
        number = BRANCHES.index(row["branch"])
        changes = {}
        for stage in stages:
            mean = means[stage][:, where[stage][row["branch"]]] * (row["by"] == "means")
            changes[f"{stage}.branch{number + 1}"] = lambda out, mean=mean: mean.expand_as(out)
        with replaced(network, changes):
            right = network(x).argmax(1) == test.labels[:40]
        assert row["accuracy"] == pytest.approx(right.float().mean().item(), abs=0.026)
        assert sum(map(int, row["right"].split())) == round(40 * row["accuracy"])


def test_losses_are_differences_from_the_intact_network():
    rows = pd.DataFrame(
        [
            {"seed": s, "stage": stage, "branch": branch, "by": by, "channels": 8, "accuracy": a}
            for s in (0, 1)
            for stage, branch, by, a in (
                ("none", "none", "intact", 0.9),
                ("inception3a", "5x5", "means", 0.8 - 0.1 * s),
                ("inception3a", "5x5", "zeros", 0.7),
                ("inception3a", "5x5", "random means 0", 0.5),
                ("inception3a", "5x5", "random means 1", 0.7),
                ("all", "5x5", "means", 0.2),
                ("all", "5x5", "zeros", 0.1),
            )
        ]
    )
    found = inside.losses(rows).set_index(["group", "seed"])
    assert found.loc[("3a", 0), "means"] == pytest.approx(10)
    assert found.loc[("3a", 1), "means"] == pytest.approx(20)
    assert found.loc[("3a", 0), "random"] == pytest.approx(30)
    assert found.loc[("all modules", 0), "zeros"] == pytest.approx(80)
    assert np.isnan(found.loc[("all modules", 0), "random"])


def test_exchanged_kernels_keep_the_channels():
    spec = MODULES["3a"]
    other = inside.exchanged(spec)
    assert inside.exchanged(other) == spec
    assert other.out_channels(192) == spec.out_channels(192)
    network = inside.colour_network(inside.EXCHANGED)
    assert network.inception3a.branch2[1].conv.weight.shape[::2] == (8, 3)
    assert network.inception3a.branch3[1].conv.weight.shape[::2] == (32, 5)


class Bank(torch.nn.Module):
    """Stands in for a stage of a network: filters that answer to what their names say."""

    def __init__(self):
        super().__init__()
        t = torch.arange(15.0) - 7
        window = torch.exp(-(t**2) / 18)
        upright = (window * (2 * torch.pi * t / 8).cos())[None] * window[:, None]
        upright = upright - upright.mean()
        spot = torch.exp(-(t[:, None] ** 2 + t**2) / 50)
        ring = torch.exp(-(((t[:, None] ** 2 + t**2).sqrt() - 6) ** 2) / 2)
        filters = [upright, spot, spot - spot.mean(), ring - ring.mean()]
        self.weight = torch.stack(filters)[:, None]

    def forward(self, x):
        red, green, blue = x.split(1, dim=1)
        grey = 0.299 * red + 0.587 * green + 0.114 * blue
        # Red against green is taken before anything is added up: on grey it is 0, to the last bit.
        x = torch.cat([grey, red - green, grey, grey], dim=1)
        return torch.nn.functional.conv2d(x, self.weight, padding=7, groups=4).relu()


def test_properties_find_what_was_put_there(monkeypatch):
    network = inside.colour_network(inside.BUILT)
    monkeypatch.setattr(inside, "_stages", lambda _, x: [("inception3a", Bank()(x))])
    monkeypatch.setattr(inside, "modules", lambda _: {"inception3a": {}})
    found = inside.properties(network, ((0.5, 0.5, 0.5), (0.2, 0.2, 0.2)))["inception3a"]
    assert all(set(found) == set(inside.PROPERTIES) for _ in (0,))
    orientation, colour = found["orientation"], found["colour"]
    assert orientation[0] > 0.6
    assert orientation[2] < 0.1
    assert found["frequency"][0] > 0.4
    assert torch.isnan(orientation[1])  # it answers to no grey grating
    assert colour[1] == 1
    assert colour[2] < -0.9
    assert found["curvature"][3] > 0.2  # a ring would rather have the line rolled up
    assert found["curvature"][0].abs() < 0.03  # an upright wave would not


def test_shuffled_labels_pass_what_is_there_and_nothing_else(monkeypatch):
    random = np.random.default_rng(0)
    branch = np.repeat(range(4), (16, 32, 8, 8))

    def rows(push):
        values = random.random((3, 64)) + push * (branch == 2)
        return {
            seed: ((pd.Series(v).rank().to_numpy() - 1) / 63, branch)
            for seed, v in enumerate(values)
        }

    none, some = rows(0.0), rows(0.5)
    for data, passes in ((none, False), (some, True)):
        own, drawn = 0.0, np.zeros(2_000)
        for ranks, labels in data.values():
            own += inside._spread(ranks[None], labels)[0]
            shuffled = random.permuted(np.tile(ranks, (2_000, 1)), axis=1)
            drawn += inside._spread(shuffled, labels)
        p = (drawn >= own).mean()
        assert (p < 0.001) == passes


def test_holm_is_holm():
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert inside.holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert inside.holm(np.array([0.9, 0.8])) == pytest.approx([1, 1])


def test_a_whole_branch_of_a_kind_is_found_and_none_is_found_rarely():
    mean, power = inside.found_if(8, level=0.05, repeats=200)
    assert mean == pytest.approx(np.linspace(0, 1, 64)[-8:].mean())
    assert power == 1
    mean, power = inside.found_if(0, level=0.05, repeats=400)
    assert mean == pytest.approx(0.5)
    assert power < 0.1
    assert inside.found_if(np.int64(8), level=0.05, repeats=50)[1] == 1


@pytest.mark.parametrize(
    ("error", "said", "arguments"),
    [
        (ValueError, "kind must be from 0 to 8", {"kind": 9}),
        (ValueError, "kind must be from 0 to 8", {"kind": -1}),
        (TypeError, "kind must be an integer", {"kind": 2.0}),
        (ValueError, "level must be .* below 1", {"level": 1.0}),
        (ValueError, "level must be", {"level": -0.1}),
        (ValueError, "level must be", {"level": float("nan")}),
        (ValueError, "repeats must be at least 1", {"repeats": 0}),
        (TypeError, "repeats must be an integer", {"repeats": 1.5}),
    ],
)
def test_no_such_experiment_can_be_simulated(error, said, arguments):
    with pytest.raises(error, match=said):
        inside.found_if(**{"kind": 2, "level": 0.05} | arguments)


def test_tables_for_pictures_hold_the_stored_ranks():
    ranks = inside.mean_ranks().set_index(["setting", "stage", "property", "branch", "seed"])
    for table, settings in (
        (inside.of_3a(), (inside.BUILT, f"{inside.BUILT}, untrained")),
        (inside.passing(), (inside.BUILT, inside.EXCHANGED)),
    ):
        for row in table.to_dict("records"):
            module, of = (
                ("3a", row["group"])
                if "," not in row["group"]
                else (row["group"].split(":")[0].split(", "))
            )
            for setting in settings:
                key = (setting, f"inception{module}", of, row["branch"], row["seed"])
                assert row[setting] == ranks.loc[key, "rank"]
    shares, passes = inside.verdicts(inside.EXCHANGED)
    assert list(shares.index) == list(inside.PROPERTIES)
    assert len(inside.passing()) == 4 * 4 * (
        passes.to_numpy().sum() + inside.verdicts(inside.BUILT)[1].to_numpy().sum()
    )
    assert shares.to_numpy()[passes].max() < 0.05 / 13
