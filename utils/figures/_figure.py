"""What the figures share: the module beside each, and a table for where no script runs."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from torch import Tensor

from ..interactive import Interactive
from ..support.checks import height_width, integer

WIDEST = 224
"""The largest height or width of a feature map in a figure: that of the paper's input image."""


def figure(
    file: str,
    *,
    alt: str,
    key: str | None,
    check: Callable[[dict[str, Any]], None],
    state: dict[str, Any],
    caption: str,
    heads: Iterable[str],
    rows: Iterable[tuple[Any, ...]],
    **fixed: Any,
) -> Interactive:
    """Return the figure whose module stands beside `file`, with the same stem.

    Parameters
    ----------
    file
        ``__file__`` of the figure.
    alt, key, check
        As for `Interactive`.
    state
        What the reader moves, and Python too.
    caption, heads, rows
        The table that stands where no script runs: it gives the essential numbers. Integers get
        thousands separators, the first cell heads its row.
    fixed
        What the module needs besides: measurements, presets, pictures.
    """
    return Interactive(
        Path(file).with_suffix(".js"),
        alt=alt,
        key=key,
        fallback=_table(caption, heads, rows),
        check=check,
        **state,
        **fixed,
    )


def check_size(size: Any) -> None:
    """Raise an error unless `size` is a height and a width that a figure can show."""
    for name, side in zip(("height", "width"), height_width(size), strict=True):
        integer(side, f"the {name} in size", least=1, most=WIDEST)


def packed(values: Tensor) -> str:
    """Return the bytes of a tensor, uint8, as text, which `readBytes` of kit.js reads."""
    return base64.b64encode(values.numpy().tobytes()).decode()


def several(number: int, word: str) -> str:
    """Return the number with its word: "1 channel", "1,024 channels"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _table(caption: str, heads: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> str:
    def written(value: Any) -> str:
        return html.escape(f"{value:,}" if isinstance(value, int) else str(value))

    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(f"<td>{written(value)}</td>" for value in values)
        + "</tr>"
        for name, *values in rows
    )
    caption = f"{caption} Where scripts run, this is an interactive figure."
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
