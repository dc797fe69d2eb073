"""The network alive in the page: its answers are PyTorch's, whatever the reader does with it."""

from __future__ import annotations

import importlib.util
import io
from itertools import pairwise

import numpy as np
import pytest
import torch
from alone import results
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from visits import ROOT

from utils.activations import features
from utils.data import fashion_mnist
from utils.figures import live_network
from utils.figures.live_network import _HEIGHTS
from utils.pretrained import Pretrained, load

SPEC = importlib.util.spec_from_file_location("figure_data", ROOT / "_ext/course/figure_data.py")
figure_data = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(figure_data)


@pytest.fixture(scope="module")
def trained() -> Pretrained:
    return load("mini-googlenet")


@torch.inference_mode()
def scores(trained: Pretrained, image: list[int]) -> torch.Tensor:
    images = torch.tensor(image, dtype=torch.uint8).reshape(1, 1, 28, 28)
    return trained.model(trained.preprocessing(images))[0]


def image_of(page: Page) -> list[int]:
    """What stands on the sheet."""
    return page.locator(".pad > canvas:not(.falls)").evaluate(
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


@pytest.mark.parametrize("width", [1280, 390])
def test_the_tab_key_goes_as_the_eye_reads(show, width) -> None:
    page = show(live_network()).page
    page.set_viewport_size({"width": width, "height": 1300})
    page.locator(".verdict").wait_for()
    results(page)
    page.get_by_role("application").focus()
    places = []
    while place := page.evaluate(
        """() => {
          let at = document.activeElement;
          while (at?.shadowRoot) at = at.shadowRoot.activeElement;
          const { left, top } = at?.getBoundingClientRect() ?? {};
          return at?.closest(".stage") && [left, top + scrollY];
        }"""
    ):
        places.append(place)
        page.keyboard.press("Tab")
    assert len(places) > 30
    for (left, top), (next_left, next_top) in pairwise(places):
        assert next_top > top - 10 or next_left > left  # up only where another column begins


def test_no_module_is_taller_than_another(show) -> None:
    page = show(live_network()).page
    results(page)
    heights = set()
    for module in ("2a", "3a", "4b"):
        page.get_by_label(f"Module {module}", exact=True).check()
        heights.add(page.locator(".stage").bounding_box()["height"])
    assert len(heights) == 1


def test_a_branch_is_switched_off(show, trained) -> None:
    page = show(live_network(module="3a")).page
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


def means_of(trained: Pretrained, name: str) -> torch.Tensor:
    images = trained.preprocessing(fashion_mnist("train")[:500].images)
    with torch.inference_mode():
        return features(trained.model, images, [name])[name].mean(dim=(0, 2, 3))


def test_what_is_off_gives_its_mean_over_training_images(show, trained) -> None:
    page = show(live_network(module="3b")).page
    results(page)
    page.get_by_label("its mean").check()
    for switch, part in (("3×3", slice(16, 64)), ("all of this module", slice(0, 96))):
        box = page.get_by_role("group", name="Switches of this module").get_by_label(switch)
        box.uncheck()
        found = results(page)
        assert found["instead"] == "means"
        means = means_of(trained, "inception3b")

        def fill(_module, _given, maps, part=part, means=means):
            maps = maps.clone()
            maps[:, part] = means[part, None, None]
            return maps

        hook = trained.model.inception3b.register_forward_hook(fill)
        expected = scores(trained, image_of(page))
        hook.remove()
        assert (torch.tensor(found["scores"]) - expected).abs().max() < 3e-3  # of rounded means
        box.check()
    page.get_by_label("zeros").check()
    assert results(page)["prediction"] == agrees(page, trained)["prediction"]


def cover(image: list[int], left: int, top: int) -> list[int]:
    """The image with a black square of 8 by 8 pixels."""
    sheet = torch.tensor(image).reshape(28, 28)
    sheet[max(top, 0) : top + 8, max(left, 0) : left + 8] = 0
    return sheet.flatten().tolist()


def test_a_cover_is_moved_by_mouse_and_keys_and_tried_at_every_place(show, trained) -> None:
    page = show(live_network()).page
    whole = agrees(page, trained)
    image = image_of(page)

    def covered(found: dict) -> None:
        expected = scores(trained, cover(image, *found["cover"]))
        assert (torch.tensor(found["scores"]) - expected).abs().max() < 1e-3
        assert image_of(page) == image  # the picture itself stays

    page.get_by_label("Cover", exact=True).check()
    covered(results(page))
    box = page.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.93 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
    page.mouse.up()
    page.wait_for_timeout(300)
    dragged = results(page)
    assert dragged["cover"] == [22, 13]
    covered(dragged)
    page.get_by_role("application").focus()
    for key in ("ArrowLeft", "Shift+ArrowUp", *["Shift+ArrowRight"] * 3):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert results(page)["cover"] == [24, 9]  # its middle stays on the sheet
    covered(results(page))
    assert "Cover around row 14, column 29" in page.locator(".pad [role=status]").inner_text()

    page.get_by_role("button", name="Try all places").click()
    expect(page.locator(".summary")).to_contain_text("Orange: where the cover lowers ankle boot")
    falls = results(page)["falls"]
    top = trained.classes.index(whole["prediction"])
    places = [(4 * column - 2, 4 * row - 2) for row in range(7) for column in range(7)]
    expected = [
        whole["probabilities"][top] - float(scores(trained, cover(image, *at)).softmax(0)[top])
        for at in places
    ]
    assert falls == pytest.approx(expected, abs=1e-3)
    assert max(falls) > 0.1
    expect(page.locator(".falls")).to_be_visible()
    page.get_by_role("button", name="Shift up").click()  # another picture: it is no longer so
    expect(page.locator(".falls")).to_be_hidden()
    page.get_by_label("Draw", exact=True).check()
    assert results(page)["cover"] is None
    agrees(page, trained)


def test_a_finger_draws_covers_and_opens_a_channel(figures_url, folder, show, chromium, trained):
    """On a touch screen as narrow as a phone: a stroke does not scroll, and nothing is too wide."""
    show(live_network())
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(f"{figures_url}/page.html")
    results(page)
    page.locator(".pad").scroll_into_view_if_needed()
    scrolled = page.evaluate("scrollY")
    touch = context.new_cdp_session(page)

    def stroke(*points: tuple[float, float]) -> None:
        box = page.locator(".pad").bounding_box()
        at = [
            {"x": box["x"] + x / 28 * box["width"], "y": box["y"] + y / 28 * box["height"]}
            for x, y in points
        ]
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at[0]]})
        for point in at[1:]:
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(900)

    stroke(*[(14, 4 + i) for i in range(20)])
    drawn = image_of(page)
    assert all(drawn[28 * y + 14] > 150 for y in range(5, 23))
    assert page.evaluate("scrollY") == scrolled
    agrees(page, trained)
    page.get_by_label("Cover", exact=True).tap()
    stroke((14, 14), (12, 10), (10, 8))
    assert results(page)["cover"] == [6, 4]
    assert page.evaluate("scrollY") == scrolled

    heights = set()
    for view, seen in (
        ("All modules", ".middle-part"),
        ("One module", ".open"),
        ("One channel", ".one-channel"),
    ):
        page.get_by_label(view, exact=True).tap()
        for part in (".middle-part", ".open", ".one-channel"):
            visible = page.locator(part).evaluate("(e) => getComputedStyle(e).visibility")
            assert (visible == "visible") == (part == seen)
        heights.add(page.locator(".stage").bounding_box()["height"])
    assert len(heights) == 1  # nothing moves
    page.get_by_label("All modules", exact=True).tap()
    page.get_by_label("Module 2b").tap()
    expect(page.get_by_label("One module")).to_be_checked()
    page.locator("canvas.maps").first.tap(position={"x": 4, "y": 4}, force=True)
    expect(page.get_by_label("One channel")).to_be_checked()
    assert (results(page)["open"], results(page)["channel"]) == ("inception2b", 0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize(("screen", "column"), [(1280, 688), (390, 358)])
def test_room_is_kept_for_it_so_that_the_text_below_need_not_move(
    show, chromium, figures_url, small, screen, column
) -> None:
    show(f'<div style="width: {column}px">{live_network(small=small)._repr_html_()}</div>')
    context = chromium.new_context(viewport={"width": screen, "height": 844})
    page = context.new_page()
    page.goto(f"{figures_url}/page.html")
    page.locator(".stage .verdict").wait_for()
    results(page)
    page.wait_for_timeout(300)
    high = page.locator(".stage").bounding_box()["height"]
    reserved = _HEIGHTS[small][screen > 700]
    assert abs(high - reserved) < 60  # fonts differ
    context.close()


def test_the_landing_page_has_a_small_one(show, trained) -> None:
    page = show(live_network(small=True)).page
    agrees(page, trained)
    assert page.locator(".module-maps").count() == 0
    assert page.locator(".sample").count() == 10


def maps_of(trained: Pretrained, image: list[int], name: str) -> torch.Tensor:
    images = torch.tensor(image, dtype=torch.uint8).reshape(1, 1, 28, 28)
    with torch.inference_mode():
        return features(trained.model, trained.preprocessing(images), [name])[name][0]


def test_a_channel_is_opened(show, trained) -> None:
    page = show(live_network(module="4b")).page
    page.get_by_label("One channel").check()
    expect(page.get_by_text("Of 400 test images")).to_be_visible()
    for channel in (0, 31, 50, 100, 120):
        page.get_by_label("Channel, as a number").fill(str(channel))
        found = results(page)
        image = image_of(page)
        answers = maps_of(trained, image, "inception4b")
        top = trained.classes.index(found["prediction"])
        weight = trained.model.fc.weight.detach()
        adds = answers[channel].mean() * weight[top, channel]
        assert found["adds"] == pytest.approx(float(adds), abs=1e-3)
        expected = scores(trained, image) - answers[channel].mean() * weight[:, channel]
        torch.testing.assert_close(
            torch.tensor(found["without"]), expected.softmax(0), atol=1e-3, rtol=0
        )
        said = page.locator(".channel").inner_text()
        assert f"Its largest value here: {answers[channel].max():.2f}" in said
    # Its strongest test images, the first 40 of each class, are those of PyTorch.
    test = fashion_mnist("test")
    pool = torch.cat([(test.labels == label).nonzero()[:40, 0] for label in range(10)]).sort()[0]
    with torch.inference_mode():
        x = trained.preprocessing(test.images[pool])
        peaks = features(trained.model, x, ["inception4b"])["inception4b"][:, 120].amax(dim=(1, 2))
    shown = page.locator(".thumb").evaluate_all(
        """(all) => all.map((canvas) => [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data]
          .filter((_, i) => i % 4 === 0))"""
    )
    strongest = test.images[pool[peaks.topk(6).indices], 0].flatten(1).tolist()
    assert shown == strongest


def test_a_pointer_chooses_a_channel_and_a_switch_takes_it_away(show) -> None:
    page = show(live_network(module="2a")).page
    results(page)
    page.locator(".module-maps").scroll_into_view_if_needed()
    box = page.locator("canvas.maps").nth(1).bounding_box()
    page.mouse.click(box["x"] + 3, box["y"] + box["height"] - 3)
    expect(page.get_by_label("One channel")).to_be_checked()  # and it is opened
    found = results(page)
    assert found["channel"] == 16 + 3  # four rows, column by column
    page.get_by_label("This channel on").uncheck()
    without = results(page)
    assert without["off"] == ["inception2a:19"]
    assert without["probabilities"] == pytest.approx(found["without"], abs=1e-6)


def test_the_picture_is_shifted(show, trained) -> None:
    page = show(live_network()).page
    before = torch.tensor(image_of(page)).reshape(28, 28)
    page.get_by_role("button", name="Shift down").click()
    page.get_by_role("button", name="Shift left").click()
    after = torch.tensor(image_of(page)).reshape(28, 28)
    assert torch.equal(after[1:, :-1], before[:-1, 1:])
    agrees(page, trained)


def garment() -> Image.Image:
    """A test image, a T-shirt, as a shop would show it: dark on white, with room around it."""
    test = fashion_mnist("test")
    one = test.images[int((test.labels == 0).nonzero()[0]), 0].numpy()
    large = Image.fromarray(255 - one).resize((196, 196), Image.Resampling.BICUBIC)
    picture = Image.new("L", (320, 260), 255)
    picture.paste(large, (90, 20))
    return picture


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def odd_files() -> dict[str, tuple[bytes, str | None]]:
    """Files, and the sentence that they get; None where the garment has to come out."""
    grey = garment()
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter
    mask = grey.point(lambda value: 255 if value < 250 else 0)
    alpha = Image.merge("RGBA", (grey, grey, grey, mask))
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    jpeg = saved(grey, "JPEG", quality=92)
    unreadable = "cannot read that file as a picture"
    return {
        "plain.jpg": (jpeg, None),
        "turned.jpg": (
            saved(grey.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=92, exif=turned),
            None,
        ),
        "alpha.png": (saved(alpha, "PNG"), None),
        "cmyk.jpg": (saved(grey.convert("RGB").convert("CMYK"), "JPEG", quality=92), None),
        "palette.png": (saved(grey.convert("P"), "PNG"), None),
        "sixteen.png": (saved(deep, "PNG"), None),
        "moving.gif": (
            saved(grey, "GIF", save_all=True, append_images=[Image.new("L", grey.size, 9)]),
            None,
        ),
        "modern.webp": (saved(grey.convert("RGB"), "WEBP", quality=90), None),
        "bitmap.bmp": (saved(grey, "BMP"), None),
        "dark.png": (saved(grey.point(lambda value: 255 - value), "PNG"), None),
        "huge.png": (saved(grey.resize((5120, 4160)), "PNG"), None),
        "pixel.png": (saved(Image.new("RGB", (1, 1), "red"), "PNG"), "Nothing stands out"),
        "plain.png": (saved(Image.new("RGB", (90, 60), "navy"), "PNG"), "Nothing stands out"),
        "nothing.png": (saved(Image.new("RGBA", (90, 60)), "PNG"), "transparent throughout"),
        "cut.png": (saved(grey, "PNG")[:60], unreadable),
        "cut.jpg": (jpeg[:200], unreadable),
        "text.jpg": (b"this is no picture at all", unreadable),
        "empty.jpg": (b"", "This file is empty"),
    }


def test_odd_picture_files_work_or_get_one_right_sentence(show, trained) -> None:
    page = show(live_network(start="upload")).page
    results(page)
    test = fashion_mnist("test")
    original = test.images[int((test.labels == 0).nonzero()[0])].float().flatten()
    for name, (content, sentence) in odd_files().items():
        page.get_by_role("button", name="Clear").click()
        page.locator("input[type=file]").set_input_files(
            {"name": name, "mimeType": "image/png", "buffer": content}
        )
        told = page.locator(".own-picture [role=status]")
        expected = sentence or "Made grey"
        expect(told, name).to_contain_text(expected)
        if sentence:
            assert set(image_of(page)) == {0}, name
        else:
            found = torch.tensor(image_of(page)).float()
            likeness = torch.corrcoef(torch.stack([found, original]))[0, 1]
            assert likeness > 0.9, (name, likeness)
            assert agrees(page, trained)["prediction"] == "T-shirt/top", name
            assert ("inverted" in told.inner_text()) == (name != "dark.png"), name
        told.evaluate("(e) => { e.textContent = ''; }")


def test_in_the_book_the_weights_come_when_the_figure_is_near(show, folder, trained) -> None:
    """Of two copies, one far below: a file for both, loaded once the page has been read."""
    html = figure_data.to_files(live_network(small=True)._repr_html_(), folder / "data", "data")
    assert len(html) < 125_000
    assert len(list((folder / "data").glob("*.js"))) == 1
    far = '<div style="height: 5000px"></div>'
    visit = show(f"{far}<p>Below</p>{html}", ready=False)
    page = visit.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    expect(page.locator("figure[data-ready]")).to_have_count(1)  # after three seconds
    page.wait_for_timeout(1500)
    assert not any("/data/" in url for url in asked)
    assert page.locator(".verdict").inner_text() == "Loading the network …"
    page.get_by_text("Below").scroll_into_view_if_needed()
    agrees(page, trained)
    assert sum("/data/" in url for url in asked) == 1


def test_noise_is_no_garment_on_a_plain_ground(show) -> None:
    page = show(live_network(start="upload")).page
    results(page)
    told = page.locator(".own-picture [role=status]")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 120), np.uint8))
    for picture, doubted in ((noise, True), (garment(), False)):
        page.locator("input[type=file]").set_input_files(
            {"name": "a.png", "mimeType": "image/png", "buffer": saved(picture, "PNG")}
        )
        expect(told).to_contain_text("scaled to 28 × 28.")
        says = expect(told).to_contain_text if doubted else expect(told).not_to_contain_text
        says("almost everything")


