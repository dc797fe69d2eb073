"""What the figures' arguments have in common: bounds, and a table for where no script runs."""

from __future__ import annotations

import html
import numbers
from collections.abc import Iterable
from typing import Any

WIDEST = 224
"""The largest height or width of a feature map in a figure: that of the paper's input image."""


def check_integer(name: str, value: Any, *, least: int, most: int) -> None:
    """Raise ValueError unless `value` is an integer from `least` to `most`."""
    integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not integer or not least <= value <= most:
        raise ValueError(f"{name} must be an integer from {least} to {most}, but it is {value!r}")


def check_size(size: Any) -> None:
    """Raise ValueError unless `size` is a height and a width that a figure can show."""
    if not isinstance(size, list) or len(size) != 2:
        raise ValueError(f"size must be (height, width) in pixels, but it is {size!r}")
    for name, side in zip(("height", "width"), size, strict=True):
        check_integer(f"the {name} in size", side, least=1, most=WIDEST)


def several(number: int, word: str) -> str:
    """Return the number with its word: "1 channel", "1,024 channels"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def table(caption: str, heads: Iterable[str], rows: Iterable[tuple[str, *tuple[Any, ...]]]) -> str:
    """Return an HTML table; integers get thousands separators, the first cell heads its row."""

    def written(value: Any) -> str:
        return html.escape(f"{value:,}" if isinstance(value, int) else str(value))

    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(f"<td>{written(value)}</td>" for value in values)
        + "</tr>"
        for name, *values in rows
    )
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
