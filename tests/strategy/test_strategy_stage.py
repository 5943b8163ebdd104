"""The strategy stage wishes what section 6 of the specification says, however close quotes come."""

import random
import struct
import zlib
from dataclasses import dataclass, field

import pytest

from tickwright.feed.types import Side
from tickwright.strategy.regs import PARAMETERS, StrategyRegs
from tickwright.strategy.stage import StrategyStage
from tickwright.strategy.types import IntentKind, Outcome
from tickwright.top.presets import Preset

SYMBOLS, PAIRS, FANOUT = 4, 4, 4
SMALL = Preset(
    name="small",
    symbols=SYMBOLS,
    orders=64,
    window=64,
    pairs=PAIRS,
    fanout=FANOUT,
    hold=16,
    queue=8,
    slots=4,
)
LATENCY = 6  # cycles from a quote to its intent
STORM = 150  # quotes of a burst of which not all can be evaluated
DOLLAR = 10_000
USD2 = 20_000 << 16  # a dollar of spread
DEVIATION = 20_000 << 8  # a dollar of deviation
TRADING, HALTED = ord("T"), ord("H")

PAIR = {
    "enabled": 1,
    "symbol_a": 0,
    "symbol_b": 1,
    "hedge": 1 << 16,
    "mean": 0,
    "entry_deviation": DEVIATION // 10,
    "exit_deviation": DEVIATION // 100,
    "stop_deviation": DEVIATION,
    "min_edge": USD2 // 50,
    "shares_a": 100,
    "shares_b": 200,
    "max_spread_a": 500,
    "max_spread_b": 500,
    "aggression_a": 30,
    "aggression_b": 70,
    "retry_ns": 1_000,
}


def quote(symbol, bid, ask, *, bid_shares=1_000, ask_shares=1_000, **changes):
    """Return what the book publishes; the same symbol is trusted and trading unless said."""
    fields = {"status": TRADING, "trusted": 1, "feed_ns": 0, "sequence": 0} | changes
    cause = {"feed_ns": fields.pop("feed_ns"), "sequence": fields.pop("sequence")}
    sizes = {"bid_shares": bid_shares, "ask_shares": ask_shares}
    return {"symbol": symbol, "bid": bid, "ask": ask, **sizes, **fields, "cause": cause}


# --- the oracle: section 6, written down once more


@dataclass
class Pair:
    parameters: dict
    phase: str = "flat"
    held: list = field(default_factory=lambda: [0, 0])
    stopped: bool = False
    ready_ns: int = 0
    open_legs: set = field(default_factory=set)
    entering: bool = False


class Oracle:
    """Pairs, one quote after the other."""

    def __init__(self, parameters, listed):
        self.pairs = {number: Pair(row) for number, row in parameters.items()}
        self.listed = listed  # symbol -> pairs
        self.quotes = [quote(n, 0, 0, trusted=0, status=0) for n in range(SYMBOLS)]
        self.flatten = False
        self.evaluations = 0
        self.intents = []

    def taint(self):
        for seen in self.quotes:
            seen["trusted"] = 0

    def switch(self, parameters, listed, flatten):
        """Put another set in force; what pairs hold and are about stays."""
        for number, pair in self.pairs.items():
            pair.parameters = parameters[number]
        self.listed, self.flatten = listed, flatten

    def take(self, new):
        """Keep a quote; return the pairs to evaluate."""
        self.quotes[new["symbol"]] = dict(new)
        return list(self.listed.get(new["symbol"], ()))

    def apply(self, outcome):
        pair = self.pairs[outcome["pair"]]
        if outcome["refused"]:
            pair.phase = "flat" if pair.entering else "holding"
            return
        sign = 1 if outcome["side"] == Side.BUY else -1
        pair.held[outcome["leg"]] += sign * outcome["filled"]
        if outcome["done"]:
            pair.open_legs.discard(outcome["leg"])
        if not pair.open_legs:
            pair.phase = "holding" if any(pair.held) else "flat"

    def evaluate(self, number, cause):
        self.evaluations += 1
        pair = self.pairs[number]
        row = pair.parameters
        a, b = self.quotes[row["symbol_a"]], self.quotes[row["symbol_b"]]
        ha, hb = row["hedge"] * b["ask"], row["hedge"] * b["bid"]
        spread = ((a["bid"] + a["ask"]) << 16) - (ha + hb)
        d = max(-(2**31 - 1), min(2**31 - 1, (spread - row["mean"]) >> 8))
        priced = all(x > 0 for x in (a["bid"], a["ask"], b["bid"], b["ask"]))

        wish = None
        due = cause["feed_ns"] >= pair.ready_ns
        if pair.phase == "flat":
            if due and priced and self._may_enter(pair, a, b):
                wish = self._entry(row, a, b, d, ha, hb)
        elif pair.phase == "holding" and due:
            wish = self._exit(pair, d, priced)
        if wish is None:
            return
        kind, legs = wish
        priced_legs = []
        for leg, side, shares in legs:
            touch, name = ((a, "a"), (b, "b"))[leg]
            if side == Side.BUY:
                possible, price = touch["ask"] > 0, touch["ask"] + row[f"aggression_{name}"]
            else:
                price = touch["bid"] - row[f"aggression_{name}"]
                possible = touch["bid"] > 0 and price > 0
            if not possible:
                return
            priced_legs.append((leg, row[f"symbol_{name}"], side, shares, price))
        pair.entering = kind in (IntentKind.ENTER_SHORT, IntentKind.ENTER_LONG)
        pair.stopped |= kind == IntentKind.STOP
        pair.phase = "pending"
        pair.open_legs = {leg for leg, *_ in priced_legs}
        pair.ready_ns = cause["feed_ns"] + row["retry_ns"]
        self.intents.append((len(self.intents) + 1, number, kind, priced_legs, cause["sequence"]))

    def _may_enter(self, pair, a, b):
        row = pair.parameters
        sound = all(x["bid"] < x["ask"] and x["trusted"] and x["status"] == TRADING for x in (a, b))
        narrow = all(
            x["ask"] - x["bid"] <= row[f"max_spread_{name}"] for x, name in ((a, "a"), (b, "b"))
        )
        return row["enabled"] and not self.flatten and not pair.stopped and sound and narrow

    def _entry(self, row, a, b, d, ha, hb):
        if not row["entry_deviation"] <= abs(d) < row["stop_deviation"]:
            return None
        sell_a = [(0, Side.SELL, row["shares_a"]), (1, Side.BUY, row["shares_b"])]
        buy_a = [(0, Side.BUY, row["shares_a"]), (1, Side.SELL, row["shares_b"])]
        short = (2 * a["bid"] << 16) - 2 * ha - row["mean"]
        long = row["mean"] - (2 * a["ask"] << 16) + 2 * hb
        if (
            d > 0
            and short >= row["min_edge"]
            and a["bid_shares"] >= row["shares_a"]
            and b["ask_shares"] >= row["shares_b"]
        ):
            return IntentKind.ENTER_SHORT, sell_a
        if (
            d < 0
            and long >= row["min_edge"]
            and a["ask_shares"] >= row["shares_a"]
            and b["bid_shares"] >= row["shares_b"]
        ):
            return IntentKind.ENTER_LONG, buy_a
        return None

    def _exit(self, pair, d, priced):
        row, (held_a, held_b) = pair.parameters, pair.held
        away = (d > 0 and held_a < 0) or (d < 0 and held_a > 0)
        back = abs(d) <= row["exit_deviation"] or (d <= 0 and held_a < 0) or (d >= 0 and held_a > 0)
        if priced and abs(d) >= row["stop_deviation"] and away:
            kind = IntentKind.STOP
        elif held_a * held_b >= 0:
            kind = IntentKind.UNBALANCED
        elif (priced and back) or self.flatten:
            kind = IntentKind.EXIT
        else:
            return None
        legs = [
            (leg, Side.SELL if held > 0 else Side.BUY, abs(held))
            for leg, held in enumerate(pair.held)
            if held
        ]
        return kind, legs


