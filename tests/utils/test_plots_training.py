"""A training's pictures and its film as a figure, of a training that takes no time."""

import numpy as np
import pytest
import torch
from test_experiment_training import filmed

from utils import plots
from utils.figures import training_film
from utils.support.telling import Estimate


@pytest.fixture(scope="module")
def film():
    return filmed()[0]


def test_the_picture_says_what_the_film_ends_with(film):
    picture = plots.training_film(film)
    last = film.frames[-1]
    hits = int((last.answers.argmax(1) == film.garments.labels).sum())
    assert f"{last.images:,} images" in picture.alt
    assert f"{100 * last.accuracy:.0f}%" in picture.alt
    assert f"6 garments with its answers, {hits} of them right" in picture.alt
    assert picture._repr_html_() == picture._repr_html_()
    square = picture.figure.axes[2]
    for axis in (square.xaxis, square.yaxis):
        assert [tick.get_text() for tick in axis.get_ticklabels()] == ["dark", "grey", "bright"]


def test_the_figure_has_each_moment_of_the_film(film):
    state = training_film(film).state
    assert len(state["frames"]) == len(film.frames)
    for told, frame in zip(state["frames"], film.frames, strict=True):
        assert told["images"] == frame.images
        assert told["accuracy"] == pytest.approx(frame.accuracy, abs=1e-4)
        assert told["own"] == pytest.approx(frame.own_loss, abs=1e-4)
        assert np.argmax(told["answers"], axis=1).tolist() == frame.answers.argmax(1).tolist()
        for shown, taken, times in told["mistakes"]:
            assert frame.mistakes[shown, taken] == times > 0
        weights = torch.tensor(told["filters"])
        assert weights.min() >= 0
        assert weights.max() <= 254
    assert state["losses"] == pytest.approx(film.losses, abs=1e-3)
    assert [len(p) for p in state["pictures"]] == 6 * [len(state["pictures"][0])]
    fallback = training_film(film).fallback
    assert f"{100 * film.frames[-1].accuracy:.1f}%" in fallback


@pytest.mark.parametrize("bad", [{"moment": 99}, {"garment": 6}, {"moment": -1}])
def test_a_moment_or_garment_that_is_not_there(film, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        training_film(film, **bad)


def test_a_range_test_is_drawn_with_its_marks():
    rates = list(np.geomspace(0.001, 10, 50))
    losses = list(np.linspace(2.3, 1.0, 50))
    picture = plots.rate_range(rates, losses, losses, marks={"steepest": 0.1})
    assert "steepest at 0.1" in picture.alt
    assert "starts at 2.30, reaches 1.00" in picture.alt


def test_schedules_are_drawn_with_their_ends():
    picture = plots.schedules(
        {"straight": lambda part: 1 - part / 2}, epochs=10, marks={"half": 10}
    )
    assert "straight ends at 0.50" in picture.alt
    assert "half: epoch 10" in picture.alt


def test_rates_gains_and_times_are_said_in_words():
    tried = plots.rates_tried({"a": {0.1: 80.0, 0.2: 85.0}, "b": {0.1: 70.0}})
    assert "a: 80.0% at 0.1, 85.0% at 0.2; best at 0.2. b: 70.0% at 0.1" in tried.alt
    gain = {"small": Estimate(0.2, -0.1, 0.5), "large": Estimate(0.3, 0.1, 0.5)}
    assert "twice, large: +0.30 (+0.10 to +0.50)" in plots.gains({"twice": gain}, label="").alt
    spent = {"one": {"pool": 0.5, "cat": 0.001}, "two": {"pool": 0.1, "cat": 0.0}}
    words = plots.time_spent(spent).alt
    assert "one 0.50 (pool 0.50); two 0.10 (pool 0.10)" in words


def test_a_screen_is_still_outside_a_notebook(capsys):
    plots.Screen()("anything")
    assert capsys.readouterr() == ("", "")
