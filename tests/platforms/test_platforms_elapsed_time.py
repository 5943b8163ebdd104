"""Card time is exact: after any number of cycles it is the whole nanoseconds that have passed."""

from fractions import Fraction

import pytest

from tickwright.platforms.elapsed_time import ElapsedTime


@pytest.mark.parametrize("mhz", [80, 100, Fraction(625, 4), 322, 125])
def test_time_is_what_has_passed(simulate, mhz):
    period_ns = Fraction(1000) / mhz
    dut = ElapsedTime(period_ns)

    async def clock(ctx):
        for cycle in range(1_000):
            assert ctx.get(dut.now_ns) == int(cycle * period_ns)
            await ctx.tick()

    simulate(dut, clock)
