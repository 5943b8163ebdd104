"""What the screen shows: the newest of everything, and how old it is.

Nothing is shown as if it were of now that is not: what is older than it may be says so, and why.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tickwright.client.screen import pairs_table, screen, symbols_table
from tickwright.recorder.snapshot import Snapshot
from tickwright.service.display import Parts, Rows, parts
from tickwright.service.protocol import OrderRow, Orders, Status
from tickwright.watch.histogram import histogram

__all__ = ["OLD_S", "Seen", "View"]

OLD_S = 3.0  # a status is asked for each second, a summary comes four times a second
NEWEST_ORDERS = 12
LATENCY = "exchange time stamp to order, of two clocks"


@dataclass(frozen=True)
class Seen:
    """What was last heard, when by a clock of seconds that does not go back, and what failed."""

    status: Status | None = None
    status_s: float = 0.0
    orders: list[OrderRow] = field(default_factory=list)
    snapshot: Snapshot | None = None
    snapshot_s: float = 0.0
    fault: str = ""  # why the last question was not answered
    telemetry: bool = True  # whether the service publishes any


@dataclass(frozen=True)
class View:
    """One screen of it."""

    seen: Seen
    now_s: float

    @property
    def old(self) -> bool:
        """Whether books, positions and orders are not of now."""
        seen = self.seen
        return bool(seen.fault) or (seen.status is not None and self.now_s - seen.status_s > OLD_S)

    @property
    def warnings(self) -> list[str]:
        """What of the screen is not of now; empty where all is."""
        seen, told = self.seen, []
        if seen.fault:
            told.append(seen.fault)
        if seen.status is not None and self.now_s - seen.status_s > OLD_S:
            told.append(
                f"OLD: status, orders and books are of {self.now_s - seen.status_s:.0f} s ago"
            )
        if not seen.telemetry:
            told.append("no telemetry: this card has no ring that a host can follow")
        elif seen.snapshot is None:
            told.append("no telemetry yet: latencies are not known")
        elif self.now_s - seen.snapshot_s > OLD_S:
            told.append(f"OLD: latencies are of {self.now_s - seen.snapshot_s:.0f} s ago")
        return told

    @property
    def parts(self) -> Parts:
        """Everything: lines, books, pairs, orders, latencies."""
        if self.seen.status is None:
            return Parts([("service", self.seen.fault or "not heard of yet")])
        status = self.seen.status
        lines = screen(status).values
        warnings = [("warning", line) for line in self.warnings]
        tables = [
            symbols_table(status.symbols),
            pairs_table(status.pairs),
            self.orders,
            self.latencies,
        ]
        return Parts([*warnings, *lines], tables)

    @property
    def orders(self) -> Rows:
        """The newest orders, the newest last."""
        (table,) = parts(Orders(self.seen.orders[-NEWEST_ORDERS:])).tables
        return Rows("orders", table.columns, table.cells, table.right)

    @property
    def latencies(self) -> Rows:
        """Latencies by powers of two."""
        snapshot = self.seen.snapshot
        rows = [] if snapshot is None else histogram(snapshot.latency)
        return Rows(f"latency: {LATENCY}", ("time", "", "orders"), rows, frozenset({"orders"}))
