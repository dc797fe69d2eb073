"""A picture chosen, pasted and refused: the classifier control in a real JupyterLab."""

from __future__ import annotations

import base64
import io

import nbformat
import numpy as np
import pytest
import test_jupyterlab
from PIL import Image
from playwright.sync_api import Browser, expect
from test_jupyterlab import lab, ready  # noqa: F401

from utils import data

CELL = """\
from utils.controls import Classifier
from utils.pretrained import load
Classifier(load("colour-googlenet"))"""


def png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def notebook() -> nbformat.NotebookNode:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(CELL, id="control")]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


@pytest.fixture(scope="module", autouse=True)
def own_notebook():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_jupyterlab, "notebooks", lambda: {"all.ipynb": notebook()})
        yield


PASTE = """async ([input, address]) => {
  const blob = await (await fetch(address)).blob();
  const clipboard = new DataTransfer();
  clipboard.items.add(new File([blob], "cat.png", { type: "image/png" }));
  input.dispatchEvent(new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true }));
}"""


def test_a_picture_is_chosen_pasted_and_refused(own_notebook, lab: str, chromium: Browser):  # noqa: F811
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    ready(page, f"{lab}/all.ipynb")
    page.evaluate("jupyterapp.commands.execute('notebook:run-cell')")
    output = page.locator(".jp-OutputArea-output")
    button = output.get_by_role("button", name="Choose a picture")
    button.wait_for(timeout=120_000)  # the kernel imports torch

    def choose(content: bytes) -> None:
        with page.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files({"name": "c.png", "mimeType": "image/png", "buffer": content})

    choose(png(data.photograph("coffee")))
    first = output.locator("tr").first
    expect(first).to_contain_text("coffee", timeout=60_000)

    paste = output.get_by_label("Paste a picture here")
    address = "data:image/png;base64," + base64.b64encode(png(data.photograph("cat"))).decode()
    page.evaluate(f"([i, a]) => ({PASTE})([i, a])", [paste.element_handle(), address])
    expect(first).to_contain_text("cat", timeout=60_000)

    before = page.evaluate("[...jupyterapp.shell.currentWidget.model.cells].length")
    paste.click()
    for key in "xb":
        page.keyboard.press(key)  # JupyterLab's own keys do nothing here
    assert page.evaluate("[...jupyterapp.shell.currentWidget.model.cells].length") == before

    choose(b"<html>")
    expect(output.get_by_role("alert")).to_contain_text("web page", timeout=60_000)

    output.get_by_role("button", name="Use the camera").click()  # a browser that has none
    expect(output.locator("p[role=status]")).to_contain_text("No camera here")
    context.close()
