"""Four chapters as notebooks in a real JupyterLab: cells are run, and what they show is moved.

Of each chapter its own cells, as far as its control needs them. The training sees few images, and
nobody asks for ImageNet's weights.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import jupytext
import nbformat
import pytest
import test_jupyterlab
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from test_jupyterlab import lab, opened, ready  # noqa: F401
from visits import ROOT

from utils import data

#: Chapter -> text of the cells that are run, in order, and what replaces a text of the chapter.
RUN = {
    "07_training": ("figures.training_film(",),
    "08_classify_images": ('load("colour-googlenet")\nphoto', "Classifier(imagenet or trained)"),
    "09_looking_inside": ('load("colour-googlenet")', "figures.live_network("),
    "10_compare_networks": (
        "shown = {}\nfor n, i in enumerate(experiment.quarrels",
        "figures.cost_and_accuracy(",
        "def p_value(",
        "ex.test.check(",
    ),
}
CHANGED = {
    "Recipe(epochs=3,": "Recipe(epochs=3, max_images=2_560,",
    "imagenet or trained": "trained",
    "# only the one is right\n    return ...": "\n    return first / len(right)",
}


def chapter(name: str) -> nbformat.NotebookNode:
    """The chapter as its file has it, as a notebook with names for the cells that are run."""
    made = jupytext.read(ROOT / "chapters" / f"{name}.md")
    for number, cell in enumerate(made.cells):
        cell.id = f"cell-{number}"
    for number, text in enumerate(RUN[name]):
        (found,) = [c for c in made.cells if c.cell_type == "code" and text in c.source]
        for old, new in CHANGED.items():
            found.source = found.source.replace(old, new)
        found.id, found.metadata = f"run-{number}", {}
    return made


@pytest.fixture(scope="module", autouse=True)
def own_notebooks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            test_jupyterlab, "notebooks", lambda: {f"{name}.ipynb": chapter(name) for name in RUN}
        )
        yield


WAIT = 180_000  # ms: a kernel imports torch, on a machine that may be busy


@pytest.fixture
def page(own_notebooks: None, lab: str, chromium: Browser) -> Iterator[Page]:  # noqa: F811
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    yield page
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    context.close()


def run(page: Page, name: str) -> Locator:
    """Run a cell, and return it."""
    cell = opened(page, name)
    page.evaluate("jupyterapp.commands.execute('notebook:run-cell')")
    return cell


#: Notes what each drawing of the screen and of the bar says, however briefly it is there.
WATCH = """() => {
  globalThis.drawn = new Set();
  globalThis.steps = new Set();
  new MutationObserver(() => {
    for (const label of document.querySelectorAll(".widget-hbox .widget-label")) {
      const said = label.textContent.match(/[\\d,]+/g) ?? [];
      const [done, of] = said.map((n) => +n.replaceAll(",", ""));
      if (of) steps.add(done / of);
    }
    for (const picture of document.querySelectorAll("svg[role=img][aria-label^='A network']"))
      drawn.add(picture.getAttribute("aria-label"));
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
}"""


def test_a_training_is_watched_and_its_film_is_moved(page: Page, lab: str) -> None:  # noqa: F811
    ready(page, f"{lab}/07_training.ipynb")
    page.evaluate(WATCH)
    film = run(page, "run-0")
    page.wait_for_function("steps.has(1)", timeout=WAIT)
    steps = page.evaluate("[...steps]")
    assert len(steps) > 2
    assert steps == sorted(steps)
    assert page.evaluate("drawn.size") > 1
    slider = film.get_by_label("Moment of the training")
    expect(slider).to_be_visible(timeout=WAIT)
    stage = film.locator(".stage")
    before = stage.get_attribute("data-results")
    slider.focus()
    page.keyboard.press("End")
    expect(stage).not_to_have_attribute("data-results", before, timeout=WAIT)
    expect(film.get_by_role("status").first).to_contain_text("2,560 images", timeout=WAIT)


def test_a_picture_is_chosen_and_named(page: Page, lab: str) -> None:  # noqa: F811
    ready(page, f"{lab}/08_classify_images.ipynb")
    run(page, "run-0")
    cell = run(page, "run-1")
    button = cell.get_by_role("button", name="Choose a picture")
    button.wait_for(timeout=WAIT)
    for name in ("rocket", "coffee"):
        file = io.BytesIO()
        Image.fromarray(data.photograph(name)).save(file, "PNG")
        with page.expect_file_chooser() as chooser:
            button.click()
        given = {"name": "a.png", "mimeType": "image/png", "buffer": file.getvalue()}
        chooser.value.set_files(given)
        expect(cell.locator("tr").first).to_contain_text(name, timeout=WAIT)
    expect(cell.locator("tr")).to_have_count(5)


def test_branches_of_the_live_network_are_switched(page: Page, lab: str) -> None:  # noqa: F811
    ready(page, f"{lab}/09_looking_inside.ipynb")
    run(page, "run-0")
    cell = run(page, "run-1")
    verdict = cell.locator(".verdict")
    expect(verdict).to_contain_text("%", timeout=WAIT)
    first = verdict.inner_text()
    branches = cell.get_by_role("group", name="Branches of all modules")
    for branch in ("3×3", "1×1"):
        branches.get_by_label(branch).uncheck()
    expect(verdict).not_to_have_text(first, timeout=WAIT)
    for branch in ("3×3", "1×1"):
        branches.get_by_label(branch).check()
    expect(verdict).to_have_text(first, timeout=WAIT)


def test_networks_are_chosen_and_an_answer_is_checked(page: Page, lab: str) -> None:  # noqa: F811
    ready(page, f"{lab}/10_compare_networks.ipynb")
    run(page, "run-0")
    figure = run(page, "run-1").locator("figure")
    figure.get_by_label("Cost", exact=True).select_option("time")
    figure.get_by_label("Network", exact=True).focus()
    page.keyboard.press("Home")
    said = figure.get_by_role("status").first
    expect(said).to_contain_text("AlexNet", timeout=WAIT)
    expect(said).to_contain_text("times GoogLeNet’s time", timeout=WAIT)
    run(page, "run-2")
    verdict = run(page, "run-3").locator(".jp-OutputArea")
    expect(verdict).to_contain_text("Wrong", timeout=WAIT)
    expect(verdict).to_contain_text("eight tosses", timeout=WAIT)
