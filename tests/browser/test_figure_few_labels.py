"""New classes from a few labels, in a browser, against Python's rows."""

from __future__ import annotations

from collections import Counter

import pytest
from alone import results
from playwright.sync_api import expect

from utils.experiments.fine_tuning import ARMS, LABELS, garments, learned
from utils.figures import few_labels


def test_every_stop_shows_the_stored_runs(show) -> None:
    page = show(few_labels()).page
    found, labels = learned(), garments().labels.tolist()
    slider = page.get_by_role("slider", name="Labels of each class")
    for arm in ARMS:
        page.get_by_label("What may change", exact=True).select_option(arm)
        for place, count in enumerate(LABELS):
            slider.fill(str(place))
            now, own = results(page), found[arm][count]
            assert (now["labels"], now["arm"]) == (count, arm)
            assert now["mean"] == pytest.approx(own["mean"])
            assert now["best"] == max(ARMS, key=lambda one: found[one][count]["mean"])
            for i, said in enumerate(now["said"]):
                times = Counter(int(digits[i]) for digits in own["named"])
                assert times[said] == max(times.values())
            hits = sum(a == b for a, b in zip(now["said"], labels, strict=True))
            assert now["hits"] == hits == page.locator(".garment.hit").count()
            expect(page.get_by_role("status")).to_contain_text(f"{100 * own['mean']:.1f}% named")


def test_keyboard_moves_it_and_python_too(show) -> None:
    page = show(few_labels(1)).page
    page.get_by_role("slider", name="Labels of each class").focus()
    page.keyboard.press("ArrowRight")
    assert results(page)["labels"] == LABELS[1]


def test_it_refuses_nonsense_and_says_all_without_scripts() -> None:
    for wrong in ({"labels": 2}, {"arm": "some layers"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            few_labels(**wrong)
    text = few_labels().fallback
    for arm in ARMS:
        assert arm in text
        assert f"{100 * learned()[arm][100]['mean']:.0f}%" in text
