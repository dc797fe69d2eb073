"""The interactive figures in a real Chromium, each on a page of its own with no network.

The pages are plain: neither the book's theme nor its scripts help. `test_figures_in_book.py` looks
at the same figures in the built book.
"""

from __future__ import annotations

import json
import random
import re

import pytest
import torch
from alone import FIGURES, each_figure, number, results, written
from playwright.sync_api import Locator, Page, expect

from utils.accounting import account, break_even, convolution_cost, module_costs, reduced_cost
from utils.blocks import InceptionSpec
from utils.figures import (
    bottleneck_calculator,
    build_a_module,
    gradient_steps,
    network_map,
    sliding_window,
)
from utils.googlenet import INPUTS, MODULES, googlenet
from utils.interactive import Interactive

BROKEN = """export default { render() { throw new Error("no such channel"); } };"""
LATE = """export default { render({ model, el }) {
  const button = document.createElement("button");
  button.textContent = "More";
  button.onclick = () => model.set("n", model.get("n") + 1);
  model.on("change:n", () => { throw new Error("too many channels"); });
  el.append(button);
} };"""
HOSTILE = """* { color: red !important; font: 40px serif !important; }
div, input, table, svg { display: none !important; } label { float: left; width: 5px; }"""
# As JupyterLab shows HTML: set it, and, where the notebook is trusted, make its scripts anew.
LAB = """<div id="output"></div><script>
const output = document.getElementById("output");
output.innerHTML = {html};
if ({trusted}) for (const old of output.querySelectorAll("script")) {{
  const script = document.createElement("script");
  for (const a of old.attributes) script.setAttribute(a.name, a.value);
  script.textContent = old.textContent;
  old.replaceWith(script);
}}</script>"""


# Numbers


def check_bottleneck(page: Page, c_in: int, c_red: int, c_out: int, k: int, size: tuple) -> None:
    direct = convolution_cost(c_in, c_out, kernel_size=k, size=size)
    reduced = reduced_cost(c_in, c_red, c_out, kernel_size=k, size=size)
    even = break_even(c_in, c_out, kernel_size=k)
    found = results(page)
    assert (found["direct"], found["direct_macs"]) == direct
    assert (found["reduced"], found["reduced_macs"]) == reduced
    assert found["break_even"] == pytest.approx(even, rel=1e-12)
    for name, value in zip(("direct", "direct_macs"), direct, strict=True):
        assert written(page, name) == value
    for name, value in zip(("reduced", "reduced_macs"), reduced, strict=True):
        assert written(page, name) == value
    assert written(page, "reduce") + written(page, "convolve") == reduced.parameters
    saving = float(page.locator('[data-name="saving"]').inner_text().replace(",", ""))
    assert saving == pytest.approx(direct.parameters / reduced.parameters, abs=0.005 + 1e-9)
    shown = float(page.locator('[data-name="break_even"]').inner_text().replace(",", ""))
    assert shown == pytest.approx(even, abs=0.05 + 1e-9)
    said = page.get_by_role("status").inner_text()
    assert f"{reduced.parameters:,} weights instead of {direct.parameters:,}" in said
    if reduced.parameters == direct.parameters:
        assert said.startswith("The reduction neither saves nor costs")
    else:
        saves = reduced.parameters < direct.parameters
        assert saves == (c_red < even)
        assert said.startswith("The reduction saves:" if saves else "The reduction costs more:")


def test_bottleneck_equals_python_for_every_preset(show) -> None:
    page = show(bottleneck_calculator()).page
    for name, spec in MODULES.items():
        c_in, *size = INPUTS[name]
        for k, c_red, c_out in (
            (3, spec.reduce3x3, spec.conv3x3),
            (5, spec.reduce5x5, spec.conv5x5),
        ):
            page.get_by_label("Preset").select_option(f"{name} {k}")
            check_bottleneck(page, c_in, c_red, c_out, k, size)


def test_bottleneck_equals_python_for_typed_numbers(show) -> None:
    page = show(bottleneck_calculator()).page
    draw = random.Random(1)
    settings = [(2, 1, 1, 1, (1, 1)), (1024, 1024, 1024, 7, (224, 224)), (4, 2, 4, 1, (3, 5))]
    for _ in range(22):
        c_in = draw.randint(2, 1024)
        settings.append(
            (c_in, draw.randint(1, c_in), draw.randint(1, 1024), draw.choice((1, 3, 5, 7)),
             (draw.randint(1, 224), draw.randint(1, 224)))
        )  # fmt: skip
    for c_in, c_red, c_out, k, size in settings:
        number(page, "Input channels C_in").fill(str(c_in))
        number(page, "Reduced channels C_red").fill(str(c_red))
        number(page, "Output channels C_out").fill(str(c_out))
        page.get_by_role("radio", name=str(k), exact=True).check()
        for side, value in zip(("height", "width"), size, strict=True):
            page.get_by_label(f"Feature map {side} in pixels").fill(str(value))
        check_bottleneck(page, c_in, c_red, c_out, k, size)


