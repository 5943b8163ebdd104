"""What is measured by itself is measured whole: each input reaches it, each output leaves it."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.timing.harness import COUNTER_BITS, Harness

BITS = [1, 0, 1, 1, 0, 0, 0, 1]


class Rotation(wiring.Component):
    """Turns eight bits by three places, in a cycle."""

    before: In(8)
    after: Out(8)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.after.eq(self.before.rotate_left(3))
        return m


def test_every_input_is_reached_through_a_register(simulate):
    dut = Harness(Rotation())

    async def pins(ctx):
        for bit in BITS:  # the first ends up highest
            ctx.set(dut.serial_in, bit)
            await ctx.tick()
        await ctx.tick()
        assert ctx.get(dut.dut.before) == 0b1011_0001

    simulate(dut, pins)


def test_every_output_is_told_once_a_round(simulate):
    dut = Harness(Rotation())

    async def pins(ctx):
        ctx.set(dut.serial_in, 1)
        await ctx.tick().repeat(1 << COUNTER_BITS)  # until a round begins, and all bits are in
        told = []
        for _ in range(1 << COUNTER_BITS):
            *_, bit = await ctx.tick().sample(dut.serial_out)
            told.append(bit)
        assert sum(told) == len(BITS)

    simulate(dut, pins)
