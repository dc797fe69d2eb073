"""A real Chromium on the built book, cut off from every other host.

Build first (``make book``). An absent book or browser fails these tests: a check that is not
made must not look like one that passed.
"""

from __future__ import annotations

import contextlib
import functools
import json
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from alone import PAGE
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from visits import ARGUMENTS, HTML, Visit, find_chromium, start_figures

from utils.interactive import Interactive


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free loopback port; the address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Say nothing: pytest shows what fails."""

    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    """Address of the built book."""
    if not (HTML / "index.html").exists():
        pytest.fail(f"no built book in {HTML}: run `make book` first", pytrace=False)
    with served(HTML) as address:
        yield address


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `show` writes its page."""
    return tmp_path_factory.mktemp("figures")


@pytest.fixture(scope="session")
def figures_url(folder: Path) -> Iterator[str]:
    """Address of the folder with the pages of `show`."""
    with served(folder) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    program = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def open_visit(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Visit]]:
    """Open fresh visits: ``open_visit(theme="dark", width=390)``; of the book, if no `home`.

    When the test ends, a console error, a failed request or a request to another host on any of
    them fails it; a test that provokes one on purpose clears the list itself.
    """
    contexts: list[BrowserContext] = []
    visits: list[Visit] = []

    def open_(
        *, theme: str = "light", width: int = 1280, height: int = 900, home: str | None = None
    ) -> Visit:
        base_url = request.getfixturevalue("base_url") if home is None else home
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
        own = urlsplit(base_url).netloc

        def guard(route, asked) -> None:
            url = urlsplit(asked.url)
            if url.scheme in ("http", "https", "ws", "wss") and url.netloc != own:
                visit.elsewhere.append(asked.url)
                route.abort()
            else:
                route.continue_()

        context.route("**/*", guard)
        page = visit.page
        page.on(
            "console",
            lambda message: message.type == "error" and visit.console.append(message.text),
        )
        page.on("pageerror", lambda error: visit.console.append(str(error)))
        page.on("requestfailed", lambda r: visit.failed.append(f"{r.url} {r.failure}"))
        page.on(
            "response",
            lambda r: r.status >= 400 and visit.failed.append(f"{r.url} status {r.status}"),
        )
        return visit

    yield open_
    problems = [problem for visit in visits for problem in visit.problems()]
    for context in contexts:
        context.close()
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.fixture
def show(folder: Path, figures_url: str, open_visit: Callable[..., Visit]) -> Callable[..., Visit]:
    """Open a page with these figures, and nothing else, and wait until they are ready."""

    def show_(
        *figures: Interactive | str,
        theme: str = "light",
        html: str | None = None,
        body_tag: str = "",
        style: str = "",
        ready: bool = True,
        **window: int,
    ) -> Visit:
        body = "\n".join(f if isinstance(f, str) else f._repr_html_() for f in figures)
        html = f'data-theme="{theme}"' if html is None else html
        page = PAGE.format(html=html, body_tag=body_tag, style=style, body=body)
        (folder / "page.html").write_text(page, encoding="utf-8")
        visit = open_visit(theme=theme, home=figures_url, **window)
        visit.page.goto("/page.html")
        if ready:
            start_figures(visit.page)
            expect(visit.page.locator("figure[data-ready]")).to_have_count(
                visit.page.locator("figure").count()
            )
        return visit

    return show_


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
