"""Find numbers that were typed into the text although code could compute them.

    python tools/lint_numbers.py [PAGE.md ...]      # without pages: all that have text of ours

A number about a network, a run or a data set belongs in a cell, which glues it into the sentence:
{glue:text}`name`. A number that a cited paper prints goes into the role {printed}`6.67%`.
Prose, lists and Markdown tables are read as MyST reads them; roles, mathematics, code, links and
comments are not looked at. What is looked for:

* percentages;
* counts of 1,000 and more (years such as 2014 are not counts);
* numbers with units: seconds, bytes, multiply-adds, mAP, "million", factors such as 9.7x.

Definitions stand as they are: shapes (28x28x192), kernels (3x3), crops (64 px), channel counts
below 1,000, names (3a, Python 3.11). So do the hours and minutes that a chapter asks for, in its
box of class `goals`, and on the landing page.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import yaml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

ROOT = Path(__file__).resolve().parent.parent
FIX = (
    "compute it in a cell and write {glue:text}`name`, or, if a cited source prints it, "
    "write {printed}`...`"
)

# Directives whose content is not text for the reader to take at its word.
NOT_PROSE = {
    "amsmath", "bibliography", "code", "code-block", "code-cell", "image", "literalinclude",
    "math", "raw", "raw-cell", "toctree",
}  # fmt: skip

NUMBER = (
    r"(?<![\w.,:/\-–])[-−]?(?P<number>\d{1,3}(?:[,\u00a0\u202f ]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
)
UNITS = (
    "percent|per cent|percentage points?"
    "|[nµμm]s|s|sec|seconds?|milliseconds?|microseconds?"
    "|[KMGT]i?B|kB|bytes?|kilobytes?|megabytes?|gigabytes?"
    "|[kKMGT](?:FLOPS?|FLOPs|MACs?)?|FLOPS?|FLOPs|MACs?|multiply-adds?"
    "|mAP|AP|thousand|million|billion|trillion"
    "|images a second|images/s|[kMG]?Hz|W"
)
TIME = "minutes?|min|hours?|h|days?"

SHAPE = re.compile(r"\d+(?:\s?[x×]\s?\d+)+")
DECADE = re.compile(r"\b(?:19|20)\d0s\b")
ARXIV = re.compile(r"(?:arXiv:)?\d{4}\.\d{4,5}(?:v\d+)?", re.IGNORECASE)
PERCENT = re.compile(NUMBER + r"\s?%")
UNIT = re.compile(NUMBER + rf"[\s\u00a0-]?(?P<unit>{UNITS})(?![\w-])")
DURATION = re.compile(NUMBER + rf"[\s\u00a0-]?(?P<unit>{TIME})(?![\w-])")
FACTOR = re.compile(NUMBER + r"(?:\s?[x×](?![\w])|-fold\b|-?\s?times\b)")
COUNT = re.compile(NUMBER + r"(?![\w]|\.\d|%)")


class Finding(NamedTuple):
    """One typed number: its place, the number as typed, and what is wrong with it."""

    line: int
    text: str
    why: str


def numbers(text: str, *, durations: bool = True) -> Iterator[tuple[str, str]]:
    """Yield each number in a stretch of plain text that should not be typed, and why.

    Parameters
    ----------
    text
        Prose without markup, roles or mathematics.
    durations
        Whether minutes and hours count, too.
    """
    blank = lambda match: " " * len(match[0])  # noqa: E731
    for definition in (ARXIV, SHAPE, DECADE):
        text = definition.sub(blank, text)
    rules = [(PERCENT, "a percentage"), (UNIT, "a number with a unit"), (FACTOR, "a factor")]
    if durations:
        rules.append((DURATION, "a duration"))
    for pattern, why in rules:
        for match in pattern.finditer(text):
            yield match[0].strip(), why
        text = pattern.sub(blank, text)
    for match in COUNT.finditer(text):
        written = match["number"]
        value = float(re.sub(r"[,\s]", "", written))
        is_year = written.isdigit() and 1900 <= value <= 2099 and match[0] == written
        if value >= 1000 and not is_year:
            yield match[0].strip(), "a count"


class Words(HTMLParser):
    """The words of raw HTML, line by line."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.hidden += tag in ("script", "style", "code", "pre", "svg")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style", "code", "pre", "svg")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            for offset, line in enumerate(data.split("\n")):
                self.found.append((self.getpos()[0] - 1 + offset, line))


