"""Every page of the built book, in a real browser."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote, urldefrag, urlsplit

import pydata_sphinx_theme
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Page
from visits import HTML, Visit, built_pages

PAGES = built_pages()
LOOK = """() => JSON.stringify(
  [...document.querySelectorAll("body, body *:not(.katex *)")].map(e => {
    const box = e.getBoundingClientRect(), style = getComputedStyle(e);
    const names = ["display", "position", "visibility", "color", "backgroundColor", "border",
      "margin", "padding", "font", "textAlign", "textDecoration", "listStyle", "overflow",
      "opacity", "order", "cursor", "whiteSpace", "boxShadow", "transition", "zIndex"];
    return [e.tagName, e.className, box.x, box.y, box.width, box.height, names.map(n => style[n]),
      getComputedStyle(e, "::before").content, getComputedStyle(e, "::after").content].join("|");
  }))"""
every_page = pytest.mark.parametrize("path", PAGES)


def look(page: Page) -> list[str]:
    """How every element looks once that rests, those too that are drawn only when near."""
    page.add_style_tag(content="* { content-visibility: visible !important; }")
    before = page.evaluate(LOOK)
    for _ in range(50):
        page.evaluate("document.fonts.ready.then(() => undefined)")
        page.wait_for_timeout(100)
        now = page.evaluate(LOOK)
        if now == before:
            return json.loads(now)
        before = now
    raise AssertionError("the page never rests")


def test_the_book_is_built(base_url: str) -> None:
    """Without pages, every test below would pass for want of a case."""
    assert "index.html" in PAGES
    assert any(path.startswith("chapters/") for path in PAGES)


@every_page
def test_quiet_and_accessible(path: str, theme: str, open_visit: Callable[..., Visit]) -> None:
    """No console error, no failed or foreign request (the fixture); axe finds nothing."""
    visit = open_visit(theme=theme)
    page = visit.goto(path)
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert visit.axe() == []


@every_page
def test_accessible_on_a_phone(path: str, open_visit: Callable[..., Visit]) -> None:
    """Axe finds nothing at 390 px either, where other controls show."""
    visit = open_visit(width=390, height=844)
    visit.goto(path)
    assert visit.axe() == []


@every_page
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_no_sideways_scrolling(path: str, width: int, open_visit: Callable[..., Visit]) -> None:
    """Nothing is wider than the window; wide tables and code scroll inside themselves."""
    page = open_visit(width=width, height=844).goto(path)
    wide = page.evaluate(
        """() => [...document.querySelectorAll('article *, article')].filter(e => {
             const r = e.getBoundingClientRect();
             if (!r.width || r.right <= innerWidth + 1) return false;
             for (let p = e.parentElement; p; p = p.parentElement)
               if (getComputedStyle(p).overflowX !== 'visible') return false;
             return true;
           }).map(e => e.tagName + '.' + e.className).slice(0, 5)"""
    )
    assert wide == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@every_page
@pytest.mark.parametrize("width", [390, 1280])
def test_the_theme_without_what_nothing_meets_looks_the_same(
    path: str, width: int, theme: str, open_visit: Callable[..., Visit]
) -> None:
    """Every element is where it is, and looks as it does, with the theme's whole sheet."""
    whole = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"
    whole = whole / "static" / "styles" / "pydata-sphinx-theme.css"
    looks = []
    for sheet in (None, whole):
        visit = open_visit(width=width, theme=theme)
        if sheet:
            visit.page.route("**/pydata-sphinx-theme.css*", lambda r: r.fulfill(path=whole))
        page = visit.goto(path)
        looks.append(look(page))
    assert len(looks[0]) == len(looks[1])
    assert [pair for pair in zip(*looks, strict=True) if pair[0] != pair[1]] == []


@every_page
def test_one_heading_and_every_image_named(path: str, light: Visit) -> None:
    """One h1 a page; each image, or the group it belongs to, says what it shows.

    A file name is no description.
    """
    page = light.goto(path)
    assert page.locator("main h1:visible").count() == 1
    names = page.evaluate(
        """() => [...document.querySelectorAll('main img')].map(image => {
             const group = image.closest('[role=img][aria-label]');
             return (image.alt || group?.getAttribute('aria-label') || '').trim()
                 || image.outerHTML.slice(0, 80);
           })"""
    )
    assert not [name for name in names if name.startswith("<img")]
    assert not [name for name in names if name.endswith((".png", ".svg", ".jpg"))]


