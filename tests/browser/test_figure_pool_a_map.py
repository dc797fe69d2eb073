"""The figure in which a map is pooled, in a browser: its numbers are Python's."""

from __future__ import annotations

import pytest
import torch
from alone import number, results
from playwright.sync_api import expect

from utils.figures import pool_a_map
from utils.figures.pool_a_map import THINGS, ends, map_of


def test_whole_cells_move_the_map_and_keep_the_mean() -> None:
    for thing in THINGS:
        before = map_of(thing)
        for right, down in ((4, 0), (-4, 0), (0, 4), (4, -4)):
            moved = map_of(thing, right=right, down=down)
            rolled = before.roll((down // 4, right // 4), (0, 1))
            torch.testing.assert_close(moved, rolled, atol=1e-6, rtol=0)
            assert ends(thing, right=right, down=down)["changed"] > 0.3
    # The one that the text speaks of: half a cell changes its mean, but less than all numbers.
    half = ends("Dress", right=2)
    share = 1 - half["mean"] / ends("Dress")["mean"]
    assert 0.05 < share < half["changed"] / 5


def test_numbers_equal_pythons(show) -> None:
    page = show(pool_a_map()).page
    for thing, right, down in (("Dress", 0, 0), ("Bag", -6, 3), ("Trouser", 5, -6)):
        page.get_by_label("Thing", exact=True).select_option(thing)
        number(page, "Moved to the right, px").fill(str(right))
        number(page, "Moved down, px").fill(str(down))
        truth, found = ends(thing, right=right, down=down), results(page)
        for name in truth:
            assert found[name] == pytest.approx(truth[name], abs=1e-5)
        now = map_of(thing, right=right, down=down).flatten()
        assert now[found["at"]] == pytest.approx(truth["maximum"], abs=1e-5)
        for name in ("mean", "maximum"):
            assert page.locator(f'[data-name="{name}"]').inner_text() == f"{truth[name]:.3f}"
        cells = page.locator(".map rect:not(.mark)")
        shades = cells.evaluate_all("all => all.map((cell) => +cell.style.fillOpacity)")
        top = ends(thing)["maximum"]
        assert shades == pytest.approx([min(1, float(v) / top) for v in now], abs=2e-3)


def test_it_is_dragged_in_both_directions_and_stays_in_the_frame(show) -> None:
    page = show(pool_a_map()).page
    frame = page.locator(".frame").bounding_box()
    x, y, pixel = frame["x"] + 90, frame["y"] + 90, frame["width"] / 28

    def dragged(right: float, down: float) -> tuple[int, int]:
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + right * pixel, y + down * pixel, steps=3)
        page.mouse.up()
        page.wait_for_timeout(100)  # moves come with the next frame
        return results(page)["right"], results(page)["down"]

    assert dragged(3, -2) == (3, -2)
    assert dragged(-5, 1) == (-2, -1)  # from where it lies
    assert dragged(-20, 20) == (-6, 6)


def test_the_summary_tells_whole_cells_from_others(show) -> None:
    page = show(pool_a_map()).page
    said = page.get_by_role("status")
    expect(said).to_contain_text("Drag")
    page.get_by_label("Moved to the right, px", exact=True).focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("not by whole cells")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(said).to_contain_text("the mean not at all")


def test_it_is_small_and_refuses_nonsense() -> None:
    text = pool_a_map()._repr_html_()
    assert len(text) < 60_000
    assert "https:" not in text
    for wrong in ({"right": 7}, {"down": 1.5}, {"thing": "Hat"}):
        with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
            pool_a_map(**wrong)