def check_module(page: Page, in_channels: int, spec: InceptionSpec, size: tuple) -> None:
    found = results(page)
    for form, prefix, key in ((spec, "", "now"), (spec.naive(), "naive.", "naive")):
        costs = module_costs(in_channels, form, size=size)
        for branch, cost in {**costs, "all": sum(costs.values())}.items():
            assert found[key]["parameters"][branch] == cost.parameters
            assert found[key]["macs"][branch] == cost.macs
            assert written(page, f"{prefix}parameters.{branch}") == cost.parameters
            assert written(page, f"{prefix}macs.{branch}") == cost.macs
        channels = form.out_channels(in_channels)
        assert found[key]["channels"]["all"] == channels
        assert written(page, f"{prefix}channels.all") == channels
        assert sum(written(page, f"{prefix}channels.{b}") for b in costs) == channels
    said = page.get_by_role("status").inner_text()
    assert f"{in_channels:,} channels in, {spec.out_channels(in_channels):,} out" in said


def test_module_equals_python_for_every_preset_and_its_naive_form(show) -> None:
    page = show(build_a_module()).page
    for name, spec in MODULES.items():
        in_channels, *size = INPUTS[name]
        page.get_by_label("Preset").select_option(name)
        check_module(page, in_channels, spec, size)
        page.get_by_role("button", name="Make it naive").click()
        check_module(page, in_channels, spec.naive(), size)
        page.get_by_role("button", name="Make it naive").click()
        check_module(page, in_channels, spec, size)


def test_module_equals_python_for_typed_numbers(show) -> None:
    page = show(build_a_module()).page
    draw = random.Random(2)
    boxes = {
        "reduce3x3": "3×3 branch: reduce",
        "reduce5x5": "5×5 branch: reduce",
        "pool_proj": "pool branch: project",
    }
    labels = boxes | {
        "conv1x1": "1×1 branch: filters",
        "conv3x3": "3×3 branch: filters",
        "conv5x5": "5×5 branch: filters",
    }
    for turn in range(20):
        numbers = {name: draw.randint(1, 512) for name in labels}
        numbers |= {name: None for name in boxes if draw.random() < 0.3}
        if turn == 0:
            numbers = dict.fromkeys(labels, 1)
        in_channels, size = draw.randint(1, 1024), (draw.randint(1, 224), draw.randint(1, 224))
        number(page, "Input channels").fill(str(in_channels))
        for side, value in zip(("height", "width"), size, strict=True):
            page.get_by_label(f"Feature map {side} in pixels").fill(str(value))
        for name, label in labels.items():
            if name in boxes:
                box = page.get_by_label(f"{label} with a 1×1 convolution")
                box.set_checked(numbers[name] is not None)
            if numbers[name] is not None:
                number(page, label).fill(str(numbers[name]))
        check_module(page, in_channels, InceptionSpec(**numbers), size)


@pytest.mark.parametrize("variant", ["paper", "torchvision"])
def test_the_map_equals_python_at_every_stage(show, variant) -> None:
    with torch.device("meta"):
        counted = account(googlenet(variant, aux_heads=False))
    page = show(network_map(variant=variant)).page
    sums = {"parameters": 0, "macs": 0}
    for option in page.get_by_label("Stage", exact=True).locator("option:not([value=''])").all():
        name = option.get_attribute("value")
        page.get_by_label("Stage", exact=True).select_option(name)
        found = results(page)
        for kind in sums:
            assert written(page, kind) == found[kind]
            assert written(page, f"{kind}.total") == getattr(counted, kind)
            share = page.locator(f'[data-name="{kind}.share"]').inner_text()
            assert float(share[:-1]) == pytest.approx(
                100 * found[kind] / getattr(counted, kind), abs=0.05 + 1e-9
            )
            sums[kind] += found[kind]
        said = page.get_by_role("status").inner_text()
        low, high = found["rf"]
        assert (f"sees {low} pixels" if low == high else f"sees {low} to {high} pixels") in said
        if name in MODULES:
            own = counted.stages.loc[f"inception{name}"]
            for kind in sums:
                assert found[kind] == own[kind]
            channels, height, width = own["output"]
            assert found["rf"] == [own["rf_min"], own["rf_max"]]
            assert f"{channels:,} of {height} × {width} out" in said
            assert f"{own['parameters']:,} parameters" in said
    assert sums == {"parameters": counted.parameters, "macs": counted.macs}


