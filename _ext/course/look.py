"""Templates and markup of the theme, mended where they fall short."""

from __future__ import annotations

from sphinx.application import Sphinx


def setup(app: Sphinx) -> None:
    """Nothing yet."""
