"""The risk stage as a whole lets out what section 8 of the specification allows, cycle by cycle."""

import random
from collections import deque
from dataclasses import dataclass, field

import pytest
from amaranth import *

import tickwright.risk.stage as stage_module
from tickwright.feed.types import Side
from tickwright.order.types import ResponseKind
from tickwright.risk.arming import Arming
from tickwright.risk.checks import CHECKS
from tickwright.risk.gate import Gate
from tickwright.risk.ledger import Ledger
from tickwright.risk.legs import LegChecks
from tickwright.risk.limits import LimitTable
from tickwright.risk.regs import RiskRegs
from tickwright.risk.stage import RiskStage
from tickwright.risk.touches import TouchTable
from tickwright.risk.types import GateState
from tickwright.strategy.types import IntentKind
from tickwright.top.presets import Preset

SYMBOLS, PAIRS, SLOTS = 4, 4, 4
SMALL = Preset(
    name="small",
    symbols=SYMBOLS,
    orders=64,
    window=64,
    pairs=PAIRS,
    fanout=4,
    hold=16,
    queue=8,
    slots=SLOTS,
)
LATENCY = 2  # cycles from an intent to its verdict and first order
TRADING, HALTED = ord("T"), ord("H")
KILLED, CLOSE_ONLY, ARMED = range(3)

LOOSE = {"max_shares": 1_000, "max_notional": 10**9, "max_position": 1_000, "collar": 100}


# --- the oracle: section 8, written down once more, one cycle after the other


@dataclass
class Holding:
    """A symbol, as the risk officer's book has it: open quantities, not worst cases."""

    limits: dict = field(default_factory=lambda: dict.fromkeys(LOOSE, 0))
    quote: dict = field(default_factory=lambda: {"bid": 0, "ask": 0, "status": 0, "trusted": 0})
    position: int = 0
    buys: int = 0
    sells: int = 0


@dataclass
class Placed:
    user_ref: int
    pair: int
    leg: int
    symbol: int
    side: Side
    remaining: int


class Oracle:
    """What the gate must say, given what comes in each cycle."""

    def __init__(self):
        self.holdings = [Holding() for _ in range(SYMBOLS)]
        self.max_shares = self.max_notional = 0
        self.registers = {}
        self.state, self.confirmed, self.fault = KILLED, False, False
        self.quotes_seen = self.responses_applied = 0
        self.next_ref = 0
        self.open = {}  # user reference -> order
        self.verdicts, self.orders, self.outcomes = [], [], []
        self.refused_arms = self.refused_writes = 0

    def checks(self, intent, feed_ok, session_ok, state):
        legs = [leg for leg in intent["legs"] if leg["valid"]]
        failed = set()
        if state == KILLED:
            failed.add("killed")
        if not feed_ok:
            failed.add("feed")
        if not session_ok:
            failed.add("session")
        if self.fault:
            failed.add("ledger")
        taken = {ref % SLOTS for ref in self.open}
        for ref, leg in enumerate(legs, start=self.next_ref):
            if ref % SLOTS in taken:
                failed.add("slots")
            failed |= self._checks_of(leg, state)
        return failed

    def _checks_of(self, leg, state):
        holding = self.holdings[leg["symbol"]]
        limits, quote, shares, price = holding.limits, holding.quote, leg["shares"], leg["price"]
        if leg["side"] == Side.BUY:
            worst = holding.position + holding.buys + shares
            beyond = quote["ask"] == 0 or price > quote["ask"] + limits["collar"]
        else:
            worst = holding.sells - holding.position + shares
            beyond = quote["bid"] == 0 or price + limits["collar"] < quote["bid"]
        fails = {
            "close_only": state == CLOSE_ONLY and worst > 0,
            "trust": not quote["trusted"],
            "halted": quote["status"] != TRADING,
            "shares": not 0 < shares <= min(limits["max_shares"], self.max_shares, 999_999),
            "notional": shares * price > min(limits["max_notional"], self.max_notional),
            "collar": beyond,
            "position": state != CLOSE_ONLY and worst > limits["max_position"],
            "price": not 0 < price <= 1_999_999_900,
        }
        return {name for name, failed in fails.items() if failed}

    def cycle(self, seen):
        """Take all that happened in a cycle."""
        strobes = {name for name, _ in seen.writes}
        if "kill" in strobes or self.fault:
            self.state, self.confirmed = KILLED, False
        nothing_open = not self.open
        placed = self._judge(seen) if seen.verdict is not None else []
        if seen.response is not None:
            self._respond(seen.response)
        for order in placed:
            self.open[order.user_ref] = order
        if seen.item is not None:
            self._publish(seen.item)
        for name, value in seen.writes:
            self._write(name, value, nothing_open, seen)

    def _judge(self, seen):
        assert seen.can_send, "judged while the transmitter was busy"
        intent = seen.intent
        failed = self.checks(intent, seen.feed_ok, seen.session_ok, self.state)
        self.verdicts.append(
            (
                intent["id"],
                failed,
                self.quotes_seen,
                self.responses_applied,
                self.state,
                seen.feed_ok,
                seen.session_ok,
            )
        )
        placed = []
        if failed:
            self.outcomes.append((intent["pair"], 1, 0, Side.BUY, 0, 0))
            return placed
        for number, leg in enumerate(intent["legs"]):
            if not leg["valid"]:
                continue
            symbol, side, shares = leg["symbol"], leg["side"], leg["shares"]
            holding = self.holdings[symbol]
            short = side == Side.SELL and holding.sells + shares > holding.position
            if side == Side.BUY:
                holding.buys += shares
            else:
                holding.sells += shares
            order = Placed(self.next_ref, intent["pair"], number, symbol, side, shares)
            self.orders.append(
                (self.next_ref, intent["id"], number, symbol, side, short, shares, leg["price"])
            )
            self.next_ref += 1
            placed.append(order)
        return placed

    def _respond(self, response):
        self.responses_applied += 1
        kind, shares = response["kind"], response["shares"]
        order = self.open.get(response["user_ref"])
        quantified = kind in (ResponseKind.EXECUTED, ResponseKind.CANCELED)
        if (
            order is None
            or kind == ResponseKind.UNHANDLED
            or (quantified and shares > order.remaining)
        ):
            self.fault = True
            return
        if kind == ResponseKind.ACCEPTED:
            return
        shares = shares if quantified else order.remaining
        filled = shares if kind == ResponseKind.EXECUTED else 0
        holding = self.holdings[order.symbol]
        if order.side == Side.BUY:
            holding.buys -= shares
            holding.position += filled
        else:
            holding.sells -= shares
            holding.position -= filled
        order.remaining -= shares
        done = order.remaining == 0
        if done:
            del self.open[order.user_ref]
        self.outcomes.append((order.pair, 0, order.leg, order.side, filled, done))

    def _publish(self, item):
        self.quotes_seen += 1
        if item == "taint":
            for holding in self.holdings:
                holding.quote["trusted"] = 0
        else:
            self.holdings[item["symbol"]].quote = dict(item)

    def _write(self, name, value, nothing_open, seen):
        registers = self.registers
        registers[name] = value
        loads = name == "load_symbol" and self.state == KILLED and nothing_open
        if name == "load_symbol" and not loads:
            self.refused_writes += 1
        elif loads:
            holding = self.holdings[registers["symbol"]]
            holding.limits = {limit: registers[f"symbol_{limit}"] for limit in LOOSE}
            holding.position = registers["symbol_position"]
            self.confirmed = False
        elif name == "commit":
            wanted = registers["max_shares"], registers["max_notional"]
            if self.state != KILLED:
                wanted = min(wanted[0], self.max_shares), min(wanted[1], self.max_notional)
            self.max_shares, self.max_notional = wanted
            if self.state == KILLED:
                self.confirmed = bool(registers["positions_confirmed"])
                if nothing_open:
                    self.next_ref = max(self.next_ref, registers["first_user_ref"])
        elif name == "arm":
            if self.state == KILLED and nothing_open and not self.fault and self.confirmed:
                self.state, self.confirmed = registers["arm_as"], False
            else:
                self.refused_arms += 1


