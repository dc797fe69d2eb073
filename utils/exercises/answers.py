"""What a reader may answer: how it is called and read, and how to say what is wrong with it.

`...` marks what the reader has not written yet, wherever it stands: as the answer, inside it, or as
what the reader's function returns.
"""

import copy
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..support.checks import positive_int


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


def call(function: Any, *arguments: Any, copied: bool = True) -> Any:
    """Call the reader's function, on copies of the arguments, and return what it gives.

    Not `copied` is what the answer should hold parts of, as the parameters of a network.

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
            f"{type(function).__name__}: {short(function)}",
            "Pass the function itself, without calling it: `check(f)`, not `check(f(...))`.",
        )
    try:
        result = function(*(copy.deepcopy(arguments) if copied else arguments))
    except MismatchError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, TypeError) and "ellipsis" in str(error):  # as in `3 * ...`
            raise NotAttemptedError from None
        raise MismatchError(
            f"the function to run for the arguments {short(arguments)}",
            f"{type(error).__name__}: {error}",
            _place(function, error),
        ) from None
    if unfinished(result):
        raise NotAttemptedError
    expect(
        result is not None,
        expected="a result",
        got="None",
        look="A function that ends without `return` gives None: does yours reach its `return`?",
    )
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


def expect(condition: bool, *, expected: str, got: Any, look: str) -> None:
    """Raise `MismatchError` unless `condition` holds."""
    if not condition:
        raise MismatchError(expected, got if isinstance(got, str) else short(got), look)


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


def _place(function: Any, error: BaseException) -> str:
    """Where in the reader's own code the error arose."""
    home = getattr(getattr(function, "__code__", None), "co_filename", None)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == home]
    if not frames:
        return "The call itself: does the function take these arguments, in this order?"
    return f"Line {frames[-1].lineno} of your cell, in `{frames[-1].name}`: `{frames[-1].line}`"


def short(value: Any, limit: int = 200, depth: int = 20) -> str:
    """Describe a value: a tensor by its shape, anything else in at most `limit` letters.

    Of lists in lists, which may hold themselves, `depth` are opened.
    """
    if isinstance(value, torch.Tensor | np.ndarray):
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    if isinstance(value, tuple) and hasattr(value, "_asdict"):  # a named tuple
        fields = (f"{name}={short(item, limit, 2)}" for name, item in value._asdict().items())
        text = f"{type(value).__name__}({', '.join(fields)})"
        return text if len(text) <= limit else text[: limit - 1] + "…"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, torch.nn.Module):
        return f"the network `{type(value).__name__}`"
    if type(value) in (tuple, list):
        parts, room = [] if depth else ["…"], limit + 2
        for item in value if depth else ():
            parts.append(short(item, limit, depth - 1))
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
