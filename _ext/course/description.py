"""What a search engine shows of a page: its description, in the head.

The page's own, ``myst: {html_meta: {description: ...}}`` in its front matter; else what its box of
goals promises; else its first paragraph.
"""

from __future__ import annotations

import re
from html import escape

from docutils import nodes
from sphinx.application import Sphinx

MOST = 160


def describe(doctree: nodes.document) -> str:
    """Take the description from a page's text."""
    boxes = [box for box in doctree.findall(nodes.Admonition) if "goals" in box["classes"]]
    paragraphs = (p for part in [*boxes, doctree] for p in part.findall(nodes.paragraph))
    return next(filter(None, (shorten(paragraph.astext()) for paragraph in paragraphs)), "")


def shorten(text: str) -> str:
    """Cut a text behind the last sentence, else the last word, that fits."""
    text = re.sub(r"\s+", " ", text).strip()
    if len(text) <= MOST:
        return text
    sentences = text[:MOST].rpartition(". ")[0]
    return (
        f"{sentences}." if len(sentences) > MOST / 3 else text[: MOST - 1].rpartition(" ")[0] + "…"
    )


def add(app: Sphinx, pagename: str, template: str, context: dict, doctree) -> None:
    """Write the description into the page's head."""
    tags = context.get("metatags", "")
    if 'name="description"' in tags:
        return
    words = describe(doctree) if doctree is not None else ""
    words = words or f"{context.get('title', pagename)}: {app.config.html_title}"
    context["metatags"] = f'{tags}\n<meta name="description" content="{escape(words)}" />'


def setup(app: Sphinx) -> None:
    """Look at each page before it is written."""
    app.connect("html-page-context", add)
