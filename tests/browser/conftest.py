"""A real Chromium on the built book, cut off from every other host.

Build first (``make book``). An absent book or browser fails these tests: a check that is not
made must not look like one that passed.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
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


@dataclass
class Visit:
    """What a page did while it was open."""

    page: Page
    base_url: str
    console: list[str] = field(default_factory=list)  # console and script errors
    failed: list[str] = field(default_factory=list)  # requests that failed here
    elsewhere: list[str] = field(
        default_factory=list
    )  # requests to any other host, all blocked

    def problems(self) -> list[str]:
        """Everything that must not happen on a page of the book."""
        return [
            *(f"console: {text}" for text in self.console),
            *(f"failed request: {text}" for text in self.failed),
            *(f"request to another host: {url}" for url in self.elsewhere),
        ]

    def goto(self, path: str) -> Page:
        """Open a page of the book (``chapters/....html``) and wait until it is quiet."""
        self.page.goto(f"{self.base_url}/{path}", wait_until="networkidle")
        return self.page

    def axe(self, *, within: str | None = None) -> list[str]:
        """Violations of WCAG 2.2 A and AA that axe finds, one line each; empty when clean."""
        self.page.evaluate(AXE.read_text("utf-8"))
        result = self.page.evaluate(
            "([within, tags]) => axe.run(within ?? document, {runOnly: tags})",
            [within, list(WCAG)],
        )
        return [
            f"{violation['id']}: {node['target']}: {node['failureSummary']}"
            for violation in result["violations"]
            for node in violation["nodes"]
        ]


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """Address of the built book on a free loopback port."""
    if not (HTML / "index.html").exists():
        pytest.fail(
            f"no built book in {HTML.relative_to(ROOT)}: run `make book` first",
            pytrace=False,
        )

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Say nothing: pytest shows what fails."""

    handler = functools.partial(Quiet, directory=str(HTML))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    program = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=list(ARGUMENTS)
        )
        yield browser
        browser.close()


@pytest.fixture
def open_visit(chromium: Browser, base_url: str) -> Iterator[Callable[..., Visit]]:
    """Open fresh visits: ``open_visit(theme="dark", width=390)``.

    When the test ends, a console error, a failed request or a request to another host on any of
    them fails it; a test that provokes one on purpose clears the list itself.
    """
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def open_(*, theme: str = "light", width: int = 1280, height: int = 900) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            reduced_motion="reduce",
            base_url=base_url,
        )
        contexts.append(context)
        # The reader's choice of theme is kept in the browser, as the theme's button keeps it.
        choice = json.dumps(theme)
        context.add_init_script(
            f"try {{ localStorage.setItem('mode', {choice});"
            f" localStorage.setItem('theme', {choice}); }} catch {{}}"
        )
        visit = Visit(context.new_page(), base_url)
        visits.append(visit)
        home = urlsplit(base_url).netloc

        def guard(route, request) -> None:
            url = urlsplit(request.url)
            if url.scheme in ("http", "https", "ws", "wss") and url.netloc != home:
                visit.elsewhere.append(request.url)
                route.abort()
            else:
                route.continue_()

        context.route("**/*", guard)
        page = visit.page
        page.on(
            "console",
            lambda message: (
                message.type == "error" and visit.console.append(message.text)
            ),
        )
        page.on("pageerror", lambda error: visit.console.append(str(error)))
        page.on("requestfailed", lambda r: visit.failed.append(f"{r.url} {r.failure}"))
        page.on(
            "response",
            lambda r: (
                r.status >= 400 and visit.failed.append(f"{r.url} status {r.status}")
            ),
        )
        return visit

    yield open_
    problems = [problem for visit in visits for problem in visit.problems()]
    for context in contexts:
        context.close()
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    """A test with this fixture runs once in each theme."""
    return request.param


@pytest.fixture
def light(open_visit: Callable[..., Visit]) -> Visit:
    """A visit in the light theme, 1280 px wide."""
    return open_visit(theme="light")


@pytest.fixture
def dark(open_visit: Callable[..., Visit]) -> Visit:
    """A visit in the dark theme, 1280 px wide."""
    return open_visit(theme="dark")


@pytest.fixture
def page(light: Visit) -> Page:
    """A page in the light theme, 1280 px wide; ``page.goto("/index.html")`` opens the book."""
    return light.page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder `browser`."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
