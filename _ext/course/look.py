"""The theme's templates and markup, mended where they are heavy or inaccessible.

Templates of the same name in ``templates/`` stand in for the theme's; nodes get their own
writers. Nothing is patched in finished HTML.
"""

from __future__ import annotations

from html import escape
from pathlib import Path, PurePosixPath

import pydata_sphinx_theme
from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.builders.html._assets import _JavaScript
from sphinx.config import Config
from sphinx.writers.html5 import HTML5Translator

TEMPLATES = Path(__file__).parent / "templates"
# Files that an extension gives to every page, and the class that shows a page uses them.
ONLY_WITH_CLASS = {
    "sphinx-design.min.css": "sd-",
    "design-tabs.js": "sd-tab",
    "exercise.css": "exercise",
}


def use_templates(app: Sphinx, config: Config) -> None:
    """Look for templates here before the theme."""
    config.templates_path.insert(0, str(TEMPLATES))


def visit_citation(self: HTML5Translator, node: nodes.citation) -> None:
    """Write a bibliography entry as a list item: the role docutils gives it is deprecated."""
    if not isinstance(node.previous_sibling(), nodes.citation):
        self.body.append('<div role="list" class="citation-list">\n')
    self.body.append(self.starttag(node, "div", CLASS="citation", role="listitem"))


def depart_citation(self: HTML5Translator, node: nodes.citation) -> None:
    """Close the entry, and the list after the last one."""
    self.body.append("</div>\n")
    if not isinstance(node.next_node(descend=False, siblings=True), nodes.citation):
        self.body.append("</div>\n")


def visit_hidden_cell(self: HTML5Translator, node: HideCodeCellNode) -> None:
    """Write a cell part that unfolds; its summary is named by the words it shows."""
    classes = " ".join(node["classes"])
    self.body.append(
        f'<details class="admonition hide {classes}">\n<summary>'
        f'<span class="collapsed admonition-title">{escape(node["prompt_show"])}</span>'
        f'<span class="expanded admonition-title">{escape(node["prompt_hide"])}</span>'
        "</summary>\n"
    )


def depart_hidden_cell(self: HTML5Translator, node: HideCodeCellNode) -> None:
    """Close the details."""
    self.body.append("</details>\n")


def mend_exercises(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Take from the exercises' contents the one id that sphinx-exercise gives to all of them."""
    for section in doctree.findall(nodes.section):
        if section["ids"] == ["exercise-content"]:
            section["ids"] = []


def picture_first(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the folded code of a cell behind what it made, for eye, ear and keyboard alike."""
    if app.builder.format != "html":
        return
    for cell in list(doctree.findall(nodes.Element)):  # a folded node may not know its parent
        folded = cell.children[0] if cell.children else None
        if isinstance(folded, HideCodeCellNode) and "above-input" in folded["classes"]:
            cell.append(cell.pop(0))


def page_files(app: Sphinx, pagename: str, template: str, context: dict, doctree) -> None:
    """Prepare the page's head: no script or style of an extension that the page does not use."""
    context["course_theme_version"] = pydata_sphinx_theme.__version__
    if pagename == app.config.root_doc:
        context["docstitle"] = ""  # the landing page's title is the book's; once is enough
    classes = set()
    if doctree is not None:
        for node in doctree.findall(nodes.Element):
            classes.update(node["classes"])
            if isinstance(node, nodes.raw) and "sd-" in node.astext():
                classes.add("sd-")
    for key in ("css_files", "script_files"):
        context[key] = [
            file
            for file in context.get(key, [])
            if not (prefix := ONLY_WITH_CLASS.get(name_of(file)))
            or any(name.startswith(prefix) for name in classes)
        ]
    context["script_files"] = [later(script) for script in context["script_files"]]


def later(script: _JavaScript) -> _JavaScript:
    """Let a script wait until the page is there; a module always does, and keeps the order."""
    wait = {"defer": "defer"} if script.filename else {"type": "module"}
    return _JavaScript(script.filename, priority=script.priority, **{**script.attributes, **wait})


def name_of(file: object) -> str:
    """Name of a style sheet or script in the page's context, without its folder."""
    return PurePosixPath(str(getattr(file, "filename", file))).name


def setup(app: Sphinx) -> None:
    """Register templates, writers and the page filter."""
    app.connect("config-inited", use_templates)
    app.add_node(nodes.citation, override=True, html=(visit_citation, depart_citation))
    app.add_node(HideCodeCellNode, override=True, html=(visit_hidden_cell, depart_hidden_cell))
    app.connect("doctree-resolved", mend_exercises)
    app.connect("doctree-resolved", picture_first)
    app.connect("html-page-context", page_files, priority=900)
