"""The receiver shows the bytes of the line, and says which of them cannot be read."""

import random

import pytest
from oracle.serial_line import say, say_bits

from tickwright.uart.receiver import SYNC_CYCLES, UartReceiver

IDLE_BITS = 20


async def watch(ctx, dut, told):
    """Note what comes, each with its cycle."""
    async for _, _, byte, valid, broken in ctx.tick().sample(dut.byte, dut.valid, dut.broken):
        if valid or broken:
            told.append(byte if valid else "broken")


@pytest.mark.parametrize("cycles_per_bit", [4, 5, 16, 25])
@pytest.mark.parametrize("skew", [-0.04, 0.0, 0.04])
def test_bytes_come_as_they_were_sent(simulate, cycles_per_bit, skew):
    if skew and cycles_per_bit < 16:
        skew /= 4
    dut, told = UartReceiver(cycles_per_bit=cycles_per_bit, idle_bits=IDLE_BITS), []
    sent = bytes([0, 255, 0x55, 0xAA, 1, 128, *random.Random(1).randbytes(20)])

    async def host(ctx):
        await say(ctx, dut.line, sent, cycles_per_bit * (1 + skew))
        await ctx.tick().repeat(3 * cycles_per_bit)
        assert bytes(told) == sent

    simulate(dut, host, background=[lambda ctx: watch(ctx, dut, told)])


@pytest.mark.parametrize("cycles_per_bit", [4, 5, 16])
def test_a_byte_takes_nine_bits_and_a_half(simulate, cycles_per_bit):
    dut = UartReceiver(cycles_per_bit=cycles_per_bit, idle_bits=IDLE_BITS)

    async def host(ctx):
        await ctx.tick().repeat(7)
        await say(ctx, dut.line, b"\x5a", cycles_per_bit)

    async def clock(ctx):
        while ctx.get(dut.line):
            await ctx.tick()
        latency = 0
        while not ctx.get(dut.valid):
            await ctx.tick()
            latency += 1
        assert latency == SYNC_CYCLES + cycles_per_bit // 2 + 9 * cycles_per_bit + 1
        assert ctx.get(dut.byte) == 0x5A

    simulate(dut, host, clock)


def test_a_byte_without_a_stop_bit_is_broken_and_the_next_begins_when_the_line_was_up(simulate):
    dut, told = UartReceiver(cycles_per_bit=8, idle_bits=IDLE_BITS), []

    async def host(ctx):
        await say_bits(ctx, dut.line, [0] * 30 + [1], 8)
        await say(ctx, dut.line, b"\x00\x81", 8)
        await ctx.tick().repeat(20)
        assert told == ["broken", 0x00, 0x81]

    simulate(dut, host, background=[lambda ctx: watch(ctx, dut, told)])


@pytest.mark.parametrize(("cycles", "expected"), [(1, []), (3, []), (5, [0xFF])])
def test_a_start_bit_that_is_over_by_its_middle_is_nothing(simulate, cycles, expected):
    dut, told = UartReceiver(cycles_per_bit=8, idle_bits=IDLE_BITS), []

    async def host(ctx):
        await say_bits(ctx, dut.line, [0, 1], cycles)
        await ctx.tick().repeat(120)
        assert told == expected

    simulate(dut, host, background=[lambda ctx: watch(ctx, dut, told)])


@pytest.mark.parametrize("byte", [b"\x00", b"\xff"])
def test_the_line_is_idle_after_so_many_bits(simulate, byte):
    dut, cycles_per_bit = UartReceiver(cycles_per_bit=4, idle_bits=IDLE_BITS), 4

    async def host(ctx):
        await ctx.tick().repeat(IDLE_BITS * cycles_per_bit)
        assert ctx.get(dut.idle)
        await say(ctx, dut.line, byte, cycles_per_bit)
        waited = 0
        while not ctx.get(dut.valid):
            await ctx.tick()
        while not ctx.get(dut.idle):
            waited += 1
            await ctx.tick()
        assert waited == IDLE_BITS * cycles_per_bit

    simulate(dut, host)
