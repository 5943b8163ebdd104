"""The best level of a side is found wherever its window begins."""

import random

import pytest

from tickwright.book.best import BestFinder
from tickwright.book.walker import Walker
from tickwright.feed.types import Side
from tickwright.top.presets import Preset

SYMBOLS = 2
ROW_BITS = 2  # side and symbol
LATENCY = 2  # cycles from a change to its touch


def preset(window):
    sizes = {"symbols": SYMBOLS, "window": window, "orders": 64}
    return Preset(name="small", pairs=4, fanout=2, hold=16, queue=8, slots=8, **sizes)


def best(levels, base, window, side):
    """Return the best of the levels that hold orders, by looking at each tick of the window."""
    ticks = [tick for tick in range(base, base + window) if tick % window in levels]
    if not ticks:
        return None
    return (max(ticks) if side == Side.BUY else min(ticks)) % window


@pytest.mark.parametrize("window", [4, 8, 32, 256])
def test_finds_the_best_level(simulate, window):
    dut = BestFinder(preset(window), ROW_BITS)
    rng = random.Random(window)
    held = {(side, symbol): set() for side in Side for symbol in range(SYMBOLS)}

    async def change(ctx, side, symbol, base, tick, *, appeared, vanished):
        ctx.set(dut.side_row, side.value | symbol << 1)
        await ctx.tick()
        effect = {"operation": {"symbol": symbol}, "side": side, "tick": tick, "base_tick": base}
        flags = {"appeared": appeared, "vanished": vanished}
        ctx.set(dut.changes.payload, {"effect": effect, **flags})
        ctx.set(dut.changes.valid, 1)
        await ctx.tick()
        ctx.set(dut.changes.valid, 0)
        for _ in range(LATENCY - 1):
            assert not ctx.get(dut.touches.valid)
            await ctx.tick()
        assert ctx.get(dut.touches.valid)
        touch = ctx.get(dut.touches.payload)
        return touch.level if touch.found else None

    async def bench(ctx):
        for row in range(2 * SYMBOLS):
            ctx.set(dut.walk.active, 1)
            ctx.set(dut.walk.row, row)
            await ctx.tick()
        ctx.set(dut.walk.active, 0)
        for _ in range(200):
            side, symbol = rng.choice(list(Side)), rng.randrange(SYMBOLS)
            levels = held[side, symbol]
            base = rng.choice((0, 1, window - 1, window, 5 * window + rng.randrange(window)))
            tick = base + rng.randrange(window)
            there = tick % window in levels
            flips = rng.random() < (0.8 if len(levels) < 3 else 0.6)
            if flips:
                levels ^= {tick % window}
            flags = {"appeared": flips and not there, "vanished": flips and there}
            found = await change(ctx, side, symbol, base, tick, **flags)
            assert found == best(levels, base, window, side)

    simulate(dut, bench, deadline=20_000)


@pytest.mark.parametrize("side", list(Side))
def test_finds_each_level_alone_from_each_start(simulate, side):
    window = 8
    dut = BestFinder(preset(window), ROW_BITS)

    async def bench(ctx):
        ctx.set(dut.walk.active, 1)
        for row in range(2 * SYMBOLS):
            ctx.set(dut.walk.row, row)
            await ctx.tick()
        ctx.set(dut.walk.active, 0)
        ctx.set(dut.side_row, side.value)
        for base in range(window):
            for level in range(window):
                for appeared in (1, 0):
                    effect = {"side": side, "tick": level, "base_tick": base}
                    flags = {"appeared": appeared, "vanished": 1 - appeared}
                    ctx.set(dut.changes.payload, {"effect": effect, **flags})
                    ctx.set(dut.changes.valid, 1)
                    await ctx.tick()
                    ctx.set(dut.changes.valid, 0)
                    await ctx.tick()
                    touch = ctx.get(dut.touches.payload)
                    assert touch.found == appeared
                    assert not appeared or touch.level == level

    simulate(dut, bench)


def test_the_walker_shows_each_row_once_and_then_rests(simulate):
    dut = Walker(3)

    async def bench(ctx):
        rows = []
        while not ctx.get(dut.cleared):
            assert ctx.get(dut.walk.active)
            rows.append(ctx.get(dut.walk.row))
            await ctx.tick()
        assert rows == list(range(8))
        for _ in range(20):
            assert ctx.get(dut.cleared)
            assert not ctx.get(dut.walk.active)
            await ctx.tick()

    simulate(dut, bench)
