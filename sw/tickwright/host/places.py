"""In which line of a TOML file a key stands, for those who have to mend it."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator

__all__ = ["Place", "line_of", "written"]

Place = tuple[str | int, ...]  # the way to a value: ("pair", 0, "entry_z")

PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
NAME = rf"\s*({PART}(?:\s*\.\s*{PART})*)\s*"
HEADER = re.compile(rf"\s*(?:\[{NAME}\]|\[\[{NAME}\]\])\s*(?:#.*)?")
KEY = re.compile(rf"{NAME}=")
BARE = re.compile(r"[A-Za-z0-9_-]+")  # a key that needs no quotes


def written(place: Place) -> str:
    """Return a place as one names it: `pair[0].entry_z`, `symbols."BRK.B".tick_usd`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_key(part)}" for part in place)
    return text.removeprefix(".")


def _key(part: str) -> str:
    """Return a key as TOML has it."""
    return part if BARE.fullmatch(part) else json.dumps(part, ensure_ascii=False)


def line_of(text: str, place: Place) -> int | None:
    """Return the line, from 1, of a key in TOML that can be read; else of the table it belongs to.

    A key that is left out has the line of its table, an array of tables that of its first. None
    where neither has a line of its own.
    """
    best: tuple[int, int | None] = (0, None)
    for line, found in _places(text):
        ours = found[: len(place)] if found == (*place, 0) else found
        if ours == place[: len(ours)] and len(ours) > best[0]:
            best = (len(ours), line)
    return best[1]


def _places(text: str) -> Iterator[tuple[int, Place]]:
    """Yield each line that begins a table or sets a key, and what it sets."""
    table: Place = ()
    arrays: Counter[Place] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.fullmatch(line):
            table = ()
            for part in _parts(header[1] or header[2]):
                table = (*table, part)
                if table in arrays and header[1]:
                    table = (*table, arrays[table] - 1)
            if header[2]:
                arrays[table] += 1
                table = (*table, arrays[table] - 1)
            yield number, table
        elif key := KEY.match(line):
            yield number, (*table, *_parts(key[1]))


def _parts(name: str) -> list[str]:
    """Return the parts of a dotted name."""
    found: object = tomllib.loads(f"{name} = 0")
    parts = []
    while isinstance(found, dict):
        ((part, found),) = found.items()
        parts.append(part)
    return parts
