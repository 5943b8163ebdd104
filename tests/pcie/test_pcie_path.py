"""Records are written to their ring, and those that the bus cannot take are dropped and counted."""

import pytest

from tickwright.pcie.path import QUEUE_RECORDS, RecordPath

BASE, HEAD = 0x10_0000, 0x20_0000
DEPTH = 16


async def run(ctx, dut, log2):
    """Start the ring."""
    ctx.set(dut.ring_base, BASE)
    ctx.set(dut.head_base, HEAD)
    ctx.set(dut.ring_log2, log2)
    ctx.set(dut.bus_master, 1)
    ctx.set(dut.enabled, 1)
    await ctx.tick().until(dut.running)


async def send(ctx, dut, records):
    for record in records:
        ctx.set(dut.records.payload, record)
        ctx.set(dut.records.valid, 1)
        await ctx.tick()
    ctx.set(dut.records.valid, 0)


async def rest(ctx, dut):
    """Wait until nothing waits and nothing is written."""
    quiet = 0
    while quiet < 8:
        await ctx.tick()
        quiet = 0 if ctx.get(dut.busy) else quiet + 1


def records_of(writes):
    """Return the first words of the records written, with their addresses."""
    return [
        (one.words[0] + 64 * k, one.words[4 + 16 * k])
        for one in writes
        if one.words[0] < HEAD
        for k in range((len(one.words) - 4) // 16)
    ]


@pytest.mark.parametrize("extra", [0, 1, 40])
def test_what_the_queue_cannot_hold_is_dropped_and_counted(simulate, streams, extra):
    dut, line, writes = RecordPath(64, depth=DEPTH), streams(), []
    open_bus = []

    async def sink(ctx):
        while not open_bus:
            await ctx.tick()
        await line.collect(ctx, dut.rq, writes)

    async def bench(ctx):
        await run(ctx, dut, log2=8)
        await ctx.tick().repeat(10)  # the first head waits for the bus from now on
        await send(ctx, dut, range(DEPTH + extra))
        await ctx.tick()
        assert ctx.get(dut.dropped_queue) == extra
        assert ctx.get(dut.head) == 0
        open_bus.append(True)
        await rest(ctx, dut)
        assert ctx.get(dut.head) == DEPTH
        assert ctx.get(dut.dropped_full) == ctx.get(dut.dropped_off) == 0
        await send(ctx, dut, [1000])
        await rest(ctx, dut)

    simulate(dut, bench, background=[line.clock, sink])
    numbers = [*range(DEPTH), 1000]
    assert records_of(writes) == [(BASE + 64 * k, number) for k, number in enumerate(numbers)]
    assert [one.words[4] for one in writes if one.words[0] == HEAD][-1] == DEPTH + 1


def test_a_full_ring_drops_and_what_was_read_makes_room(simulate, streams):
    dut, line, writes = RecordPath(256), streams(), []
    slots = 16

    async def sink(ctx):
        await line.collect(ctx, dut.rq, writes)

    async def bench(ctx):
        await run(ctx, dut, log2=4)
        await send(ctx, dut, range(slots + 3))
        await rest(ctx, dut)
        assert (ctx.get(dut.head), ctx.get(dut.dropped_full)) == (slots, 3)
        ctx.set(dut.tail, 2)
        await ctx.tick().repeat(4)
        await send(ctx, dut, range(100, 103))
        await rest(ctx, dut)
        assert (ctx.get(dut.head), ctx.get(dut.dropped_full)) == (slots + 2, 4)
        assert ctx.get(dut.dropped_queue) == ctx.get(dut.dropped_off) == 0

    simulate(dut, bench, background=[line.clock, sink])
    numbers = [*range(slots), 100, 101]
    assert records_of(writes) == [
        (BASE + 64 * (k % slots), number) for k, number in enumerate(numbers)
    ]
    assert QUEUE_RECORDS >= 512  # what a stall of the bus of some microseconds needs


def test_without_a_ring_records_are_dropped_and_counted(simulate, streams):
    dut, line, writes = RecordPath(64, depth=DEPTH), streams(), []

    async def sink(ctx):
        await line.collect(ctx, dut.rq, writes)

    async def bench(ctx):
        await send(ctx, dut, range(5))
        await rest(ctx, dut)
        assert ctx.get(dut.dropped_off) == 5
        await run(ctx, dut, log2=4)
        await rest(ctx, dut)
        ctx.set(dut.bus_master, 0)
        await ctx.tick().repeat(2)
        assert (ctx.get(dut.running), ctx.get(dut.stopped)) == (0, 1)
        await send(ctx, dut, range(3))
        await rest(ctx, dut)
        assert ctx.get(dut.dropped_off) == 8

    simulate(dut, bench, background=[line.clock, sink])
    assert records_of(writes) == []
