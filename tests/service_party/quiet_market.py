"""A market that goes on and on, of one symbol that nobody trades."""

from __future__ import annotations

from pathlib import Path

from tickwright.feed.messages import AddOrder
from tickwright.market.captures import write_capture
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import pack_datagrams

__all__ = ["FEED", "write_market"]

DAY_S = 20_458 * 86_400  # 2026-01-05
OPEN_NS = 34_200 * 10**9
STEP_NS = 1_000_000_000  # between two messages
MESSAGES = 5_000  # more than any test takes

FEED = """\
[feed]
line_a = "233.252.0.1:26477"
line_b = "233.252.0.2:26477"
max_age_ms = 60000
"""
"""Of a desk file, where this market comes from."""


def write_market(path: Path) -> None:
    """Write the market as a capture."""
    messages = [
        AddOrder(locate=1, timestamp_ns=OPEN_NS + STEP_NS * number, reference=number, side="B",
                 shares=100, stock="DULL", price=590_000).pack()
        for number in range(1, MESSAGES + 1)
    ]  # fmt: skip
    write_capture(path, [pack_datagrams(MessageTable.from_messages(messages))], day_s=DAY_S)
