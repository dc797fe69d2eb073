"""The network alive in the page: its answers are PyTorch's, whatever the reader does with it."""

from __future__ import annotations

import pytest
import torch
from alone import results
from playwright.sync_api import Page

from utils.figures import live_network
from utils.pretrained import Pretrained, load


@pytest.fixture(scope="module")
def trained() -> Pretrained:
    return load("mini-googlenet")


@torch.inference_mode()
def scores(trained: Pretrained, image: list[int]) -> torch.Tensor:
    images = torch.tensor(image, dtype=torch.uint8).reshape(1, 1, 28, 28)
    return trained.model(trained.preprocessing(images))[0]


def image_of(page: Page) -> list[int]:
    """What stands on the sheet."""
    return page.locator(".pad canvas").evaluate(
        """(canvas) => [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data]
          .filter((_, i) => i % 4 === 0)"""
    )


def agrees(page: Page, trained: Pretrained) -> dict:
    """Check the scores of what stands on the sheet; give the results."""
    found, expected = results(page), scores(trained, image_of(page))
    assert (torch.tensor(found["scores"]) - expected).abs().max() < 1e-3
    top = int(expected.argmax())
    assert found["prediction"] == trained.classes[top]
    assert page.locator(".verdict").inner_text().startswith(trained.classes[top])
    return found


def test_every_test_image_is_scored_as_by_pytorch(show, trained) -> None:
    page = show(live_network()).page
    assert agrees(page, trained)["prediction"] == "Ankle boot"
    buttons = page.locator(".sample")
    right = [
        agrees(page, trained)["truth"]
        for i in range(buttons.count())
        if buttons.nth(i).click() is None
    ]
    assert len(right) > 15
    assert set(right) == set(range(10))


def test_drawing_rubbing_and_clearing(show, trained) -> None:
    page = show(live_network()).page
    before = agrees(page, trained)
    box = page.locator(".pad").bounding_box()

    def at(x: float, y: float) -> tuple[float, float]:
        return box["x"] + x / 28 * box["width"], box["y"] + y / 28 * box["height"]

    page.mouse.move(*at(10, 4))
    page.mouse.down()  # a dress, outlined: a clean sheet, and filled when its ends meet
    for point in ((18, 4), (17, 10), (21, 24), (7, 24), (11, 10), (10, 5)):
        page.mouse.move(*at(*point), steps=4)
    page.mouse.up()
    page.wait_for_timeout(300)
    drawn = image_of(page)
    assert drawn[14 * 28 + 14] > 150  # filled
    assert drawn[2] == drawn[20 * 28 + 2] == 0  # of the boot nothing is left
    assert agrees(page, trained)["scores"] != before["scores"]
    page.get_by_label("Rub out").check()
    page.mouse.move(*at(14, 14))
    page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(300)
    assert image_of(page)[14 * 28 + 14] < 30
    assert image_of(page)[23 * 28 + 14] > 150
    agrees(page, trained)
    page.get_by_role("button", name="Clear").click()
    assert set(image_of(page)) == {0}
    assert "The sheet is empty" in page.locator(".summary").inner_text()


def test_drawing_by_keys(show, trained) -> None:
    page = show(live_network()).page
    page.get_by_role("application").focus()
    for key in ("ArrowUp", "Space", "Shift+ArrowRight", "ArrowDown", "Space"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    lit = [i for i, grey in enumerate(image_of(page)) if grey > 150]
    assert {i // 28 for i in lit} >= {12, 13, 14}
    assert {i % 28 for i in lit} >= {14, 18}
    agrees(page, trained)
    assert "Row 15, column 19, pen up" in page.locator(".pad [role=status]").inner_text()


def test_a_branch_is_switched_off(show, trained) -> None:
    page = show(live_network()).page
    whole = results(page)
    page.get_by_role("group", name="Switches of this module").get_by_label("3×3").uncheck()
    found = results(page)
    assert found["off"] == ["inception3a.3x3"]
    module = trained.model.inception3a
    hook = module.branch2.register_forward_hook(lambda *given: torch.zeros_like(given[2]))
    expected = scores(trained, image_of(page))
    hook.remove()
    assert (torch.tensor(found["scores"]) - expected).abs().max() < 1e-3
    assert found["scores"] != whole["scores"]
    page.get_by_role("group", name="Switches of this module").get_by_label("3×3").check()
    assert results(page)["scores"] == whole["scores"]
    page.get_by_role("group", name="Branches of all modules").get_by_label("pool").uncheck()
    assert results(page)["off"] == ["pool"]


def test_the_landing_page_has_a_small_one(show, trained) -> None:
    page = show(live_network(small=True)).page
    agrees(page, trained)
    assert page.locator(".module-maps").count() == 0
    assert page.locator(".sample").count() == 10
