"""The report of a replay: one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

import numpy as np

from tickwright.core.fixed import DEVIATION
from tickwright.host.records import IntentKind
from tickwright.host.setup import PairSetup
from tickwright.market.drafts import drafted
from tickwright.model.spread import distance
from tickwright.replay.chart import Bars, Chart, Line, Marks, Rule, svg
from tickwright.replay.files import dollars
from tickwright.replay.outcome import FEE_SCALE, PRICE_SCALE, Outcome, two_sided, worth
from tickwright.replay.summary import Summary

__all__ = ["deviations", "equity", "write_report"]

BID, ASK, SPREAD, PROFIT, CYCLES = "#1f6f8b", "#b5541c", "#3b3b58", "#2e7d32", "#6a4c93"
ENTER, LEAVE = "#c62828", "#1565c0"
ENTRIES = (IntentKind.ENTER_SHORT, IntentKind.ENTER_LONG)
SECOND_NS = 1e9
POINTS = 2000  # of the curve of profit

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}
.assumed{border-left:4px solid #c62828;padding:.4em .8em;background:#fdf1f0}
table{border-collapse:collapse}td{padding:.15em .8em .15em 0;vertical-align:top}
td:first-child{color:#666;white-space:nowrap}th{text-align:left;padding:.15em .8em .15em 0}
.numbers td:not(:first-child),.numbers th:not(:first-child){text-align:right}
svg{width:100%;height:auto}svg polyline{fill:none;stroke-width:1.1}
svg .frame{fill:#fafafa;stroke:#ddd}svg .grid{stroke:#ececec}
svg .rule{stroke:#999;stroke-dasharray:4 4}
svg text{font-size:11px;fill:#555}svg .y{text-anchor:end}svg .x{text-anchor:middle}
svg .end{text-anchor:end}
.legend{margin:0 0 1em;font-size:13px;color:#555}.legend span{margin-right:1.2em}
.legend i{display:inline-block;width:10px;height:10px;margin-right:5px}
summary{cursor:pointer;font-weight:600;margin:.6em 0}
"""


def write_report(path: Path, summary: Summary, sigmas: Mapping[str, float]) -> None:
    """Write the report. ``sigmas``: standard deviation of each pair's spread, in dollars.

    The file is whole or absent.
    """
    with drafted(path) as (draft,):
        draft.write_text("".join(_page(summary, sigmas)), encoding="utf-8")


def deviations(outcome: Outcome, pair: PairSetup) -> tuple[np.ndarray, np.ndarray]:
    """Return feed time in nanoseconds and the deviation of a pair's spread, in the card's units.

    A point for each quote of either symbol at which both show both sides; for pictures, so the
    card's clamp is left out.
    """
    quotes = outcome.journal.quotes
    rows = quotes[(quotes["symbol"] == pair.symbol_a) | (quotes["symbol"] == pair.symbol_b)]
    bid_a, ask_a = _held(rows, pair.symbol_a)
    bid_b, ask_b = _held(rows, pair.symbol_b)
    priced = (bid_a > 0) & (ask_a > 0) & (bid_b > 0) & (ask_b > 0)
    found = distance(pair.hedge, pair.mean, bid_a + ask_a, bid_b + ask_b)
    return rows["feed_ns"][priced], found[priced]


