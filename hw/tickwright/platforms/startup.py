"""The order in which a board comes to life, and what ends it."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["Startup"]


class Startup(wiring.Component):
    """Starts the clocks once they can be trusted, then the PHYs; a lost lock ends both for good.

    Until the clocks run, every register has the value that the bitstream gave it. The PHYs are
    held in reset until the clocks have run for a while: no frame comes before the card can take
    it whole, and a first one finds both ends of each queue at their beginning. When a lock is lost
    the clocks stop where they are and the PHYs lose their links, so nothing that the card does in
    between is on a wire for long; only a new configuration starts it again. ::

        UNLOCKED ── locked for lock_cycles ──▶ STARTED ── phy_cycles ──▶ RUNNING
            ▲ └─ lock lost: from the beginning     └──────── lock lost ────────┴──▶ LOST

    Latency: 3 cycles from a lost lock to both outputs, and `lock_cycles` and `phy_cycles` as told.

    Members
    -------
    locked : ``In(1)``
        All clocks have their frequency; of no domain.
    clocks_run, phys_run : ``Out(1)``
        The clocks may run; the PHYs are out of reset. Each comes from a register.
    """

    locked:     In(1)
    clocks_run: Out(1)
    phys_run:   Out(1)

    def __init__(self, *, lock_cycles: int, phy_cycles: int):
        self.lock_cycles, self.phy_cycles = lock_cycles, phy_cycles
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        locked = Signal()
        wait = Signal(range(max(self.lock_cycles, self.phy_cycles)), init=self.lock_cycles - 1)
        m.submodules.sync = FFSynchronizer(self.locked, locked)

        m.d.sync += wait.eq(wait - 1)
        with m.FSM(init="UNLOCKED"):
            with m.State("UNLOCKED"):
                with m.If(~locked):
                    m.d.sync += wait.eq(self.lock_cycles - 1)
                with m.Elif(wait == 0):
                    m.d.sync += [self.clocks_run.eq(1), wait.eq(self.phy_cycles - 1)]
                    m.next = "STARTED"
            with m.State("STARTED"):
                with m.If(~locked):
                    self._end(m)
                with m.Elif(wait == 0):
                    m.d.sync += self.phys_run.eq(1)
                    m.next = "RUNNING"
            with m.State("RUNNING"), m.If(~locked):
                self._end(m)
            with m.State("LOST"):
                pass

        return m

    def _end(self, m):
        m.d.sync += [self.clocks_run.eq(0), self.phys_run.eq(0)]
        m.next = "LOST"
