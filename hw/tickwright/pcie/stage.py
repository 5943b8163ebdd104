"""The PCIe endpoint: the card's registers, records, frames and interrupts behind the hard block."""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.core.regfile import BusSignature, RegisterFile
from tickwright.core.regs import WORD_BYTES
from tickwright.core.streams import Word
from tickwright.pcie.bar import ADDR_BITS, Completer
from tickwright.pcie.completions import CompletionQueue
from tickwright.pcie.join import RequestJoin
from tickwright.pcie.msix import InterruptTable
from tickwright.pcie.outbox import FrameOutbox
from tickwright.pcie.pacing import InterruptPacer
from tickwright.pcie.path import RecordPath
from tickwright.pcie.regs import (
    ENDPOINT_BASE,
    FRAMES_BASE,
    MSIX_PENDING_BASE,
    MSIX_TABLE_BASE,
    OUTBOX_BASE,
    PAGE_BYTES,
    FrameRegs,
    PcieRegs,
)
from tickwright.pcie.requests import RequestQueue
from tickwright.pcie.slices import FrameSlicer
from tickwright.pcie.types import (
    CC_USER_BITS,
    CQ_USER_BITS,
    RC_USER_BITS,
    RECORD_BITS,
    RQ_USER_BITS,
    AxiStream,
)

__all__ = ["PcieEndpoint"]

