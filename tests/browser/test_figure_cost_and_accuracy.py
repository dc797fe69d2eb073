"""Published networks on axes that the reader chooses, in a browser, against Python's numbers."""

from __future__ import annotations

import pytest
from alone import results
from playwright.sync_api import expect

from utils.experiments.compare_networks import PUBLISHED, published, times
from utils.figures import cost_and_accuracy
from utils.figures.cost_and_accuracy import ACCURACIES, COSTS, WEIGHTS

#: Texts that cover a dot that is shown, or each other, or stand outside of the drawing.
HIDDEN = """() => {
  const svg = document.querySelector("figure > div").shadowRoot.querySelector("svg.scatter");
  const shown = (e) => e.style.display !== "none";
  const inside = (r, s, by) => Math.min(r.right, s.right) > Math.max(r.left, s.left) + by
    && Math.min(r.bottom, s.bottom) > Math.max(r.top, s.top) + by;
  const texts = [...svg.querySelectorAll("text")].filter((e) => shown(e) && e.textContent)
    .map((e) => [e.textContent, e.getBoundingClientRect()]);
  const dots = [...svg.querySelectorAll(".dot")].filter(shown)
    .map((e) => e.getBoundingClientRect());
  const room = svg.getBoundingClientRect();
  return [
    ...texts.flatMap(([one, r], i) => texts.slice(i + 1).filter(([, s]) => inside(r, s, 3))
      .map(([other]) => `${one} | ${other}`)),
    ...texts.filter(([, r]) => dots.some((d) => inside(r, d, 2))).map(([one]) => `${one} on a dot`),
    ...texts.filter(([, r]) => r.left < room.left - 1 || r.right > room.right + 1)
      .map(([one]) => `${one} outside`),
  ]; }"""


def cost_of(name: str, x: str) -> float:
    row = published().loc[name]
    if x in ("time", "last"):
        layout = "channels first" if x == "time" else "channels last"
        return round(times(layout)[row["model"]].mean, 3)
    return row["activation_bytes" if x == "activations" else x]


def front_of(names: list[str], x: str, y: str) -> set[str]:
    """From the cheapest to the dearest, who is right more often than all before."""
    table, found, best = published(), set(), -1.0
    for name in sorted(names, key=lambda name: (cost_of(name, x), -table.loc[name, y])):
        if table.loc[name, y] > best:
            found.add(name)
            best = table.loc[name, y]
    return found


@pytest.mark.parametrize("x", COSTS)
def test_points_and_front_are_those_of_python(show, x) -> None:
    page = show(cost_and_accuracy()).page
    page.get_by_label("Cost", exact=True).select_option(x)
    table = published()
    for y, name_y in zip(ACCURACIES, ("right at once", "right in five guesses"), strict=True):
        page.get_by_role("radio", name=name_y, exact=True).check()
        for weights, name_w in zip(WEIGHTS, ("all", "older recipe", "new recipe"), strict=True):
            page.get_by_role("radio", name=name_w, exact=True).check()
            found = results(page)
            wanted = [n for n in PUBLISHED if weights in ("all", table.loc[n, "recipe"])]
            assert [point[0] for point in found["points"]] == wanted
            for name, cost, right in found["points"]:
                assert cost == pytest.approx(cost_of(name, x), rel=1e-6)
                assert right == pytest.approx(table.loc[name, y], abs=1e-5)
            assert set(found["front"]) == front_of(wanted, x, y)
            cells = {
                name: page.locator(f'[data-name="{name}.front"]').inner_text() for name in PUBLISHED
            }
            assert {name for name, said in cells.items() if said == "yes"} == set(found["front"])
            assert {n for n, said in cells.items() if said == "not shown"} == {*PUBLISHED} - {
                *wanted
            }


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_label_covers_another_or_a_dot(show, width) -> None:
    page = show(cost_and_accuracy(), width=width).page
    for x in COSTS:
        page.get_by_label("Cost", exact=True).select_option(x)
        for y in ("right at once", "right in five guesses"):
            page.get_by_role("radio", name=y, exact=True).check()
            for weights in ("all", "older recipe", "new recipe"):
                page.get_by_role("radio", name=weights, exact=True).check()
                assert page.evaluate(HIDDEN) == [], (x, y, weights)


def test_a_network_is_chosen_by_menu_and_by_its_point(show) -> None:
    page = show(cost_and_accuracy("parameters", network="VGG16")).page
    said = page.get_by_role("status")
    expect(said).to_contain_text("VGG16: 138.4 million parameters")
    assert "GoogLeNet" not in results(page)["beaten"]  # it is right less often
    assert "ResNet-50" in results(page)["beaten"]
    page.get_by_label("Network", exact=True).focus()
    page.keyboard.press("Home")
    assert results(page)["network"] == "AlexNet"
    expect(said).to_contain_text("No dearer, and right more often: ")
    dots = page.locator(".scatter .dot")
    box = dots.nth(list(PUBLISHED).index("ConvNeXt-Tiny")).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert results(page)["network"] == "ConvNeXt-Tiny"
    expect(said).to_contain_text("It is on the front")
    page.get_by_role("radio", name="older recipe", exact=True).check()
    assert results(page)["beaten"] is None
    expect(said).to_contain_text("not among the weights")


@pytest.mark.parametrize("width", [390, 780])
def test_nothing_jumps_while_axes_change(show, width) -> None:
    page = show(cost_and_accuracy(), width=width).page
    heights = set()
    for x in COSTS:
        page.get_by_label("Cost", exact=True).select_option(x)
        for recipe in ("all", "older recipe", "new recipe"):
            page.get_by_role("radio", name=recipe, exact=True).check()
            for name in PUBLISHED:
                page.get_by_label("Network", exact=True).select_option(name)
                boxes = (page.locator(what).bounding_box() for what in ("svg.scatter", "table"))
                heights.add(tuple(round(box["y"]) for box in boxes))
    assert len(heights) == 1


@pytest.mark.parametrize("width", [390, 1280])
def test_every_axis_has_two_marks_or_more(show, width) -> None:
    page = show(cost_and_accuracy(), width=width).page
    for x in COSTS:
        page.get_by_label("Cost", exact=True).select_option(x)
        for weights in ("all", "older recipe", "new recipe"):
            page.get_by_role("radio", name=weights, exact=True).check()
            lines = page.locator("svg.scatter path.rule[d^='M']")
            upright = [d for d in (e.get_attribute("d") for e in lines.all()) if " V" in d]
            assert len(upright) >= 2, (x, weights)


def test_it_refuses_nonsense_and_says_all_without_scripts() -> None:
    for wrong in ({"x": "price"}, {"y": "top2"}, {"weights": "old"}, {"network": "GPT"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            cost_and_accuracy(**wrong)
    text = cost_and_accuracy().fallback
    for name, row in published().iterrows():
        assert name in text
        assert f"<td>{row['parameters']:,}</td><td>{row['macs']:,}</td>" in text
