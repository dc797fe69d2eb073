"""The multi-scale lens in a browser: its windows, answers and maps are Python's."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from alone import number, results
from playwright.sync_api import Page
from torch.nn import functional as F

from utils.data import photograph
from utils.figures import multi_scale_lens
from utils.figures.multi_scale_lens import MARGIN, NAMES, SIDE, SIZES, answers, grey
from utils.filters import difference_of_gaussians, gabor_bank, mean_filter

LAST = SIDE - 1 - MARGIN
TITLES = {"hubble": "galaxies", "cat": "a cat's face", "gravel": "pebbles"}


def move(page: Page, row: int, column: int) -> dict:
    number(page, "Row").fill(str(row))
    number(page, "Column").fill(str(column))
    return results(page)


def greys(page: Page, selector: str, place: int = 0) -> torch.Tensor:
    """What a canvas shows, row by row, as greys in 0..255."""
    values = (
        page.locator(selector)
        .nth(place)
        .evaluate(
            """(e) => [...e.getContext("2d").getImageData(0, 0, e.width, e.height).data]
             .filter((_, i) => i % 4 === 0)"""
        )
    )
    return torch.tensor(values, dtype=torch.float64)


# What Python sends


@pytest.mark.parametrize("picture", TITLES)
def test_answers_are_those_of_conv2d(picture) -> None:
    image = grey(picture)
    x = image.float()[None, None] / 255
    filters = {
        "mean": mean_filter,
        "spot": difference_of_gaussians,
        "upright": lambda k: gabor_bank((float(k),), orientations=2, size=k)[1:2],
        "level": lambda k: gabor_bank((float(k),), orientations=2, size=k)[3:4],
    }
    assert filters.keys() == NAMES.keys()
    for row, column in ((MARGIN, LAST), (40, 57), (LAST, MARGIN)):
        found = answers(image, row=row, column=column)
        for name, make in filters.items():
            for k in SIZES[1:]:
                f = make(k)
                if name in ("upright", "level"):  # no size wins by being large
                    f = 2 * f / f.abs().sum()
                [want] = F.conv2d(x, f, padding=k // 2)[0, :, row, column]
                assert found[name][k] == pytest.approx(float(want), abs=1e-5)
        assert found["mean"][1] == pytest.approx(float(image[row, column]) / 255)
        assert [found[name][1] for name in ("spot", "upright", "level")] == 3 * [None]


def test_upright_and_level_are_what_they_say() -> None:
    """An edge between dark on the left and light on the right is upright."""
    edge = torch.zeros(SIDE, SIDE, dtype=torch.uint8)
    edge[:, SIDE // 2 :] = 255
    found = answers(edge, row=48, column=48)
    turned = answers(edge.T, row=48, column=48)
    for k in SIZES[1:]:
        assert abs(found["upright"][k]) > 0.3 > 1e-6 > abs(found["level"][k])
        assert turned["level"][k] == pytest.approx(found["upright"][k], abs=1e-6)


def test_the_pictures_are_photographs() -> None:
    own = grey("hubble")
    assert own.shape == (SIDE, SIDE)
    cut = torch.from_numpy(photograph("hubble").copy())[364:556, 410:602].double().mean(dim=2)
    small = F.avg_pool2d(cut[None], 2)[0]
    assert torch.corrcoef(torch.stack([own.double().flatten(), small.flatten()]))[0, 1] > 0.97


def test_it_is_light_and_refuses_what_is_not_there() -> None:
    assert len(multi_scale_lens()._repr_html_()) < 100_000
    wrong = {"row": MARGIN - 1, "column": LAST + 1, "picture": "dog", "kind": "sharp"}
    for name, value in wrong.items():
        with pytest.raises(ValueError, match=name):
            multi_scale_lens(**{name: value})


# What the page makes of it


def test_numbers_equal_pythons_everywhere(show) -> None:
    page = show(multi_scale_lens()).page
    for picture, title in TITLES.items():
        page.get_by_role("radio", name=title, exact=True).check()
        image = grey(picture)
        for row, column in ((MARGIN, MARGIN), (17, 80), (60, 33), (LAST, LAST)):
            found = move(page, row, column)
            assert (found["picture"], found["row"], found["column"]) == (picture, row, column)
            assert found["pixel"] == int(image[row, column])
            for name, values in answers(image, row=row, column=column).items():
                for k, want in values.items():
                    got = found["answers"][name][str(k)]
                    shown = page.locator(f'[data-name="{name}.{k}"]').inner_text()
                    if want is None:
                        assert (got, shown) == (None, "none")
                    else:
                        assert got == pytest.approx(want, abs=1e-9)
                        assert float(shown.replace("−", "-")) == pytest.approx(want, abs=0.0005001)


def test_the_windows_show_the_pixels_around(show) -> None:
    page = show(multi_scale_lens("cat", row=50, column=20)).page
    image = grey("cat").double()
    for row, column in ((50, 20), (MARGIN, LAST)):
        move(page, row, column)
        for place, k in enumerate(SIZES):
            half = k // 2
            window = image[row - half : row + half + 1, column - half : column + half + 1]
            assert torch.equal(greys(page, "canvas.crop", place), window.flatten())
            rect = page.locator(".scene rect:not(.frame)").nth(len(SIZES) - 1 - place)
            box = [float(rect.get_attribute(name)) for name in ("x", "y", "width", "height")]
            assert box == [column - half, row - half, k, k]


@pytest.mark.parametrize("kind", NAMES)
def test_the_maps_are_brighter_where_the_answer_is_larger(show, kind) -> None:
    page = show(multi_scale_lens("gravel", kind=kind)).page
    image = grey("gravel")
    for place, k in enumerate(SIZES):
        if k == 1 and kind != "mean":
            assert not page.locator("canvas.map-of").nth(place).is_visible()
            continue
        shades = greys(page, "canvas.map-of", place).view(SIDE - 2 * MARGIN, -1)
        places = [(r, c) for r in range(MARGIN, LAST, 17) for c in range(MARGIN, LAST, 13)]
        want = [answers(image, row=r, column=c)[kind][k] for r, c in places]
        got = [float(shades[r - MARGIN, c - MARGIN]) for r, c in places]
        order = sorted(range(len(want)), key=want.__getitem__)
        assert all(got[a] <= got[b] for a, b in pairwise(order))
        if kind != "mean":
            assert all(
                (g >= 127) == (w > 0) or abs(g - 127.5) < 2 for g, w in zip(got, want, strict=True)
            )


def test_the_summary_names_the_strongest(show) -> None:
    page = show(multi_scale_lens("cat")).page
    for kind, label in NAMES.items():
        page.get_by_label("Filter", exact=True).select_option(label=label)
        for row, column in ((30, 40), (70, 61)):
            found = move(page, row, column)["answers"][kind]
            said = page.get_by_role("status").inner_text()
            if kind == "mean":
                assert f"{found['15']:.3f}" in said
                continue
            best = max(("3", "5", "7", "15"), key=lambda k, found=found: abs(found[k]))
            if abs(found[best]) < 0.01:
                assert "no filter finds anything" in said
            else:
                assert f"the {best}×{best} filter answers most strongly" in said
            assert f"{abs(found[best]):.3f}" in said


def test_the_lens_obeys_pointer_and_keys(show) -> None:
    page = show(multi_scale_lens()).page
    box = page.locator(".scene svg").bounding_box()
    pixel = box["width"] / SIDE

    def point(row: int, column: int) -> tuple[float, float]:
        return box["x"] + (column + 0.5) * pixel, box["y"] + (row + 0.5) * pixel

    page.mouse.move(*point(20, 30))
    page.mouse.down()
    assert (results(page)["row"], results(page)["column"]) == (20, 30)
    page.mouse.move(*point(41, 52))
    assert (results(page)["row"], results(page)["column"]) == (41, 52)
    page.mouse.move(*point(0, 95))  # as near to the corner as the largest window allows
    assert (results(page)["row"], results(page)["column"]) == (MARGIN, LAST)
    page.mouse.up()
    page.mouse.move(*point(60, 60))
    assert results(page)["row"] == MARGIN
    page.get_by_role("slider", name="Row").focus()
    page.keyboard.press("ArrowRight")
    assert results(page)["row"] == MARGIN + 1


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_jumps_and_no_label_covers_another(show, width) -> None:
    from test_figures_alone import OVERLAPS

    page = show(multi_scale_lens(), width=width).page
    heights = set()
    for title in TITLES.values():
        page.get_by_role("radio", name=title, exact=True).check()
        for label in NAMES.values():
            page.get_by_label("Filter", exact=True).select_option(label=label)
            for row in (MARGIN, 63):
                move(page, row, 71)
                heights.add(round(page.locator(".stage").bounding_box()["height"]))
            assert page.evaluate(OVERLAPS) == [], (title, label)
    assert len(heights) == 1
