"""The reference of the package: a page's lines ``% reference: utils.room`` become its contents.

Read from the sources alone (griffe parses them and their numpy docstrings), so that no page waits
for torch, and written as Markdown, which is what the docstrings speak. sphinx-autoapi would take
longer than all other pages together, and make one page a module; sphinx-autodoc2 does not know
numpy's sections; autodoc imports.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    import griffe

LINE = re.compile(r"^% reference: (\S+)$", re.MULTILINE)
WIDTH = 76
PARAMETER = re.compile(r", (?=[*/]|\w+: )")
TITLES = {
    "parameters": "Parameters",
    "attributes": "Attributes",
    "returns": "Returns",
    "raises": "Raises",
}


def expand(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put the contents in the place of the lines that ask for them."""
    if LINE.search(source[0]):
        import griffe

        package = griffe.load(
            "utils",
            search_paths=[Path(app.confdir or app.srcdir)],
            docstring_parser="numpy",
            docstring_options={"warnings": False},
            resolve_aliases=True,
        )
        source[0] = LINE.sub(lambda found: room(package, found[1]), source[0])


def room(package: griffe.Module, path: str) -> str:
    """Write a module, and all that is public in it."""
    try:
        module = package[path.partition(".")[2]]
    except KeyError:
        raise ExtensionError(f"the reference names {path}, which is not there") from None
    parts = [f"({path})=\n## {path}", text(module.docstring)]
    parts += [thing(name, member) for name, member in public(module)]
    return "\n\n".join(filter(None, parts))


def public(module: griffe.Module) -> list[tuple[str, griffe.Object | griffe.Alias]]:
    """Give what a module exports, or what it defines with a docstring if it does not say."""
    if module.exports is not None:
        members = [(str(name), module[str(name)]) for name in module.exports]
        # A figure's module is named as the function in it, which the package exports.
        members = [(name, it[name] if it.is_module else it) for name, it in members]
    else:
        members = [
            (name, member)
            for name, member in module.members.items()
            if not member.is_alias and not member.is_module and not name.startswith("_")
        ]
    return [(name, member) for name, member in members if member.docstring]


def thing(name: str, member: griffe.Object | griffe.Alias) -> str:
    """Write a function, a class with its methods, or a value."""
    parts = [f"### {name}", f"```python\n{signature(name, member)}\n```"]
    parts.append(text(member.docstring))
    if member.is_class:
        for method in member.members.values():
            if method.docstring and not method.name.startswith("_") and not method.is_alias:
                call = signature(method.name, method)
                parts.append(f"```python\n{call}\n```\n\n{text(method.docstring)}")
    return "\n\n".join(filter(None, parts))


def signature(name: str, member: griffe.Object | griffe.Alias) -> str:
    """Write how a thing is called, on one line if it fits."""
    if member.is_attribute:
        return f"{name}: {member.annotation}" if member.annotation else name
    line = member.signature(name=name, return_type=not member.is_class)
    if not line:  # an error, or a named tuple
        return f"class {name}"
    if len(line) <= WIDTH:
        return line
    start, _, rest = line.partition("(")
    inside, _, end = rest.rpartition(")")
    return f"{start}(\n    " + re.sub(PARAMETER, ",\n    ", inside) + f",\n){end}"


def text(docstring: griffe.Docstring | None) -> str:
    """Write a docstring, section by section."""
    if docstring is None:
        return ""
    # griffe reads `"one-cycle" or "constant"` as code; here is what the docstring says.
    kinds = {
        name: kind.removesuffix(", optional")
        for names, kind in re.findall(r"^(\S.*?) : (.+)$", docstring.value, re.MULTILINE)
        for name in names.split(", ")
    }
    parts = []
    for section in docstring.parsed:
        kind, value = section.kind.value, section.value
        if kind == "text":
            parts.append(markdown(value))
        elif kind in TITLES:
            entries = "\n".join(item(entry, kinds) for entry in value)
            parts.append(f"**{TITLES[kind]}**\n\n{entries}")
        else:  # Notes and the like: a title and a text
            parts.append(f"**{section.title}**\n\n{markdown(value.description)}")
    return "\n\n".join(parts)


def item(entry: griffe.DocstringElement, kinds: dict[str, str]) -> str:
    """Write one parameter, attribute, result or error as an entry of a list."""
    name = getattr(entry, "name", "")
    kind = kinds.get(name) or str(entry.annotation or "")
    words = [f"`{name}`" if name else "", f"*{markdown(kind)}*" if kind else ""]
    said = markdown(entry.description).replace("\n", "\n  ")
    return "- " + ", ".join(filter(None, words)) + (f": {said}" if said else "")


def markdown(words: str) -> str:
    """Leave code as it is, and let all else be words: no role, no formula, no HTML."""
    words = re.sub(r":\w+:(?=`)", "", re.sub(r"::$", ":", words, flags=re.MULTILINE))
    parts = re.split(r"(`+[^`]*`+|^ {4}.*$)", words, flags=re.MULTILINE)
    parts[::2] = [re.sub(r"([<${*|\[])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def setup(app: Sphinx) -> None:
    """Look at each page before it is parsed."""
    app.connect("source-read", expand)