def test_the_task_has_the_answers_that_it_says(show, trained) -> None:
    """The branches that it ticks are those without which PyTorch names another class."""
    visit = show(live_network(module="3b"))
    page = visit.page
    image, first = image_of(page), results(page)["prediction"]
    switches = page.get_by_role("group", name="Switches of this module")
    found = []
    for stage in ("2a", "2b", "3a", "3b", "3c", "3d", "4a", "4b"):
        page.get_by_label(f"Module {stage}", exact=True).check()
        module = trained.model.get_submodule(f"inception{stage}")
        for branch, part in (("1×1", 1), ("3×3", 2), ("5×5", 3), ("pool", 4)):
            hook = module.get_submodule(f"branch{part}").register_forward_hook(
                lambda _m, _x, y: torch.zeros_like(y)
            )
            expected = trained.classes[int(scores(trained, image).argmax())]
            hook.remove()
            if expected != first:
                found.append(f"{branch} of {stage} ({expected.lower()})")
                switches.get_by_label(branch).uncheck()
                assert results(page)["prediction"] == expected
                expect(page.locator(".found")).to_contain_text(found[-1])
                switches.get_by_label(branch).check()
    said = page.locator(".found").inner_text()
    assert said.startswith(f"Found: {', '.join(found)}. That is all.")


