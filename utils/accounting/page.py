"""An account as a table for a page."""

import html
import math
from typing import Any

import pandas as pd

_HEADS = {
    "operation": "Operation",
    "output": "Output",
    "parameters": "Parameters",
    "macs": "Multiply-adds",
    "activation_bytes": "Activations, bytes",
    "rf_min": "Narrowest receptive field, px",
    "rf_max": "Widest receptive field, px",
    "jump": "Jump, px",
}
_STYLE = """<style>
.account {border-collapse: collapse; font-variant-numeric: tabular-nums}
.account caption {text-align: start}
.account td, .account th {padding: 0.15em 0.5em; text-align: end}
.account thead th {max-width: 7em; white-space: normal; vertical-align: bottom}
.account th[scope=row], .account th:first-child, .account td.text {text-align: start}
.account tfoot {border-top: 1px solid}
</style>"""


def html_table(frame: pd.DataFrame, caption: str, totals: dict[str, int]) -> str:
    """Return stages or layers, indexed by name, with their totals by column."""
    columns = [column for column in frame.columns if column in _HEADS]
    first = "Layer" if "operation" in columns else "Stage"

    def cell(value: Any) -> str:
        kind = ' class="text"' if isinstance(value, str) else ""
        return f"<td{kind}>{html.escape(text(value))}</td>"

    def row(name: str, values: list[Any]) -> str:
        return f'<tr><th scope="row">{html.escape(name)}</th>{"".join(map(cell, values))}</tr>'

    heads = "".join(f'<th scope="col">{_HEADS.get(c, c)}</th>' for c in (first, *columns))
    body = "\n".join(
        row(str(r.Index), [getattr(r, c) for c in columns]) for r in frame.itertuples()
    )
    foot = row("Total", [totals.get(column, "") for column in columns])
    return (
        f'{_STYLE}\n<div style="overflow-x: auto" role="group" tabindex="0" '
        f'aria-label="{html.escape(caption)}">\n<table class="dataframe account">\n'
        f"<caption>{html.escape(caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n<tfoot>{foot}</tfoot>\n</table>\n</div>"
    )


def text(value: Any, cross: str = "×") -> str:
    """Write a value for people: 1,234,567; 64×28×28; ? for what is not known."""
    if isinstance(value, tuple):
        return cross.join(str(size) for size in value)
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return "?"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"
