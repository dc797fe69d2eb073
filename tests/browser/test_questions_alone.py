"""A question that asks for a number, in a browser with no book: what it takes and what it knows."""

from __future__ import annotations

import pytest

from utils.exercises.auxiliary_classifiers import share_of_heads
from utils.exercises.questions import number

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
    page = show(share_of_heads()).page
    assert page.locator("[data-lm-suppress-shortcuts] input").count() == 1
