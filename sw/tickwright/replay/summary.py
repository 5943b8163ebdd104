"""The summary at the end of a replay: what happened, and what was assumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tickwright.feed.reasons import REASONS
from tickwright.replay.files import dollars
from tickwright.replay.outcome import PRICE_SCALE, Outcome

__all__ = ["Latency", "Summary", "latency", "untrusted_symbols"]


@dataclass(frozen=True)
class Latency:
    """Cycles from the last byte of a message to word 0 of the first frame of its intent."""

    count: int
    least: int
    mean: float
    p99: int
    most: int


@dataclass(frozen=True)
class Summary:
    """What a replay prints, in lines of name and value."""

    card: str
    messages: int
    assumptions: Sequence[str]
    outcome: Outcome

    def rows(self) -> list[tuple[str, str]]:
        """Return the lines to show, assumptions first."""
        outcome, journal = self.outcome, self.outcome.journal
        rows = [("assumed", text) for text in self.assumptions]
        rows += [
            ("card", self.card),
            ("messages delivered", f"{self.messages:,}"),
            ("gaps declared", _gaps(outcome)),
            ("trust", _trust(outcome)),
            ("decided by cycles", _decided(outcome)),
            *([("dropped or at fault", _counted(outcome))] if outcome.counted else []),
            ("quotes published", f"{len(journal.quotes):,}"),
            ("intents", _intents(outcome)),
            ("orders sent", f"{len(journal.orders):,}"),
            ("intents refused", _refused(outcome)),
            ("fills", _fills(outcome)),
            ("positions", _positions(outcome)),
            ("P&L, fees taken off", f"{dollars(outcome.profit):,.2f} $"),
            ("latency", _latency(latency(outcome))),
        ]
        return rows

    def as_json(self) -> dict[str, object]:
        """Return the figures for `--json`."""
        outcome = self.outcome
        measured = latency(outcome)
        return {
            "card": self.card,
            "assumptions": list(self.assumptions),
            "messages": self.messages,
            "gaps": len(outcome.numbering.lost_first),
            "lost": outcome.numbering.lost,
            "untrusted": untrusted_symbols(outcome),
            "decided": _decided_counts(outcome),
            "counted": outcome.counted,
            "intents": len(outcome.journal.intents),
            "orders": len(outcome.journal.orders),
            "refused": outcome.refused_by,
            "fills": len(outcome.fills),
            "positions": {result.symbol: result.position for result in outcome.results},
            "profit_usd": str(dollars(outcome.profit)),
            "latency_cycles": None
            if measured is None
            else {
                "min": measured.least,
                "mean": measured.mean,
                "p99": measured.p99,
                "max": measured.most,
            },
        }


def latency(outcome: Outcome) -> Latency | None:
    """Return the latency of first legs; None where none was measured."""
    first = [row.latency_cycles for row in _first_legs(outcome) if row.latency_cycles is not None]
    if not first:
        return None
    cycles = np.array(first)
    p99 = int(np.percentile(cycles, 99, method="higher"))
    return Latency(len(cycles), int(cycles.min()), float(cycles.mean()), p99, int(cycles.max()))


def untrusted_symbols(outcome: Outcome) -> dict[str, list[str]]:
    """Return, for each reason, the symbols it held at the end: those of scope all hold all."""
    every = 0
    for row in outcome.journal.trusts:
        if row["all"]:
            every |= int(row["reasons"])
    last = {int(row["symbol"]): int(row["reasons"]) for row in outcome.journal.quotes}
    found: dict[str, list[str]] = {}
    for index, symbol in enumerate(outcome.setup.symbols):
        reasons = last.get(index, 0) | every
        for bit, name in enumerate(REASONS):
            if reasons >> bit & 1:
                found.setdefault(name, []).append(symbol.name)
    return found


def _first_legs(outcome: Outcome):
    seen: set[int] = set()
    for row in outcome.order_rows:
        if row.intent_id not in seen:
            seen.add(row.intent_id)
            yield row


def _gaps(outcome: Outcome) -> str:
    count = len(outcome.numbering.lost_first)
    return f"{count:,}" if not count else f"{count:,} ({outcome.numbering.lost:,} messages lost)"


def _trust(outcome: Outcome) -> str:
    untrusted = untrusted_symbols(outcome)
    symbols = {name for names in untrusted.values() for name in names}
    if not symbols:
        return f"all {len(outcome.setup.symbols)} symbols trusted at the end"
    why = ", ".join(f"{reason} {len(names)}" for reason, names in untrusted.items())
    return f"{len(symbols)} of {len(outcome.setup.symbols)} symbols untrusted at the end ({why})"


def _decided_counts(outcome: Outcome) -> dict[str, int]:
    journal = outcome.journal
    reasons = journal.trusts["reasons"]
    gaps, faults = (
        int(np.count_nonzero(reasons >> REASONS.index(name) & 1)) for name in ("gap", "fault")
    )
    return {
        "gap": gaps,
        "fault": faults,
        "overflow": len(journal.overflows),
        "capacity": len(journal.capacities),
        "coalescing": outcome.left_out,
        "outcome applied": len(journal.applied),
        "response applied": len(journal.responses),
        "verdict": len(journal.verdicts),
    }


def _counted(outcome: Outcome) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in outcome.counted.items())


def _decided(outcome: Outcome) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in _decided_counts(outcome).items())


def _intents(outcome: Outcome) -> str:
    kinds = Counter(wish.kind.name.lower() for wish in outcome.wishes)
    if not kinds:
        return "0"
    parts = ", ".join(f"{name} {count:,}" for name, count in sorted(kinds.items()))
    return f"{len(outcome.wishes):,} ({parts})"


def _refused(outcome: Outcome) -> str:
    total = int(np.count_nonzero(outcome.journal.verdicts["passed"] == 0))
    if not total:
        return "0"
    return f"{total:,} (" + ", ".join(f"{n} {c:,}" for n, c in outcome.refused_by.items()) + ")"


def _fills(outcome: Outcome) -> str:
    shares = sum(fill.shares for fill in outcome.fills)
    fees = sum(fill.fee for fill in outcome.fills)
    return f"{len(outcome.fills):,} ({shares:,} shares, fees {dollars(fees):,.2f} $)"


def _positions(outcome: Outcome) -> str:
    open_ones = [result for result in outcome.results if result.position]
    if not open_ones:
        return "all flat"
    value = sum(abs(one.position) * one.mark for one in open_ones)
    listed = ", ".join(f"{one.symbol} {one.position:+,}" for one in open_ones[:8])
    more = f", and {len(open_ones) - 8} more" if len(open_ones) > 8 else ""
    blind = [one.symbol for one in open_ones if not one.mark]
    more += f"; valued at 0, as no mid is known: {', '.join(blind)}" if blind else ""
    return f"{listed}{more} (gross {value / PRICE_SCALE:,.2f} $ at last mids)"


def _latency(measured: Latency | None) -> str:
    if measured is None:
        return "not measured"
    return (
        f"min {measured.least}, mean {measured.mean:.1f}, p99 {measured.p99}, max {measured.most} "
        f"cycles over {measured.count:,} intents (last byte in to first word out)"
    )
