"""Every image says in words what it shows: a picture without alt text is a warning, so an error.

A cell's picture gets its text from the cell's head::

    ---
    mystnb:
      image:
        alt: What the picture shows.
    ---
"""

from __future__ import annotations

from html.parser import HTMLParser

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from .places import location

LOGGER = logging.getLogger(__name__)
FIX = (
    "write ![what it shows](...) or `:alt:`; in a code cell start with a block "
    "'mystnb: {image: {alt: ...}}'"
)


class ImagesWithoutAlt(HTMLParser):
    """Collects the pictures of raw HTML that say nothing; `alt=""` says "for the eye only"."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        attributes = dict(attrs)
        if tag == "img" and attributes.get("alt") is None:
            self.found.append((attributes.get("src") or "")[-40:])


def check(app: Sphinx, doctree: nodes.document) -> None:
    """Warn at each image, static or made by a cell, that has no alt text."""
    for image in doctree.findall(nodes.image):
        if not image.get("alt", "").strip():
            warn(app, image, image.get("uri", "").rsplit("/", 1)[-1])
    for raw in doctree.findall(nodes.raw):
        if "html" in raw["format"].split():
            parser = ImagesWithoutAlt()
            parser.feed(raw.astext())
            for source in parser.found:
                warn(app, raw, source)


def warn(app: Sphinx, node: nodes.Node, name: str) -> None:
    """Say which picture, where, and how to mend it."""
    LOGGER.warning(
        "image without alt text: %s; %s",
        name,
        FIX,
        location=location(app.env.docname, node),
        type="course",
        subtype="alt",
    )


def setup(app: Sphinx) -> None:
    """Check each page as it has been read."""
    app.connect("doctree-read", check)
