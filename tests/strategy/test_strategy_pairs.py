"""The arithmetic of a pair is exact up to the widest numbers it can be given."""

import random

import pytest

from tickwright.strategy.pairs import PairArithmetic
from tickwright.top.presets import PRESETS

LATENCY = 3  # cycles
TOP = 2**32 - 1  # 1/10000 dollar, or shares
LIMIT = 2**31 - 1  # of a deviation


def touch(bid=0, ask=0, *, shares=0, trading=1, trusted=1):
    sizes = {"bid_shares": shares, "ask_shares": shares}
    return {"bid": bid, "ask": ask, **sizes, "trading": trading, "trusted": trusted}


def row(**changes):
    widest = {"max_spread_a": TOP, "max_spread_b": TOP, "shares_a": 1, "shares_b": 1}
    return {"hedge": 1 << 16, "mean": 0, "min_edge": 0} | widest | changes


def deviation(parameters, a, b):
    ha, hb = parameters["hedge"] * b["ask"], parameters["hedge"] * b["bid"]
    d = (((a["bid"] + a["ask"]) << 16) - (ha + hb) - parameters["mean"]) // 256
    return min(max(d, -LIMIT), LIMIT)


def around(parameters, a, b):
    """Return the case with bounds that the deviation just reaches, and just misses."""
    away = abs(deviation(parameters, a, b))
    for low, high in ((away, min(away + 1, LIMIT)), (max(away - 1, 0), away)):
        bounds = {"exit_deviation": low, "entry_deviation": low, "stop_deviation": high}
        yield parameters | bounds, a, b
    beyond = {"entry_deviation": min(away + 1, LIMIT), "stop_deviation": LIMIT}
    yield parameters | beyond | {"exit_deviation": 0}, a, b


def expected(parameters, a, b):
    """Return what section 6 finds of the touches, by names of the evaluation."""
    hedge, mean, edge = (parameters[name] for name in ("hedge", "mean", "min_edge"))
    ha, hb = hedge * b["ask"], hedge * b["bid"]
    d = deviation(parameters, a, b)
    priced = all(side[name] > 0 for side in (a, b) for name in ("bid", "ask"))
    return {
        "above": d > 0,
        "below": d < 0,
        "far": parameters["entry_deviation"] <= abs(d) < parameters["stop_deviation"],
        "near": abs(d) <= parameters["exit_deviation"],
        "too_far": abs(d) >= parameters["stop_deviation"],
        "earns_short": 2 * a["bid"] * 65_536 - 2 * ha - mean >= edge,
        "earns_long": mean - 2 * a["ask"] * 65_536 + 2 * hb >= edge,
        "priced": priced,
        "sound": priced and a["bid"] < a["ask"] and b["bid"] < b["ask"],
    }


EXTREMES = [
    pytest.param(row(), touch(TOP - 1, TOP), touch(TOP - 1, TOP), id="highest-prices"),
    pytest.param(row(), touch(TOP - 1, TOP), touch(1, 2), id="clamped-above"),
    pytest.param(row(), touch(1, 2), touch(TOP - 1, TOP), id="clamped-below"),
    pytest.param(
        row(hedge=2**23 - 1, mean=-(2**47), min_edge=-(2**47)),
        touch(1, 2),
        touch(TOP - 1, TOP),
        id="widest-edge-down",
    ),
    pytest.param(
        row(hedge=-(2**23), mean=2**47 - 1, min_edge=2**47 - 1),
        touch(TOP - 1, TOP),
        touch(TOP - 1, TOP),
        id="widest-edge-up",
    ),
    # 2^31 - 1 is d itself, one unit more is clamped to it; the same below.
    pytest.param(row(mean=-(LIMIT << 8)), touch(0, 0), touch(0, 0), id="at-clamp-above"),
    pytest.param(row(mean=-((LIMIT + 1) << 8)), touch(0, 0), touch(0, 0), id="past-clamp-above"),
    pytest.param(row(mean=LIMIT << 8), touch(0, 0), touch(0, 0), id="at-clamp-below"),
    pytest.param(row(mean=(LIMIT + 1) << 8), touch(0, 0), touch(0, 0), id="past-clamp-below"),
    # Rounding is down: the least deviation below 0 is -1, above it 0.
    pytest.param(row(mean=1), touch(0, 0), touch(0, 0), id="just-below"),
    pytest.param(row(mean=-255), touch(0, 0), touch(0, 0), id="not-yet-above"),
    pytest.param(row(mean=-256), touch(0, 0), touch(0, 0), id="just-above"),
    pytest.param(row(min_edge=131_073), touch(2, 3), touch(0, 1), id="edge-missed-by-1"),
    pytest.param(row(min_edge=131_072), touch(2, 3), touch(0, 1), id="edge-met"),
]


def check(simulate, cases):
    """Evaluate the cases, at their bounds, in consecutive cycles."""
    dut = PairArithmetic(PRESETS["twin"])
    cases = [bounded for case in cases for bounded in around(*case)]

    async def issue(ctx):
        for number, (parameters, a, b) in enumerate(cases):
            ctx.set(dut.pair, number % 64)
            ctx.set(dut.parameters, parameters)
            ctx.set(dut.touches, [a, b])
            ctx.set(dut.valid, 1)
            await ctx.tick()
        ctx.set(dut.valid, 0)

    async def decide(ctx):
        for _ in range(LATENCY):
            assert not ctx.get(dut.evaluated)
            await ctx.tick()
        for number, case in enumerate(cases):
            assert ctx.get(dut.evaluated)
            found = ctx.get(dut.evaluation)
            assert found.pair == number % 64
            wanted = expected(*case)
            assert {name: getattr(found, name) for name in wanted} == wanted
            await ctx.tick()
        assert not ctx.get(dut.evaluated)

    simulate(dut, issue, decide)


@pytest.mark.parametrize(("parameters", "a", "b"), EXTREMES)
def test_extremes_are_exact(simulate, parameters, a, b):
    check(simulate, [(parameters, a, b)])


def test_any_numbers_are_exact_at_one_pair_a_cycle(simulate):
    rng = random.Random(2026)

    def near(low, high):
        edges = [low, low + 1, high - 1, high]
        return rng.choice([*edges, rng.randint(low, high), rng.randint(-999, 999) % (high + 1)])

    def any_touch():
        return touch(near(0, TOP), near(0, TOP), shares=near(0, TOP))

    cases = [
        (
            row(
                hedge=near(-(2**23), 2**23 - 1),
                mean=near(-(2**47), 2**47 - 1),
                min_edge=near(-(2**47), 2**47 - 1),
            ),
            any_touch(),
            any_touch(),
        )
        for _ in range(60)
    ]
    check(simulate, cases)


def test_limit_prices_lie_beyond_the_touch(simulate):
    dut = PairArithmetic(PRESETS["twin"])
    parameters = row(aggression_a=2**24 - 1, aggression_b=100)
    found = []

    async def bench(ctx):
        ctx.set(dut.parameters, parameters)
        ctx.set(dut.touches, [touch(2**24, TOP), touch(100, 0)])
        await ctx.tick().repeat(LATENCY)
        wishes = ctx.get(dut.evaluation).wishes
        found.extend((wish.buyable, wish.buy, wish.sellable, wish.sell) for wish in wishes)

    simulate(dut, bench)
    assert found[0] == (1, TOP + 2**24 - 1, 1, 1)
    assert found[1][0] == 0  # no ask
    assert found[1][2] == 0  # a sale at nothing
