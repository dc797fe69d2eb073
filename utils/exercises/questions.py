"""Questions that the page itself answers, with no kernel: a choice or a number.

Each wrong answer that a reader may plausibly give has its own diagnosis. Nothing a reader does
leaves the page.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from ..interactive import Interactive

_MODULE = Path(__file__).with_name("question.js")


@dataclass(frozen=True)
class Option:
    """One answer of a choice: its text, and what to tell who chooses it (both Markdown)."""

    text: str
    diagnosis: str
    right: bool = False


def choice(
    prompt: str,
    options: Sequence[Option],
    *,
    prediction: bool = False,
    name: str = "Question",
) -> Interactive:
    """Ask a question with one right answer among several.

    A prediction asks what a measurement will show: nobody is wrong before, and the answer says what
    was expected and what it was. The cells tagged `after-prediction` and the blocks of Markdown
    under `{.after-prediction}` that follow in the same section stay hidden in the book's page
    until the reader has answered or asked to see them (the rule is in `_static/course.css`).

    Parameters
    ----------
    prompt
        The question, in one paragraph of Markdown.
    options
        At least two, exactly one of them right, each with its diagnosis: of a prediction, why it
        was so, or why it was not as this reader expected.
    prediction
        Whether the answer is what the reader expects of a result that follows.
    name
        What a screen reader calls the question.

    Raises
    ------
    ValueError
        Not exactly one right option, two options with the same text, or one without a diagnosis.
    """
    right = [option for option in options if option.right]
    if len(options) < 2 or len(right) != 1:
        raise ValueError(
            f"expected at least two options, exactly one of them right; got {len(options)} "
            f"options, {len(right)} of them right"
        )
    if len({option.text for option in options}) < len(options):
        raise ValueError("two options have the same text: a reader could not tell them apart")
    if not all(option.diagnosis.strip() for option in options):
        raise ValueError("expected a diagnosis for each option: say why it is right or wrong")
    answers = [
        {"text": _inline(o.text), "diagnosis": _inline(o.diagnosis), "right": o.right}
        for o in options
    ]
    listed = "".join(f"<li>{answer['text']}</li>" for answer in answers)
    told = f"{_inline(right[0].text.removesuffix('.'))}. {_inline(right[0].diagnosis)}"
    # What hides the result stands in the page before any script has run, and in what scripts make.
    waits = "<span data-prediction></span>" if prediction else ""
    return _question(
        prompt,
        name,
        f"<ul>{listed}</ul>{waits}",
        told,
        kind="prediction" if prediction else "choice",
        options=answers,
        answer=0.0,
    )


def number(
    prompt: str,
    answer: float,
    *,
    diagnoses: Mapping[float, str],
    right: str,
    otherwise: str,
    tolerance: float = 0.0,
    percent: bool = False,
    name: str = "Question",
) -> Interactive:
    """Ask a question whose answer is a number.

    Parameters
    ----------
    prompt
        The question, in one paragraph of Markdown.
    answer
        The right number; computed, not typed.
    diagnoses
        Wrong numbers that a known slip leads to, and what the slip is.
    right
        What to tell who answers rightly.
    otherwise
        What to tell any other reader.
    tolerance
        Relative: 0.1 also takes what is up to a tenth too small or too large. A slip is known
        within the same tolerance.
    percent
        The answer is in percent: the reader may put the sign behind it.

    Raises
    ------
    ValueError
        A diagnosed number counts as right, or the tolerance is not in 0..1.
    """
    if not 0 <= tolerance < 1:
        raise ValueError(f"expected a relative tolerance from 0 to below 1, got {tolerance}")
    for slip in diagnoses:
        if abs(slip - answer) <= tolerance * abs(answer):
            raise ValueError(f"the diagnosed slip {slip} counts as right beside {answer}")
    slips = [{"value": float(v), "diagnosis": _inline(text)} for v, text in diagnoses.items()]
    return _question(
        prompt,
        name,
        "",
        f"{answer:,}. {_inline(right)}",
        kind="number",
        options=slips,
        answer=float(answer),
        tolerance=tolerance,
        percent=percent,
        right=_inline(right),
        otherwise=_inline(otherwise),
    )


def _question(prompt: str, name: str, listed: str, told: str, **state: object) -> Interactive:
    asked = _inline(prompt)
    state = {"tolerance": 0.0, "percent": False, "right": "", "otherwise": "", **state}
    return Interactive(
        _MODULE,
        alt=name,
        fallback=f"<p><strong>{html.escape(name)}.</strong> {asked}</p>{listed}"
        f"<details><summary>Answer</summary><p>{told}</p></details>",
        title=name,
        prompt=asked,
        **state,
    )


def _inline(text: str) -> str:
    """One paragraph of CommonMark as HTML; raw HTML in the text is shown, not run."""
    return MarkdownIt("commonmark", {"html": False}).renderInline(" ".join(text.split()))
