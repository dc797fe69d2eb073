"""Pictures that a cell made as data URLs become files beside the pages, with their sizes.

Within the page they would be a third larger, and the text would wait for them. A browser loads
those out of sight when it gets there.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import imagesize
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

IMAGE = re.compile(r"<img\b[^>]*>")
DATA = re.compile(r'\bsrc="data:image/(jpeg|png);base64,([A-Za-z0-9+/=]+)"')
SUFFIX = {"jpeg": "jpg", "png": "png"}


def put_aside(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write each picture of a page to a file of the book, once, and refer to it."""
    if app.builder.name != "html":
        return
    folder = Path(app.outdir) / "_images"
    seen = 0

    def file(tag: re.Match[str]) -> str:
        nonlocal seen
        data = DATA.search(tag[0])
        if data is None:
            return tag[0]
        content = base64.b64decode(data[2])
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.{SUFFIX[data[1]]}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        address = relative_uri(app.builder.get_target_uri(docname), f"_images/{name}")
        attributes = f'src="{address}"'
        if "width=" not in tag[0]:
            width, height = imagesize.get(folder / name)
            attributes += f' width="{width}" height="{height}"'
        seen += 1
        # The first pictures are what a reader sees at once.
        attributes += ' loading="lazy"' if seen > 4 else ""
        return tag[0][: data.start()] + attributes + tag[0][data.end() :]

    for raw in list(doctree.findall(nodes.raw)):
        if "html" in raw["format"].split() and "data:image/" in (text := raw.astext()):
            new = IMAGE.sub(file, text)
            raw.children = [nodes.Text(new)]
            raw.rawsource = new


def setup(app: Sphinx) -> None:
    """Look at each page before it is written."""
    app.connect("doctree-resolved", put_aside)
