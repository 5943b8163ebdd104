"""Reads the bytes of a serial line."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["SYNC_CYCLES", "UartReceiver"]

DATA_BITS   = 8
SYNC_CYCLES = 2  # of the synchroniser


class UartReceiver(wiring.Component):
    """Samples each bit in its middle, by the falling edge of the start bit.

    A start bit that is over by its middle is a glitch and nothing. A byte whose stop bit is 0 is
    not shown but told as broken; the next one begins when the line has been 1 again. ::

        line  1 1 1 0 0 0 0 b b b b ... b b b b 1 1 1 1
                    start   bit 0       bit 7   stop
                      ·       ·           ·       ·  each sampled here

    From 16 cycles per bit on, the two ends may differ by 4 percent in their rate.

    Latency: from the first cycle of a start bit to ``valid``, 9.5 bits and 3 cycles.
    Throughput: one byte every 9.5 bits and a cycle, so 10 bits have slack.

    Members
    -------
    line : ``In(1)``
        The line, 1 when idle; of another clock.
    byte, valid : ``Out(8)``, ``Out(1)``
        A byte; it is new in this cycle.
    broken : ``Out(1)``
        A byte without a stop bit came.
    idle : ``Out(1)``
        The line has been 1 for ``idle_bits`` bits since the last byte.
    """

    line:   In(1, init=1)
    byte:   Out(DATA_BITS)
    valid:  Out(1)
    broken: Out(1)
    idle:   Out(1)

    def __init__(self, *, cycles_per_bit: int, idle_bits: int):
        if cycles_per_bit < 4:
            raise ValueError(f"cycles_per_bit: found {cycles_per_bit}, expected at least 4")
        if idle_bits < 10:
            raise ValueError(f"idle_bits: found {idle_bits}, expected at least 10")
        self.cycles_per_bit = cycles_per_bit
        self.idle_bits = idle_bits
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        line = Signal(init=1)
        m.submodules.sync = FFSynchronizer(self.line, line, init=1, stages=SYNC_CYCLES)

        wait = Signal(range(self.cycles_per_bit))  # cycles until the next sample
        left = Signal(range(DATA_BITS))
        m.d.sync += [wait.eq(wait - 1), self.valid.eq(0), self.broken.eq(0)]
        with m.If(wait == 0):
            m.d.sync += wait.eq(self.cycles_per_bit - 1)

        with m.FSM() as fsm:
            with m.State("REST"):
                m.d.sync += [wait.eq(self.cycles_per_bit // 2 - 1), left.eq(DATA_BITS - 1)]
                with m.If(~line):
                    m.next = "START"
            with m.State("START"), m.If(wait == 0):
                m.next = "DATA"
                with m.If(line):
                    m.next = "REST"
            with m.State("DATA"), m.If(wait == 0):
                m.d.sync += [self.byte.eq(Cat(self.byte[1:], line)), left.eq(left - 1)]
                with m.If(left == 0):
                    m.next = "STOP"
            with m.State("STOP"), m.If(wait == 0):
                m.d.sync += [self.valid.eq(line), self.broken.eq(~line)]
                m.next = "LOW"
                with m.If(line):
                    m.next = "REST"
            with m.State("LOW"), m.If(line):
                m.next = "REST"

        self._time_idleness(m, line & fsm.ongoing("REST"))

        return m

    def _time_idleness(self, m, resting: Value):
        """Tell when the line has been resting long enough."""
        cycles = Signal(range(self.idle_bits * self.cycles_per_bit + 1))
        m.d.comb += self.idle.eq(cycles == self.idle_bits * self.cycles_per_bit)
        with m.If(~resting):
            m.d.sync += cycles.eq(0)
        with m.Elif(~self.idle):
            m.d.sync += cycles.eq(cycles + 1)
