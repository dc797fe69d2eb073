"""The builder ``course_notebook``: each chapter as an .ipynb that needs nothing but ``utils``.

It writes from Sphinx's resolved doctree, so that cross references, citations and glued values are
what the published page shows. It is strict: what it does not know how to write in a notebook's
Markdown is an error that names page and line. It is deterministic: the same book gives the same
bytes. ``tools/notebooks.py`` runs it.
"""

from __future__ import annotations

import ast
import base64
import mimetypes
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
from docutils import nodes
from myst_nb.core.read import create_nb_reader
from pybtex.backends.markdown import Backend as MarkdownBackend
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.errors import SphinxError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node

from .places import line_of
from .repository import repository_url
from .roles import printed

LOGGER = logging.getLogger(__name__)
HIDDEN = {
    "hide-input": "Code of this output",
    "hide-cell": "Code",
    "remove-input": "Code of this output (not shown in the book)",
    "remove-cell": "Code for the numbers in the text (not shown in the book)",
}

NEEDS = """\
# This chapter needs the course's package, `utils`.
{install}try:
    import utils.googlenet
except ImportError as error:
    raise ImportError(
        f"{{error}}. The course's package is not here: install it with {how} "
        "If another package called utils is in its way, run after that: import sys, "
        "inception_course; sys.modules['utils'] = inception_course"
    ) from None
"""
INSTALL = """\
import sys

if "google.colab" in sys.modules:  # elsewhere, you choose when to install something
    %pip install --quiet git+{url}
"""
FROM_ADDRESS = "%pip install git+{url}"
FROM_FOLDER = "%pip install FOLDER, the folder of the course that this notebook was made from."


class NotebookError(SphinxError):
    """Something in a page has no place in a notebook."""

    category = "Notebook export"


# --- Markdown from a doctree ---------------------------------------------------------------------


