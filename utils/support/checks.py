"""Checks of arguments, made where a wrong one would otherwise fail late, or not at all.

Each takes a value and the name it has for the caller, and returns the value as a plain Python
number (NumPy's small integers would overflow) or raises an error that says what was expected, and
what came.
"""

import operator
from typing import Any


def positive_int(value: Any, name: str, hint: str = "") -> int:
    """Return `value` as an int of at least 1, or raise a TypeError or ValueError that names it."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer of at least 1{hint}, got {value!r}.")
    if operator.index(value) < 1:
        raise ValueError(f"{name} must be at least 1{hint}, got {value}.")
    return operator.index(value)


def odd_int(value: Any, name: str) -> int:
    """Return `value` as an odd positive int, or raise a TypeError or ValueError that names it."""
    value = positive_int(value, name)
    if value % 2 == 0:
        raise ValueError(
            f"{name} must be odd, so that it has a middle; got {value}. "
            f"Take {value - 1} or {value + 1}."
        )
    return value


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
