"""The interactive figures and questions of the built book, and the tables that its cells make."""

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


TABLES = [
    page
    for page in built_pages()
    if 'class="data row0' in (text := (HTML / page).read_text("utf-8")) or "dataframe" in text
]


def test_there_are_some_tables(base_url: str) -> None:
    """As above."""
    assert TABLES


@pytest.mark.parametrize("path", TABLES)
@pytest.mark.parametrize("width", [390, 1280])
def test_tables_are_set_as_tables(path: str, width: int, open_visit: Callable[..., Visit]) -> None:
    """Numbers and the heads above them to the right, rows' names to the left; it scrolls inside."""
    page = open_visit(width=width).goto(path)
    for table in page.locator("div.cell_output table:has(tbody td):not(figure table)").all():
        heads = "thead tr:first-child > :not(:first-child, .blank)"  # blank: above rows' names
        numbers = table.locator(f"td, {heads}").evaluate_all(
            "all => all.map(e => getComputedStyle(e)).map(s => [s.textAlign, s.fontVariantNumeric])"
        )
        assert {align for align, _ in numbers} == {"right"}
        assert all("tabular-nums" in numerals for _, numerals in numbers)
        names = table.locator("tbody th").evaluate_all(
            "all => all.map(e => getComputedStyle(e).textAlign)"
        )
        assert set(names) <= {"left"}
        inside = table.evaluate(
            """table => { let e = table.parentElement;
              while (e && getComputedStyle(e).overflowX === "visible") e = e.parentElement;
              return !!e.closest("article") && e.getBoundingClientRect().right <= innerWidth; }"""
        )
        assert inside
