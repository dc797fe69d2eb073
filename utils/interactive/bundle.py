"""Join a JavaScript module with the files that it imports, so that nothing is loaded."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["COMMENT", "bundle", "closed"]

# `import { a, b } from "./shared.js";`, alone on its line or lines: the only form allowed.
_IMPORT = re.compile(
    r'^import \{(?![^}]*\bas\b)[\w$,\s]*\} from "(?P<path>\.{1,2}/[^"]+)";\n', re.MULTILINE
)
# Anything else that could fetch: the word itself, wherever it stands, and an export from elsewhere.
_ANY_IMPORT = re.compile(r"[^\n]*\bimport\b[^\n]*|\bexport\s*(?:\*|\{[^}]*\})[^;]*?\bfrom\b[^\n]*")
# A comment that is alone on its line: it need not travel.
COMMENT = re.compile(r"^ *//.*\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class)\b)", re.MULTILINE)


def bundle(path: Path) -> str:
    """Return a module's source with the files that it imports put in front of it.

    Every file keeps its own names: an import is a line ``import { a, b } from "./file.js";``, a
    shared file declares what it gives with ``export function``, ``const`` or ``class``, and two
    files that declare the same name are an error that the browser reports. Lines that hold nothing
    but a comment stay at home.

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
        text = closed(_IMPORT.sub("", text), file.name)
        parts.append(text if file == done[0] else _EXPORT.sub("", text))

    add(path)
    return COMMENT.sub("", "\n".join(parts))


def closed(source: str, name: str) -> str:
    """Return the source if it imports nothing more; raise ValueError if it does."""
    left = _ANY_IMPORT.search(source)
    if left:
        raise ValueError(
            f"{name} must stand alone, but it says {left.group().strip()!r}. Import names from a "
            'file beside it (import { name } from "./file.js";) and pass the module as a Path'
        )
    return source
