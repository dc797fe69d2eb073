"""An ipywidget in a page would do nothing without a kernel and would fetch scripts: refuse it.

One that brings HTML to stand in its place is none in a page: `_config.yml` prefers the HTML.
"""

from __future__ import annotations

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.util import logging

from .places import location

LOGGER = logging.getLogger(__name__)
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def check(app: Sphinx, doctree: nodes.document) -> None:
    """Warn at each cell that shows an ipywidget; a page leaves out the state of the others, too."""
    NbMetadataCollector.get_js_files(app.env, app.env.docname).pop("ipywidgets_state", None)
    for node in doctree.findall(nodes.Element):
        if node.get("mime_type") == WIDGET_VIEW and "text/html" not in _beside(node):
            LOGGER.warning(
                "an ipywidget needs a kernel and does nothing in the published page; show an "
                "interactive figure of utils.figures, or give the cell the tag remove-output",
                location=location(app.env.docname, node),
                type="course",
                subtype="widget",
            )


def _beside(node: nodes.Element) -> set[str]:
    """Return the types in which the cell gives the same output."""
    others = node.parent.children if node.parent is not None else []
    return {other.get("mime_type", "") for other in others if isinstance(other, nodes.Element)}


def setup(app: Sphinx) -> None:
    """Check each page as it has been read."""
    app.connect("doctree-read", check)
