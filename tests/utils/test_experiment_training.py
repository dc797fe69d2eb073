"""Films of trainings, range tests, views at test time, and where a step's time goes."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from utils.data import LabelledImages
from utils.experiments import Experiment, silent, step_times
from utils.experiments import training as experiment
from utils.experiments.film import Film, first_filters, planned, told
from utils.training import Batches, Recipe, evaluate, train
from utils.training.batches import normalise

CLASSES = ("dark", "grey", "bright")
QUICK = Recipe(epochs=4, batch_size=10, crop=0, flip=False, precision="float32")


def shades(count: int = 60) -> LabelledImages:
    """Images of one shade, a class each, with some noise."""
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 3
    noise = torch.randint(0, 40, (count, 1, 8, 8), generator=random)
    images = (noise + 90 * labels[:, None, None, None]).to(torch.uint8)
    return LabelledImages(images, labels, CLASSES, "shades")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 3),
    )  # fmt: skip


def filmed(**options) -> tuple[Film, nn.Module]:
    model, data = network(), shades()
    batches = Batches(data, QUICK)
    film = Film(
        model, data, normalisation=batches.normalisation, steps=QUICK.steps(len(batches)),
        batch_size=10, moments=5, **options,
    )  # fmt: skip
    train(model, batches, report=silent, watch=film)
    return film, model


def test_a_film_records_what_the_network_is_at_each_moment():
    seen, drawn = [], []
    film, model = filmed(
        progress=lambda *now: seen.append(now), show=lambda film: drawn.append(len(film.frames))
    )
    assert [frame.step for frame in film.frames] == [0, *film.moments]
    assert film.moments[-1] == film.steps == len(film.losses) == 24
    assert seen[0] == (0, 24, "not begun")
    assert seen[1:] == [(n, 24, f"loss {film.losses[n - 1]:.2f}") for n in range(1, 25)]
    assert drawn == list(range(1, len(film.frames) + 1))
    last, data = film.frames[-1], shades()
    result = evaluate(model, data, normalisation=(data.mean, data.std), logits=True)
    assert last.accuracy == result.accuracy > film.frames[0].accuracy
    assert last.loss == pytest.approx(result.loss, rel=1e-5)
    seen_itself = model.train()(normalise(data.images, (data.mean, data.std)))
    assert last.own_loss == pytest.approx(
        nn.functional.cross_entropy(seen_itself, data.labels).item(), rel=1e-4
    )
    assert last.images == 240
    assert torch.equal(last.answers, result.logits.softmax(1)[film.chosen])
    assert film.garments.labels.tolist() == [0, 0, 1, 1, 2, 2]
    for frame in film.frames:
        wrong = round((1 - frame.accuracy) * len(data))
        assert frame.mistakes.sum() == wrong
        assert not frame.mistakes.diagonal().any()
    assert torch.equal(last.filters, first_filters(model))
    assert not torch.equal(last.filters, film.frames[0].filters)  # a copy, not a view


def test_a_film_is_told_as_it_was():
    film, _ = filmed()
    words, counts = told(film), torch.bincount(film.test.labels)
    first = evaluate(network(), film.test, normalisation=film.normalisation, logits=True)
    said = torch.bincount(first.logits.argmax(1), minlength=3)
    assert words["first"] == CLASSES[int(said.argmax())]
    assert words["first_share"] == f"{said.max() / 60:.0%}"
    right = 1 - film.frames[-1].mistakes.sum(1) / counts
    assert words["hardest"] == CLASSES[int(right.argmin())]
    assert words["hardest_right"] == f"{right.min():.0%}"
    assert words["shown"] != words["taken"]
    assert float(words["worst"]) == max(round(frame.loss, 1) for frame in film.frames[1:])


def test_a_film_changes_nothing():
    unwatched = network()
    train(unwatched, Batches(shades(), QUICK), report=silent)
    watched = filmed()[1]
    for one, other in zip(
        unwatched.state_dict().values(), watched.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize("steps", [1, 7, 234])
def test_moments_are_few_and_end_with_the_training(steps):
    moments = planned(steps, 16)
    assert 1 <= len(moments) <= 16
    assert moments[-1] == steps
    assert list(moments) == sorted(set(moments))
    assert moments[0] >= 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"steps": 0}, "steps"), ({"batch_size": 0}, "batch_size"), ({"of_each": 50}, "each class")],
)
def test_a_film_that_cannot_be(changes, says):
    options = {"normalisation": (0.5, 0.5), "steps": 5, "batch_size": 10} | changes
    with pytest.raises(ValueError, match=says):
        Film(network(), shades(), **options)
    with pytest.raises(ValueError, match="convolution"):
        first_filters(nn.Linear(2, 2))


def test_a_range_test_is_read_where_it_falls_rises_and_bursts():
    powers = np.linspace(-3, 1, 201)
    rates = list(10**powers)
    # Falls most steeply at 0.1, is flat from 0.5 on, bursts at 3; a hump at 1 comes and goes.
    smooth = 2.3 - 1.5 / (1 + np.exp(-6 * (powers + 1))) + np.exp(12 * (powers - math.log10(3)))
    plain = experiment.read_range(rates, list(smooth))
    humped = experiment.read_range(rates, list(smooth + 0.8 * np.exp(-200 * powers**2)))
    for read in (plain, humped):
        assert 0.08 < read["steepest"] < 0.16
        assert 2 < read["bursts"] < 3.5
    assert plain["rises"] == plain["bursts"]
    assert 0.7 < humped["rises"] < 1.2
    diverged = experiment.read_range(rates, [*smooth[:150], *[math.nan] * 51])
    assert diverged["steepest"] == plain["steepest"]
    assert 0.9 < diverged["bursts"] < 1.1
    falling = experiment.read_range(rates, list(np.linspace(3, 1, 201)))
    assert falling["bursts"] == falling["rises"] == rates[-1]
    for bad in ((rates, smooth[:-1]), (rates[:5], smooth[:5])):
        with pytest.raises(ValueError, match="losses"):
            experiment.read_range(*bad)


def test_the_rate_of_the_paper_is_halved_late():
    after = experiment.halving()
    assert after % 8 == 0
    assert 0.96 ** (after // 8) <= 0.5 < 0.96 ** (after // 8 - 1)


def test_views_move_then_mirror():
    images = torch.arange(12).view(1, 1, 3, 4)
    assert torch.equal(experiment.viewed(images, (0, 0, False)), images)
    assert torch.equal(experiment.viewed(images, (0, 0, True)), images.flip(3))
    down = experiment.viewed(images, (1, 0, False))
    assert torch.equal(down[..., 1:, :], images[..., :-1, :])
    assert not down[..., 0, :].any()
    left = experiment.viewed(images, (0, -1, False))
    assert torch.equal(left[..., :-1], images[..., 1:])
    assert all(len(set(views)) == len(views) for views in experiment.VIEWS.values())


def test_shares_of_a_step_add_up_to_one():
    model = network().train()
    step = step_times._step(model, torch.randn(8, 1, 8, 8), half=False)
    before = [p.detach().clone() for p in model.parameters()]
    found = step_times.shares(step)
    assert set(found) == set(step_times.KINDS)
    assert sum(found.values()) == pytest.approx(1, abs=0.01)
    assert found["convolution"] > 0
    assert found["concatenation"] == 0
    assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.slow
def test_a_small_run_times_all_networks():
    small: Experiment = step_times.STEP_TIMES
    rows = small.run(settings=["as they train"], seeds=[0], report=silent, batch=4)
    assert list(rows["timed"]) == list(step_times.BUILT)
    assert (rows["milliseconds"] > 0).all()
    assert rows["convolutions"].tolist() == [49, 33, 6, 15]
