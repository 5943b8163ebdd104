"""The checksum of the card is that of zlib, over the same bytes."""

import random
import struct
import zlib

import pytest

from tickwright.core.checksum import Checksum

EDGES = [[0], [0xFFFFFFFF], [1], [0x80000000], [0, 0, 0, 0], [0x64636261]]


def words_of(seed):
    rng = random.Random(seed)
    return [rng.getrandbits(32) for _ in range(rng.randrange(1, 50))]


@pytest.mark.parametrize("words", [*EDGES, *map(words_of, range(8))])
def test_the_sum_is_that_of_zlib_a_cycle_after_each_word(simulate, words):
    dut, rng = Checksum(), random.Random(len(words))

    async def host(ctx):
        told = b""
        for _ in range(2):  # the second time after a clear
            assert ctx.get(dut.sum) == zlib.crc32(told) == 0
            for word in words:
                ctx.set(dut.word, word)
                ctx.set(dut.valid, 1)
                await ctx.tick()
                ctx.set(dut.valid, 0)
                told += struct.pack("<I", word)
                assert ctx.get(dut.sum) == zlib.crc32(told)
                await ctx.tick().repeat(rng.randrange(1, 3))
                assert ctx.get(dut.sum) == zlib.crc32(told)
            told = b""
            ctx.set(dut.clear, 1)
            ctx.set(dut.valid, 1)  # in the cycle of a clear a word is ignored
            await ctx.tick()
            ctx.set(dut.clear, 0)
            ctx.set(dut.valid, 0)

    simulate(dut, host)
