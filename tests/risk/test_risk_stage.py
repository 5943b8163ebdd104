"""The risk stage as a whole lets out what section 8 of the specification allows, cycle by cycle."""

import random

import pytest
from amaranth import *
from oracle.risk_stage import (
    ARMED,
    CHECK_CYCLES,
    CLOSE_ONLY,
    HALTED,
    KILLED,
    LATENCY,
    LOOSE,
    NO_LEG,
    PAIRS,
    SLOTS,
    SMALL,
    SYMBOLS,
    TRADING,
    WATCHDOG_NS,
    Bench,
    Oracle,
    all_alike,
    answer,
    cycles,
    directed,
    failed,
    intent,
    leg,
    order_of,
    quote,
)

import tickwright.risk.stage as stage_module
from tickwright.feed.types import Side
from tickwright.order.types import ResponseKind
from tickwright.risk.checks import CHECKS, KILL_REASONS
from tickwright.risk.gate import Gate
from tickwright.risk.ledger import Ledger
from tickwright.risk.legs import LegChecks
from tickwright.risk.regs import RiskRegs
from tickwright.risk.stage import RiskStage
from tickwright.risk.touches import TouchTable
from tickwright.risk.types import GateState

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


def random_limits(rng):
    """Return a set in which some limits are other than the loose ones."""
    limits = all_alike(LOOSE)
    for row in limits.rows:
        if rng.random() < 0.4:
            row["max_shares"] = rng.choice([0, 400, 1_000, 2_000])
            row["collar"] = rng.choice([0, 99, 100, 1_000])
            row["max_position"] = rng.choice([900, 1_000])
    limits.max_shares = rng.choice([400, 1_000, 1_000, 2_000])
    limits.max_notional = rng.choice([20_000_000, 10**9, 2 * 10**9])
    return limits


