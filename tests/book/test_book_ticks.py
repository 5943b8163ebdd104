"""A price is divided by its tick size exactly, over all 32 bits."""

import random

import pytest

from tickwright.book.ticks import TickDivider

HIGHEST_TICK = (1 << 25) - 1
HIGHEST_PRICE = (1 << 32) - 1


def edges():
    """Prices at which a reciprocal that is a little off goes wrong: beside multiples of 100."""
    rng = random.Random(5)
    centres = [0, 100, 1 << 16, 100 << 16, HIGHEST_TICK * 100, (1 << 31) // 100 * 100]
    centres += [HIGHEST_PRICE // 100 * 100, HIGHEST_TICK]
    centres += [rng.randrange(HIGHEST_PRICE // 100) * 100 for _ in range(150)]
    centres += [rng.randrange(HIGHEST_TICK) * 100 for _ in range(150)]
    found = {centre + offset for centre in centres for offset in (-1, 0, 1, 4, 25, 50, 99)}
    return sorted(price for price in found | {HIGHEST_PRICE} if 0 <= price <= HIGHEST_PRICE)


@pytest.mark.parametrize("cents", [0, 1])
def test_divides_a_price_each_cycle_and_gives_the_tick_two_later(simulate, cents):
    dut = TickDivider()
    prices = edges()
    size = 100 if cents else 1

    async def bench(ctx):
        ctx.set(dut.cent_tick, cents)
        for cycle in range(len(prices) + 2):
            if cycle < len(prices):
                ctx.set(dut.price, prices[cycle])
            if cycle >= 2:
                price = prices[cycle - 2]
                found = ctx.get(dut.tick), ctx.get(dut.on_grid)
                assert found == (min(price // size, HIGHEST_TICK), price % size == 0), price
            await ctx.tick()

    simulate(dut, bench)


def test_the_tick_size_belongs_to_the_second_cycle(simulate):
    dut = TickDivider()

    async def bench(ctx):
        ctx.set(dut.price, 1_250)
        await ctx.tick()
        ctx.set(dut.price, 0)
        ctx.set(dut.cent_tick, 1)
        await ctx.tick()
        ctx.set(dut.cent_tick, 0)
        assert (ctx.get(dut.tick), ctx.get(dut.on_grid)) == (12, 0)

    simulate(dut, bench)
