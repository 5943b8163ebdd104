"""The PCIe endpoint: the card's registers, records and interrupts behind the hard block."""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.core.regfile import BusSignature, RegisterFile
from tickwright.core.regs import WORD_BYTES
from tickwright.pcie.bar import ADDR_BITS, Completer
from tickwright.pcie.completions import CompletionQueue
from tickwright.pcie.dma import MemoryWriter
from tickwright.pcie.msix import InterruptTable
from tickwright.pcie.pacing import InterruptPacer
from tickwright.pcie.regs import (
    ENDPOINT_BASE,
    MSIX_PENDING_BASE,
    MSIX_TABLE_BASE,
    PAGE_BYTES,
    PcieRegs,
    fingerprint,
)
from tickwright.pcie.requests import RequestQueue
from tickwright.pcie.rings import RecordRing
from tickwright.pcie.schedule import WriteSchedule
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
QUEUE_RECORDS  = 64
CARD_ADDR_BITS = ADDR_BITS - 1  # the lower half of BAR0 is the card's
BUS_MASTER     = 2              # bit of the function's status


class PcieEndpoint(wiring.Component):
    """Answers the host's reads and writes of BAR0, and writes records into its memory.

    The card asks the host for nothing, so completions that come are counted and forgotten. A
    record that finds the queue full is dropped and counted: nothing here makes the card wait. ::

        cq ─▶ requests ─▶ completer ─▶ completions ─▶ cc
                              │ bus: card │ registers │ interrupt table
        records ─▶ queue ─▶ ring, schedule ─▶ writer ─▶ rq
        alarm ─▶ interrupt table ─▶ ▲

    All is in one clock domain, that of the hard block (its ``user_clk``).

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
    records : ``In(stream, always ready)``
        Telemetry of the card.
    alarm : ``In(1)``
        When it rises, the host is interrupted; so it is when the ring stops.
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
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.requests    = requests    = RequestQueue(self._width)
        m.submodules.completer   = completer   = Completer()
        m.submodules.completions = completions = CompletionQueue(self._width)
        m.submodules.regs        = regs        = RegisterFile(PcieRegs)
        m.submodules.queue       = queue       = fifo.SyncFIFOBuffered(width=RECORD_BITS,
                                                                       depth=QUEUE_RECORDS)
        m.submodules.ring        = ring        = RecordRing()
        m.submodules.schedule    = schedule    = WriteSchedule()
        m.submodules.writer      = writer      = MemoryWriter(self._width)
        m.submodules.interrupts  = interrupts  = InterruptTable()
        m.submodules.pacer       = pacer       = InterruptPacer()

        connect(m, flipped(self.cq), requests.cq)
        connect(m, requests.words, completer.words)
        connect(m, completer.completions, completions.words)
        connect(m, completions.cc, flipped(self.cc))
        connect(m, schedule.commands, writer.commands)
        connect(m, interrupts.messages, schedule.messages)
        connect(m, writer.rq, flipped(self.rq))
        m.d.comb += [
            completer.room.eq(completions.room),
            self.pcie_cq_np_req.eq(1),
            self.rc.tready.eq(1),
        ]
        self._decode(m, completer.bus, regs, interrupts)
        self._write_records(m, queue, ring, schedule, writer)
        self._interrupt(m, interrupts, pacer, ring, schedule)
        self._attach(m, regs, requests, completer, queue, ring, schedule, pacer)

        return m

    def _decode(self, m, bus, regs, interrupts):
        """Share BAR0 between the card and the endpoint."""
        page = bus.addr[PAGE_WORD_BITS:]
        owners = [(self.bus, bus.addr < ENDPOINT_BASE // WORD_BYTES)] + [
            (owner, (page == base // PAGE_BYTES)
                    & (bus.addr[:PAGE_WORD_BITS] >> len(owner.addr) == 0))
            for owner, base in ((regs.bus, ENDPOINT_BASE),
                                (interrupts.table, MSIX_TABLE_BASE),
                                (interrupts.pending, MSIX_PENDING_BASE))]
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

    def _write_records(self, m, queue, ring, schedule, writer):
        """Let records wait until they are written or dropped."""
        idle = writer.commands.ready & ~schedule.commands.valid
        m.d.comb += [
            queue.w_data.eq(self.records.payload),
            queue.w_en.eq(self.records.valid),
            queue.r_en.eq(writer.records.ready | ring.drop),
            writer.records.payload.eq(queue.r_data),
            writer.records.valid.eq(queue.r_rdy),
            ring.waiting.eq(Mux(queue.r_rdy, queue.r_level, 0)),
            ring.bus_master.eq(self.cfg_function_status[BUS_MASTER]),
            ring.payload.eq(self.cfg_max_payload),
            ring.idle.eq(idle),
            ring.taken.eq(schedule.taken),
            ring.may_drop.eq(schedule.may_drop),
            schedule.bus_master.eq(self.cfg_function_status[BUS_MASTER]),
            schedule.running.eq(ring.running),
            schedule.head.eq(ring.head),
            schedule.fits.eq(ring.fits),
            schedule.slot.eq(ring.slot),
        ]

    def _interrupt(self, m, interrupts, pacer, ring, schedule):
        """Find what the host is to be told."""
        alarm, before = Signal(), Signal()
        m.d.comb += [
            alarm.eq(self.alarm | ring.stopped),
            pacer.told.eq(schedule.told),
            interrupts.causes.eq(Cat(pacer.cause, alarm & ~before)),
            interrupts.enabled.eq(self.cfg_interrupt_msix_enable[0]),
            interrupts.masked.eq(self.cfg_interrupt_msix_mask[0]),
        ]
        m.d.sync += before.eq(alarm)

    def _attach(self, m, regs, requests, completer, queue, ring, schedule, pacer):
        """Connect the host: each register to the part that has a member of its name."""
        counted = {
            "dropped_queue":  self.records.valid & ~queue.w_rdy,
            "partial_writes": completer.partial_write,
            "unsupported":    completer.unsupported,
            "discarded":      requests.discarded | completer.malformed,
            "unexpected":     self.rc.tvalid & self.rc.tlast,
        }
        named = {name: Signal(getattr(PcieRegs, name).bits, name=name)
                 for name in (*counted, "map_hash", "busy")}
        for name, event in counted.items():
            m.d.sync += named[name].eq(named[name] + event)
        m.d.comb += [named["map_hash"].eq(fingerprint()), named["busy"].eq(~ring.idle)]
        for part in (pacer, schedule, ring):
            named |= {name: getattr(part, name) for name in part.signature.members
                      if name in _NAMES}
        regs.attach(m, SimpleNamespace(**named))


_NAMES = {register.name for register in PcieRegs.registers}