class Markdown:
    """Writes the nodes of one page as Markdown that Jupyter, Colab and GitHub read alike.

    Parameters
    ----------
    builder
        The builder, for the book's citations and the other pages' addresses.
    docname
        The page.
    """

    def __init__(self, builder: NotebookBuilder, docname: str) -> None:
        self.builder = builder
        self.docname = docname
        self.line = 1
        self.cited: dict[str, None] = {}
        self.footnotes: list[str] = []

    def fail(self, node: nodes.Node, what: str) -> NotebookError:
        """Make the error for a node, with the nearest line that is known."""
        line = line_of(node) or self.line
        path = self.builder.env.doc2path(self.docname, base=False)
        return NotebookError(f"{path}:{line}: {what}")

    # Inline ---------------------------------------------------------------------------------------

    def inline(self, node: nodes.Element) -> str:
        """Write what is in a paragraph."""
        return "".join(self.inline_one(child) for child in node.children)

    def inline_one(self, node: nodes.Node) -> str:
        """Write one inline node."""
        if isinstance(node, nodes.Text):
            return escape(node.astext())
        for kind, write in self.INLINE.items():
            if type(node) is kind:
                return write(self, node)
        raise self.fail(node, f"a notebook cannot hold this in its text: {node.tagname}")

    def surround(mark: str) -> Callable[[Markdown, nodes.Element], str]:  # noqa: N805
        """Write content between two marks."""

        def write(self: Markdown, node: nodes.Element) -> str:
            return f"{mark}{self.inline(node)}{mark}"

        return write

    def html(tag: str) -> Callable[[Markdown, nodes.Element], str]:  # noqa: N805
        """Write content as an HTML element, where Markdown has no mark."""

        def write(self: Markdown, node: nodes.Element) -> str:
            return f"<{tag}>{self.inline(node)}</{tag}>"

        return write

    def literal(self, node: nodes.literal) -> str:
        """Write code, within as many backticks as it needs."""
        text = node.astext()
        if any(isinstance(child, nodes.Element) for child in node.children):
            raise self.fail(node, "code with markup in it")
        ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
        pad = " " if text.startswith("`") or text.endswith("`") else ""
        return f"{ticks}{pad}{text}{pad}{ticks}"

    def math(self, node: nodes.math) -> str:
        """Write a formula; Jupyter reads dollars."""
        return f"${node.astext().strip()}$"

    def reference(self, node: nodes.Element) -> str:
        """Write a link: to a paper's DOI, to another page, out of the book, or as mere text."""
        text = self.inline(node)
        target = node.get("refuri", "")
        page, _, anchor = target.partition("#")
        if key := self.builder.citation_keys.get(node.get("refid") or anchor):
            self.cited[key] = None
            return f"[{text}]({self.builder.citation_url(key)})"
        if target and not node.get("internal"):
            return f"[{text}]({target})"
        if page.endswith(".ipynb"):
            return f"[{text}]({page})"
        return text  # elsewhere on this page, or a page that is not a notebook

    def span(self, node: nodes.inline) -> str:
        """Write a span: its classes have no place here, its content stays."""
        return self.inline(node)

    def raw(self, node: nodes.raw) -> str:
        """Keep HTML, which notebooks know; other formats are for other builders."""
        return node.astext() if "html" in node["format"].split() else ""

    def footnote_reference(self, node: nodes.footnote_reference) -> str:
        """Write the footnote's number."""
        return f"<sup>{node.astext()}</sup>"

    def image(self, node: nodes.image) -> str:
        """Embed a picture: the notebook travels alone."""
        path = Path(self.builder.srcdir) / node["uri"]
        if "://" in node["uri"] or not path.is_file():
            raise self.fail(node, f"an image that is not a file of the book: {node['uri']}")
        kind = mimetypes.guess_type(path.name)[0]
        data = base64.b64encode(path.read_bytes()).decode()
        return f"![{escape(node.get('alt', ''))}](data:{kind};base64,{data})"

    def nothing(self, node: nodes.Node) -> str:
        """Leave out what only Sphinx needs."""
        return ""

    INLINE = {  # noqa: RUF012
        nodes.emphasis: surround("*"),
        nodes.strong: surround("**"),
        nodes.literal: literal,
        nodes.math: math,
        nodes.reference: reference,
        addnodes.number_reference: reference,
        nodes.inline: span,
        printed: span,
        nodes.subscript: html("sub"),
        nodes.superscript: html("sup"),
        nodes.abbreviation: span,
        nodes.raw: raw,
        nodes.image: image,
        nodes.footnote_reference: footnote_reference,
        nodes.target: nothing,
        nodes.comment: nothing,
    }

    # Blocks ---------------------------------------------------------------------------------------

    def blocks(self, parent: nodes.Element) -> list[str]:
        """Write the children of a node, each a block."""
        return [text for child in parent.children if (text := self.block(child))]

    def block(self, node: nodes.Node, depth: int = 1) -> str:
        """Write one block."""
        self.line = getattr(node, "line", None) or self.line
        for kind, write in self.BLOCKS.items():
            if type(node) is kind:
                return write(self, node)
        if isinstance(node, nodes.title):
            return f"{'#' * min(depth, 6)} {self.inline(node)}"
        if isinstance(node, nodes.Admonition):
            return self.admonition(node)
        raise self.fail(node, f"a notebook cannot hold this: {describe(node)}")

    def paragraph(self, node: nodes.Element) -> str:
        """Write a paragraph; a first character that would start a list or a heading is escaped."""
        text = self.inline(node).strip("\n")
        return re.sub(r"^(\d*)([#>+\-.)])(?=\s)", r"\1\\\2", text)

    def math_block(self, node: nodes.math_block) -> str:
        """Write a displayed formula, with its number if it can be referred to."""
        tex = node.astext().strip()
        if node.get("label"):
            tex = f"{tex}\n\\tag{{{node['number']}}}"
        return tex if node.get("nowrap") else f"$$\n{tex}\n$$"

    def literal_block(self, node: nodes.literal_block) -> str:
        """Write code that is shown, not run."""
        language = node.get("language", "")
        code = node.astext().rstrip("\n")
        return f"```{'' if language in ('default', 'none') else language}\n{code}\n```"

    def bullet_list(self, node: nodes.bullet_list) -> str:
        """Write a list."""
        return "\n".join(self.item(item, "- ") for item in node.children)

    def enumerated_list(self, node: nodes.enumerated_list) -> str:
        """Write a numbered list."""
        if node.get("enumtype", "arabic") != "arabic":
            raise self.fail(node, "a list numbered with letters")
        start = node.get("start", 1)
        return "\n".join(self.item(x, f"{n}. ") for n, x in enumerate(node.children, start))

    def item(self, node: nodes.Element, mark: str) -> str:
        """Write a list item, indented under its mark."""
        blocks = self.blocks(node)
        tight = all(not block.startswith(("```", "$$", "|", ">")) for block in blocks)
        text = ("\n" if tight and len(blocks) <= 2 else "\n\n").join(blocks)
        return mark + indent(text, " " * len(mark)).lstrip(" ")

    def definition_list(self, node: nodes.definition_list) -> str:
        """Write terms in bold with their definitions below."""
        parts = []
        for item in node.children:
            for child in item.children:
                if isinstance(child, nodes.term):
                    parts.append(f"**{self.inline(child)}**")
                else:
                    parts.append(quote("\n\n".join(self.blocks(child))))
        return "\n\n".join(parts)

    def block_quote(self, node: nodes.block_quote) -> str:
        """Write a quotation."""
        return quote("\n\n".join(self.blocks(node)))

    def admonition(self, node: nodes.Element) -> str:
        """Write a box as a quotation under a bold title."""
        children = list(node.children)
        title = node.tagname.capitalize()
        if children and isinstance(children[0], nodes.title):
            title = self.inline(children.pop(0))
        blocks = [f"**{title}**", *(text for child in children if (text := self.block(child)))]
        return quote("\n\n".join(blocks))

    def exercise(self, node: nodes.Element) -> str:
        """Write an exercise under a heading of its own; its cells follow."""
        title, *body = node.children
        name = self.inline(title).strip().removeprefix("(").removesuffix(")")
        number = self.builder.number("exercise", self.docname, node)
        blocks = [f"### Exercise{f' {number}' if number else ''}: {name}"]
        for section in body:
            blocks += self.blocks(section)
        return "\n\n".join(blocks)

    def table(self, node: nodes.table) -> str:
        """Write a table as a pipe table; cells hold one paragraph."""
        parts, aligns, rows = [], [], []
        for child in node.children:
            if isinstance(child, nodes.title):
                parts.append(f"**{self.inline(child)}**")
        group = next(iter(node.findall(nodes.tgroup)))
        for row in group.findall(nodes.row):
            cells = []
            for entry in row.children:
                if entry.get("morecols") or entry.get("morerows") or len(entry.children) > 1:
                    raise self.fail(node, "a table with joined cells or several blocks in one")
                text = "".join(self.inline(paragraph) for paragraph in entry.children)
                cells.append(text.replace("|", "\\|").replace("\n", " "))
                if len(rows) == 0:
                    aligns.append("--:" if "text-right" in entry["classes"] else "---")
            rows.append(f"| {' | '.join(cells)} |")
        rows.insert(1, f"| {' | '.join(aligns)} |")
        return "\n\n".join([*parts, "\n".join(rows)])

    def figure(self, node: nodes.figure) -> str:
        """Write a picture, its number and caption below in italics."""
        blocks = []
        for child in node.children:
            if isinstance(child, nodes.caption):
                number = self.builder.number("figure", self.docname, node)
                label = f"**Fig. {number}.** " if number else ""
                blocks.append(f"{label}{self.inline(child)}")
            elif isinstance(child, nodes.legend):
                blocks += self.blocks(child)
            else:
                blocks.append(self.block(child))
        return "\n\n".join(blocks)

    def container(self, node: nodes.container) -> str:
        """Write a dropdown; any other container is unknown."""
        if node.get("design_component") != "dropdown":
            raise self.fail(node, f"a notebook cannot hold this: {describe(node)}")
        children = list(node.children)
        title = self.inline(children.pop(0)) if node.get("has_title") else "More"
        body = "\n\n".join(text for child in children if (text := self.block(child)))
        return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"

    def transition(self, node: nodes.transition) -> str:
        """Write a line between sections; the one above footnotes is Sphinx's own."""
        return "" if "footnotes" in node["classes"] else "---"

    def footnote(self, node: nodes.footnote) -> str:
        """Keep a footnote for the end of the notebook."""
        label, *body = node.children
        text = " ".join(self.block(child) for child in body)
        self.footnotes.append(f"<sup>{label.astext()}</sup> {text}")
        return ""

    def rubric(self, node: nodes.rubric) -> str:
        """Write a heading that is not in the table of contents."""
        return f"**{self.inline(node)}**"

    BLOCKS = {  # noqa: RUF012
        nodes.paragraph: paragraph,
        nodes.math_block: math_block,
        nodes.literal_block: literal_block,
        nodes.bullet_list: bullet_list,
        nodes.enumerated_list: enumerated_list,
        nodes.definition_list: definition_list,
        nodes.block_quote: block_quote,
        nodes.admonition: admonition,
        nodes.topic: admonition,
        nodes.sidebar: admonition,
        exercise_node: exercise,
        exercise_enumerable_node: exercise,
        nodes.table: table,
        nodes.figure: figure,
        nodes.image: image,
        nodes.container: container,
        nodes.transition: transition,
        nodes.footnote: footnote,
        nodes.rubric: rubric,
        nodes.raw: raw,
        nodes.target: nothing,
        nodes.comment: nothing,
        addnodes.index: nothing,
    }


