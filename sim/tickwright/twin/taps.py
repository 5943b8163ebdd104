"""What the twin records, unpacked: rows of bits from the harness become columns of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib import data

from tickwright.host.records import TABLES
from tickwright.telemetry.sources import SOURCES, shapes
from tickwright.top.presets import Preset

__all__ = ["TAPS", "columns", "header", "layouts", "table"]

TAPS = SOURCES
"""The record streams of the pipeline, and the table of the journal that each fills."""

WORD_BITS = 64


def layouts(preset: Preset) -> dict[str, data.Layout]:
    """Return how the payload of each record stream is laid out, in the order of `TAPS`."""
    return shapes(preset)


def header() -> str:
    """Return the C++ that lets the harness sample every record stream.

    Verilator spells the two underscores of a port's name as `___05F`.
    """
    rows = [
        f"    TAP({index}, {name}___05Fvalid, {name}___05Fpayload)"
        for index, name in enumerate(TAPS)
    ]
    return "\n".join(
        [
            "#define TAPS \\",
            " \\\n".join(rows),
            "",
            f"constexpr unsigned TAP_COUNT = {len(TAPS)};",
            "",
        ]
    )


def columns(layout: data.Layout, words: np.ndarray) -> dict[str, np.ndarray]:
    """Unpack rows of 64-bit words, low word first, into one unsigned column a leaf field.

    A field within a field is named by its path, joined by `_`; a field of more than 64 bits is an
    error.
    """
    return {
        "_".join(path): _bits(words, offset, width)
        for path, offset, width in _leaves(layout, (), 0)
    }


def table(name: str, layout: data.Layout, words: np.ndarray) -> np.ndarray:
    """Return the rows of record stream ``name`` as the table of the journal that it fills."""
    found = columns(layout, words)
    kind = TABLES[TAPS[name]]
    rows = np.zeros(len(words), kind)
    for column in kind.names or ():
        rows[column] = _find(found, column)
    if name == "intents":
        for leg in range(2):
            for field in ("symbol", "side", "shares", "price"):
                rows[f"leg{leg}_{field}"] *= rows[f"leg{leg}_valid"]
    return rows


def _find(found: dict[str, np.ndarray], column: str) -> np.ndarray:
    """Return the column of that name, at the top or within `cause`, `outcome` or `legs`."""
    names = [column, f"cause_{column}", f"outcome_{column}"]
    if column.startswith("leg") and "_" in column:
        leg, field = column.removeprefix("leg").split("_", 1)
        names.append(f"legs_{leg}_{field}")
    for name in names:
        if name in found:
            return found[name]
    raise KeyError(f"no field for column {column!r} among {', '.join(found)}")


def _leaves(
    layout: data.Layout, path: tuple[str, ...], base: int
) -> Iterator[tuple[tuple[str, ...], int, int]]:
    for key, field in cast("Iterable[tuple[str | int, data.Field]]", layout):
        place, offset = (*path, str(key)), base + field.offset
        try:
            inner = data.Layout.cast(field.shape)
        except TypeError:
            yield place, offset, Shape.cast(field.shape).width
        else:
            yield from _leaves(inner, place, offset)


def _bits(words: np.ndarray, offset: int, width: int) -> np.ndarray:
    if width > WORD_BITS:
        raise ValueError(f"a field of {width} bits at {offset}: expected at most {WORD_BITS}")
    first, shift = divmod(offset, WORD_BITS)
    value = words[:, first] >> np.uint64(shift)
    if shift + width > WORD_BITS:
        value = value | words[:, first + 1] << np.uint64(WORD_BITS - shift)
    return value & np.uint64((1 << width) - 1)
