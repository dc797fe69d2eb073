"""What the book's own Sphinx extension does, seen in the HTML of tiny books."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pydata_sphinx_theme
import pytest
import tinycss2
from bs4 import BeautifulSoup
from tiny_book import ROOT, TinyBook

SPEC = importlib.util.spec_from_file_location("lean", ROOT / "_ext/course/lean.py")
lean = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(lean)

NOWHERE = {"GITHUB_SERVER_URL": "", "GITHUB_REPOSITORY": "", "COURSE_NOTEBOOKS": ""}
SOMEWHERE = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "me/course"}

GOOD = r"""
Inline $\frac{a}{b}$, glued {glue:text}`n`, and {printed}`6.67%` {cite:p}`szegedy2015going`.

$$
y = \underbrace{W x}_{\text{linear}} + b
$$ (eq-y)

See {eq}`eq-y`.

```{dropdown} More
Hidden.
```

{.after-prediction}
A result.

{.after-prediction}
- in a list

{.after-prediction}
| in | a table |
|:--|:--|
| 1 | 2 |

:::{note}
:class: after-prediction
In a box.
:::

![Four bars](../_static/favicon.svg)
"""
CELLS = (
    ":tags: [remove-cell]\n\nfrom myst_nb import glue\nglue('n', '1,234', display=False)",
    ":tags: [hide-input, after-prediction]\n\nprint(1)",
    ":tags: [remove-output]\n\nimport ipywidgets\nipywidgets.IntSlider()",
    """
    from IPython.display import display
    view = {"model_id": "a", "version_major": 2, "version_minor": 0}
    still = {"text/html": "<p>a bar that has come to rest</p>", "text/plain": "a bar"}
    display({**still, "application/vnd.jupyter.widget-view+json": view}, raw=True)
    """,
    """
    ---
    mystnb:
      image:
        alt: A straight line.
    ---
    from IPython.display import SVG
    SVG('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>')
    """,
)

PACKAGE = '''
    """A room with <b>, $5, {a} and 2 * 3 * 4."""

    import os


    class Thing:
        """A thing."""

        def do(self, often: int = 1) -> str:
            """Do it."""

        def _hidden(self):
            """hidden"""


    def call(
        x: tuple[int, int, int], /, *, deep: bool = True, words: dict[str, int] | None = None
    ) -> int:
        """Call `f(x)` for *all* of :func:`x`.

        Parameters
        ----------
        x : int
            What to call
        deep, words : "so-called" or None

        Raises
        ------
        ValueError
            It is not there.

        Notes
        -----
        Said [elsewhere].
        """


    def hidden():
        pass
    '''


def soup(book: TinyBook, name: str) -> BeautifulSoup:
    return BeautifulSoup(book.html(name), "html.parser")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A book with one page of everything and one plain page, built without an address."""
    book = TinyBook(tmp_path_factory.mktemp("good"))
    book.chapter("all", *CELLS, prose=GOOD)
    book.page("plain", "Only words.")
    book.page("sources", "```{bibliography}\n```\n")
    book.write("utils/__init__.py", "raise RuntimeError('read, not imported')\n")
    book.write("utils/room.py", PACKAGE)
    book.page("package", "% reference: utils.room\n\nSee [the room](#utils.room).")
    answer = book.build(**NOWHERE)
    assert answer.status == 0, answer.text
    return book


@pytest.mark.slow
def test_scripts(good):
    """Nothing from other hosts, nothing twice, nothing that the page does not use."""
    for name in ("index", "chapters/all", "chapters/plain", "search"):
        page = soup(good, name)
        sources = [script["src"] for script in page.find_all("script", src=True)]
        inline = [script.get_text().strip() for script in page.find_all("script", src=False)]
        assert len(sources) == len(set(sources)), sources
        assert len(inline) == len(set(inline)), inline
        for address in sources + [link.get("href", "") for link in page.find_all("link")]:
            assert "://" not in address, address
        text = " ".join(sources + inline).lower()
        for unwanted in ("thebe", "mathjax", "require", "html-manager", "widgets", "fontawesome"):
            assert unwanted not in text


