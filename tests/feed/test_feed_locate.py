"""The locate map for few symbols and that for many do the same, cycle by cycle."""

import random

import pytest

from tickwright.feed.locate import FewLocates, ManyLocates

SYMBOLS = 8
LOCATES = [0, 1, 2, 15, 16, 0x1000, 0xFFFF]


class Oracle:
    """Symbols by locate."""

    def __init__(self) -> None:
        self.map: dict[int, int] = {}

    def write(self, locate: int, symbol: int, mapped: int) -> None:
        self.map = {old: of for old, of in self.map.items() if locate != old and symbol != of}
        if mapped:
            self.map[locate] = symbol


@pytest.mark.parametrize("form", [FewLocates, ManyLocates])
@pytest.mark.parametrize("seed", range(3))
def test_a_symbol_has_one_locate_and_a_locate_one_symbol(simulate, form, seed):
    """A lookup and a write in every cycle; an answer a cycle later; a write is seen at once."""
    dut, rng, oracle = form(SYMBOLS), random.Random(seed), Oracle()

    async def bench(ctx):
        looked, seen = 0, set()
        for _ in range(1_000):
            locate, symbol = rng.choice(LOCATES), rng.randrange(SYMBOLS)
            asked, w_en = rng.randrange(SYMBOLS), rng.randrange(3) == 0
            owner, holds = oracle.map.get(locate), symbol in oracle.map.values()
            # A locate that is free, for a symbol that is, need not be said to move.
            mapped = rng.randrange(4) > 0
            moves = w_en and (not mapped or owner is not None or holds or rng.randrange(2) == 0)
            wanted = rng.choice([locate, *LOCATES])
            for name, value in (("locate", wanted), ("asked", asked), ("w_en", w_en),
                                ("w_locate", locate), ("w_symbol", symbol), ("w_mapped", mapped),
                                ("w_moves", moves)):  # fmt: skip
                ctx.set(getattr(dut, name), value)
            assert ctx.get(dut.bound) == (asked in oracle.map.values())
            if not moves:
                assert ctx.get(dut.mapped) == (looked in oracle.map)
                if looked in oracle.map:
                    assert ctx.get(dut.symbol) == oracle.map[looked]
                    seen.add((looked, oracle.map[looked]))
            if w_en:
                oracle.write(locate, symbol, mapped)
            looked = wanted
            await ctx.tick()
        assert len(seen) > 40

    simulate(dut, bench)
