"""The exercises on the pages are those of the package."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import exercises as tool  # noqa: E402

CHAPTERS = sorted((ROOT / "chapters").glob("*.md"))


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.stem)
def test_a_chapter_shows_its_exercises_as_they_are(page):
    text = page.read_text(encoding="utf-8")
    assert tool.written(text) == text, "run `python tools/exercises.py`"
    module = page.stem.split("_", 1)[1]
    assert f"% exercises: {module} " in text
    assert text.count(":::{exercise}") == tool.blocks(module).count(":::{exercise}") >= 3


def test_what_a_page_says_wrongly_is_mended_and_the_rest_is_kept():
    text = "before\n\n% exercises: one_by_one_reduction (x)\nold\n% end of exercises\n\nafter\n"
    once = tool.written(text)
    assert once == tool.written(once) != text
    assert once.startswith("before\n\n% exercises: one_by_one_reduction (x)\n")
    assert once.endswith("% end of exercises\n\nafter\n")
    assert "old" not in once


def test_check_fails_and_changes_nothing_when_a_page_is_out_of_date(tmp_path, monkeypatch, capsys):
    page = tmp_path / "chapters" / "02_one_by_one_reduction.md"
    page.parent.mkdir()
    page.write_text("% exercises: one_by_one_reduction\n% end of exercises\n")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["exercises.py", "--check"])
    before = page.read_text()
    assert tool.main() == 1
    assert page.read_text() == before
    assert "out of date" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["exercises.py"])
    assert tool.main() == 0
    monkeypatch.setattr(sys, "argv", ["exercises.py", "--check"])
    assert tool.main() == 0