@pytest.mark.slow
def test_a_widget_that_brings_html_stands_still(good):
    assert "a bar that has come to rest" in soup(good, "chapters/all").get_text()


@pytest.mark.slow
def test_style_sheets_only_where_they_are_used(good):
    def sheets(name):
        links = soup(good, name).find_all("link", rel="stylesheet")
        return " ".join(link["href"] for link in links)

    assert "katex.min.css" in sheets("chapters/all")
    assert "sphinx-design.min.css" in sheets("chapters/all")
    for name in ("index", "chapters/plain"):
        assert "katex.min.css" not in sheets(name)
        assert "sphinx-design.min.css" not in sheets(name)
        assert "course.css" in sheets(name)


@pytest.mark.slow
def test_mathematics_is_typeset_with_its_meaning(good):
    page = soup(good, "chapters/all")
    formulas = page.select(".math")
    assert len(formulas) == 2
    for formula in formulas:
        assert formula.select_one(".katex-html[aria-hidden=true]")
        assert formula.select_one(".katex-mathml math")
    assert page.select_one(".math-nobreak").contents[-1] == ","
    assert page.select_one(".math-display .eqno").get_text().startswith("(1)")
    assert page.select_one("a.reference[href='#equation-eq-y']").get_text() == "(1)"
    fonts = good.root / "_build" / "html" / "_static" / "course-katex" / "fonts"
    style = (fonts.parent / "katex.min.css").read_text("utf-8")
    for font in set(re.findall(r"fonts/([\w-]+\.woff2)", style)):
        assert (fonts / font).is_file()


@pytest.mark.slow
def test_titles(good):
    """The landing page is named once, a page by its own title and the book's."""
    assert soup(good, "index").title.get_text() == "A tiny book"
    title = soup(good, "chapters/plain").title.get_text()
    assert title.startswith("Page plain")
    assert title.endswith("Inception, from the Filter Up")


@pytest.mark.slow
def test_printed_explains_itself(good):
    span = soup(good, "chapters/all").select_one("span.printed")
    assert span.find(string=True) == "6.67%"
    assert "cited source" in span["title"]
    assert span.select_one(".visually-hidden").get_text().strip() == "(as printed)"


@pytest.mark.slow
def test_a_result_that_a_prediction_hides_is_marked(good):
    page = soup(good, "chapters/all")
    assert [mark.name for mark in page.select(".after-prediction")] == ["p", "ul", "table", "div"]
    assert page.select_one("div.cell.tag_after-prediction").find("details")


@pytest.mark.slow
def test_labels_and_roles(good):
    page = soup(good, "chapters/all")
    for button in page.select(".search-button-field"):
        assert not button.get("aria-label")
        assert "Search" in button.get_text()
    icons = page.select(".theme-switch-button i")
    assert icons
    assert all(icon.get("aria-hidden") == "true" and not icon.get("title") for icon in icons)
    (summary,) = page.select("details.hide > summary")
    assert not summary.get("aria-label")
    entries = soup(good, "chapters/sources").select(".citation-list > .citation")
    assert entries
    assert {entry["role"] for entry in entries} == {"listitem"}
    assert "doc-biblioentry" not in good.html("chapters/sources")


@pytest.mark.slow
def test_the_reference_shows_what_a_module_offers(good):
    page = soup(good, "chapters/package").select_one("article")
    assert [title.find(string=True) for title in page.find_all(["h2", "h3"])] == [
        "utils.room",
        "Thing",
        "call",
    ]
    assert page.select_one("a.reference[href='#utils-room']")
    said = re.sub(r"\s+", " ", page.get_text())
    for words in (
        "A room with <b>, $5, {a} and 2 * 3 * 4.",
        "class Thing A thing. do(often: int = 1) -> str Do it.",
        "call( x: tuple[int, int, int], /, *, deep: bool = True, words: dict[str, int] | None = "
        "None, ) -> int",
        "Call f(x) for *all* of x",
        "Parameters x, int: What to call deep, “so-called” or None words, “so-called” or None ",
        "Raises ValueError: It is not there.",
        "Notes Said [elsewhere].",
    ):
        assert words in said
    assert "hidden" not in said
    assert "import" not in said


