"""The bank counts every event of every kind, and what it shows is exact in every cycle."""

import random
from collections import Counter

import pytest
from amaranth import *

from tickwright.core.counters import CounterBank

COUNTERS = [1, 2, 3, 7, 8, 15, 16, 21]  # below, at and above powers of two


async def follow(ctx, dut, kinds, cycles, *, counted, full, asked):
    """Let events of ``kinds(cycle)`` happen, and compare what is shown in every cycle."""
    for cycle in range(cycles):
        events, kind = kinds(cycle), asked(cycle)
        ctx.set(dut.events, sum(1 << event for event in events))
        ctx.set(dut.counter, kind)
        assert ctx.get(dut.count) == min(counted[kind], full), f"kind {kind} in cycle {cycle}"
        await ctx.tick()
        counted.update(events)


@pytest.mark.parametrize("density", [0.0, 0.02, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("counters", COUNTERS)
def test_every_event_is_counted_and_shown_in_the_next_cycle(simulate, counters, density):
    dut = CounterBank(counters)
    rng = random.Random(f"{counters} {density}")

    def kinds(_):
        return {kind for kind in range(counters) if rng.random() < density}

    async def bench(ctx):
        await follow(ctx, dut, kinds, 400, counted=Counter(), full=2**32 - 1,
                     asked=lambda _: rng.randrange(counters))  # fmt: skip

    simulate(dut, bench)


@pytest.mark.parametrize("counters", COUNTERS)
def test_a_count_is_exact_in_every_phase_of_the_sweep(simulate, counters):
    """One kind is shown all the time, while it and its neighbours have events in every cycle."""
    dut = CounterBank(counters)

    async def bench(ctx):
        counted = Counter()
        for kind in range(counters):
            await follow(ctx, dut, lambda _: range(counters), 5 * counters + 64, counted=counted,
                         full=2**32 - 1, asked=lambda _, kind=kind: kind)  # fmt: skip

    simulate(dut, bench)


@pytest.mark.parametrize("apart", range(1, 12))
def test_events_at_any_distance_are_counted(simulate, apart):
    dut = CounterBank(5)

    def kinds(cycle):
        return {kind for kind in range(5) if (cycle + kind) % apart == 0}

    async def bench(ctx):
        await follow(ctx, dut, kinds, 400, counted=Counter(), full=2**32 - 1,
                     asked=lambda cycle: cycle // 7 % 5)  # fmt: skip

    simulate(dut, bench)


@pytest.mark.parametrize("bits", [7, 8, 10])
@pytest.mark.parametrize("counters", [9, 15])
def test_a_full_count_stays(simulate, counters, bits):
    """Far beyond the second time that it would have wrapped, at densities of its own."""
    dut = CounterBank(counters, bits)
    rng = random.Random(f"{counters} {bits}")
    densities = [kind / (counters - 1) for kind in range(counters)]

    def kinds(_):
        return {kind for kind, density in enumerate(densities) if rng.random() < density}

    async def bench(ctx):
        counted = Counter()
        await follow(ctx, dut, kinds, 5 * 2**bits, counted=counted, full=2**bits - 1,
                     asked=lambda _: rng.randrange(counters))  # fmt: skip
        assert counted[0] == 0
        assert counted[counters - 1] > 2 * 2**bits

    simulate(dut, bench)


@pytest.mark.parametrize("started", range(8))
@pytest.mark.parametrize(("counters", "bits"), [(1, 2), (1, 4), (2, 4), (5, 7)])
def test_rows_need_no_contents_to_begin_with(simulate, counters, bits, started):
    """Counts are those since reset, though rows keep what they had, whenever it comes."""
    dut, reset = CounterBank(counters, bits), Signal()
    rng = random.Random(started)

    def kinds(_):
        return {kind for kind in range(counters) if rng.random() < 0.8}

    async def bench(ctx):
        for cycles in (200 + started, started, 60):
            await follow(ctx, dut, kinds, cycles, counted=Counter(), full=2**bits - 1,
                         asked=lambda _: rng.randrange(counters))  # fmt: skip
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)

    simulate(ResetInserter(reset)(dut), bench)
