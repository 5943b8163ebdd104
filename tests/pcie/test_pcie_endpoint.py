"""The endpoint answers within the cycles it promises, and sends records within those."""

import pytest

from tickwright.pcie.messages import FrameSlice
from tickwright.pcie.regs import (
    ENDPOINT_BASE,
    FRAMES_BASE,
    MSIX_TABLE_BASE,
    OUTBOX_BASE,
    FrameRegs,
    PcieRegs,
    fingerprint,
)
from tickwright.pcie.stage import PcieEndpoint
from tickwright.pcie.types import WIDTHS

READ_CYCLES = {64: 16, 128: 19, 256: 19}
RECORD_CYCLES = 4
SLICE_CYCLES = 1
ALL_BYTES = 0x0F


def address_of(name, word=0):
    return ENDPOINT_BASE + getattr(PcieRegs, name).offset + 4 * word


def frames_at(name, word=0):
    return FRAMES_BASE + getattr(FrameRegs, name).offset + 4 * word


def header(address, words, kind):
    return [address, 0, words | kind << 11, 0]


@pytest.fixture(params=WIDTHS)
def width(request):
    return request.param


class Host:
    """Reads and writes registers of the endpoint, one at a time."""

    def __init__(self, dut, streams, packet):
        self.dut, self.packet = dut, packet
        self.line, self.answers, self.writes = streams(), [], []

    @property
    def background(self):
        async def answers(ctx):
            await self.line.collect(ctx, self.dut.cc, self.answers)

        async def writes(ctx):
            await self.line.collect(ctx, self.dut.rq, self.writes)

        return [self.line.clock, answers, writes]

    async def read(self, ctx, address):
        self.asked = self.packet(header(address, 1, 0), user=ALL_BYTES)
        before = len(self.answers)
        await self.line.send(ctx, self.dut.cq, [self.asked])
        while len(self.answers) == before:
            await ctx.tick()
        return self.answers[-1].words[3]

    async def write(self, ctx, address, value):
        request = self.packet([*header(address, 1, 1), value], user=ALL_BYTES)
        await self.line.send(ctx, self.dut.cq, [request])

    async def run(self, ctx, at=address_of, **values):
        """Start a ring."""
        ctx.set(self.dut.cfg_function_status, 0b100)
        for name, value in ({"ring_base": 0x10000, "ring_log2": 4} | values).items():
            for word in range(getattr(PcieRegs, name).words):
                await self.write(ctx, at(name, word), value >> 32 * word & 0xFFFFFFFF)
        await self.write(ctx, at("enabled"), 1)
        while not self.writes:
            await ctx.tick()


def test_a_register_is_read_in_constant_time(simulate, streams, packet, width):
    dut = PcieEndpoint(width)
    host = Host(dut, streams, packet)

    async def bench(ctx):
        for _ in range(3):
            assert await host.read(ctx, address_of("map_hash")) == fingerprint()
            assert host.answers[-1].began - host.asked.ended == READ_CYCLES[width]

    simulate(dut, bench, background=host.background)


def test_a_record_leaves_in_constant_time(simulate, streams, packet, width):
    dut = PcieEndpoint(width)
    host = Host(dut, streams, packet)

    async def bench(ctx):
        await host.run(ctx, head_base=0x20000)
        for number in range(3):
            await ctx.tick().repeat(100)
            before = len(host.writes)
            ctx.set(dut.records.payload, number)
            ctx.set(dut.records.valid, 1)
            start = host.line.cycle
            await ctx.tick()
            ctx.set(dut.records.valid, 0)
            while len(host.writes) < before + 2:
                await ctx.tick()
            record, head = host.writes[before:]
            assert record.began - start == RECORD_CYCLES
            assert record.words[:2] == [0x10000 + 64 * number, 0]
            assert record.words[4] == number
            assert (head.words[0], head.words[4]) == (0x20000, number + 1)

    simulate(dut, bench, background=host.background)


def test_a_frame_of_the_host_leaves_and_one_that_comes_is_written_in_constant_time(
    simulate, streams, packet, width
):
    dut = PcieEndpoint(width)
    host = Host(dut, streams, packet)
    sent = []

    async def wire(ctx):
        async for *_, valid, ready, word in ctx.tick().sample(
            dut.outbox.valid, dut.outbox.ready, dut.outbox.payload
        ):
            if valid and ready:
                sent.append((word.data, word.bytes, word.first, word.last))

    async def bench(ctx):
        ctx.set(dut.outbox.ready, 1)
        for place, value in enumerate([9, 0, 0x44332211, 0x88776655, 0x99, 0]):
            await host.write(ctx, OUTBOX_BASE + 4 * place, value)
        await host.write(ctx, frames_at("outbox_written"), 3)
        assert await host.read(ctx, frames_at("outbox_taken")) == 3
        assert [word[1:] for word in sent] == [(8, 1, 0), (1, 0, 1)]
        assert [sent[0][0], sent[1][0]] == [0x8877665544332211, 0x99]

        await host.run(ctx, at=frames_at, head_base=0x20000)
        for number in range(2):
            await ctx.tick().repeat(100)
            before = len(host.writes)
            word = {"data": 0xAB, "bytes": 1, "first": 1, "last": 1}
            ctx.set(dut.frames.payload, word)
            ctx.set(dut.frames.valid, 1)
            start = host.line.cycle
            await ctx.tick()
            ctx.set(dut.frames.valid, 0)
            while len(host.writes) < before + 2:
                await ctx.tick()
            written, head = host.writes[before:]
            assert written.began - start == RECORD_CYCLES + SLICE_CYCLES
            assert written.words[:2] == [0x10000 + 64 * number, 0]
            part = b"".join(one.to_bytes(4, "little") for one in written.words[4:])
            part = FrameSlice.unpack(part)
            assert (part.number, part.first, part.last, part.bytes) == (number, 1, 1, 1)
            assert part.data[0] == 0xAB
            assert (head.words[0], head.words[4]) == (0x20000, number + 1)

    simulate(dut, bench, background=[*host.background, wire])


def test_the_card_has_the_lower_half_and_nothing_of_the_endpoint(simulate, streams, packet):
    dut = PcieEndpoint(64)
    host = Host(dut, streams, packet)
    seen = []

    async def card(ctx):
        async for *_, w_en, r_en, addr in ctx.tick().sample(
            dut.bus.w_en, dut.bus.r_en, dut.bus.addr
        ):
            if w_en or r_en:
                seen.append((w_en, addr))

    async def bench(ctx):
        await host.write(ctx, 0x0000, 1)
        await host.write(ctx, ENDPOINT_BASE - 4, 1)
        for address in (ENDPOINT_BASE, MSIX_TABLE_BASE, OUTBOX_BASE, 0xFFFC):
            await host.write(ctx, address, 1)
            await host.read(ctx, address)
        assert await host.read(ctx, 0xFFFC) == 0
        assert await host.read(ctx, ENDPOINT_BASE + 0x400) == 0

    simulate(dut, bench, background=[*host.background, card])
    assert seen == [(1, 0), (1, ENDPOINT_BASE // 4 - 1)]


def test_completions_that_nobody_asked_for_are_counted(simulate, streams, packet):
    dut = PcieEndpoint(128)
    host = Host(dut, streams, packet)

    async def bench(ctx):
        await host.line.send(ctx, dut.rc, [packet([0, 0, 0]), packet([0] * 9)])
        assert await host.read(ctx, address_of("unexpected")) == 2

    simulate(dut, bench, background=host.background)
