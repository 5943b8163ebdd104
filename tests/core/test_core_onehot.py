"""What one bit of many means: its place, a choice, and the step to the next."""

import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.onehot import choose, position, step

PARTS = [0x5A, 0x01, 0xFF, 0x80, 0x00]


class Chooser(wiring.Component):
    """Shows the part that is chosen; keeps the choice that follows."""

    which: In(len(PARTS))
    last: In(1)
    part: Out(8)
    following: Out(len(PARTS))

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.part.eq(choose(self.which, [C(part, 8) for part in PARTS]))
        m.d.sync += self.following.eq(step(self.which, self.last))
        return m


@pytest.mark.parametrize("last", [0, 1])
def test_each_bit_chooses_its_part_and_is_followed_by_the_next(simulate, last):
    dut = Chooser()

    async def script(ctx):
        ctx.set(dut.last, last)
        for index, part in enumerate(PARTS):
            ctx.set(dut.which, 1 << index)
            assert ctx.get(dut.part) == part
            await ctx.tick()
            following = 1 if last else 1 << index + 1
            assert ctx.get(dut.following) == following % (1 << len(PARTS))
        ctx.set(dut.which, 0)
        assert ctx.get(dut.part) == 0

    simulate(dut, script)


def test_there_is_a_part_for_each_bit():
    with pytest.raises(ValueError, match="shorter"):
        choose(C(1, len(PARTS)), [C(0, 8)])


@pytest.mark.parametrize("bits", [2, 5, 16])
def test_every_place_is_found(simulate, bits):
    m = Module()
    one_hot, place = Signal(bits), Signal(range(bits))
    m.d.sync += place.eq(position(one_hot))

    async def bench(ctx):
        for index in range(bits):
            ctx.set(one_hot, 1 << index)
            await ctx.tick()
            assert ctx.get(place) == index
        ctx.set(one_hot, 0)
        await ctx.tick()
        assert ctx.get(place) == 0

    simulate(m, bench)
