"""All values of card and service at one moment, for metrics, alarms and `status`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tickwright.host.desk import FEE_SCALE, fee
from tickwright.host.ledger import Account, read_account
from tickwright.monitoring.metrics import Sample, of_register
from tickwright.service.feed_flow import FeedView
from tickwright.service.holdings import quotes_by_symbol, twice_mid
from tickwright.service.post import Post
from tickwright.service.preflight import disk_free_ratio, offset_ns
from tickwright.top.memory_map import BLOCKS

__all__ = ["Look", "Money", "look", "money", "values"]

PRICES_A_DOLLAR = 10_000
HALVES = 2
SECOND_NS = 1_000_000_000
MS_S = 1_000
UNKNOWN = math.nan


@dataclass(frozen=True)
class Money:
    """What the fills since the recorder began came to, in 1/10000 dollar; None: not known."""

    cash: int | None = None  # before fees
    fees: int | None = None
    marked: int | None = None  # cash and what is held at trusted mids


@dataclass(frozen=True)
class Look:
    """One look at all of it; ``accounts`` by index of the symbol."""

    sample: Sample
    accounts: list[Account]
    feed: FeedView
    offset: tuple[int, int] | None  # of the card's clock, and how sure, in nanoseconds
    money: Money


def look(post: Post) -> Look:
    """Look at the card and at the service."""
    post.look_at_telemetry()
    accounts = [read_account(post.card, index) for index in range(len(post.names))]
    registers = post.card.counters()
    feed, offset, spent = post.look_at_feed(), offset_ns(post), money(post)
    snapshot = post.telemetry()
    known = {
        "tickwright_gate_state": registers["risk"]["state"],
        "tickwright_feed_ok": feed.ok,
        "tickwright_session_ok": registers["order"]["session_ok"],
        "tickwright_untrusted_symbols": registers["book"]["untrusted"],
        "tickwright_position_limit_ratio": _nearest(post, accounts),
        "tickwright_cash_dollars": _dollars(spent.cash),
        "tickwright_marked_dollars": _dollars(spent.marked),
        "tickwright_watchdog_seconds": post.settings.watchdog_ms / MS_S,
        "tickwright_clock_offset_seconds": UNKNOWN if offset is None else offset[0] / SECOND_NS,
        "tickwright_telemetry_ok": snapshot is not None if post.telemetry_expected else UNKNOWN,
        "tickwright_telemetry_records_total": UNKNOWN if snapshot is None else snapshot.records,
        "tickwright_telemetry_lost_records_total": (UNKNOWN if snapshot is None else snapshot.lost),
        "tickwright_telemetry_disk_lost_records_total": (
            UNKNOWN if snapshot is None else snapshot.disk_lost
        ),
        "tickwright_journal_ok": not post.journal_fault,
        "tickwright_journal_entries_total": post.journal.count,
        "tickwright_uptime_seconds": (post.now_ns() - post.started_ns) / SECOND_NS,
        "tickwright_disk_free_ratio": disk_free_ratio(post),
    }
    sample = Sample(
        registers=registers,
        service={name: float(value) for name, value in known.items()} | dict(post.sense()),
        positions={
            name: account.position for name, account in zip(post.names, accounts, strict=True)
        },
    )
    return Look(sample, accounts, feed, offset, spent)


def values(sample: Sample) -> dict[str, float]:
    """Return a sample by names of metrics, without those that have labels."""
    return dict(_of_registers(sample)) | dict(sample.service)


def money(post: Post) -> Money:
    """Return what the fills since the recorder began came to."""
    snapshot = post.telemetry()
    if snapshot is None:
        return Money()
    desk, quotes = post.desk_file, quotes_by_symbol(post)
    shares = sum(one.bought + one.sold for one in snapshot.holdings)
    fees = None if desk is None else -(-shares * fee(desk) // FEE_SCALE)  # never too little
    marked: int | None = HALVES * snapshot.cash
    for one in snapshot.holdings:
        mid = twice_mid(quotes.get(one.symbol))
        if one.position and mid is None:
            marked = None
            break
        marked += one.position * (mid or 0)
    return Money(snapshot.cash, fees, None if marked is None else marked // HALVES)


def _dollars(held: int | None) -> float:
    return UNKNOWN if held is None else held / PRICES_A_DOLLAR


def _of_registers(sample: Sample) -> Iterator[tuple[str, float]]:
    for block, kind in BLOCKS.items():
        found = sample.registers.get(block, {})
        for register in kind.registers:
            metric = of_register(block, register)
            if metric is not None and register.name in found:
                yield metric.name, float(found[register.name])


def _nearest(post: Post, accounts: list[Account]) -> float:
    """Return the largest worst case over its limit; not a number while no limits are known."""
    if post.limits is None:
        return UNKNOWN
    ratios = [0.0]
    for account, symbol in zip(accounts, post.limits.setup.symbols, strict=False):
        worst = max(account.worst_long, account.worst_short)
        if worst > 0:
            most = symbol.max_position
            ratios.append(worst / most if most else math.inf)
    return max(ratios)