# --- the bench: everything around the stage, one cycle after the other


@dataclass
class Seen:
    """What happened in a cycle."""

    item: object = None  # quote, or "taint"
    intent: object = None  # shown to the gate
    response: object = None  # taken by the ledger
    can_send: int = 0
    feed_ok: int = 1
    session_ok: int = 1
    writes: list = field(default_factory=list)  # controls and strobes that became visible
    verdict: object = None  # on the intent judged in this cycle


def write_words(name, value=1):
    """Return the bus writes of a register: (word, data, whether the register is then written)."""
    register = getattr(RiskRegs, name)
    bits = value & (1 << register.bits) - 1
    last = register.words - 1
    return [
        (register.offset // 4 + word, bits >> 32 * word & 0xFFFFFFFF, (name, value), word == last)
        for word in range(register.words)
    ]


class Bench:
    """Drives every port of the stage each cycle, and keeps what it saw."""

    def __init__(self, dut):
        self.dut = dut
        self.bus = deque()
        self.intents, self.responses, self.items = deque(), deque(), deque()
        self.cycles = []
        self.orders, self.outcomes = [], []
        self.busy = 0  # cycles until the transmitter is free
        self.can_send, self.feed_ok, self.session_ok = 1, 1, 1
        self.takes = 1  # whether a free transmitter takes orders
        self.frame_cycles = lambda: 3
        self.outcomes_ready = lambda: 1
        self.on_order = lambda order: None
        self._writes = []

    def host(self, **registers):
        for name, value in registers.items():
            self.bus.extend(write_words(name, value))

    async def start(self, ctx, *, limits=LOOSE, state=ARMED, positions=(0,) * SYMBOLS):
        """Load limits and positions, and arm."""
        while not ctx.get(self.dut.ready):
            await ctx.tick()
        ctx.set(self.dut.tables_ready, 1)
        for symbol in range(SYMBOLS):
            named = {f"symbol_{name}": value for name, value in limits.items()}
            self.host(symbol=symbol, **named, symbol_position=positions[symbol], load_symbol=1)
        self.host(max_shares=limits["max_shares"], max_notional=limits["max_notional"])
        self.host(positions_confirmed=1, first_user_ref=1, commit=1, arm_as=state, arm=1)
        await self.drain(ctx)

    async def drain(self, ctx):
        """Let cycles pass until the bus is quiet."""
        while self.bus:
            await self.cycle(ctx)
        await self.cycle(ctx)
        await self.cycle(ctx)

    async def read(self, ctx, name):
        register = getattr(RiskRegs, name)
        value = 0
        for word in range(register.words):
            ctx.set(self.dut.bus.addr, register.offset // 4 + word)
            ctx.set(self.dut.bus.r_en, 1)
            await self.cycle(ctx)
            ctx.set(self.dut.bus.r_en, 0)
            value |= ctx.get(self.dut.bus.r_data) << 32 * word
        return value

    async def cycle(self, ctx):
        dut, seen = self.dut, Seen(writes=self._writes)
        self._writes = []
        self._drive_bus(ctx)

        seen.item = self.items.popleft() if self.items else None
        is_quote = isinstance(seen.item, dict)
        ctx.set(dut.quotes.valid, is_quote)
        ctx.set(dut.taints.valid, seen.item == "taint")
        if is_quote:
            ctx.set(dut.quotes.payload, seen.item)

        for source, stream in ((self.intents, dut.intents), (self.responses, dut.responses)):
            ctx.set(stream.valid, bool(source))
            if source:
                ctx.set(stream.payload, source[0])
        seen.can_send = int(self.can_send and not self.busy)
        seen.feed_ok, seen.session_ok = self.feed_ok, self.session_ok
        ctx.set(dut.can_send, seen.can_send)
        ctx.set(dut.feed_ok, seen.feed_ok)
        ctx.set(dut.session_ok, seen.session_ok)
        takes = self.takes and not self.busy
        ctx.set(dut.orders.ready, takes)
        ctx.set(dut.outcomes.ready, self.outcomes_ready())

        self._sample(ctx, seen)
        self.cycles.append(seen)
        await ctx.tick()

    def _drive_bus(self, ctx):
        bus = self.dut.bus
        ctx.set(bus.w_en, bool(self.bus))
        if self.bus:
            word, bits, write, last = self.bus.popleft()
            ctx.set(bus.addr, word)
            ctx.set(bus.w_data, bits)
            if last:
                self._writes = [write]

    def _sample(self, ctx, seen):
        dut = self.dut
        if ctx.get(dut.verdicts.valid):
            self.cycles[-1].verdict = ctx.get(dut.verdicts.payload)
        if self.intents:
            seen.intent = self.intents[0]
            if ctx.get(dut.intents.ready):
                self.intents.popleft()
        if self.responses and ctx.get(dut.responses.ready):
            seen.response = self.responses.popleft()
        if ctx.get(dut.outcomes.valid) and ctx.get(dut.outcomes.ready):
            found = ctx.get(dut.outcomes.payload)
            self.outcomes.append(
                (found.pair, found.refused, found.leg, found.side, found.filled, found.done)
            )
        if self.busy:
            self.busy -= 1
        elif self.takes and ctx.get(dut.orders.valid):
            order = ctx.get(dut.orders.payload)
            self.orders.append((len(self.cycles), order))
            self.busy = self.frame_cycles()
            self.on_order(order)

    def told(self):
        """Return verdicts as the oracle has them."""
        return [verdict_of(seen.verdict) for seen in self.cycles if seen.verdict is not None]


def verdict_of(found):
    failed = {name for bit, name in enumerate(CHECKS) if found.checks >> bit & 1}
    assert found.checks >> len(CHECKS) == 0
    assert found.passed == (not failed)
    return (
        found.id,
        failed,
        found.quotes_seen,
        found.responses_applied,
        found.state.value,
        found.feed_ok,
        found.session_ok,
    )


def order_of(found):
    return (
        found.user_ref,
        found.intent_id,
        found.leg,
        found.symbol,
        found.side,
        bool(found.short),
        found.shares,
        found.price,
    )


def quote(symbol, bid=50_000, ask=50_100, *, status=TRADING, trusted=1):
    return {"symbol": symbol, "bid": bid, "ask": ask, "status": status, "trusted": trusted}


def leg(symbol, side=Side.BUY, shares=100, price=None):
    price = (50_100 if side == Side.BUY else 50_000) if price is None else price
    return {"valid": 1, "symbol": symbol, "side": side, "shares": shares, "price": price}


NO_LEG = {"valid": 0, "symbol": 0, "side": Side.BUY, "shares": 0, "price": 0}


def intent(number, *legs, pair=0):
    legs = [*legs, NO_LEG][:2]
    cause = {"sequence": 1_000 + number}
    return {"id": number, "pair": pair, "kind": IntentKind.EXIT, "legs": legs, "cause": cause}


def answer(user_ref, kind, shares=0):
    return {"user_ref": user_ref, "kind": kind, "shares": shares}


# --- random traffic


class Venue:
    """Answers orders by chance, in any order between orders, always within what is open."""

    def __init__(self, rng):
        self.rng = rng
        self.open = {}

    def hear(self, order):
        self.open[order.user_ref] = order.shares

    def answer(self):
        user_ref = self.rng.choice(list(self.open))
        left = self.open[user_ref]
        kind = self.rng.choices(
            [
                ResponseKind.ACCEPTED,
                ResponseKind.EXECUTED,
                ResponseKind.CANCELED,
                ResponseKind.DEAD,
                ResponseKind.REJECTED,
            ],
            [3, 8, 3, 1, 1],
        )[0]
        shares = self.rng.choice([left, self.rng.randrange(left + 1)])
        if kind in (ResponseKind.DEAD, ResponseKind.REJECTED):
            del self.open[user_ref]
        elif kind != ResponseKind.ACCEPTED:
            self.open[user_ref] -= shares
            if self.open[user_ref] == 0:
                del self.open[user_ref]
        return answer(user_ref, kind, shares)

    def misfit(self):
        """Return a response that fits no order."""
        kind = self.rng.choice([ResponseKind.EXECUTED, ResponseKind.CANCELED])
        if self.open and self.rng.random() < 0.5:
            user_ref, left = self.rng.choice(list(self.open.items()))
            return self.rng.choice(
                [answer(user_ref, kind, left + 1), answer(user_ref, ResponseKind.UNHANDLED)]
            )
        return answer(self.rng.choice([0, 77_777]), ResponseKind.ACCEPTED)


def random_intent(rng, number):
    symbols = rng.sample(range(SYMBOLS), 2)
    sides = rng.sample([Side.BUY, Side.SELL], 2)
    legs = [
        leg(symbol, side, rng.choice([50, 100, 400, 1_000, rng.randrange(1, 500)]))
        for symbol, side in zip(symbols, sides, strict=True)
    ]
    for item in legs:
        if rng.random() < 0.1:
            item["price"] += rng.choice([-101, -100, 100, 101, -item["price"]])
        if rng.random() < 0.03:
            item["shares"] = rng.choice([0, 1_001, 1_000_000])
    if rng.random() < 0.3:
        legs[rng.randrange(2)] = NO_LEG
    return intent(number, *legs, pair=rng.randrange(PAIRS))


def host_whim(rng, bench):
    """Let the host do something: kill, tighten, try to loosen, try to load, arm again."""
    whim = rng.random()
    if whim < 0.1:
        bench.host(kill=1)
    elif whim < 0.2:
        bench.host(max_shares=rng.choice([400, 1_000, 2_000]), commit=1)
    elif whim < 0.25:
        bench.host(max_notional=rng.choice([20_000_000, 10**9, 2 * 10**9]), commit=1)
    elif whim < 0.3:
        bench.host(symbol=1, symbol_max_position=2_000, symbol_position=1, load_symbol=1)
        bench.host(symbol_max_position=LOOSE["max_position"])
    else:
        bench.host(max_shares=1_000, max_notional=10**9, positions_confirmed=rng.random() < 0.9)
        bench.host(commit=1, arm_as=rng.choice([CLOSE_ONLY, ARMED, ARMED]), arm=1)


def random_run(simulate, seed, *, cycles=900, faults=False):
    """Let everything happen by chance; return the bench and the oracle after it."""
    rng = random.Random(seed)
    dut = RiskStage(SMALL)
    bench, venue = Bench(dut), Venue(rng)
    bench.frame_cycles = lambda: rng.randrange(6)
    bench.outcomes_ready = lambda: rng.random() < 0.7
    bench.on_order = venue.hear
    registers, holdings = {}, []

    async def world(ctx):
        await bench.start(ctx, positions=[0, 300, -300, 0])
        number = 0
        for now in range(cycles):
            if rng.random() < 0.3:
                bench.items.append(random_item(rng))
            if not bench.intents and rng.random() < 0.4:
                number += 1
                bench.intents.append(random_intent(rng, number))
            if not bench.responses and venue.open and rng.random() < 0.3:
                bench.responses.append(venue.answer())
            if faults and now == cycles * 2 // 3:
                bench.responses.append(venue.misfit())
            bench.can_send = rng.random() < 0.8
            if rng.random() < 0.03:
                bench.feed_ok = int(rng.random() < 0.8)
                bench.session_ok = int(rng.random() < 0.8)
            if not bench.bus and rng.random() < 0.06:
                host_whim(rng, bench)
            await bench.cycle(ctx)
        bench.can_send, bench.outcomes_ready = 1, lambda: 1
        while bench.intents or bench.responses or bench.bus:
            await bench.cycle(ctx)
        for _ in range(30):
            await bench.cycle(ctx)
        for name in ("refused_arms", "refused_writes", "ledger_fault", "open_orders", "sent"):
            registers[name] = await bench.read(ctx, name)
        for symbol in range(SYMBOLS):
            bench.host(symbol=symbol)
            await bench.drain(ctx)
            account = [await bench.read(ctx, name) for name in ACCOUNT]
            holdings.append(
                [signed(bits, name) for bits, name in zip(account, ACCOUNT, strict=True)]
            )

    simulate(dut, world)

    oracle = Oracle()
    for seen in bench.cycles:
        oracle.cycle(seen)
        for holding in oracle.holdings:
            limit = holding.limits["max_position"]
            assert 0 <= holding.buys <= limit - holding.position
            assert 0 <= holding.sells <= limit + holding.position
    return bench, oracle, registers, holdings


ACCOUNT = ("position", "worst_long", "worst_short")


def signed(bits, name):
    width = getattr(RiskRegs, name).bits
    return bits - (1 << width) if bits >> width - 1 else bits


def random_item(rng):
    if rng.random() < 0.03:
        return "taint"
    return quote(
        rng.randrange(SYMBOLS),
        rng.choice([0, 49_900, *[50_000] * 18]),
        rng.choice([0, 50_200, *[50_100] * 18]),
        status=rng.choice([HALTED, *[TRADING] * 12]),
        trusted=rng.random() < 0.95,
    )


def check_random_run(bench, oracle, registers, holdings):
    assert bench.told() == oracle.verdicts
    assert [order_of(order) for _, order in bench.orders] == oracle.orders
    assert bench.outcomes == oracle.outcomes
    assert registers == {
        "refused_arms": oracle.refused_arms,
        "refused_writes": oracle.refused_writes,
        "ledger_fault": oracle.fault,
        "open_orders": len(oracle.open),
        "sent": len(oracle.orders),
    }
    assert holdings == [
        [h.position, h.position + h.buys, h.sells - h.position] for h in oracle.holdings
    ]


@pytest.mark.parametrize("faults", [False, True], ids=["sound-venue", "misfit-response"])
@pytest.mark.parametrize("seed", range(2))
def test_random_traffic_is_judged_as_the_oracle_does(simulate, seed, faults):
    run = random_run(simulate, f"{seed} {faults}", faults=faults)
    check_random_run(*run)
    _, oracle, *_ = run
    assert len(oracle.orders) >= 10
    assert oracle.fault == faults


# --- one thing at a time


def directed(simulate, script, *, state=ARMED, positions=(0,) * SYMBOLS, sane=True):
    """Run a script against a stage that is armed and whose symbols all have a sound quote.

    The oracle is asked too, unless intents come that are not sane.
    """
    dut = RiskStage(SMALL)
    bench = Bench(dut)

    async def world(ctx):
        await bench.start(ctx, state=state, positions=positions)
        bench.items.extend(quote(symbol) for symbol in range(SYMBOLS))
        for _ in range(SYMBOLS):
            await bench.cycle(ctx)
        await script(ctx, bench)

    simulate(dut, world)
    if not sane:
        return bench
    oracle = Oracle()
    for seen in bench.cycles:
        oracle.cycle(seen)
    assert bench.told() == oracle.verdicts
    assert [order_of(order) for _, order in bench.orders] == oracle.orders
    assert bench.outcomes == oracle.outcomes[: len(bench.outcomes)]
    return bench


async def cycles(ctx, bench, count):
    for _ in range(count):
        await bench.cycle(ctx)


def failed(bench):
    return [checks for _, checks, *_ in bench.told()]


@pytest.mark.parametrize("idle", [0, 1, 2, 5])
def test_verdict_and_first_order_come_after_2_cycles(simulate, idle):
    shown = []

    async def script(ctx, bench):
        bench.frame_cycles = lambda: 0
        for number in range(SLOTS // 2):
            await cycles(ctx, bench, idle)
            shown.append(len(bench.cycles))
            bench.intents.append(intent(number, leg(0), leg(1, Side.SELL)))
            await cycles(ctx, bench, 5)

    bench = directed(simulate, script)
    assert [at for at, order in bench.orders if order.leg == 0] == [at + LATENCY for at in shown]
    assert [at for at, order in bench.orders if order.leg == 1] == [
        at + LATENCY + 1 for at in shown
    ]
    judged = [at for at, seen in enumerate(bench.cycles) if seen.verdict is not None]
    assert [at + 1 for at in judged] == [at + LATENCY for at in shown]


@pytest.mark.parametrize("busy", [1, 2, 7])
def test_an_intent_waits_for_the_transmitter_and_is_judged_by_what_is_newest_then(simulate, busy):
    async def script(ctx, bench):
        bench.can_send = 0
        bench.intents.append(intent(1, leg(0), leg(1, Side.SELL)))
        bench.intents.append(intent(2, leg(2), leg(3, Side.SELL)))
        await cycles(ctx, bench, 3)
        bench.items.append(quote(0, status=HALTED))
        await cycles(ctx, bench, busy)
        assert not bench.told()
        bench.can_send = 1
        await cycles(ctx, bench, 8)

    bench = directed(simulate, script)
    assert failed(bench) == [{"halted"}, set()]
    assert [order.symbol for _, order in bench.orders] == [2, 3]


@pytest.mark.parametrize(
    ("late", "fails"),
    [pytest.param(0, {"trust"}, id="before"), pytest.param(1, set(), id="too-late")],
)
@pytest.mark.parametrize("item", ["taint", quote(0, trusted=0)], ids=["taint", "quote"])
def test_a_judgement_sees_what_came_up_to_the_cycle_before(simulate, late, fails, item):
    async def script(ctx, bench):
        bench.intents.append(intent(1, leg(0)))
        await cycles(ctx, bench, late)
        bench.items.append(item)
        await cycles(ctx, bench, 5)

    bench = directed(simulate, script)
    assert failed(bench) == [fails]
    assert [seen for _, _, seen, *_ in bench.told()] == [SYMBOLS + 1 - late]


@pytest.mark.parametrize(
    ("kill_at", "passes"),
    [(-1, False), (0, False), (1, True), (2, True)],
    ids=["before", "with", "after-1", "after-2"],
)
def test_a_kill_stops_what_is_judged_in_its_cycle(simulate, kill_at, passes):
    async def script(ctx, bench):
        # The write shows as a strobe a cycle later; the intent is judged a cycle later too.
        if kill_at < 0:
            bench.host(kill=1)
            await bench.cycle(ctx)
        bench.intents.append(intent(1, leg(0), leg(1, Side.SELL)))
        await cycles(ctx, bench, max(kill_at, 0))
        if kill_at >= 0:
            bench.host(kill=1)
        await cycles(ctx, bench, 8)
        bench.intents.append(intent(2, leg(2)))
        await cycles(ctx, bench, 8)

    bench = directed(simulate, script)
    assert failed(bench) == [set() if passes else {"killed"}, {"killed"}]
    assert len(bench.orders) == (2 if passes else 0)


ALONE = {
    "trust": {"item": quote(1, trusted=0)},
    "halted": {"item": quote(1, status=HALTED)},
    "shares": {"legs": [leg(0), leg(1, Side.SELL, 0)]},
    "notional": {
        "legs": [leg(0), leg(1, price=1_100_000, shares=1_000)],
        "item": quote(1, ask=1_100_000),
    },
    "collar": {"legs": [leg(0), leg(1, price=50_201)]},
    "price": {"legs": [leg(0), leg(1, Side.SELL, price=0)], "item": quote(1, 100)},
    "feed": {"feed_ok": 0},
    "session": {"session_ok": 0},
}


@pytest.mark.parametrize("check", ALONE)
def test_one_check_refuses_both_legs(simulate, check):
    changes = ALONE[check]

    async def script(ctx, bench):
        bench.items.extend(filter(None, [changes.get("item")]))
        bench.feed_ok, bench.session_ok = changes.get("feed_ok", 1), changes.get("session_ok", 1)
        await bench.cycle(ctx)
        bench.intents.append(intent(1, *changes.get("legs", [leg(0), leg(1)]), pair=3))
        await cycles(ctx, bench, 8)
        assert await bench.read(ctx, f"refused_{check}") == 1
        assert await bench.read(ctx, "refused") == 1
        assert await bench.read(ctx, "sent") == 0

    bench = directed(simulate, script)
    assert failed(bench) == [{check}]
    assert bench.outcomes == [(3, 1, 0, Side.BUY, 0, 0)]


def test_position_counts_what_is_open_on_either_side(simulate):
    async def script(ctx, bench):
        bench.frame_cycles = lambda: 0
        for number, legs in enumerate(
            [
                [leg(0, shares=600), leg(1, Side.SELL, 600)],
                [leg(0, shares=401)],
                [leg(1, Side.SELL, 401)],
                [leg(0, shares=400), leg(1, Side.SELL, 400)],
            ]
        ):
            bench.intents.append(intent(number, *legs))
            await cycles(ctx, bench, 8)

    bench = directed(simulate, script)
    assert failed(bench) == [set(), {"position"}, {"position"}, set()]


def test_slots_are_free_again_only_when_orders_are_done(simulate):
    async def script(ctx, bench):
        bench.frame_cycles = lambda: 0
        for number in range(3):
            bench.intents.append(intent(number, leg(0, shares=10), leg(1, Side.SELL, 10)))
            await cycles(ctx, bench, 8)
        assert await bench.read(ctx, "open_orders") == 4
        bench.responses.append(answer(1, ResponseKind.EXECUTED, 4))
        bench.responses.append(answer(1, ResponseKind.CANCELED, 6))
        bench.responses.append(answer(3, ResponseKind.REJECTED))
        await cycles(ctx, bench, 20)
        assert await bench.read(ctx, "open_orders") == 2
        bench.intents.append(intent(3, leg(0, shares=10), leg(1, Side.SELL, 10)))
        bench.intents.append(intent(4, leg(0, shares=10)))
        await cycles(ctx, bench, 8)

    bench = directed(simulate, script)
    # References 5 and 6 want the slots of 1 and 2; that of 2 is taken, so only the last fits.
    assert failed(bench) == [set(), set(), {"slots"}, {"slots"}, set()]


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(answer(99, ResponseKind.ACCEPTED), id="unknown"),
        pytest.param(answer(1, ResponseKind.EXECUTED, 101), id="executed-too-much"),
        pytest.param(answer(1, ResponseKind.EXECUTED, 2**32 - 1), id="executed-far-too-much"),
        pytest.param(answer(1, ResponseKind.CANCELED, 101), id="canceled-too-much"),
        pytest.param(answer(1, ResponseKind.UNHANDLED), id="unhandled"),
        pytest.param(answer(1 + SLOTS, ResponseKind.ACCEPTED), id="same-slot-other-reference"),
    ],
)
def test_a_misfit_response_kills_for_good(simulate, response):
    async def script(ctx, bench):
        bench.intents.append(intent(1, leg(0)))
        await cycles(ctx, bench, 8)
        bench.responses.append(response)
        await cycles(ctx, bench, 8)
        assert await bench.read(ctx, "ledger_fault") == 1
        bench.responses.append(answer(1, ResponseKind.REJECTED))
        bench.host(commit=1, arm=1)
        await bench.drain(ctx)
        assert await bench.read(ctx, "state") == KILLED
        assert await bench.read(ctx, "refused_arms") == 1
        bench.intents.append(intent(2, leg(0)))
        await cycles(ctx, bench, 8)

    assert failed(directed(simulate, script)) == [set(), {"killed", "ledger"}]


def test_no_outcome_is_lost_when_the_strategy_is_slow(simulate):
    fills = 30

    async def script(ctx, bench):
        bench.outcomes_ready = lambda: 0
        bench.intents.append(intent(1, leg(0, shares=fills)))
        await cycles(ctx, bench, 8)
        bench.responses.extend(answer(1, ResponseKind.EXECUTED, 1) for _ in range(fills))
        await cycles(ctx, bench, 60)
        assert bench.responses  # they wait
        bench.feed_ok = 0
        for number in range(PAIRS):
            bench.intents.append(intent(2 + number, leg(0), pair=number))
        await cycles(ctx, bench, 20)
        assert not bench.intents  # refusals do not wait for them
        bench.outcomes_ready = lambda: 1
        await cycles(ctx, bench, 4 * fills)
        assert await bench.read(ctx, "open_orders") == 0

    bench = directed(simulate, script)
    assert len(bench.outcomes) == fills + PAIRS
    assert sum(filled for _, _, _, _, filled, _ in bench.outcomes) == fills


def test_close_only_lets_a_position_shrink_and_no_more(simulate):
    async def script(ctx, bench):
        for number, legs in enumerate(
            [
                [leg(0, Side.BUY, 1)],
                [leg(1, Side.SELL, 1)],
                [leg(2, Side.BUY, 1)],
                [leg(0, Side.SELL, 101)],
                [leg(0, Side.SELL, 60), leg(1, Side.BUY, 60)],
                [leg(0, Side.SELL, 41)],
                [leg(0, Side.SELL, 40), leg(1, Side.BUY, 40)],
            ]
        ):
            bench.intents.append(intent(number, *legs))
            await cycles(ctx, bench, 12)

    bench = directed(simulate, script, state=CLOSE_ONLY, positions=[100, -100, 0, 0])
    closing = {"close_only"}
    assert failed(bench) == [closing, closing, closing, closing, set(), closing, set()]
    assert [bool(order.short) for _, order in bench.orders] == [False] * 4


@pytest.mark.parametrize(
    ("legs", "check"),
    [
        pytest.param([], "shares", id="no-leg"),
        pytest.param([leg(0), leg(0, Side.SELL)], "position", id="one-symbol-twice"),
    ],
)
def test_an_intent_that_no_strategy_should_make_is_refused(simulate, legs, check):
    async def script(ctx, bench):
        bench.intents.append(intent(1, *legs))
        await cycles(ctx, bench, 8)

    assert failed(directed(simulate, script, sane=False)) == [{check}]


def test_an_order_that_is_not_taken_keeps_the_next_intent_waiting(simulate):
    async def script(ctx, bench):
        bench.frame_cycles = lambda: 0
        bench.takes = 0
        bench.intents.append(intent(1, leg(0), leg(1, Side.SELL)))
        bench.intents.append(intent(2, leg(2)))
        await cycles(ctx, bench, 10)
        assert len(bench.told()) == 1
        bench.takes = 1
        await cycles(ctx, bench, 10)

    assert [order.user_ref for _, order in directed(simulate, script).orders] == [1, 2, 3]


def test_a_position_is_loaded_only_when_no_order_is_open(simulate):
    async def script(ctx, bench):
        bench.intents.append(intent(1, leg(0)))
        await cycles(ctx, bench, 8)
        bench.host(kill=1, symbol=0, symbol_position=77, load_symbol=1)
        await bench.drain(ctx)
        assert [await bench.read(ctx, name) for name in ("refused_writes", "position")] == [1, 0]
        assert await bench.read(ctx, "worst_long") == 100
        bench.responses.append(answer(1, ResponseKind.REJECTED))
        await cycles(ctx, bench, 8)
        bench.host(load_symbol=1)
        await bench.drain(ctx)
        assert [await bench.read(ctx, name) for name in ("refused_writes", "position")] == [1, 77]
        assert await bench.read(ctx, "worst_long") == 77

    directed(simulate, script)


def test_references_never_go_back(simulate):
    async def script(ctx, bench):
        bench.intents.append(intent(1, leg(0)))
        await cycles(ctx, bench, 8)
        bench.host(kill=1, first_user_ref=9, commit=1)
        await bench.drain(ctx)
        assert await bench.read(ctx, "next_user_ref") == 2  # an order is open
        bench.responses.append(answer(1, ResponseKind.REJECTED))
        await cycles(ctx, bench, 8)
        bench.host(commit=1)
        await bench.drain(ctx)
        assert await bench.read(ctx, "next_user_ref") == 9
        bench.host(first_user_ref=1, commit=1, arm=1)
        await bench.drain(ctx)
        bench.intents.append(intent(2, leg(0)))
        await cycles(ctx, bench, 8)

    assert [order.user_ref for _, order in directed(simulate, script).orders] == [1, 9]


def test_nothing_loosens_while_orders_may_leave(simulate):
    async def script(ctx, bench):
        bench.host(max_shares=50, commit=1)
        await bench.drain(ctx)
        bench.host(max_shares=1_000, symbol=0, symbol_position=-500, commit=1, load_symbol=1)
        await bench.drain(ctx)
        assert await bench.read(ctx, "refused_writes") == 1
        bench.intents.append(intent(1, leg(0, shares=51)))
        bench.intents.append(intent(2, leg(0, shares=50)))
        await cycles(ctx, bench, 12)

    assert failed(directed(simulate, script)) == [{"shares"}, set()]


def test_tables_come_up_clear_whatever_they_held(simulate):
    dut = RiskStage(SMALL)
    bench = Bench(dut)

    async def world(ctx):
        # What comes before the tables are cleared is refused, and arms nothing.
        bench.host(positions_confirmed=1, commit=1, arm_as=ARMED, arm=1, load_symbol=1)
        await bench.drain(ctx)
        assert await bench.read(ctx, "state") == KILLED
        assert await bench.read(ctx, "refused_arms") == 1
        ctx.set(dut.tables_ready, 1)
        bench.items.extend(quote(symbol) for symbol in range(SYMBOLS))
        await cycles(ctx, bench, 5)
        bench.intents.append(intent(1, leg(0)))
        await cycles(ctx, bench, 8)

    simulate(dut, world)
    assert failed(bench) == [{"killed", "shares", "notional", "position"}]


# --- mutants: a stage with one thing wrong, which random traffic must find


class GateWithoutKill(Gate):
    """Passes what only the state forbids."""

    def _failed(self, judged):
        return super()._failed(judged) & ~(1 << CHECKS.index("killed"))


class GateWithHalfIntents(Gate):
    """Looks at the first leg that is there only."""

    def _failed(self, judged):
        first, second = (self.checked[number].failed for number in range(2))
        both = super()._failed(judged)
        return (both & ~second) | Mux(judged.legs[0].valid, first, second)


class GateThatWaitsForNobody(Gate):
    """Judges while the transmitter is busy."""

    def elaborate(self, platform):
        self.can_send = C(1)
        return super().elaborate(platform)


class ChecksWithoutOpenSells(LegChecks):
    """Forgets the sells that are still open."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        sells = self.leg.valid & (self.leg.side == Side.SELL)
        with m.If(sells):
            worst = self.leg.shares - self.account.position
            m.d.comb += self.position.eq(
                (self.state != GateState.CLOSE_ONLY) & (worst > self.limits.max_position)
            )
        return m


class LedgerThatFreesEarly(Ledger):
    """Frees the worst case of a side when it fills, as if a fill were a cancel."""

    def _account(self, m, accounts, buys, executes, shares):
        super()._account(m, accounts, buys, executes, shares)
        before = accounts.accounts[len(accounts.accounts) - 1]
        with m.If(self.settles & executes & buys):
            m.d.comb += accounts.account.worst_long.eq(before.worst_long - shares)


class LedgerInHaste(Ledger):
    """Lets a response go before it is applied."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.responses.ready.eq(1)
        return m


class LimitsThatLoosen(LimitTable):
    """Puts a higher limit in force while orders may leave."""

    def elaborate(self, platform):
        self.killed = C(1)
        return super().elaborate(platform)


class ArmingWithOrdersOpen(Arming):
    """Arms while orders are open."""

    def elaborate(self, platform):
        self.idle = C(1)
        return super().elaborate(platform)


class ArmingUnconfirmed(Arming):
    """Takes every commit for a confirmation of the positions."""

    def elaborate(self, platform):
        self.positions_confirmed = C(1)
        return super().elaborate(platform)


class TouchesThatIgnoreTaints(TouchTable):
    """Counts a taint, but trusts on."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += [self.touches[number].trusted.eq(1) for number in range(2)]
        return m


class TouchesThatCountAhead(TouchTable):
    """Counts a quote in the cycle it comes, before it can be read."""

    def elaborate(self, platform):
        counted, self.quotes_seen = self.quotes_seen, Signal(32)
        m = super().elaborate(platform)
        m.d.comb += counted.eq(self.quotes_seen + (self.quotes.valid | self.taints.valid))
        return m


FOUND_BY = {  # mutant: the first seed that finds it
    GateWithoutKill: 0,
    GateWithHalfIntents: 0,
    GateThatWaitsForNobody: 0,
    ChecksWithoutOpenSells: 2,
    LedgerThatFreesEarly: 0,
    LedgerInHaste: 0,
    LimitsThatLoosen: 0,
    ArmingWithOrdersOpen: 8,
    ArmingUnconfirmed: 0,
    TouchesThatIgnoreTaints: 0,
    TouchesThatCountAhead: 0,
}


@pytest.mark.parametrize("mutant", FOUND_BY, ids=lambda mutant: mutant.__name__)
def test_a_mutant_is_found(simulate, monkeypatch, mutant):
    monkeypatch.setattr(stage_module, mutant.__base__.__name__, mutant)
    with pytest.raises(AssertionError):
        check_random_run(*random_run(simulate, f"{FOUND_BY[mutant]} False", cycles=500))