def test_bars_branches_and_squares_are_to_scale(show) -> None:
    page = show(network_map("4e")).page
    for measure in ("time", "multiply-adds", "parameters"):
        page.get_by_role("radio", name=measure).check()
        kind = {"multiply-adds": "macs"}.get(measure, measure)
        for name in ("conv2", "3b", "5b"):
            page.get_by_label("Stage", exact=True).select_option(name)
            found = results(page)
            at = list(
                page.get_by_label("Stage", exact=True).locator("option:not([value=''])").all()
            )
            at = [option.get_attribute("value") for option in at].index(name)
            heights = page.locator("svg.chart").evaluate(
                """(svg, at) => [...svg.querySelectorAll("rect:not(.hit, .chosen)")]
                  .slice(4 * at, 4 * at + 4).map((e) => +e.getAttribute("height"))""",
                at,
            )
            whole = sum(heights) / found["shares"][kind]
            if name == "conv2":
                scale = whole
            assert whole == pytest.approx(scale, rel=0.02)  # heights are rounded to 0.1 px
            if kind == "time":  # only the stage's is known, not its branches'
                continue
            parts = [column.get(kind, found[kind]) for column in found["columns"]]
            for height, value in zip(heights, parts, strict=False):
                assert height / sum(heights) == pytest.approx(value / found[kind], abs=0.01)
    widths = page.locator("rect").evaluate_all(
        "all => all.map((e) => [e.className.baseVal, +e.getAttribute('width')])"
    )
    squares = {name: width for name, width in widths if name in ("narrowest", "widest")}
    low, high = results(page)["rf"]
    assert squares["widest"] / squares["narrowest"] == pytest.approx(high / low, rel=0.01)
    photo = float(page.locator("image").get_attribute("width"))
    assert squares["widest"] / photo == pytest.approx(high / 224, rel=0.01)


def test_the_sliding_window_computes_a_convolution(show) -> None:
    picture = torch.tensor([[1, 0, 2, 5, 1], [0, 3, 1, 0, 2], [4, 1, 0, 2, 1], [0, 2, 2, 1, 3]])
    weights = torch.tensor([[0, -1, 0], [0.5, 2, -0.125], [0, 1, 0]])
    page = show(sliding_window(picture, weights)).page
    truth = torch.conv2d(picture[None, None].float(), weights[None, None])[0, 0].flatten()
    for step, answer in enumerate(truth.tolist(), 1):
        number(page, "Window").fill(str(step))
        assert results(page)["answer"] == pytest.approx(answer)
        texts = page.locator(".answers text").all_text_contents()
        assert sum(text != "" for text in texts) == step
    seen = page.locator(".seen").bounding_box()
    for column, row, step in ((0, 0, 1), (2, 1, 2), (4, 3, 6), (1, 2, 4)):
        x, y = ((n + 0.5) / of for n, of in ((column, 5), (row, 4)))
        page.mouse.click(seen["x"] + x * seen["width"], seen["y"] + y * seen["height"])
        page.wait_for_timeout(60)
        assert results(page)["step"] == step
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    assert results(page)["step"] == 5


def test_the_map_obeys_pointer_and_keyboard(show) -> None:
    page = show(network_map("conv1")).page
    box = page.locator("svg.chart").bounding_box()
    column = box["width"] / 17
    middle = box["y"] + 120
    page.mouse.click(box["x"] + 5.5 * column, middle)
    assert results(page)["stage"] == "3b"
    page.mouse.move(box["x"] + 5.5 * column, middle)
    page.mouse.down()
    seen = []
    for at in (7.5, 16.9, 25, -5):
        page.mouse.move(box["x"] + at * column, middle)
        seen.append(results(page)["stage"])
    page.mouse.up()
    assert seen == ["4a", "linear", "linear", "conv1"]
    slider = page.get_by_label("Stage, from image to scores")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert results(page)["stage"] == "3a"
    assert slider.get_attribute("aria-valuetext") == "module 3a"
    page.keyboard.press("End")
    assert results(page)["stage"] == "linear"
    thumb = box["x"] + 16.5 * column  # the slider's thumb stands under its column
    own = slider.bounding_box()
    assert own["x"] + own["width"] - 11 == pytest.approx(thumb, abs=1)


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_label_of_the_map_covers_another(show, width) -> None:
    page = show(network_map(), width=width).page
    pick = page.get_by_label("Stage", exact=True)
    names = [o.get_attribute("value") for o in pick.locator("option:not([value=''])").all()]
    for measure in ("time", "parameters", "multiply-adds"):
        page.get_by_role("radio", name=measure).check()
        for name in names:
            pick.select_option(name)
            assert page.evaluate(OVERLAPS) == [], (measure, name)


@pytest.mark.parametrize("width", [390, 780])
def test_nothing_jumps_while_the_stages_go_by(show, width) -> None:
    page = show(network_map("conv1"), width=width).page
    slider = page.get_by_label("Stage, from image to scores")
    slider.focus()
    seen = set()
    for _ in range(17):
        seen.add(round(page.locator(".stage").bounding_box()["height"]))
        page.keyboard.press("ArrowRight")
    assert results(page)["stage"] == "linear"
    assert len(seen) == 1


def test_a_figure_starts_where_python_says(show) -> None:
    spec = InceptionSpec(
        conv1x1=7, reduce3x3=None, conv3x3=300, reduce5x5=5, conv5x5=64, pool_proj=None
    )
    page = show(build_a_module(100, spec, size=(9, 11))).page
    check_module(page, 100, spec, (9, 11))
    assert page.get_by_label("Preset").input_value() == ""
    page = show(bottleneck_calculator(64, 20, 30, 7, size=(9, 11))).page
    check_bottleneck(page, 64, 20, 30, 7, (9, 11))
    page = show(network_map("5a", measure="parameters", variant="torchvision")).page
    found = results(page)
    assert [found[name] for name in ("stage", "measure", "variant")] == [
        "5a", "parameters", "torchvision",
    ]  # fmt: skip
    assert page.get_by_role("radio", name="torchvision").is_checked()


