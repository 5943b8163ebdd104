"""The flight record: all that a decision was made on, a row each, as parquet."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tickwright.host.records import LEGS, QUOTE, IntentKind
from tickwright.host.setup import DEVIATION_LIMIT, PairSetup
from tickwright.market.drafts import drafted
from tickwright.model.spread import distance
from tickwright.replay.bbo import SHOWN, reason_text
from tickwright.replay.files import VENUE
from tickwright.replay.outcome import Outcome
from tickwright.risk.checks import CHECKS, STATES

__all__ = ["flight_table", "write_flight"]


def write_flight(path: Path, outcome: Outcome, day: date | None) -> int:
    """Write the records, whole or not at all; return how many."""
    table = flight_table(outcome, day)
    # Given a path instead of a file, the library would put an error of the system in its own words.
    with drafted(path) as (draft,), draft.open("wb") as file:
        pq.write_table(table, file)
    return table.num_rows


def flight_table(outcome: Outcome, day: date | None) -> pa.Table:
    """Return a row for each intent: both quotes it was made on, its legs, and the gate's word.

    Prices are in 1/10000 dollar; ``deviation`` is that of the spread from its mean, in 1/20000
    dollar times 2^-8, as the card clamps it.
    """
    verdicts = {int(row["id"]): row for row in outcome.journal.verdicts}
    newest = _Newest(outcome)
    legs: dict[int, list] = {}
    for row in outcome.order_rows:
        legs.setdefault(row.intent_id, []).append(row)
    rows = [
        _record(outcome, intent, verdicts.get(int(intent["id"])), newest, legs, day)
        for intent in outcome.journal.intents
    ]
    return pa.Table.from_pylist(rows, schema=_schema())


def _schema() -> pa.Schema:
    fields: list[tuple[str, pa.DataType]] = [
        ("date", pa.date32()),
        ("venue", pa.string()),
        ("message", pa.int64()),
        ("sequence", pa.int64()),
        ("timestamp_ns", pa.int64()),
        ("intent_id", pa.int64()),
        ("epoch", pa.int32()),
        ("pair", pa.string()),
        ("kind", pa.string()),
        ("deviation", pa.int64()),
    ]
    for leg in "ab":
        fields += [(f"symbol_{leg}", pa.string())]
        fields += [(f"{name}_{leg}", pa.int64()) for name in (*SHOWN, "quote_sequence")]
        fields += [(f"status_{leg}", pa.string()), (f"reasons_{leg}", pa.string())]
    for number in range(LEGS):
        fields += [(f"leg{number}_symbol", pa.string()), (f"leg{number}_side", pa.string())]
        for name in ("shares", "price", "user_ref_num", "latency_cycles"):
            fields.append((f"leg{number}_{name}", pa.int64()))
    fields += [
        ("passed", pa.bool_()),
        ("verdict", pa.string()),
        *((f"check_{name}", pa.bool_()) for name in CHECKS),
        ("quotes_seen", pa.int64()),
        ("responses_applied", pa.int64()),
        ("state", pa.string()),
        ("feed_ok", pa.bool_()),
        ("session_ok", pa.bool_()),
    ]
    return pa.schema(fields)


class _Newest:
    """Finds the newest quote of a symbol at a message."""

    def __init__(self, outcome: Outcome) -> None:
        quotes = outcome.journal.quotes
        self._of = {
            index: quotes[quotes["symbol"] == index]
            for pair in outcome.setup.pairs
            for index in (pair.symbol_a, pair.symbol_b)
        }
        self._trusts = outcome.journal.trusts[outcome.journal.trusts["all"] == 1]
        self._reasons = np.bitwise_or.accumulate(
            np.concatenate([np.zeros(1, np.uint16), self._trusts["reasons"]])
        )

    def quote(self, symbol: int, sequence: int) -> np.void:
        """Return the quote; one of zeros if there is none yet."""
        rows = self._of[symbol]
        place = int(np.searchsorted(rows["sequence"], np.uint64(sequence), side="right"))
        return rows[place - 1] if place else np.zeros(1, QUOTE)[0]

    def reasons_of_all(self, sequence: int) -> int:
        """Return the reasons that every symbol has."""
        rows = np.searchsorted(self._trusts["sequence"], np.uint64(sequence), side="right")
        return int(self._reasons[rows])


def _record(
    outcome: Outcome,
    intent: np.void,
    verdict: np.void | None,
    newest: _Newest,
    legs: dict[int, list],
    day: date | None,
) -> dict[str, Any]:
    pair = outcome.setup.pairs[int(intent["pair"])]
    sequence, number = int(intent["sequence"]), int(intent["id"])
    found: dict[str, Any] = {
        "date": day,
        "venue": VENUE,
        "message": outcome.numbering.number(sequence),
        "sequence": sequence,
        "timestamp_ns": int(intent["feed_ns"]),
        "intent_id": number,
        "epoch": int(intent["epoch"]),
        "pair": pair.name,
        "kind": IntentKind(int(intent["kind"])).name.lower(),
    }
    quotes = [newest.quote(symbol, sequence) for symbol in (pair.symbol_a, pair.symbol_b)]
    found["deviation"] = _deviation(pair, *quotes)
    for leg, symbol, quote in zip("ab", (pair.symbol_a, pair.symbol_b), quotes, strict=True):
        found[f"symbol_{leg}"] = outcome.setup.symbols[symbol].name
        for name in SHOWN:
            found[f"{name}_{leg}"] = int(quote[name])
        found[f"quote_sequence_{leg}"] = int(quote["sequence"])
        found[f"status_{leg}"] = chr(int(quote["status"])) if quote["status"] else ""
        reasons = int(quote["reasons"]) | newest.reasons_of_all(sequence)
        found[f"reasons_{leg}"] = reason_text(reasons)
    for row in legs.get(number, []):
        found[f"leg{row.leg}_symbol"] = row.symbol
        found[f"leg{row.leg}_side"] = row.side
        found[f"leg{row.leg}_shares"] = row.shares
        found[f"leg{row.leg}_price"] = row.price
        found[f"leg{row.leg}_user_ref_num"] = row.user_ref
        found[f"leg{row.leg}_latency_cycles"] = row.latency_cycles
        found["verdict"] = row.verdict
    if verdict is not None:
        checks = int(verdict["checks"])
        found |= {f"check_{name}": bool(checks >> bit & 1) for bit, name in enumerate(CHECKS)}
        found |= {
            "passed": bool(verdict["passed"]),
            "quotes_seen": int(verdict["quotes_seen"]),
            "responses_applied": int(verdict["responses_applied"]),
            "state": STATES[int(verdict["state"])],
            "feed_ok": bool(verdict["feed_ok"]),
            "session_ok": bool(verdict["session_ok"]),
        }
    return found


def _deviation(pair: PairSetup, a: np.void, b: np.void) -> int:
    sum_a, sum_b = (int(quote["bid"]) + int(quote["ask"]) for quote in (a, b))
    away = distance(pair.hedge, pair.mean, sum_a, sum_b)
    return max(-DEVIATION_LIMIT, min(DEVIATION_LIMIT, away))