def host_whim(rng, bench, in_force):
    """Let the host do something: kill, change limits, feed or not, try to load, arm again.

    ``in_force`` is the set that the host believes to be in force.
    """
    whim, wanted = rng.random(), random_limits(rng)
    if whim < 0.08:
        bench.host(kill=1)
    elif whim < 0.14:
        bench.host(close_only=1)
    elif whim < 0.35:
        limits = wanted if rng.random() < 0.3 else wanted.lowered(in_force)
        checksum = rng.choice([None, None, None, 1])
        epoch = rng.randrange(1, 100)
        bench.host_limits(limits, epoch=epoch, checksum=checksum, positions_confirmed=1)
        in_force = limits
    elif whim < 0.4:
        bench.host(symbol=1, symbol_position=1, load_position=1)
    elif whim < 0.45:
        bench.host(watchdog_ns=rng.choice([0, 500, 3_000]))
    elif whim < 0.5:
        bench.host(begin_limits=1, commit=1, load_limits=1)
    elif whim < 0.6:
        bench.host(feed_watchdog=1)
    else:
        in_force = all_alike(LOOSE)
        bench.host(kill=rng.random() < 0.2)
        bench.host_limits(in_force, positions_confirmed=rng.random() < 0.9)
        bench.host(watchdog_ns=rng.choice([3_000, WATCHDOG_NS]), feed_watchdog=1)
        bench.pause(rng.choice([0, CHECK_CYCLES - 5, *[CHECK_CYCLES * 3 // 2] * 8]))
        bench.host(feed_watchdog=1)
        bench.host(arm_as=rng.choice([CLOSE_ONLY, ARMED, ARMED]), arm=1)
    return in_force


def random_run(simulate, seed, *, cycles=16 * CHECK_CYCLES, faults=False):
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
        number, in_force = 0, all_alike(LOOSE)
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
                in_force = host_whim(rng, bench, in_force)
            await bench.cycle(ctx)
        bench.can_send, bench.outcomes_ready = 1, lambda: 1
        while bench.intents or bench.responses or bench.bus:
            await bench.cycle(ctx)
        for _ in range(30):
            await bench.cycle(ctx)
        bench.pause(CHECK_CYCLES)
        await bench.drain(ctx)
        for name in COUNTS:
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
        for holding in oracle.holdings:  # no set of this run has a higher limit
            assert 0 <= holding.buys <= LOOSE["max_position"] - holding.position
            assert 0 <= holding.sells <= LOOSE["max_position"] + holding.position
    return bench, oracle, registers, holdings


COUNTS = (
    "refused_arms",
    "refused_writes",
    "refused_commits",
    "limit_commits",
    "active_limits_epoch",
    "active_limits_checksum",
    "ledger_fault",
    "open_orders",
    "sent",
    "kill_reasons",
    "killed_at_ns",
    "state",
)
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
        "refused_commits": oracle.refused_commits,
        "limit_commits": oracle.commits,
        "active_limits_epoch": oracle.limits.epoch,
        "active_limits_checksum": oracle.limits.checksum(),
        "ledger_fault": oracle.fault,
        "open_orders": len(oracle.open),
        "sent": len(oracle.orders),
        "kill_reasons": sum(1 << KILL_REASONS.index(name) for name in oracle.kill_reasons),
        "killed_at_ns": oracle.killed_at_ns,
        "state": oracle.state,
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
        bench.host_limits(positions_confirmed=1)
        bench.pause(CHECK_CYCLES)
        bench.host(arm=1)
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
        bench.host(kill=1, symbol=0, symbol_position=77, load_position=1)
        await bench.drain(ctx)
        assert [await bench.read(ctx, name) for name in ("refused_writes", "position")] == [1, 0]
        assert await bench.read(ctx, "worst_long") == 100
        bench.responses.append(answer(1, ResponseKind.REJECTED))
        await cycles(ctx, bench, 8)
        bench.host(load_position=1)
        await bench.drain(ctx)
        assert [await bench.read(ctx, name) for name in ("refused_writes", "position")] == [1, 77]
        assert await bench.read(ctx, "worst_long") == 77

    directed(simulate, script)


def test_references_never_go_back(simulate):
    async def script(ctx, bench):
        def commit(first_user_ref):
            bench.host_limits(first_user_ref=first_user_ref, positions_confirmed=1)
            bench.pause(CHECK_CYCLES)

        bench.intents.append(intent(1, leg(0)))
        await cycles(ctx, bench, 8)
        bench.host(kill=1)
        commit(9)
        await bench.drain(ctx)
        assert await bench.read(ctx, "next_user_ref") == 2  # an order is open
        bench.responses.append(answer(1, ResponseKind.REJECTED))
        await cycles(ctx, bench, 8)
        commit(9)
        await bench.drain(ctx)
        assert await bench.read(ctx, "next_user_ref") == 9
        commit(1)
        bench.host(arm=1)
        await bench.drain(ctx)
        bench.intents.append(intent(2, leg(0)))
        await cycles(ctx, bench, 8)

    assert [order.user_ref for _, order in directed(simulate, script).orders] == [1, 9]


def test_tables_come_up_clear_whatever_they_held(simulate):
    dut = RiskStage(SMALL)
    bench = Bench(dut)

    async def world(ctx):
        # What comes before the tables are cleared is refused, and arms nothing.
        bench.host(positions_confirmed=1, commit=1, arm_as=ARMED, arm=1, load_position=1)
        await bench.drain(ctx)
        assert await bench.read(ctx, "state") == KILLED
        refused = [await bench.read(ctx, f"refused_{name}") for name in ("commits", "arms")]
        assert refused == [1, 1]
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
            m.d.comb += [
                accounts.account.worst_long.eq(before.worst_long - shares),
                accounts.write.worst_long.eq(1),
            ]


class LedgerInHaste(Ledger):
    """Lets a response go before it is applied."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        m.d.comb += self.responses.ready.eq(1)
        return m


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
    TouchesThatIgnoreTaints: 0,
    TouchesThatCountAhead: 0,
}


@pytest.mark.parametrize("mutant", FOUND_BY, ids=lambda mutant: mutant.__name__)
def test_a_mutant_is_found(simulate, monkeypatch, mutant):
    monkeypatch.setattr(stage_module, mutant.__base__.__name__, mutant)
    with pytest.raises(AssertionError):
        check_random_run(
            *random_run(simulate, f"{FOUND_BY[mutant]} False", cycles=8 * CHECK_CYCLES)
        )