# Mouse and keyboard


def test_the_curve_can_be_dragged(show) -> None:
    page = show(bottleneck_calculator()).page
    box = page.locator("svg.curve").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 40, middle)
    page.mouse.down()
    seen = []
    for part in (0.25, 0.5, 0.75, 2.0, -1.0):
        page.mouse.move(box["x"] + part * box["width"], middle)
        seen.append(int(number(page, "Reduced channels C_red").input_value()))
    page.mouse.up()
    assert seen == [*sorted(seen[:3]), 192, 1]
    assert abs(seen[1] - 96) <= 2
    page.mouse.move(box["x"] + 100, middle)  # released: nothing moves any more
    assert number(page, "Reduced channels C_red").input_value() == "1"


def test_the_point_stands_over_the_sliders_thumb(show) -> None:
    page = show(bottleneck_calculator()).page
    point = page.locator("circle.point").bounding_box()
    centre = point["x"] + point["width"] / 2
    slider = page.get_by_label("Reduced channels Cred", exact=True)
    box = slider.bounding_box()
    thumb = box["x"] + 11 + (16 - 1) / (192 - 1) * (box["width"] - 22)
    assert centre == pytest.approx(thumb, abs=1)


@pytest.mark.parametrize(
    ("make", "label"),
    [
        (bottleneck_calculator, "Input channels Cin"),
        (bottleneck_calculator, "Reduced channels Cred"),
        (bottleneck_calculator, "Output channels Cout"),
        (build_a_module, "Input channels"),
        (build_a_module, "1×1 branch: filters"),
        (build_a_module, "3×3 branch: reduce"),
        (build_a_module, "pool branch: project"),
    ],
)
def test_a_slider_obeys_keyboard_and_mouse(show, make, label) -> None:
    page = show(make()).page
    slider = page.get_by_label(label, exact=True)
    start, before = int(slider.input_value()), results(page)
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert int(slider.input_value()) == start + 1
    assert results(page) != before
    page.keyboard.press("ArrowLeft")
    assert results(page) == before
    page.keyboard.press("Home")
    assert slider.input_value() == slider.get_attribute("min")
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    assert int(slider.input_value()) > start


@each_figure
def test_every_control_is_reached_by_tab_and_shows_the_focus(show, name) -> None:
    page = show(FIGURES[name]()).page
    controls = page.locator(".stage :is(input, select, button):visible")
    radios = page.locator(".stage input[type=radio]:visible")
    groups = set(radios.evaluate_all("all => all.map((e) => e.name)"))
    want = controls.count() - radios.count() + len(groups)  # a group of radio buttons is one stop
    seen = set()
    for _ in range(want + 1):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => { let e = document.activeElement;
              while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
              if (!e.matches("input, select, button")) return null;
              const ring = e.type === "radio" ? e.parentElement : e;
              return [e.getAttribute("aria-label") ?? e.id + e.name + e.textContent,
                      getComputedStyle(ring).outlineStyle]; }"""
        )
        if found:
            seen.add(found[0])
            assert found[1] == "solid"
    assert len(seen) == want


def test_radio_buttons_obey_the_arrows(show) -> None:
    page = show(bottleneck_calculator()).page
    page.get_by_role("radio", name="5", exact=True).focus()
    page.keyboard.press("ArrowRight")
    check_bottleneck(page, 192, 16, 32, 7, (28, 28))
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    check_bottleneck(page, 192, 16, 32, 3, (28, 28))


@pytest.mark.parametrize("typed", ["", "0", "-5", "1.5", "100000", "e"])
def test_a_number_that_makes_no_sense_changes_nothing_until_it_is_put_right(show, typed) -> None:
    page = show(bottleneck_calculator()).page
    before = results(page)
    field = number(page, "Output channels C_out")
    field.focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    for letter in typed:
        page.keyboard.press(letter)
    if typed != "1.5" and typed != "100000":  # on the way there it said 1, or 1, 10, 100, 1000
        assert results(page) == before
    assert field.get_attribute("aria-invalid") == "true"
    page.keyboard.press("Tab")
    assert field.get_attribute("aria-invalid") is None
    value = int(field.input_value())
    assert 1 <= value <= 1024
    check_bottleneck(page, 192, 16, value, 5, (28, 28))


def test_fewer_inputs_than_reduced_channels(show) -> None:
    """The reduction never exceeds the input, whose channels are its slider's end."""
    page = show(bottleneck_calculator()).page
    number(page, "Reduced channels C_red").fill("150")
    number(page, "Input channels C_in").fill("100")
    check_bottleneck(page, 100, 100, 32, 5, (28, 28))
    assert page.get_by_label("Reduced channels Cred", exact=True).get_attribute("max") == "100"


