"""No reason to distrust is lost, and none is said beside a message."""

import random

from tickwright.feed.pending import PendingTrust
from tickwright.feed.types import Reason

FAULT, GAP = Reason.FAULT.value, Reason.GAP.value


def test_every_reason_is_said_once_and_alone(simulate):
    """Taints at any time, gaps while no other waits, messages while none waits."""
    rng = random.Random(5)
    dut = PendingTrust(4)
    told = []

    async def arbiter(ctx):
        due, lost = 0, 0  # reasons not said yet, and the first sequence of the gap
        delivered = held_up = False
        for cycle in range(600):
            says, waiting = ctx.get(dut.trusts.valid), ctx.get(dut.waiting)
            ctx.set(dut.expected, 3 * cycle)
            if says:
                trust = ctx.get(dut.trusts.payload)
                assert not delivered
                assert (trust.all, trust.cause.sequence) == (1, 3 * cycle)
                assert (trust.reasons, trust.first, trust.last) == (due, lost, 2 * lost)
                told.append(due)
                due = lost = 0
            assert bool(waiting) == bool(says or due)
            assert not (due and held_up)
            taint, gap = rng.random() < 0.2, rng.random() < 0.2 and not due & GAP
            held_up, delivered = bool(due), rng.random() < 0.5 and not waiting
            due |= FAULT * taint | GAP * gap
            lost = cycle if gap else lost
            for port, value in (
                (dut.taint, taint),
                (dut.gap, gap),
                (dut.first, cycle),
                (dut.last, 2 * cycle),
                (dut.delivering, delivered),
            ):
                ctx.set(port, value)
            await ctx.tick()

    simulate(dut, arbiter)
    assert set(told) == {FAULT, GAP, FAULT | GAP}