@pytest.mark.slow
def test_no_address_no_buttons(good):
    for name in ("index", "chapters/all"):
        text = good.html(name)
        assert "source-repository-button" not in text
        assert "colab" not in text.lower()
        assert "github.com" not in soup(good, name).select_one("header, .bd-header-article").text


@pytest.mark.slow
def test_an_address_gives_buttons_and_colab_where_a_notebook_is(good):
    """The page with a published notebook has a Colab button, to its branch; no other page has."""
    good.write("published/chapters/all.ipynb", "{}")
    answer = good.build(**NOWHERE | SOMEWHERE | {"COURSE_NOTEBOOKS": "published"})
    assert answer.status == 0, answer.text
    page = soup(good, "chapters/all")
    links = [a["href"] for a in page.select(".article-header-buttons a")]
    assert "https://github.com/me/course" in links
    assert (
        "https://colab.research.google.com/github/me/course/blob/notebooks/chapters/all.ipynb"
        in links
    )
    assert "https://github.com/me/course/edit/main/chapters/all.md" in links
    for name in ("index", "chapters/plain"):
        assert "colab" not in good.html(name).lower()
        assert "https://github.com/me/course" in good.html(name)


def test_the_extension_does_not_wait_for_torch():
    program = "import sys; import course; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT / "_ext", check=False)
    assert done.returncode == 0


def test_the_theme_still_loads_what_the_template_names():
    """Our copy of the theme's macros names the theme's own files, but for FontAwesome's."""
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"

    def assets(path: Path) -> set[str]:
        return set(re.findall(r"pathto\('_static/([\w./-]+\.(?:js|css))", path.read_text("utf-8")))

    ours = assets(ROOT / "_ext/course/templates/static/webpack-macros.html")
    theirs = assets(theme / "static" / "webpack-macros.html")
    assert theirs - ours == {"scripts/fontawesome.js", "styles/theme.css"}
    assert ours - theirs == {"basic.css"}  # all that the other holds
    holds = (theme / "static" / "styles" / "theme.css").read_text("utf-8")
    assert re.sub(r"/\*.*?\*/", "", holds).strip() == '@import "../basic.css";'


def test_the_sheet_keeps_what_pages_and_scripts_may_meet():
    words = {"body", "p", "note", "open", "menu", "data-theme"}
    sheet = """
      /* told */ @charset "utf-8"; :root { --ink: #123 } p.note, p.lost:hover { color: red }
      .lost { color: red } p:not(.lost)::before { content: "{" } #menu > p { margin: 0 }
      :is(.lost, .open) p { margin: 1px } [data-lost] { margin: 2px } .lost .open { margin: 3px }
      @media (min-width: 9px) { .lost { margin: 0 } .open { padding: 0 } }
      @media print { .lost { margin: 0 } } @keyframes turn { to { rotate: 1turn } }
    """
    rules = tinycss2.parse_stylesheet(sheet, skip_comments=True, skip_whitespace=True)
    text = " ".join(lean.kept(rules, words).split())
    for stays in (
        ":root{ --ink: #123 }",
        "p.note{ color: red }",
        'p:not(.lost)::before{ content: "{" }',
        "#menu > p{",
        ":is(.lost, .open) p{",
        "[data-lost]{",
        "@media (min-width: 9px) {.open{ padding: 0 }}",
        "@keyframes turn {",
    ):
        assert stays in text
    assert not {"p.lost", "3px", "print"} & set(re.findall(r"p\.lost|3px|print", text))


def test_the_theme_s_script_still_asks_what_lean_mends():
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"
    text = (theme / "static" / "scripts" / lean.SCRIPT.name).read_text("utf-8")
    assert text.count(lean.ASKED) == 1