def test_the_reduction_comes_back_when_the_input_allows_it(show) -> None:
    """What the reader chose last is remembered, whichever way it was chosen."""
    page = show(bottleneck_calculator()).page
    c_in, c_red = number(page, "Input channels C_in"), number(page, "Reduced channels C_red")
    c_in.fill("4")  # on the way to 480
    assert c_red.input_value() == "4"
    c_in.fill("480")
    check_bottleneck(page, 480, 16, 32, 5, (28, 28))
    c_red.fill("150")
    c_in.fill("100")
    check_bottleneck(page, 100, 100, 32, 5, (28, 28))
    c_in.fill("120")
    check_bottleneck(page, 120, 120, 32, 5, (28, 28))
    c_red.fill("90")
    c_in.fill("50")
    c_in.fill("300")
    check_bottleneck(page, 300, 90, 32, 5, (28, 28))
    page.get_by_label("Preset").select_option("3a 3")
    c_in.fill("50")
    c_in.fill("300")
    check_bottleneck(page, 300, 96, 128, 3, (28, 28))


def test_the_readers_preset_stays_while_the_numbers_fit_it(show) -> None:
    """The 5x5 branches of 4b and 4c have the same numbers."""
    page = show(bottleneck_calculator()).page
    preset, c_out = page.get_by_label("Preset"), number(page, "Output channels C_out")
    for key in ("4c 5", "4b 5", "4c 5"):
        preset.select_option(key)
        assert preset.input_value() == key
    c_out.fill("65")
    assert preset.input_value() == ""
    c_out.fill("64")
    assert preset.input_value() == "4c 5"
    preset.select_option("3a 5")
    assert preset.input_value() == "3a 5"


def test_moving_one_number_changes_only_its_branch(show) -> None:
    page = show(build_a_module()).page

    def look() -> tuple[list[str], list[str]]:
        slabs = page.locator("rect.high, rect.low").all()
        places = [f"{s.get_attribute('x')} {s.get_attribute('width')}" for s in slabs]
        return page.locator("tbody tr").all_inner_texts(), places

    before, drawn = look()
    page.get_by_label("5×5 branch: reduce", exact=True).focus()
    page.keyboard.press("ArrowRight")
    after, redrawn = look()
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, False, True, False]
    assert sum(a != b for a, b in zip(drawn, redrawn, strict=True)) == 1


def test_a_reduction_comes_back_as_it_was(show) -> None:
    page = show(build_a_module()).page
    number(page, "5×5 branch: reduce").fill("20")
    box = page.get_by_label("5×5 branch: reduce with a 1×1 convolution")
    box.uncheck()
    assert number(page, "5×5 branch: reduce").is_disabled()
    box.check()
    assert number(page, "5×5 branch: reduce").input_value() == "20"


# Words


@pytest.mark.parametrize(
    ("numbers", "words", "saving"),
    [
        ((192, 16, 32, 5), "15,872 weights instead of 153,600, 9.7 times fewer.", "9.68"),
        ((100, 91, 100, 3), "91,000 weights instead of 90,000, 1.1% more.", "0.99"),
        ((1024, 479, 100, 3), "921,596 weights instead of 921,600, almost the same.", "almost 1"),
        ((512, 502, 1024, 5), "13,108,224 weights instead of 13,107,200, almost", "almost 1"),
        ((4, 2, 4, 1), "16 weights instead of 16, exactly as many.", "1.00"),
        ((1024, 1024, 1, 1), "1,049,600 weights instead of 1,024, 1,025 times as", "0.00098"),
    ],
)
def test_the_bottleneck_in_words(show, numbers, words, saving) -> None:
    page = show(bottleneck_calculator(*numbers)).page
    assert words in page.get_by_role("status").inner_text()
    assert page.locator('[data-name="saving"]').inner_text() == saving


def test_one_channel_is_no_plural(show) -> None:
    page = show(bottleneck_calculator(2, 1, 1, 1)).page
    names = " ".join(p.get_attribute("aria-label") for p in page.locator("svg").all())
    assert "from 2 to 1 channel," in names
    assert "through 1 channel," in names
    one = InceptionSpec(conv1x1=1, reduce3x3=1, conv3x3=1, reduce5x5=1, conv5x5=1, pool_proj=1)
    page = show(build_a_module(1, one)).page
    assert page.get_by_role("status").inner_text().startswith("Your module: 1 channel in, 4 out,")
    texts = page.locator("svg text").all_text_contents()
    assert {"input: 1 channel, 28 × 28", "output: 4 channels", "1 channel"} <= set(texts)


def test_a_module_almost_equal_to_its_naive_form(show) -> None:
    """The sentence compares the modules, the chart their branches."""
    spec = InceptionSpec(
        conv1x1=64, reduce3x3=98, conv3x3=128, reduce5x5=77, conv5x5=32, pool_proj=32
    )
    page = show(build_a_module(100, spec)).page
    said = page.get_by_role("status").inner_text()
    assert "201,596 weights" in said
    assert "Naive: 201,600 weights, almost the same, and 324 channels out." in said
    number(page, "3×3 branch: reduce").fill("92")
    expect(page.locator(".ratio")).to_have_text(["the same", "almost the same", "÷ 1.2", "extra"])


# Looks


@each_figure
@pytest.mark.parametrize("width", [390, 1280])
def test_accessible(show, name, width, theme) -> None:
    visit = show(FIGURES[name](), theme=theme, width=width)
    page = visit.page
    assert visit.axe() == []
    assert page.get_by_role("group", name=FIGURES[name]().alt).count() == 1
    small = page.evaluate(
        """() => [...document.querySelector("figure > div").shadowRoot
          .querySelectorAll("input, select, button")].filter((e) => e.checkVisibility())
          .map((e) => [e.getAttribute("aria-label") ?? e.id, e.getBoundingClientRect()])
          .filter(([, r]) => r.width < 24 || r.height < 24).map(([n]) => n)"""
    )
    assert small == []