def _held(rows: np.ndarray, symbol: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the newest bid and ask of a symbol at each row; 0 before its first quote."""
    own = rows["symbol"] == symbol
    newest = np.maximum.accumulate(np.where(own, np.arange(len(rows)), -1))
    known = newest >= 0
    return (
        np.where(known, rows["bid"][newest], 0).astype(np.int64),
        np.where(known, rows["ask"][newest], 0).astype(np.int64),
    )


def _page(summary: Summary, sigmas: Mapping[str, float]) -> Iterator[str]:
    outcome = summary.outcome
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><title>Tickwright replay</title>'
    yield f"<style>{STYLE}</style>"
    yield f'<p class="assumed">{"<br>".join(map(escape, summary.assumptions))}</p>'
    yield "<h1>Replay</h1><table>"
    for name, value in summary.rows():
        if name != "assumed":
            yield f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>"
    yield "</table>"
    yield "<h2>Profit</h2>" + _profit(outcome)
    yield "<h2>Latency</h2>" + _latency(outcome)
    yield "<h2>Pairs</h2>" + _table(outcome)
    traded = {wish.pair for wish in outcome.wishes}
    for pair in outcome.setup.pairs:
        if pair.name in traded:
            yield from _pair(outcome, pair, sigmas[pair.name])
    idle = [pair.name for pair in outcome.setup.pairs if pair.name not in traded]
    if idle:
        yield f"<p>Never wished to trade: {escape(', '.join(idle))}.</p>"
    yield "</html>\n"


def _table(outcome: Outcome) -> str:
    """Return what each pair wished, sent and earned; what it still holds is valued at last mids."""
    marks = {result.symbol: result.mark for result in outcome.results}
    rows = ["pair", "entries sent", "exits sent", "refused", "fills", "P&L, $"]
    cells = ["<tr>" + "".join(f"<th>{escape(name)}</th>" for name in rows) + "</tr>"]
    for pair in outcome.setup.pairs:
        wishes = [wish for wish in outcome.wishes if wish.pair == pair.name]
        sent = [wish for wish in wishes if wish.sent]
        entries = sum(wish.kind in ENTRIES for wish in sent)
        fills = [fill for fill in outcome.fills if fill.pair == pair.name]
        earned = sum(worth(fill.signed_shares, marks[fill.symbol]) - fill.cost for fill in fills)
        found = (
            escape(pair.name), entries, len(sent) - entries, len(wishes) - len(sent), len(fills),
            f"{dollars(earned):,.2f}",
        )  # fmt: skip
        cells.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in found) + "</tr>")
    return f'<table class="numbers">{"".join(cells)}</table>'


def equity(outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """Return feed time in nanoseconds and profit in dollars: cash, and what is held at its mid.

    A fill counts at the message behind its order; fees are taken off. For pictures: at most
    `POINTS` points beside those of the fills.
    """
    sent_ns = {int(row["user_ref"]): int(row["feed_ns"]) for row in outcome.journal.orders}
    quotes = outcome.journal.quotes
    grid = np.linspace(int(quotes["feed_ns"][0]), int(quotes["feed_ns"][-1]), POINTS)
    filled = [sent_ns[fill.user_ref] for fill in outcome.fills]
    times = np.unique(np.concatenate([grid.astype(np.int64), np.array(filled, np.int64)]))
    total = np.zeros(len(times))
    for index, symbol in enumerate(outcome.setup.symbols):
        own = [fill for fill in outcome.fills if fill.symbol == symbol.name]
        if not own:
            continue
        at = np.array([sent_ns[fill.user_ref] for fill in own])
        shares = np.cumsum([0, *(fill.signed_shares for fill in own)])
        spent = np.cumsum([0, *(fill.cost for fill in own)])
        passed = np.searchsorted(at, times, side="right")
        total += worth(shares[passed], _mids(quotes, index, times)) - spent[passed]
    return times, total / (PRICE_SCALE * FEE_SCALE)


def _mids(quotes: np.ndarray, symbol: int, times: np.ndarray) -> np.ndarray:
    """Return the newest mid price of a symbol at some times; the first one before that."""
    own = two_sided(quotes, symbol)
    if not len(own):
        return np.zeros(len(times))
    rows = np.searchsorted(own["feed_ns"], times.astype(np.uint64), side="right") - 1
    newest = own[np.maximum(rows, 0)]
    return (newest["bid"].astype(np.int64) + newest["ask"]) / 2


def _profit(outcome: Outcome) -> str:
    if not outcome.fills:
        return "<p>Nothing was filled.</p>"
    times, profit = equity(outcome)
    line = Line(times / SECOND_NS, profit, PROFIT, "P&L, what is held at its mid", step=True)
    return svg(Chart([line, Rule(0.0, "0")], "feed time", "dollars", clock=True))


def _latency(outcome: Outcome) -> str:
    cycles = [
        row.latency_cycles
        for row in outcome.order_rows
        if row.latency_cycles is not None and row.leg == 0
    ]
    if not cycles:
        return "<p>Not measured on this card.</p>"
    values, counts = np.unique(cycles, return_counts=True)
    bars = Bars(values, counts, CYCLES, "first legs")
    return svg(Chart([bars], "cycles, last byte in to first word out", "orders"))


def _pair(outcome: Outcome, pair: PairSetup, sigma: float) -> Iterator[str]:
    times, found = deviations(outcome, pair)
    unit = sigma * DEVIATION.scale
    z = found / unit
    seconds = times / SECOND_NS
    wishes = [wish for wish in outcome.wishes if wish.pair == pair.name and wish.sent]
    yield f"<details open><summary>{escape(pair.name)}: {len(wishes)} intents sent</summary>"
    series: list[Line | Marks | Rule] = [Line(seconds, z, SPREAD, "z of the spread", step=True)]
    for kinds, colour, label, shape in (
        ((IntentKind.ENTER_SHORT,), ENTER, "enter short ▼", "down"),
        ((IntentKind.ENTER_LONG,), ENTER, "enter long ▲", "up"),
        ((IntentKind.EXIT,), LEAVE, "exit", "dot"),
        ((IntentKind.STOP, IntentKind.UNBALANCED), "#000", "stop or unbalanced", "dot"),
    ):
        at = np.array([wish.timestamp_ns for wish in wishes if wish.kind in kinds], float)
        if len(at) and len(times):
            rows = np.searchsorted(times, at, side="right") - 1
            series.append(Marks(at / SECOND_NS, z[np.maximum(rows, 0)], colour, label, shape))
    entry = pair.entry_deviation / unit
    series += [Rule(entry, "entry"), Rule(-entry, "entry"), Rule(0.0, "mean")]
    shown = _shown(seconds)
    yield svg(Chart(series, "feed time", "z", clock=True, x_range=shown))
    for symbol in (pair.symbol_a, pair.symbol_b):
        yield _prices(outcome, symbol, pair.name, shown)
    yield "</details>"


def _shown(seconds: np.ndarray) -> tuple[float, float] | None:
    """Return the part of the time axis that all charts of a pair show."""
    return (float(seconds[0]), float(seconds[-1])) if len(np.unique(seconds)) > 1 else None


def _prices(outcome: Outcome, symbol: int, pair: str, shown: tuple[float, float] | None) -> str:
    name = outcome.setup.symbols[symbol].name
    rows = two_sided(outcome.journal.quotes, symbol)
    if not len(rows):
        return f"<p>{escape(name)} never showed both sides.</p>"
    seconds = rows["feed_ns"] / SECOND_NS
    if shown is not None:
        inside = (seconds >= shown[0]) & (seconds <= shown[1])
        rows, seconds = rows[inside], seconds[inside]
    sent_ns = {int(row["user_ref"]): int(row["feed_ns"]) for row in outcome.journal.orders}
    series: list[Line | Marks] = [
        Line(seconds, rows["bid"] / PRICE_SCALE, BID, f"{name} bid", step=True),
        Line(seconds, rows["ask"] / PRICE_SCALE, ASK, f"{name} ask", step=True),
    ]
    for sides, colour, label, shape in (
        ("B", LEAVE, "bought ▲", "up"), ("ST", ENTER, "sold ▼", "down")
    ):  # fmt: skip
        fills = [
            fill
            for fill in outcome.fills
            if fill.symbol == name and fill.pair == pair and fill.side in sides
        ]
        if fills:
            at = np.array([sent_ns[fill.user_ref] for fill in fills]) / SECOND_NS
            price = np.array([fill.price for fill in fills]) / PRICE_SCALE
            series.append(Marks(at, price, colour, label, shape))
    return svg(Chart(series, "feed time", "dollars", clock=True, x_range=shown))
