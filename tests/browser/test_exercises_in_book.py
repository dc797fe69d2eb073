"""Questions and folded help of a chapter, as a reader without a kernel meets them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from visits import HTML, Visit, built_pages

from utils.exercises import one_by_one_reduction as ex

CHAPTER = "chapters/02_one_by_one_reduction.html"


@pytest.fixture
def page(light: Visit) -> Page:
    return light.goto(CHAPTER)


def question(page: Page, name: str):
    """The question of that name; it must have started."""
    figure = page.locator(f'figure[data-ready][aria-label="{name}"]')
    expect(figure).to_have_count(1)
    return figure


def plain(html: str) -> str:
    """The words of a piece of HTML."""
    return re.sub(r"<[^>]+>", "", html)


PREDICTING = [
    path for path in built_pages() if "data-prediction" in (HTML / path).read_text("utf-8")
]


@pytest.mark.parametrize("path", PREDICTING)
def test_predictions_hide_their_results_until_all_are_answered(light: Visit, path: str) -> None:
    page = light.goto(path)
    marked = ".after-prediction, .tag_after-prediction, .after-prediction + .math-display"
    results = page.locator(marked).all()
    boxes = page.locator("figure[data-ready] fieldset[data-prediction]")
    assert boxes.count()
    assert not any(result.is_visible() for result in results)
    while boxes.count():
        box = boxes.first.element_handle()
        box.query_selector("input").check()
        told = box.query_selector("[role=status]").inner_text()
        assert told.startswith(("You expected", "It was as you expected"))
    assert all(result.is_visible() for result in results)


def test_a_number_is_checked_with_a_diagnosis_for_each_slip(page: Page) -> None:
    box = question(page, "By hand")
    field = box.get_by_role("textbox", name=re.compile("How many weights"))
    said = box.get_by_role("status")
    state = ex.branch_weights("4a").state

    def answer(text: str) -> str:
        field.fill(text)
        field.press("Enter")
        return said.inner_text()

    assert said.inner_text().startswith("Type a number or a calculation")
    assert "Type a number or a calculation" in answer("")
    for garbage in ("many", "1 +", "((1)", "5 / 0", "alert(1)", "3 4", "(" * 500):
        assert "Type a number or a calculation" in answer(garbage)
    for slip in state["options"]:
        assert answer(f"{slip['value']:.0f}") == f"✗ Not yet. {plain(slip['diagnosis'])}"
    assert answer("7") == f"✗ Not yet. {plain(state['otherwise'])}"
    right = f"✓ Right. {plain(state['right'])}"
    for spelling in (f"{state['answer']:.0f}", f"{state['answer']:,.0f}", f" {state['answer']} "):
        assert answer(spelling) == right

    field.fill("1")
    box.get_by_role("button", name="Check").click()
    assert said.inner_text().startswith("✗")


def test_a_number_may_be_typed_as_a_calculation(page: Page) -> None:
    box = question(page, "By hand")
    field, said = box.get_by_role("textbox"), box.get_by_role("status")
    state = ex.branch_weights("4a").state

    def answer(text: str) -> str:
        field.fill(text)
        field.press("Enter")
        return said.inner_text()

    right = f"= 26,880. ✓ Right. {plain(state['right'])}"
    for way in (
        "480*16+25*16*48",
        "480×16 + 25·16·48",
        "480 x 16 + 5^2 * 16 * 48",
        "480*16 + 5**2*16*48",
        "480·16 + 5²·16·48",
        "16 (480 + 25 * 48)",
        "-(−26 880) / 1,000 * 1e3",
    ):
        assert answer(way) == right, way
    for text, value in {
        "2^3^2": "512",
        "-2^2": "−4",
        "2^-1": "0.5",
        "10 - 2 - 3": "5",
        "6/2/3": "1",
        "0,125 * 1": "0.125",
        "1,234.5 * 1": "1,234.5",
        "2^100": "1.268e+30",
    }.items():
        assert answer(text).startswith(f"= {value}. ✗ Not yet."), text
    slip = next(s for s in state["options"] if s["value"] == 480 * 16)
    assert answer("480*16") == f"= 7,680. ✗ Not yet. {plain(slip['diagnosis'])}"


@pytest.mark.parametrize("width", [390, 1280])
def test_trying_other_answers_moves_nothing(width: int, open_visit: Callable[..., Visit]) -> None:
    """From the first answer on there is room for the longest; nobody reads what keeps it."""
    page = open_visit(width=width).goto(CHAPTER)
    for box in page.locator("figure[data-ready] fieldset.question").all():
        unanswered = box.bounding_box()["height"]
        said, radios = box.get_by_role("status"), box.get_by_role("radio")
        heights = []
        if radios.count():
            for radio in radios.all():
                radio.check()
                heights.append(box.bounding_box()["height"])
                assert said.inner_text()
        else:
            for text in ("1", "many", "480*16", "16 * (480 + 25 * 48)", "26880", ""):
                box.get_by_role("textbox").fill(text)
                box.get_by_role("button", name="Check").click()
                heights.append(box.bounding_box()["height"])
        assert heights == heights[:1] * len(heights)
        assert unanswered < heights[0]
        room = box.locator(".question-room")
        heard = room.aria_snapshot()
        assert heard.count("Not yet") + heard.count("Right") <= 1
        unsaid = room.locator("[aria-hidden=true][inert]")
        assert unsaid.count() == room.locator("> *").count() - 1
        assert not any(part.is_visible() for part in unsaid.all())


@pytest.mark.parametrize("width", [390, 1280])
def test_help_is_one_box_whose_steps_are_equally_wide(
    width: int, theme: str, open_visit: Callable[..., Visit]
) -> None:
    page = open_visit(width=width, theme=theme).goto(CHAPTER)
    page.evaluate("document.querySelectorAll('.course-help details').forEach(d => d.open = true)")
    for help_ in page.locator(".course-help").all():
        outer = help_.bounding_box()["width"]
        widths = {round(step.bounding_box()["width"]) for step in help_.locator("details").all()}
        assert len(widths) == 1
        assert help_.locator("pre").bounding_box()["width"] >= outer - 4
        styles = help_.locator("details").evaluate_all(
            "all => all.map(e => getComputedStyle(e)).map(s => s.borderTopWidth + s.paddingLeft)"
        )
        assert set(styles) == {"0px0px"}
        rules = help_.locator("details details > summary").evaluate_all(
            "all => all.map(e => getComputedStyle(e).borderTopWidth)"
        )
        assert set(rules) == {"1px"}


def test_help_unfolds_one_step_at_a_time_without_a_kernel(page: Page) -> None:
    helps = page.locator(".course-help")
    expect(helps).to_have_count(len(ex.ALL))
    for exercise, help_ in zip(ex.ALL, helps.all(), strict=True):
        steps = [f"Hint {i} of {len(exercise.hints)}" for i in range(1, len(exercise.hints) + 1)]
        for step, following in zip(steps, [*steps[1:], "Solution"], strict=True):
            expect(help_.get_by_text(following, exact=True)).to_be_hidden()
            summary = help_.get_by_text(step, exact=True)
            summary.focus()
            page.keyboard.press("Enter")
            expect(help_.get_by_text(following, exact=True)).to_be_visible()
        expect(help_.locator("pre")).to_be_hidden()
        help_.get_by_text("Solution", exact=True).click()
        assert exercise.solution_code.strip() in help_.locator("pre").inner_text()


def test_stubs_are_shown_as_not_attempted(page: Page) -> None:
    asked = len(ex.ALL) + 1  # and the open challenge
    expect(page.locator(".course-verdict")).to_have_count(asked)
    expect(page.locator(".course-not-attempted")).to_have_count(asked)


@pytest.mark.parametrize("width", [390, 1280])
def test_answered_and_unfolded_it_is_still_accessible(
    theme: str, width: int, open_visit: Callable[..., Visit]
) -> None:
    visit = open_visit(theme=theme, width=width)
    page = visit.goto(CHAPTER)
    for box in page.locator("figure[data-ready] fieldset.question").all():
        radios = box.get_by_role("radio")
        if radios.count():
            radios.last.check()
        else:
            box.get_by_role("textbox").fill("1")
            box.get_by_role("button", name="Check").click()
    page.evaluate("document.querySelectorAll('.course-help details').forEach(d => d.open = true)")
    page.wait_for_timeout(500)  # the theme measures what scrolls 300 ms after the last change
    assert visit.axe(within="main") == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
