"""Both ends of the hard block's streams, for Amaranth's simulator."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

WORD_BITS = 32
MASK = (1 << WORD_BITS) - 1


@dataclass
class Packet:
    """The words of one request or completion, and what goes beside them."""

    words: list[int]
    user: int = 0  # with the first beat
    damaged: bool = False
    began: int = -1  # cycle of the first beat
    ended: int = -1  # of the last one


@dataclass
class Streams:
    """Sends and collects packets, each beat after a pause with the given probability."""

    pause: float = 0.0
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    cycle: int = 0

    async def clock(self, ctx: Any) -> None:
        """Count cycles; a background bench."""
        async for _ in ctx.tick():
            self.cycle += 1

    async def send(self, ctx: Any, port: Any, packets: list[Packet]) -> None:
        """Send packets as the hard block sends requests."""
        lanes = len(port.tkeep)
        for packet in packets:
            starts = range(0, len(packet.words), lanes)
            for start in starts:
                while self.rng.random() < self.pause:
                    await ctx.tick()
                beat = packet.words[start : start + lanes]
                last = start == starts[-1]
                ctx.set(port.tdata, sum(word << WORD_BITS * k for k, word in enumerate(beat)))
                ctx.set(port.tkeep, (1 << len(beat)) - 1)
                ctx.set(port.tlast, last)
                first = packet.user | 1 << 40 if start == 0 else 0
                ctx.set(port.tuser, first | (last and packet.damaged) << 41)
                ctx.set(port.tvalid, 1)
                if start == 0:
                    packet.began = self.cycle
                await ctx.tick().until(port.tready)
                ctx.set(port.tvalid, 0)
            packet.ended = self.cycle - 1

    async def collect(self, ctx: Any, port: Any, found: list[Packet]) -> None:
        """Keep what comes; fail if a packet has a gap. A background bench."""
        packet = None
        while True:
            ctx.set(port.tready, self.rng.random() >= self.pause)
            if ctx.get(port.tvalid):
                packet = packet or Packet([], user=ctx.get(port.tuser), began=self.cycle)
            else:
                assert packet is None, "a gap within a packet"
            if packet and ctx.get(port.tready):
                beat, keep = ctx.get(port.tdata), ctx.get(port.tkeep)
                lanes = keep.bit_length()
                assert keep == (1 << lanes) - 1
                assert ctx.get(port.tlast) or lanes == len(port.tkeep)
                packet.words += [beat >> WORD_BITS * lane & MASK for lane in range(lanes)]
                if ctx.get(port.tlast):
                    packet.ended = self.cycle
                    found.append(packet)
                    packet = None
            await ctx.tick()


@pytest.fixture
def streams() -> Callable[..., Streams]:
    return Streams


@pytest.fixture
def packet() -> type[Packet]:
    return Packet
