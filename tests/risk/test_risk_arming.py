"""The state of the gate is raised only when all that section 8 asks for is given."""

import pytest

from tickwright.risk.arming import Arming
from tickwright.risk.types import GateState

KILLED, CLOSE_ONLY, ARMED = GateState
SOUND = {"tables_ready": 1, "idle": 1, "ledger_fault": 0}


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


async def confirmed(ctx, dut, **given):
    """Give all that arming asks for, but for what is said otherwise."""
    for name, value in SOUND.items():
        ctx.set(getattr(dut, name), value)
    await strobe(ctx, dut, "commit", positions_confirmed=given.pop("positions_confirmed", 1))
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
        await strobe(ctx, dut, "commit")
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
        await strobe(ctx, dut, "commit")
        await strobe(ctx, dut, "arm", arm_as=second)
        assert ctx.get(dut.state).value == first
        assert ctx.get(dut.refused_arms) == 1

    simulate(dut, host)


@pytest.mark.parametrize("cause", ["kill", "ledger_fault"])
def test_the_state_falls_in_the_same_cycle(simulate, cause):
    dut = Arming()

    async def host(ctx):
        await confirmed(ctx, dut)
        await strobe(ctx, dut, "arm", arm_as=2)
        assert await strobe(ctx, dut, cause) == KILLED
        assert ctx.get(dut.state) == KILLED

    simulate(dut, host)