PAGE_WORD_BITS = (PAGE_BYTES // WORD_BYTES - 1).bit_length()
CARD_ADDR_BITS = ADDR_BITS - 1  # the lower half of BAR0 is the card's
QUEUE_SLICES   = 64
BUS_MASTER     = 2              # bit of the function's status


class PcieEndpoint(wiring.Component):
    """Answers the host's reads and writes of BAR0, and writes records and frames into its memory.

    The card asks the host for nothing, so completions that come are counted and forgotten. Nothing
    here makes the card wait: what cannot leave is dropped and counted. ::

        cq ─▶ requests ─▶ completer ─▶ completions ─▶ cc
                              │ bus: card │ registers │ interrupt table │ outbox ─▶ outbox
        records ─▶ path ──────┬─▶ join ─▶ rq
        alarm ─▶ interrupts ──┘     ▲
        frames ─▶ slicer ─▶ path ───┘

    All is in one clock domain: that of the hard block (its ``user_clk``), or one to which the
    streams cross by whole packets.

    Latency: from the last beat of a request to read one register until the first of its completion,
    16 cycles at 64 bits, 19 at 128 and 256; from a record to the first beat of its write, 4; all
    constant when nothing waits. Throughput: see the parts.

    Members
    -------
    cq, cc, rq, rc : ``AxiStream(width, ...)``
        The streams of the hard block.
    pcie_cq_np_req : ``Out(2)``
        Requests that want an answer may always come.
    cfg_max_payload : ``In(2)``
        Largest payload that the host allows: 128 bytes, so many times doubled.
    cfg_function_status : ``In(16)``
        Bit 2: the host lets the card write.
    cfg_interrupt_msix_enable, cfg_interrupt_msix_mask : ``In(4)``
        Bit 0: as the host configured interrupts.
    bus : ``Out(BusSignature(...))``
        Access from the host to the card's own registers.
    records : ``In(stream.Signature(512, always_ready=True))``
        Telemetry of the card.
    alarm : ``In(1)``
        When it rises, the host is interrupted; so it is when the ring of records stops.
    frames : ``In(stream.Signature(Word, always_ready=True))``
        Whole frames for the host.
    outbox : ``Out(stream.Signature(Word))``
        Frames of the host.
    """

    def __init__(self, width: int):
        self._width = width
        super().__init__({
            "cq": In(AxiStream(width, CQ_USER_BITS)),
            "cc": Out(AxiStream(width, CC_USER_BITS)),
            "rq": Out(AxiStream(width, RQ_USER_BITS)),
            "rc": In(AxiStream(width, RC_USER_BITS)),
            "pcie_cq_np_req":            Out(2),
            "cfg_max_payload":           In(2),
            "cfg_function_status":       In(16),
            "cfg_interrupt_msix_enable": In(4),
            "cfg_interrupt_msix_mask":   In(4),
            "bus":     Out(BusSignature(CARD_ADDR_BITS)),
            "records": In(stream.Signature(RECORD_BITS, always_ready=True)),
            "alarm":   In(1),
            "frames":  In(stream.Signature(Word, always_ready=True)),
            "outbox":  Out(stream.Signature(Word)),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.requests    = requests    = RequestQueue(self._width)
        m.submodules.completer   = completer   = Completer()
        m.submodules.completions = completions = CompletionQueue(self._width)
        m.submodules.interrupts  = interrupts  = InterruptTable()
        m.submodules.pacer       = pacer       = InterruptPacer()
        m.submodules.regs        = regs        = RegisterFile(PcieRegs)
        m.submodules.frame_regs  = frame_regs  = RegisterFile(FrameRegs)
        m.submodules.records     = records     = RecordPath(self._width)
        m.submodules.slicer      = slicer      = FrameSlicer()
        m.submodules.frames      = frames      = RecordPath(self._width, QUEUE_SLICES)
        m.submodules.outbox      = outbox      = FrameOutbox()
        m.submodules.join        = join        = RequestJoin(self._width)

        connect(m, flipped(self.cq), requests.cq)
        connect(m, requests.words, completer.words)
        connect(m, completer.completions, completions.words)
        connect(m, completions.cc, flipped(self.cc))
        connect(m, flipped(self.records), records.records)
        connect(m, interrupts.messages, records.messages)
        connect(m, flipped(self.frames), slicer.frames)
        connect(m, slicer.slices, frames.records)
        connect(m, outbox.frames, flipped(self.outbox))
        connect(m, records.rq, join.first)
        connect(m, frames.rq, join.second)
        connect(m, join.rq, flipped(self.rq))
        m.d.comb += [
            completer.room.eq(completions.room),
            self.pcie_cq_np_req.eq(1),
            self.rc.tready.eq(1),
        ]
        for path in (records, frames):
            m.d.comb += [
                path.bus_master.eq(self.cfg_function_status[BUS_MASTER]),
                path.payload.eq(self.cfg_max_payload),
            ]
        self._decode(m, completer.bus, {
            ENDPOINT_BASE:     regs.bus,
            MSIX_TABLE_BASE:   interrupts.table,
            MSIX_PENDING_BASE: interrupts.pending,
            FRAMES_BASE:       frame_regs.bus,
            OUTBOX_BASE:       outbox.bus,
        })
        self._interrupt(m, interrupts, pacer, records)
        _attach(m, regs, self._count(m, requests, completer), pacer, records)
        _attach(m, frame_regs, frames, outbox)

        return m

    def _decode(self, m, bus, pages: dict):
        """Share BAR0 between the card and the endpoint."""
        page, place = bus.addr[PAGE_WORD_BITS:], bus.addr[:PAGE_WORD_BITS]
        owners = [(self.bus, bus.addr < ENDPOINT_BASE // WORD_BYTES)] + [
            (owner, (page == base // PAGE_BYTES) & (place >> len(owner.addr) == 0))
            for base, owner in pages.items()]
        found = Const(0, len(bus.r_data))
        for owner, ours in owners:
            m.d.comb += [
                owner.addr.eq(bus.addr),
                owner.w_data.eq(bus.w_data),
                owner.w_en.eq(bus.w_en & ours),
                owner.r_en.eq(bus.r_en & ours),
            ]
            found = found | owner.r_data
        m.d.comb += bus.r_data.eq(found)

    def _interrupt(self, m, interrupts, pacer, records):
        """Find what the host is to be told."""
        alarm, before = Signal(), Signal()
        m.d.comb += [
            alarm.eq(self.alarm | records.stopped),
            pacer.told.eq(records.told),
            interrupts.causes.eq(Cat(pacer.cause, alarm & ~before)),
            interrupts.enabled.eq(self.cfg_interrupt_msix_enable[0]),
            interrupts.masked.eq(self.cfg_interrupt_msix_mask[0]),
        ]
        m.d.sync += before.eq(alarm)

    def _count(self, m, requests, completer) -> SimpleNamespace:
        """Return the registers that are the endpoint's own."""
        counted = {
            "partial_writes": completer.partial_write,
            "unsupported":    completer.unsupported,
            "discarded":      requests.discarded | completer.malformed,
            "unexpected":     self.rc.tvalid & self.rc.tlast,
        }
        named = {name: Signal(getattr(PcieRegs, name).bits, name=name) for name in counted}
        for name, event in counted.items():
            m.d.sync += named[name].eq(named[name] + event)
        return SimpleNamespace(**named)


def _attach(m, regs: RegisterFile, *parts):
    """Connect the host: each register to the part that has a member of its name."""
    named = {register.name: getattr(part, register.name) for register in regs.block.registers
             for part in parts if hasattr(part, register.name)}
    regs.attach(m, SimpleNamespace(**named))
