"""The book's own Sphinx extension: one small module per concern.

None of them imports torch, so that reading a page never waits for it.
"""

from __future__ import annotations

from sphinx.application import Sphinx

from . import (
    alt_text,
    description,
    download,
    look,
    mathematics,
    notebook,
    pictures,
    reference,
    repository,
    roles,
    search,
    widgets,
)

MODULES = (
    alt_text,
    description,
    download,
    look,
    mathematics,
    notebook,
    pictures,
    reference,
    repository,
    roles,
    search,
    widgets,
)


def setup(app: Sphinx) -> dict[str, object]:
    """Register every module of the extension."""
    # Jupyter Book always sets this option of an extension that the book does not load.
    app.add_config_value("comments_config", {}, "")
    for module in MODULES:
        module.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
