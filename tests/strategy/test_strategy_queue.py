"""Intents reach the gate in their order, none lost, at any pace."""

import random

import pytest

from tickwright.strategy.queue import IntentQueue
from tickwright.top.presets import PRESETS

PRESET = PRESETS["versa"]


def play(simulate, makes, takes):
    """Make an intent wherever ``makes`` says so; return (cycle, id) of those made and taken.

    There are never more than one a pair under way.
    """
    dut = IntentQueue(PRESET)
    made, taken = [], []

    async def bench(ctx):
        for cycle, (make, take) in enumerate(zip(makes, takes, strict=True)):
            make = make and len(made) - len(taken) < PRESET.pairs
            ctx.set(dut.made, make)
            if make:
                made.append((cycle, len(made) + 1))
                ctx.set(dut.intent, {"id": len(made)})
            ctx.set(dut.intents.ready, take)
            if ctx.get(dut.intents.valid) and take:
                taken.append((cycle, ctx.get(dut.intents.p.id)))
            await ctx.tick()

    simulate(dut, bench)
    return made, taken


@pytest.mark.parametrize("busy", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("stalled", [0, 0.5, 0.9])
def test_order_is_kept(simulate, busy, stalled):
    rng, cycles, drain = random.Random(f"{busy} {stalled}"), 300, 3 * PRESET.pairs
    made, taken = play(
        simulate,
        [rng.random() < busy for _ in range(cycles)] + [False] * drain,
        [rng.random() >= stalled for _ in range(cycles)] + [True] * drain,
    )
    assert [number for _, number in taken] == [number for _, number in made]
    assert len(made) > 20


def test_one_intent_a_pair_fits(simulate):
    pairs = PRESET.pairs
    made, taken = play(
        simulate, [True] * pairs + [False] * 2 * pairs, [False] * pairs + [True] * 2 * pairs
    )
    assert [number for _, number in taken] == list(range(1, pairs + 1)) == [n for _, n in made]


@pytest.mark.parametrize("gap", [1, 2, 3])
def test_an_intent_is_visible_a_cycle_after_it_is_made(simulate, gap):
    made, taken = play(simulate, [cycle % gap == 0 for cycle in range(30)] + [False], [True] * 31)
    assert taken == [(cycle + 1, number) for cycle, number in made]
