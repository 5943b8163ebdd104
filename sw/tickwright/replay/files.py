"""The files of a replay that people script against: their columns are stable."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import numpy as np

from tickwright.market.captures import write_capture
from tickwright.market.drafts import drafted
from tickwright.market.frames_table import FrameTable
from tickwright.replay.outcome import FEE_SCALE, PRICE_SCALE, Outcome

__all__ = [
    "FILL_COLUMNS",
    "ORDER_COLUMNS",
    "VENUE",
    "dollars",
    "write_fills",
    "write_frames",
    "write_orders",
]

VENUE = "XNAS"  # market identifier code of the one venue there is

ORDER_COLUMNS = (
    "date",
    "venue",
    "message",
    "timestamp_ns",
    "intent_id",
    "epoch",
    "cause",
    "latency_cycles",
    "pair",
    "leg",
    "symbol",
    "side",
    "shares",
    "price",
    "time_in_force",
    "user_ref_num",
    "verdict",
)

FILL_COLUMNS = (
    "date",
    "venue",
    "timestamp_ns",
    "user_ref_num",
    "match",
    "pair",
    "leg",
    "symbol",
    "side",
    "shares",
    "price",
    "liquidity",
    "fee",
)


def dollars(amount: int) -> Decimal:
    """Return an amount in 1/10000 dollar times 1000 as dollars, exactly."""
    return Decimal(amount) / (PRICE_SCALE * FEE_SCALE)


def write_orders(path: Path, outcome: Outcome, day: date | None) -> None:
    """Write a row for each leg the strategy wished. Prices in 1/10000 dollar."""
    _write(
        path,
        ORDER_COLUMNS,
        (
            (
                day or "",
                VENUE,
                row.message,
                row.timestamp_ns,
                row.intent_id,
                row.epoch,
                "message",
                "" if row.latency_cycles is None else row.latency_cycles,
                row.pair,
                row.leg,
                row.symbol,
                row.side,
                row.shares,
                row.price,
                "IOC",
                "" if row.user_ref is None else row.user_ref,
                row.verdict,
            )
            for row in outcome.order_rows
        ),
    )


def write_fills(path: Path, outcome: Outcome, day: date | None) -> None:
    """Write a row for each execution. Prices in 1/10000 dollar, fees in dollars."""
    _write(
        path,
        FILL_COLUMNS,
        (
            (
                day or "",
                VENUE,
                fill.timestamp_ns,
                fill.user_ref,
                fill.match,
                fill.pair,
                fill.leg,
                fill.symbol,
                fill.side,
                fill.shares,
                fill.price,
                "R",
                dollars(fill.fee),
            )
            for fill in outcome.fills
        ),
    )


def write_frames(
    path: Path, frames: Sequence[bytes], at_ns: Sequence[int], day: date | None
) -> None:
    """Write frames as a pcap, whole or not at all; times count from midnight of the day, UTC."""
    midnight = 0 if day is None else int(datetime.combine(day, time(), UTC).timestamp())
    lengths = np.array([len(frame) for frame in frames], np.uint32)
    ends = np.cumsum(lengths, dtype=np.int64)
    table = FrameTable(
        data=np.frombuffer(b"".join(frames), np.uint8),
        offset=ends - lengths,
        length=lengths,
        time_ns=np.array(at_ns, np.uint64),
    )
    with drafted(path) as (draft,):
        write_capture(draft, [table] if frames else [], day_s=midnight)


def _write(path: Path, columns: Iterable[str], rows: Iterable[tuple[object, ...]]) -> None:
    """Write a whole file or none."""
    with drafted(path) as (draft,), draft.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
