"""What the browser tests share: finding Chromium and the built pages, and one visit to a page."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
HTML = Path(os.environ.get("BOOK_HTML", ROOT / "_build" / "html"))
PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


def find_chromium() -> str:
    """Path of an installed Chromium or Chrome: ``$CHROMIUM``, else the usual names."""
    wanted = os.environ.get("CHROMIUM")
    for name in (wanted,) if wanted else PROGRAMS:
        if program := shutil.which(name):
            return program
    pytest.fail(
        f"no Chromium found ({f'CHROMIUM={wanted}' if wanted else 'looked for ' + PROGRAMS[0]} and "
        "others). Install one (Debian, Ubuntu: `sudo apt-get install chromium`; elsewhere Google "
        "Chrome) or set CHROMIUM to its path.",
        pytrace=False,
    )


def built_pages() -> list[str]:
    """Every page of the built book, as paths below its root."""
    if not HTML.is_dir():
        return []
    skip = {"genindex.html", "search.html"}
    pages = sorted(p.relative_to(HTML).as_posix() for p in HTML.rglob("*.html"))
    return [p for p in pages if p not in skip and not p.startswith("_static/")]


def start_figures(page: Page) -> None:
    """Let the figures that wait for a reader to come near start, as they do before printing."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(
        "[...document.querySelectorAll('figure[data-interactive]')].every("
        "(f) => 'ready' in f.dataset || f.querySelector('.interactive-error'))"
    )


@dataclass
class Visit:
    """What a page did while it was open."""

    page: Page
    base_url: str
    console: list[str] = field(default_factory=list)  # console and script errors
    failed: list[str] = field(default_factory=list)  # requests that failed here
    elsewhere: list[str] = field(default_factory=list)  # requests to any other host, all blocked

    def problems(self) -> list[str]:
        """Everything that must not happen on a page of the book."""
        return [
            *(f"console: {text}" for text in self.console),
            *(f"failed request: {text}" for text in self.failed),
            *(f"request to another host: {url}" for url in self.elsewhere),
        ]

    def goto(self, path: str) -> Page:
        """Open a page of the book (``chapters/....html``); wait until it is quiet and complete."""
        self.page.goto(f"{self.base_url}/{path}", wait_until="networkidle")
        start_figures(self.page)
        return self.page

    def axe(self, *, within: str | None = None) -> list[str]:
        """Violations of WCAG 2.2 A and AA that axe finds, one line each; empty when clean."""
        self.page.evaluate(AXE.read_text("utf-8"))
        result = self.page.evaluate(
            "([within, tags]) => axe.run(within ?? document, {runOnly: tags, preload: false})",
            [within, list(WCAG)],
        )
        return [
            f"{violation['id']}: {node['target']}: {node['failureSummary']}"
            for violation in result["violations"]
            for node in violation["nodes"]
        ]