def test_it_opens_on_the_channel_that_matters_most(show, trained) -> None:
    page = show(live_network()).page
    found = results(page)
    before = scores(trained, image_of(page)).softmax(0)
    top = int(before.argmax())
    means = maps_of(trained, image_of(page), "inception4b").mean(dim=(1, 2))
    weight, bias = trained.model.fc.weight.detach(), trained.model.fc.bias.detach()
    without = means * (1 - torch.eye(len(means))) @ weight.T + bias
    change = (without.softmax(1)[:, top] - before[top]).abs()
    assert found["channel"] == int(change.argmax())
    assert change.max() > 0.1


def test_it_works_from_a_disk(show, folder, chromium: Browser) -> None:
    html = figure_data.to_files(live_network(small=True)._repr_html_(), folder / "data", "data")
    show(html)
    context = chromium.new_context()
    page = context.new_page()
    page.goto((folder / "page.html").as_uri())
    assert results(page)["prediction"] == "Ankle boot"
    context.close()


def test_without_its_weights_it_says_so(show, folder) -> None:
    html = figure_data.to_files(live_network(small=True)._repr_html_(), folder / "data", "nowhere")
    visit = show(html)
    expect(visit.page.locator(".summary")).to_contain_text("weights could not be loaded")
    visit.console.clear()
    visit.failed.clear()


