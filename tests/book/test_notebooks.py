"""Exported notebooks say what the pages say, refuse what they cannot say, and run alone."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from tiny_book import HEADER, ROOT, TinyBook

sys.path.insert(0, str(ROOT / "tools"))
import notebooks as tool

# (what a page holds, what its notebook must hold)
HANDLED = {
    "emphasis": ("An *em* and **strong** word.", "An *em* and **strong** word."),
    "code": ("Some `code` and ``a ` b``.", "Some `code` and ``a ` b``."),
    "characters": (
        r"Stars \* and \_under\_ and \$5 and 2 \< 3 and snake_case.",
        r"Stars \* and \_under\_ and \$5 and 2 &lt; 3 and snake_case.",
    ),
    "inline maths": (r"A $\frac{a}{b}$ here.", r"A $\frac{a}{b}$ here."),
    "maths": ("$$\na_b * c\n$$", "$$\na_b * c\n$$"),
    "numbered maths": ("$$\nx\n$$ (eq-x)\n\nSee {eq}`eq-x`.", "$$\nx\n\\tag{1}\n$$\n\nSee (1)."),
    "amsmath": (
        "\\begin{align}\ny &= 1\n\\end{align}",
        "\\begin{align}\ny &= 1\n\\end{align}",
    ),
    "web link": ("A [link](https://example.org/a_b).", "A [link](https://example.org/a_b)."),
    "link on the page": ("(here)=\n## Place\n\nSee [this](#here).", "## Place\n\nSee this."),
    "ref": ("(there)=\n## Spot\n\nSee {ref}`there`.", "## Spot\n\nSee Spot."),
    "link to a notebook": ("Go [on](other.md).", "Go [on](other.ipynb)."),
    "doc": ("Go {doc}`other`.", "Go [Page other](other.ipynb)."),
    "link to a page": ("Go [home](../index.md).", "Go home."),
    "glue": ("There are {glue:text}`count` of them.", "There are 1,234 of them."),
    "printed": (
        "It is {printed}`6.67%` {cite:p}`szegedy2015going`.",
        "It is 6.67% [[Szegedy *et al.*, 2015](https://doi.org/10.1109/CVPR.2015.7298594)].",
    ),
    "cite in the text": (
        "By {cite:t}`lin2014network`.",
        "By Lin *et al.* [[2014](https://arxiv.org/abs/1312.4400)].",
    ),
    "sub and sup": ("H{sub}`2`O{sup}`3`", "H<sub>2</sub>O<sup>3</sup>"),
    "bullets": ("- a\n- b\n  - c\n", "- a\n- b\n  - c"),
    "numbers": ("1. a\n2. b\n", "1. a\n2. b"),
    "later numbers": ("3. a\n4. b\n", "3. a\n4. b"),
    "list with code": ("- a\n\n  ```python\n  x\n  ```\n", "- a\n\n  ```python\n  x\n  ```"),
    "quotation": ("> said\n>\n> twice\n", "> said\n>\n> twice"),
    "definitions": ("Term\n: meaning\n", "**Term**\n\n> meaning"),
    "table": (
        "| a | n |\n|---|--:|\n| x | 1 |\n",
        "| a | n |\n| --- | --: |\n| x | 1 |",
    ),
    "exercise": (
        ":::{exercise} Count `n`\n:label: ex-count\n\nHow many?\n:::\n\nSee {ref}`ex-count`.",
        "### Exercise 1: Count `n`\n\nHow many?\n\nSee Exercise 1.",
    ),
    "titled table": ("```{table} Title\n| a |\n|---|\n| x |\n```", "**Title**\n\n| a |"),
    "goals": (
        ":::{admonition} In this chapter\n:class: goals\n\nText $x$.\n\n- one\n:::",
        "> **In this chapter**\n>\n> Text $x$.\n>\n> - one",
    ),
    "note": ("```{note}\nText.\n```", "> **Note**\n>\n> Text."),
    "dropdown": (
        "```{dropdown} More\nText.\n```",
        "<details>\n<summary>More</summary>\n\nText.\n\n</details>",
    ),
    "code block": ("```python\nx = 1\n```", "```python\nx = 1\n```"),
    "figure": (
        "```{figure} ../_static/favicon.svg\n:alt: Four bars\n:name: bars\n\nFour *bars*.\n```",
        re.compile(r"!\[Four bars\]\(data:image/svg\+xml;base64,\S+\)\n\n\*\*Fig. 1.\*\* Four \*b"),
    ),
    "image": (
        "![Four bars](../_static/favicon.svg)",
        re.compile(r"!\[Four bars\]\(data:image/svg\+xml;base64,\S+\)$"),
    ),
    "html": ("<kbd>Ctrl</kbd>", "<kbd>Ctrl</kbd>"),
    "break": ("one\\\ntwo", "one<br />\ntwo"),
    "rule": ("one\n\n***\n\ntwo", "one\n\n---\n\ntwo"),
    "footnote": ("Word[^n].\n\n[^n]: Below.\n", "Word<sup>1</sup>.\n\n<sup>1</sup> Below."),
    "rubric": ("```{rubric} Aside\n```", "**Aside**"),
    "comment": ("one\n\n% hidden\n\ntwo", "one\n\ntwo"),
    "block break": ("one\n\n+++\n\ntwo", "one\n\ntwo"),
    "list look-alike": ("1\\. not a list", "1\\. not a list"),
}

# (what a page holds, what the error must say)
REFUSED = {
    "role": ("{nosuchrole}`x`", "nosuchrole"),
    "directive": ("```{nosuchdirective}\nx\n```", "nosuchdirective"),
    "known to Sphinx alone": ("```{tab-set}\n:::{tab-item} A\nx\n:::\n```", "tab-set"),
    "grid": ("```{grid}\n```", "grid"),
    "video": ("```{line-block}\nx\n```", "line_block"),
    "key": ("{kbd}`x`{download}`../_static/course.css`", "download"),
    "letters": ("```{eval-rst}\na. x\nb. y\n```", "letters"),
    "remote image": ("![alt](https://example.org/a.png)", "not a file of the book"),
    "missing glue": ("{glue:text}`nowhere`", "nowhere"),
    "missing reference": ("{ref}`nowhere`", "nowhere"),
    "missing citation": ("{cite:p}`nobody1999`", "nobody1999"),
    "magic": ("```{code-cell} ipython3\n:tags: [hide-input]\n%%time\n1\n```", "magic"),
    "myst_nb": (
        "```{code-cell} ipython3\nfrom myst_nb import glue\n```",
        "which a reader does not have",
    ),
}

DO_NOT_RUN = "mystnb:\n  execution_mode: 'off'\n"

CELLS = """
```{code-cell} ipython3
:tags: [remove-cell]

from utils.support.telling import tell

x = 1234
tell(count=x)
```
"""


def export(book: TinyBook, **variables: str):
    """Run the tool; give its answer and the notebooks it left."""
    usual = {"GITHUB_REPOSITORY": "", "GITHUB_SERVER_URL": "", "PYTHONPATH": str(ROOT)}
    variables = usual | variables
    answer = book.run("tools/notebooks.py", "--no-run", **variables)
    out = book.root / "_build" / "notebooks"
    return answer, {p.stem: nbformat.read(p, as_version=4) for p in out.rglob("*.ipynb")}


def markdown(notebook) -> str:
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def add(book: TinyBook, name: str, text: str, cells: str = "") -> None:
    """Add a page; without `cells`, no kernel is started for it."""
    header = HEADER if cells else HEADER.replace("kernelspec", f"{DO_NOT_RUN}kernelspec")
    path = book.page(name, "")
    path.write_text(f"{header}\n# Page {name}\n\nStart.\n\n{cells}\n{text}\n", "utf-8")


@pytest.fixture(scope="module")
def handled(tmp_path_factory):
    """One book with one page per thing that notebooks can hold, exported."""
    book = TinyBook(tmp_path_factory.mktemp("handled"))
    add(book, "other", "Text.", "```{code-cell} ipython3\n1\n```")
    book.page("sources", "```{bibliography}\n```\n")
    for number, (text, _) in enumerate(HANDLED.values()):
        add(book, f"page{number}", text, CELLS if "glue" in text else "")
    answer, notebooks = export(book)
    assert answer.status == 0, answer.text
    return book, notebooks


@pytest.mark.slow
@pytest.mark.parametrize("name", HANDLED)
def test_a_notebook_says_what_the_page_says(handled, name):
    _, notebooks = handled
    expected = HANDLED[name][1]
    text = markdown(notebooks[f"page{list(HANDLED).index(name)}"])
    if isinstance(expected, re.Pattern):
        assert expected.search(text), text
    else:
        assert expected in text, text


@pytest.mark.slow
def test_pages_without_code_are_not_exported(handled):
    _, notebooks = handled
    assert "sources" not in notebooks
    assert "index" not in notebooks


@pytest.mark.slow
def test_cited_works_are_listed(handled):
    _, notebooks = handled
    text = markdown(notebooks[f"page{list(HANDLED).index('printed')}"])
    references = text.partition("## References")[2]
    assert "Going Deeper with Convolutions" in references
    assert "https://doi.org/10.1109/CVPR.2015.7298594" in references
    assert "Network In Network" not in references


@pytest.mark.slow
def test_cells_that_tell_numbers_are_folded(handled):
    """The book leaves them out; a notebook has them, as they are."""
    _, notebooks = handled
    notebook = notebooks[f"page{list(HANDLED).index('glue')}"]
    install, hidden = (cell for cell in notebook.cells if cell.cell_type == "code")
    assert "tell" not in install.source
    assert hidden.source.endswith("x = 1234\ntell(count=x)")
    assert hidden.metadata["cellView"] == "form"
    assert hidden.metadata["jupyter"]["source_hidden"] is True


@pytest.mark.slow
def test_export_is_deterministic(handled):
    book, _ = handled
    folder = book.root / "_build" / "notebooks"
    before = {path: path.read_bytes() for path in folder.rglob("*.ipynb")}
    answer, _ = export(book)
    assert answer.status == 0, answer.text
    assert {path: path.read_bytes() for path in folder.rglob("*.ipynb")} == before
    assert len(before) == len(HANDLED) + 1
    for path, text in before.items():
        notebook = json.loads(text)
        assert notebook["metadata"]["kernelspec"]["name"] == "python3"
        assert all(not c.get("outputs") for c in notebook["cells"]), path


@pytest.mark.slow
def test_the_first_cell_installs_or_says_how(tiny_book):
    add(tiny_book, "one", "Text.", "```{code-cell} ipython3\n1\n```")
    answer, notebooks = export(tiny_book)
    assert answer.status == 0, answer.text
    assert notebooks["one"].cells[0].source == "# Page one"
    assert "colab" not in notebooks["one"].cells[1].source
    assert "%pip install FOLDER" in notebooks["one"].cells[1].source
    _, notebooks = export(
        tiny_book, GITHUB_SERVER_URL="https://github.com", GITHUB_REPOSITORY="me/course"
    )
    source = notebooks["one"].cells[1].source
    assert "    %pip install --quiet git+https://github.com/me/course\n" in source


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """One book with one page per thing that a notebook must not silently lose."""
    book = TinyBook(tmp_path_factory.mktemp("refused"))
    book.page("sources", "```{bibliography}\n```\n")
    for number, (text, _) in enumerate(REFUSED.values()):
        add(book, f"page{number}", text)
    answer, notebooks = export(book)
    return answer, notebooks


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_said_is_an_error_with_page_and_line(refused, name):
    answer, notebooks = refused
    assert answer.status == 1
    assert notebooks == {}
    place = rf"chapters/page{list(REFUSED).index(name)}\.md:(\d+):"
    lines = [line for line in answer.text.splitlines() if re.search(place, line)]
    assert lines, answer.text
    said = [line for line in lines if REFUSED[name][1] in line]
    assert said, lines
    assert 13 <= int(re.search(place, said[0])[1]) <= 20, said


def everything(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != tool.LIST
    }


def test_an_export_replaces_the_one_before_it_and_nothing_else(tmp_path):
    out = tmp_path / "the reader's"
    theirs = {"notes.txt": "keep", "chapters/mine.ipynb": "answers", ".hidden/x.ipynb": "too"}
    for name, text in theirs.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text)

    def place(**pages: str) -> list[Path]:
        made = tmp_path / "made"
        for name, text in pages.items():
            (made / "chapters").mkdir(parents=True, exist_ok=True)
            (made / "chapters" / f"{name}.ipynb").write_text(text)
        try:
            return tool.place(made, out)
        finally:
            shutil.rmtree(made)

    assert place(b="2", a="1") == [out / "chapters" / f"{name}.ipynb" for name in "ab"]
    assert everything(out) == theirs | {"chapters/a.ipynb": "1", "chapters/b.ipynb": "2"}
    place(b="3", c="4")  # the chapter a is no more
    ours = {"chapters/b.ipynb": "3", "chapters/c.ipynb": "4"}
    assert everything(out) == theirs | ours

    with pytest.raises(tool.ExportError, match=r"mine\.ipynb: is there .*\nMove it away, or name"):
        place(b="5", mine="6")
    assert everything(out) == theirs | ours
    (out / tool.LIST).write_text(f"../other.ipynb\n{tmp_path}/other.ipynb\nnotes.txt\n")
    (tmp_path / "other.ipynb").touch()
    place(d="7")
    assert everything(out) == theirs | ours | {"chapters/d.ipynb": "7"}
    assert (tmp_path / "other.ipynb").exists()


def test_an_export_onto_a_full_disk_changes_nothing(tmp_path, monkeypatch):
    (tmp_path / "made").mkdir()
    for name in ("a", "b"):
        (tmp_path / "made" / f"{name}.ipynb").write_text("1")
    tool.place(tmp_path / "made", tmp_path / "out")
    copy = shutil.copyfile

    def full(source: Path, target: Path) -> None:
        if source.name == "b.ipynb":
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", full)
    (tmp_path / "made" / "a.ipynb").write_text("2")
    with pytest.raises(OSError, match="No space"):
        tool.place(tmp_path / "made", tmp_path / "out")
    assert everything(tmp_path / "out") == {"a.ipynb": "1", "b.ipynb": "1"}
    monkeypatch.undo()
    tool.place(tmp_path / "made", tmp_path / "out")
    assert everything(tmp_path / "out") == {"a.ipynb": "2", "b.ipynb": "1"}


@pytest.mark.slow
def test_an_export_that_fails_leaves_the_one_before_it(tiny_book, tmp_path):
    add(tiny_book, "one", "Text.")
    add(tiny_book, "two", "Text.")
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("keep")
    command = ("tools/notebooks.py", "--no-run", "--out", str(out))
    answer = tiny_book.run(*command)
    assert answer.status == 0, answer.text
    before = everything(out)
    assert set(before) == {"notes.txt", "chapters/one.ipynb", "chapters/two.ipynb"}

    add(tiny_book, "one", "{nosuchrole}`x`")
    answer = tiny_book.run(*command)
    assert answer.status == 1
    assert "error: no notebook was exported" in answer.text
    assert everything(out) == before

    add(tiny_book, "one", "Other text.")
    (tiny_book.root / "chapters" / "two.md").unlink()
    tiny_book.chapters.remove("two")
    tiny_book.contents()
    answer = tiny_book.run(*command)
    assert answer.status == 0, answer.text
    assert set(everything(out)) == {"notes.txt", "chapters/one.ipynb"}
    assert "Other text." in (out / "chapters" / "one.ipynb").read_text()

    answer = tiny_book.run(*command[:-1], str(out / "notes.txt"))
    assert answer.status == 1
    assert f"cannot be written to {out / 'notes.txt'}" in answer.text
    assert "Traceback" not in answer.text


def test_sliders_run_the_readers_function():
    """The cell whose output only a notebook shows: moving its sliders changes what it returns."""
    path = ROOT / "chapters" / "02_one_by_one_reduction.md"
    cells = [c for c in jupytext.read(path).cells if c.cell_type == "code"]
    (driven,) = [c for c in cells if "interact(" in c.source]
    assert driven.metadata["tags"] == ["remove-output"]
    names = {}
    for cell in (cells[0], driven):
        exec(cell.source, names)
    widget = names["find"].widget
    red, _, blue = widget.children[:3]
    suit = widget.result._repr_html_()
    red.value, blue.value = -0.5, 1.0
    badge = widget.result._repr_html_()
    assert suit != badge == names["find"](-0.5, -0.5, 1.0)._repr_html_()


@pytest.mark.notebooks
def test_the_chapters_run_alone(tmp_path, monkeypatch):
    """Against a built wheel, in an empty folder, from top to bottom, without error.

    With the Python named in COURSE_PYTHON, which `make test-colab` gives Colab's versions.
    """
    wheels, site, out = tmp_path / "wheels", tmp_path / "site", tmp_path / "notebooks"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(source)], check=True)
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(source)],
        check=True,
    )
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(wheel)], check=True)
    subprocess.run(
        [sys.executable, str(ROOT / "tools" / "notebooks.py"), "--out", str(out)], check=True
    )
    python = os.environ.get("COURSE_PYTHON", sys.executable)
    kernel = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    start = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": start, "display_name": "", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(kernel.parents[2]))
    monkeypatch.setenv("PYTHONPATH", str(site))
    notebooks = sorted(out.rglob("*.ipynb"))
    assert notebooks
    for path in notebooks:
        empty = tmp_path / "empty" / path.stem
        empty.mkdir(parents=True)
        where = run_notebook(path, empty)
        assert where == f"{python} {site / 'inception_course' / '__init__.py'}"


def run_notebook(path: Path, folder: Path) -> str:
    """Execute a notebook with nothing of this repository in reach but the installed package."""
    import nbclient

    notebook = nbformat.read(path, as_version=4)
    check = nbformat.v4.new_code_cell("import sys, utils; print(sys.executable, utils.__file__)")
    notebook.cells.append(check)
    # A cell may take long on a busy machine; the limit is there for one that never ends.
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=1800, resources=resources).execute()
    assert not [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    return check.outputs[0].text.strip()
