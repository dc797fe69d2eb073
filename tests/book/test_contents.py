"""What the book's parts say of each other: contents, map, bibliography, citation."""

import re
from pathlib import Path

import jupytext
import pytest
import yaml
from pybtex.database import parse_file

import utils

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("*.md"))
PAGES = [ROOT / "index.md", *CHAPTERS]
BIBLIOGRAPHY = parse_file(ROOT / "references.bib")


def listed() -> list[str]:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    return [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]


def test_contents_map_and_files_agree():
    files = [path.relative_to(ROOT).with_suffix("").as_posix() for path in CHAPTERS]
    assert [name for name in listed() if name.startswith("chapters/")] == files
    the_map = (ROOT / "index.md").read_text().split("## The course")[1]
    assert re.findall(r"\]\((chapters/[\w-]+)\.md\)", the_map) == files


def test_the_reference_has_every_room_of_the_package():
    shown = re.findall(r"^% reference: utils\.(\S+)$", (ROOT / "reference.md").read_text(), re.M)
    files = [path.relative_to(ROOT / "utils") for path in (ROOT / "utils").rglob("*.py")]
    modules = {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files}
    assert set(shown) <= modules
    rooms = {name for name in modules if "." not in name} - {"__init__", "support"}
    assert {name.partition(".")[0] for name in shown} == rooms
    descendants = {name for name in modules if name.startswith("networks.descendants.")}
    assert descendants <= set(shown)


@pytest.mark.parametrize("key", BIBLIOGRAPHY.entries)
def test_every_entry_leads_to_its_source(key):
    fields = BIBLIOGRAPHY.entries[key].fields
    assert BIBLIOGRAPHY.entries[key].persons["author"]
    assert re.fullmatch(r"(19|20)\d\d", fields["year"])
    found = {name: fields[name] for name in ("doi", "eprint", "url") if name in fields}
    assert found, "expected a DOI, an arXiv number or a stable address"
    patterns = {"doi": r"10\.\d{4,}/\S+", "eprint": r"\d{4}\.\d{4,5}", "url": r"https://\S+"}
    for name, value in found.items():
        assert re.fullmatch(patterns[name], value), (name, value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_citation_has_an_entry(page):
    text = page.read_text(encoding="utf-8")
    cited = [
        key.strip() for keys in re.findall(r"{cite:\w+}`([^`]+)`", text) for key in keys.split(",")
    ]
    assert cited
    assert set(cited) <= set(BIBLIOGRAPHY.entries)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_fits_the_text_column(page):
    """What is to be read should not have to be scrolled; cells that are hidden may be wider."""
    hidden = {"remove-cell", "remove-input", "hide-input"}
    wide = [
        line
        for cell in jupytext.read(page).cells
        if cell.cell_type == "code" and not hidden & set(cell.metadata.get("tags", []))
        for line in cell.source.splitlines()
        if len(line) > 80
    ]
    assert wide == []


def test_the_citation_file_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == utils.__version__
    assert citation["title"] in re.sub(r"\s+", " ", (ROOT / "index.md").read_text())
    released = f"## {utils.__version__}, {citation['date-released']}"
    assert released in (ROOT / "CHANGELOG.md").read_text()
    year = citation["date-released"][:4]
    assert f"year   = {{{year}}}" in (ROOT / "index.md").read_text()
