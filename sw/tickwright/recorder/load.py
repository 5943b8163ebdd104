"""Telemetry as of a busy card, any amount of it: record n is the same whoever asks, and however."""

from __future__ import annotations

import numpy as np

from tickwright.host.records import TABLES, ResponseKind
from tickwright.recorder.records import pack
from tickwright.telemetry.messages import RECORD_BYTES, Record

__all__ = ["Load"]

PATTERN = 1 << 14  # records after which contents repeat, but for number and time
SYMBOLS, PAIRS = 512, 512
STEP_NS = 5_000  # of the card's clock, a record
SHARES, PRICE = 100, 1_000_000
SHARE = {  # of each kind in a thousand
    "quotes": 870,
    "coalesced": 10,
    "intents": 30,
    "verdicts": 30,
    "orders": 20,
    "responses": 30,
    "applied": 10,
}
NUMBER, TIME = Record.field("number"), Record.field("decided_ns")


class Load:
    """Mostly quotes; and intents, verdicts, orders, their answers and outcomes."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        names = list(SHARE)
        kinds = rng.choice(len(names), PATTERN, p=np.array(list(SHARE.values())) / 1000)
        self._pattern = np.zeros((PATTERN, RECORD_BYTES), np.uint8)
        for kind, name in enumerate(names):
            places = np.flatnonzero(kinds == kind)
            self._pattern[places] = pack(name, _table(name, len(places), rng), 0, 0)

    def records(self, first: int, count: int) -> np.ndarray:
        """Return records ``first`` to ``first + count - 1``."""
        numbers = np.arange(first, first + count, dtype=np.int64)
        records = self._pattern[numbers % PATTERN]
        for field, values in ((NUMBER, numbers), (TIME, numbers * STEP_NS)):
            wide = values.astype(">u8").view(np.uint8).reshape(-1, 8)
            records[:, field.offset : field.offset + field.size] = wide[:, 8 - field.size :]
        return records


def _table(name: str, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Return random rows; each answer is to one of the orders."""
    table = np.zeros(rows, TABLES[name])
    for column, values in {
        "symbol": rng.integers(0, SYMBOLS, rows),
        "pair": rng.integers(0, PAIRS, rows),
        "sequence": np.arange(rows),
        "bid": PRICE - rng.integers(1, 20, rows) * SHARES,
        "ask": PRICE + rng.integers(1, 20, rows) * SHARES,
        "status": np.full(rows, ord("T")),
        "id": np.arange(rows),
        "passed": rng.random(rows) < 0.7,
        "user_ref": np.arange(rows) if name == "orders" else rng.integers(0, rows // 2 + 1, rows),
        "shares": np.full(rows, SHARES),
        "filled": np.full(rows, SHARES),
        "price": np.full(rows, PRICE),
        "side": rng.integers(0, 2, rows),
        "leg": rng.integers(0, 2, rows),
    }.items():
        if column in (table.dtype.names or ()):
            table[column] = values
    if name == "verdicts":
        table["checks"] = np.where(table["passed"] == 1, 0, 1 << rng.integers(0, 13, rows))
    if name == "responses":
        table["kind"] = rng.choice([ResponseKind.ACCEPTED, ResponseKind.EXECUTED], rows)
    return table
