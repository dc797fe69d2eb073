"""The figure that steps through the gradients of a training, in a browser, against the rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from alone import results
from playwright.sync_api import expect

from utils.data import results as stored_results
from utils.experiments.auxiliary_classifiers import SETTINGS
from utils.figures import gradient_steps

STAGES = ("conv1", "2a", "2b", "3a", "3b", "3c", "3d", "4a", "4b")
LOSSES = ("main", "aux1", "aux2", "joint")
LEARNS = "BatchNorm, He, heads"
DIES = "plain, small normal, no heads"


@pytest.fixture(scope="module")
def rows():
    return stored_results("aux_training")


def column(stage: str) -> str:
    return stage if stage == "conv1" else f"inception{stage}"


def moment_of(page, moment: int) -> None:
    page.get_by_label("Moment of the training").fill(str(moment))


def test_numbers_are_the_medians_of_the_rows(show, rows) -> None:
    page = show(gradient_steps()).page
    for setting in SETTINGS:
        page.get_by_label("Setting", exact=True).select_option(setting)
        own = rows[rows["setting"] == setting]
        for moment, images in enumerate(sorted(own["images"].unique())):
            moment_of(page, moment)
            found = results(page)
            part = own[own["images"] == images]
            assert (found["setting"], found["moment"], found["images"]) == (setting, moment, images)
            assert found["loss"] == pytest.approx(part["curve_loss"].mean(), rel=1e-3)
            for loss in LOSSES:
                for i, stage in enumerate(STAGES):
                    values = part[f"{loss}_{column(stage)}"].to_numpy()
                    reached = (own[f"{loss}_{column(stage)}"] > 0).any()
                    if not reached:
                        assert found[loss][i] is None
                        continue
                    assert found[loss][i] == pytest.approx(np.median(values), rel=1e-3, abs=0)


def test_the_other_measure_divides_by_the_weights(show, rows) -> None:
    page = show(gradient_steps(LEARNS, moment=3)).page
    before = results(page)["main"]
    page.get_by_role("radio", name="gradient ÷ weights").check()
    after = results(page)["main"]
    own = rows[rows["setting"] == LEARNS]
    part = own[own["images"] == results(page)["images"]]
    for i, stage in enumerate(STAGES):
        weights = part[f"weights_{column(stage)}"].median()
        assert after[i] == pytest.approx(before[i] / weights, rel=2e-3)


def test_the_keys_step_through_the_training_and_the_summary_follows(show) -> None:
    page = show(gradient_steps(LEARNS)).page
    said = page.get_by_role("status")
    expect(said).to_contain_text("before the first step")
    page.get_by_label("Moment of the training").focus()
    page.keyboard.press("ArrowRight")
    assert results(page)["moment"] == 1
    expect(said).to_contain_text(f"after {results(page)['images']:,} images")
    page.keyboard.press("End")
    found = results(page)
    assert found["moment"] == 5
    expect(said).to_contain_text(f"Loss on test images: {found['loss']:.2f}")


def test_a_head_shows_where_it_reaches_and_vanishes_with_the_heads(show) -> None:
    page = show(gradient_steps(LEARNS)).page
    for head, last in (("aux1", "3a"), ("aux2", "3d")):
        shown = [page.locator(f'[data-name="{head}.{stage}"]').inner_text() for stage in STAGES]
        reached = STAGES.index(last) + 1
        assert [text == "–" for text in shown] == [i >= reached for i in range(len(STAGES))]
    expect(page.locator(".chart .head-box").first).to_be_visible()
    page.get_by_label("Setting", exact=True).select_option(LEARNS.replace("heads", "no heads"))
    expect(page.locator(".chart .head-box").first).to_be_hidden()
    assert results(page)["aux1"] == [None] * len(STAGES)


def test_a_gradient_of_zero_is_written_as_such(show) -> None:
    page = show(gradient_steps(DIES, moment=5)).page
    assert results(page)["main"] == [0] * len(STAGES)
    assert page.locator('[data-name="main.conv1"]').inner_text() == "0"
    said = page.get_by_role("status").inner_text()
    assert "is 0, as is that of the last module." in said
    expect(page.locator(".chart")).to_contain_text("All zero: nothing to draw")
    moment_of(page, 0)
    expect(page.locator(".chart")).not_to_contain_text("All zero")


def test_no_setting_and_no_moment_divides_by_zero(show) -> None:
    page = show(gradient_steps()).page
    for setting in SETTINGS:
        page.get_by_label("Setting", exact=True).select_option(setting)
        for moment in range(6):
            moment_of(page, moment)
            found, said = results(page), page.get_by_role("status").inner_text()
            drawn = page.locator(".chart path").evaluate_all(
                "all => all.map((p) => p.getAttribute('d'))"
            )
            assert all("NaN" not in d and "Infinity" not in d for d in [said, *filter(None, drawn)])
            first, last = found["joint"][0], found["joint"][-1]
            if first and not last:
                assert "while that of the last module is zero" in said
            elif last and 1 / 1.5 < first / last < 1.5:
                assert "about as large as" in said


def test_no_mark_hides_another(show) -> None:
    page = show(gradient_steps(LEARNS), width=390).page
    for name in ("main", "aux1", "aux2"):
        expect(page.locator(f".chart .mark.{name}").first).to_be_visible()
    boxes = [
        page.locator(f".chart .mark.{name}").first.bounding_box()
        for name in ("main", "aux1", "aux2")
    ]
    centres = [box["x"] + box["width"] / 2 for box in boxes]
    assert centres == sorted(centres)
    assert min(b - a for a, b in pairwise(centres)) > 6


def test_it_is_small_and_refuses_nonsense() -> None:
    text = gradient_steps()._repr_html_()
    assert len(text) < 200_000
    assert "https:" not in text
    with pytest.raises(ValueError, match="setting"):
        gradient_steps("no such setting")
    with pytest.raises(ValueError, match="moment"):
        gradient_steps(moment=6)
    with pytest.raises(ValueError, match="measure"):
        gradient_steps(measure="loudness")
