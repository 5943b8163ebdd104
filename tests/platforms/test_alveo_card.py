"""What comes in at a pin of an Alveo card comes to the part that it is for, and back.

The hard blocks and the pipeline are only their ports here, so that what is between can be driven.
"""

from __future__ import annotations

import pytest
from amaranth import *
from amaranth.lib import wiring

from tickwright.core.regs import WORD_BYTES
from tickwright.pcie.regs import ENDPOINT_BASE, PcieRegs
from tickwright.pcie.types import (
    CQ_FIRST,
    RECORD_WORDS,
    REQUEST_HEADER_WORDS,
    CqDescriptor,
    RequestKind,
)
from tickwright.platforms import alveo_card
from tickwright.platforms.alveo_card import AlveoCard
from tickwright.platforms.alveo_u50 import AlveoU50
from tickwright.platforms.pcie_block import PcieBlock
from tickwright.platforms.port_trio import PortTrio
from tickwright.top.pipeline import Pipeline
from tickwright.top.presets import Preset
from tickwright.twin.handshake import frame_bytes, frame_words

CLOCKS = {"sync": 6.4e-9, "pcie": 4e-9}
SMALL = Preset(
    name="small", symbols=4, orders=64, window=64, pairs=4, fanout=2, hold=64, queue=16, slots=8
)  # fmt: skip
WORD_BITS = 32
TAG = 9
BUS_MASTER = 2  # bit of the function's status
HEAD_WORDS = 2  # of the count that follows the records


class BarePorts(wiring.Component):
    """The ports of the transceivers."""

    def __init__(self):
        super().__init__(PortTrio())

    def elaborate(self, platform):
        return Module()


class BareBlock(PcieBlock):
    """The ports of the PCIe block."""

    def elaborate(self, platform):
        return Module()


class EchoPipeline(Pipeline):
    """Sends what the lines bring, and answers a read with the number of the register."""

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.order_tx.payload.eq(self.feed_rx.payload)
        m.d.comb += self.order_tx.valid.eq(self.feed_rx.valid)
        m.d.sync += self.bus.r_data.eq(Mux(self.bus.r_en, self.bus.addr, 0))
        return m


class Bare:
    """A card, and the parts that the benches drive."""

    def __init__(self, patch: pytest.MonkeyPatch):
        self.ports, self.block, self.pipeline = BarePorts(), BareBlock(), EchoPipeline(SMALL)
        patch.setattr(AlveoU50, "ports", lambda platform: self.ports)
        patch.setattr(alveo_card, "PcieBlock", lambda: self.block)
        patch.setattr(alveo_card, "Pipeline", lambda preset: self.pipeline)
        patch.setattr(AlveoCard, "_clock", lambda card, m, ports, pcie: None)
        self.card = AlveoCard(AlveoU50(), SMALL)


@pytest.fixture
def bare(monkeypatch) -> Bare:
    return Bare(monkeypatch)


async def receive(ctx, port, frame):
    """Show a frame as a MAC does."""
    for word in frame_words(frame):
        data, count, last = word & (1 << 64) - 1, word >> 64 & 0xF, word >> 69
        ctx.set(port.tdata, data)
        ctx.set(port.tkeep, (1 << count) - 1)
        ctx.set(port.tlast, last)
        ctx.set(port.tvalid, 1)
        await ctx.tick()
    ctx.set(port.tvalid, 0)


def test_the_lines_come_to_the_feed_and_orders_leave_at_the_order_port(simulate, bare):
    given = [bytes([line]) * 70 for line in (1, 2, 1)]
    sent, answers = [], []

    async def lines(ctx):
        ctx.set(bare.ports.tx_ready, 1)
        for frame in given:
            await receive(ctx, bare.ports.rx[frame[0]], frame)
        await receive(ctx, bare.ports.rx[0], bytes(60))
        await ctx.tick().repeat(20)

    async def wire(ctx):
        beats = bare.ports.tx
        async for _, _, valid, data, keep in ctx.tick().sample(
            beats.tvalid, beats.tdata, beats.tkeep
        ):
            if valid:
                sent.append(data.to_bytes(8, "little")[: keep.bit_length()])

    async def venue(ctx):
        words = bare.pipeline.order_rx
        async for _, _, valid, word in ctx.tick().sample(words.valid, words.p.as_value()):
            if valid:
                answers.append(word)

    simulate(bare.card, lines, background=[wire, venue], clocks=CLOCKS)
    assert b"".join(sent) == b"".join(given)
    assert frame_bytes(answers) == [bytes(60)]


