"""What the card writes to host memory next."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.pcie.regs import PcieRegs, RingRegs
from tickwright.pcie.types import MOST_RECORDS, InterruptMessage, MemoryWrite

__all__ = ["HEAD_EVERY", "WriteSchedule"]

HEAD_EVERY = 8  # writes of records, after which the head is written whatever waits


class WriteSchedule(wiring.Component):
    """Chooses between the head, an interrupt and records, in that order; one write at a time.

    The head is due once records were written that it does not yet count, and leaves when no record
    can follow at once, or after ``HEAD_EVERY`` writes. All three take one path on which nothing
    overtakes: the head comes after the records it counts, an interrupt after the head it tells of.
    A ring that starts writes its head of 0 first.

    Latency: 1 cycle from the choice to the command. Throughput: a choice every 2 cycles.

    Members
    -------
    head_base, head, running, interrupts
        As in `RingRegs` and `PcieRegs`.
    bus_master : ``In(1)``
        The host lets the card write.
    fits, slot : ``In(range(MOST_RECORDS + 1))``, ``In(64)``
        So many records may be written together, to this address.
    commands : ``Out(stream.Signature(MemoryWrite))``
        Writes; offered only when they are taken.
    taken : ``Out(range(MOST_RECORDS + 1))``
        So many records leave with the command of this cycle.
    may_drop : ``Out(1)``
        Nothing is under way or chosen: the first record that waits may be dropped.
    told : ``Out(1)``
        The head leaves in this cycle.
    messages : ``In(stream.Signature(InterruptMessage))``
        Interrupts to be sent.
    """

    def __init__(self):
        super().__init__({
            **{name: In(getattr(RingRegs, name).bits) for name in ("head_base", "head", "running")},
            "interrupts": Out(PcieRegs.interrupts.bits),
            "bus_master": In(1),
            "fits":       In(range(MOST_RECORDS + 1)),
            "slot":       In(64),
            "commands":   Out(stream.Signature(MemoryWrite)),
            "taken":      Out(range(MOST_RECORDS + 1)),
            "may_drop":   Out(1),
            "told":       Out(1),
            "messages":   In(stream.Signature(InterruptMessage)),
        })

    def elaborate(self, platform):
        m = Module()

        command, of_head = Signal(MemoryWrite), Signal()
        due, since = Signal(init=1), Signal(range(HEAD_EVERY + 1))
        chosen = Signal()
        message = self.messages.payload
        m.d.comb += [self.commands.payload.eq(command), self.commands.valid.eq(chosen)]
        m.d.sync += chosen.eq(0)

        with m.If(~chosen & self.commands.ready):
            m.d.sync += [of_head.eq(0), command.records.eq(0)]
            with m.If(self.running & due & ((self.fits == 0) | (since == HEAD_EVERY))):
                m.d.sync += [
                    command.address.eq(Cat(C(0, 3), self.head_base[3:])),
                    command.words.eq(2),
                    command.data.eq(self.head),
                    of_head.eq(1),
                    chosen.eq(1),
                ]
            with m.Elif(self.messages.valid & self.bus_master):
                m.d.comb += self.messages.ready.eq(1)
                m.d.sync += [
                    command.address.eq(message.address),
                    command.words.eq(1),
                    command.data.eq(message.data),
                    self.interrupts.eq(self.interrupts + 1),
                    chosen.eq(1),
                ]
            with m.Elif(self.fits != 0):
                m.d.sync += [
                    command.address.eq(self.slot),
                    command.records.eq(self.fits),
                    chosen.eq(1),
                ]
            with m.Else():
                m.d.comb += self.may_drop.eq(1)

        m.d.comb += [
            self.taken.eq(Mux(chosen, command.records, 0)),
            self.told.eq(chosen & of_head),
        ]
        with m.If(self.taken != 0):
            m.d.sync += [due.eq(1), since.eq(since + 1)]
        with m.If(self.told):
            m.d.sync += [due.eq(0), since.eq(0)]
        with m.If(~self.running):
            m.d.sync += [due.eq(1), since.eq(0)]

        return m
