"""A level is right however close effects on it come, and so is what the best level shows."""

from collections import Counter
from itertools import accumulate, product

import pytest

from tickwright.book.levels import LevelStore
from tickwright.book.operations import Place
from tickwright.feed.types import Reason, Side
from tickwright.top.presets import Preset

SIZES = {"symbols": 2, "window": 4, "orders": 64}
SMALL = Preset(name="small", pairs=4, fanout=2, hold=16, queue=8, slots=8, **SIZES)
WALK_BITS = 4  # level, side and symbol
CHANGE, ASK, SHARES = 2, 4, 5  # cycles from an effect to what it changed, and to the best level
GAPS = [*product((2, 3), repeat=5), (4, 4, 4, 4, 4)]
FIRST_ROW = 6

ADDITION = {"joins": 1, "shrinks": 0, "leaves": 0}
REDUCTION = {"joins": 0, "shrinks": 1, "leaves": 0}
REMOVAL = {"joins": 0, "shrinks": 1, "leaves": 1}
NOTHING = {"joins": 0, "shrinks": 0, "leaves": 0}


def at(row):
    """Give the fields of an effect that say which row it concerns."""
    return {"tick": row & 3, "side": Side(row >> 2 & 1), "operation": {"symbol": row >> 3}}


def expected(steps, asked):
    """Give appeared, vanished and the shares asked for, after each step."""
    counts, shares = Counter(), Counter()
    for (what, row, amount), wanted in zip(steps, asked, strict=True):
        before = counts[row]
        counts[row] += what["joins"] - what["leaves"]
        if what["joins"] or what["shrinks"]:
            shares[row] += amount if what["joins"] else -amount
        appeared, vanished = what["joins"] and not before, what["leaves"] and not counts[row]
        yield int(appeared), int(vanished), shares[wanted] % (1 << 32)


async def clear(ctx, dut):
    ctx.set(dut.walk.active, 1)
    for row in range(1 << WALK_BITS):
        ctx.set(dut.walk.row, row)
        await ctx.tick()
    ctx.set(dut.walk.active, 0)
    await ctx.tick().repeat(2)


async def play(ctx, dut, steps, asked, gaps):
    """Let each step take effect, ``gaps`` apart; give what is seen of it."""
    times = list(accumulate(gaps, initial=0))
    flags, shares = [], []
    for cycle in range(times[-1] + SHARES + 1):
        ctx.set(dut.effects.valid, cycle in times)
        if cycle in times:
            what, row, amount = steps[times.index(cycle)]
            ctx.set(dut.effects.payload, {**at(row), **what, "shares": amount})
        assert ctx.get(dut.changes.valid) == (cycle - CHANGE in times)
        if ctx.get(dut.changes.valid):
            flags.append((ctx.get(dut.changes.p.appeared), ctx.get(dut.changes.p.vanished)))
        if cycle - ASK in times:
            ctx.set(dut.best_row, asked[times.index(cycle - ASK)])
        if cycle - SHARES in times:
            shares.append(ctx.get(dut.best_shares))
        await ctx.tick()
    return [(*pair, total) for pair, total in zip(flags, shares, strict=True)]


UP_AND_DOWN = [
    (ADDITION, 100),
    (ADDITION, 7),
    (REDUCTION, 30),
    (REMOVAL, 70),
    (REMOVAL, 7),
    (ADDITION, 5),
]
INTERRUPTED = [
    (ADDITION, 100),
    (NOTHING, 9),
    (ADDITION, 4),
    (NOTHING, 3),
    (REDUCTION, 2),
    (REMOVAL, 2),
]
ALTERNATING = [
    (ADDITION, 100),
    (ADDITION, 60),
    (REMOVAL, 100),
    (REMOVAL, 60),
    (ADDITION, 40),
    (ADDITION, 50),
]


@pytest.mark.parametrize(
    ("kinds", "turns"),
    [
        pytest.param(UP_AND_DOWN, (0, 0, 0, 0, 0, 0), id="one-row"),
        pytest.param(INTERRUPTED, (0, 0, 0, 0, 0, 0), id="one-row-untouched-in-between"),
        pytest.param(ALTERNATING, (0, 1, 0, 1, 0, 1), id="two-levels"),
        pytest.param(ALTERNATING, (0, 4, 0, 4, 0, 4), id="two-sides"),
        pytest.param(ALTERNATING, (0, 8, 0, 8, 0, 8), id="two-symbols"),
        pytest.param(ALTERNATING, (0, 2, 0, 2, 2, 2), id="two-levels-then-one"),
    ],
)
@pytest.mark.parametrize("ahead", [0, 1, 2], ids=["own", "of-the-next", "of-the-one-after"])
def test_effects_close_together_count_as_if_far_apart(simulate, kinds, turns, ahead):
    """The best level is that of the effect itself, or of one that comes soon and is not seen."""
    dut = LevelStore(SMALL, WALK_BITS)
    rows = [FIRST_ROW ^ turn for turn in turns]
    steps = [(what, row, amount) for (what, amount), row in zip(kinds, rows, strict=True)]
    asked = [*rows[ahead:], *rows[:ahead]]

    async def bench(ctx):
        for gaps in GAPS:
            await clear(ctx, dut)
            seen = await play(ctx, dut, steps, asked, gaps)
            assert seen == list(expected(steps, asked)), gaps

    simulate(dut, bench, deadline=len(GAPS) * 60)


@pytest.mark.parametrize("gap", [2, 3, 4])
def test_shares_beyond_32_bits_cost_trust_however_close(simulate, gap):
    dut = LevelStore(SMALL, WALK_BITS)

    async def bench(ctx):
        await clear(ctx, dut)
        found = []
        for cycle in range(3 * gap + CHANGE):
            ctx.set(dut.effects.valid, cycle in (0, gap, 2 * gap))
            ctx.set(dut.effects.payload, {**at(3), **ADDITION, "shares": (1 << 31) - (cycle == 0)})
            if ctx.get(dut.changes.valid):
                found.append(ctx.get(dut.changes.p.effect.reasons))
            await ctx.tick()
        assert found == [0, 0, Reason.QUANTITY.value]

    simulate(dut, bench)


@pytest.mark.parametrize("place", [Place.BELOW, Place.ABOVE])
def test_an_effect_outside_the_window_leaves_the_level_of_the_same_low_bits(simulate, place):
    dut = LevelStore(SMALL, WALK_BITS)
    steps = [(ADDITION, 5, 10), ({**ADDITION, "place": place}, 5, 99), (ADDITION, 5, 3)]

    async def bench(ctx):
        for gaps in product((2, 3, 4), repeat=2):
            await clear(ctx, dut)
            seen = await play(ctx, dut, steps, [5, 5, 5], gaps)
            assert seen == [(1, 0, 10), (0, 0, 10), (0, 0, 13)], gaps

    simulate(dut, bench)
