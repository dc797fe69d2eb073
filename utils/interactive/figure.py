"""One host for every interactive figure: a page without a kernel, JupyterLab, Colab, a widget.

A figure is one JavaScript module in anywidget's format (``export default { render({ model, el })
}``; https://anywidget.dev/en/afm/). :class:`Interactive` joins it with its starting state:

- as the output of a cell it is self-contained HTML, which needs no kernel, no extension and no
  network, and shows a text alternative where scripts do not run;
- ``.widget()`` is the same module as an anywidget, whose traits follow Python and the reader.

``host.js`` starts the module in a page; ``kit.js`` is what the figures' modules are made with.
"""

from __future__ import annotations

import copy
import hashlib
import html
import json
import math
import numbers
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .bundle import COMMENT, bundle, closed

__all__ = ["Interactive"]

_HOST = COMMENT.sub("", Path(__file__).with_name("host.js").read_text(encoding="utf-8"))

# The last rule takes away the light card that the book's theme puts behind HTML in its dark mode.
_STYLE = """\
.interactive{margin:1.25em 0;max-width:100%}
.interactive-error{border-left:4px solid #D55E00;padding:.5em .75em}
html[data-theme] .bd-content div.cell_output .text_html:has(>figure.interactive[data-interactive])\
{background:none;color:inherit;padding:0}"""


class Interactive:
    """An interactive figure: one JavaScript module, its starting state and its text alternative.

    Parameters
    ----------
    module
        Path of the module, or its source as a string. It may import names from files beside it
        (``import { name } from "./shared.js";``); :func:`bundle` says how they are joined.
    alt
        The figure's accessible name: what it is, in one sentence.
    key
        An anchor, so that a page can link to the figure: a letter, then letters, digits, - and _.
    fallback
        HTML shown where scripts do not run (an untrusted notebook, a printed page without scripts)
        and when the module fails. Give the essential numbers. Default: ``alt``.
    check
        Called with the state as a dict, here and whenever Python changes a trait of the widget;
        raises an error when the state makes no sense.
    state
        What the module reads with ``model.get(name)``: JSON values (numbers, strings, booleans,
        None, lists and dicts of these). NumPy's scalars are taken as plain numbers.

    Raises
    ------
    ValueError
        If a value is not JSON, the key is no anchor, the name is empty, or ``check`` objects.
    """

    def __init__(
        self,
        module: Path | str,
        *,
        alt: str,
        key: str | None = None,
        fallback: str | None = None,
        check: Callable[[dict[str, Any]], None] | None = None,
        **state: Any,
    ):
        if not isinstance(alt, str) or not alt.strip():
            raise ValueError(f"alt must say in a sentence what the figure is, but it is {alt!r}")
        if key is not None and not re.fullmatch(r"[A-Za-z][\w-]*", key, re.ASCII):
            raise ValueError(
                f"key must be a letter followed by letters, digits, '-' or '_', but it is {key!r}"
            )
        self.source = bundle(module) if isinstance(module, Path) else closed(module, "the module")
        self.alt = alt
        self.key = key
        self.fallback = f"<p>{html.escape(alt)}</p>" if fallback is None else fallback
        self.check = check
        self.state = {name: _plain(value, name) for name, value in state.items()}
        if check is not None:
            check(dict(self.state))

    def _repr_html_(self) -> str:
        state = _script_json(self.state)
        source = _script_json(self.source)
        # The content names the figure, so that a page is the same, byte for byte, at every build.
        seed = json.dumps([self.source, self.state, self.alt, self.fallback], sort_keys=True)
        content = hashlib.sha256(seed.encode()).hexdigest()[:16]
        constants = f"CONTENT = {_script_json(content)}, STATE = {state}, SOURCE = {source}"
        anchor = f' id="{self.key}"' if self.key else ""
        return (
            f'<figure class="interactive" role="group" aria-label="{html.escape(self.alt)}"'
            f' data-interactive="{content}"{anchor}>'
            f'<div class="interactive-fallback">{self.fallback}</div></figure>\n'
            f"<style>{_STYLE}</style>\n"
            f'<script type="module">\nconst {constants};\n{_HOST}</script>'
        )

    def __repr__(self) -> str:
        return f"<interactive figure: {self.alt}>"

    def widget(self):
        """Return the figure as an anywidget, with one synchronised trait for each piece of state.

        The widget needs a live kernel and the package ``anywidget``; Colab shows widgets once
        ``google.colab.output.enable_custom_widget_manager()`` has been called. Moving a
        control changes the trait in Python; setting the trait in Python moves the control.

        Raises
        ------
        ImportError
            If ``anywidget`` is not installed.
        ValueError
            If a piece of state has the name of something every widget already has.
        """
        try:
            import anywidget
            import traitlets
        except ImportError as error:
            raise ImportError(
                "A live widget needs the package anywidget: run `pip install anywidget`. "
                "Without it, show the figure itself; it works without a kernel."
            ) from error
        taken = sorted(name for name in self.state if hasattr(anywidget.AnyWidget, name))
        if taken:
            raise ValueError(f"every widget already has {', '.join(taken)}; use another name")
        check, names = self.check, tuple(self.state)

        def validate(widget, proposal):
            name = proposal["trait"].name
            value = _plain(proposal["value"], name)
            if check is not None:
                check({**{other: getattr(widget, other) for other in names}, name: value})
            return value

        # Any JSON value may stand in a trait: what makes sense for the figure, `check` knows.
        # (Not traitlets.Any, which would not ask `validate` about None.)
        members: dict[str, Any] = {name: traitlets.TraitType(None).tag(sync=True) for name in names}
        members["_esm"] = self.source
        if names:
            members["_validate_state"] = traitlets.validate(*names)(validate)
        kind = type("InteractiveWidget", (anywidget.AnyWidget,), members)
        return kind(**copy.deepcopy(self.state))


def _plain(value: Any, where: str) -> Any:
    """Return a JSON value as plain Python objects, or say what is wrong with it."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real) and math.isfinite(value):
        return float(value)
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return {name: _plain(item, f"{where}[{name!r}]") for name, item in value.items()}
    raise ValueError(
        f"{where} must be a JSON value (a finite number, a string, a boolean, None, or lists and "
        f"dicts with string keys of these), but it is {value!r} of type {type(value).__name__}"
    )


def _script_json(value: Any) -> str:
    """Return JSON that cannot end the script element or open a comment in it."""
    return json.dumps(value, sort_keys=True).replace("<", "\\u003c").replace(">", "\\u003e")
