"""An order stage whose registers can be reached, and a peer at the other end of its session."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

import pytest
from amaranth import *

from tickwright.order.messages import EnterOrder, SequencedData
from tickwright.order.regs import OrderRegs
from tickwright.order.stage import OrderStage
from tickwright.top.presets import Preset
from tickwright.twin.frame_ends import Arriving, collect, play
from tickwright.twin.tcp_peer import TcpPeer

SIZES = {"orders": 16, "window": 256, "pairs": 1, "fanout": 1, "hold": 16, "queue": 4}
NAMES = ("AAPL", "ABCDEFGH", "B", "ZVZZT")
TIMEOUT_NS = 1_000


class Desk:
    """What the host, the gate and the wire do to an order stage."""

    def __init__(self, slots: int = 16) -> None:
        self.dut = OrderStage(Preset(name="order", symbols=4, slots=slots, **SIZES))
        self.peer = TcpPeer()
        self._reset = Signal()
        self.top = ResetInserter(self._reset)(self.dut)

    async def reset(self, ctx) -> None:
        """Reset the stage, and meet a peer with whom nothing was talked yet."""
        self.peer = TcpPeer()
        ctx.set(self._reset, 1)
        await ctx.tick()
        ctx.set(self._reset, 0)

    async def write(self, ctx, name: str, value: int) -> None:
        register = getattr(OrderRegs, name)
        for word in range(register.words):
            ctx.set(self.dut.bus.addr, register.offset // 4 + word)
            ctx.set(self.dut.bus.w_data, value >> 32 * word & 0xFFFF_FFFF)
            ctx.set(self.dut.bus.w_en, 1)
            await ctx.tick()
        ctx.set(self.dut.bus.w_en, 0)

    async def read(self, ctx, name: str) -> int:
        register, value = getattr(OrderRegs, name), 0
        for word in range(register.words):
            ctx.set(self.dut.bus.addr, register.offset // 4 + word)
            ctx.set(self.dut.bus.r_en, 1)
            await ctx.tick()
            value |= ctx.get(self.dut.bus.r_data) << 32 * word
        ctx.set(self.dut.bus.r_en, 0)
        return value

    async def counts(self, ctx) -> dict[str, int]:
        """Return the counters that are not zero."""
        names = [register.name for register in OrderRegs.registers]
        found = {name: await self.read(ctx, name) for name in names[names.index("orders") :]}
        return {name: count for name, count in found.items() if count}

    async def open(self, ctx, **values: int) -> None:
        """Set names and the session, raise `open` and wait until that has its effect."""
        for symbol, name in enumerate(NAMES):
            await self.write(ctx, "name_symbol", symbol)
            await self.write(ctx, "name", int.from_bytes(name.ljust(8).encode(), "little"))
            await self.write(ctx, "set_name", 1)
        for name, value in (
            self.peer.registers() | {"ack_timeout_ns": TIMEOUT_NS} | values
        ).items():
            await self.write(ctx, name, value)
        await self.write(ctx, "open", 1)
        await ctx.tick().repeat(5)

    async def order(self, ctx, **fields) -> None:
        """Offer an order until it is taken."""
        plain = {"user_ref": 1, "symbol": 0, "side": 0, "short": 0, "shares": 1, "price": 1}
        for name, value in (plain | fields).items():
            ctx.set(getattr(self.dut.orders.p, name), value)
        ctx.set(self.dut.orders.valid, 1)
        await ctx.tick().until(self.dut.orders.ready)
        ctx.set(self.dut.orders.valid, 0)

    async def taken(self, ctx, count: int, stalls: Iterable[int] = repeat(0)) -> list[EnterOrder]:
        """Take frames, and have the peer check them."""
        return [self.peer.take(frame) for frame in await collect(ctx, self.dut.tx, count, stalls)]

    async def send(self, ctx, *orders: dict) -> list[EnterOrder]:
        """Send orders one by one, and take their frames."""
        ctx.set(self.dut.tx.ready, 1)
        taken = []
        for fields in orders:
            await self.order(ctx, **fields)
            taken += await self.taken(ctx, 1)
        return taken

    async def arrive(self, ctx, *frames: bytes | Arriving) -> None:
        """Let frames arrive, and have their effect."""
        arriving = [frame if isinstance(frame, Arriving) else Arriving(frame) for frame in frames]
        await play(ctx, self.dut.rx, self.dut.rx_end, arriving)
        await ctx.tick().repeat(8)

    async def answer(self, ctx, *messages) -> None:
        """Let messages of the venue arrive, each in a segment of its own."""
        packets = (SequencedData(payload=message.pack()).pack() for message in messages)
        await self.arrive(ctx, *(self.peer.sent(packet) for packet in packets))

    async def responses(self, ctx) -> list:
        """Take the responses that wait."""
        found = []
        ctx.set(self.dut.responses.ready, 1)
        while ctx.get(self.dut.responses.valid):
            found.append(ctx.get(self.dut.responses.payload))
            await ctx.tick()
        ctx.set(self.dut.responses.ready, 0)
        return found


@pytest.fixture
def desk() -> Desk:
    return Desk()
