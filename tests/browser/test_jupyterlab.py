"""Figures and questions in a real JupyterLab, where the exercises are done: the keys are theirs.

JupyterLab, started here on the loopback, opens a notebook with all of them in it, trusted and run,
as `make lab` shows the chapters. What must not happen: `x` cuts the cell, `b` makes one, `0 0` asks
whether to restart the kernel, or arrows go to another cell.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from alone import FIGURES
from nbformat.sign import NotebookNotary
from playwright.sync_api import Browser, Locator, Page, expect
from visits import ROOT

from utils.exercises.questions import Option, choice, number

OPTIONS = [Option("One", "a"), Option("Two", "b", right=True), Option("Three", "c")]
QUESTIONS = {
    "number": number("How many?", 100, diagnoses={10: "a"}, right="y", otherwise="n"),
    "choice": choice("Which?", OPTIONS),
    "prediction": choice("What will it be?", OPTIONS, prediction=True),
}
CONTROLS = "input, select, button, summary, [tabindex]:not([tabindex='-1'])"
WIDGET = "from utils.figures import bottleneck_calculator\nbottleneck_calculator().widget()"


def notebooks() -> dict[str, nbformat.NotebookNode]:
    """A cell each, its output saved; the last one waits to be run."""
    cells = [nbformat.v4.new_code_cell("0", id="first")]
    for name, made in {**{n: make() for n, make in FIGURES.items()}, **QUESTIONS}.items():
        data = {"text/html": made._repr_html_()}
        shown = nbformat.v4.new_output("display_data", data)
        cells.append(nbformat.v4.new_code_cell(f"# {name}", outputs=[shown], id=name))
    cells.append(nbformat.v4.new_code_cell(WIDGET, id="widget"))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return {"all.ipynb": made}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the notebooks in a JupyterLab with no settings but its own."""
    home = tmp_path_factory.mktemp("lab")
    (home / "work").mkdir()
    for name, made in notebooks().items():
        NotebookNotary(data_dir=str(home)).sign(made)
        nbformat.write(made, home / "work" / name)
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    own += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    options = {
        "ip": "127.0.0.1",
        "port": "0",
        "root_dir": str(home / "work"),
        "allow_root": "True",
        "open_browser": "False",
        "expose_app_in_browser": "True",
    }
    with (home / "log").open("w+") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--IdentityProvider.token=",
             *(f"--LabApp.{name}={value}" for name, value in options.items()),
             "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
            env={**os.environ, **dict.fromkeys(own, str(home)), "PYTHONPATH": str(ROOT)},
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            for _ in range(300):
                told = Path(log.name).read_text("utf-8", "replace")
                if found := re.search(r"http://127\.0\.0\.1:\d+", told):
                    break
                assert server.poll() is None, told
                time.sleep(0.1)
            yield f"{found[0]}/lab/tree"
        finally:
            server.terminate()
            server.wait(timeout=30)


def ready(page: Page, address: str) -> None:
    """Open a notebook, and wait for its kernel.

    JupyterLab first shows what was open before: wait for the notebook that is asked for.
    """
    page.goto(address)
    page.wait_for_function(
        """path => {
          const shown = globalThis.jupyterapp?.shell.currentWidget;
          return shown?.context?.path === path && shown.context.isReady
              && shown.sessionContext.isReady
              && shown.sessionContext.session?.kernel?.status === 'idle';
        }""",
        arg=address.rsplit("/", 1)[-1],
        timeout=180_000,
    )


@pytest.fixture(scope="module")
def page(lab: str, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    ready(page, f"{lab}/all.ipynb")
    yield page
    context.close()


def cells(page: Page) -> list[str]:
    """What the notebook holds, whatever of it is on the screen."""
    return page.evaluate("[...jupyterapp.shell.currentWidget.model.cells].map(cell => cell.id)")


def opened(page: Page, name: str) -> Locator:
    """Scroll to a cell: only those in sight are in the page."""
    at = cells(page).index(name)
    page.evaluate("at => jupyterapp.shell.currentWidget.content.activeCellIndex = at", at)
    page.evaluate("at => jupyterapp.shell.currentWidget.content.scrollToItem(at, 'start')", at)
    return page.locator(f'.jp-Cell[data-windowed-list-index="{at}"]')


def use(page: Page, control: Locator) -> None:
    """Use a control by mouse and keys; it must do what it does elsewhere."""
    kind = control.evaluate("e => e.type ?? e.localName")
    state = "e => e.type === 'radio' || e.type === 'checkbox' ? e.checked : e.value"

    def pressed(*keys: str) -> bool:
        """Tell whether one of the keys did something."""
        seen = [control.evaluate(state)]
        for key in keys:
            page.keyboard.press(key)
            seen.append(control.evaluate(state))
        return seen != seen[:1] * len(seen)

    if kind == "select-one":
        control.focus()
        assert pressed("ArrowDown", "ArrowUp")
        return
    control.click()
    if kind in ("number", "text"):
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type("100")
        assert control.input_value() == "100"
    elif kind in ("range", "radio"):
        assert pressed("ArrowRight", "ArrowLeft")
    elif kind == "checkbox":
        assert pressed("Space")
    else:
        page.keyboard.press("Enter")


@pytest.mark.parametrize("name", [*FIGURES, *QUESTIONS])
def test_the_keys_are_the_figures(page: Page, name: str) -> None:
    before = cells(page)
    cell = opened(page, name)
    expect(cell.locator("figure[data-ready]")).to_be_visible()
    controls = cell.locator("figure").locator(CONTROLS)
    assert controls.count()
    for control in controls.all():
        if control.is_visible() and control.is_enabled():
            use(page, control)
            for key in "x00":
                page.keyboard.press(key)
            assert cells(page) == before, control
            assert page.locator(".jp-Dialog").count() == 0, control


def test_the_keys_are_the_widgets(page: Page) -> None:
    before = cells(page)
    cell = opened(page, "widget")
    page.evaluate("jupyterapp.commands.execute('notebook:run-cell')")
    for control in (cell.get_by_role("slider").first, cell.get_by_role("spinbutton").first):
        expect(control).to_be_visible(timeout=60_000)
        use(page, control)
        page.keyboard.press("x")
    assert cells(page) == before
    assert page.locator(".jp-Dialog").count() == 0
