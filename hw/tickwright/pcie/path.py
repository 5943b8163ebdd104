"""The way of records from the card into their ring in host memory."""

from amaranth import *
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.core.regs import Status
from tickwright.pcie.dma import MemoryWriter
from tickwright.pcie.regs import RingRegs, fingerprint
from tickwright.pcie.rings import CONTROLS, STATUSES, RecordRing
from tickwright.pcie.schedule import WriteSchedule
from tickwright.pcie.types import (
    MOST_RECORDS,
    RECORD_BITS,
    RQ_USER_BITS,
    AxiStream,
    InterruptMessage,
)

__all__ = ["RecordPath"]

QUEUE_RECORDS = 512  # as many as the block memory has that is wide enough for a record


class RecordPath(wiring.Component):
    """Writes records into a ring, then its head, then interrupts; nothing overtakes.

    A record that finds the queue full is dropped and counted: nothing here makes the card wait. ::

        records ─▶ queue ─▶ ring, schedule ─▶ writer ─▶ rq
        messages ────────────────▲

    Latency: 4 cycles from a record to the first beat of its write, when nothing waits. Throughput:
    see the parts.

    Members
    -------
    *name* : ``In(bits)`` or ``Out(bits)``
        A member for each register of `RingRegs`.
    bus_master : ``In(1)``
        The host lets the card write.
    payload : ``In(2)``
        Largest payload of a write: 128 bytes, so many times doubled.
    records : ``In(stream.Signature(512, always_ready=True))``
        What is to be written.
    messages : ``In(stream.Signature(InterruptMessage))``
        Interrupts, which leave behind what was written.
    told : ``Out(1)``
        A head leaves in this cycle.
    interrupts : ``Out(32)``
        Interrupts sent since reset; wraps.
    rq : ``Out(AxiStream(width, ...))``
        Requests to the host.
    """

    def __init__(self, width: int, depth: int = QUEUE_RECORDS):
        self._width = width
        self._depth = depth
        super().__init__({
            **{register.name: (Out if isinstance(register, Status) else In)(register.bits)
               for register in RingRegs.registers},
            "bus_master": In(1),
            "payload":    In(2),
            "records":    In(stream.Signature(RECORD_BITS, always_ready=True)),
            "messages":   In(stream.Signature(InterruptMessage)),
            "told":       Out(1),
            "interrupts": Out(32),
            "rq":         Out(AxiStream(width, RQ_USER_BITS)),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.queue    = queue    = fifo.SyncFIFOBuffered(width=RECORD_BITS,
                                                                 depth=self._depth)
        m.submodules.ring     = ring     = RecordRing()
        m.submodules.schedule = schedule = WriteSchedule()
        m.submodules.writer   = writer   = MemoryWriter(self._width)

        connect(m, schedule.commands, writer.commands)
        connect(m, flipped(self.messages), schedule.messages)
        connect(m, writer.rq, flipped(self.rq))
        m.d.comb += [
            queue.w_data.eq(self.records.payload),
            queue.w_en.eq(self.records.valid),
            queue.r_en.eq(writer.records.ready | ring.drop),
            writer.records.payload.eq(queue.r_data),
            writer.records.valid.eq(queue.r_rdy),
            ring.waiting.eq(Mux(queue.r_rdy, Mux(queue.r_level < MOST_RECORDS, queue.r_level,
                                                 MOST_RECORDS), 0)),
            ring.bus_master.eq(self.bus_master),
            ring.payload.eq(self.payload),
            ring.idle.eq(~self.busy),
            ring.taken.eq(schedule.taken),
            ring.may_drop.eq(schedule.may_drop),
            schedule.bus_master.eq(self.bus_master),
            schedule.running.eq(ring.running),
            schedule.head.eq(ring.head),
            schedule.head_base.eq(self.head_base),
            schedule.fits.eq(ring.fits),
            schedule.slot.eq(ring.slot),
            self.busy.eq(~writer.commands.ready | schedule.commands.valid),
            self.told.eq(schedule.told),
            self.interrupts.eq(schedule.interrupts),
            self.map_hash.eq(fingerprint()),
        ]
        m.d.comb += [getattr(ring, name).eq(getattr(self, name)) for name in CONTROLS]
        m.d.comb += [getattr(self, name).eq(getattr(ring, name)) for name in STATUSES]
        with m.If(self.records.valid & ~queue.w_rdy):
            m.d.sync += self.dropped_queue.eq(self.dropped_queue + 1)

        return m
