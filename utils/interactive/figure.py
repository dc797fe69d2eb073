"""One host for every interactive figure: a page without a kernel, JupyterLab, Colab, a widget.

A figure is one JavaScript module in anywidget's format (``export default { render({ model, el })
}``; https://anywidget.dev/en/afm/). :class:`Interactive` joins it with its starting state:

- as the output of a cell it is self-contained HTML, which needs no kernel, no extension and no
  network, and shows a text alternative where scripts do not run;
- ``.widget()`` is the same module as an anywidget, whose traits follow Python and the reader.

Controls, theme and number formats that figures share are in ``interactive.js`` beside this file.
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

__all__ = ["Interactive", "bundle"]

# `import { a, b } from "./shared.js";`, alone on its line or lines: the only form allowed.
_IMPORT = re.compile(
    r'^import \{(?![^}]*\bas\b)[\w$,\s]*\} from "(?P<path>\.{1,2}/[^"]+)";\n', re.MULTILINE
)
# Anything else that could fetch: the word itself, wherever it stands, and an export from elsewhere.
_ANY_IMPORT = re.compile(r"[^\n]*\bimport\b[^\n]*|\bexport\s*(?:\*|\{[^}]*\})[^;]*?\bfrom\b[^\n]*")
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class)\b)", re.MULTILINE)

# The last rule takes away the light card that the book's theme puts behind HTML in its dark mode.
_STYLE = """\
.interactive{margin:1.25em 0;max-width:100%}
.interactive-error{border-left:4px solid #D55E00;padding:.5em .75em}
html[data-theme] .bd-content div.cell_output .text_html:has(>figure.interactive[data-interactive])\
{background:none;color:inherit;padding:0}"""

# Runs once per copy. Copies with the same content are alike, so each script takes the first figure
# of its content that no other script has taken: nothing on the page needs a unique id.
_SCRIPT = """\
const CONTENT = %(content)s, STATE = %(state)s, SOURCE = %(source)s;
const TAKEN = Symbol.for("inception-course-interactive");
const copies = [...document.querySelectorAll(`[data-interactive="${CONTENT}"]`)];
const figure = copies.find((copy) => !copy[TAKEN]);
if (figure) {
  figure[TAKEN] = true;
  if (figure.id && document.getElementById(figure.id) !== figure) figure.removeAttribute("id");
  const fallback = figure.querySelector(".interactive-fallback");
  const fail = (error) => {
    console.error(error);
    const said = document.createElement("p");
    said.className = "interactive-error";
    said.setAttribute("role", "alert");
    said.textContent = `This interactive figure stopped working (${error?.message ?? error}). ` +
      "The text below says the same in words; reloading the page may bring the figure back.";
    figure.replaceChildren(said, fallback);
  };
  const listeners = new Map();
  const tell = (name, detail) => {
    for (const f of [...(listeners.get(name) ?? [])]) {
      try { f(detail); } catch (error) { fail(error); }
    }
  };
  const state = structuredClone(STATE);
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const model = {
    get: (key) => state[key],
    set(key, value) {
      const changes = typeof key === "object" ? key : { [key]: value };
      const changed = Object.keys(changes).filter((k) => !same(state[k], changes[k]));
      for (const k of changed) state[k] = changes[k];
      for (const k of changed) tell("change:" + k, { name: k, new: state[k] });
      if (changed.length) tell("change");
    },
    on(names, f) {
      for (const n of names.split(" ")) listeners.set(n, [...(listeners.get(n) ?? []), f]);
    },
    off(names, f) {
      for (const n of names.split(" "))
        listeners.set(n, f ? (listeners.get(n) ?? []).filter((g) => g !== f) : []);
    },
    save_changes() {},
    send() {},
  };
  const address = URL.createObjectURL(new Blob([SOURCE], { type: "text/javascript" }));
  try {
    let module = (await import(address)).default;
    if (typeof module === "function") module = await module();
    const el = document.createElement("div");
    figure.insertBefore(el, fallback);
    await module.initialize?.({ model });
    await module.render({ model, el });
    fallback.remove();
    figure.dataset.ready = "";
  } catch (error) { fail(error); } finally { URL.revokeObjectURL(address); }
}
"""


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
        raises ``ValueError`` when the state makes no sense.
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
        self.source = bundle(module) if isinstance(module, Path) else _closed(module, "the module")
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
        script = _SCRIPT % {"content": _script_json(content), "state": state, "source": source}
        anchor = f' id="{self.key}"' if self.key else ""
        return (
            f'<figure class="interactive" role="group" aria-label="{html.escape(self.alt)}"'
            f' data-interactive="{content}"{anchor}>'
            f'<div class="interactive-fallback">{self.fallback}</div></figure>\n'
            f"<style>{_STYLE}</style>\n"
            f'<script type="module">\n{script}</script>'
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


def bundle(path: Path) -> str:
    """Return a module's source with the files that it imports put in front of it.

    Every file keeps its own names: an import is a line ``import { a, b } from "./file.js";``, a
    shared file declares what it gives with ``export function``, ``const`` or ``class``, and two
    files that declare the same name are an error that the browser reports.

    Raises
    ------
    FileNotFoundError
        If the module or a file that it imports does not exist.
    ValueError
        If it imports in another form, or from an address: a figure must not need the network.
    """
    done: list[Path] = []
    parts: list[str] = []

    def add(file: Path) -> None:
        file = file.resolve()
        if file in done:
            return
        done.append(file)
        text = file.read_text(encoding="utf-8")
        for found in _IMPORT.finditer(text):
            add(file.parent / found["path"])
        text = _closed(_IMPORT.sub("", text), file.name)
        parts.append(text if file == done[0] else _EXPORT.sub("", text))

    add(path)
    return "\n".join(parts)


def _closed(source: str, name: str) -> str:
    """Return the source if it imports nothing more; raise ValueError if it does."""
    left = _ANY_IMPORT.search(source)
    if left:
        raise ValueError(
            f"{name} must stand alone, but it says {left.group().strip()!r}. Import names from a "
            'file beside it (import { name } from "./file.js";) and pass the module as a Path'
        )
    return source


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
