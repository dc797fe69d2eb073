"""The options of a setting: changed by name, as columns of a row, compared with a stored row."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from .store import Row, as_cell

Options = Mapping[str, Any]


def changed(options: Options, changes: Options) -> dict[str, Any]:
    """Return options with changes, which name options or the fields of one that is a dataclass."""
    options = dict(options)
    for name, value in changes.items():
        if name in options:
            options[name] = value
            continue
        owners = [key for key, option in options.items() if name in _fields(option)]
        if len(owners) != 1:
            raise TypeError(f"there is no option {name!r}; there are {', '.join(flat(options))}.")
        options[owners[0]] = replace(options[owners[0]], **{name: value})
    return options


def _fields(option: Any) -> dict[str, Any]:
    """Return the fields of a dataclass but its seed, which is the run's."""
    if not is_dataclass(option) or isinstance(option, type):
        return {}
    return {f.name: getattr(option, f.name) for f in fields(option) if f.name != "seed"}


def flat(options: Options) -> dict[str, Any]:
    """Return options with the fields of dataclasses in their places, as they become columns."""
    columns: dict[str, Any] = {}
    for name, value in options.items():
        columns |= _fields(value) or {name: value}
    return columns


def difference(row: Row, options: Options) -> str:
    """Say in what a stored row was made otherwise than with `options`; "" if in nothing.

    A field that the file does not know is newer than it: it had its default then.
    """
    usual = _defaults(options)
    for name, value in flat(options).items():
        then, now = row.get(name) or as_cell(usual.get(name, "unknown")), as_cell(value)
        if then != now:
            return f"{name} {then}, and {name} is {now} now"
    return ""


def _defaults(options: Options) -> dict[str, Any]:
    """Return the defaults of those fields of dataclasses that have one."""
    return {
        f.name: f.default
        for option in options.values()
        if _fields(option)
        for f in fields(option)
        if isinstance(f.default, str | int | float | None)
    }
