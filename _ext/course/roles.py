"""The role ``printed``: a figure exactly as a cited source prints it, not computed here."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

EXPLANATION = "as printed in the cited source, not computed here"


class PrintedRole(SphinxRole):
    """``{printed}`6.67%``` is the number the cited paper prints."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Mark the text; the sentence around it carries the citation."""
        node = nodes.inline(self.rawtext, self.text, classes=["printed"])
        return [node], []


def setup(app: Sphinx) -> None:
    """Register the role."""
    app.add_role("printed", PrintedRole())
