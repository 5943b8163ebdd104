"""The watchdog runs out exactly when the host has been silent for its time, and kills the gate."""

import random

import pytest
from amaranth import *
from oracle.risk_stage import (
    ARMED,
    CHECK_CYCLES,
    CYCLE_NS,
    KILLED,
    cycles,
    directed,
    failed,
    intent,
    leg,
)

import tickwright.risk.stage as stage_module
from tickwright.risk.checks import KILL_REASONS
from tickwright.risk.watchdog import Watchdog

WAIT_NS = 1_000
BY_WATCHDOG = 1 << KILL_REASONS.index("watchdog")


class Dog:
    """Drives a watchdog, a cycle at a time."""

    def __init__(self, dut, ctx):
        self.dut, self.ctx = dut, ctx

    async def cycle(self, now_ns, *, feed=0, killed=0, wait_ns=None):
        """Let a cycle pass; return whether it has run out, as the next one sees it."""
        dut, ctx = self.dut, self.ctx
        ctx.set(dut.now_ns, now_ns)
        ctx.set(dut.feed_watchdog, feed)
        ctx.set(dut.killed, killed)
        if wait_ns is not None:
            ctx.set(dut.watchdog_ns, wait_ns)
        await ctx.tick()
        return bool(ctx.get(dut.expired))

    async def fed(self, now_ns, wait_ns=WAIT_NS):
        """Set its time while killed, and feed it."""
        assert await self.cycle(now_ns, killed=1, wait_ns=wait_ns)
        return await self.cycle(now_ns, feed=1, killed=1)


@pytest.fixture
def watched(simulate):
    """Run a script against a watchdog."""

    def run(script, dut=None):
        dut = Watchdog() if dut is None else dut

        async def host(ctx):
            assert ctx.get(dut.expired) == 1  # wakes so
            await script(Dog(dut, ctx))

        simulate(dut, host)

    return run


@pytest.mark.parametrize("start_ns", [0, 5, 86_400 * 10**9, 2**64 - 1 - WAIT_NS])
def test_it_runs_out_exactly_when_its_time_has_passed(watched, start_ns):
    async def script(dog):
        assert not await dog.fed(start_ns)
        assert not await dog.cycle(start_ns)
        assert not await dog.cycle(start_ns + WAIT_NS - 1)
        assert await dog.cycle(start_ns + WAIT_NS)  # one cycle from the moment
        assert await dog.cycle(start_ns + WAIT_NS)

    watched(script)


def test_a_feed_lets_the_time_begin_anew(watched):
    async def script(dog):
        await dog.fed(0)
        for feed_ns in range(WAIT_NS - 1, 50 * WAIT_NS, WAIT_NS - 1):
            assert not await dog.cycle(feed_ns, feed=1)
        assert not await dog.cycle(feed_ns + WAIT_NS - 1)
        assert await dog.cycle(feed_ns + WAIT_NS)

    watched(script)


def feed_in_the_last_cycle(watched, dut=None):
    async def script(dog):
        await dog.fed(0)
        assert await dog.cycle(WAIT_NS, feed=1)
        assert await dog.cycle(WAIT_NS)
        assert not await dog.cycle(WAIT_NS, feed=1)  # the next one is in time for what follows

    watched(script, dut)


def test_a_feed_in_the_cycle_in_which_it_runs_out_is_too_late(watched):
    feed_in_the_last_cycle(watched)


def test_with_a_time_of_0_no_feed_sets_it_going(watched):
    async def script(dog):
        assert await dog.fed(7, wait_ns=0)
        for now_ns in range(8, 20):
            assert await dog.cycle(now_ns, feed=1, killed=1)

    watched(script)


def test_without_a_feed_it_never_goes(watched):
    async def script(dog):
        for now_ns in range(20):
            assert await dog.cycle(now_ns, killed=1, wait_ns=2**48 - 1)

    watched(script)