# --- the benches


async def write(ctx, dut, name, value=1):
    """Write a register as the host does."""
    register = getattr(StrategyRegs, name)
    value &= (1 << register.bits) - 1
    for word in range(register.words):
        ctx.set(dut.bus.addr, register.offset // 4 + word)
        ctx.set(dut.bus.w_data, value >> 32 * word & 0xFFFFFFFF)
        ctx.set(dut.bus.w_en, 1)
        await ctx.tick()
    ctx.set(dut.bus.w_en, 0)


async def read(ctx, dut, name, *, signed=False):
    """Read a register as the host does."""
    register = getattr(StrategyRegs, name)
    ctx.set(dut.bus.addr, register.offset // 4)
    ctx.set(dut.bus.r_en, 1)
    await ctx.tick()
    ctx.set(dut.bus.r_en, 0)
    value = ctx.get(dut.bus.r_data)
    return value - (1 << register.bits) if signed and value >> register.bits - 1 else value


async def load_pair(ctx, dut, number, row):
    await write(ctx, dut, "pair", number)
    for name, value in row.items():
        await write(ctx, dut, name, value)
    await write(ctx, dut, "load")


def checksum_of(parameters, listed, epoch):
    """Return the checksum of a set, from the page on the host."""
    words = []
    for number in range(PAIRS):
        for name in PARAMETERS:
            bits = getattr(StrategyRegs, name).bits
            value = parameters.get(number, {}).get(name, 0) % (1 << bits)
            words += [value & 0xFFFFFFFF] + [value >> 32] * (bits > 32)
    for symbol in range(SYMBOLS):
        places = [1 << 31 | pair for pair in listed.get(symbol, ())]
        words += places + [0] * (FANOUT - len(places))
    return zlib.crc32(struct.pack(f"<{len(words) + 1}I", *words, epoch))


async def load_set(ctx, dut, parameters, listed):
    """Write a set to the shadow."""
    await write(ctx, dut, "begin")
    await idle(ctx, 1)
    while not await read(ctx, dut, "shadow_ready"):
        pass
    for number, row in parameters.items():
        await load_pair(ctx, dut, number, row)
    for symbol, pairs in listed.items():
        for place, number in enumerate(pairs):
            await write(ctx, dut, "list_symbol", symbol)
            await write(ctx, dut, "list_position", place)
            await write(ctx, dut, "list_pair", number)
            await write(ctx, dut, "list_valid", 1)
            await write(ctx, dut, "set_list")


async def commit(ctx, dut, parameters, listed, epoch=0):
    """Ask for the set in the shadow to be put in force."""
    await write(ctx, dut, "epoch", epoch)
    await write(ctx, dut, "checksum", checksum_of(parameters, listed, epoch))
    await write(ctx, dut, "commit")


async def set_up(ctx, dut, parameters, listed, epoch=0):
    await ctx.tick().until(dut.ready)
    await load_set(ctx, dut, parameters, listed)
    await commit(ctx, dut, parameters, listed, epoch)
    await idle(ctx, 1)
    while await read(ctx, dut, "committing"):
        pass
    assert await read(ctx, dut, "refused_commits") == 0
    await idle(ctx, 2)


async def idle(ctx, cycles):
    for _ in range(cycles):
        await ctx.tick()


async def publish(ctx, dut, item):
    """Show a quote, or a taint where ``item`` is None, for one cycle."""
    stream = dut.quotes if item else dut.taints
    if item:
        ctx.set(stream.payload, item)
    ctx.set(stream.valid, 1)
    await ctx.tick()
    ctx.set(stream.valid, 0)


async def settle(ctx, dut, outcome):
    """Tell the strategy an outcome."""
    ctx.set(dut.outcomes.payload, {"refused": 0, "filled": 0, "done": 0} | outcome)
    ctx.set(dut.outcomes.valid, 1)
    await ctx.tick().until(dut.outcomes.ready)
    ctx.set(dut.outcomes.valid, 0)


def told(intent):
    """Return an intent as the oracle has it."""
    legs = [
        (index, leg.symbol, leg.side, leg.shares, leg.price)
        for index, leg in enumerate(intent.legs)
        if leg.valid
    ]
    return intent.id, intent.pair, intent.kind, legs, intent.cause.sequence


def coalesced_of(ctx, dut):
    """Return the record of a quote kept without its evaluations, if there is one now."""
    if not ctx.get(dut.coalesced.valid):
        return []
    record = ctx.get(dut.coalesced.payload)
    return [(record.cause.sequence, record.quotes, record.evaluations)]


def parameters_around(rng):
    """Return pairs whose thresholds the quotes of `quotes_around` meet exactly now and then."""
    rows = {}
    for number, (a, b) in enumerate([(0, 1), (2, 1), (1, 3), (3, 0)]):
        hedge = rng.choice([1 << 16, 1 << 15, 3 << 15, 65_537])
        rows[number] = PAIR | {
            "symbol_a": a,
            "symbol_b": b,
            "hedge": hedge,
            "mean": 90 * ((1 << 16) - hedge) + rng.choice([0, 1, 2 << 16, -2 << 16]),
            "entry_deviation": 4 << 8,
            "exit_deviation": 2 << 8,
            "stop_deviation": 12 << 8,
            "min_edge": rng.choice([0, 2 << 16, -4 << 16]),
            "max_spread_a": 2,
            "max_spread_b": 3,
            "aggression_a": rng.choice([0, 1, 40]),
            "aggression_b": rng.choice([0, 1, 40]),
            "retry_ns": rng.choice([0, 7]),
        }
    return rows


def quotes_around(rng, count):
    """Yield quotes, and now and then None for a taint."""
    for number in range(count):
        if rng.random() < 0.02:
            yield None
            continue
        symbol = rng.randrange(SYMBOLS)
        bid = rng.choice([0, 35, *[41 + rng.randrange(7)] * 18])
        ask = rng.choice([0, bid, *[bid + 1 + rng.randrange(3)] * 18])
        yield quote(
            symbol,
            bid,
            ask,
            bid_shares=rng.choice([99, 100, 199, 200, 1_000, 1_000, 1_000]),
            ask_shares=rng.choice([99, 100, 199, 200, 1_000, 1_000, 1_000]),
            trusted=rng.random() < 0.95,
            status=TRADING if rng.random() < 0.95 else HALTED,
            feed_ns=number,
            sequence=number + 1,
        )


class Venue:
    """Decides what becomes of each intent, by chance."""

    def __init__(self, rng):
        self.rng = rng
        self.waiting = []

    def hear(self, intent):
        _, pair, _, legs, _ = intent
        if self.rng.random() < 0.2:
            self.waiting.append({"pair": pair, "refused": 1})
            return
        answers = []
        for leg, _, side, shares, _ in legs:
            ours = {"pair": pair, "leg": leg, "side": side}
            fate = self.rng.random()
            if fate < 0.6:
                part = self.rng.randrange(shares)
                answers.append([ours | {"filled": part}, ours | {"filled": shares - part}])
            elif fate < 0.8:
                answers.append([ours | {"filled": self.rng.randrange(shares)}, ours])
            else:
                answers.append([ours])
            answers[-1][-1] = answers[-1][-1] | {"done": 1}
        while any(answers):
            self.waiting.append(self.rng.choice([left for left in answers if left]).pop(0))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("gap", "stall", "burst"),
    [
        pytest.param(0, 0, 12, id="dense"),
        pytest.param(9, 0, 12, id="spaced"),
        pytest.param(3, 30, 12, id="gate-stalls"),
        pytest.param(0, 0, STORM, id="storm"),
        pytest.param(1, 0, STORM, id="long-storm"),
    ],
)
def test_intents_are_those_of_the_oracle(simulate, seed, gap, stall, burst):
    rng = random.Random(f"{seed} {gap} {stall}")
    rows = parameters_around(rng)
    listed = {0: [0, 3], 1: [0, 1, 2], 2: [1], 3: [2, 3]}
    traffic = list(quotes_around(rng, 4 * burst if burst == STORM else 300))
    dut, venue = StrategyStage(SMALL), Venue(rng)
    intents, applied, coalesced, done, ends = [], [], [], [], {}

    async def host(ctx):
        await set_up(ctx, dut, rows, listed)
        for start in range(0, len(traffic), burst):
            for item in traffic[start : start + burst]:
                await publish(ctx, dut, item)
                await idle(ctx, rng.randrange(gap + 1))
            await idle(ctx, 60 if gap < 3 else 0)  # all that waits is decided
        await idle(ctx, 2 * stall + 40)
        while venue.waiting:
            await ctx.tick()
        await idle(ctx, 4)
        for number in rows:
            await write(ctx, dut, "pair", number)
            await idle(ctx, 2)
            ends[number] = (
                ("flat", "pending", "holding")[await read(ctx, dut, "phase")],
                [await read(ctx, dut, name, signed=True) for name in ("held_a", "held_b")],
                bool(await read(ctx, dut, "stopped")),
            )
        ends["evaluations_dropped"] = await read(ctx, dut, "evaluations_dropped")
        assert await read(ctx, dut, "intents") == len(intents)
        ends["evaluations"] = await read(ctx, dut, "evaluations")
        done.append(True)

    async def gate(ctx):
        wait = 0
        while not done:
            ctx.set(dut.intents.ready, wait == 0)
            if wait == 0 and ctx.get(dut.intents.valid):
                intents.append(told(ctx.get(dut.intents.payload)))
                venue.hear(intents[-1])
                wait = rng.randrange(stall + 1)
            elif wait:
                wait -= 1
            if ctx.get(dut.applied.valid):
                record = ctx.get(dut.applied.payload)
                applied.append((record.evaluations, record.outcome))
            coalesced.extend(coalesced_of(ctx, dut))
            await ctx.tick()

    async def ledger(ctx):
        while not done:
            if venue.waiting and rng.random() < 0.2:
                await settle(ctx, dut, venue.waiting.pop(0))
            else:
                await ctx.tick()

    simulate(dut, host, gate, ledger)

    oracle, outcomes, left_out = Oracle(rows, listed), list(applied), list(coalesced)

    def apply_due():
        while outcomes and outcomes[0][0] == oracle.evaluations:
            found = outcomes.pop(0)[1]
            oracle.apply({name: getattr(found, name) for name in Outcome(PAIRS).members})

    published = 0
    for item in traffic:
        if item is None:
            oracle.taint()
            continue
        due = oracle.take(item)
        if left_out and left_out[0][1] == published:
            assert left_out.pop(0) == (item["cause"]["sequence"], published, len(due))
            due = []
        for number in due:
            apply_due()
            oracle.evaluate(number, item["cause"])
        published += 1
    apply_due()
    assert not outcomes
    assert not left_out
    assert (len(coalesced) > 10) == (burst == STORM)
    assert ends.pop("evaluations_dropped") == sum(evaluations for *_, evaluations in coalesced)
    assert intents == oracle.intents
    assert len(intents) >= 10
    assert ends.pop("evaluations") == oracle.evaluations
    assert ends == {
        number: (pair.phase, pair.held, pair.stopped) for number, pair in oracle.pairs.items()
    }


# --- one thing at a time


def directed(simulate, script, *, rows=None, listed=None, stall=False, coalesced=None):
    """Run a script; return the intents that came, each with the cycle it was first visible in.

    The quotes kept without their evaluations are added to the list ``coalesced``.
    """
    dut = StrategyStage(SMALL)
    seen, clock, done = [], [0], []

    async def host(ctx):
        await set_up(ctx, dut, rows or {0: PAIR}, listed or {0: [0], 1: [0]})
        await script(ctx, dut, clock)
        done.append(True)

    async def gate(ctx):
        ctx.set(dut.intents.ready, not stall)
        while not done:
            if ctx.get(dut.intents.valid) and not stall:
                seen.append((clock[0], told(ctx.get(dut.intents.payload))))
            if coalesced is not None:
                coalesced.extend(coalesced_of(ctx, dut))
            await ctx.tick()
            clock[0] += 1

    simulate(dut, gate, host)
    return seen


# A is 20 cents dear: the touch of A is 100.20 at 100.22, that of B 100.00 at 100.02.
DEAR = quote(0, 1_002_000, 1_002_200, sequence=5, feed_ns=100)
CHEAP = quote(0, 998_000, 998_200, sequence=5, feed_ns=100)
FAIR = quote(0, 1_000_000, 1_000_200, sequence=5, feed_ns=100)
OTHER = quote(1, 1_000_000, 1_000_200)
SHORT = (
    1,
    0,
    IntentKind.ENTER_SHORT,
    [(0, 0, Side.SELL, 100, 1_001_970), (1, 1, Side.BUY, 200, 1_000_270)],
    5,
)
LONG = (
    1,
    0,
    IntentKind.ENTER_LONG,
    [(0, 0, Side.BUY, 100, 998_230), (1, 1, Side.SELL, 200, 999_930)],
    5,
)

D_DEAR = 4_000 << 8  # deviation of DEAR, and less that of CHEAP
EDGE = 3_600 << 16  # executable edge of both


def entry(name, made, *, row=None, a=None, b=None):
    return pytest.param(row or {}, a or {}, b or {}, made, id=name)


@pytest.mark.parametrize("short", [True, False], ids=["short", "long"])
@pytest.mark.parametrize(
    ("row", "a", "b", "made"),
    [
        entry("all-is-well", True),
        entry("disabled", False, row={"enabled": 0}),
        entry("at-entry", True, row={"entry_deviation": D_DEAR}),
        entry("short-of-entry", False, row={"entry_deviation": D_DEAR + 1}),
        entry("short-of-stop", True, row={"stop_deviation": D_DEAR + 1}),
        entry("at-stop", False, row={"stop_deviation": D_DEAR}),
        entry("at-edge", True, row={"min_edge": EDGE}),
        entry("short-of-edge", False, row={"min_edge": EDGE + 1}),
        entry("a-at-widest", True, row={"max_spread_a": 200}),
        entry("a-too-wide", False, row={"max_spread_a": 199}),
        entry("b-at-widest", True, row={"max_spread_b": 200}),
        entry("b-too-wide", False, row={"max_spread_b": 199}),
        entry("a-shallow", False, a={"bid_shares": 99, "ask_shares": 99}),
        entry("a-just-deep", True, a={"bid_shares": 100, "ask_shares": 100}),
        entry("b-shallow", False, b={"bid_shares": 199, "ask_shares": 199}),
        entry("b-just-deep", True, b={"bid_shares": 200, "ask_shares": 200}),
        entry("a-untrusted", False, a={"trusted": 0}),
        entry("b-untrusted", False, b={"trusted": 0}),
        entry("a-halted", False, a={"status": HALTED}),
        entry("b-halted", False, b={"status": HALTED}),
    ],
)
def test_a_pair_enters_exactly_when_it_may(simulate, row, a, b, made, short):
    async def script(ctx, dut, clock):
        await publish(ctx, dut, OTHER | b)
        await publish(ctx, dut, (DEAR if short else CHEAP) | a)
        await idle(ctx, 10)

    found = directed(simulate, script, rows={0: PAIR | row}, listed={0: [0]})
    assert [made for _, made in found] == ([SHORT if short else LONG] if made else [])


@pytest.mark.parametrize(
    ("first", "fills", "second", "kind", "legs"),
    [
        pytest.param(
            DEAR,
            (100, 200),
            FAIR,
            IntentKind.EXIT,
            [(0, 0, Side.BUY, 100, 1_000_230), (1, 1, Side.SELL, 200, 999_930)],
            id="reverted",
        ),
        pytest.param(
            DEAR,
            (100, 200),
            CHEAP,
            IntentKind.EXIT,
            [(0, 0, Side.BUY, 100, 998_230), (1, 1, Side.SELL, 200, 999_930)],
            id="overshot",
        ),
        pytest.param(
            CHEAP,
            (60, 200),
            FAIR,
            IntentKind.EXIT,
            [(0, 0, Side.SELL, 60, 999_970), (1, 1, Side.BUY, 200, 1_000_270)],
            id="what-is-held-only",
        ),
        pytest.param(
            DEAR,
            (100, 0),
            DEAR,
            IntentKind.UNBALANCED,
            [(0, 0, Side.BUY, 100, 1_002_230)],
            id="one-leg-missing",
        ),
        pytest.param(
            DEAR,
            (100, 200),
            quote(0, 1_020_000, 1_020_200),
            IntentKind.STOP,
            [(0, 0, Side.BUY, 100, 1_020_230), (1, 1, Side.SELL, 200, 999_930)],
            id="stop",
        ),
        pytest.param(
            CHEAP,
            (100, 0),
            quote(0, 980_000, 980_200),
            IntentKind.STOP,
            [(0, 0, Side.SELL, 100, 979_970)],
            id="stop-beats-unbalanced",
        ),
        pytest.param(DEAR, (100, 200), DEAR, None, None, id="not-yet"),
        pytest.param(DEAR, (100, 200), FAIR | {"ask": 0}, None, None, id="no-price-to-buy-at"),
        pytest.param(
            DEAR,
            (100, 200),
            FAIR | {"trusted": 0, "status": HALTED},
            IntentKind.EXIT,
            [(0, 0, Side.BUY, 100, 1_000_230), (1, 1, Side.SELL, 200, 999_930)],
            id="the-gate-judges-trust",
        ),
        pytest.param(DEAR, (0, 0), FAIR, None, None, id="nothing-held"),
    ],
)
def test_a_pair_exits_exactly_when_it_must(simulate, first, fills, second, kind, legs):
    short = first is DEAR
    state = {}

    async def script(ctx, dut, clock):
        await publish(ctx, dut, OTHER)
        await publish(ctx, dut, first)
        await idle(ctx, 10)
        for leg, filled in enumerate(fills):
            side = Side.SELL if short == (leg == 0) else Side.BUY
            await settle(
                ctx, dut, {"pair": 0, "leg": leg, "side": side, "filled": filled, "done": 1}
            )
        late = second | {"cause": {"feed_ns": 1_099, "sequence": 6}}
        await publish(ctx, dut, late)  # a nanosecond before it may try again
        await idle(ctx, 10)
        await publish(ctx, dut, late | {"cause": {"feed_ns": 1_100, "sequence": 7}})
        await idle(ctx, 10)
        state["stopped"] = await read(ctx, dut, "stopped")

    found = directed(simulate, script, listed={0: [0]})
    assert [made for _, made in found[1:]] == ([(2, 0, kind, legs, 7)] if kind else [])
    assert state["stopped"] == (kind == IntentKind.STOP)


@pytest.mark.parametrize("place", range(FANOUT))
def test_an_intent_comes_6_cycles_after_its_quote_and_1_more_for_each_place(simulate, place):
    rows = {number: PAIR | {"enabled": number == place} for number in range(PAIRS)}
    shown = []

    async def script(ctx, dut, clock):
        await publish(ctx, dut, OTHER)
        await idle(ctx, 10)
        for again in range(3):
            shown.append(clock[0])
            await publish(ctx, dut, DEAR | {"cause": {"feed_ns": 1_000 * again}})
            await idle(ctx, 12)
            await settle(ctx, dut, {"pair": place, "refused": 1})

    found = directed(simulate, script, rows=rows, listed={0: list(range(PAIRS))})
    assert [at for at, _ in found] == [at + LATENCY + place for at in shown]


@pytest.mark.parametrize("gap", range(4))
def test_quotes_however_close_make_one_intent(simulate, gap):
    async def script(ctx, dut, clock):
        await publish(ctx, dut, OTHER)
        for _ in range(6):
            await publish(ctx, dut, DEAR)
            await idle(ctx, gap)
        await idle(ctx, 10)
        assert await read(ctx, dut, "evaluations") == 6

    assert len(directed(simulate, script, rows={0: PAIR | {"retry_ns": 0}}, listed={0: [0]})) == 1


@pytest.mark.parametrize("item", [None, OTHER | {"trusted": 0}], ids=["taint", "quote"])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_an_evaluation_sees_what_came_before_it_and_no_more(simulate, item, before):
    async def script(ctx, dut, clock):
        await publish(ctx, dut, OTHER)
        await idle(ctx, 10)
        for each in [item, DEAR] if before else [DEAR, item]:
            await publish(ctx, dut, each)
        await idle(ctx, 14)

    rows = {number: PAIR for number in range(PAIRS)}
    found = directed(simulate, script, rows=rows, listed={0: list(range(PAIRS))})
    assert len(found) == (0 if before else PAIRS)


def test_a_taint_takes_trust_until_each_symbol_is_quoted_again(simulate):
    made = []

    async def script(ctx, dut, clock):
        for item in (OTHER, DEAR | {"bid_shares": 0}, None, DEAR):
            await publish(ctx, dut, item)
        await idle(ctx, 10)
        made.append(await read(ctx, dut, "intents"))
        await publish(ctx, dut, OTHER)
        await idle(ctx, 10)
        made.append(await read(ctx, dut, "intents"))

    directed(simulate, script)
    assert made == [0, 1]


def test_the_store_is_right_when_evaluations_are_left_out(simulate):
    rows = {number: PAIR | {"enabled": number == 3} for number in range(PAIRS)}
    listed = {0: list(range(PAIRS)), 1: [3], 2: [0, 1, 2]}
    half = SMALL.queue * FANOUT * 2
    storm = [*[FAIR] * half, DEAR, quote(3, 1, 2), *[quote(2, 1, 2)] * half]
    counts, coalesced = {}, []

    async def script(ctx, dut, clock):
        await publish(ctx, dut, OTHER)
        for number, item in enumerate(storm, 1):
            await publish(ctx, dut, item | {"cause": {"feed_ns": 100, "sequence": number}})
        await idle(ctx, 2 * half)
        for name in ("evaluations", "evaluations_dropped", "intents"):
            counts[name] = await read(ctx, dut, name)
        await publish(ctx, dut, OTHER)
        await idle(ctx, 10)

    found = directed(simulate, script, rows=rows, listed=listed, coalesced=coalesced)
    assert counts.pop("intents") == 0  # that of the dear quote was left out
    assert counts["evaluations_dropped"] == sum(evaluations for *_, evaluations in coalesced)
    for sequence, quotes, evaluations in coalesced:
        assert (sequence, evaluations) == (quotes, len(listed[storm[quotes - 1]["symbol"]]))
    # Of the symbol that no pair lists nothing is left out.
    assert [quotes for _, quotes, _ in coalesced if half < quotes < half + 4] == [
        half + 1,
        half + 3,
    ]
    assert sum(counts.values()) == 1 + (half + 1) * 4 + half * 3
    assert [made[2:4] for _, made in found] == [SHORT[2:4]]


def test_an_outcome_waits_no_longer_than_17_evaluations(simulate):
    async def script(ctx, dut, clock):
        await publish(ctx, dut, OTHER)
        await publish(ctx, dut, DEAR)
        await idle(ctx, 10)
        before = await read(ctx, dut, "evaluations")
        ctx.set(dut.outcomes.payload, {"pair": 0, "refused": 1})
        for cycle in range(40):
            ctx.set(dut.quotes.payload, FAIR)
            ctx.set(dut.quotes.valid, 1)
            ctx.set(dut.outcomes.valid, cycle >= 10)
            if cycle >= 10 and ctx.get(dut.outcomes.ready):
                break
            await ctx.tick()
        ctx.set(dut.outcomes.valid, 0)
        ctx.set(dut.quotes.valid, 0)
        assert 20 < cycle < 35
        await idle(ctx, 20)
        assert await read(ctx, dut, "evaluations") - before >= cycle - 1

    assert len(directed(simulate, script)) == 1


def test_a_stopped_pair_enters_again_only_when_resumed(simulate):
    made = []

    async def script(ctx, dut, clock):
        await publish(ctx, dut, OTHER)
        await publish(ctx, dut, DEAR)
        await idle(ctx, 10)
        for leg, side in ((0, Side.SELL), (1, Side.BUY)):
            await settle(ctx, dut, {"pair": 0, "leg": leg, "side": side, "filled": 7, "done": 1})
        await publish(ctx, dut, quote(0, 1_020_000, 1_020_200, feed_ns=5_000))
        await idle(ctx, 10)
        for leg, side in ((0, Side.BUY), (1, Side.SELL)):
            await settle(ctx, dut, {"pair": 0, "leg": leg, "side": side, "filled": 7, "done": 1})
        await publish(ctx, dut, DEAR | {"cause": {"feed_ns": 9_000}})
        await idle(ctx, 10)
        made.append(await read(ctx, dut, "intents"))
        await write(ctx, dut, "resume")
        await idle(ctx, 2)
        await publish(ctx, dut, DEAR | {"cause": {"feed_ns": 9_000}})
        await idle(ctx, 10)
        made.append(await read(ctx, dut, "intents"))

    directed(simulate, script)
    assert made == [2, 3]


@pytest.mark.parametrize(
    ("changes", "strobe"),
    [
        pytest.param({"pair": PAIRS}, "load", id="pair"),
        pytest.param({"symbol_a": SYMBOLS}, "load", id="symbol-a"),
        pytest.param({"symbol_b": SYMBOLS}, "load", id="symbol-b"),
        pytest.param({"symbol_b": 0}, "load", id="one-symbol-twice"),
        pytest.param({"list_symbol": SYMBOLS}, "set_list", id="list-symbol"),
        pytest.param({"list_position": FANOUT}, "set_list", id="list-position"),
        pytest.param({"list_pair": PAIRS}, "set_list", id="list-pair"),
    ],
)
def test_what_the_card_does_not_have_is_refused(simulate, changes, strobe):
    async def script(ctx, dut, clock):
        await write(ctx, dut, "begin")
        await idle(ctx, 8)
        for name, value in changes.items():
            await write(ctx, dut, name, value)
        await write(ctx, dut, strobe)
        assert await read(ctx, dut, "refused_writes") == 1  # in the very next cycle
        assert await read(ctx, dut, "refused_writes") == 1
        await publish(ctx, dut, OTHER)
        await publish(ctx, dut, DEAR)
        await idle(ctx, 10)

    assert len(directed(simulate, script)) == 1


def test_what_is_loaded_too_early_is_refused(simulate):
    dut = StrategyStage(SMALL)

    async def host(ctx):
        for strobe in ("begin", "load", "set_list", "commit"):
            await write(ctx, dut, strobe)
        await ctx.tick().until(dut.ready)
        await idle(ctx, 2)
        assert await read(ctx, dut, "refused_writes") == 3
        assert await read(ctx, dut, "refused_commits") == 1

    simulate(dut, host)


@pytest.mark.parametrize("price", [30, 31])
def test_a_sale_at_or_below_nothing_is_not_made(simulate, price):
    row = PAIR | {"mean": -(2 * 5_000 << 16), "min_edge": -(1 << 46), "entry_deviation": 0}

    async def script(ctx, dut, clock):
        await publish(ctx, dut, quote(1, 3_000, 3_100))
        await publish(ctx, dut, quote(0, price, price + 10))
        await idle(ctx, 10)

    found = directed(simulate, script, rows={0: row})
    assert [made[3][0][4] for _, made in found] == ([1] if price == 31 else [])


# --- sets: shadow, checksum, commit; and what the host changes between two quotes


CHECK = 76 * PAIRS + 4 * SYMBOLS * FANOUT + 8  # cycles from a commit to a set that may be in force
CHANGE = 6  # cycles from there, or from the end of a list, to the change


def controls_of(ctx, dut):
    """Return the record of a change, if there is one now."""
    if not ctx.get(dut.controls.valid):
        return []
    record = ctx.get(dut.controls.payload)
    return [(record.quotes, record.epoch, record.checksum, record.flatten)]


def directed_sets(simulate, script):
    """Run a script of the host on a stage with one pair, under epoch 1; return its changes."""
    dut = StrategyStage(SMALL)
    found, done = [], []

    async def host(ctx):
        await set_up(ctx, dut, {0: PAIR}, LISTED, epoch=1)
        await script(ctx, dut)
        done.append(True)

    async def recorder(ctx):
        while not done:
            found.extend(controls_of(ctx, dut))
            await ctx.tick()

    simulate(dut, recorder, host)
    return found


LISTED = {0: [0], 1: [0]}
WIDER = {0: PAIR | {"shares_a": 300}}


async def cycles_until(ctx, dut, epoch, items=()):
    """Publish an item a cycle; return after how many cycles the epoch is in force."""
    ctx.set(dut.bus.addr, StrategyRegs.active_epoch.offset // 4)
    ctx.set(dut.bus.r_en, 1)
    cycles, items = 0, iter(items)
    while ctx.get(dut.bus.r_data) != epoch:
        item = next(items, None)
        ctx.set(dut.quotes.valid, item is not None)
        ctx.set(dut.quotes.payload, item or OTHER)
        await ctx.tick()
        cycles += 1
    ctx.set(dut.bus.r_en, 0)
    assert next(items, None) is None
    return cycles - 1  # a register is read 1 cycle after it shows


async def settled(ctx, dut):
    """Wait until no set is under way; return the epoch in force.

    At most half of the cycles are evaluations, for which a check waits.
    """
    for _ in range(2 * CHECK + CHANGE + 10):
        if not await read(ctx, dut, "committing"):
            return await read(ctx, dut, "active_epoch")
    raise TimeoutError("a commit without an end")


def test_a_set_is_in_force_so_many_cycles_after_its_commit(simulate):
    waited = []

    async def script(ctx, dut):
        await load_set(ctx, dut, WIDER, LISTED)
        await commit(ctx, dut, WIDER, LISTED, 2)
        waited.append(await cycles_until(ctx, dut, 2))

    found = directed_sets(simulate, script)
    assert waited == [CHECK + CHANGE]
    assert found == [
        (0, 1, checksum_of({0: PAIR}, LISTED, 1), 0),
        (0, 2, checksum_of(WIDER, LISTED, 2), 0),
    ]


@pytest.mark.parametrize("evaluations", [1, 75, 76, 77, 3 * CHECK])
def test_a_check_waits_for_each_evaluation_and_no_evaluation_for_a_check(simulate, evaluations):
    made = []

    async def script(ctx, dut):
        await publish(ctx, dut, OTHER)
        await load_set(ctx, dut, WIDER, LISTED)
        ctx.set(dut.intents.ready, 1)
        await commit(ctx, dut, WIDER, LISTED, 2)
        quotes = [FAIR] * (evaluations - 1) + [DEAR]
        waited = cycles_until(ctx, dut, 2, quotes)
        assert await waited == CHECK + CHANGE + evaluations
        assert await read(ctx, dut, "evaluations") == 1 + evaluations
        assert await read(ctx, dut, "evaluations_dropped") == 0
        made.append(await read(ctx, dut, "intents"))

    directed_sets(simulate, script)
    assert made == [1]


def test_a_set_with_another_checksum_is_refused_and_may_be_mended(simulate):
    async def script(ctx, dut):
        await load_set(ctx, dut, WIDER, LISTED)
        for name, value in PAIR.items():  # each parameter, its lowest bit
            row = PAIR | {"shares_a": 300}
            told = {0: row | {name: row[name] ^ 1}}
            await commit(ctx, dut, told, LISTED, 2)
            assert await settled(ctx, dut) == 1, name
            assert value is not None
        wrongs = [({}, LISTED, 2), (WIDER, {0: [0]}, 2), (WIDER, {0: [0], 1: [0], 2: [0]}, 2),
                  ({0: WIDER[0], 3: PAIR}, LISTED, 2)]  # fmt: skip
        for rows, listed, epoch in wrongs:
            await commit(ctx, dut, rows, listed, epoch)
            assert await settled(ctx, dut) == 1
        assert await read(ctx, dut, "refused_commits") == len(PAIR) + len(wrongs)
        await commit(ctx, dut, WIDER, LISTED, 2)
        assert await settled(ctx, dut) == 2
        assert await read(ctx, dut, "commits") == 2

    assert len(directed_sets(simulate, script)) == 2


def test_a_set_that_is_not_committed_changes_nothing(simulate):
    made = []

    async def script(ctx, dut):
        await load_set(ctx, dut, WIDER, LISTED)
        ctx.set(dut.intents.ready, 0)
        await publish(ctx, dut, OTHER)
        await publish(ctx, dut, DEAR)
        await idle(ctx, 10)
        made.append(told(ctx.get(dut.intents.payload)))

    directed_sets(simulate, script)
    assert made == [SHORT]


def test_nothing_is_taken_while_a_set_is_checked(simulate):
    async def script(ctx, dut):
        await load_set(ctx, dut, WIDER, LISTED)
        await commit(ctx, dut, WIDER, LISTED, 2)
        await write(ctx, dut, "epoch", 9)  # too late to matter
        await write(ctx, dut, "checksum", 0)
        for strobe in ("load", "set_list", "begin"):
            await write(ctx, dut, strobe)
        await write(ctx, dut, "commit")
        assert await settled(ctx, dut) == 2
        assert await read(ctx, dut, "refused_writes") == 3
        assert await read(ctx, dut, "refused_commits") == 1

    directed_sets(simulate, script)


def test_the_set_before_is_no_shadow_until_it_is_cleared(simulate):
    async def script(ctx, dut):
        assert not await read(ctx, dut, "shadow_ready")
        await write(ctx, dut, "load")
        assert await read(ctx, dut, "refused_writes") == 1
        await commit(ctx, dut, {0: PAIR}, LISTED, 1)
        assert await settled(ctx, dut) == 1
        assert await read(ctx, dut, "refused_commits") == 1
        await load_set(ctx, dut, {}, {})  # nothing of either set before is left in it
        await commit(ctx, dut, {}, {}, 3)
        assert await settled(ctx, dut) == 3

    directed_sets(simulate, script)


def test_flatten_closes_what_is_held_and_lets_nothing_in(simulate):
    made = []

    async def script(ctx, dut, clock):
        await publish(ctx, dut, OTHER)
        await publish(ctx, dut, DEAR)
        await idle(ctx, 10)
        for leg, side in ((0, Side.SELL), (1, Side.BUY)):
            await settle(ctx, dut, {"pair": 0, "leg": leg, "side": side, "filled": 7, "done": 1})
        await publish(ctx, dut, DEAR | {"cause": {"feed_ns": 5_000}})  # as far away as before
        await idle(ctx, 10)
        made.append(await read(ctx, dut, "intents"))
        await write(ctx, dut, "flatten")
        await idle(ctx, CHANGE + 2)
        assert await read(ctx, dut, "flattening")
        await publish(ctx, dut, DEAR | {"cause": {"feed_ns": 6_000}})
        await idle(ctx, 10)
        for leg, side in ((0, Side.BUY), (1, Side.SELL)):
            await settle(ctx, dut, {"pair": 0, "leg": leg, "side": side, "filled": 7, "done": 1})
        await publish(ctx, dut, DEAR | {"cause": {"feed_ns": 9_000}})
        await idle(ctx, 10)
        made.append(await read(ctx, dut, "intents"))
        await write(ctx, dut, "flatten", 0)
        await idle(ctx, CHANGE + 2)
        await publish(ctx, dut, DEAR | {"cause": {"feed_ns": 9_000}})
        await idle(ctx, 10)

    found = [intent for _, intent in directed(simulate, script)]
    assert made == [1, 2]
    assert [intent[2] for intent in found] == [
        IntentKind.ENTER_SHORT, IntentKind.EXIT, IntentKind.ENTER_SHORT
    ]  # fmt: skip
    assert found[1][3] == [(0, 0, Side.BUY, 7, 1_002_230), (1, 1, Side.SELL, 7, 999_930)]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("gap", [0, 5])
def test_each_quote_is_evaluated_under_the_old_set_or_the_new(simulate, seed, gap):
    """Sets and flatten change under quotes in every cycle; the record says exactly where."""
    rng = random.Random(f"sets {seed} {gap}")
    lists = [{0: [0, 3], 1: [0, 1, 2], 2: [1], 3: [2, 3]}, {0: [3], 1: [0, 2], 3: [1, 2, 3]}]
    sets = [(parameters_around(rng), lists[number % 2], number + 1) for number in range(5)]
    by_checksum = {checksum_of(*one): one for one in sets}
    dut, venue = StrategyStage(SMALL), Venue(rng)
    traffic, intents, applied, changes, done = [], [], [], [], []

    async def host(ctx):
        await set_up(ctx, dut, *sets[0])
        for rows, listed, epoch in sets[1:]:
            await load_set(ctx, dut, rows, listed)
            await write(ctx, dut, "flatten", rng.randrange(2))
            await commit(ctx, dut, rows, listed, epoch)
            assert await settled(ctx, dut) == epoch
            await idle(ctx, 150)
        done.append(True)

    async def book(ctx):
        await ctx.tick().until(dut.ready)
        for item in quotes_around(rng, 1_000_000):
            if done:
                break
            if item is None or rng.random() < 0.3:  # about 2 places a quote: not more than fit
                traffic.append(item)
                await publish(ctx, dut, item)
            await idle(ctx, rng.randrange(gap + 1) + 2)
        await idle(ctx, 100)
        while venue.waiting:
            await ctx.tick()
        await idle(ctx, 4)
        done.append(True)

    async def gate(ctx):
        ctx.set(dut.intents.ready, 1)
        while len(done) < 2:
            if ctx.get(dut.intents.valid):
                intents.append((*told(ctx.get(dut.intents.payload)),
                                ctx.get(dut.intents.p.epoch)))  # fmt: skip
                venue.hear(intents[-1][:5])
            if ctx.get(dut.applied.valid):
                record = ctx.get(dut.applied.payload)
                applied.append((record.evaluations, record.outcome))
            changes.extend(controls_of(ctx, dut))
            assert not ctx.get(dut.coalesced.valid)
            await ctx.tick()

    async def ledger(ctx):
        while len(done) < 2:
            if venue.waiting and rng.random() < 0.2:
                await settle(ctx, dut, venue.waiting.pop(0))
            else:
                await ctx.tick()

    simulate(dut, host, book, gate, ledger)

    oracle, outcomes, switches = Oracle(sets[0][0], {}), list(applied), list(changes)
    epochs, under = [], set()

    def apply_due():
        while outcomes and outcomes[0][0] == oracle.evaluations:
            found = outcomes.pop(0)[1]
            oracle.apply({name: getattr(found, name) for name in Outcome(PAIRS).members})

    published = epoch = 0
    for item in [*traffic, "end"]:
        while switches and switches[0][0] == published:
            _, epoch, checksum, flatten = switches.pop(0)
            rows, listed, expected = by_checksum[checksum]
            assert epoch == expected
            oracle.switch(rows, listed, bool(flatten))
        if item == "end":
            break
        if item is None:
            oracle.taint()
            continue
        for number in oracle.take(item):
            apply_due()
            oracle.evaluate(number, item["cause"])
            under.add(epoch)
            epochs += [epoch] * (len(oracle.intents) - len(epochs))
        published += 1
    apply_due()
    assert not outcomes
    assert not switches
    assert [intent[:5] for intent in intents] == oracle.intents
    assert [intent[5] for intent in intents] == epochs
    assert epochs
    assert under == {1, 2, 3, 4, 5}
    assert {epoch for _, epoch, _, _ in changes} == {1, 2, 3, 4, 5}
    assert {flatten for *_, flatten in changes} == {0, 1}
