"""Large data of a figure become files beside the pages, loaded when the figure needs them.

Within the page everyone would load them, at once. Each file is a script that leaves its text where
`utils/figures/page_data.js` looks for it: from a page that was opened from a disk, a browser loads
nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

FOLDER = "_figures"
DATA = re.compile(r'"data:application/octet-stream;base64,([A-Za-z0-9+/=]{4096,})"')
LEFT = 'globalThis[Symbol.for("inception-course-data")]'


def put_aside(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the data of a page's figures to files of the book, once, and refer to them."""
    if app.builder.name != "html":
        return
    for raw in list(doctree.findall(nodes.raw)):
        if "html" in raw["format"].split() and DATA.search(text := raw.astext()):
            there = relative_uri(app.builder.get_target_uri(docname), FOLDER)
            new = to_files(text, Path(app.outdir) / FOLDER, there)
            raw.children = [nodes.Text(new)]
            raw.rawsource = new


def to_files(text: str, folder: Path, address: str) -> str:
    """Write all data in the text to files of a folder; return the text with their addresses."""

    def file(data: re.Match[str]) -> str:
        name = f"{hashlib.sha256(data[1].encode()).hexdigest()[:16]}.js"
        folder.mkdir(parents=True, exist_ok=True)
        script = f"({LEFT}??={{}})[{json.dumps(name)}]={json.dumps(data[1])};\n"
        (folder / name).write_text(script, encoding="utf-8")
        return json.dumps(f"{address}/{name}")

    return DATA.sub(file, text)


def setup(app: Sphinx) -> None:
    """Look at each page before it is written."""
    app.connect("doctree-resolved", put_aside)