async def ask(ctx, block, register, kind, words=()):
    """Send a request for one register, by its number."""
    request = CqDescriptor.const({"address": register, "words": 1, "kind": kind, "tag": TAG})
    payload = sum(word << WORD_BITS * at for at, word in enumerate(words))
    ctx.set(block.cq.tdata, request.as_bits() | payload << len(request.as_value()))
    ctx.set(block.cq.tkeep, 0xF | len(words) << 4)
    ctx.set(block.cq.tuser, 1 << CQ_FIRST | 0xF)
    ctx.set(block.cq.tlast, 1)
    ctx.set(block.cq.tvalid, 1)
    await ctx.tick("pcie").until(block.cq.tready)
    ctx.set(block.cq.tvalid, 0)


async def read(ctx, block, register) -> int:
    """Read a register as the host does."""
    await ask(ctx, block, register, RequestKind.READ)
    ctx.set(block.cc.tready, 1)
    *_, data, keep, last = (
        await ctx.tick("pcie")
        .sample(block.cc.tdata, block.cc.tkeep, block.cc.tlast)
        .until(block.cc.tvalid)
    )
    assert data >> 2 * WORD_BITS & 0xFF == TAG
    assert (keep, last) == (0xF, 1)
    return data >> 3 * WORD_BITS


def at(register) -> int:
    """Return the number of one of the endpoint's registers."""
    return (ENDPOINT_BASE + register.offset) // WORD_BYTES


@pytest.mark.parametrize(("register", "found"), [(5, 5), (0x7FF, 0x7FF), (0x805, 0)])
def test_the_host_reads_a_register_across_the_clocks(simulate, bare, register, found):
    """One behind the card's map, yet before that of the endpoint, is 0."""

    async def host(ctx):
        assert await read(ctx, bare.block, register) == found

    simulate(bare.card, host, clocks=CLOCKS)


@pytest.mark.parametrize("master", [0, 1])
def test_a_record_leaves_for_the_host_where_it_lets_the_card_write(simulate, bare, master):
    """One that finds no ring is counted."""
    block, sent = bare.block, []

    async def host(ctx):
        ctx.set(block.cfg_function_status, master << BUS_MASTER)
        ctx.set(block.rq.tready, 1)
        await ask(ctx, block, at(PcieRegs.ring_log2), RequestKind.WRITE, [4])
        await ask(ctx, block, at(PcieRegs.enabled), RequestKind.WRITE, [1])
        assert await read(ctx, block, at(PcieRegs.running)) == master
        ctx.set(bare.pipeline.capacities.valid, 1)
        await ctx.tick()
        ctx.set(bare.pipeline.capacities.valid, 0)
        await ctx.tick().repeat(60)
        assert await read(ctx, block, at(PcieRegs.dropped_off)) == (not master)

    async def memory(ctx):
        rq = block.rq
        async for _, _, valid, keep in ctx.tick("pcie").sample(rq.tvalid, rq.tkeep):
            if valid:
                sent.append(keep.bit_length())

    simulate(bare.card, host, background=[memory], clocks=CLOCKS)
    head, record = (REQUEST_HEADER_WORDS + words for words in (HEAD_WORDS, RECORD_WORDS))
    assert sum(sent) == master * (head + record + head)  # a ring begins with its head


def test_nothing_holds_the_host_up(simulate, bare):
    async def host(ctx):
        assert ctx.get(bare.block.rc.tready)
        assert ctx.get(bare.block.pcie_cq_np_req) == 1

    simulate(bare.card, host, clocks=CLOCKS)
