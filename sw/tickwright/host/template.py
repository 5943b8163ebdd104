"""Commented files to start from, made from the structures that check them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from decimal import Decimal
from typing import get_args, get_origin

import msgspec
from msgspec import Struct

from tickwright.host.settings import Desk, Key, Limits, keys

__all__ = ["desk_template", "limits_template"]

WIDTH = 100
HEAD = """\
{summary}
Dollars and other decimals are exact: write them as text, such as "0.0030".
A key that is left out has the value shown here, unless it says that it has to be given.
"""


def desk_template() -> str:
    """Return a desk file with every key, its help, unit and default, and one pair as example."""
    return _file(Desk)


def limits_template() -> str:
    """Return a limits file with every key, its help, unit and default: it refuses every order."""
    return _file(Limits)


def _file(kind: type[Struct]) -> str:
    head = HEAD.format(summary=kind.__doc__ or "")
    lines = [*(f"# {line}" for line in head.splitlines()), ""]
    lines += _plain_keys(kind, off=False)
    for key in keys(kind):
        lines += _section(key)
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _section(key: Key) -> Iterator[str]:
    """Yield the lines of a table of the file; one that is only an example is commented out."""
    origin, arguments = get_origin(key.kind), get_args(key.kind)
    if origin is dict:
        yield from _table(f"[{key.name}.{key.example}]", arguments[1], off=True)
    elif origin is list:
        yield from _table(f"[[{key.name}]]", arguments[0], off=False)
    elif isinstance(key.kind, type) and issubclass(key.kind, Struct):
        yield from _table(f"[{key.name}]", key.kind, off=False)


def _table(title: str, kind: type[Struct], *, off: bool) -> Iterator[str]:
    yield ""
    doc = " ".join((kind.__doc__ or "").split())
    yield from (f"# {line}" for line in textwrap.wrap(doc, WIDTH - 2))
    yield f"# {title}" if off else title
    yield from _plain_keys(kind, off=off)


def _plain_keys(kind: type[Struct], *, off: bool) -> Iterator[str]:
    for key in keys(kind):
        if get_origin(key.kind) in (dict, list):
            continue
        if isinstance(key.kind, type) and issubclass(key.kind, Struct):
            continue
        given = key.default is msgspec.NODEFAULT
        needed = " Has to be given." if given else ""
        note = f"{key.help}{needed} Unit: {key.unit}."
        yield from (f"# {line}" for line in textwrap.wrap(note, WIDTH - 2))
        absent = key.default is None
        value = key.example if given or absent else key.default
        line = f"{key.name} = {_written(value)}"
        yield f"# {line}" if off or absent else line


def _written(value: object) -> str:
    """Return a value as TOML has it; decimals as text."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case Decimal():
            return f'"{value}"'
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
