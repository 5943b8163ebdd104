"""The names of few symbols and those of many are found alike."""

import random

import pytest

from tickwright.feed.names import FewNames, ManyNames, name_row

SYMBOLS = 8


def one_row(count: int) -> list[int]:
    """Return names that lie in row 0 of the table for many; the first is 0."""
    rng, found = random.Random(1), [0]
    while len(found) < count:
        name = rng.getrandbits(64)
        found.append(name ^ name_row(name, 9))
    return found


@pytest.mark.parametrize("form", [FewNames, ManyNames])
@pytest.mark.parametrize("seed", range(4))
def test_a_symbol_bears_one_name_and_a_name_is_of_one_symbol(simulate, form, seed):
    """Lookups are answered a cycle later; a write is wholly done for those 2 cycles after it."""
    dut, rng = form(SYMBOLS), random.Random(seed)
    names = [*one_row(4), *(1 << bit for bit in range(0, 64, 13))]
    oracle: dict[int, int] = {}

    async def look(ctx, name):
        ctx.set(dut.name, name)
        await ctx.tick()
        assert ctx.get(dut.named) == (name in oracle)
        if name in oracle:
            assert ctx.get(dut.symbol) == oracle[name]

    async def bench(ctx):
        nonlocal oracle
        while not ctx.get(dut.cleared):
            await ctx.tick()
        for name in names:
            await look(ctx, name)
        for _ in range(300):
            name, symbol = rng.choice(names), rng.randrange(SYMBOLS)
            await look(ctx, name)
            ctx.set(dut.w_en, 1)
            ctx.set(dut.w_name, name)
            ctx.set(dut.w_symbol, symbol)
            assert ctx.get(dut.w_full) == 0
            await ctx.tick()
            ctx.set(dut.w_en, 0)
            oracle = {old: of for old, of in oracle.items() if of != symbol} | {name: symbol}
            await ctx.tick()
            for other in rng.sample(names, rng.randrange(len(names))):
                await look(ctx, other)

    simulate(dut, bench)
