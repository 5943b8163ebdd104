"""All that fits one screen: the gate, the feed, the session, symbols, pairs, money, alarms."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tickwright.core.fixed import SPREAD
from tickwright.host.ledger import Account, read_pair
from tickwright.host.settings import Pair, shown
from tickwright.host.setup import PairSetup
from tickwright.recorder.snapshot import NewestQuote
from tickwright.risk.checks import CHECKS
from tickwright.service.archive import SetKind
from tickwright.service.holdings import quotes_by_symbol, twice_mid
from tickwright.service.loading import in_force
from tickwright.service.post import Post
from tickwright.service.protocol import PairRow, Status, SymbolRow
from tickwright.service.sampling import SECOND_NS, Look
from tickwright.top.presets import PRESETS

__all__ = ["assumptions", "status"]

HALF_BITS = 16  # of a hedge ratio, behind its point


def status(post: Post, seen: Look, alarms: list[str]) -> Status:
    """Return the status as it was at a look, with the alarms that are on."""
    card, counts = post.card, seen.sample.registers
    snapshot, money = post.telemetry(), seen.money
    parameters, limits = (in_force(post, kind) for kind in SetKind)
    return Status(
        card=post.settings.card,
        preset=_preset(counts["identity"]),
        state=card.state,
        kill_reasons=list(card.kill_reasons),
        parameters_epoch=parameters[0],
        parameters_checksum=parameters[1],
        limits_epoch=limits[0],
        limits_checksum=limits[1],
        positions_confirmed=bool(counts["risk"]["confirmed"]),
        flatten=bool(counts["strategy"]["flattening"]),
        feed_ok=seen.feed.ok,
        gap_open=seen.feed.gap_open,
        delivered=counts["feed"]["delivered"],
        gaps=counts["feed"]["gaps"],
        lost=counts["feed"]["lost"],
        session_ok=bool(counts["order"]["session_ok"]),
        open_orders=counts["risk"]["open_orders"],
        sent=counts["risk"]["sent"],
        refused=counts["risk"]["refused"],
        refusals={
            check: count for check in CHECKS if (count := counts["risk"][f"refused_{check}"])
        },
        watchdog_ms=post.settings.watchdog_ms,
        clock_offset_ns=None if seen.offset is None else seen.offset[0],
        clock_uncertainty_ns=None if seen.offset is None else seen.offset[1],
        records=None if snapshot is None else snapshot.records,
        records_lost=None if snapshot is None else snapshot.lost,
        cash=money.cash,
        fees=money.fees,
        marked=money.marked,
        assumptions=assumptions(post),
        alarms=alarms + [f"{kind}_unknown" for kind in SetKind if post.held[kind].doubt],
        symbols=_symbols(post, seen.accounts),
        pairs=_pairs(post),
        journal=post.journal.count,
        uptime_s=(post.now_ns() - post.started_ns) / SECOND_NS,
    )


def assumptions(post: Post) -> list[str]:
    """Return what the figures take for granted, in sentences."""
    snapshot, desk = post.telemetry(), post.desk_file
    told = []
    if desk is not None:
        rate = shown(desk.assumptions.fee_usd_per_share)
        told.append(f"Fees are assumed to be {rate} dollars a share, as the desk file says.")
    if snapshot is None:
        told.append(post.telemetry_fault)
        return told
    told.append("Cash, fees and marks are of the fills since the recorder began.")
    if snapshot.unjoined:
        told.append(f"{snapshot.unjoined} fills are of orders that were not seen; cash lacks them.")
    if snapshot.missing:
        told.append(f"{snapshot.missing} records are missing; what they told is not in the sums.")
    if snapshot.forgotten:
        told.append(
            f"{snapshot.forgotten} records are older than those summed up: cash, fees and marks "
            "lack them."
        )
    if snapshot.disk_lost:
        told.append(f"{snapshot.disk_lost} records are not on the disk.")
    if snapshot.disk_error:
        told.append(f"The disk takes no records: {snapshot.disk_error}.")
    return told


def _preset(identity: Mapping[str, int]) -> str:
    """Return the name of the build that has these sizes."""
    for preset in PRESETS.values():
        names = ("symbols", "orders", "window", "pairs", "fanout", "hold", "slots")
        if all(identity[name] == getattr(preset, name) for name in names):
            return preset.name
    return "unknown"


def _symbols(post: Post, accounts: list[Account]) -> list[SymbolRow]:
    quotes = quotes_by_symbol(post)
    limits = () if post.limits is None else post.limits.setup.symbols
    rows = []
    for index, (name, account) in enumerate(zip(post.names, accounts, strict=True)):
        quote = quotes.get(index)
        rows.append(
            SymbolRow(
                symbol=name,
                index=index,
                bid=0 if quote is None else quote.bid,
                bid_shares=0 if quote is None else quote.bid_shares,
                ask=0 if quote is None else quote.ask,
                ask_shares=0 if quote is None else quote.ask_shares,
                status="-" if quote is None else quote.status,
                trusted=quote is not None and not quote.reasons,
                reasons=[] if quote is None else quote.reasons,
                position=account.position,
                max_position=limits[index].max_position if index < len(limits) else 0,
                worst_long=account.worst_long,
                worst_short=account.worst_short,
            )
        )
    return rows


def _pairs(post: Post) -> list[PairRow]:
    stored, desk, quotes = post.parameters, post.desk_file, quotes_by_symbol(post)
    if stored is None or desk is None:
        return []
    rows = []
    for index, (pair, typed) in enumerate(zip(stored.setup.pairs, desk.pair, strict=True)):
        state = read_pair(post.card, index)
        rows.append(
            PairRow(
                pair=pair.name,
                index=index,
                a=typed.a,
                b=typed.b,
                enabled=pair.enabled,
                phase=state.phase,
                stopped=state.stopped,
                held_a=state.held_a,
                held_b=state.held_b,
                z=_deviations(pair, typed, quotes),
            )
        )
    return rows


def _deviations(pair: PairSetup, typed: Pair, quotes: Mapping[int, NewestQuote]) -> float | None:
    """Return how many standard deviations the spread is from its mean, as the card forms it."""
    mids = [twice_mid(quotes.get(symbol)) for symbol in (pair.symbol_a, pair.symbol_b)]
    if mids[0] is None or mids[1] is None:
        return None
    apart = (mids[0] << HALF_BITS) - pair.hedge * mids[1] - pair.mean
    return float(Decimal(apart) / SPREAD.scale / typed.sigma_usd)
