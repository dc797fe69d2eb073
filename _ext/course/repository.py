"""Links to the repository, where its address is known, and to Colab, where a notebook exists."""

from __future__ import annotations

from sphinx.application import Sphinx


def setup(app: Sphinx) -> None:
    """Nothing yet."""
