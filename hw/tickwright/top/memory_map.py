"""Where each register block lies on the card's bus, and what identifies the map (pure)."""

import zlib

from tickwright.book.regs import BookRegs
from tickwright.core.regs import WORD_BYTES, Block, Status
from tickwright.feed.regs import FeedRegs
from tickwright.order.regs import OrderRegs
from tickwright.risk.regs import RiskRegs
from tickwright.strategy.regs import StrategyRegs

__all__ = ["BLOCKS", "BLOCK_WORDS", "IdentityRegs", "base", "fingerprint"]


class IdentityRegs(Block):
    """What card this is; a host refuses one whose map is not its own."""

    map_hash = Status(32, "Hash over all register blocks; the host compares it with its own.")
    symbols  = Status(32, "Symbols the card can watch.", unit="symbols")
    orders   = Status(32, "Entries of the order table.", unit="orders")
    window   = Status(32, "Price levels of a symbol and side.", unit="ticks")
    pairs    = Status(32, "Pairs the strategy can hold.", unit="pairs")
    fanout   = Status(32, "Pairs that may list one symbol.", unit="pairs")
    hold     = Status(32, "Messages the arbiter can hold while a gap is open.", unit="messages")
    slots    = Status(32, "Orders that may be open at the venue.", unit="orders")

    now_ns = Status(64, "Card time.", unit="ns")
    cycles = Status(64, "Core clocks since reset.", unit="cycles")


BLOCK_WORDS = 256
"""Words from the start of one block to that of the next."""

BLOCKS: dict[str, type[Block]] = {
    "identity": IdentityRegs,
    "feed":     FeedRegs,
    "book":     BookRegs,
    "strategy": StrategyRegs,
    "risk":     RiskRegs,
    "order":    OrderRegs,
}


def base(name: str) -> int:
    """Return the byte address of a block."""
    return list(BLOCKS).index(name) * BLOCK_WORDS * WORD_BYTES


def fingerprint() -> int:
    """Return the 32-bit hash of the whole map; the same on every machine and in every run."""
    text = "\n".join(f"{base(name)} {name} {block.fingerprint()}"
                     for name, block in BLOCKS.items())
    return zlib.crc32(text.encode("ascii"))
