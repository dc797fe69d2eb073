"""Search: "1×1", "1x1" and "1 x 1" are one word, in the index as in what a reader asks for.

Sphinx's own splitter drops the sign, and keeps no word of "3×3". What the search page shows of a
result is mended in ``scripts/search.js``.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

SCRIPT = Path(__file__).parent / "scripts" / "search.js"
# A cross between two words, as text and as formulas write it; `SPLIT` says the same.
CROSS = re.compile(r"(?<=\w)\s*(?:×|\\times)\s*(?=\w)|(?<=\d)\s+x\s+(?=\d)")
SPLIT = r"""
var splitQuery = (query) => query
    .replace(/(?<=[\p{L}\p{N}_])\s*×\s*(?=[\p{L}\p{N}_])|(?<=\p{N})\s+x\s+(?=\p{N})/gu, "x")
    .split(/[^\p{L}\p{N}_\p{Emoji_Presentation}]+/gu)
    .filter(term => term);
"""


class Words(SearchEnglish):
    """English, with sizes such as 3×3 as words."""

    js_splitter_code = SPLIT

    def split(self, text: str) -> list[str]:
        """Split a text of a page into words."""
        return super().split(CROSS.sub("x", text))


def copy_script(app: Sphinx, error: Exception | None) -> None:
    """Put the script of the search page into the book (``_static`` would load it everywhere)."""
    if error is None and app.builder.name == "html":
        shutil.copy(SCRIPT, Path(app.outdir) / "_static" / "course-search.js")


def setup(app: Sphinx) -> None:
    """Register the language and the script."""
    app.add_search_language(Words)
    app.connect("build-finished", copy_script)
