"""The interactive figures and questions of the built book."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from visits import HTML, Visit, built_pages

PAGES = [page for page in built_pages() if "data-interactive=" in (HTML / page).read_text("utf-8")]


def test_there_are_some(base_url: str) -> None:
    """Without any, the test below would pass for want of a case."""
    assert PAGES


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
def test_every_one_starts(path: str, width: int, open_visit: Callable[..., Visit]) -> None:
    """With the book's own theme and scripts, and with every other host blocked."""
    page = open_visit(width=width).goto(path)
    figures = page.locator("figure[data-interactive]")
    expect(page.locator("figure[data-interactive][data-ready]")).to_have_count(figures.count())
    assert page.locator("figure[data-interactive] [role=alert]").count() == 0
