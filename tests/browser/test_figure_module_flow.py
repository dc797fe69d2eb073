"""The photograph in a module: its numbers against the network's own, and how it is moved."""

from __future__ import annotations

import pytest
import torch
from alone import number, results
from playwright.sync_api import Page
from torch.nn import functional as F

from utils.activations import features
from utils.data import photograph, to_tensor
from utils.figures import module_flow
from utils.pretrained import load
from utils.support.palette import BRANCH_LABELS, BRANCHES

WIDTHS = (16, 32, 8, 8)


@pytest.fixture(scope="module")
def maps() -> torch.Tensor:
    """What module 3a gives on the middle of the photograph: (64, 64, 64)."""
    trained = load("colour-googlenet")
    x = to_tensor(photograph("coffee"))
    height, width = x.shape[2:]
    left = (width - height) // 2
    x = F.interpolate(x[..., left : left + height], 256, mode="bilinear", antialias=True)
    x = trained.preprocessing(x.clamp(0, 1), any_size=True)
    with torch.inference_mode():
        return features(trained.model, x, ["inception3a"])["inception3a"][0]


def move(page: Page, channel: int) -> dict:
    number(page, "Channel of the output").fill(str(channel))
    return results(page)


def test_every_channel_has_the_numbers_that_the_module_gives(show, maps) -> None:
    page = show(module_flow()).page
    for channel, one in enumerate(maps):
        found = move(page, channel)
        owner = sum(channel >= sum(WIDTHS[: i + 1]) for i in range(4))
        start = sum(WIDTHS[:owner])
        assert found["channel"] == channel
        assert found["branch"] == BRANCHES[owner]
        assert (found["start"], found["own"]) == (start, channel - start)
        assert found["end"] == start + WIDTHS[owner] - 1
        assert found["peak"] == pytest.approx(float(one.max()), abs=0.006)
        assert found["mean"] == pytest.approx(float(one.mean()), abs=0.006)
        assert found["zero"] == pytest.approx(float((one == 0).float().mean()), abs=0.0006)
        if channel % 9 == 0:
            said = page.get_by_role("status").inner_text()
            label = BRANCH_LABELS[found["branch"]]
            assert f"Channel {channel} is channel {found['own']} of the {label} branch" in said
            shown = page.locator('[data-name="peak"]').inner_text()
            assert float(shown) == found["peak"]


def test_the_large_map_is_the_channels_own(show, maps) -> None:
    """As bright, place by place, as the module's map: the picture's tiles are not mixed up."""
    page = show(module_flow()).page
    for channel in (0, 15, 16, 23, 47, 55, 63):
        move(page, channel)
        values = page.locator(".tile.large").evaluate(
            """async (e) => {
              const image = new Image();
              image.src = getComputedStyle(e).backgroundImage.slice(5, -2);
              await image.decode();
              const [size, place] = ["backgroundSize", "backgroundPosition"]
                .map((name) => e.style[name].split(" ").map((part) => parseFloat(part) / 100));
              const tile = place.map((part, axis) => Math.round(part * (size[axis] - 1)));
              const canvas = new OffscreenCanvas(64, 64).getContext("2d");
              canvas.drawImage(image, -64 * tile[0], -64 * tile[1]);
              return [...canvas.getImageData(0, 0, 64, 64).data].filter((_, i) => i % 4 === 0); }"""
        )
        seen = torch.tensor(values).view(64, 64) / 255
        want = maps[channel] / maps[channel].max()
        assert (seen - want).abs().mean() < 0.02, channel


def test_the_jumps_lead_to_the_channels_that_vary_most(show, maps) -> None:
    page = show(module_flow()).page
    spread = maps.flatten(1).std(dim=1)
    start = 0
    for branch, width in zip(BRANCHES, WIDTHS, strict=True):
        page.get_by_label("Varies most").select_option(branch)
        best = start + int(spread[start : start + width].argmax())
        assert results(page)["channel"] == best
        start += width
    move(page, (results(page)["channel"] + 1) % 64)
    assert page.get_by_label("Varies most").input_value() == ""


def test_the_way_back_follows_the_largest_weights(show) -> None:
    weights = load("colour-googlenet").model.inception3a
    page = show(module_flow()).page
    five = weights.branch3
    inner = int(five[1].conv.weight[2].flatten(1).norm(dim=1).argmax())
    found = move(page, 50)
    assert found["middle"] == inner
    assert found["source"] == int(five[0].conv.weight[inner].flatten(1).norm(dim=1).argmax())
    found = move(page, 60)
    assert found["middle"] == found["source"]  # a pool keeps its input's channels
    assert move(page, 3)["middle"] is None


def test_the_steps_show_what_there_is_so_far(show) -> None:
    page = show(module_flow(step=1)).page
    seen = []
    for step in range(1, 5):
        page.get_by_role("radio", name=str(step), exact=True).check()
        assert results(page)["step"] == step
        ways = [way.is_visible() for way in page.locator("path.way").all()]
        assert ways == 4 * [step == 4]  # the arrowheads below the concatenation
        # What comes later is there in outline.
        tiles = page.locator(".drawing .tile:not(.later)").evaluate_all(
            "all => all.filter((e) => getComputedStyle(e).visibility !== 'hidden').length"
        )
        slabs = page.locator(".drawing svg rect:not(.hit, .later)").evaluate_all(
            "all => all.filter((e) => getComputedStyle(e).visibility !== 'hidden').length"
        )
        seen.append((tiles, slabs))
    assert seen == [(2, 1), (5, 4), (9, 8), (9, 12)]
    page.get_by_role("radio", name="4", exact=True).focus()
    page.keyboard.press("ArrowLeft")
    assert results(page)["step"] == 3


def test_the_widths_are_in_proportion(show) -> None:
    page = show(module_flow()).page
    widths = page.locator(".drawing svg rect:not(.hit)").evaluate_all(
        "all => all.map((e) => +e.getAttribute('width'))"
    )
    low, high, joined, source = widths[0:4], widths[4:8], widths[8:12], widths[12]
    for drawn, channels in ((low, (0, 16, 8, 32)), (high, WIDTHS)):
        assert drawn == pytest.approx([source * n / 32 for n in channels], abs=0.2)
    assert joined == pytest.approx([source * n / 32 for n in WIDTHS], abs=1.6)


def test_the_concatenation_obeys_the_pointer(show) -> None:
    page = show(module_flow()).page
    box = page.locator("rect.hit").bounding_box()
    for channel in (0, 15, 16, 40, 63):
        page.mouse.click(box["x"] + (channel + 0.5) / 64 * box["width"], box["y"] + 10)
        assert results(page)["channel"] == channel


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_jumps_and_no_label_covers_another(show, width) -> None:
    from test_figures_alone import OVERLAPS

    page = show(module_flow(), width=width).page
    heights = set()
    for step in "1234":
        page.get_by_role("radio", name=step, exact=True).check()
        for channel in (0, 23, 52, 63):
            move(page, channel)
            heights.add(round(page.locator(".stage").bounding_box()["height"]))
            assert page.evaluate(OVERLAPS) == [], (step, channel)
    assert len(heights) == 1


def test_the_figure_is_light() -> None:
    assert len(module_flow()._repr_html_()) < 300_000


def test_it_refuses_what_is_not_there() -> None:
    with pytest.raises(ValueError, match="channel must be from 0 to 63"):
        module_flow(64)
    with pytest.raises(ValueError, match="step must be from 1 to 4"):
        module_flow(step=0)
