"""The report of a replay: one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

import numpy as np

from tickwright.core.fixed import DEVIATION
from tickwright.host.records import IntentKind
from tickwright.host.setup import PairSetup
from tickwright.replay.chart import Bars, Chart, Line, Marks, Rule, svg
from tickwright.replay.files import dollars
from tickwright.replay.outcome import FEE_SCALE, PRICE_SCALE, Outcome
from tickwright.replay.summary import Summary

__all__ = ["deviations", "write_report"]

BID, ASK, SPREAD, PROFIT, CYCLES = "#1f6f8b", "#b5541c", "#3b3b58", "#2e7d32", "#6a4c93"
ENTER, LEAVE = "#c62828", "#1565c0"
SECOND_NS = 1e9
DEVIATION_SHIFT = 8

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}
.assumed{border-left:4px solid #c62828;padding:.4em .8em;background:#fdf1f0}
table{border-collapse:collapse}td{padding:.15em .8em .15em 0;vertical-align:top}
td:first-child{color:#666;white-space:nowrap}
svg{width:100%;height:auto}svg polyline{fill:none;stroke-width:1.1}
svg .frame{fill:#fafafa;stroke:#ddd}svg .rule{stroke:#999;stroke-dasharray:4 4}
svg text{font-size:11px;fill:#555}svg .y{text-anchor:end}svg .x{text-anchor:middle}
svg .end{text-anchor:end}
.legend{margin:0 0 1em;font-size:13px;color:#555}.legend span{margin-right:1.2em}
.legend i{display:inline-block;width:10px;height:10px;margin-right:5px}
summary{cursor:pointer;font-weight:600;margin:.6em 0}
"""


def write_report(path: Path, summary: Summary, sigmas: Mapping[str, float]) -> None:
    """Write the report. ``sigmas``: standard deviation of each pair's spread, in dollars.

    The file is whole or absent: a draft beside it is renamed when it is complete.
    """
    draft = path.with_name(f"{path.name}.draft")
    try:
        draft.write_text("".join(_page(summary, sigmas)), encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


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
    spread = ((bid_a + ask_a) << 16) - pair.hedge * (bid_b + ask_b)
    return rows["feed_ns"][priced], (spread - pair.mean)[priced] >> DEVIATION_SHIFT


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
    yield "<h2>Pairs</h2>"
    traded = {wish.pair for wish in outcome.wishes}
    for pair in outcome.setup.pairs:
        if pair.name in traded:
            yield from _pair(outcome, pair, sigmas[pair.name])
    idle = [pair.name for pair in outcome.setup.pairs if pair.name not in traded]
    if idle:
        yield f"<p>Never wished to trade: {escape(', '.join(idle))}.</p>"
    yield "</html>\n"


def _profit(outcome: Outcome) -> str:
    """Chart cash and positions at the price of each symbol's last fill, fees taken off."""
    if not outcome.fills:
        return "<p>Nothing was filled.</p>"
    cash, profit = 0, []
    held: dict[str, tuple[int, int]] = {}
    for fill in outcome.fills:
        cash -= fill.signed_shares * fill.price * FEE_SCALE + fill.fee
        shares, _ = held.get(fill.symbol, (0, 0))
        held[fill.symbol] = (shares + fill.signed_shares, fill.price)
        value = sum(shares * price for shares, price in held.values()) * FEE_SCALE
        profit.append(float(dollars(cash + value)))
    times = np.array([fill.timestamp_ns for fill in outcome.fills]) / SECOND_NS
    line = Line(times, np.array(profit), PROFIT, "P&L, positions at their last fill", step=True)
    return svg(Chart([line], "{:.1f}", "{:.2f}", "card time, s", "dollars"))


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
    return svg(
        Chart([bars], "{:.0f}", "{:.0f}", "cycles, last byte in to first word out", "orders")
    )


def _pair(outcome: Outcome, pair: PairSetup, sigma: float) -> Iterator[str]:
    times, found = deviations(outcome, pair)
    unit = sigma * DEVIATION.scale
    z = found / unit
    seconds = times / SECOND_NS
    wishes = [wish for wish in outcome.wishes if wish.pair == pair.name and wish.sent]
    yield f"<details open><summary>{escape(pair.name)}: {len(wishes)} intents sent</summary>"
    series: list[Line | Marks | Rule] = [Line(seconds, z, SPREAD, "z of the spread", step=True)]
    for kinds, colour, label, shape in (
        ((IntentKind.ENTER_SHORT,), ENTER, "enter short", "down"),
        ((IntentKind.ENTER_LONG,), ENTER, "enter long", "up"),
        ((IntentKind.EXIT,), LEAVE, "exit", "dot"),
        ((IntentKind.STOP, IntentKind.UNBALANCED), "#000", "stop or unbalanced", "dot"),
    ):
        at = np.array([wish.timestamp_ns for wish in wishes if wish.kind in kinds], float)
        if len(at) and len(times):
            rows = np.searchsorted(times, at, side="right") - 1
            series.append(Marks(at / SECOND_NS, z[np.maximum(rows, 0)], colour, label, shape))
    entry = pair.entry_sq**0.5 / unit
    series += [Rule(entry, "entry"), Rule(-entry, "entry"), Rule(0.0, "mean")]
    yield svg(Chart(series, "{:.1f}", "{:.1f}", "feed time, s", "z"))
    for symbol in (pair.symbol_a, pair.symbol_b):
        yield _prices(outcome, symbol)
    yield "</details>"


def _prices(outcome: Outcome, symbol: int) -> str:
    name = outcome.setup.symbols[symbol].name
    quotes = outcome.journal.quotes
    rows = quotes[(quotes["symbol"] == symbol) & (quotes["bid"] > 0) & (quotes["ask"] > 0)]
    if not len(rows):
        return f"<p>{escape(name)} never showed both sides.</p>"
    seconds = rows["feed_ns"] / SECOND_NS
    series: list[Line | Marks] = [
        Line(seconds, rows["bid"] / PRICE_SCALE, BID, f"{name} bid", step=True),
        Line(seconds, rows["ask"] / PRICE_SCALE, ASK, f"{name} ask", step=True),
    ]
    for side, colour, shape in (("B", LEAVE, "up"), ("ST", ENTER, "down")):
        fills = [fill for fill in outcome.fills if fill.symbol == name and fill.side in side]
        if fills:
            at = np.array([fill.timestamp_ns for fill in fills]) / SECOND_NS
            price = np.array([fill.price for fill in fills]) / PRICE_SCALE
            label = "bought" if side == "B" else "sold"
            series.append(Marks(at, price, colour, label, shape))
    return svg(Chart(series, "{:.1f}", "{:.2f}", "time, s", "dollars"))
