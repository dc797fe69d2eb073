"""What an exercise is: a statement, a stub, a check with three outcomes, hints, a solution.

The check looks at behaviour (shapes, counts, numbers against a reference), never at spelling, and
it never raises on a bad answer. `...` marks what the reader has not written yet, wherever it
stands: as the answer, inside it, or as what the reader's function returns.
"""

import copy
import html
import math
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from markdown_it import MarkdownIt
from torch import Tensor

from ..support.checks import positive_int

State = Literal["not attempted", "wrong", "right"]


class NotAttemptedError(Exception):
    """The answer still holds the stub's `...`."""


class MismatchError(Exception):
    """The answer does not do what was asked.

    Parameters
    ----------
    expected
        What should hold, as a property; never the answer itself.
    got
        What the answer gave.
    look
        Where the reader should look.
    """

    def __init__(self, expected: str, got: str, look: str):
        super().__init__(expected)
        self.expected, self.got, self.look = expected, got, look


def call(function: Any, *arguments: Any) -> Any:
    """Call the reader's function on copies of the arguments, and return what it gives.

    Raises
    ------
    NotAttemptedError
        The function returns `...`, or something that holds `...`.
    MismatchError
        It cannot be called so, raises, or tries to end the program.
    """
    if not callable(function):
        raise MismatchError(
            "a function",
            f"{type(function).__name__}: {_short(function)}",
            "Pass the function itself, without calling it: `check(f)`, not `check(f(...))`.",
        )
    try:
        result = function(*copy.deepcopy(arguments))
    except MismatchError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, TypeError) and "ellipsis" in str(error):  # as in `3 * ...`
            raise NotAttemptedError from None
        raise MismatchError(
            f"the function to run for the arguments {_short(arguments)}",
            f"{type(error).__name__}: {error}",
            _place(function, error),
        ) from None
    if unfinished(result):
        raise NotAttemptedError
    return result


def unfinished(answer: Any) -> bool:
    """Whether `...` stands anywhere in the answer."""
    waiting, seen = [answer], set()  # what holds itself is looked at once
    while waiting:
        value = waiting.pop()
        if value is ...:
            return True
        if isinstance(value, dict | list | tuple | set) and id(value) not in seen:
            seen.add(id(value))
            waiting += value.values() if isinstance(value, dict) else value
    return False


def number(value: Any) -> float:
    """Return a number that came as an int, a float, or a scalar of NumPy or torch.

    Raises
    ------
    MismatchError
        It is no single number.
    """
    try:
        if isinstance(value, str | bytes | bool):
            raise TypeError
        return float(value)
    except Exception:
        look = "What should come back is a single number."
        raise MismatchError("a number", _short(value), look) from None


def parts(value: Any, returned: str) -> tuple:
    """Return the parts of what a function gave, which ends in a line such as ``return a, b``.

    Parameters
    ----------
    value
        A tuple, a list, or an array or tensor of one number for each part.
    returned
        The names in that line: "a, b".

    Raises
    ------
    MismatchError
        It is none of these, or has another number of parts.
    """
    many = isinstance(value, tuple | list) or getattr(value, "ndim", 0) == 1
    names = returned.split(", ")
    expect(
        many and len(value) == len(names),
        expected=f"{len(names)} results, `({returned})`",
        got=value,
        look=f"The function should end in `return {returned}`.",
    )
    return tuple(value)


def expect(condition: bool, *, expected: str, got: Any, look: str) -> None:
    """Raise `MismatchError` unless `condition` holds."""
    if not condition:
        raise MismatchError(expected, got if isinstance(got, str) else _short(got), look)


