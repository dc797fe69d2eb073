"""Pairs of networks, disturbed images, times and answers: what comparing networks measures."""

from math import comb

import pandas as pd
import pytest
import torch
from torch import nn
from torchvision.models import get_model_weights

from utils.data import fashion_mnist, results
from utils.exercises import compare_networks as exercises
from utils.experiments import compare_networks as compare
from utils.experiments import silent
from utils.experiments.classify_images import CLOTHES


def two(both: int, first: int, second: int, none: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Which images are right by both, one alone, the other alone, none."""
    one = torch.tensor([1] * (both + first) + [0] * (second + none), dtype=torch.bool)
    other = torch.tensor([1] * both + [0] * first + [1] * second + [0] * none, dtype=torch.bool)
    return one, other


@pytest.mark.parametrize(("first", "second"), [(1, 7), (5, 5), (0, 3), (40, 21)])
def test_the_paired_test_is_the_sum_over_coins(first, second):
    found = compare.paired(*two(50, first, second, 9))
    n = first + second
    tail = sum(comb(n, k) for k in range(min(first, second) + 1)) / 2**n
    assert (found.first, found.second) == (first, second)
    assert found.p == pytest.approx(min(1, 2 * tail), rel=1e-9)
    turned = compare.paired(*reversed(two(50, first, second, 9)))
    assert turned.p == pytest.approx(found.p)
    assert turned.lead.mean == -found.lead.mean == pytest.approx(100 * (second - first) / (59 + n))
    assert found.lead.low < found.lead.mean < found.lead.high


def test_where_two_never_differ_nothing_is_told_apart():
    found = compare.paired(*two(5, 0, 0, 2))
    assert (found.p, *found.lead.bounds) == (1, 0, 0)
    for bad in ((torch.ones(3), torch.ones(4)), (torch.ones(0), torch.ones(0))):
        with pytest.raises(ValueError, match="two vectors"):
            compare.paired(*bad)


def test_the_interval_holds_the_true_lead_as_often_as_it_says():
    generator = torch.Generator().manual_seed(0)
    held = 0
    for _ in range(400):
        draw = torch.rand(1_000, generator=generator)
        one, other = draw < 0.92, (draw < 0.88) | (draw > 0.98)  # 92% and 90% are right
        low, high = compare.paired(one, other).lead.bounds
        held += low <= 2 <= high
    assert 0.92 < held / 400 < 0.98


def test_holm_multiplies_the_smallest_by_all_and_never_falls():
    found = compare.holm(pd.Series([0.04, 0.01, 0.03, 0.9]))
    assert found.tolist() == pytest.approx([0.09, 0.04, 0.09, 0.9])


def test_images_are_disturbed_as_the_chapter_says():
    images = fashion_mnist("test").images[:200]
    assert torch.equal(compare.disturb(images, compare.UNDISTURBED, 0.0), images)
    for kind, strengths in compare.STRENGTHS.items():
        far = []
        for strength in strengths:
            one, two, three = (compare.disturb(images, kind, strength, seed=s) for s in (0, 0, 1))
            assert one.dtype == torch.uint8
            assert one.shape == images.shape
            assert torch.equal(one, two)  # all networks get the same
            assert torch.equal(one, three) == (kind in ("blur", "contrast"))
            far.append((one.float() - images.float()).abs().mean().item())
        assert far == sorted(far)
    half = compare.disturb(images, "contrast", 0.5).float()
    assert torch.allclose(half.mean((1, 2, 3)), images.float().mean((1, 2, 3)), atol=0.5)
    assert torch.allclose(half.std((1, 2, 3)), 0.5 * images.float().std((1, 2, 3)), atol=1)
    grey = torch.full((50, 1, 28, 28), 128, dtype=torch.uint8)
    noise = compare.disturb(grey, "noise", 0.1).float() / 255
    assert noise.std().item() == pytest.approx(0.1, abs=0.003)
    with pytest.raises(ValueError, match="kind"):
        compare.disturb(images, "fog", 0.1)


def test_a_shift_goes_each_way_and_what_comes_in_is_black():
    images = torch.full((80, 1, 28, 28), 200, dtype=torch.uint8)
    moved = compare.disturb(images, "shift", 6.0)
    black = [tuple((image[0] == 0).all(1).nonzero()[:, 0].tolist()) for image in moved]
    rows = {lines for lines in black if lines}
    assert rows == {tuple(range(6)), tuple(range(22, 28))}
    assert 0 < sum(not lines for lines in black) < 80  # to the left or to the right
    assert all((image == 0).sum() == 6 * 28 for image in moved)


def test_stored_answers_are_those_of_the_networks():
    again = compare.NAMED.run(report=silent, tested=40)
    kept = results("named").set_index("setting")
    labels = fashion_mnist("test").labels
    for row in again.itertuples():
        assert row.named == kept.loc[row.setting, "named"][:40]
    for name, said in compare.named().items():
        assert len(said) == len(labels) == 10_000
        accuracy = (said == labels).double().mean().item()
        assert accuracy == pytest.approx(kept.loc[name, "accuracy"])
    sure = compare.how_sure()[compare.TOGETHER]
    assert 0.1 < sure.min() < 0.5 < sure.max() <= 1
    cards = results("checkpoints").set_index(["setting", "seed"])["test_accuracy"]
    for name in CLOTHES:  # the shipped ones are the first training of each
        assert kept.loc[name, "accuracy"] == pytest.approx(cards[name, 0], abs=5e-4)


def test_published_networks_are_counted_as_torchvision_counts_them():
    for name, row in compare.published().iterrows():
        model, which = compare.PUBLISHED[name]
        meta = get_model_weights(model)[which].meta
        assert row["parameters"] == meta["num_params"]
        assert row["macs"] / 1e9 == pytest.approx(meta["_ops"], abs=6e-4)
        assert 0 < row["top1"] < row["top5"] < 1
    assert compare.costs_less("AlexNet", "GoogLeNet") == ["macs"]
    assert compare.costs_less("GoogLeNet", "VGG16") == ["parameters", "macs"]


def test_networks_are_timed_in_turn_and_finite(monkeypatch):
    def small(model):
        deep = [nn.Conv2d(8, 8, 3, padding=1) for _ in range(30 if model == "vgg16" else 1)]
        return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *deep).eval()

    monkeypatch.setattr(compare, "build", small)
    rows = compare.time_networks(layout="channels last", size=64, seed=0, report=silent)
    took = {row["timed"]: row["milliseconds"] for row in rows}
    assert took["vgg16"] == max(took.values())
    assert all(row["low"] <= row["milliseconds"] <= row["high"] for row in rows)
    assert len(took) == len({model for model, _ in compare.PUBLISHED.values()})
    monkeypatch.setattr(compare, "build", lambda model: nn.Threshold(9.0, float("nan")))
    with pytest.raises(ArithmeticError, match="finite"):
        compare.time_networks(layout="channels first", size=32, seed=0, report=silent)


class TestChallenge:
    def outcome(self, rule, **how):
        return exercises.challenge.check(rule, "why", **how)

    def test_neither_chance_nor_one_network_reaches_the_score(self):
        best = exercises._all_three()
        assert best.macs > 1.9 * 30e6
        draw = torch.Generator().manual_seed(0)
        for name in CLOTHES:
            for mirrored in (False, True):
                alone = self.outcome(lambda ask, n=name, m=mirrored: ask(n, mirrored=m))
                assert alone.state == "scored"
                assert alone.score.accuracy < best.accuracy
            blind = self.outcome(lambda ask, n=name: (ask(n)[0], torch.rand((), generator=draw)))
            assert blind.state == "scored"
            assert blind.score.accuracy < best.accuracy - 0.01
        constant = self.outcome(lambda ask: (ask("plain-network")[0], 1))
        assert constant.score.accuracy < best.accuracy - 0.01

    def test_asking_more_where_one_is_unsure_comes_near_or_above(self):
        def rule(ask):
            named, sure = ask("mini-googlenet")
            if sure > 0.7:
                return named, sure + 1
            votes = torch.zeros(10)
            for name in CLOTHES:
                for mirrored in (False, True):
                    said, how = ask(name, mirrored=mirrored)
                    votes[said] += how
            return votes.argmax(), votes.max() / 6

        found = self.outcome(rule)
        assert found.state in ("scored", "beaten")
        assert found.score.accuracy > exercises._all_three().accuracy - 0.003
        assert found.score.macs < 30e6
        assert "why" in found.line
        assert self.outcome(rule, held_out=5_000).state == "scored"

    @pytest.mark.parametrize(
        ("rule", "said"),
        [
            (lambda ask: [ask(n) for n in CLOTHES].pop(), "60.1 million"),
            (lambda ask: ask("plain-network")[0], "return named, sure"),
            (lambda ask: ask("plain-network")[::-1], "in this order"),
            (lambda ask: ask("vgg16"), "Copy the name"),
            (lambda ask: (3, 1), "A question is a call"),
            (lambda ask: (3, float("nan")), "finite number"),
            (lambda ask: ("Coat", 1), "from 0 to 9"),
            (lambda ask: (11, 1), "from 0 to 9"),
            (7, "a function"),
        ],
    )
    def test_what_breaks_the_rules_is_refused(self, rule, said):
        found = self.outcome(rule)
        assert found.state == "refused"
        assert said in found.message

    def test_the_stub_is_not_attempted(self):
        namespace = {}
        exec(exercises.challenge.stub, namespace)
        assert self.outcome(namespace["rule"]).state == "not attempted"

    def test_the_same_question_again_costs_nothing(self):
        once = self.outcome(lambda ask: ask("plain-network"))
        twice = self.outcome(lambda ask: (ask("plain-network"), ask("plain-network"))[1])
        assert once.score == twice.score
