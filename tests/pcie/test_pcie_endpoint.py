"""The endpoint answers within the cycles it promises, and sends records within those."""

import pytest

from tickwright.pcie.regs import ENDPOINT_BASE, MSIX_TABLE_BASE, PcieRegs, fingerprint
from tickwright.pcie.stage import PcieEndpoint
from tickwright.pcie.types import WIDTHS

READ_CYCLES = {64: 16, 128: 19, 256: 19}
RECORD_CYCLES = 4
ALL_BYTES = 0x0F


def address_of(name, word=0):
    return ENDPOINT_BASE + getattr(PcieRegs, name).offset + 4 * word


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

    async def run(self, ctx, **values):
        """Start the ring."""
        ctx.set(self.dut.cfg_function_status, 0b100)
        for name, value in ({"ring_base": 0x10000, "ring_log2": 4} | values).items():
            for word in range(getattr(PcieRegs, name).words):
                await self.write(ctx, address_of(name, word), value >> 32 * word & 0xFFFFFFFF)
        await self.write(ctx, address_of("enabled"), 1)
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
        for address in (ENDPOINT_BASE, MSIX_TABLE_BASE, 0xFFFC):
            await host.write(ctx, address, 1)
            await host.read(ctx, address)
        assert await host.read(ctx, 0xFFFC) == 0
        assert await host.read(ctx, ENDPOINT_BASE + 0x400) == 0

    simulate(dut, bench, background=[*host.background, card])
    assert seen == [(1, 0), (1, ENDPOINT_BASE // 4 - 1)]


def test_a_flood_beyond_the_queue_is_dropped_and_counted(simulate, streams, packet):
    dut = PcieEndpoint(64)
    host = Host(dut, streams, packet)
    flood = 200

    async def bench(ctx):
        await host.run(ctx, head_base=0x20000, ring_log2=8)
        ctx.set(dut.records.valid, 1)
        await ctx.tick().repeat(flood)
        ctx.set(dut.records.valid, 0)
        await ctx.tick().repeat(flood * 12)
        head = await host.read(ctx, address_of("head"))
        assert 0 < head < flood
        assert await host.read(ctx, address_of("dropped_queue")) == flood - head

    simulate(dut, bench, background=host.background)


def test_completions_that_nobody_asked_for_are_counted(simulate, streams, packet):
    dut = PcieEndpoint(128)
    host = Host(dut, streams, packet)

    async def bench(ctx):
        await host.line.send(ctx, dut.rc, [packet([0, 0, 0]), packet([0] * 9)])
        assert await host.read(ctx, address_of("unexpected")) == 2

    simulate(dut, bench, background=host.background)
