"""The transmitter puts bytes on the line, bit by bit."""

import random

import pytest

from tickwright.uart.transmitter import FRAME_BITS, UartTransmitter


@pytest.mark.parametrize("cycles_per_bit", [1, 2, 7])
@pytest.mark.parametrize("pause", [0, 1, 30])
def test_each_byte_has_a_start_and_a_stop_bit(simulate, cycles_per_bit, pause):
    dut, sent = UartTransmitter(cycles_per_bit=cycles_per_bit), random.Random(2).randbytes(6)
    seen = []

    async def card(ctx):
        for byte in sent:
            ctx.set(dut.bytes.payload, byte)
            ctx.set(dut.bytes.valid, 1)
            await ctx.tick().until(dut.bytes.ready)
            ctx.set(dut.bytes.valid, 0)
            await ctx.tick().repeat(FRAME_BITS * cycles_per_bit + pause - 1)
        await ctx.tick().repeat(2)
        assert seen[0] == 1  # in the cycle in which the first byte is taken

        for at, byte in enumerate(sent):
            begin = 1 + at * (FRAME_BITS * cycles_per_bit + pause)
            bits = [0, *(byte >> bit & 1 for bit in range(8)), 1]
            expected = [bit for bit in bits for _ in range(cycles_per_bit)] + [1] * pause
            assert seen[begin : begin + len(expected)] == expected

    async def host(ctx):
        async for _, _, line in ctx.tick().sample(dut.line):
            seen.append(line)

    simulate(dut, card, background=[host])


def test_bytes_that_wait_leave_without_a_pause(simulate):
    dut = UartTransmitter(cycles_per_bit=3)

    async def card(ctx):
        ctx.set(dut.bytes.valid, 1)
        await ctx.tick().until(dut.bytes.ready)
        for _ in range(5):
            waited = 1
            while not ctx.get(dut.bytes.ready):
                await ctx.tick()
                waited += 1
            assert waited == FRAME_BITS * 3
            await ctx.tick()

    simulate(dut, card)