@every_page
def test_computed_numbers_look_like_the_sentence(path: str, light: Visit) -> None:
    """A glued value has the weight and size of the text around it."""
    differing = light.goto(path).evaluate(
        """() => [...document.querySelectorAll('article span.pasted-text')].filter(span => {
             const own = getComputedStyle(span), around = getComputedStyle(span.parentElement);
             return own.fontWeight !== around.fontWeight || own.fontSize !== around.fontSize;
           }).map(span => span.textContent)"""
    )
    assert differing == []


@every_page
def test_mathematics_is_typeset(path: str, light: Visit) -> None:
    """Each formula is drawn, none is raw TeX or KaTeX's red error."""
    page = light.goto(path)
    formulas = page.locator("main .math")
    drawn = page.locator("main .math .katex")
    assert drawn.count() == formulas.count()
    assert page.locator(".katex-error").count() == 0
    text = page.locator("main article").evaluate(
        """article => { const copy = article.cloneNode(true);
             copy.querySelectorAll('pre, code, script, style, .katex').forEach(e => e.remove());
             return copy.textContent; }"""
    )
    for raw in ("\\frac", "\\text", "\\sum", "\\begin{", "$$", "\\("):
        assert raw not in text
    if drawn.count():
        fonts = page.evaluate("document.fonts.ready.then(f => [...f].map(x => x.status))")
        assert "loaded" in fonts
        assert "error" not in fonts


@every_page
def test_internal_links_lead_somewhere(path: str, light: Visit) -> None:
    """Each link inside the book names a page that exists and a place on it that exists."""
    page = light.goto(path)
    home = urlsplit(light.base_url).netloc
    links = page.eval_on_selector_all("a[href]", "links => links.map(a => a.href)")
    targets = {urldefrag(link) for link in links if urlsplit(link).netloc == home}
    assert targets
    for url, fragment in sorted(targets):
        file = HTML / unquote(urlsplit(url).path).lstrip("/")
        file = file / "index.html" if file.is_dir() else file
        assert file.is_file(), f"{url} does not exist"
        if fragment and file.suffix == ".html":
            text = file.read_text("utf-8")
            assert f'id="{unquote(fragment)}"' in text or fragment == "", f"{url}#{fragment}"


@every_page
def test_pages_are_light(path: str, light: Visit) -> None:
    """What the theme adds, fonts for mathematics included, is below 300 kB; so is the page."""
    assert len(gzip.compress((HTML / path).read_bytes())) < 300_000
    fetched: dict[str, int] = {}

    def weigh(response) -> None:
        name = urlsplit(response.url).path
        if name.startswith("/_static/") and response.ok:
            content = response.body()
            small = name.endswith((".woff2", ".png", ".jpg"))
            fetched[name] = len(content) if small else len(gzip.compress(content))

    light.page.on("response", weigh)
    light.goto(path)
    assert not [name for name in fetched if "fontawesome" in name.lower()]
    assert 0 < sum(fetched.values()) < 300_000, fetched


def test_search_finds_a_word(light: Visit) -> None:
    """The search page works without a server's help."""
    page = light.goto("search.html?q=convolution")
    page.wait_for_selector("#search-results li")
    assert page.locator("#search-results li a").count() > 0


@pytest.mark.parametrize(
    ("asked", "first", "anchor"),
    [
        ("1×1", "1×1 reduction", ""),
        ("1x1", "1×1 reduction", ""),
        ("3×3", None, ""),
        ("5 × 5", None, ""),
        ("receptive field", "receptive field (", "#term-receptive-field"),
        ("bottleneck", "bottleneck (", "#term-bottleneck"),
    ],
)
def test_search_finds_sizes_and_leads_to_definitions(
    light: Visit, asked: str, first: str | None, anchor: str
) -> None:
    """Each way to write a size finds the same pages; a term of the glossary comes first."""
    page = light.goto(f"search.html?q={quote(asked)}")
    page.wait_for_selector("#search-results .search-summary:not(:empty)")
    page.wait_for_selector("#search-results li p.context")
    found = page.locator("#search-results li > a").all()
    assert len(found) >= 5 or anchor
    if first:
        assert found[0].inner_text().startswith(first)
        assert found[0].get_attribute("href").endswith(anchor)
    size = asked.replace(" ", "").replace("x", "×")
    if not anchor:
        assert size in page.locator("p.context").first.inner_text()


