"""The role ``printed``: a figure exactly as a cited source prints it, not computed here.

The number lint lets such figures stand: {printed}`6.67%` next to a citation.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole
from sphinx.writers.html5 import HTML5Translator

EXPLANATION = "As printed in the cited source; not computed in this book."


class printed(nodes.inline):  # noqa: N801  (docutils writes node names in lower case)
    """Text that a cited source prints."""


class PrintedRole(SphinxRole):
    """``{printed}`6.67%``` marks the number as the cited paper prints it."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the node; an empty role is an error at its place."""
        if not self.text.strip():
            message = self.inliner.reporter.error(
                "the role `printed` needs the figure as the source prints it", line=self.lineno
            )
            return [], [message]
        return [printed(self.rawtext, self.text)], []


def visit_printed(self: HTML5Translator, node: printed) -> None:
    """Open the span; its title explains it to those who point at it."""
    self.body.append(f'<span class="printed" title="{EXPLANATION}">')


def depart_printed(self: HTML5Translator, node: printed) -> None:
    """Close it with words for those who listen; they are neither shown nor copied."""
    self.body.append('<span class="visually-hidden"> (as printed)</span></span>')


def setup(app: Sphinx) -> None:
    """Register node and role."""
    app.add_node(printed, html=(visit_printed, depart_printed))
    app.add_role("printed", PrintedRole())
