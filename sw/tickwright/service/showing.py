"""What only looks: registers, counters, the journal."""

from __future__ import annotations

from tickwright.core.regs import Strobe
from tickwright.monitoring.metrics import of_register
from tickwright.service.errors import ServiceError
from tickwright.service.journal import entries
from tickwright.service.keys import Key
from tickwright.service.post import Post
from tickwright.service.protocol import (
    Block,
    Counters,
    Empty,
    Entries,
    JournalRange,
    Registers,
)
from tickwright.top.memory_map import BLOCKS

__all__ = ["show_counters", "show_info", "show_journal", "show_registers"]

MOST_ENTRIES = 1_000


def show_info(post: Post, by: Key, asked: Empty) -> Registers:
    """Return what card this is."""
    return Registers({"identity": _values(post, "identity")})


def show_registers(post: Post, by: Key, asked: Block) -> Registers:
    """Return registers as they read now; those of a row show the row that was asked for last."""
    return Registers({block: _values(post, block) for block in _blocks(asked.block)})


def show_counters(post: Post, by: Key, asked: Block) -> Counters:
    """Return what was counted: of a block all counts, of all blocks those above 0."""
    found = post.card.counters()
    values: dict[str, dict[str, int]] = {}
    for block in _blocks(asked.block):
        counts = {
            register.name: found[block][register.name]
            for register in BLOCKS[block].registers
            if (metric := of_register(block, register)) is not None and metric.counter
        }
        if asked.block is None:
            counts = {name: count for name, count in counts.items() if count}
        values[block] = counts
    return Counters(values)


def show_journal(post: Post, by: Key, asked: JournalRange) -> Entries:
    """Return entries of the journal, after its chain was followed from the beginning."""
    if not 1 <= asked.most <= MOST_ENTRIES:
        raise ServiceError.wrong(
            f"journal.show: most: found {asked.most}, expected 1 to {MOST_ENTRIES}"
        )
    rows = entries(post.journal.path, asked.first, asked.most)
    return Entries(rows, post.journal.head)


def _blocks(name: str | None) -> list[str]:
    if name is None:
        return list(BLOCKS)
    if name not in BLOCKS:
        raise ServiceError.wrong(
            f"card: block: found {name!r}, expected one of {', '.join(BLOCKS)}"
        )
    return [name]


def _values(post: Post, block: str) -> dict[str, int]:
    return getattr(post.card, block).read_registers(
        [register for register in BLOCKS[block].registers if not isinstance(register, Strobe)]
    )
