"""What a 10 Gb/s PHY says of its link."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.ethernet.xgmii import HALF_BYTES, LOCAL_FAULT, REMOTE_FAULT, Xgmii

__all__ = ["XgmiiFaults"]

SEQUENCES = 4    # of one kind make a fault
TRANSFERS = 128  # without one unmake it, or let their count begin anew


class XgmiiFaults(wiring.Component):
    """Finds that the link is faulty, from four sequences that say so; and that it is not any more.

    Of each transfer of 4 lanes, two a cycle, it is asked whether it tells of a fault, as the state
    machine of IEEE 802.3-2022, figure 46-11, does.

    Latency: 1 cycle from the transfer that decides. Throughput: 2 transfers per cycle.

    Members
    -------
    xgmii : ``In(Xgmii)``
        What the PHY received.
    local_fault : ``Out(1)``
        It receives nothing it can use.
    remote_fault : ``Out(1)``
        The other end does not.
    """

    xgmii:        In(Xgmii)
    local_fault:  Out(1)
    remote_fault: Out(1)

    def elaborate(self, platform):
        m = Module()

        kind  = Signal(2)  # of the sequence that came last: local, remote
        count = Signal(range(SEQUENCES + 1))  # of it, one after the other
        quiet = Signal(range(TRANSFERS + 1))  # transfers since

        state = kind, count, quiet
        for half in range(2):
            state = self._follow(m, half, *state)
        m.d.sync += [kind.eq(state[0]), count.eq(state[1]), quiet.eq(state[2])]
        m.d.comb += Cat(self.local_fault, self.remote_fault).eq(
            Mux(count == SEQUENCES, kind, 0))

        return m

    def _follow(self, m, half: int, *before: Signal):
        """Return the state after a transfer."""
        lanes   = self.xgmii.data.word_select(half, 8 * HALF_BYTES)
        control = self.xgmii.control.word_select(half, HALF_BYTES)
        told    = Signal(2, name=f"told_{half}")
        for bit, sequence in enumerate((LOCAL_FAULT, REMOTE_FAULT)):
            m.d.comb += told[bit].eq((lanes == int.from_bytes(sequence, "little")) & (control == 1))

        kind, count, quiet = (Signal.like(value, name=f"{value.name}_{half}") for value in before)
        m.d.comb += [kind.eq(before[0]), count.eq(before[1]), quiet.eq(before[2])]
        with m.If(told.any()):
            m.d.comb += [kind.eq(told), quiet.eq(0), count.eq(1)]
            with m.If((told == before[0]) & (before[1] != 0)):
                m.d.comb += count.eq(Mux(before[1] == SEQUENCES, SEQUENCES, before[1] + 1))
        with m.Elif(before[2] == TRANSFERS - 1):
            m.d.comb += count.eq(0)
        with m.Else():
            m.d.comb += quiet.eq(before[2] + 1)
        return kind, count, quiet