@each_figure
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_sideways_scrolling(show, name, width) -> None:
    page = show(FIGURES[name](), width=width).page
    if name == "module":
        page.get_by_label("Preset").select_option("5b")
        page.get_by_role("button", name="Make it naive").click()
    elif name == "network":
        page.get_by_label("Stage", exact=True).select_option("5b")
    elif name == "bottleneck":
        number(page, "Input channels C_in").fill("1024")
        number(page, "Output channels C_out").fill("1024")
        number(page, "Reduced channels C_red").fill("1024")
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    outside = page.evaluate(
        """() => { const stage = document.querySelector("figure > div").shadowRoot
            .querySelector(".stage"), edge = stage.getBoundingClientRect();
          return [...stage.querySelectorAll("*")].filter((e) => {
            const r = e.getBoundingClientRect();
            return r.width && (r.right > edge.right + .5 || r.left < edge.left - .5);
          }).map((e) => e.outerHTML.slice(0, 80)); }"""
    )
    assert outside == []


OVERLAPS = """() => [...document.querySelector("figure > div").shadowRoot.querySelectorAll("svg")]
  .flatMap((svg) => {
    const texts = [...svg.querySelectorAll("text")].filter((e) => e.textContent)
      .map((e) => [e.textContent, e.getBoundingClientRect()]);
    return texts.flatMap(([one, r], i) => texts.slice(i + 1)
      .filter(([, s]) => Math.min(r.right, s.right) > Math.max(r.left, s.left)
        && Math.min(r.bottom, s.bottom) > Math.max(r.top, s.top) + 3)  // the line, not the letters
      .map(([other]) => `${one} | ${other}`));
  })"""


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_label_of_the_bottleneck_covers_another(show, width) -> None:
    page = show(bottleneck_calculator(), width=width).page
    draw = random.Random(3)
    for _ in range(50):
        c_in = draw.choice((2, 3, 16, 192, 832, 1024))
        c_red, c_out = draw.randint(1, c_in), draw.choice((1, 2, 30, 384, 1024))
        number(page, "Input channels C_in").fill(str(c_in))
        number(page, "Reduced channels C_red").fill(str(c_red))
        number(page, "Output channels C_out").fill(str(c_out))
        page.get_by_role("radio", name=draw.choice("1357"), exact=True).check()
        assert page.evaluate(OVERLAPS) == [], (c_in, c_red, c_out)


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_label_of_the_module_covers_another(show, width) -> None:
    page = show(build_a_module(), width=width).page
    naive = page.get_by_role("button", name="Make it naive")
    for name in MODULES:
        page.get_by_label("Preset").select_option(name)
        assert page.evaluate(OVERLAPS) == [], name
        naive.click()
        assert page.evaluate(OVERLAPS) == [], f"{name}, naive"
    naive.click()
    draw = random.Random(3)
    labels = [f"{b} branch: filters" for b in ("1×1", "3×3", "5×5")]
    labels += [f"{b} branch: reduce" for b in ("3×3", "5×5")] + ["pool branch: project"]
    for turn in range(20):
        numbers = [draw.choice((1, 16, 100, 512)) for _ in range(7)]
        numbers = {0: [1] * 7, 1: [512] * 7}.get(turn, numbers)
        for label, value in zip([*labels, "Input channels"], numbers, strict=True):
            number(page, label).fill(str(value))
        assert page.evaluate(OVERLAPS) == [], numbers


@pytest.mark.parametrize("width", [390, 760])
@pytest.mark.parametrize(
    ("make", "label", "values"),
    [
        (bottleneck_calculator, "Reduced channels C_red", (1, 20, 154, 155, 192)),
        (bottleneck_calculator, "Input channels C_in", (2, 16, 192, 500, 1024)),
        (bottleneck_calculator, "Output channels C_out", (1, 16, 192, 500, 1024)),
        (build_a_module, "3×3 branch: filters", (1, 16, 192, 333, 512)),
        (build_a_module, "Input channels", (1, 16, 192, 500, 1024)),
        (build_a_module, "3×3 branch: reduce", (1, 16, 163, 182, 512)),
    ],
)
def test_nothing_jumps_while_a_number_moves(show, make, label, values, width) -> None:
    page = show(make(), width=width).page
    places = """() => [...document.querySelector("figure > div").shadowRoot
      .querySelectorAll("input, select, svg, table, .summary")]
      .map((e) => { const r = e.getBoundingClientRect(); return [r.x, r.y, r.width]; })"""
    seen = []
    for value in values:
        number(page, label).fill(str(value))
        seen.append(page.evaluate(places))
    for one in seen[1:]:
        assert flat(one) == pytest.approx(flat(seen[0]), abs=0.51)


def flat(places: list[list[float]]) -> list[float]:
    return [value for place in places for value in place]


