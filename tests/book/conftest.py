"""Fixtures of the tests that build a book."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_book import TinyBook


@pytest.fixture
def tiny_book(tmp_path: Path) -> TinyBook:
    """A book of nothing but a landing page, ready to be written and built."""
    return TinyBook(tmp_path)
