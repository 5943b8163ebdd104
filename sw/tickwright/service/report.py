"""The day, as it ends: positions, money, counts, refusals, alarms, sets in force, the journal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tickwright.service.archive import SetKind
from tickwright.service.post import Post
from tickwright.service.protocol import Report, Status
from tickwright.service.sampling import PRICES_A_DOLLAR, SECOND_NS

__all__ = ["report"]

NOT_KNOWN = "not known"


def report(post: Post, seen: Status) -> Report:
    """Return the day as Markdown and as numbers; both say the same."""
    numbers = _numbers(post, seen)
    return Report("\n".join(_lines(post, seen, numbers)) + "\n", numbers)


def _numbers(post: Post, seen: Status) -> dict[str, Any]:
    return {
        "time_ns": post.now_ns(),
        "state": seen.state,
        "positions": {row.symbol: row.position for row in seen.symbols if row.position},
        "cash": seen.cash,
        "fees": seen.fees,
        "marked": seen.marked,
        "sent": seen.sent,
        "refused": seen.refused,
        "refusals": seen.refusals,
        "open_orders": seen.open_orders,
        "delivered": seen.delivered,
        "gaps": seen.gaps,
        "lost": seen.lost,
        "records": seen.records,
        "records_lost": seen.records_lost,
        "alarms": seen.alarms,
        "sets": {kind: _set(post, kind) for kind in SetKind},
        "journal": {"entries": post.journal.count, "head": post.journal.head},
    }


def _set(post: Post, kind: SetKind) -> dict[str, Any]:
    stored = post.held[kind].stored
    if stored is None:
        return {"doubt": post.held[kind].doubt}
    return {
        "epoch": stored.epoch,
        "checksum": stored.checksum,
        "name": stored.name,
        "by": stored.by,
        "loaded_ns": stored.time_ns,
    }


def _lines(post: Post, seen: Status, numbers: dict[str, Any]) -> Iterator[str]:
    yield f"# Report of {_moment(numbers['time_ns'])}"
    yield ""
    yield f"Card {seen.card} ({seen.preset}), gate {seen.state}."
    yield from _section("Positions", numbers["positions"], "shares")
    yield from _section(
        "Money",
        {"cash": _dollars(seen.cash), "fees, assumed": _dollars(seen.fees),
         "cash and positions at mids": _dollars(seen.marked)},
        "dollars",
    )  # fmt: skip
    yield ""
    yield from (f"- {sentence}" for sentence in seen.assumptions)
    counts = ("sent", "refused", "open_orders", "delivered", "gaps", "lost", "records",
              "records_lost")  # fmt: skip
    yield from _section("Counts", {name: _known(numbers[name]) for name in counts}, "count")
    yield from _section("Refusals", seen.refusals, "intents")
    yield from _section("Sets in force", {kind: _named(numbers, kind) for kind in SetKind}, "set")
    yield ""
    yield "## Alarms"
    yield ""
    yield from (f"- {alarm}" for alarm in seen.alarms or ["none"])
    yield ""
    yield "## Journal"
    yield ""
    yield f"{post.journal.count} entries, head {post.journal.head}."


def _section(title: str, rows: dict[str, Any], what: str) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    if not rows:
        yield "None."
        return
    yield f"| | {what} |"
    yield "|---|--:|"
    yield from (f"| {name} | {value} |" for name, value in rows.items())


def _named(numbers: dict[str, Any], kind: SetKind) -> str:
    one = numbers["sets"][kind]
    if "epoch" not in one:
        return one["doubt"] or "none"
    name = one["name"] or "without a name"
    return (
        f"{name}, epoch {one['epoch']}, checksum {one['checksum']:#010x}, by {one['by']} at "
        f"{_moment(one['loaded_ns'])}"
    )


def _moment(ns: int) -> str:
    moment = datetime.fromtimestamp(ns // SECOND_NS, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _known(count: int | None) -> int | str:
    return NOT_KNOWN if count is None else count


def _dollars(held: int | None) -> str:
    return NOT_KNOWN if held is None else f"{Decimal(held) / PRICES_A_DOLLAR:,.2f}"
