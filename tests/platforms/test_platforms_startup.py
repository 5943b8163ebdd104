"""Clocks start when they can be trusted, PHYs after them, and a lost lock ends both for good."""

import pytest

from tickwright.platforms.startup import Startup

LOCK, PHY = 5, 9
SYNC = 2  # cycles of the synchroniser


@pytest.fixture
def dut() -> Startup:
    return Startup(lock_cycles=LOCK, phy_cycles=PHY)


async def cycles_until(ctx, signal) -> int:
    cycles = 0
    while not ctx.get(signal):
        await ctx.tick()
        cycles += 1
    return cycles


def test_clocks_run_once_locked_for_a_while_and_then_the_phys(simulate, dut):
    async def board(ctx):
        await ctx.tick().repeat(20)
        assert (ctx.get(dut.clocks_run), ctx.get(dut.phys_run)) == (0, 0)
        ctx.set(dut.locked, 1)
        assert await cycles_until(ctx, dut.clocks_run) == SYNC + LOCK
        assert not ctx.get(dut.phys_run)
        assert await cycles_until(ctx, dut.phys_run) == PHY

    simulate(dut, board)


def test_a_lock_that_comes_and_goes_is_waited_for_anew(simulate, dut):
    async def board(ctx):
        for _ in range(4):
            ctx.set(dut.locked, 1)
            await ctx.tick().repeat(LOCK - 1)
            ctx.set(dut.locked, 0)
            await ctx.tick().repeat(SYNC + 1)
            assert not ctx.get(dut.clocks_run)
        ctx.set(dut.locked, 1)
        assert await cycles_until(ctx, dut.clocks_run) == SYNC + LOCK

    simulate(dut, board)


@pytest.mark.parametrize("before_the_phys", [True, False])
def test_a_lost_lock_ends_everything_for_good(simulate, dut, before_the_phys):
    async def board(ctx):
        ctx.set(dut.locked, 1)
        await cycles_until(ctx, dut.clocks_run if before_the_phys else dut.phys_run)
        ctx.set(dut.locked, 0)
        await ctx.tick().repeat(SYNC + 1)
        for locked in (0, 1):
            ctx.set(dut.locked, locked)
            for _ in range(3 * (LOCK + PHY)):
                assert (ctx.get(dut.clocks_run), ctx.get(dut.phys_run)) == (0, 0)
                await ctx.tick()

    simulate(dut, board)