def paper(page: Page, copy: int = 0) -> str:
    stage = page.locator(".stage").nth(copy)
    return stage.evaluate("(e) => getComputedStyle(e).backgroundColor")


WHITE, DARK = "rgb(255, 255, 255)", "rgb(27, 33, 43)"


@each_figure
def test_follows_the_books_theme_live(show, name) -> None:
    page = show(FIGURES[name]()).page
    for theme, colour in (("dark", DARK), ("light", WHITE), ("dark", DARK)):
        page.evaluate("(t) => { document.documentElement.dataset.theme = t }", theme)
        page.wait_for_timeout(50)
        assert paper(page) == colour


def test_follows_jupyterlab_colab_vscode_and_the_system(show) -> None:
    page = show(bottleneck_calculator(), html="", body_tag='data-jp-theme-light="false"').page
    assert paper(page) == DARK
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    page.wait_for_timeout(50)
    assert paper(page) == WHITE
    page.evaluate("document.documentElement.setAttribute('theme', 'dark')")  # Colab
    page.wait_for_timeout(50)
    assert paper(page) == DARK
    page = show(bottleneck_calculator(), html="", body_tag='class="vscode-dark"').page
    assert paper(page) == DARK
    page = show(bottleneck_calculator(), html="", theme="dark").page
    assert paper(page) == DARK
    page.emulate_media(color_scheme="light")
    page.wait_for_timeout(50)
    assert paper(page) == WHITE


def test_prints_on_white_without_sliders(show) -> None:
    page = show(build_a_module(), theme="dark").page
    page.emulate_media(media="print")
    assert paper(page) == WHITE
    assert not page.locator("input[type=range]").first.is_visible()
    assert page.locator("svg").first.is_visible()


def test_moves_only_where_motion_is_wanted(show) -> None:
    """The fixture asks for less motion; without that wish a preset glides into place."""
    page = show(build_a_module()).page
    seconds = "(e) => getComputedStyle(e).transitionDuration"
    page.get_by_label("Preset").select_option("5b")
    assert page.locator("rect.high").first.evaluate(seconds) == "0s"
    page.emulate_media(reduced_motion="no-preference")
    page.get_by_label("Preset").select_option("3a")
    assert "0.35s" in page.locator("rect.high").first.evaluate(seconds)


@each_figure
def test_the_pages_style_does_not_reach_the_figure(show, name) -> None:
    plain = show(FIGURES[name]()).page.locator(".stage").bounding_box()
    style = HOSTILE + "main, main > figure, figure > div { display: block !important; }"
    page = show(FIGURES[name](), style=style).page
    inside = page.locator(".stage")
    assert inside.locator("input").first.is_visible()
    assert inside.evaluate("(e) => getComputedStyle(e).color") == "rgb(28, 36, 48)"
    assert inside.bounding_box()["width"] == pytest.approx(plain["width"], abs=1)


# Hosts


def change(stage: Locator) -> None:
    """Choose something else in a figure's menu, or, where it has none, in its field or slider."""
    if stage.get_by_label("One channel").count():  # which has the slider
        stage.get_by_label("One channel").check()
    if stage.locator("select").count():
        stage.locator("select").first.select_option(index=4)
    else:
        stage.locator("input[type=number], input[type=range]").first.fill("5")


@each_figure
def test_two_copies_on_a_page_are_independent(show, name) -> None:
    figure = FIGURES[name](key="here")
    visit = show(figure, figure, FIGURES["module"](key="other"))
    page = visit.page
    before = results(page, 1)
    change(page.locator(".stage").nth(0))
    assert results(page, 0) != before
    assert results(page, 1) == before
    change(page.locator(".stage").nth(1))
    assert results(page, 1) == results(page, 0)
    names = page.evaluate(
        """() => { const trees = [];
          const walk = (root) => {
            trees.push([...root.querySelectorAll("[id]")].map((e) => e.id));
            for (const e of root.querySelectorAll("*")) if (e.shadowRoot) walk(e.shadowRoot);
          };
          walk(document); return trees; }"""
    )
    assert (
        len(names) == 4
    )  # the page, and a shadow tree of each figure, where its names are its own
    assert all(len(tree) == len(set(tree)) for tree in names)
    assert names[0] == ["here", "other"]
    assert visit.axe() == []


@each_figure
def test_without_scripts_the_numbers_are_there(show, name, chromium, figures_url) -> None:
    show(FIGURES[name]())
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{figures_url}/page.html")
    assert page.get_by_role("table").is_visible()
    numbers = {
        "bottleneck": "15,872",
        "costs": "61,100,840",
        "few": "last two modules",
        "flow": "16 to 47",
        "gradients": re.search("<td>(.+?)</td>", gradient_steps().fallback)[1],
        "lens": "+0.163",
        "live": "14 × 14",
        "module": "163,328",
        "network": "6,998,552",
        "pooling": "moved by 6 px",
        "training": re.search("<td>(.+?)</td>", FIGURES["training"]().fallback)[1],
        "window": "8",
    }
    assert page.get_by_text(numbers[name], exact=True).first.is_visible()
    context.close()


