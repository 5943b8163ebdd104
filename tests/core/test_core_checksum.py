"""The checksum of the card is that of zlib, over the same bytes."""

import random
import zlib

import pytest
from amaranth import *

from tickwright.core.checksum import Checksum, bytes_of

EDGES = [b"\x00", b"\xff", b"\x01", b"\x80", bytes(4), b"abcd"]


def bytes_around(seed):
    rng = random.Random(seed)
    return rng.randbytes(rng.randrange(1, 200))


@pytest.mark.parametrize("gap", [1, 3])
@pytest.mark.parametrize("written", [*EDGES, *map(bytes_around, range(8))])
def test_the_sum_is_that_of_zlib_a_cycle_after_each_byte(simulate, written, gap):
    dut, rng = Checksum(), random.Random(len(written))

    async def host(ctx):
        told = b""
        for _ in range(2):  # the second time after a clear
            assert ctx.get(dut.sum) == zlib.crc32(told) == 0
            for byte in written:
                ctx.set(dut.byte, byte)
                ctx.set(dut.valid, 1)
                await ctx.tick()
                ctx.set(dut.valid, 0)
                told += bytes([byte])
                assert ctx.get(dut.sum) == zlib.crc32(told)
                for _ in range(rng.randrange(gap)):
                    await ctx.tick()
                assert ctx.get(dut.sum) == zlib.crc32(told)
            told = b""
            ctx.set(dut.clear, 1)
            ctx.set(dut.valid, 1)  # in the cycle of a clear a byte is ignored
            await ctx.tick()
            ctx.set(dut.clear, 0)
            ctx.set(dut.valid, 0)

    simulate(dut, host)


@pytest.mark.parametrize(("width", "bytes_cut"), [(8, [0x78]), (32, [0x78, 0x56, 0x34, 0x12])])
def test_a_value_is_cut_from_its_lowest_byte_on(simulate, width, bytes_cut):
    dut, value = Module(), Signal(width)
    dut.d.sync += value.eq(value)

    async def script(ctx):
        ctx.set(value, 0x12345678 % (1 << width))
        assert [ctx.get(byte) for byte in bytes_of(value)] == bytes_cut
        await ctx.tick()

    simulate(dut, script)
