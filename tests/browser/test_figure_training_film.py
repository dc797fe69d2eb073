"""The film of a training, in a browser, against the frames that it was made of."""

from __future__ import annotations

import re

import pytest
from alone import results, short_film
from playwright.sync_api import expect

from utils.figures import training_film


@pytest.fixture(scope="module")
def film():
    return short_film()


def test_every_moment_shows_the_frames_answers(show, film) -> None:
    page = show(training_film(film)).page
    slider = page.get_by_label("Moment of the training")
    labels = film.garments.labels.tolist()
    for moment, frame in enumerate(film.frames):
        slider.fill(str(moment))
        found = results(page)
        assert (found["moment"], found["images"]) == (moment, frame.images)
        assert found["accuracy"] == pytest.approx(frame.accuracy, abs=1e-4)
        said = frame.answers.argmax(1).tolist()
        assert found["said"] == said
        assert found["hits"] == sum(a == b for a, b in zip(said, labels, strict=True))
        assert page.locator(".garment.hit").count() == found["hits"]
        texts = page.locator(".garment .answer").all_inner_texts()
        wanted = [
            f"{'✓' if a == b else '✗'} {film.test.classes[a]}"
            for a, b in zip(said, labels, strict=True)
        ]
        assert texts == wanted
        names = page.locator(".garment .name").all_inner_texts()
        assert names == [film.test.classes[label] for label in labels]
        times = page.locator(".mistakes li").all_inner_texts()
        assert len(times) <= 5
        assert int(times[0].split(": ")[1]) == frame.mistakes.max()


def test_the_key_names_each_curve_of_the_loss(show, film) -> None:
    page = show(training_film(film)).page
    for name in ("batches", "own", "loss"):
        drawn, key = (page.locator(f"{where} path.curve.{name}") for where in (".lines", ".keys"))
        expect(drawn).to_have_attribute("d", re.compile("^M.+L"))
        for what in ("stroke", "stroke-dasharray"):
            looks = [
                e.evaluate("(e, what) => getComputedStyle(e)[what]", what) for e in (drawn, key)
            ]
            assert looks[0] == looks[1]


def test_a_garment_is_chosen_by_keyboard_and_shows_its_probabilities(show, film) -> None:
    page = show(training_film(film, moment=3)).page
    page.locator(".garment").nth(4).focus()
    page.keyboard.press("Enter")
    found = results(page)
    assert found["garment"] == 4
    assert found["answers"] == pytest.approx(film.frames[3].answers[4].tolist(), abs=1e-3)
    expect(page.locator(".garment").nth(4)).to_have_attribute("aria-pressed", "true")
    name = film.test.classes[film.garments.labels[4]]
    expect(page.locator(".stage")).to_contain_text(f"This is: {name}")


def test_it_plays_to_its_end_and_again(show, film) -> None:
    page = show(training_film(film, moment=len(film.frames) - 2)).page
    button = page.get_by_role("button", name="Play")
    button.click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    last = len(film.frames) - 1
    expect(button).to_be_visible(timeout=5_000)
    assert results(page)["moment"] == last
    button.click()
    expect(page.get_by_role("status")).to_contain_text("Before the first step")
    page.get_by_role("button", name="Stop").click()
    stopped = results(page)["moment"]
    page.wait_for_timeout(700)
    assert results(page)["moment"] == stopped