def describe(node: nodes.Node) -> str:
    """Name a node as its author would recognise it."""
    component = node.get("design_component") if isinstance(node, nodes.Element) else None
    return f"{component or node.tagname} ({' '.join(node.astext().split())[:40]!r})"


def escape(text: str) -> str:
    """Escape the characters that Markdown or Jupyter's mathematics would read as markup."""
    text = re.sub(r"([\\*`$])", r"\\\1", text)
    text = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)
    return text.replace("](", "\\](").replace("&", "&amp;").replace("<", "&lt;")


def indent(text: str, by: str) -> str:
    """Indent each line that is not empty."""
    return "\n".join(by + line if line else line for line in text.split("\n"))


def quote(text: str) -> str:
    """Write a block as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


class Bibliography(MarkdownBackend):
    """Writes entries with the same escapes as the text: pybtex escapes every full stop."""

    def format_str(self, str_: str) -> str:
        """Escape plain text."""
        return escape(str_)


# --- Cells ----------------------------------------------------------------------------------------


def check_imports(source: str) -> None:
    """Refuse what a reader does not have: MyST-NB, which only builds the book."""
    for node in ast.walk(ast.parse(source)) if "myst_nb" in source else ():
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.partition(".")[0] == "myst_nb" for name in names):
            raise ValueError("imports myst_nb, which a reader does not have: `tell` the numbers")


def code_cell(source: str, tags: list[str]) -> nbformat.NotebookNode:
    """Make a code cell; what the book folds or leaves out is folded, in Colab as a form."""
    metadata: dict[str, object] = {"tags": tags} if tags else {}
    title = next((HIDDEN[tag] for tag in tags if tag in HIDDEN), None)
    if title:
        source = f"# @title {title}\n{source}"
        metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}
    return nbformat.v4.new_code_cell(source, metadata=metadata)


def first_cell(url: str | None) -> str:
    """Source of the cell that gets the package, or stops and says how."""
    if not url:
        return NEEDS.format(install="", how=FROM_FOLDER).rstrip("\n")
    how = FROM_ADDRESS.format(url=url)
    return NEEDS.format(install=INSTALL.format(url=url), how=how + " .").rstrip("\n")


# --- The builder ----------------------------------------------------------------------------------


class NotebookBuilder(Builder):
    """Writes every chapter that holds code as an .ipynb without outputs."""

    name = "course_notebook"
    format = "notebook"
    epilog = "The notebooks are in %(outdir)s."
    supported_image_types = ["image/svg+xml", "image/png", "image/jpeg"]  # noqa: RUF012
    allow_parallel = False

    def get_outdated_docs(self) -> list[str]:
        """Write every chapter every time: it takes no time, and nothing can be stale."""
        return [name for name in sorted(self.env.found_docs) if self.is_chapter(name)]

    def is_chapter(self, docname: str) -> bool:
        """Tell whether a page becomes a notebook: it has a kernel and is not the landing page."""
        has_kernel = "kernelspec" in self.env.metadata.get(docname, {})
        return has_kernel and docname != self.config.root_doc

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """Address of a page as a notebook, or as a page that will not be one."""
        return f"{docname}.ipynb" if self.is_chapter(docname) else f"{docname}.html"

    def prepare_writing(self, docnames: set[str]) -> None:
        """Look up the book's citations."""
        citations = self.env.get_domain("cite").citations if "cite" in self.env.domains else []
        self.citations = {citation.key: citation for citation in citations}
        self.citation_keys = {citation.citation_id: citation.key for citation in citations}

    def citation_url(self, key: str) -> str:
        """Address of a cited work: DOI, arXiv or URL, in this order."""
        fields = self.citations[key].entry.fields
        if "doi" in fields:
            return f"https://doi.org/{fields['doi']}"
        if fields.get("archiveprefix", "").lower() == "arxiv" and "eprint" in fields:
            return f"https://arxiv.org/abs/{fields['eprint']}"
        if "url" in fields:
            return fields["url"]
        raise NotebookError(f"bibliography entry {key}: has no doi, arXiv eprint or url")

    def number(self, kind: str, docname: str, node: nodes.Element) -> str:
        """Give a figure's or an exercise's number, nothing where it has none."""
        numbers = self.env.toc_fignumbers.get(docname, {}).get(kind, {})
        number = next((numbers[i] for i in node["ids"] if i in numbers), ())
        return ".".join(map(str, number))

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        """Write one chapter; a fault is a warning, so that every page's first one is reported."""
        if self.is_chapter(docname):
            try:
                self.write_chapter(docname, doctree)
            except NotebookError as error:
                LOGGER.warning("%s", error)

    def write_chapter(self, docname: str, doctree: nodes.document) -> None:
        """Write one chapter; NotebookError if it cannot be."""
        source = self.read_source(docname)
        self.sources = source.cells
        self.line_of = source.metadata.get("source_map") or [0] * len(source.cells)
        self.next_cell = 0
        self.cells, self.pending = [], []
        writer = Markdown(self, docname)
        for section in doctree.children:
            self.write_section(writer, section, depth=1)
        self.take_code(docname, len(self.sources))
        if writer.footnotes:
            self.pending.append("\n\n".join(writer.footnotes))
        if writer.cited:
            self.pending.append(self.references(writer.cited))
        self.flush()
        first = first_cell(repository_url(Path(self.srcdir)))
        # Under the title, so that Colab and Jupyter name the notebook by its first heading.
        self.cells.insert(1, nbformat.v4.new_code_cell(first))
        self.save(docname, source.metadata)

    def read_source(self, docname: str) -> nbformat.NotebookNode:
        """Read a page's cells, as MyST-NB reads them."""
        path = self.env.doc2path(docname)
        text = Path(path).read_text("utf-8")
        reader = create_nb_reader(path, self.env.myst_config, self.env.mystnb_config, text)
        return reader.read(text)

    def write_section(self, writer: Markdown, node: nodes.Node, *, depth: int) -> None:
        """Write a section: its headings and text, its cells, the sections in it."""
        if isinstance(node, nodes.section):
            for child in node.children:
                self.write_section(writer, child, depth=depth + isinstance(child, nodes.section))
            return
        if isinstance(node, nodes.container) and node.get("nb_element") == "cell_code":
            self.flush()
            self.take_code(writer.docname, node["cell_index"] + 1)
            return
        text = writer.block(node, depth)
        if text:
            self.pending.append(text)
            if depth == 1 and isinstance(node, nodes.title):
                self.flush()

    def flush(self) -> None:
        """End the Markdown cell."""
        if self.pending:
            self.cells.append(nbformat.v4.new_markdown_cell("\n\n".join(self.pending)))
            self.pending = []

    def take_code(self, docname: str, until: int) -> None:
        """Add the code cells up to an index, those that the page leaves out included."""
        while self.next_cell < until:
            cell, index = self.sources[self.next_cell], self.next_cell
            self.next_cell += 1
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            where = f"{self.env.doc2path(docname, base=False)}:{self.line_of[index] + 1}"
            tags = list(cell.metadata.get("tags", []))
            if cell.source.startswith("%%") and HIDDEN.keys() & set(tags):
                raise NotebookError(f"{where}: a hidden cell cannot start with a cell magic")
            try:
                check_imports(cell.source)
            except (SyntaxError, ValueError) as error:
                raise NotebookError(f"{where}: this cell {error}") from None
            self.flush()
            self.cells.append(code_cell(cell.source, tags))

    def references(self, keys: dict[str, None]) -> str:
        """Write the list of what the chapter cites."""
        backend = Bibliography()
        entries = []
        for key in sorted(keys):
            text = " ".join(self.citations[key].formatted_entry.text.render(backend).split())
            url = self.citation_url(key)
            entries.append(f"- {text}" if f"]({url})" in text else f"- {text} <{url}>")
        return "## References\n\n" + "\n".join(sorted(entries))

    def save(self, docname: str, metadata: nbformat.NotebookNode) -> None:
        """Write the file, byte for byte the same for the same page."""
        for number, cell in enumerate(self.cells):
            cell["id"] = f"cell-{number:03d}"
        kernel = metadata.get("kernelspec", {})
        notebook = nbformat.v4.new_notebook(
            cells=self.cells,
            metadata={
                "kernelspec": {
                    "display_name": kernel.get("display_name", "Python 3"),
                    "language": "python",
                    "name": kernel.get("name", "python3"),
                },
                "language_info": {"name": "python"},
            },
        )
        nbformat.validate(notebook)
        path = Path(self.outdir) / f"{docname}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(notebook) + "\n", "utf-8")

    def finish(self) -> None:
        """Nothing is left to do after the last page."""


class DropOutputs(SphinxPostTransform):
    """Empty the cells before MyST-NB chooses among their outputs: a notebook makes its own."""

    default_priority = 1
    builders = (NotebookBuilder.name,)

    def run(self, **options: object) -> None:
        """Keep of each cell only the place."""
        for node in list(self.document.findall(nodes.container)):
            if node.get("nb_element") == "cell_code":
                node.children = []


def setup(app: Sphinx) -> None:
    """Register the builder."""
    app.add_builder(NotebookBuilder)
    app.add_post_transform(DropOutputs)
