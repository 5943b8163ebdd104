"""A set of limits comes in force whole, checked and at once, and only tightens what is not killed.

The bench loads one set and arms; each script here then goes on from there.
"""

from itertools import pairwise

import pytest
from amaranth import *
from oracle.risk_stage import (
    ARMED,
    CHECK_CYCLES,
    CLEAR_CYCLES,
    CLOSE_ONLY,
    KILLED,
    LOOSE,
    SMALL,
    SYMBOLS,
    Bench,
    all_alike,
    cycles,
    directed,
    failed,
    intent,
    leg,
)

import tickwright.risk.stage as stage_module
from tickwright.feed.types import Side
from tickwright.risk.arming import Arming
from tickwright.risk.commit import Commit
from tickwright.risk.gate import Gate
from tickwright.risk.limits import LimitTable, OfAll
from tickwright.risk.regs import RiskRegs
from tickwright.risk.stage import RiskStage
from tickwright.risk.types import GateState

BY_EVERY_LIMIT = {"shares", "collar", "notional"}


def tightened():
    """Return a set that refuses `both_legs` by a limit of each symbol and by one of all."""
    limits = all_alike(LOOSE)
    limits.rows[0]["max_shares"] = 99
    limits.rows[1]["collar"] = 0
    limits.max_notional = 100 * 50_101 - 1
    return limits


def both_legs(number):
    return intent(number, leg(0), leg(1, price=50_101))


async def told(ctx, bench, *names):
    """Return registers, once the host has written all it wants to."""
    await bench.drain(ctx)
    return [await bench.read(ctx, name) for name in names]


async def judged(ctx, bench, *intents):
    bench.frame_cycles = lambda: 0
    for item in intents:
        bench.intents.append(item)
        await cycles(ctx, bench, 8)


@pytest.fixture
def at_the_swap(simulate):
    """Return what an intent fails that is judged some cycles after the set comes in force."""

    def run(late):
        async def script(ctx, bench):
            bench.host_limits(tightened(), epoch=2)
            while bench.bus:
                await bench.cycle(ctx)
            # The strobe is seen in this cycle; an intent is judged a cycle after it is shown.
            await cycles(ctx, bench, CHECK_CYCLES - 1 + late)
            await judged(ctx, bench, both_legs(1))
            assert await told(ctx, bench, "active_limits_epoch") == [2]

        return failed(directed(simulate, script))

    return run


def test_a_judgement_sees_one_set_whenever_it_comes(at_the_swap):
    found = [at_the_swap(late) for late in range(-1, 3)]
    assert found == [[set()]] * 2 + [[BY_EVERY_LIMIT]] * 2


@pytest.mark.parametrize("state", [ARMED, CLOSE_ONLY])
def test_a_set_that_loosens_one_limit_is_refused_whole(simulate, state):
    async def script(ctx, bench):
        for place in range(SYMBOLS):
            limits = tightened()
            limits.rows[place]["max_position"] += 1
            bench.host_limits(limits, epoch=2)
            bench.pause(CHECK_CYCLES)
        limits = tightened()
        limits.max_shares += 1
        bench.host_limits(limits, epoch=2)
        bench.pause(CHECK_CYCLES)
        counts = await told(ctx, bench, "refused_commits", "limit_commits", "active_limits_epoch")
        assert counts == [SYMBOLS + 1, 1, 1]
        await judged(ctx, bench, both_legs(1))

    (found,) = failed(directed(simulate, script, state=state, positions=[-200, -200, 0, 0]))
    assert found == set()


