"""Answers for people: single values as lines, rows as tables, money in dollars, times as times.

The same parts are printed by the command line and shown by a notebook.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
from msgspec import Struct

__all__ = ["NOTHING", "Parts", "Rows", "dollars", "markup", "parts"]

PRICES_A_DOLLAR = 10_000
HALVES = 2
SECOND_NS, MINUTE_S, HOUR_S = 1_000_000_000, 60, 3_600
NOTHING = "-"


@dataclass(frozen=True)
class Rows:
    """A table: a title, names of columns, cells as text; ``right`` are aligned to the right."""

    title: str
    columns: Sequence[str]
    cells: Sequence[Sequence[str]]
    right: frozenset[str] = frozenset()


@dataclass
class Parts:
    """An answer in parts: values by name, and tables."""

    values: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Rows] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)  # of several lines


def dollars(price: int) -> str:
    """Return money, given in 1/10000 dollar."""
    whole, part = divmod(abs(price), PRICES_A_DOLLAR)
    return f"{'-' if price < 0 else ''}{whole:,}.{part:04}"


def _half_dollars(mid: int) -> str:
    """Return a mid, given doubled."""
    return f"{dollars(mid // HALVES)}{'5' if mid % HALVES else ''}"


def _utc(time_ns: int) -> str:
    at = datetime.fromtimestamp(time_ns // SECOND_NS, UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{time_ns % SECOND_NS // 1000:06}"


def _clock(card_ns: int) -> str:
    seconds, part = divmod(card_ns, SECOND_NS)
    minutes, seconds = divmod(seconds, MINUTE_S)
    return f"{minutes // MINUTE_S:02}:{minutes % MINUTE_S:02}:{seconds:02}.{part:09}"


FORMS: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(("bid", "ask", "price", "cash", "fees", "marked"), dollars),
    **dict.fromkeys(("loaded_ns", "time_ns"), _utc),
    **dict.fromkeys(("checksum", "parameters_checksum", "limits_checksum", "map_hash"), hex),
    "mid": _half_dollars,
    "card_ns": _clock,
}
"""How values are shown that are not shown as they are, by the names of their fields."""


def shown(name: str, value: Any) -> str:
    """Return a value as people read it."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in FORMS:
        return FORMS[name](value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {shown('', one)}" for key, one in value.items()) or NOTHING
    if isinstance(value, list):
        return ", ".join(str(one) for one in value) or NOTHING
    return str(value)


def parts(answer: Struct) -> Parts:
    """Return an answer in parts, in the order of its fields."""
    found = Parts()
    for one in msgspec.structs.fields(answer):
        value = getattr(answer, one.name)
        title = one.name.replace("_", " ")
        if isinstance(value, list) and (kind := _row_kind(one.type)) is not None:
            found.tables.append(_rows(title, kind, value))
        elif isinstance(value, dict) and value and _is_nested(value):
            found.tables += [
                Rows(name, ("name", "value"),
                     [(key, shown("", each)) for key, each in block.items()], frozenset({"value"}))
                for name, block in value.items()
            ]  # fmt: skip
        elif isinstance(value, str) and "\n" in value:
            found.texts.append(value)
        else:
            found.values.append((title, shown(one.name, value)))
    return found


def markup(answer: Struct) -> str:
    """Return an answer as HTML, for a notebook."""
    found = parts(answer)
    pieces = [_table(type(answer).__name__, (), found.values)] if found.values else []
    pieces += [_table(rows.title, rows.columns, rows.cells) for rows in found.tables]
    pieces += [f"<pre>{html.escape(text)}</pre>" for text in found.texts]
    return "".join(pieces)


def _row_kind(kind: Any) -> type[Struct] | None:
    """Return the structure of a list's rows, None where they are none."""
    for one in get_args(kind):
        if isinstance(one, type) and issubclass(one, Struct):
            return one
    return None


def _rows(title: str, kind: type[Struct], answers: Sequence[Struct]) -> Rows:
    fields = [one.name for one in msgspec.structs.fields(kind)]
    cells = [[shown(name, getattr(answer, name)) for name in fields] for answer in answers]
    numbers = frozenset(
        name.replace("_", " ")
        for name in fields
        if any(isinstance(getattr(answer, name), int | float) for answer in answers)
    )
    return Rows(title, [name.replace("_", " ") for name in fields], cells, numbers)


def _is_nested(value: Mapping[str, Any]) -> bool:
    return all(isinstance(one, Mapping) for one in value.values())


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><caption>{html.escape(title)}</caption><tr>{head}</tr>{body}</table>"
