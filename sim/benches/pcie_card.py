"""A card that is all endpoint, and the host that its benches share."""

import random

import numpy as np
from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from cocotb.task import resume
from cocotb.triggers import ClockCycles

from tickwright.core.regfile import BusSignature, RegisterFile
from tickwright.pcie.regs import ENDPOINT_BASE, FRAMES_BASE, FrameRegs, PcieRegs
from tickwright.pcie.stage import PcieEndpoint
from tickwright.risk.regs import RiskRegs
from tickwright.telemetry.messages import RECORD_BYTES
from tickwright.top.bus import BusDecoder
from tickwright.top.identity import Identity
from tickwright.top.memory_map import BLOCKS
from tickwright.top.presets import Preset
from tickwright.twin.root_complex import PcieHost

__all__ = [
    "SCRATCH_BASE",
    "SCRATCH_WORDS",
    "SETTLE_CYCLES",
    "PcieCard",
    "at",
    "at_frames",
    "disturb",
    "numbers",
    "settling",
    "woken",
]

LANE_BITS = 64
LANE_MARKS = tuple(lane * 0x0101_0101_0101_0101 for lane in range(8 * RECORD_BYTES // LANE_BITS))
"""Lane k of record n holds n XOR mark k."""

SCRATCH_WORDS = 1024  # plain memory, to read and write in every shape
SCRATCH_BASE = 0x4000  # bytes
INPUTS = (
    "cfg_max_payload",
    "cfg_function_status",
    "cfg_interrupt_msix_enable",
    "cfg_interrupt_msix_mask",
    "alarm",
)
SETTLE_CYCLES = 400  # in which all that was sent has arrived
LFSR_TAPS = (31, 21, 1, 0)


class PcieCard(wiring.Component):
    """The endpoint with two blocks of registers, plain memory, and records at random times.

    Frames that the host sends come back to it.

    Latency: 1 cycle from address to read data. Throughput: at most a record per cycle.

    Members
    -------
    wanted : ``In(32)``
        Records to be sent in all.
    pace : ``In(8)``
        In 256 cycles, so many begin a record on average.
    sent : ``Out(32)``
        Records sent since reset, dropped ones included.
    """

    def __init__(self, width: int, preset: Preset):
        self._preset = preset
        self._endpoint = PcieEndpoint(width)
        ours = ("bus", "records", "frames", "outbox")
        super().__init__(
            {
                name: member
                for name, member in self._endpoint.signature.members.items()
                if name not in ours
            }
            | {"wanted": In(32), "pace": In(8), "sent": Out(32)}
        )

    def elaborate(self, platform):
        m = Module()

        m.submodules.endpoint = endpoint = self._endpoint
        m.submodules.decoder = decoder = BusDecoder()
        m.submodules.identity = identity = Identity(self._preset)
        m.submodules.risk = risk = RegisterFile(RiskRegs)
        m.submodules.scratch = scratch = _Scratch()
        for name, block in (("identity", identity.bus), ("risk", risk.bus)):
            decoder.add(list(BLOCKS).index(name), block)
        connect(m, flipped(self.cq), endpoint.cq)
        connect(m, flipped(self.rc), endpoint.rc)
        connect(m, endpoint.cc, flipped(self.cc))
        connect(m, endpoint.rq, flipped(self.rq))
        m.d.comb += self.pcie_cq_np_req.eq(endpoint.pcie_cq_np_req)
        for name in INPUTS:
            m.d.comb += getattr(endpoint, name).eq(getattr(self, name))
        self._decode(m, endpoint.bus, decoder.bus, scratch.bus)
        self._send(m, endpoint.records)
        m.d.comb += [
            endpoint.outbox.ready.eq(1),
            endpoint.frames.valid.eq(endpoint.outbox.valid),
            endpoint.frames.payload.eq(endpoint.outbox.payload),
        ]

        return m

    def _decode(self, m, bus, blocks, scratch):
        """Let the memory lie behind the blocks."""
        for owner, base in ((blocks, 0), (scratch, SCRATCH_BASE // 4)):
            bits = len(owner.addr)
            ours = bus.addr[bits:] == base >> bits
            m.d.comb += [
                owner.addr.eq(bus.addr),
                owner.w_data.eq(bus.w_data),
                owner.w_en.eq(bus.w_en & ours),
                owner.r_en.eq(bus.r_en & ours),
            ]
        m.d.comb += bus.r_data.eq(blocks.r_data | scratch.r_data)

    def _send(self, m, records):
        """Number the records; a shift register says when the next one is sent."""
        dice = Signal(32, init=1)
        m.d.sync += dice.eq(Cat(Cat(dice[tap] for tap in LFSR_TAPS).xor(), dice))
        m.d.comb += [
            records.valid.eq((self.sent != self.wanted) & (dice[:8] < self.pace)),
            records.payload.eq(
                Cat(Cat(self.sent, C(0, LANE_BITS - 32)) ^ mark for mark in LANE_MARKS)
            ),
        ]
        with m.If(records.valid):
            m.d.sync += self.sent.eq(self.sent + 1)


class _Scratch(wiring.Component):
    """Memory behind a bus."""

    bus: In(BusSignature((SCRATCH_WORDS - 1).bit_length()))

    def elaborate(self, platform):
        m = Module()

        m.submodules.words = words = memory.Memory(shape=32, depth=SCRATCH_WORDS, init=[])
        write, read = words.write_port(), words.read_port()
        was_read = Signal()
        m.d.sync += was_read.eq(self.bus.r_en)
        m.d.comb += [
            write.addr.eq(self.bus.addr),
            write.data.eq(self.bus.w_data),
            write.en.eq(self.bus.w_en),
            read.addr.eq(self.bus.addr),
            self.bus.r_data.eq(Mux(was_read, read.data, 0)),
        ]

        return m


def at(name: str) -> int:
    """Return the address of one of the endpoint's registers."""
    return ENDPOINT_BASE + getattr(PcieRegs, name).offset


def at_frames(name: str) -> int:
    """Return the address of one of the registers for raw frames."""
    return FRAMES_BASE + getattr(FrameRegs, name).offset


async def woken(dut, *, bus_master: bool = True, **settings) -> PcieHost:
    """Return a host that has enumerated the card."""
    for port in (dut.wanted, dut.pace, dut.alarm):
        port.value = 0
    host = PcieHost(dut, **settings)
    await host.enumerate(bus_master=bus_master)
    return host


def disturb(host: PcieHost, rng: random.Random, share: float) -> None:
    """Let each stream pause in such a share of the cycles, at random."""
    for end in ("cq_source", "cc_sink", "rq_sink"):
        getattr(host.device, end).set_pause_generator(iter(lambda: rng.random() < share, None))


def settling(dut):
    """Return a function by which host code waits until what was sent has arrived."""

    async def settle(cycles: int = SETTLE_CYCLES) -> None:
        await ClockCycles(dut.clk, cycles)

    return resume(settle)


def numbers(records: bytes) -> list[int]:
    """Return the numbers of records that are whole, as the card makes them."""
    lanes = np.frombuffer(records, "<u8").reshape(-1, len(LANE_MARKS))
    assert (lanes ^ np.array(LANE_MARKS, np.uint64) == lanes[:, :1]).all()
    return lanes[:, 0].tolist()
