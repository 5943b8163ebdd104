"""The state of the gate is raised only when all that section 8 asks for is given."""

import pytest

from tickwright.risk.arming import Arming
from tickwright.risk.checks import KILL_REASONS
from tickwright.risk.types import GateState

KILLED, CLOSE_ONLY, ARMED = GateState
SOUND = {"tables_ready": 1, "idle": 1, "ledger_fault": 0, "committed": 1, "expired": 0}
HOST, WATCHDOG, LEDGER = (1 << KILL_REASONS.index(name) for name in KILL_REASONS)


async def strobe(ctx, dut, *names, **controls):
    """Let strobes be up for one cycle; return the state in that cycle."""
    for name, value in controls.items():
        ctx.set(getattr(dut, name), value)
    for name in names:
        ctx.set(getattr(dut, name), 1)
    state = ctx.get(dut.state)
    await ctx.tick()
    for name in names:
        ctx.set(getattr(dut, name), 0)
    return state


async def commit(ctx, dut, *during, positions_confirmed=1):
    """Let a set be checked and come in force, and strobes be up meanwhile."""
    await strobe(ctx, dut, "begins", "committing", positions_confirmed=positions_confirmed)
    ctx.set(dut.positions_confirmed, 0)  # what is written now comes too late
    ctx.set(dut.committing, 1)
    await ctx.tick()
    if during:
        await strobe(ctx, dut, *during)
    await strobe(ctx, dut, "swap")
    ctx.set(dut.committing, 0)


async def confirmed(ctx, dut, **given):
    """Give all that arming asks for, but for what is said otherwise."""
    for name, value in SOUND.items():
        ctx.set(getattr(dut, name), value)
    await commit(ctx, dut, positions_confirmed=given.pop("positions_confirmed", 1))
    for name, value in given.items():
        ctx.set(getattr(dut, name), value)


@pytest.mark.parametrize(
    ("given", "arm_as", "state"),
    [
        pytest.param({}, 2, ARMED, id="armed"),
        pytest.param({}, 1, CLOSE_ONLY, id="close-only"),
        pytest.param({}, 0, KILLED, id="as-killed"),
        pytest.param({}, 3, KILLED, id="as-nothing-known"),
        pytest.param({"positions_confirmed": 0}, 2, KILLED, id="unconfirmed"),
        pytest.param({"tables_ready": 0}, 2, KILLED, id="tables-not-cleared"),
        pytest.param({"idle": 0}, 2, KILLED, id="orders-open"),
        pytest.param({"ledger_fault": 1}, 2, KILLED, id="ledger-fault"),
        pytest.param({"committed": 0}, 2, KILLED, id="no-limits-since-reset"),
        pytest.param({"committing": 1}, 2, KILLED, id="limits-being-checked"),
        pytest.param({"expired": 1}, 2, KILLED, id="watchdog-run-out"),
        pytest.param({"kill": 1}, 2, KILLED, id="kill-beats-arm"),
        pytest.param({"loads": 1}, 2, KILLED, id="position-loaded-in-the-cycle"),
    ],
)
def test_arming_needs_everything(simulate, given, arm_as, state):
    dut = Arming()

    async def host(ctx):
        assert ctx.get(dut.state) == KILLED  # wakes so
        await confirmed(ctx, dut, **given)
        assert await strobe(ctx, dut, "arm", arm_as=arm_as) == KILLED
        assert ctx.get(dut.state) == state
        assert ctx.get(dut.refused_arms) == (state == KILLED)

    simulate(dut, host)


@pytest.mark.parametrize("cause", ["kill", "loads", "arm"])
def test_a_confirmation_is_good_once(simulate, cause):
    dut = Arming()

    async def host(ctx):
        await confirmed(ctx, dut)
        await strobe(ctx, dut, cause, arm_as=2)
        await strobe(ctx, dut, "kill")
        await strobe(ctx, dut, "arm")
        assert ctx.get(dut.state) == KILLED
        await commit(ctx, dut)
        await strobe(ctx, dut, "arm")
        assert ctx.get(dut.state) == ARMED

    simulate(dut, host)


def test_a_loaded_position_needs_a_new_confirmation(simulate):
    dut = Arming()

    async def host(ctx):
        await confirmed(ctx, dut)
        await strobe(ctx, dut, "loads")
        await strobe(ctx, dut, "arm", arm_as=2)
        assert ctx.get(dut.state) == KILLED

    simulate(dut, host)


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1), (2, 2), (2, 0)])
def test_a_state_that_is_not_killed_changes_only_to_killed(simulate, first, second):
    dut = Arming()

    async def host(ctx):
        await confirmed(ctx, dut)
        await strobe(ctx, dut, "arm", arm_as=first)
        await commit(ctx, dut)
        await strobe(ctx, dut, "arm", arm_as=second)
        assert ctx.get(dut.state).value == first
        assert ctx.get(dut.refused_arms) == 1

    simulate(dut, host)


