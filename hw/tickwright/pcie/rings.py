"""The record ring in host memory: where the next record goes, and whether it may."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.pcie.regs import FEWEST_LOG2, MOST_LOG2, PAGE_BYTES, RingRegs
from tickwright.pcie.types import MOST_RECORDS
from tickwright.telemetry.messages import RECORD_BYTES

__all__ = ["CONTROLS", "STATUSES", "RecordRing"]

CONTROLS = ("ring_base", "ring_log2", "tail", "enabled")
STATUSES = ("running", "stopped", "head", "dropped_full", "dropped_off")
PAGE_BITS = (PAGE_BYTES - 1).bit_length()
RECORD_PLACE_BITS = (RECORD_BYTES - 1).bit_length()
SMALLEST = 2  # records in the smallest payload that a host may set


class RecordRing(wiring.Component):
    """Counts what was written against what was read, and says how many records may leave, whereto.

    Records leave together up to the largest payload, whose multiples in memory they never straddle:
    so a write crosses neither the end of the ring nor a page. A tail that is ahead of the head, or
    that goes back, makes the ring look full. A ring that loses the bus stops until it is enabled
    anew; a size that is not allowed never starts.

    Latency: 2 cycles from ``taken`` or a new tail to ``full``, ``fits`` and ``slot``; 1 to the
    counts. Throughput: a drop per cycle.

    Members
    -------
    ring_base, ring_log2, tail, enabled, running, stopped, head, dropped_full, dropped_off
        As in `RingRegs`.
    bus_master : ``In(1)``
        The host lets the card write.
    idle : ``In(1)``
        No write is under way; the ring starts only then.
    payload : ``In(2)``
        Largest payload of a write: 128 bytes, so many times doubled.
    waiting : ``In(range(MOST_RECORDS + 1))``
        Records that can be taken, one a cycle; so many or more.
    taken : ``In(range(MOST_RECORDS + 1))``
        So many records are being written, from this cycle on.
    may_drop : ``In(1)``
        The first of the records that wait may be dropped in this cycle, if it has nowhere to go.
    drop : ``Out(1)``
        It is.
    full : ``Out(1)``
        All slots hold records that the host has not read.
    fits : ``Out(range(MOST_RECORDS + 1))``
        Records that may be taken together; 0 if none.
    slot : ``Out(64)``
        Address of the next record, in bytes.
    """

    def __init__(self):
        super().__init__({
            **{name: In(getattr(RingRegs, name).bits) for name in CONTROLS},
            **{name: Out(getattr(RingRegs, name).bits) for name in STATUSES},
            "bus_master": In(1),
            "idle":       In(1),
            "payload":    In(2),
            "waiting":    In(range(MOST_RECORDS + 1)),
            "taken":      In(range(MOST_RECORDS + 1)),
            "may_drop":   In(1),
            "drop":       Out(1),
            "full":       Out(1),
            "fits":       Out(range(MOST_RECORDS + 1)),
            "slot":       Out(64),
        })

    def elaborate(self, platform):
        m = Module()

        size, unread = Signal(MOST_LOG2 + 1), Signal.like(self.head)
        room, place = (Signal(range(MOST_RECORDS + 1), name=name) for name in ("room", "place"))
        together = Signal(range(MOST_RECORDS + 1))  # records in the largest payload
        index = Signal(MOST_LOG2)
        m.d.comb += [
            size.eq(1 << self.ring_log2),
            unread.eq(self.head - self.tail),
            together.eq(SMALLEST << self.payload),
            index.eq(self.head & (size - 1)),
        ]
        m.d.sync += [
            self.full.eq(unread >= size),
            room.eq(_least(size - unread, MOST_RECORDS)),
            place.eq(together - (self.head & (together - 1))),
            self.slot.eq(Cat(C(0, PAGE_BITS), self.ring_base[PAGE_BITS:])
                         + Cat(C(0, RECORD_PLACE_BITS), index)),
        ]
        with m.If(self.running & ~self.full):
            m.d.comb += self.fits.eq(_least(self.waiting, _least(room, place)))

        m.d.sync += self.head.eq(self.head + self.taken)
        self._run(m)
        m.d.comb += self.drop.eq(self.may_drop & (self.waiting != 0) & (~self.running | self.full))
        with m.If(self.drop & self.running):
            m.d.sync += self.dropped_full.eq(self.dropped_full + 1)
        with m.If(self.drop & ~self.running):
            m.d.sync += self.dropped_off.eq(self.dropped_off + 1)

        return m

    def _run(self, m):
        """Start and stop as the host and its bus say."""
        allowed = (self.ring_log2 >= FEWEST_LOG2) & (self.ring_log2 <= MOST_LOG2)
        with m.If(~self.enabled):
            m.d.sync += [self.running.eq(0), self.stopped.eq(0), self.head.eq(0)]
        with m.Elif(self.running):
            m.d.sync += [self.running.eq(self.bus_master), self.stopped.eq(~self.bus_master)]
        with m.Elif(~self.stopped):
            m.d.sync += self.running.eq(allowed & self.idle & self.bus_master)


def _least(one, other):
    return Mux(one < other, one, other)
