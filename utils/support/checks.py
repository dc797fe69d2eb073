"""Checks of arguments, made where a wrong one would otherwise fail late, or not at all.

Each takes a value and the name it has for the caller, and returns the value as a plain Python
number (NumPy's small integers would overflow) or raises an error that says what was expected, and
what came.
"""

import math
import operator
from numbers import Real
from typing import Any


def is_integer(value: Any) -> bool:
    """Whether `value` is an integer, Python's or NumPy's; True and False are none."""
    try:
        operator.index(value)
    except TypeError:
        return False
    return not isinstance(value, bool)


def integer(value: Any, name: str, *, least: int, most: int | None = None, hint: str = "") -> int:
    """Return `value` as an int of at least `least`, and of at most `most` if that is given.

    Raises
    ------
    TypeError
        No integer.
    ValueError
        An integer out of these bounds.
    """
    bounds = f"at least {least}" if most is None else f"from {least} to {most}"
    if not is_integer(value):
        of = " of" if most is None else ""
        raise TypeError(f"{name} must be an integer{of} {bounds}{hint}, got {value!r}.")
    value = operator.index(value)
    if value < least or (most is not None and value > most):
        raise ValueError(f"{name} must be {bounds}{hint}, got {value}.")
    return value


def positive_int(value: Any, name: str, hint: str = "") -> int:
    """Return `value` as an int of at least 1; see `integer`."""
    return integer(value, name, least=1, hint=hint)


def odd_int(value: Any, name: str, *, least: int = 1, hint: str = "") -> int:
    """Return `value` as an odd int of at least `least`, or raise an error that names it."""
    value = integer(value, name, least=least, hint=hint)
    if value % 2 == 0:
        raise ValueError(
            f"{name} must be odd, so that it has a middle; got {value}. "
            f"Take {value - 1} or {value + 1}."
        )
    return value


def unit_range(values: Any, wanted: str) -> None:
    """Raise a ValueError unless an array or tensor, if it holds anything, lies in 0..1."""
    if not len(values):
        return
    values = values.detach() if hasattr(values, "detach") else values  # no warning of gradients
    low, high = float(values.min()), float(values.max())
    if 0 <= low <= high <= 1:
        return
    raise ValueError(
        f"{wanted} in 0..1, got {low:g} to {high:g}: bytes have to be divided by 255, and what is "
        "normalised already has to be given as it was before."
    )


def height_width(value: Any, name: str = "size") -> tuple[int, int]:
    """Return `value` as two positive ints, or raise a TypeError or ValueError that names it."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be (height, width), as (28, 28); got {value!r}.")
    height, width = value
    return (
        positive_int(height, f"the height in {name}"),
        positive_int(width, f"the width in {name}"),
    )


def probability(value: Any, name: str) -> float:
    """Return `value` as a probability in [0, 1), or raise a ValueError that names it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise ValueError(
            f"{name} must be a probability from 0 (keep all) to below 1 (drop all), got {value!r}."
        )
    return float(value)


def non_negative(value: Any, name: str, *, below: float = math.inf) -> float:
    """Return `value` as a float from 0 to below a bound, or raise a ValueError that names it."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)  # NumPy's numbers too
    if not is_number or not 0 <= value < below:
        bounds = "at least 0" if below == math.inf else f"at least 0 and below {below}"
        raise ValueError(f"{name} must be a number of {bounds}, got {value!r}.")
    return float(value)


def boolean(value: Any, name: str, hint: str = "") -> bool:
    """Return `value` if it is True or False, or raise a TypeError that names it."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False{hint}, got {value!r}.")
    return value


def one_of(value: Any, options: tuple, name: str) -> None:
    """Raise a ValueError that lists the options, unless `value` is one of them."""
    if value not in options:
        listed = ", ".join(repr(option) for option in options)
        raise ValueError(f"{name} must be one of {listed}; got {value!r}.")


def store(row: Any, **values: Any) -> None:
    """Set fields of a frozen dataclass, while it is made."""
    for name, value in values.items():
        object.__setattr__(row, name, value)
