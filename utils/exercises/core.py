"""What an exercise is: a statement, a stub, a check with three outcomes, hints, a solution.

The check looks at behaviour (shapes, counts, numbers against a reference), never at spelling, and
it never raises on a bad answer.
"""

import copy
import html
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import torch
from markdown_it import MarkdownIt

from .answers import MismatchError, NotAttemptedError, call, expect, short, unfinished
from .results import Result, Slip, told

State = Literal["not attempted", "wrong", "right"]


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check; it shows itself in a notebook and as text."""

    state: State
    message: str = ""
    expected: str = ""
    got: str = ""
    look: str = ""

    def __repr__(self) -> str:
        lines = [f"{_MARKS[self.state]} {self.state.capitalize()}. {self.message}".strip()]
        lines += [f"  {name}: {text}" for name, text in self._findings()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        findings = "".join(
            f"<dt>{name}</dt><dd>{_markdown(text, plain=text is self.got)}</dd>"
            for name, text in self._findings()
        )
        return (
            f'<div class="course-verdict course-{self.state.replace(" ", "-")}" role="status">'
            f"<p><strong>{_MARKS[self.state]} {self.state.capitalize()}.</strong> "
            f"{html.escape(self.message)}</p>" + (f"<dl>{findings}</dl>" if findings else "")
        ) + "</div>"

    def _findings(self) -> list[tuple[str, str]]:
        parts = [
            ("Expected", self.expected),
            ("Your answer gave", self.got),
            ("Where to look", self.look),
        ]
        return [(name, text) for name, text in parts if text]


@dataclass(kw_only=True)
class Exercise:
    """One exercise of the course.

    The answer is checked either by what it gives for `cases`, beside a reference and the `slips`,
    or by a function of its own, `verify`, which may call `compare` for a part of it.

    Parameters
    ----------
    key
        Unique in its chapter, and its name in the chapter's module.
    title, statement
        What is asked, in Markdown.
    stub
        The cell the reader starts from; what is missing is marked `...`.
    answer
        The name that the stub binds and that the check takes.
    praise
        One sentence for a right answer: what it shows.
    hints
        From a nudge to nearly the whole way.
    solution_code, why
        A full solution, and the reason it is one, in Markdown.
    sentence
        Where the statement asks for a sentence, too: one that we might write. The stub gets a place
        for the reader's, and a right answer shows both.
    cases
        The arguments that a function is called with, case by case; or a function that returns them.
    case
        Called with the arguments of a case: says which it is.
    results
        What the function should return; several for a tuple.
    order
        The places of the results in the order in which they are compared, if it is not theirs.
    reference
        The function that gives the right results; without it, the solution.
    slips
        Wrong answers with words of their own; where several lead to the same, the first speaks.
    verify
        Called with the answer: returns if it is right, perhaps what it came to, else raises
        `MismatchError` or `NotAttemptedError`. Without it, `compare`.
    """

    key: str
    title: str
    statement: str
    stub: str
    answer: str
    praise: str
    hints: tuple[str, ...] = field(repr=False)
    solution_code: str = field(repr=False)
    why: str = field(repr=False)
    sentence: str = field(default="", repr=False)
    cases: Sequence[tuple] | Callable[[], Sequence[tuple]] = field(default=(), repr=False)
    case: Callable[..., str] = field(default=lambda *arguments: short(arguments), repr=False)
    results: tuple[Result, ...] = field(default=(), repr=False)
    order: tuple[int, ...] = field(default=(), repr=False)
    reference: Callable | None = field(default=None, repr=False)
    slips: tuple[Slip, ...] = field(default=(), repr=False)
    verify: Callable[[Any], str | None] | None = field(default=None, repr=False)
    _shown: int = field(default=0, init=False, repr=False)

    def check(self, answer: Any, because: Any = "") -> Verdict:
        """Check an answer; never raises on a bad one. `because` is the reader's own sentence."""
        try:
            if unfinished(answer):
                raise NotAttemptedError
            came_to = (self.verify or self.compare)(answer) or ""
        except NotAttemptedError:
            return Verdict(
                "not attempted",
                "Replace each ... in the cell above by your code, and run both cells again.",
            )
        except MismatchError as wrong:
            return Verdict("wrong", "", wrong.expected, wrong.got, wrong.look)
        except Exception as error:  # an answer of a kind that nobody foresaw
            return Verdict(
                "wrong",
                "",
                "an answer of the kind the statement asks for",
                f"{short(answer)}, which led to {type(error).__name__}: {error}",
                "Read the statement again: what kind of thing should the answer be?",
            )
        said = because.strip(" .") if isinstance(because, str) else ""
        beside = f" You say: “{said}.” We might say: “{self.sentence}”" if said else ""
        return Verdict("right", " ".join(filter(None, (came_to, self.praise))) + beside)

    def compare(self, function: Any) -> None:
        """Compare what the reader's function gives with the reference, case by case.

        Where it goes wrong first, the words are those of the first slip that goes wrong there
        first, too, with the same result; else those of the result.

        Raises
        ------
        MismatchError
            It gives something else.
        NotAttemptedError
            It gives `...`.
        """
        for place, found in enumerate(self._outcomes(function)):
            part = self._difference(found, self._wanted[place])
            if part is None:
                continue
            wrong = self._mismatch(place, part, found[part])
            for slip, outcomes, first in self._slipped:
                if (
                    first == (place, part)
                    and self._same(part, outcomes[place][part], found[part])
                    and (not slip.whole or self._alike(function, outcomes))
                ):
                    raise MismatchError(wrong.expected, wrong.got, slip.look)
            if self._changes_what_it_gets(function, place):
                look = "The function changes what it was given, in place: by a name that ends in "
                look += "`_`, by `+=`, `pop` or an assignment to a part. Work on a new value."
                raise MismatchError(wrong.expected, wrong.got, look)
            raise wrong

    def _changes_what_it_gets(self, function: Any, place: int) -> bool:
        """Whether the function leaves the arguments of a case other than it found them."""
        before, after = (copy.deepcopy(self._cases[place]) for _ in range(2))
        with suppress(Exception, SystemExit):
            function(*after)
        return any(map(_differ, before, after))

    def code_of(self, slip: Slip) -> str:
        """Return the source of a slip.

        Raises
        ------
        ValueError
            The slip changes a text that the solution does not have.
        """
        if isinstance(slip.code, str):
            return slip.code
        code = self.solution_code
        for old, new in slip.code.items():
            if old not in code:
                raise ValueError(f"a slip of {self.key!r} changes {old!r}: not in the solution")
            code = code.replace(old, new)
        return code

    @cached_property
    def _cases(self) -> Sequence[tuple]:
        return self.cases() if callable(self.cases) else self.cases

    @cached_property
    def _wanted(self) -> list[list]:
        """The right results, case by case."""
        right = self.reference or _function(self.solution_code, self.answer)
        given = [self._several(call(right, *arguments)) for arguments in self._cases]
        return [[r.read(v, v, "") for r, v in zip(self.results, g, strict=True)] for g in given]

    @cached_property
    def _slipped(self) -> list[tuple[Slip, list[list], tuple[int, int] | None]]:
        """Each slip, what it gives in each case, and the case and result that first go wrong."""
        slipped = []
        for slip in self.slips:
            outcomes = list(self._outcomes(_function(self.code_of(slip), self.answer)))
            wrong = enumerate(map(self._difference, outcomes, self._wanted))
            slipped.append((slip, outcomes, next((f for f in wrong if f[1] is not None), None)))
        return slipped

    def _outcomes(self, function: Any) -> Iterator[list]:
        """Yield for each case the results of a function, or for each the error why it is none."""
        for arguments, wanted in zip(self._cases, self._wanted, strict=True):
            try:
                values = self._several(call(function, *arguments))
            except MismatchError as error:
                yield [error] * len(self.results)
                continue
            outcome = []
            for result, value, like in zip(self.results, values, wanted, strict=True):
                try:
                    outcome.append(result.read(value, like, self.case(*arguments)))
                except MismatchError as error:
                    outcome.append(error)
            yield outcome

    def _several(self, value: Any) -> Sequence:
        """Return the parts of what a function gave, as many as there are results."""
        if len(self.results) == 1:
            return [value]
        names = self.stub.rpartition("return ")[2].strip()
        many = isinstance(value, tuple | list) or getattr(value, "ndim", 0) == 1
        expect(
            many and len(value) == len(self.results),
            expected=f"{len(self.results)} results, `({names})`",
            got=value,
            look=f"The function should end in `return {names}`.",
        )
        return tuple(value)

    def _same(self, part: int, one: Any, other: Any) -> bool:
        """Whether two functions give the same result, or fail in the same way."""
        failed = [isinstance(value, MismatchError) for value in (one, other)]
        if any(failed):
            return all(failed) and (one.expected, one.got) == (other.expected, other.got)
        return self.results[part].same(one, other)

    def _difference(self, found: list, wanted: list) -> int | None:
        """Return which result is the first that differs, if one does."""
        places = self.order or range(len(self.results))
        return next((i for i in places if not self._same(i, found[i], wanted[i])), None)

    def _alike(self, function: Any, outcomes: list[list]) -> bool:
        """Whether a function does in every case what a slip does."""
        pairs = zip(self._outcomes(function), outcomes, strict=True)
        return all(self._difference(found, slipped) is None for found, slipped in pairs)

    def _mismatch(self, place: int, part: int, found: Any) -> MismatchError:
        """Return the words for a wrong result, slips apart."""
        if isinstance(found, MismatchError):
            return found
        arguments, result, want = self._cases[place], self.results[part], self._wanted[place][part]
        return MismatchError(
            f"for {self.case(*arguments)}: {result.expected}",
            result.got.format(got=found, off=result.off(found, want)),
            told(result.look, found, want, *arguments),
        )

    def hint(self) -> "Note":
        """Return the next hint; each call goes one step further, and the last one stays."""
        self._shown = min(self._shown + 1, len(self.hints))
        return Note(f"Hint {self._shown} of {len(self.hints)}", self.hints[self._shown - 1])

    def solution(self) -> "Note":
        """Return a solution, with the reason."""
        return Note("Solution", f"```python\n{self.solution_code.strip()}\n```\n\n{self.why}")

    def help(self) -> "Help":
        """All hints and the solution, folded, for a page without a kernel."""
        return Help(self)


