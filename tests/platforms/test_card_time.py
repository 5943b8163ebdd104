"""Card time is the number of cycles times their period, rounded down."""

from tickwright.platforms.card_time import PERIOD_PS, CardTime


def test_time_is_told_of_each_cycle(simulate):
    dut = CardTime()

    async def clock(ctx):
        for cycle in range(40):
            assert ctx.get(dut.now_ns) == cycle * PERIOD_PS // 1000
            await ctx.tick()

    simulate(dut, clock)
