"""What a function should return, how two of its results are compared, and known wrong answers."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .answers import MismatchError, expect, short


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
        """Return a float, of an int, a float, or a scalar of NumPy or torch."""
        try:
            if isinstance(value, str | bytes | bool):
                raise TypeError
            return float(value.detach() if isinstance(value, Tensor) else value)
        except Exception:
            look = "What should come back is a single number."
            raise MismatchError("a number", short(value), look) from None

    def same(self, one: float, other: float) -> bool:
        """Whether two numbers are close."""
        return math.isclose(one, other, rel_tol=self.close, abs_tol=self.close)

    def off(self, got: float, want: float) -> float:
        """Return how much too large a number is."""
        return got - want


@dataclass(frozen=True, kw_only=True)
class Numbers(Result):
    """A list with a number for each of several things, which may be off by `close` of its size.

    Parameters
    ----------
    each, several
        What there is a number for: "layer", "layers".
    many
        Where to look if there are too few or too many.
    """

    each: str
    several: str
    many: str
    got: str = "{off}"
    close: float = 1e-3

    def read(self, value: Any, like: Any, case: str) -> tuple[float, ...]:
        """Return floats, as many as were wanted."""
        try:
            few = tuple(islice(value, 1000))  # an answer may be endless
            numbers = tuple(float(torch.as_tensor(item).detach()) for item in few)
        except Exception:
            look = f"Collect one number for each {self.each} in a list."
            raise MismatchError("a list of numbers", short(value), look) from None
        expect(
            like is value or len(numbers) == len(like),
            expected=f"for {case}: a number for each of the {len(like)} {self.several}",
            got=f"{len(numbers)} numbers",
            look=self.many,
        )
        return numbers

    def same(self, one: Any, other: Any) -> bool:
        """Whether all numbers are close."""
        pairs = zip(one, other, strict=True)
        return all(math.isclose(a, b, rel_tol=self.close) for a, b in pairs)

    def off(self, got: Any, want: Any) -> str:
        """Write the numbers that came in three digits each: more would hide what differs."""
        return ", ".join(f"{number:.3g}" for number in got)


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
            raise MismatchError("a tensor", short(value), "The function should return a tensor.")
        shape, wanted = tuple(value.shape), tuple(like.shape)
        expect(
            shape == wanted,
            expected=f"for {case}: a tensor of shape {wanted}",
            got=f"shape {shape}",
            look=told(self.shape, shape, wanted),
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


def noise(seed: int, *cases: tuple) -> list[tuple]:
    """Return cases in which normal noise stands for every shape of a tensor, also in a list."""
    generator = torch.Generator().manual_seed(seed)

    def filled(item: Any) -> Any:
        if isinstance(item, tuple):
            return torch.randn(item, generator=generator)
        return list(map(filled, item)) if isinstance(item, list) else item

    return [tuple(map(filled, case)) for case in cases]


def told(look: str | Callable[..., str], *found: Any) -> str:
    """Return a text, or what a function makes of what was found."""
    return look(*found) if callable(look) else look