@pytest.mark.parametrize("during", ["kill", "loads", "ledger_fault"])
def test_a_doubt_during_the_check_undoes_the_confirmation(simulate, during):
    dut = Arming()

    async def host(ctx):
        await confirmed(ctx, dut, positions_confirmed=0)
        await commit(ctx, dut, during)
        assert ctx.get(dut.confirmed) == 0
        await commit(ctx, dut)
        assert ctx.get(dut.confirmed) == 1

    simulate(dut, host)


def test_a_set_that_is_refused_confirms_nothing_and_undoes_nothing(simulate):
    dut = Arming()

    async def host(ctx):
        for before in (0, 1):
            await confirmed(ctx, dut, positions_confirmed=before)
            await strobe(ctx, dut, "begins", positions_confirmed=1 - before)
            await ctx.tick().repeat(3)
            assert ctx.get(dut.confirmed) == before

    simulate(dut, host)


@pytest.mark.parametrize("before", [0, 1])
def test_a_set_that_says_nothing_of_positions_leaves_what_was_said(simulate, before):
    dut = Arming()

    async def host(ctx):
        await confirmed(ctx, dut, positions_confirmed=before)
        await commit(ctx, dut, positions_confirmed=0)
        assert ctx.get(dut.confirmed) == before
        await commit(ctx, dut, "kill", positions_confirmed=0)
        assert ctx.get(dut.confirmed) == 0

    simulate(dut, host)


@pytest.mark.parametrize("killed_meanwhile", [False, True])
def test_a_set_from_before_a_kill_confirms_nothing(simulate, killed_meanwhile):
    dut = Arming()

    async def host(ctx):
        await confirmed(ctx, dut)
        await strobe(ctx, dut, "arm", arm_as=2)
        await commit(ctx, dut, *["kill"] * killed_meanwhile)
        await strobe(ctx, dut, "kill")
        assert ctx.get(dut.confirmed) == 0

    simulate(dut, host)


@pytest.mark.parametrize(
    ("first", "state"),
    [(0, KILLED), (1, CLOSE_ONLY), (2, CLOSE_ONLY)],
    ids=lambda value: str(value),
)
def test_close_only_lowers_armed_at_once_and_raises_nothing(simulate, first, state):
    dut = Arming()

    async def host(ctx):
        await confirmed(ctx, dut)
        await strobe(ctx, dut, "arm", arm_as=first)
        assert await strobe(ctx, dut, "close_only") == state
        assert ctx.get(dut.state) == state
        assert ctx.get(dut.kill_reasons) == 0

    simulate(dut, host)


def test_a_kill_beats_close_only(simulate):
    dut = Arming()

    async def host(ctx):
        await confirmed(ctx, dut)
        await strobe(ctx, dut, "arm", arm_as=2)
        assert await strobe(ctx, dut, "close_only", "kill") == KILLED
        assert ctx.get(dut.state) == KILLED

    simulate(dut, host)


@pytest.mark.parametrize(
    ("cause", "reason"), [("kill", HOST), ("expired", WATCHDOG), ("ledger_fault", LEDGER)]
)
def test_a_kill_says_why_and_when_until_the_next_arm(simulate, cause, reason):
    dut = Arming()

    async def host(ctx):
        await confirmed(ctx, dut)
        await strobe(ctx, dut, "arm", arm_as=2)
        await strobe(ctx, dut, cause, now_ns=77)
        told = [ctx.get(getattr(dut, name)) for name in ("kill_reasons", "killed_at_ns")]
        assert told == [reason, 77]
        await strobe(ctx, dut, "kill", "expired", now_ns=78)
        told = [ctx.get(getattr(dut, name)) for name in ("kill_reasons", "killed_at_ns")]
        assert told == [reason | HOST, 77]
        await commit(ctx, dut)
        await strobe(ctx, dut, "arm", now_ns=79)
        assert ctx.get(dut.state) == ARMED
        told = [ctx.get(getattr(dut, name)) for name in ("kill_reasons", "killed_at_ns")]
        assert told == [0, 77]

    simulate(dut, host)


@pytest.mark.parametrize("cause", ["kill", "ledger_fault", "expired"])
def test_the_state_falls_in_the_same_cycle(simulate, cause):
    dut = Arming()

    async def host(ctx):
        await confirmed(ctx, dut)
        await strobe(ctx, dut, "arm", arm_as=2)
        assert await strobe(ctx, dut, cause) == KILLED
        assert ctx.get(dut.state) == KILLED

    simulate(dut, host)