@each_figure
def test_in_jupyterlab(show, name) -> None:
    html = json.dumps(FIGURES[name]()._repr_html_()).replace("</", "<\\/")
    page = show(LAB.format(html=html, trusted="true")).page
    before = results(page)
    change(page.locator(".stage"))
    assert results(page) != before


@each_figure
def test_jupyterlab_leaves_the_keys_to_the_figure(show, name) -> None:
    """It sees the host of the shadow tree as the one that is typed at: there the mark stands."""
    page = show(FIGURES[name]()).page
    page.locator(".stage input").first.focus()
    assert page.evaluate("document.activeElement.hasAttribute('data-lm-suppress-shortcuts')")


@each_figure
def test_in_an_untrusted_notebook(show, name) -> None:
    html = json.dumps(FIGURES[name]()._repr_html_()).replace("</", "<\\/")
    page = show(LAB.format(html=html, trusted="false"), ready=False).page
    page.wait_for_timeout(300)
    assert page.get_by_role("table").is_visible()
    assert page.locator(".stage").count() == 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (BROKEN, "no such channel"),
        ("export default { render( };", "Unexpected token"),
        ("export const a = 1;", "undefined"),
        ("export default { render() { return missing.part; } };", "missing is not defined"),
    ],
)
def test_a_broken_module_says_so(show, source, message) -> None:
    broken = Interactive(source, alt="A figure that breaks", fallback="<p>163,328 weights</p>")
    visit = show(broken, bottleneck_calculator(), ready=False)
    page = visit.page
    said = page.get_by_role("alert")
    expect(said).to_contain_text("This interactive figure stopped working")
    expect(said).to_contain_text(message)
    assert page.get_by_text("163,328 weights").is_visible()
    expect(page.locator("figure[data-ready]")).to_have_count(1)  # the others are well
    assert visit.axe() == []
    assert visit.console  # for who looks for the cause
    visit.console.clear()


FAR = '<div style="height: 3000px"></div>'


def test_a_figure_starts_when_a_reader_comes_near(show) -> None:
    page = show(bottleneck_calculator(), FAR, FIGURES["window"](), ready=False).page
    expect(page.locator("figure[data-ready]")).to_have_count(1)
    far = page.locator("figure").last
    assert far.get_by_role("table").count()  # the text alternative
    far.scroll_into_view_if_needed()
    expect(far).to_have_attribute("data-ready", "", timeout=2500)


@pytest.mark.parametrize(
    "without", ["delete globalThis.IntersectionObserver", "delete globalThis.requestIdleCallback"]
)
def test_a_figure_nobody_comes_near_starts_when_the_page_is_at_rest(show, without) -> None:
    taken = f"<script>{without}</script>"
    page = show(taken, FAR, bottleneck_calculator(), ready=False).page
    expect(page.locator("figure[data-ready]")).to_have_count(1, timeout=10_000)


def test_a_module_that_breaks_later_says_so(show) -> None:
    visit = show(Interactive(LATE, alt="A figure that breaks later", n=1))
    visit.page.get_by_role("button").click()
    expect(visit.page.get_by_role("alert")).to_contain_text("too many channels")
    assert visit.page.get_by_text("A figure that breaks later").is_visible()
    visit.console.clear()


WIDGET = """<div id="cell"></div><script type="module">
const state = {state}, listeners = {{}}, saved = [];
const model = {{ // what anywidget's and marimo's models have in common: one name at a time
  get: (name) => state[name],
  set(name, value) {{
    if (typeof name !== "string") throw new Error("one name at a time");
    state[name] = value;
    for (const f of listeners["change:" + name] ?? []) f();
  }},
  on: (name, f) => (listeners[name] ??= []).push(f),
  off: (name, f) => {{ listeners[name] = (listeners[name] ?? []).filter((g) => g !== f); }},
  save_changes: () => saved.push(structuredClone(state)),
}};
Object.assign(window, {{ model, saved, listeners }});
const file = new Blob([{source}], {{ type: "text/javascript" }});
const {{ render }} = (await import(URL.createObjectURL(file))).default;
window.stop = render({{ model, el: document.getElementById("cell") }});
</script>"""


def test_as_a_widget(show) -> None:
    """The module follows the model's changes, sends its own, and can be taken down."""
    figure = bottleneck_calculator()
    source, state = (json.dumps(x).replace("<", "\\u003c") for x in (figure.source, figure.state))
    visit = show(WIDGET.format(source=source, state=state))
    page = visit.page
    page.evaluate("model.set('c_red', 64)")  # as when Python sets the trait
    check_bottleneck(page, 192, 64, 32, 5, (28, 28))
    page.get_by_label("Preset").select_option("5b 3")
    check_bottleneck(page, 832, 192, 384, 3, (7, 7))
    saved = page.evaluate("saved.at(-1)")
    assert (saved["c_in"], saved["c_red"], saved["c_out"], saved["size"]) == (832, 192, 384, [7, 7])
    assert page.get_by_role("group", name="Bottleneck calculator", exact=True).count() == 1
    assert page.locator("#cell[data-lm-suppress-shortcuts]").count() == 1
    assert visit.axe() == []
    page.evaluate("stop()")
    assert page.evaluate("Object.values(listeners).flat().length") == 0
