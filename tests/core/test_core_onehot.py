"""The place of the one bit that is 1."""

import pytest
from amaranth import Module, Signal

from tickwright.core.onehot import position


@pytest.mark.parametrize("bits", [2, 5, 16])
def test_every_place_is_found(simulate, bits):
    m = Module()
    one_hot, place = Signal(bits), Signal(range(bits))
    m.d.comb += place.eq(position(one_hot))

    async def bench(ctx):
        await ctx.tick()
        for index in range(bits):
            ctx.set(one_hot, 1 << index)
            assert ctx.get(place) == index
        ctx.set(one_hot, 0)
        assert ctx.get(place) == 0

    simulate(m, bench)