def inline_lines(token: Token) -> Iterator[tuple[int, str]]:
    """Yield (line from 0, text) of one inline token; what is exempt leaves a gap."""
    line, text, exempt = token.map[0], "", 0
    for child in token.children or []:
        if child.type in ("softbreak", "hardbreak"):
            yield line, text
            line, text = line + 1, ""
        elif child.type == "link_open":
            exempt += 1
        elif child.type == "link_close":
            exempt -= 1
        elif child.type == "html_inline" and child.content.startswith(("<code", "</code")):
            exempt += -1 if child.content.startswith("</") else 1
        elif child.type == "text" and not exempt:
            text += child.content
        elif child.type in ("em_open", "em_close", "strong_open", "strong_close"):
            continue  # "**9.7** times" is one number with its unit
        elif child.type != "text":
            line += child.content.count("\n")
            text += " \N{OBJECT REPLACEMENT CHARACTER} "
    yield line, text


def directive(token: Token) -> tuple[str, str, str, int, dict] | None:
    """Split a fence into directive name, argument, content, content's line and options."""
    info = token.info.strip()
    if not info.startswith("{"):
        return None
    name, _, argument = info[1:].partition("}")
    lines = token.content.split("\n")
    start = 0
    options: dict = {}
    if lines and lines[0].strip() == "---":
        end = next((i for i, line in enumerate(lines[1:], 1) if line.strip() == "---"), len(lines))
        options = yaml.safe_load("\n".join(lines[1:end])) or {}
        start = end + 1
    else:
        while start < len(lines) and lines[start].lstrip().startswith(":"):
            key, _, value = lines[start].strip()[1:].partition(":")
            options[key] = value.strip()
            start += 1
    content = "\n".join(lines[start:])
    return name, argument.strip(), content, token.map[0] + 1 + start, options


class Linter:
    """Reads pages with MyST's own parser, as the book is configured."""

    def __init__(self, config: Path = ROOT / "_config.yml") -> None:
        settings = yaml.safe_load(config.read_text("utf-8"))
        extensions = settings.get("parse", {}).get("myst_enable_extensions", [])
        self.parser = create_md_parser(
            MdParserConfig(enable_extensions=set(extensions)), RendererHTML
        )

    def check(self, text: str, *, durations: bool = True) -> list[Finding]:
        """Find the typed numbers of one page.

        Parameters
        ----------
        text
            The page's source.
        durations
            Whether minutes and hours count outside boxes of class `goals`.
        """
        return sorted(self._check(text, 0, durations))

    def _check(self, text: str, first: int, durations: bool) -> Iterator[Finding]:
        for token in self.parser.parse(text):
            if token.type == "inline":
                for line, words in inline_lines(token):
                    yield from self._words(first + line, words, durations)
            elif token.type == "html_block":
                parser = Words()
                parser.feed(token.content)
                for line, words in parser.found:
                    yield from self._words(first + token.map[0] + line, words, durations)
            elif token.type in ("fence", "colon_fence") and (parts := directive(token)):
                name, argument, content, line, options = parts
                if name in NOT_PROSE:
                    continue
                boxed = "goals" in str(options.get("class", "")).split()
                inner = durations and not boxed
                if name not in ("figure", "include"):  # their argument is a file's name
                    yield from self._check(argument, first + token.map[0], inner)
                yield from self._check(content, first + line, inner)

    @staticmethod
    def _words(line: int, words: str, durations: bool) -> Iterator[Finding]:
        for typed, why in numbers(words, durations=durations):
            yield Finding(line + 1, typed, why)


def main(arguments: list[str] | None = None) -> int:
    """Check pages; print each finding as `file:line: message`; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", type=Path, help="default: all with text of ours")
    asked = parser.parse_args(arguments)
    front = [ROOT / "index.md", ROOT / "glossary.md"]
    pages = asked.pages or [*front, *sorted((ROOT / "chapters").glob("*.md"))]
    linter = Linter()
    total = 0
    for page in pages:
        if not page.is_file():
            print(f"error: no such page: {page}", file=sys.stderr)
            return 2
        findings = linter.check(page.read_text("utf-8"), durations=page.name != "index.md")
        shown = page.resolve()
        shown = shown.relative_to(ROOT) if shown.is_relative_to(ROOT) else page
        for finding in findings:
            print(f"{shown}:{finding.line}: {finding.text!r}: {finding.why} is typed; {FIX}")
        total += len(findings)
    if total:
        print(f"error: {total} typed number{'s' * (total != 1)}", file=sys.stderr)
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
