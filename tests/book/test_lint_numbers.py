"""The number lint finds what is typed, and leaves definitions alone."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("lint_numbers", ROOT / "tools" / "lint_numbers.py")
lint_numbers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lint_numbers)


@pytest.fixture(scope="module")
def linter():
    return lint_numbers.Linter()


def found(linter, text, **options):
    return [finding.text for finding in linter.check(text, **options)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("An error of 6.67% won.", "6.67%"),
        ("An error of 6.67 % won.", "6.67 %"),
        ("About 40 percent of it.", "40 percent"),
        ("It has 6,998,552 parameters.", "6,998,552"),
        ("It has 6998552 parameters.", "6998552"),
        ("It has 1000 classes.", "1000"),
        ("It has 1,024 channels.", "1,024"),
        ("Some 260 650 of them.", "260 650"),
        ("A run takes 12.5 s here.", "12.5 s"),
        ("A run takes 30 ms here.", "30 ms"),
        ("A run takes 30ms here.", "30ms"),
        ("A run takes 40 minutes here.", "40 minutes"),
        ("It needs 448 MB.", "448 MB"),
        ("It needs 1.5 GB.", "1.5 GB"),
        ("With 1.5G multiply-adds.", "1.5G"),
        ("With 12.09 GFLOPs.", "12.09 GFLOPs"),
        ("With 7M weights.", "7M"),
        ("With 7.0 million weights.", "7.0 million"),
        ("It reaches 43.9 mAP.", "43.9 mAP"),
        ("It is 9.7x cheaper.", "9.7x"),
        ("It is 9.7× cheaper.", "9.7×"),
        ("It is 12 times cheaper.", "12 times"),
        ("It is 12-fold cheaper.", "12-fold"),
        ("It is **12** times cheaper.", "12 times"),
        ("# A title with 5%", "5%"),
        ("- a list with 5%", "5%"),
        ("> a quote with 5%", "5%"),
        ("Term\n: with 5%", "5%"),
        ("| a |\n|--:|\n| 5% |", "5%"),
        (":::{note}\nA box with 5%\n:::", "5%"),
        ("```{admonition} A title of 5%\ntext\n```", "5%"),
        ("::::{note}\n:::{tip}\nDeep 5%\n:::\n::::", "5%"),
        (":::{figure} a.png\n:alt: x\n\nA caption of 5%\n:::", "5%"),
        ("<p>raw 5%</p>", "5%"),
        ("Written {printed}`6.67%` and 7% too.", "7%"),
    ],
)
def test_typed_numbers_are_found(linter, text, number):
    assert found(linter, text) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "A map of 28x28x192, kernels 3x3 and 5×5, 7 × 7 pooling.",
        "Crops of 64 px from 192 channels to 32 at 224 pixels.",
        "In 2014 the network, in the 1990s others, in May 2015.",
        "See arXiv:1409.4842 and 1312.4400v3.",
        "Python 3.11, module 3a and 5b, stage 4, Table 1, section 3.2.",
        "Value {glue:text}`x` and {printed}`6.67%` and {printed}`6.8 million`.",
        "It costs {glue:text}`saving` times less, {glue:text}`x`% of it.",
        "Code `x = 1000` and maths $1000 \\times 5\\%$.",
        "$$\n1000\n$$",
        "A [link of 1000 words](https://example.org/2000000) and <https://example.org/5000>.",
        "Cited {cite:p}`szegedy2015going`.",
        "```python\nx = 6998552  # 5%\n```",
        "```{code-cell} ipython3\nx = 6998552  # 5%\n```",
        "```{math}\n5\\%\n```",
        "% a comment of 5%",
        "<!-- a comment of 5% -->",
        "<code>5%</code>",
        "1. first\n2. second\n",
        "Ten times, half a million, forty percent: words are the author's own.",
        ":::{admonition} Goals\n:class: goals\n\n**Time:** 45 minutes\n:::",
        "A ratio of 0.5 and a temperature of -3.",
        "1x1 convolutions; the 1×1.",
        "The two 3x3s in it.",
        "The 5x5 s are few.",
    ],
)
def test_definitions_stand(linter, text):
    assert found(linter, text) == []


def test_the_landing_page_may_say_how_long_a_chapter_takes(linter):
    assert found(linter, "It takes 45 minutes.", durations=False) == []
    assert found(linter, "It takes 45 s.", durations=False) == ["45 s"]


def test_lines_are_those_of_the_file(linter):
    text = (
        "---\nkernelspec:\n  name: python3\n---\n\n# Title\n\nfirst line\nsecond {glue:text}`a` "
        "line 5%\n\n:::{note}\n:class: tip\n\ntext\nmore 6%\n:::\n\n```{admonition} Title\n---\n"
        "class: tip\n---\n7%\n```\n\n| a |\n|---|\n| 1 |\n| 8% |\n"
    )
    lines = text.split("\n")
    findings = linter.check(text)
    assert [finding.text for finding in findings] == ["5%", "6%", "7%", "8%"]
    for finding in findings:
        assert finding.text in lines[finding.line - 1]


def test_command_names_file_line_and_remedy(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("# T\n\nIt has 6,998,552 parameters.\n", "utf-8")
    assert lint_numbers.main([str(page)]) == 1
    captured = capsys.readouterr()
    assert f"{page}:3: '6,998,552'" in captured.out
    assert "{glue:text}" in captured.out
    assert "{printed}" in captured.out
    page.write_text("# T\n\nFine.\n", "utf-8")
    assert lint_numbers.main([str(page)]) == 0
    assert lint_numbers.main([str(tmp_path / "absent.md")]) == 2


def test_the_book_is_clean():
    assert lint_numbers.main([]) == 0