def test_a_stroke_is_never_held_up_by_the_network(show, trained) -> None:
    """While it is drawn, few answers; none of its points is lost; in the end, the last is told."""
    page = show(live_network(small=True)).page
    results(page)
    page.locator(".stage").evaluate(
        """(stage) => { stage.answers = [];
          new MutationObserver(() => stage.answers.push(performance.now()))
            .observe(stage, { attributeFilter: ["data-results"] }); }"""
    )
    told = page.locator(".summary").inner_text()
    drawn, told_meanwhile = page.locator(".pad").evaluate(
        """async (pad) => {
          const { left, top, width } = pad.getBoundingClientRect();
          pad.setPointerCapture = () => {};
          const send = (kind, x, y) => pad.dispatchEvent(new PointerEvent(kind, {
            clientX: left + (x * width) / 28, clientY: top + (y * width) / 28, bubbles: true }));
          const summary = pad.getRootNode().querySelector(".summary");
          send("pointerdown", 4, 14);
          for (let i = 1; i <= 60; i++) {
            send("pointermove", 4 + i / 3, 14);
            await new Promise((go) => setTimeout(go, 10));
          }
          const meanwhile = summary.textContent;
          send("pointerup", 24, 14);
          send("pointerdown", 14, 20); // at once a second one, on the same sheet
          send("pointerup", 14, 20);
          const { data } = pad.querySelector("canvas").getContext("2d").getImageData(0, 0, 28, 28);
          return [[...data].filter((_, i) => i % 4 === 0), meanwhile];
        }"""
    )
    assert all(drawn[14 * 28 + x] > 150 for x in range(5, 23))
    assert drawn[20 * 28 + 14] > 150
    assert told_meanwhile == told
    expect(page.locator(".summary")).not_to_have_text(told)
    assert image_of(page) == drawn
    found = agrees(page, trained)
    assert found["prediction"].lower() in page.locator(".summary").inner_text().lower()
    answers = page.locator(".stage").evaluate("(stage) => stage.answers")
    gaps = [after - before for before, after in pairwise(answers)]
    assert len(answers) > 2
    assert min(gaps) >= 95


def test_an_empty_sheet_is_no_garment(show) -> None:
    page = show(live_network(small=True)).page
    results(page)
    page.get_by_role("button", name="Clear").click()
    prediction = results(page)["prediction"]
    assert prediction not in page.locator(".verdict").inner_text()
    assert prediction.lower() in page.locator(".summary").inner_text()
