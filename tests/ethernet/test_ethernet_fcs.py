"""The CRC of the gateware is that of zlib, for as many bytes a cycle as one likes."""

import random
import zlib

import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.ethernet.fcs import CRC_BITS, CRC_INIT, CRC_RESIDUE, crc_equations, next_crc


class Sum(wiring.Component):
    """The equations and nothing else."""

    def __init__(self, count):
        super().__init__({"before": In(32), "data": In(8 * count), "after": Out(32)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.after.eq(next_crc(self.before, self.data))
        m.d.sync += Signal().eq(0)  # the simulator wants a clock
        return m


def solved(crc, data):
    """Work the equations out, one bit after another."""
    bits = crc | int.from_bytes(data, "little") << CRC_BITS
    return sum(
        (sum(bits >> term & 1 for term in terms) & 1) << at
        for at, terms in enumerate(crc_equations(8 * len(data)))
    )


@pytest.mark.parametrize("count", range(1, 9))
def test_the_equations_are_those_of_the_crc(simulate, count):
    rng, dut = random.Random(count), Sum(count)

    async def bench(ctx):
        for _ in range(100):
            seen, data = rng.randbytes(rng.randrange(9)), rng.randbytes(count)
            before, after = (~zlib.crc32(part) & 0xFFFFFFFF for part in (seen, seen + data))
            assert solved(before, data) == after
            ctx.set(dut.before, before)
            ctx.set(dut.data, int.from_bytes(data, "little"))
            await ctx.tick()
            assert ctx.get(dut.after) == after

    simulate(dut, bench)


@pytest.mark.parametrize("size", [0, 1, 60, 1_514])
def test_a_frame_and_its_check_leave_the_residue(size):
    frame = random.Random(size).randbytes(size)
    crc = CRC_INIT
    for byte in frame:
        crc = solved(crc, bytes([byte]))
    assert crc ^ 0xFFFFFFFF == zlib.crc32(frame)
    assert solved(crc, zlib.crc32(frame).to_bytes(4, "little")) == CRC_RESIDUE


def test_a_byte_takes_few_terms():
    """What the clock has to carry: 14 terms are two levels of tables with four inputs."""
    assert max(map(len, crc_equations(8))) == 14
    assert max(map(len, crc_equations(64))) == 52