def filter_counts(answer: Any, names: Sequence[str], look: str) -> dict[str, int]:
    """Return a design: a dictionary of numbers of filters by name.

    Raises
    ------
    MismatchError
        It has other names, or (then `look` says where to look) something else for a number.
    """
    many = {3: "three", 6: "six"}[len(names)]
    expect(
        isinstance(answer, dict) and set(answer) == set(names),
        expected=f"a dictionary with the {many} names of the stub",
        got=", ".join(map(str, answer)) if isinstance(answer, dict) else answer,
        look=f"Keep the form of the stub, and change only the {many} numbers.",
    )
    found, wrong = {}, []
    for name in names:
        try:
            found[name] = positive_int(answer[name], name)
        except (TypeError, ValueError):
            wrong.append(f"`{name}={answer[name]!r}`")
    expect(
        not wrong,
        expected=f"{many} whole numbers of at least 1",
        got=", ".join(wrong),
        look=look,
    )
    return found


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
            f"<dt>{name}</dt><dd>{_markdown(text)}</dd>" for name, text in self._findings()
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


@dataclass(frozen=True)
class Slip:
    """A wrong answer that a reader may well write, and where to look then.

    Parameters
    ----------
    code
        The answer as source that binds the exercise's name; or what to change in the solution, as
        {its text: what the reader wrote}. The name `torch` is known; what else it needs, it
        imports. It must come to an end.
    look
        Where the reader should look.
    whole
        Name the slip only if the answer does the same in every case, and in all its results: for
        results that another answer may well share in one.
    """

    code: str | Mapping[str, str]
    look: str
    whole: bool = False


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a function should return, or one of several things: anything that `==` can compare.

    Parameters
    ----------
    expected
        What it should be, as a property; "for <case>: " is put in front.
    look
        Where to look if no slip leads to what came: a text, or a function of what came, what was
        wanted, and the arguments.
    got
        How to tell what came; `{off}` is how far it is from what was wanted.
    """

    expected: str
    look: str | Callable[..., str]
    got: str = "{got}"

    def read(self, value: Any, like: Any, case: str) -> Any:
        """Return what came in the form that is compared.

        `like` is what was wanted, and `case` says when.

        Raises
        ------
        MismatchError
            It has another form than `like`.
        """
        return value

    def same(self, one: Any, other: Any) -> bool:
        """Whether two results, as they were read, are the same."""
        return one == other

    def off(self, got: Any, want: Any) -> Any:
        """Return how far a result is from what was wanted."""
        return None


@dataclass(frozen=True, kw_only=True)
class Number(Result):
    """A number, which may be off by `close`, relative to the larger of 1 and its size."""

    got: str = "{got:,.15g}"
    close: float = 0.0

    def read(self, value: Any, like: Any, case: str) -> float:
        """Return a float."""
        return number(value)

    def same(self, one: float, other: float) -> bool:
        """Whether two numbers are close."""
        return math.isclose(one, other, rel_tol=self.close, abs_tol=self.close)

    def off(self, got: float, want: float) -> float:
        """Return how much too large a number is."""
        return got - want


@dataclass(frozen=True, kw_only=True)
class Array(Result):
    """A tensor, or an array of NumPy, each number of which may be off by `close`.

    Parameters
    ----------
    shape
        Where to look if the shape is wrong and no slip leads to it: a text, or a function of the
        shape and the one that was wanted.
    """

    shape: str | Callable[[tuple, tuple], str]
    got: str = "numbers that differ by up to {off:.2g}"
    close: float = 1e-4

    def read(self, value: Any, like: Any, case: str) -> Tensor:
        """Return a tensor in float64, of the shape that was wanted, that holds finite numbers."""
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(value)
        if not isinstance(value, Tensor):
            raise MismatchError("a tensor", _short(value), "The function should return a tensor.")
        shape, wanted = tuple(value.shape), tuple(like.shape)
        expect(
            shape == wanted,
            expected=f"for {case}: a tensor of shape {wanted}",
            got=f"shape {shape}",
            look=_told(self.shape, shape, wanted),
        )
        expect(
            not value.is_complex() and bool(value.isfinite().all()),
            expected=f"for {case}: finite real numbers",
            got="values that are complex, infinite or not a number",
            look="Is anything divided by zero, or read from memory that was never filled?",
        )
        return value.detach().cpu().double()

    def same(self, one: Tensor, other: Tensor) -> bool:
        """Whether all numbers are close."""
        return torch.allclose(one, other, atol=self.close)

    def off(self, got: Tensor, want: Tensor) -> float:
        """Return the largest difference."""
        return float((got - want).abs().max())


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
        Called with the answer: returns if it is right, else raises `MismatchError` or
        `NotAttemptedError`. Without it, `compare`.
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
    cases: Sequence[tuple] | Callable[[], Sequence[tuple]] = field(default=(), repr=False)
    case: Callable[..., str] = field(default=lambda *arguments: _short(arguments), repr=False)
    results: tuple[Result, ...] = field(default=(), repr=False)
    order: tuple[int, ...] = field(default=(), repr=False)
    reference: Callable | None = field(default=None, repr=False)
    slips: tuple[Slip, ...] = field(default=(), repr=False)
    verify: Callable[[Any], None] | None = field(default=None, repr=False)
    _shown: int = field(default=0, init=False, repr=False)

    def check(self, answer: Any) -> Verdict:
        """Check an answer; never raises on a bad one."""
        try:
            if unfinished(answer):
                raise NotAttemptedError
            (self.verify or self.compare)(answer)
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
                f"{_short(answer)}, which led to {type(error).__name__}: {error}",
                "Read the statement again: what kind of thing should the answer be?",
            )
        return Verdict("right", self.praise)

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
            raise wrong

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
        if len(self.results) == 1:
            return [value]
        return parts(value, self.stub.rpartition("return ")[2].strip())

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
            _told(result.look, found, want, *arguments),
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


def noise(seed: int, *cases: tuple) -> list[tuple]:
    """Return cases in which normal noise stands for every shape of a tensor, also in a list."""
    generator = torch.Generator().manual_seed(seed)

    def filled(item: Any) -> Any:
        if isinstance(item, tuple):
            return torch.randn(item, generator=generator)
        return list(map(filled, item)) if isinstance(item, list) else item

    return [tuple(map(filled, case)) for case in cases]


_MARKS = {"not attempted": "○", "wrong": "✗", "right": "✓"}


def _function(code: str, name: str) -> Any:
    """Run source of ours in a namespace of its own, and return what it binds to a name."""
    namespace = {"torch": torch}
    exec(compile(code, f"<{name}>", "exec"), namespace)
    return namespace[name]


def _told(look: str | Callable[..., str], *found: Any) -> str:
    return look(*found) if callable(look) else look


def _markdown(text: str) -> str:
    """CommonMark to HTML; raw HTML in the text is shown, not run."""
    return MarkdownIt("commonmark", {"html": False}).render(text)


def _place(function: Any, error: BaseException) -> str:
    """Where in the reader's own code the error arose."""
    home = getattr(getattr(function, "__code__", None), "co_filename", None)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == home]
    if not frames:
        return "The call itself: does the function take these arguments, in this order?"
    return f"Line {frames[-1].lineno} of your cell, in `{frames[-1].name}`: `{frames[-1].line}`"


def _short(value: Any, limit: int = 200, depth: int = 20) -> str:
    """Describe a value: a tensor by its shape, anything else in at most `limit` letters.

    Of lists in lists, which may hold themselves, `depth` are opened.
    """
    if isinstance(value, torch.Tensor | np.ndarray):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    if type(value) in (tuple, list):
        parts, room = [] if depth else ["…"], limit + 2
        for item in value if depth else ():
            parts.append(_short(item, limit, depth - 1))
            room -= len(parts[-1]) + 2
            if room < 0:  # it is cut anyway
                break
        inside = ", ".join(parts)
        if len(inside) > limit:
            inside = inside[: limit - 1] + "…"
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if callable(value):
        return f"the function `{getattr(value, '__name__', type(value).__name__)}`"
    try:
        text = repr(value)
    except Exception:  # the reader's own class may do anything
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= limit else text[: limit - 1] + "…"