@dataclass(frozen=True)
class Note:
    """A titled piece of Markdown."""

    title: str
    text: str

    def __repr__(self) -> str:
        return f"{self.title}\n{self.text}"

    def _repr_markdown_(self) -> str:
        return (
            f"**{self.title}.** {self.text}"
            if "\n" not in self.text
            else (f"**{self.title}**\n\n{self.text}")
        )

    def details(self, inside: str = "") -> str:
        """HTML that unfolds without a kernel; `inside` follows the text."""
        return (
            f"<details><summary>{html.escape(self.title)}</summary>"
            f"{_markdown(self.text)}{inside}</details>"
        )


class Help:
    """Hints and solution as nested `<details>`: each hint holds the next, the last the solution."""

    def __init__(self, exercise: Exercise):
        total = len(exercise.hints)
        hints = [Note(f"Hint {i} of {total}", text) for i, text in enumerate(exercise.hints, 1)]
        folded = exercise.solution().details()
        for note in reversed(hints):
            folded = note.details(folded)
        self._html = f'<div class="course-help">{folded}</div>'
        self._title = exercise.title

    def __repr__(self) -> str:
        return f"Hints and solution of “{self._title}”: call .hint() and .solution()"

    def _repr_html_(self) -> str:
        return self._html


_MARKS = {"not attempted": "○", "wrong": "✗", "right": "✓"}


def _differ(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.shape != other.shape or not torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() != other.keys() or any(_differ(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple):
        return len(one) != len(other) or any(map(_differ, one, other))
    return isinstance(one, int | float | str) and one != other


def _function(code: str, name: str) -> Any:
    """Run source of ours in a namespace of its own, and return what it binds to a name."""
    namespace = {"torch": torch}
    exec(compile(code, f"<{name}>", "exec"), namespace)
    return namespace[name]


def _markdown(text: str, *, plain: bool = False) -> str:
    """CommonMark to HTML; raw HTML in the text is shown, not run.

    Where text is `plain`, Python's names keep their underscores: `__index__` is not bold.
    """
    parser = MarkdownIt("commonmark", {"html": False})
    return (parser.disable("emphasis") if plain else parser).render(text)
