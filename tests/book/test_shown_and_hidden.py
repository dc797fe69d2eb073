"""What a page shows never depends on what it hides: the cells tagged `remove-cell`.

A reader copies what is shown, in order, and it runs. So every name that a cell with a shown output
uses is bound in code that the reader sees, folded or not; and what is removed binds or changes
none of these names.
"""

import ast
import builtins
import symtable
from dataclasses import dataclass, field
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "index.md", *sorted((ROOT / "chapters").glob("*.md"))]
MOST_HIDDEN = 40  # lines of a page in cells that are removed


@dataclass
class Names:
    """The global names that some code binds, uses at once or when called, and changes in place."""

    bound: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    used_later: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)


def scopes(table: symtable.SymbolTable):
    for child in table.get_children():
        yield child
        yield from scopes(child)


def names(statement: ast.stmt) -> Names:
    """The names of one top-level statement."""
    table = symtable.symtable(ast.unparse(statement), "<cell>", "exec")
    symbols = table.get_symbols()
    found = Names(
        bound={s.get_name() for s in symbols if s.is_assigned() or s.is_imported()},
        used={s.get_name() for s in symbols if s.is_referenced()},
    )
    for scope in scopes(table):
        inner = {s.get_name() for s in scope.get_symbols() if s.is_global() and s.is_referenced()}
        called_later = scope.get_type() == "function" and not is_at_once(scope.get_name())
        (found.used_later if called_later else found.used).update(inner)
    if isinstance(
        statement, ast.For | ast.With | ast.Try | ast.If | ast.FunctionDef | ast.ClassDef
    ):
        found.used -= found.bound  # a loop's own variable, a recursive function
    for node in ast.walk(statement):
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        for target in targets:
            while isinstance(target, ast.Attribute | ast.Subscript):
                target = target.value
                if isinstance(target, ast.Name):
                    found.changed.add(target.id)
    return found


def is_at_once(scope: str) -> bool:
    """Whether a scope is a comprehension's, which runs where it stands."""
    return scope in ("listcomp", "setcomp", "dictcomp", "genexpr")


def cells(page: Path) -> list[tuple[str, str]]:
    """(kind, source) of a page's code cells: shown, folded, or removed in part or whole."""
    kinds = {"remove-cell": "removed", "remove-input": "output only", "hide-input": "folded"}
    found = []
    for cell in jupytext.read(page).cells:
        if cell.cell_type == "code":
            [kind] = [kinds[tag] for tag in cell.metadata.get("tags", []) if tag in kinds] or [
                "shown"
            ]
            found.append((kind, cell.source))
    return found


def faults(found: list[tuple[str, str]]) -> list[str]:
    """What is shown although it depends on what is not."""
    wrong, known = [], set(dir(builtins))
    seen = known.copy()  # what shown code has bound, or uses
    hidden: dict[str, str] = {}
    for kind, source in found:
        code = Names()
        for statement in ast.parse(source).body:
            now = names(statement)
            missing = now.used - known - code.bound
            if kind != "removed":
                wrong += [f"{name}: used in a cell that is {kind}" for name in sorted(missing)]
            for part in ("bound", "used", "used_later", "changed"):
                getattr(code, part).update(getattr(now, part))
        if kind in ("shown", "folded"):
            known |= code.bound
        if kind != "removed":
            late = code.used_later - known - code.bound
            wrong += [f"{name}: used in a cell that is {kind}" for name in sorted(late)]
            seen |= code.bound | code.used | code.used_later
        if kind in ("removed", "output only"):
            new = code.bound if kind == "removed" else code.bound & known
            hidden |= dict.fromkeys(new | (code.changed & known), source)
    return wrong + [
        f"{name}: bound or changed in a cell that is removed"
        for name in sorted(hidden.keys() & seen)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_shown_never_depends_on_what_is_removed(page):
    assert not faults(cells(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_little_is_removed(page):
    removed = [source for kind, source in cells(page) if kind == "removed"]
    lines = [line for source in removed for line in source.splitlines() if line.strip()]
    assert len(lines) <= MOST_HIDDEN


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_tell_their_numbers_with_tell(page):
    assert "myst_nb" not in "".join(source for _, source in cells(page))


@pytest.mark.parametrize(
    ("removed", "shown"),
    [
        ("rows = 1", "print(rows)"),
        ("import math", "math.pi"),
        ("def mean(x): return x", "print(mean(given))"),
        ("given = 2", "print(given)"),  # bound again
        ("given[0] = 2", "print(given)"),  # changed in place
        ("given.name = 2", "print(given)"),
        ("for given in range(3): pass", "print(given)"),
        ("limit = 2", "def f(x): return x + limit\nf(given)"),
        ("limit = 2", "print([limit for _ in given])"),
    ],
)
@pytest.mark.parametrize("kind", ["shown", "folded", "output only"])
def test_what_depends_on_removed_cells_is_found(removed, shown, kind):
    page = [("shown", "given = [1]"), ("removed", removed), (kind, shown)]
    assert faults(page)
    assert not faults([("shown", "given = [1]"), ("shown", removed), (kind, shown)])


def test_removed_cells_may_use_what_is_shown_and_each_other():
    page = [
        ("shown", "import math\ngiven = [1]\nfor i in given:\n    last = i"),
        ("removed", "mine = math.pi + last\n[j for j in given]"),
        ("output only", "from math import tau\nprint(tau, given)"),
        ("removed", "assert mine > 3"),
        ("shown", "def f(n):\n    return f(n - 1) if n else later\n\n\nlater = 1\nf(3)"),
    ]
    assert not faults(page)
    assert faults([*page, ("shown", "print(tau)")])  # nobody sees where it comes from
