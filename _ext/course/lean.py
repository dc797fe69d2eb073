"""The theme's style sheet and script without what makes a phone wait.

Most rules of the sheet are for components that this book does not have. No page is drawn before
its sheets are there, and each change of style asks all their rules. A rule stays if every class,
id and element of one of its selectors is a word of some page or script, wherever it stands there:
a script may make what it names.

The script asks all code on a page whether it scrolls, so that the keyboard can get there. Folded
code has not been laid out, and would be for that question alone: it is asked when it unfolds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import tinycss2
from sphinx.application import Sphinx
from tinycss2.ast import IdentToken, LiteralToken, Node

SHEET = Path("_static") / "styles" / "pydata-sphinx-theme.css"
SCRIPT = Path("_static") / "scripts" / "pydata-sphinx-theme.js"
ASKED = "e.tabIndex=e.scrollWidth>e.clientWidth||e.scrollHeight>e.clientHeight?0:-1"
ASKED_LATER = f'e.closest("details:not([open])")||({ASKED})'
UNFOLDED = """
document.addEventListener("toggle", () => dispatchEvent(new Event("resize")), true);
"""
WORD = re.compile(r"[\w-]+")
VALUES = re.compile(r'\s(?:class|id|type|role|data-[\w-]+)="([^"]*)"')
TAGS = re.compile(r"<([a-z][\w-]*)")
SCRIPTS = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL)


def words_of(folder: Path) -> set[str]:
    """Every word that the pages' markup and the scripts of a built book hold."""
    words = {"html", "body"}
    for page in folder.rglob("*.html"):
        text = page.read_text("utf-8")
        for found in (*TAGS.findall(text), *VALUES.findall(text), *SCRIPTS.findall(text)):
            words.update(WORD.findall(found))
    for script in folder.rglob("*.js"):
        if script.name != "searchindex.js":
            words.update(WORD.findall(script.read_text("utf-8")))
    return words


def needed(selector: list[Node]) -> Iterator[str]:
    """Name what a selector cannot do without: nothing in brackets, where it may be a choice."""
    before = None
    for token in selector:
        if token.type == "hash" or (isinstance(token, IdentToken) and before != ":"):
            yield token.value
        before = token.value if isinstance(token, LiteralToken) else None


def selectors(prelude: list[Node]) -> Iterator[list[Node]]:
    """Take a rule's list of selectors apart."""
    one: list[Node] = []
    for token in prelude:
        if isinstance(token, LiteralToken) and token.value == ",":
            yield one
            one = []
        else:
            one.append(token)
    yield one


def kept(rules: list[Node], words: set[str]) -> str:
    """Write the rules that may meet something."""
    written = []
    for rule in rules:
        if rule.type == "qualified-rule":
            meet = [one for one in selectors(rule.prelude) if words.issuperset(needed(one))]
            if meet:
                head = ",".join(tinycss2.serialize(one).strip() for one in meet)
                written.append(f"{head}{{{tinycss2.serialize(rule.content)}}}")
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if body := kept(inner, words):
                condition = tinycss2.serialize(rule.prelude)
                written.append(f"@{rule.at_keyword}{condition}{{{body}}}")
        elif rule.type != "error":
            written.append(rule.serialize())
    return "\n".join(written)


def mend(app: Sphinx, error: Exception | None) -> None:
    """Write the theme's files anew, once all pages and scripts are there."""
    folder = Path(app.outdir)
    sheet, script = folder / SHEET, folder / SCRIPT
    if error is not None or app.builder.name != "html" or not sheet.exists():
        return
    rules = tinycss2.parse_stylesheet(
        sheet.read_text("utf-8"), skip_comments=True, skip_whitespace=True
    )
    sheet.write_text(kept(rules, words_of(folder)), "utf-8")
    text = script.read_text("utf-8")
    if ASKED in text and ASKED_LATER not in text:
        script.write_text(text.replace(ASKED, ASKED_LATER) + UNFOLDED, "utf-8")


def setup(app: Sphinx) -> None:
    """Look at the book when all else has been written."""
    app.connect("build-finished", mend, priority=900)
