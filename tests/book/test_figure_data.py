"""Large data of a figure leave the page for a file of their own."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document
from tiny_book import ROOT

SPEC = importlib.util.spec_from_file_location("figure_data", ROOT / "_ext/course/figure_data.py")
figure_data = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(figure_data)

LARGE, SMALL = "QUJD" * 2000, "QUJD" * 20


def address(content: str) -> str:
    return f'"data:application/octet-stream;base64,{content}"'


def put_aside(tmp_path: Path, text: str, *, builder: str = "html", kind: str = "html") -> str:
    target = SimpleNamespace(name=builder, get_target_uri=lambda page: f"{page}.html")
    document = new_document("page")
    document += nodes.raw("", text, format=kind)
    app = SimpleNamespace(builder=target, outdir=tmp_path)
    figure_data.put_aside(app, document, "chapters/page")
    return document.astext()


def test_each_is_written_once_and_found_from_its_page(tmp_path: Path) -> None:
    text = f"<script>const STATE = {{a: {address(LARGE)}, b: {address(SMALL)}}};</script>"
    page = put_aside(tmp_path, text)
    found = re.search(r'a: "(\.\./_figures/([0-9a-f]{16}\.js))"', page)
    assert address(SMALL) in page
    file = tmp_path / "_figures" / found[2]
    written = file.read_text("utf-8")
    assert f'["{found[2]}"]="{LARGE}"' in written
    # The name under which the figures look for it.
    loader = (ROOT / "utils/figures/page_data.js").read_text("utf-8")
    assert re.search(r"Symbol\.for\(.*?\)", written)[0] in loader
    assert put_aside(tmp_path, text) == page
    assert list((tmp_path / "_figures").iterdir()) == [file]


@pytest.mark.parametrize("options", [{"builder": "linkcheck"}, {"kind": "latex"}])
def test_elsewhere_nothing_changes(tmp_path: Path, options: dict[str, str]) -> None:
    text = f"<p>{address(LARGE)}</p>"
    assert put_aside(tmp_path, text, **options) == text
    assert not list(tmp_path.iterdir())
