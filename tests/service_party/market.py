"""A market that keeps a pair trading: its spread leaps out and back, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from service_party.cola import PAIR
from tickwright.feed.messages import AddOrder, ItchMessage, OrderDelete, StockDirectory
from tickwright.feed.messages import TradingAction as Trading
from tickwright.market.captures import write_capture
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import pack_datagrams

__all__ = ["DESK", "ORDERS_A_ROUND", "swinging"]

OPEN_NS = 34_200 * 10**9
DAY_S = 20_458 * 86_400
ORDERS_A_ROUND = 4  # two legs out, two legs back
MESSAGES_A_ROUND = 4
AT_ONCE = 20_000  # messages

DESK = f"""\
[card]
preset = "twin"

[feed]
line_a = "233.252.0.1:26477"
line_b = "233.252.0.2:26477"
max_age_ms = 5000

[symbols.KO]
reference_usd = "60.00"
[symbols.PEP]
reference_usd = "60.00"

{PAIR}"""

STOCKS = {11: "KO", 12: "PEP"}


def swinging(path: Path, seconds: float, step_ms: float) -> None:
    """Write a capture that lasts so long, a message every ``step_ms``: a round has four."""
    rounds = int(seconds * 1000 / step_ms / MESSAGES_A_ROUND)
    frames, messages, sequence = [], [], 1
    step_ns = int(step_ms * 1_000_000)
    for at, message in enumerate(_story(rounds)):
        messages.append(message.replace(timestamp_ns=OPEN_NS + step_ns * (at + 1)).pack())
        if len(messages) == AT_ONCE:
            frames.append(_packed(messages, sequence))
            sequence, messages = sequence + len(messages), []
    frames.append(_packed(messages, sequence))
    write_capture(path, frames, day_s=DAY_S)


def _packed(messages: list[bytes], sequence: int):
    table = MessageTable.from_messages(messages)
    table.sequence[:] += sequence - table.sequence[0]
    return pack_datagrams(table)


def _story(rounds: int) -> Iterator[ItchMessage]:
    reference = 0

    def add(locate: int, side: str, price: int) -> ItchMessage:
        nonlocal reference
        reference += 1
        return AddOrder(locate=locate, reference=reference, side=side, shares=500,
                        stock=STOCKS[locate], price=price)  # fmt: skip

    for locate, stock in STOCKS.items():
        yield StockDirectory(locate=locate, stock=stock)
        yield Trading(locate=locate, stock=stock, state="T")
    for locate in STOCKS:
        yield add(locate, "B", 600_000)
    yield add(12, "S", 600_100)
    yield add(11, "S", 601_100)
    yield add(11, "S", 600_100)
    for _ in range(rounds):
        yield OrderDelete(locate=11, reference=reference)
        yield add(11, "B", 601_000)  # short KO at 60.10, buy PEP at 60.01
        yield OrderDelete(locate=11, reference=reference)
        yield add(11, "S", 600_100)  # back: buy KO at 60.01, sell PEP at 60.00
