"""Every image says in words what it shows: a picture without alt text is a warning, so an error.

A cell's picture gets its text from the cell's head::

    ---
    mystnb:
      image:
        alt: What the picture shows.
    ---
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from .places import location

LOGGER = logging.getLogger(__name__)
FIX = (
    "write ![what it shows](...) or `:alt:`; in a code cell start with a block "
    "'mystnb: {image: {alt: ...}}'"
)


def check(app: Sphinx, doctree: nodes.document) -> None:
    """Warn at each image, static or made by a cell, that has no alt text."""
    for image in doctree.findall(nodes.image):
        if not image.get("alt", "").strip():
            LOGGER.warning(
                "image without alt text: %s; %s",
                image.get("uri", "").rsplit("/", 1)[-1],
                FIX,
                location=location(app.env.docname, image),
                type="course",
                subtype="alt",
            )


def setup(app: Sphinx) -> None:
    """Check each page as it has been read."""
    app.connect("doctree-read", check)
