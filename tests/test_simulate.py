"""The fixture that every test of gateware stands on: it ends, tells why, and leaves nothing."""

import gc
import sys

import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out


class Counter(wiring.Component):
    """Counts cycles."""

    count: Out(16)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.count.eq(self.count + 1)
        return m


@pytest.fixture
def complaints(monkeypatch):
    """Collect what is said where nothing can catch it."""
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    return told


def test_returns_when_every_bench_has(simulate):
    dut, ended = Counter(), []

    async def short(ctx):
        await ctx.tick()
        ended.append(ctx.get(dut.count))

    async def long(ctx):
        await ctx.tick().repeat(50)
        ended.append(ctx.get(dut.count))

    simulate(dut, long, short)
    assert ended == [1, 50]


def test_a_failing_bench_fails_the_test(simulate):
    dut = Counter()

    async def bench(ctx):
        await ctx.tick()
        assert ctx.get(dut.count) == 2

    with pytest.raises(AssertionError):
        simulate(dut, bench)


@pytest.mark.parametrize("deadline", [10, 1_000])
def test_a_hang_ends_at_the_deadline(simulate, deadline):
    dut, last = Counter(), []

    async def bench(ctx):
        while True:
            await ctx.tick()
            last[:] = [ctx.get(dut.count)]

    with pytest.raises(TimeoutError, match=f"{deadline} cycles"):
        simulate(dut, bench, deadline=deadline)
    assert last == [pytest.approx(deadline, abs=1)]


def test_what_waits_in_the_background_is_not_waited_for(simulate, complaints):
    dut = Counter()

    async def bench(ctx):
        await ctx.tick().repeat(5)

    async def until(ctx):
        await ctx.tick().until(dut.count == 1_000)

    async def repeat(ctx):
        await ctx.tick().repeat(1_000)

    async def endless(ctx):
        async for _ in ctx.tick():
            pass

    simulate(dut, bench, background=[until, repeat, endless])
    gc.collect()
    assert complaints == []


def test_the_waveform_lies_in_the_folder_of_the_test(simulate, tmp_path):
    async def bench(ctx):
        await ctx.tick()

    simulate(Counter(), bench)
    assert [path.suffix for path in tmp_path.iterdir()] == [".vcd"]
