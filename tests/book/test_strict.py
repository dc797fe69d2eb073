"""Every fault of a page fails the build, names page and place, and fails it a second time."""

from __future__ import annotations

import http.server
import re
import threading
from functools import partial
from pathlib import Path

import pytest
from tiny_book import TinyBook

pytestmark = pytest.mark.slow

CELLS = {
    "error": (["x = 1", "1 / 0"], "cell 2 (`1 / 0`) failed with ZeroDivisionError"),
    "stderr": (
        ["import sys", "print('oh no', file=sys.stderr)"],
        "cell 2 (`print('oh no', file=sys.stderr)`) wrote to stderr:\noh no",
    ),
    "warning": (
        ["import warnings; warnings.warn('careful')"],
        "cell 1 (`import warnings; warnings.warn('careful')`) wrote to stderr",
    ),
    "endless": (["import time; time.sleep(60)"], "did not end in 2 s"),
    "death": (["import os; os._exit(3)"], "cell 1 (`import os; os._exit(3)`): the kernel died"),
}


def test_failing_cells(tiny_book: TinyBook) -> None:
    settings = tiny_book.root / "_config.yml"
    settings.write_text(settings.read_text("utf-8").replace("timeout: 300", "timeout: 2"), "utf-8")
    tiny_book.chapter("good", "print(1)")
    pages = {fault: tiny_book.chapter(fault, *cells) for fault, (cells, _) in CELLS.items()}
    for time in ("first", "second"):
        answer = tiny_book.build()
        assert answer.status == 1, f"{time} build: {answer.text}"
        for fault, (cells, message) in CELLS.items():
            line = pages[fault].read_text().splitlines().index(cells[-1]) + 1
            assert re.search(rf"^chapters/{fault}\.md:({line - 1}|{line}): cell", answer.text, re.M)
            assert message in answer.text
        assert f"error: {len(CELLS)} cells failed" in answer.text
        assert "The book is built" not in answer.text
        assert ("good" in answer.ran) == (time == "first"), "good outputs are kept"
    for fault in CELLS.keys() - {"stderr"}:
        tiny_book.chapter(fault, "print(2)")
    answer = tiny_book.build()
    assert answer.status == 1
    assert "error: 1 cell failed" in answer.text
    tiny_book.chapter("stderr", "print(2)")
    assert tiny_book.build().status == 0


ALT = "image without alt text"
PAGES = {
    "reference": ("See {ref}`nowhere-at-all`.", "nowhere-at-all"),
    "link": ("See [this](no-such-page.md).", "no-such-page"),
    "citation": ("Shown by {cite:t}`nobody2099`.", "nobody2099"),
    "directive": ("```{no-such-directive}\n```", "no-such-directive"),
    "heading": ("### Too deep\n", "header level"),
    "glue": ("It is {glue:text}`never-glued`.", "never-glued"),
    "picture": ("![](../_static/favicon.svg)", f"{ALT}: favicon.svg"),
    "html": ("<p><img src='../_static/favicon.svg'></p>", f"{ALT}: "),
    "mathematics": (r"Some $\nosuchmacro{x}$ here.", "KaTeX parse error"),
    "printed": ("Some {printed}` ` here.", "needs the figure"),
}
OUTPUTS = {
    "plot": ("import matplotlib.pyplot as plt\nplt.plot([1, 2]);", ALT),
    "svg": (
        "from IPython.display import SVG\nSVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')",
        ALT,
    ),
    "htmlcell": ("from IPython.display import HTML\nHTML('<img src=\"a.png\">')", ALT),
    "widget": ("import ipywidgets\nipywidgets.IntSlider()", "an ipywidget needs"),
}


def test_faulty_pages(tiny_book: TinyBook) -> None:
    """Each fault, written or made by a cell, stops the build and says where it is."""
    for fault, (text, _) in PAGES.items():
        tiny_book.page(fault, text)
    for fault, (cell, _) in OUTPUTS.items():
        tiny_book.chapter(fault, cell)
    faults = PAGES | OUTPUTS
    for time in ("first", "second"):
        answer = tiny_book.build()
        assert answer.status == 1, f"{time} build: {answer.text}"
        for fault, (_, message) in faults.items():
            line = "3" if fault in PAGES else r"\d+"
            pattern = rf"^chapters/{fault}\.md:{line}: (WARNING|ERROR): .*{message}"
            assert re.search(pattern, answer.text, re.M), f"{fault} in {answer.text}"
        assert f"error: {len(faults)} problems" in answer.text, answer.text
        assert "The book is built" not in answer.text


def test_a_page_that_is_not_there(tiny_book: TinyBook) -> None:
    tiny_book.chapters.append("missing")
    tiny_book.contents()
    for _ in range(2):
        answer = tiny_book.build()
        assert answer.status == 1
        assert "chapters/missing" in answer.text
        assert "error: 1 problem," in answer.text


def test_an_extension_that_is_not_installed(tiny_book: TinyBook) -> None:
    settings = tiny_book.root / "_config.yml"
    text = settings.read_text("utf-8").replace("- sphinx_design", "- sphinx_no_such_thing")
    settings.write_text(text, "utf-8")
    answer = tiny_book.build()
    assert answer.status == 1
    assert "Extension error: Could not import extension sphinx_no_such_thing" in answer.text


def test_a_broken_link(tiny_book: TinyBook, tmp_path: Path) -> None:
    (tmp_path / "good.html").write_text("here")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = f"http://127.0.0.1:{server.server_port}"
        tiny_book.write("_build/html/index.html", "built before")
        tiny_book.page("links", f"[good]({site}/good.html) and [bad]({site}/bad.html)")
        bad = tiny_book.build("--linkcheck")
        assert bad.status == 1
        assert f"chapters/links: line 3: broken link {site}/bad.html - 404" in bad.text
        assert "error: 1 problem" in bad.text
        tiny_book.page("links", f"[good]({site}/good.html)")
        good = tiny_book.build("--linkcheck")
        assert good.status == 0, good.text
        server.shutdown()
    assert tiny_book.html("index") == "built before"
