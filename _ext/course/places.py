"""Where a node stands: page and line, for messages."""

from __future__ import annotations

from collections.abc import Iterator

from docutils import nodes


def ancestry(node: nodes.Node | None) -> Iterator[nodes.Node]:
    """Yield a node and those around it, inside out."""
    while node is not None:
        yield node
        node = node.parent


def line_of(node: nodes.Node) -> int | None:
    """Line of a node, or of the nearest one around it that knows its line."""
    return next((n.line for n in ancestry(node) if getattr(n, "line", None)), None)


def location(docname: str, node: nodes.Node) -> tuple[str, int | None]:
    """Give page and line as Sphinx's loggers take them."""
    return docname, line_of(node)