def test_search_shows_formulas_once(light: Visit) -> None:
    """An excerpt holds the source of a formula, not its three forms one behind the other."""
    text = light.goto("search.html?q=kernel").evaluate(
        """async () => {
             const answer = await fetch('chapters/02_one_by_one_reduction.html');
             return Search.htmlToText(await answer.text(), '');
           }"""
    )
    assert "k^2" in text
    assert "k2k^2" not in text
    assert "\\times" not in text


@every_page
def test_description(path: str, light: Visit) -> None:
    """Each page says in its head what it is about, in words of its own."""
    words = {}
    for name in PAGES:
        page = BeautifulSoup((HTML / name).read_text("utf-8"), "html.parser")
        (description,) = page.select("head meta[name=description]")
        words[name] = description["content"]
    assert 40 <= len(words[path]) <= 160
    assert list(words.values()).count(words[path]) == 1


@every_page
def test_pictures_have_sizes(path: str, light: Visit) -> None:
    """Every picture reserves its place before it is there, and is a file beside the page."""
    pictures = light.goto(path).evaluate(
        """() => [...document.querySelectorAll('article img')].map(
             it => [it.outerHTML.slice(0, 90), it.width, it.height])"""
    )
    for tag, width, height in pictures:
        assert "data:" not in tag
        assert min(width, height) > 0, tag


@pytest.mark.parametrize("path", [p for p in PAGES if p.startswith("chapters/")])
def test_a_chapter_begins_with_its_picture(path: str, light: Visit) -> None:
    """The folded code of a picture stands behind it, where the eye, Tab and a reader meet it."""
    page = light.goto(path)
    misplaced = page.evaluate(
        """() => [...document.querySelectorAll('.cell')].filter(cell => {
             const folded = cell.querySelector(':scope > details.above-input');
             const made = cell.querySelector(':scope > .cell_output');
             return folded && made && folded.getBoundingClientRect().top <
               made.getBoundingClientRect().bottom - 1;
           }).length"""
    )
    assert misplaced == 0


@pytest.mark.parametrize("path", [p for p in PAGES if p.startswith("chapters/")])
def test_the_notebook_can_be_downloaded(path: str, light: Visit) -> None:
    """The download menu begins with the exported notebook, which is there."""
    page = light.goto(path)
    page.get_by_role("button", name="Download this page").click()
    first = page.locator(".dropdown-download-buttons .dropdown-item").first
    assert first.inner_text().strip() == "Download notebook"
    answer = page.request.get(first.evaluate("link => link.href"))
    assert answer.ok
    assert "".join(answer.json()["cells"][0]["source"]).startswith("# ")


@every_page
def test_no_line_begins_with_the_punctuation_behind_a_formula(path: str, light: Visit) -> None:
    """At every width, a full stop stays with its formula."""
    page = light.goto(path)
    for width in range(320, 800, 30):
        page.set_viewport_size({"width": width, "height": 844})
        alone = page.evaluate(
            """() => [...document.querySelectorAll('article .math')].filter(formula => {
                 if (formula.matches('.math-display')) return false;
                 const after = formula.nextSibling ?? formula.parentElement.nextSibling;
                 if (!/^[.,:;!?)\\]]/.test(after?.data ?? '')) return false;
                 const range = document.createRange();
                 range.setStart(after, 0);
                 range.setEnd(after, 1);
                 return range.getBoundingClientRect().left <
                   formula.getBoundingClientRect().left;
               }).map(formula => formula.parentElement.textContent.slice(0, 60))"""
        )
        assert alone == [], width


@every_page
def test_the_ways_on_are_on_the_screen_of_a_phone(
    path: str, open_visit: Callable[..., Visit]
) -> None:
    """Both arrows, and the words beside them, lie within 390 px."""
    page = open_visit(width=390, height=844).goto(path)
    edges = page.eval_on_selector_all(
        ".prev-next-area *", "all => all.map(it => it.getBoundingClientRect().right)"
    )
    assert max(edges, default=0) <= 390


def test_the_landing_page_starts(open_visit: Callable[..., Visit]) -> None:
    """On a phone's first screen: where to start, how to run it, and a figure that is alive."""
    page = open_visit(width=390, height=844).goto("index.html")
    for name, leads in (("Start with chapter 1", "chapters/01_"), ("How to run it", "#")):
        link = page.get_by_role("link", name=name)
        assert link.bounding_box()["y"] < 500
        assert leads in link.get_attribute("href")
    assert page.locator("figure.interactive input").first.bounding_box()["y"] < 844
