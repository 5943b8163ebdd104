"""Telemetry records to tables and back, whole columns at a time.

The places come from the description of the records, so they are not told again here. Records are
arrays of bytes of shape (n, 64).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from tickwright.core.wire import Field
from tickwright.host.records import TABLES
from tickwright.telemetry.messages import LEGS, RECORD_BYTES, RECORDS, VERSION, Record

__all__ = ["RecordsError", "column", "pack", "split", "unpack"]


class RecordsError(ValueError):
    """What cannot be a record, or cannot be held by one."""


def pack(
    name: str, table: np.ndarray, numbers: np.ndarray | int, decided_ns: np.ndarray | int
) -> np.ndarray:
    """Return the rows of the table ``name`` as records.

    ``numbers`` and ``decided_ns`` are one for each row. Raises RecordsError where a value does not
    fit its field, or a table is not of its kind: nothing is cut silently.
    """
    message = RECORDS[name]
    if table.dtype != TABLES[name]:
        raise RecordsError(f"{name}: found {table.dtype}, expected {TABLES[name]}")
    rows = len(table)
    heads = {"record": message.constants["record"], "version": VERSION, "number": numbers,
             "decided_ns": decided_ns}  # fmt: skip
    records = np.zeros((rows, RECORD_BYTES), np.uint8)
    for field in message.fields:
        if field.name in heads:
            values: Any = np.broadcast_to(np.asarray(heads[field.name], np.uint64), rows)
        elif field.name == "legs":
            values = sum(
                (table[f"leg{leg}_valid"].astype(np.uint64) << leg for leg in range(LEGS)),
                start=np.zeros(rows, np.uint64),
            )
        else:
            values = table[field.name]
        _store(name, field, records, values)
    return records


def unpack(name: str, records: np.ndarray) -> np.ndarray:
    """Return records of one kind as rows of the table ``name``.

    Raises RecordsError where one is of another kind or version.
    """
    message = RECORDS[name]
    for head in ("record", "version"):
        found, expected = column(records, head), message.constants[head]
        if np.any(found != expected):
            place = int(np.flatnonzero(found != expected)[0])
            raise RecordsError(
                f"{name}: record {place}: found {head} {found[place]}, expected {expected}"
            )
    table = np.zeros(len(records), TABLES[name])
    for field in message.fields:
        if field.name in (table.dtype.names or ()):
            table[field.name] = _load(field, records)
        elif field.name == "legs":
            bits = _load(field, records)
            for leg in range(LEGS):
                table[f"leg{leg}_valid"] = bits >> leg & 1
    return table


def split(records: np.ndarray) -> tuple[dict[str, np.ndarray], int]:
    """Return the records of each kind, in their order; and how many are of none that is known.

    Kinds of which there are no records are left out.
    """
    found = column(records, "record")
    found[column(records, "version") != VERSION] = 0
    counts = np.bincount(found, minlength=1)
    kinds = {
        name: records[found == kind]
        for name, message in RECORDS.items()
        if (kind := message.constants["record"]) < len(counts) and counts[kind]
    }
    return kinds, len(records) - sum(len(each) for each in kinds.values())


def column(records: np.ndarray, name: str) -> np.ndarray:
    """Return a field that every record has: record, version, number or decided_ns."""
    return _load(Record.field(name), records)


@cache
def _parts(offset: int, size: int) -> tuple[tuple[int, int, int], ...]:
    """Return (offset, bytes, bits it is shifted by) of the machine's integers that make a field."""
    return tuple(_divided(offset, size))


def _divided(offset: int, size: int) -> Iterator[tuple[int, int, int]]:
    while size:
        part = next(width for width in (8, 4, 2, 1) if width <= size)
        size -= part
        yield offset, part, 8 * size
        offset += part


def _view(records: np.ndarray, offset: int, size: int) -> np.ndarray:
    """Return a field of 1, 2, 4 or 8 bytes of all records, without a copy."""
    whole = np.dtype(
        {"names": ["part"], "formats": [f">u{size}"], "offsets": [offset], "itemsize": RECORD_BYTES}
    )
    return records.view(whole)["part"][:, 0]


def _load(field: Field[Any], records: np.ndarray) -> np.ndarray:
    if records.dtype != np.uint8 or records.ndim != 2 or records.shape[1] != RECORD_BYTES:
        raise RecordsError(
            f"records: found {records.dtype} of shape {records.shape}, expected uint8 of "
            f"(n, {RECORD_BYTES})"
        )
    records = np.ascontiguousarray(records)
    value = np.zeros(len(records), np.uint64)
    for offset, size, shift in _parts(field.offset, field.size):
        value |= _view(records, offset, size).astype(np.uint64) << np.uint64(shift)
    return value.astype(np.int64) if field.size < 8 else value


def _store(name: str, field: Field[Any], records: np.ndarray, values: np.ndarray) -> None:
    wide = values.astype(np.uint64)
    if 8 * field.size < 64 and len(wide) and (largest := int(wide.max())) >> 8 * field.size:
        raise RecordsError(
            f"{name}.{field.name}: found {largest}, expected at most {(1 << 8 * field.size) - 1}"
        )
    for offset, size, shift in _parts(field.offset, field.size):
        mask = np.uint64((1 << 8 * size) - 1)
        _view(records, offset, size)[:] = wide >> np.uint64(shift) & mask
