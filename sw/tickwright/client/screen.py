"""A status on one screen: a line for each thing that can be wrong, then what is held."""

from __future__ import annotations

from collections.abc import Iterable

from tickwright.risk.checks import STATES
from tickwright.service.display import NOTHING, Parts, Rows, dollars, shown
from tickwright.service.protocol import PairRow, Status, SymbolRow

__all__ = ["pairs_table", "screen", "symbols_table"]

SECOND_NS, MS_NS = 1_000_000_000, 1_000_000
NONE, UNKNOWN = "none", "unknown"
FLAT = "flat"
KILLED = STATES[0]


def screen(status: Status) -> Parts:
    """Return the lines of a status; of symbols and pairs those that want a look."""
    symbols = [row for row in status.symbols if row.position or not row.trusted]
    pairs = [row for row in status.pairs if row.phase != FLAT or row.stopped or not row.enabled]
    return Parts(
        [
            ("gate", _gate(status)),
            ("link", _link(status)),
            ("feed", _feed(status)),
            ("session", _session(status)),
            ("books", _books(status)),
            ("sets", _sets(status)),
            ("money", _money(status)),
            ("alarms", "; ".join(status.alarms) or NONE),
            ("assumed", " ".join(status.assumptions) or NONE),
        ],
        [
            symbols_table(symbols, _title("symbols", len(status.symbols))),
            pairs_table(pairs, _title("pairs", len(status.pairs))),
        ],
    )


def symbols_table(symbols: Iterable[SymbolRow], title: str = "symbols") -> Rows:
    """Return symbols with their touch, trust and position."""
    columns = ("symbol", "bid shares", "bid", "ask", "ask shares", "status", "trust", "position",
               "of", "could be")  # fmt: skip
    cells = [
        (
            row.symbol,
            *(reversed(_side(row.bid, row.bid_shares))),
            *_side(row.ask, row.ask_shares),
            row.status,
            "yes" if row.trusted else ", ".join(row.reasons) or "no",
            f"{row.position:,}",
            f"{row.max_position:,}",
            f"{-row.worst_short:,} .. {row.worst_long:,}",
        )
        for row in symbols
    ]
    return Rows(title, columns, cells, frozenset(columns) - {"symbol", "status", "trust"})


def pairs_table(pairs: Iterable[PairRow], title: str = "pairs") -> Rows:
    """Return pairs with what they hold and how far their spread is from its mean."""
    columns = ("pair", "a", "b", "phase", "held a", "held b", "z")
    cells = [
        (
            row.pair,
            row.a,
            row.b,
            _phase(row),
            f"{row.held_a:,}",
            f"{row.held_b:,}",
            NOTHING if row.z is None else f"{row.z:+.2f}",
        )
        for row in pairs
    ]
    return Rows(title, columns, cells, frozenset({"held a", "held b", "z"}))


def _title(what: str, count: int) -> str:
    """Return the title of a table of those that want a look."""
    return f"{what} that want a look, of {count}" if count else what


def _side(price: int, shares: int) -> tuple[str, str]:
    """Return the price of a side and its shares; a side of no price has no quote."""
    return (dollars(price), f"{shares:,}") if price else (NOTHING, NOTHING)


def _phase(row: PairRow) -> str:
    if not row.enabled:
        return f"{row.phase}, disabled"
    return f"{row.phase}, stopped" if row.stopped else row.phase


def _gate(status: Status) -> str:
    why = f" ({', '.join(status.kill_reasons)})" if status.kill_reasons else ""
    flatten = "; flattening" if status.flatten else ""
    return f"{status.state.replace('_', '-')}{why}{flatten}; card {status.card} ({status.preset})"


def _link(status: Status) -> str:
    if status.clock_offset_ns is None:
        clock = "clock unknown"
    else:
        sure = (status.clock_uncertainty_ns or 0) / MS_NS
        clock = f"clock {status.clock_offset_ns / SECOND_NS:+.6f} s off, give or take {sure:.3f} ms"
    told = (status.records, status.records_lost)
    records, lost = ("unknown" if count is None else f"{count:,}" for count in told)
    return (
        f"card's watchdog {status.watchdog_ms} ms; {clock}; records {records}, lost {lost}; "
        f"up {status.uptime_s:,.0f} s; journal {status.journal:,}"
    )


def _feed(status: Status) -> str:
    word = "gap open" if status.gap_open else "ok" if status.feed_ok else "stale or shut"
    return f"{word}; {status.delivered:,} messages, {status.gaps:,} gaps, {status.lost:,} lost"


def _session(status: Status) -> str:
    word = "ok" if status.session_ok else "lets no order pass"
    refusals = f" ({shown('refusals', status.refusals)})" if status.refusals else ""
    return (
        f"{word}; {status.sent:,} orders sent, {status.open_orders:,} open, "
        f"{status.refused:,} refused{refusals}"
    )


def _books(status: Status) -> str:
    trusted = sum(row.trusted for row in status.symbols)
    return f"{trusted} of {len(status.symbols)} symbols trusted"


def _sets(status: Status) -> str:
    confirmed = "confirmed" if status.positions_confirmed else "not confirmed"
    if status.state != KILLED:  # the card takes a confirmation back when it is armed
        confirmed = "were confirmed before it was armed"
    return (
        f"parameters {status.parameters_epoch} ({status.parameters_checksum:#010x}), limits "
        f"{status.limits_epoch} ({status.limits_checksum:#010x}); positions {confirmed}"
    )


def _money(status: Status) -> str:
    cash, fees, marked = (
        UNKNOWN if held is None else dollars(held)
        for held in (status.cash, status.fees, status.marked)
    )
    return f"cash {cash}, fees {fees}, with positions at mids {marked}"
