"""Random rows of every table, within what the card's widths allow."""

from __future__ import annotations

import numpy as np

from tickwright.core.wire import Field
from tickwright.host.records import TABLES
from tickwright.telemetry.messages import LEGS, RECORDS

__all__ = ["random_table"]


def _largest(name: str, column: str) -> int:
    if column.endswith("_valid"):
        return 1
    field: Field = RECORDS[name].field(column)
    return (1 << 8 * field.size) - 1


def random_table(name: str, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Return random rows; the first is all zeros, the second as large as can be."""
    table = np.zeros(rows, TABLES[name])
    for column in table.dtype.names or ():
        largest = _largest(name, column)
        table[column] = rng.integers(0, largest, rows, np.uint64, endpoint=True)
        table[column][:2] = [0, largest][: min(2, rows)]
    if name == "intents":
        for leg in range(LEGS):
            for column in ("symbol", "side", "shares", "price"):
                table[f"leg{leg}_{column}"] *= table[f"leg{leg}_valid"]
    return table
