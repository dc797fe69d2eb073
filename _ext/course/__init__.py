"""The book's own Sphinx extension: one small module per concern.

None of them imports torch, so that reading a page never waits for it.
"""

from __future__ import annotations

from importlib import import_module

from sphinx.application import Sphinx

MODULES = (
    "alt_text description download figure_data lean look mathematics notebook pictures reference "
    "repository roles search widgets"
)


def setup(app: Sphinx) -> dict[str, object]:
    """Register every module of the extension."""
    # Jupyter Book always sets this option of an extension that the book does not load.
    app.add_config_value("comments_config", {}, "")
    for name in MODULES.split():
        import_module(f".{name}", __name__).setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