@pytest.mark.parametrize("wait_ns", [0, WAIT_NS // 2, WAIT_NS + 1, 2**48 - 1])
def test_its_time_is_taken_only_while_killed_and_asks_for_a_feed(watched, wait_ns):
    async def script(dog):
        await dog.fed(0)
        assert not await dog.cycle(1, wait_ns=wait_ns)
        assert not await dog.cycle(WAIT_NS - 1, feed=1)
        assert not await dog.cycle(2 * WAIT_NS - 2)
        assert await dog.cycle(2 * WAIT_NS - 1, killed=1)  # new, and run out
        assert await dog.cycle(2 * WAIT_NS, killed=1)
        start_ns = 2 * WAIT_NS + 1
        assert await dog.cycle(start_ns, killed=1, feed=1) == (wait_ns == 0)
        if wait_ns:
            assert not await dog.cycle(start_ns + wait_ns - 1)
            assert await dog.cycle(start_ns + wait_ns)

    watched(script)


def test_a_new_time_ends_the_old_one_at_once(watched):
    async def script(dog):
        await dog.fed(0)
        assert await dog.cycle(1, killed=1, wait_ns=WAIT_NS + 1)
        assert not await dog.cycle(1, killed=1, feed=1)
        assert await dog.cycle(1 + WAIT_NS + 1)

    watched(script)


@pytest.mark.parametrize("seed", range(2))
def test_by_chance_it_is_what_the_specification_says(watched, seed):
    rng = random.Random(seed)

    async def script(dog):
        wait_ns = given_ns = now_ns = fed_ns = 0
        expired, ran_out = True, 0
        for _ in range(1_000):
            now_ns += rng.choice([0, 1, 6, 6, 7, 40, rng.randrange(200)])
            feed, killed = rng.random() < 0.2, expired or rng.random() < 0.2
            if rng.random() < 0.05:
                given_ns = rng.choice([0, 1, 20, 100, 300])
            found = await dog.cycle(now_ns, feed=feed, killed=killed, wait_ns=given_ns)
            late = not expired and now_ns - fed_ns >= wait_ns
            ran_out += late
            if feed:
                fed_ns = now_ns
                expired = late or wait_ns == 0
            expired |= late
            if killed and given_ns != wait_ns:
                wait_ns, expired = given_ns, True
            assert found == expired
        assert ran_out > 5

    watched(script)


# --- in the risk stage


async def watch(ctx, bench, wait_ns):
    """Let the gate be armed with another time of the watchdog; return in the cycle of the feed."""
    bench.host(kill=1, watchdog_ns=wait_ns, feed_watchdog=1)
    bench.host_limits(positions_confirmed=1)
    bench.pause(CHECK_CYCLES)
    bench.host(feed_watchdog=1, arm_as=ARMED, arm=1)
    bench.host(feed_watchdog=1)
    while bench.bus:
        await bench.cycle(ctx)


def silence(simulate, left):
    """Return the checks of an intent that is judged ``left`` cycles before the gate is killed."""
    wait = 200  # cycles
    seen = {}

    async def script(ctx, bench):
        await watch(ctx, bench, wait * CYCLE_NS)
        fed_ns = CYCLE_NS * len(bench.cycles)
        # The feed is seen in the next cycle, and the kill a cycle after its time has passed.
        await cycles(ctx, bench, wait + 1 - left - 1)
        bench.intents.append(intent(1, leg(0)))
        await cycles(ctx, bench, 8)
        names = "state", "kill_reasons", "killed_at_ns"
        found = [await bench.read(ctx, name) for name in names]
        seen["told"] = [*found[:2], found[2] - fed_ns - wait * CYCLE_NS]

    checks = failed(directed(simulate, script))
    return checks, seen["told"]


@pytest.mark.parametrize(("left", "fails"), [(2, set()), (1, set()), (0, {"killed"})])
def test_a_silent_host_kills_the_gate_in_the_cycle_after_its_time(simulate, left, fails):
    checks, told = silence(simulate, left)
    assert checks == [fails]
    assert told == [KILLED, BY_WATCHDOG, CYCLE_NS]


def test_a_gate_killed_by_silence_needs_all_that_arming_needs(simulate):
    async def script(ctx, bench):
        await watch(ctx, bench, 50 * CYCLE_NS)
        await cycles(ctx, bench, 60)

        async def refused(**writes):
            bench.host(**writes, arm=1)
            await bench.drain(ctx)
            assert await bench.read(ctx, "state") == KILLED
            return await bench.read(ctx, "watchdog_expired")

        assert await refused() == 1
        assert await refused(feed_watchdog=1) == 0  # unconfirmed
        bench.host_limits(positions_confirmed=1)
        bench.pause(CHECK_CYCLES)
        assert await refused() == 1  # run out again
        bench.host(feed_watchdog=1, arm=1)
        await bench.drain(ctx)
        assert await bench.read(ctx, "state") == ARMED
        assert await bench.read(ctx, "kill_reasons") == 0

    directed(simulate, script)


# --- mutants


class WatchdogAsleep(Watchdog):
    """Never runs out."""

    def elaborate(self, platform):
        expired, self.expired = self.expired, Signal(init=1)
        m = super().elaborate(platform)
        m.d.comb += expired.eq(0)
        return m


class WatchdogFedLate(Watchdog):
    """Lets a feed save it in the cycle in which it runs out."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        with m.If(self.feed_watchdog & (self.watchdog_ns != 0)):
            m.d.sync += self.expired.eq(0)
        return m


def test_a_watchdog_that_sleeps_is_found(simulate, monkeypatch):
    monkeypatch.setattr(stage_module, "Watchdog", WatchdogAsleep)
    with pytest.raises(AssertionError):
        test_a_silent_host_kills_the_gate_in_the_cycle_after_its_time(simulate, 0, {"killed"})


def test_a_watchdog_that_is_fed_late_is_found(watched):
    with pytest.raises(AssertionError):
        feed_in_the_last_cycle(watched, WatchdogFedLate())