@pytest.mark.parametrize("name", LOOSE)
def test_a_limit_is_compared_as_a_number_whatever_its_bytes(simulate, name):
    whole = range(getattr(RiskRegs, f"symbol_{name}").bits // 8 - 1, 0, -1)
    numbers = [number for count in whole for number in (1 << 8 * count, (1 << 8 * count) - 1)]

    def with_limit(number):
        limits = all_alike(LOOSE)
        limits.rows[SYMBOLS - 1][name] = number
        return limits

    async def script(ctx, bench):
        bench.host(kill=1)
        bench.host_limits(with_limit(numbers[0]), positions_confirmed=1)
        bench.pause(CHECK_CYCLES)
        bench.host(feed_watchdog=1, arm=1)
        assert await told(ctx, bench, "limit_commits", "state") == [2, ARMED]
        for epoch, (higher, lower) in enumerate(pairwise(numbers), 1):
            bench.host_limits(with_limit(lower), epoch=2 * epoch)
            bench.pause(CHECK_CYCLES)
            bench.host_limits(with_limit(higher), epoch=2 * epoch + 1)
            bench.pause(CHECK_CYCLES)
            bench.host(feed_watchdog=1)
            names = "active_limits_epoch", "limit_commits", "refused_commits", "state"
            assert await told(ctx, bench, *names) == [2 * epoch, 2 + epoch, epoch, ARMED]

    directed(simulate, script)


def test_what_tightens_comes_in_force_while_armed_and_arms_nothing(simulate):
    async def script(ctx, bench):
        bench.host_limits(tightened(), epoch=2, positions_confirmed=1, first_user_ref=50)
        bench.pause(CHECK_CYCLES)
        names = "state", "limit_commits", "next_user_ref", "confirmed", "active_limits_checksum"
        assert await told(ctx, bench, *names) == [ARMED, 2, 1, 0, tightened_checksum()]
        await judged(ctx, bench, both_legs(1), intent(2, leg(0, shares=99)))
        bench.host(kill=1, arm=1)
        assert await told(ctx, bench, "state", "refused_arms") == [KILLED, 1]

    assert failed(directed(simulate, script)) == [BY_EVERY_LIMIT, set()]


def tightened_checksum():
    limits = tightened()
    limits.epoch = 2
    return limits.checksum()


def test_a_set_loosens_while_killed(simulate):
    async def script(ctx, bench):
        bench.host(kill=1)
        limits = all_alike({name: 2 * limit for name, limit in LOOSE.items()})
        bench.host_limits(limits, epoch=2, positions_confirmed=1)
        bench.pause(CHECK_CYCLES)
        bench.host(arm=1)
        assert await told(ctx, bench, "limit_commits", "state") == [2, ARMED]
        await judged(ctx, bench, intent(1, leg(0, shares=2_000)), intent(2, leg(1, shares=2_001)))

    assert failed(directed(simulate, script)) == [set(), {"shares", "position"}]


def test_a_set_of_another_checksum_is_refused_while_killed_too(simulate):
    async def script(ctx, bench):
        bench.host(kill=1)
        right = tightened_checksum()
        for bit in (0, 31):
            bench.host_limits(tightened(), epoch=2, checksum=right ^ 1 << bit, first_user_ref=9)
            bench.pause(CHECK_CYCLES)
        names = "refused_commits", "limit_commits", "active_limits_epoch", "next_user_ref"
        assert await told(ctx, bench, *names) == [2, 1, 1, 1]
        # It stays the shadow, so that the host may give another checksum for it.
        bench.host(limits_checksum=right, commit=1)
        bench.pause(CHECK_CYCLES)
        assert await told(ctx, bench, *names) == [2, 2, 2, 9]

    directed(simulate, script)


@pytest.mark.parametrize("late", [1, CHECK_CYCLES // 2, CHECK_CYCLES - 1])
def test_the_state_that_counts_is_that_at_the_commit(simulate, late):
    async def script(ctx, bench):
        limits = tightened()
        limits.rows[3]["collar"] += 1
        bench.host_limits(limits, epoch=2, positions_confirmed=1)
        bench.pause(late - 1)
        bench.host(kill=1)
        bench.pause(CHECK_CYCLES)
        names = "refused_commits", "active_limits_epoch", "confirmed", "state"
        assert await told(ctx, bench, *names) == [1, 1, 0, KILLED]

    directed(simulate, script)


@pytest.mark.parametrize(("late", "state"), [(CHECK_CYCLES - 1, KILLED), (CHECK_CYCLES, ARMED)])
def test_arming_waits_for_the_check_to_end(simulate, late, state):
    async def script(ctx, bench):
        bench.host(kill=1, arm_as=ARMED)
        bench.host_limits(positions_confirmed=1)
        bench.pause(late - 1)
        bench.host(arm=1)
        assert await told(ctx, bench, "state") == [state]

    directed(simulate, script)


def test_arming_waits_for_a_check_of_a_second_set(simulate):
    async def script(ctx, bench):
        bench.host(kill=1, arm_as=ARMED)
        bench.host_limits(positions_confirmed=1)
        bench.pause(CHECK_CYCLES)
        bench.host(limits_checksum=1, commit=1)  # the older set, under a checksum that is not its
        bench.host(arm=1)
        assert await told(ctx, bench, "state", "refused_arms") == [KILLED, 1]
        bench.pause(CHECK_CYCLES)
        bench.host(arm=1)  # what was confirmed still is
        assert await told(ctx, bench, "state", "refused_commits") == [ARMED, 1]

    directed(simulate, script)


def test_a_kill_during_the_check_undoes_its_confirmation(simulate):
    async def script(ctx, bench):
        bench.host(kill=1, arm_as=ARMED)
        bench.host_limits(positions_confirmed=1)
        bench.pause(CHECK_CYCLES // 2)
        bench.host(kill=1)
        bench.pause(CHECK_CYCLES)
        bench.host(arm=1)
        assert await told(ctx, bench, "state", "limit_commits", "confirmed") == [KILLED, 2, 0]

    directed(simulate, script)


def test_an_unconfirmed_set_arms_nothing(simulate):
    async def script(ctx, bench):
        bench.host(kill=1, arm_as=ARMED)
        bench.host_limits(positions_confirmed=0)
        bench.pause(CHECK_CYCLES)
        bench.host(arm=1)
        assert await told(ctx, bench, "state", "limit_commits") == [KILLED, 2]

    directed(simulate, script)


def test_nothing_is_armed_while_an_order_is_open(simulate):
    async def script(ctx, bench):
        await judged(ctx, bench, intent(1, leg(0)))
        bench.host(kill=1, arm_as=ARMED)
        bench.host_limits(positions_confirmed=1)
        bench.pause(CHECK_CYCLES)
        bench.host(arm=1)
        assert await told(ctx, bench, "state", "open_orders", "confirmed") == [KILLED, 1, 1]

    directed(simulate, script)


def test_what_is_written_during_a_check_has_no_effect_on_it(simulate):
    async def script(ctx, bench):
        bench.host(kill=1, arm_as=ARMED)
        bench.host_limits(tightened(), epoch=2, positions_confirmed=1, first_user_ref=7)
        bench.host(max_shares=5, max_notional=5, limits_epoch=5, limits_checksum=5, symbol=0)
        bench.host(symbol_max_shares=5, load_limits=1, begin_limits=1, commit=1)
        bench.host(positions_confirmed=0, first_user_ref=70, symbol_position=5, load_position=1)
        bench.pause(CHECK_CYCLES)
        names = "refused_writes", "refused_commits", "active_limits_epoch", "active_limits_checksum"
        assert await told(ctx, bench, *names) == [3, 1, 2, tightened_checksum()]
        assert await told(ctx, bench, "confirmed", "next_user_ref", "position") == [1, 7, 0]
        bench.host(arm=1)
        await bench.drain(ctx)
        await judged(ctx, bench, both_legs(1), intent(2, leg(0, shares=99)))

    assert failed(directed(simulate, script)) == [BY_EVERY_LIMIT, set()]


@pytest.mark.parametrize(("pause", "refused"), [(CLEAR_CYCLES - 2, 1), (CLEAR_CYCLES - 1, 0)])
def test_a_row_waits_for_the_shadow(simulate, pause, refused):
    async def script(ctx, bench):
        bench.host(symbol=2, begin_limits=1)
        bench.pause(pause)
        bench.host(load_limits=1)
        assert await told(ctx, bench, "refused_writes", "shadow_ready") == [refused, 1]
        bench.host(begin_limits=1)
        bench.pause(pause)
        bench.host(commit=1)
        bench.pause(CHECK_CYCLES)
        # The set that is checked says epoch 1 under the checksum of another.
        assert await told(ctx, bench, "refused_commits", "limit_commits") == [1, 1]

    directed(simulate, script)


def nothing_allowed():
    return all_alike(dict.fromkeys(LOOSE, 0))


@pytest.mark.parametrize("apart", [2, 3])
def test_a_check_waits_for_intents_and_they_do_not_wait_for_it(simulate, apart):
    shown, took = [], []

    async def script(ctx, bench):
        bench.host_limits(nothing_allowed(), epoch=2)
        await bench.drain(ctx)
        begun = len(bench.cycles)
        while await bench.read(ctx, "committing"):
            shown.append(len(bench.cycles))
            # An intent that is refused keeps nothing waiting.
            bench.intents.append(intent(len(shown), leg(0), leg(1, shares=1_001)))
            await cycles(ctx, bench, apart - 1)
        took.append(len(bench.cycles) - begun)
        await cycles(ctx, bench, 4)
        assert await told(ctx, bench, "active_limits_epoch") == [2]

    bench = directed(simulate, script)
    judged = [at for at, seen in enumerate(bench.cycles) if seen.verdict is not None]
    assert judged == [at + 1 for at in shown]
    assert took[0] == pytest.approx(CHECK_CYCLES * apart / (apart - 1), rel=0.05)


@pytest.fixture
def judged_after_waits(simulate):
    """Return what intents fail that wait for the transmitter while a set is checked."""

    def run():
        async def script(ctx, bench):
            bench.host_limits(nothing_allowed(), epoch=2)
            await bench.drain(ctx)
            for number in range(16):
                bench.can_send = 0
                bench.intents.append(intent(number, leg(0), leg(1, shares=1_001)))
                await cycles(ctx, bench, 2 + number % 5)
                bench.can_send = 1
                await cycles(ctx, bench, 3 + number % 2)
            assert await told(ctx, bench, "committing") == [1]

        return failed(directed(simulate, script))

    return run


def test_what_waits_during_a_check_is_judged_by_the_limits_of_its_symbols(judged_after_waits):
    assert judged_after_waits() == [{"shares", "position"}] * 16


def test_a_row_of_a_symbol_the_card_does_not_have_is_refused(simulate):
    async def script(ctx, bench):
        bench.host(kill=1)
        for symbol in (SYMBOLS, SYMBOLS + 1, 0xFFFF):
            bench.host(symbol=symbol, load_limits=1, symbol_position=1, load_position=1)
        assert await told(ctx, bench, "refused_writes") == [6]
        bench.host(symbol=SYMBOLS - 1, load_limits=1, load_position=1)
        assert await told(ctx, bench, "refused_writes", "position") == [6, 1]

    directed(simulate, script)


def test_a_symbol_without_a_row_refuses_everything(simulate):
    async def script(ctx, bench):
        limits = all_alike(LOOSE)
        limits.rows[1] = dict.fromkeys(LOOSE, 0)
        bench.host_limits(limits, epoch=2)
        bench.pause(CHECK_CYCLES)
        await bench.drain(ctx)
        await judged(ctx, bench, intent(1, leg(1, Side.SELL, 1)), intent(2, leg(0)))

    everything = {"shares", "notional", "position"}
    assert failed(directed(simulate, script)) == [everything, set()]


@pytest.mark.parametrize("commits", [False, True])
def test_nothing_is_armed_before_the_first_set(simulate, commits):
    dut = RiskStage(SMALL)
    bench = Bench(dut)

    async def world(ctx):
        ctx.set(dut.tables_ready, 1)
        await cycles(ctx, bench, 4 * SYMBOLS)
        bench.host(watchdog_ns=1_000_000, feed_watchdog=1, arm_as=ARMED, positions_confirmed=1)
        empty = all_alike(dict.fromkeys(LOOSE, 0))
        bench.host_limits(empty, checksum=None if commits else 1)
        bench.pause(CHECK_CYCLES)
        bench.host(arm=1)
        assert await told(ctx, bench, "state", "limit_commits") == [2 * commits, commits]

    simulate(dut, world)


@pytest.mark.parametrize(
    ("at", "fails"), [(0, {"close_only"}), (1, set())], ids=["with", "a-cycle-late"]
)
def test_close_only_stops_what_is_judged_in_its_cycle(simulate, at, fails):
    async def script(ctx, bench):
        bench.intents.append(intent(1, leg(0), leg(1, Side.SELL)))
        await cycles(ctx, bench, at)
        bench.host(close_only=1)
        await cycles(ctx, bench, 8)
        assert await told(ctx, bench, "state", "kill_reasons") == [CLOSE_ONLY, 0]
        await judged(ctx, bench, intent(2, leg(2, Side.SELL)))

    assert failed(directed(simulate, script)) == [fails, {"close_only"}]


def test_close_only_does_not_raise(simulate):
    async def script(ctx, bench):
        bench.host(kill=1, close_only=1)
        assert await told(ctx, bench, "state") == [KILLED]
        await judged(ctx, bench, intent(1, leg(0, Side.SELL)))

    assert failed(directed(simulate, script, positions=[100, 0, 0, 0])) == [{"killed"}]


# --- mutants: a stage with one thing wrong, which a test above must find


class CommitThatLoosens(Commit):
    """Puts a higher limit in force while orders may leave."""

    def elaborate(self, platform):
        self.killed = C(1)
        return super().elaborate(platform)


class CommitWithoutLower(Commit):
    """Lowers what is for all, and takes the rows as they are."""

    def _compare(self, m, *compared):
        return C(0, len(self.write))


class CommitWithoutChecksum(Commit):
    """Takes any set for the one the host meant."""

    def _is_right(self, checksum):
        return C(1)


class LimitsOfTwoSets(LimitTable):
    """Shows what is for all from the set of this cycle, the rows from that of the cycle before."""

    def elaborate(self, platform):
        early, self.of_all = self.of_all, Signal(OfAll)
        m = super().elaborate(platform)
        m.d.comb += early.eq(self.in_force)
        return m


class ArmingThatRaises(Arming):
    """Takes a request for close-only for one to leave killed."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        with m.If(self.close_only & ~self.kill):
            m.d.comb += self.state.eq(GateState.CLOSE_ONLY)
        return m


class ArmingDuringACheck(Arming):
    """Arms while a set is being checked."""

    def elaborate(self, platform):
        self.committing = C(0)
        return super().elaborate(platform)


class ArmingThatForgetsDoubts(Arming):
    """Confirms by a set whose check began before the gate was killed."""

    def elaborate(self, platform):
        m = super().elaborate(platform)
        with m.If(self.swap):
            m.d.sync += self.confirmed.eq(1)
        return m


class ArmingUnconfirmed(Arming):
    """Takes every commit for a confirmation of the positions."""

    def elaborate(self, platform):
        self.positions_confirmed = C(1)
        return super().elaborate(platform)


class ArmingWithOrdersOpen(Arming):
    """Arms while orders are open."""

    def elaborate(self, platform):
        self.idle = C(1)
        return super().elaborate(platform)


FOUND_BY = {
    CommitThatLoosens: lambda simulate: test_a_set_that_loosens_one_limit_is_refused_whole(
        simulate, ARMED
    ),
    CommitWithoutLower: lambda simulate: test_a_set_that_loosens_one_limit_is_refused_whole(
        simulate, CLOSE_ONLY
    ),
    CommitWithoutChecksum: test_a_set_of_another_checksum_is_refused_while_killed_too,
    ArmingThatRaises: test_close_only_does_not_raise,
    ArmingDuringACheck: test_arming_waits_for_a_check_of_a_second_set,
    ArmingThatForgetsDoubts: test_a_kill_during_the_check_undoes_its_confirmation,
    ArmingUnconfirmed: test_an_unconfirmed_set_arms_nothing,
    ArmingWithOrdersOpen: test_nothing_is_armed_while_an_order_is_open,
}


@pytest.mark.parametrize("mutant", FOUND_BY, ids=lambda mutant: mutant.__name__)
def test_a_mutant_of_the_sets_is_found(simulate, monkeypatch, mutant):
    monkeypatch.setattr(stage_module, mutant.__base__.__name__, mutant)
    with pytest.raises(AssertionError):
        FOUND_BY[mutant](simulate)


class GateThatTakesWhatAnotherReads(Gate):
    """Takes for its own what was read of the limits, whoever read it."""

    def elaborate(self, platform):
        self.lent = C(0)
        return super().elaborate(platform)


def test_a_judgement_by_what_another_read_is_found(judged_after_waits, monkeypatch):
    monkeypatch.setattr(stage_module, "Gate", GateThatTakesWhatAnotherReads)
    with pytest.raises(AssertionError):
        judged_after_waits()


def test_a_judgement_by_two_sets_is_found(at_the_swap, monkeypatch):
    monkeypatch.setattr(stage_module, "LimitTable", LimitsOfTwoSets)
    with pytest.raises(AssertionError):
        at_the_swap(0)
