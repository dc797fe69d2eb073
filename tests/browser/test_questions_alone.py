"""A question that asks for a number, in a browser with no book: what it takes and what it knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from utils.exercises.auxiliary_classifiers import share_of_heads
from utils.exercises.questions import Option, choice, number

ANSWERS = {
    "47.7": "✓ Right.",
    "47.7%": "✓ Right.",
    "48 %": "✓ Right.",
    "100 * 6,379,728 / 13,378,280": "✓ Right.",
    "6,379,728 / 13,378,280": "a hundred times as much",
    "0.477": "a hundred times as much",
    "100*6379728/6998552": "against the network that stays",
    "91": "against the network that stays",
    "24": "That is one head.",
    "23.84%": "That is one head.",
    "52": "That is what stays.",
    "7": "Divide the parameters",
    "%": "does not read as a number",
}


def test_percent_and_what_is_nearly_a_known_slip(show) -> None:
    page = show(share_of_heads()).page
    field, said = page.get_by_role("textbox"), page.get_by_role("status")
    for typed, told in ANSWERS.items():
        field.fill(typed)
        field.press("Enter")
        assert told in said.inner_text(), typed


@pytest.mark.parametrize(
    ("typed", "told"),
    [("10.4", "✓"), ("11.1", "near twelve"), ("11.7", "near twelve"), ("13.4", "near fourteen")],
)
def test_the_nearest_of_two_slips_answers_and_what_is_right_is_right(show, typed, told) -> None:
    slips = {12.0: "near twelve", 14.0: "near fourteen"}
    asked = number("?", 10, diagnoses=slips, right="y", otherwise="n", tolerance=0.1)
    page = show(asked).page
    page.get_by_role("textbox").fill(typed)
    page.get_by_role("textbox").press("Enter")
    assert told in page.get_by_role("status").inner_text()


def test_elsewhere_no_percent_is_read_and_a_slip_is_exact(show) -> None:
    page = show(number("?", 10, diagnoses={12.0: "twelve"}, right="y", otherwise="n")).page
    field, said = page.get_by_role("textbox"), page.get_by_role("status")
    for typed, told in {"10%": "does not read", "12": "twelve", "12.1": "✗ Not yet. n"}.items():
        field.fill(typed)
        field.press("Enter")
        assert told in said.inner_text(), typed


def test_jupyterlab_leaves_the_keys_to_the_question(show) -> None:
    """It asks what has the focus, and goes up from there only if a shortcut is not for that."""
    page = show(share_of_heads(), GUESS).page
    for control in (page.get_by_role("textbox"), page.get_by_role("radio").first):
        control.focus()
        assert page.evaluate("document.activeElement.hasAttribute('data-lm-suppress-shortcuts')")


COURSE = (Path(__file__).resolve().parents[2] / "_static" / "course.css").read_text("utf-8")
GUESS = choice(
    "How many?",
    [
        Option("One.", "They share it."),
        Option("Two", "Each has its own.", right=True),
        Option("Three", "The third is empty."),
    ],
    prediction=True,
)
#: As MyST-NB and docutils write a section: a prediction, then what it hides and what it does not.
AFTER = """</div><p>said before</p><div class="math math-display">given</div>
<p class="after-prediction">prose</p><div class="math math-display">formula</div>
<div class="cell tag_after-prediction"><p>output</p></div>
<div><table class="after-prediction"><tr><td>table</td></tr></table></div>
<section><h3>Below</h3><p class="after-prediction">deep</p></section></section>
<section><p class="after-prediction">another section</p></section>"""
RESULT = ("prose", "formula", "output", "table", "deep")
ALWAYS = ("said before", "given", "Below", "another section")


def seen(page) -> list[str]:
    return [word for word in RESULT if page.get_by_text(word, exact=True).is_visible()]


def predicted(show):
    page = show('<section><p class="after-prediction">earlier</p><div class="cell">', GUESS, AFTER,
                style=COURSE).page  # fmt: skip
    assert seen(page) == []
    assert all(page.get_by_text(word).is_visible() for word in (*ALWAYS, "earlier"))
    return page


def test_a_prediction_shows_its_result_once_answered_and_calls_nobody_wrong(show) -> None:
    page = predicted(show)
    said, box = page.get_by_role("status"), page.locator("fieldset")
    top = box.bounding_box()["y"]
    page.get_by_role("radio", name="Three").check()
    assert said.inner_text() == "You expected “Three”; it was “Two”. The third is empty."
    assert seen(page) == list(RESULT)
    assert box.bounding_box()["y"] == top
    assert page.get_by_role("button").count() == 0
    page.get_by_role("radio", name="Two").check()
    assert said.inner_text() == "It was as you expected: “Two”. Each has its own."
    assert not any(mark in box.inner_text() for mark in "✓✗")


def test_arrow_keys_pass_over_answers_and_enter_gives_one(show) -> None:
    page = predicted(show)
    page.get_by_role("radio").first.focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
        assert "Enter" in page.get_by_role("status").inner_text()
        assert seen(page) == []
    page.keyboard.press("Enter")
    assert "You expected “Three”" in page.get_by_role("status").inner_text()
    assert seen(page) == list(RESULT)
    assert page.get_by_role("radio", checked=True).evaluate("r => r === document.activeElement")


def test_the_result_can_be_seen_without_an_answer(show, chromium: Browser) -> None:
    page = predicted(show)
    page.get_by_role("button", name="show it now").press("Enter")
    assert seen(page) == list(RESULT)
    assert page.evaluate("document.activeElement.textContent") == "prose"
    page.get_by_role("radio", name="Two").check()
    assert "as you expected" in page.get_by_role("status").inner_text()
    page = predicted(show)
    page.emulate_media(media="print")
    assert seen(page) == list(RESULT)
    assert not page.get_by_role("button").is_visible()
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_content(
        f"<style>{COURSE}</style><section><div class=cell>{GUESS._repr_html_()}{AFTER}"
    )
    assert seen(page) == list(RESULT)
    context.close()


def test_a_prediction_with_nothing_to_hide_asks_only(show) -> None:
    page = show(GUESS).page
    assert page.get_by_role("button").count() == 0
    page.get_by_role("radio", name="One").check()
    assert "You expected “One”; it was “Two”" in page.get_by_role("status").inner_text()
