"""Writes leave whole, without gaps, with the records in order."""

import random

import pytest

from tickwright.pcie.dma import MemoryWriter
from tickwright.pcie.types import MOST_RECORDS, RECORD_WORDS, WIDTHS

MASK = 0xFFFF_FFFF


async def command(ctx, dut, **fields):
    ctx.set(dut.commands.payload, fields)
    ctx.set(dut.commands.valid, 1)
    await ctx.tick().until(dut.commands.ready)
    ctx.set(dut.commands.valid, 0)


async def supply(ctx, dut, records):
    """Have records wait, one after another."""
    for record in records:
        ctx.set(dut.records.payload, record)
        ctx.set(dut.records.valid, 1)
        await ctx.tick().until(dut.records.ready)
    ctx.set(dut.records.valid, 0)


def header(address, words):
    return [address & MASK, address >> 32, words | 1 << 11, 0]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("pause", [0, 0.5])
def test_every_number_of_records_and_words_leaves_as_one_write(simulate, streams, width, pause):
    dut, rng = MemoryWriter(width), random.Random(width)
    line, found = streams(pause, rng), []
    counts = [*range(MOST_RECORDS + 1), 0, 1, 2, 0]
    records = [[rng.getrandbits(32) for _ in range(RECORD_WORDS)] for _ in range(sum(counts))]
    wanted = []

    async def schedule(ctx):
        left = iter(records)
        for place, count in enumerate(counts):
            address, words = rng.getrandbits(62) << 2, 1 + place % 2
            data = rng.getrandbits(64)
            payload = [word for _ in range(count) for word in next(left)] or [
                data & MASK,
                data >> 32,
            ][:words]
            wanted.append((header(address, len(payload)) + payload, len(payload)))
            await command(ctx, dut, address=address, records=count, words=words, data=data)
        while len(found) < len(counts):
            await ctx.tick()

    async def queue(ctx):
        await supply(ctx, dut, [sum(w << 32 * k for k, w in enumerate(r)) for r in records])

    async def sink(ctx):
        await line.collect(ctx, dut.rq, found)

    simulate(dut, schedule, queue, background=[line.clock, sink])
    assert [one.words for one in found] == [words for words, _ in wanted]
    assert [one.user for one in found] == [0x0F if n == 1 else 0xFF for _, n in wanted]


@pytest.mark.parametrize("width", WIDTHS)
def test_latency_is_1_cycle_and_one_cycle_lies_between_two_writes(simulate, streams, width):
    dut, line, found = MemoryWriter(width), streams(), []
    began = []

    async def schedule(ctx):
        for _ in range(2):
            await command(ctx, dut, address=0, records=4)
            began.append(line.cycle - 1)
        while len(found) < 2:
            await ctx.tick()

    async def queue(ctx):
        await supply(ctx, dut, range(8))

    async def sink(ctx):
        await line.collect(ctx, dut.rq, found)

    simulate(dut, schedule, queue, background=[line.clock, sink])
    beats = -(-(4 + 4 * RECORD_WORDS) // (width // 32))
    assert [one.began - start for one, start in zip(found, began, strict=True)] == [1, 1]
    assert [one.ended - one.began + 1 for one in found] == [beats, beats]
    assert found[1].began - found[0].ended == 2
