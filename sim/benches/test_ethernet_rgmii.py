"""The compiled MAC talks over RGMII to a PHY not written here, with data at both edges."""

import logging
import random
from collections import Counter
from itertools import chain, pairwise

import cocotb
from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, Timer
from cocotbext.eth import GmiiFrame, RgmiiSink, RgmiiSource

from tickwright.core.streams import FrameEnd, Word
from tickwright.ethernet.frame import FCS_BYTES, GAP_BYTES, MAX_FRAME_BYTES, MIN_FRAME_BYTES
from tickwright.ethernet.reasons import FrameReason
from tickwright.ethernet.receiver import GmiiReceiver
from tickwright.ethernet.rgmii import RgmiiReceiver, RgmiiTransmitter
from tickwright.ethernet.transmitter import GmiiTransmitter
from tickwright.ethernet.types import RgmiiEdge
from tickwright.twin.bench import run_bench
from tickwright.twin.handshake import Source, frame_bytes, frame_words

PERIOD_PS = 8_000
DELAY_PS = 2_000  # of TXC behind TD, made by the PHY or the board
MIN_DATA_BYTES = MIN_FRAME_BYTES - FCS_BYTES
RESET_CYCLES = 4
IN_FLIGHT_CYCLES = 40  # from a model's end of a frame to ours, and more
FRAMES = 500  # in each direction
SEED = 2026


class Port(wiring.Component):
    """A MAC between its streams and its pins; the registers of the pins as an FPGA has them.

    The receiver is of the domain ``rx``, whose clock is the PHY's. ``txc`` leads nowhere: it is
    the clock that the PHY gets.
    """

    rxd: In(4)
    rx_ctl: In(1)
    rx: Out(stream.Signature(Word, always_ready=True))
    rx_end: Out(stream.Signature(FrameEnd, always_ready=True))
    no_start: Out(1)
    no_words: Out(1)

    txd: Out(4)
    tx_ctl: Out(1)
    txc: In(1)
    tx: In(stream.Signature(Word))
    underrun: Out(1)

    def elaborate(self, platform):
        m = Module()

        self._receive(m)
        self._transmit(m)

        return m

    def _receive(self, m):
        """Sample at both edges; show both samples after the rising edge that follows."""
        pins, receiver = RgmiiReceiver(), GmiiReceiver()
        m.submodules.rx_pins = DomainRenamer("rx")(pins)
        m.submodules.receiver = DomainRenamer("rx")(receiver)
        m.domains.rx_falling = ClockDomain(clk_edge="neg", reset_less=True)
        m.d.comb += ClockSignal("rx_falling").eq(ClockSignal("rx"))

        rising, falling = Signal(RgmiiEdge), Signal(RgmiiEdge)
        lines = Cat(self.rxd, self.rx_ctl)
        m.d.rx_falling += falling.as_value().eq(lines)
        m.d.rx += rising.as_value().eq(lines)
        shown = Signal.like(pins.pins)
        m.d.rx += [shown.rising.eq(rising), shown.falling.eq(falling)]

        connect(m, receiver.words, flipped(self.rx))
        connect(m, receiver.frame_end, flipped(self.rx_end))
        m.d.comb += [
            pins.pins.eq(shown),
            receiver.gmii.eq(pins.gmii),
            self.no_start.eq(receiver.no_start),
            self.no_words.eq(receiver.no_words),
        ]

    def _transmit(self, m):
        """Drive one half while the clock is high, the other while it is low."""
        m.submodules.transmitter = transmitter = GmiiTransmitter()
        m.submodules.tx_pins = pins = RgmiiTransmitter()

        driven = Signal.like(pins.pins)
        m.d.sync += driven.eq(pins.pins)
        lines = Mux(ClockSignal(), driven.rising.as_value(), driven.falling.as_value())
        m.d.comb += Cat(self.txd, self.tx_ctl).eq(lines)

        connect(m, flipped(self.tx), transmitter.words)
        m.d.comb += [pins.gmii.eq(transmitter.gmii), self.underrun.eq(transmitter.underrun)]


class Bench:
    """A port, the PHY at its pins, and what the card has of it."""

    def __init__(self, dut):
        self.dut = dut
        self.phy_sends = RgmiiSource(dut.rxd, dut.rx_ctl, dut.rx_clk)
        self.phy_takes = RgmiiSink(dut.txd, dut.tx_ctl, dut.txc)
        self.card_sends = Source(dut, "tx")
        self.words = []
        self.reasons = []
        self.strobes = Counter()
        for end in (self.phy_sends, self.phy_takes):
            end.log.setLevel(logging.WARNING)  # else a line for each frame

    async def start(self):
        """Start the clocks, which have no phase in common, and take the port out of reset."""
        dut = self.dut
        dut.rst.value = dut.rx_rst.value = 1
        clocks = ((dut.rx_clk, 0), (dut.clk, 900), (dut.txc, 900 + DELAY_PS))
        for clock, phase in clocks:
            cocotb.start_soon(self._run_clock(clock, phase))
        await ClockCycles(dut.clk, RESET_CYCLES)
        dut.rst.value = dut.rx_rst.value = 0
        cocotb.start_soon(self._watch(dut.rx_clk, ("no_start", "no_words"), self._take_words))
        cocotb.start_soon(self._watch(dut.clk, ("underrun",)))
        await ClockCycles(dut.clk, RESET_CYCLES)

    async def rest(self):
        """Wait until all that the PHY has to send has been received."""
        await self.phy_sends.wait()
        await ClockCycles(self.dut.rx_clk, IN_FLIGHT_CYCLES)

    def received(self):
        """Return the frames that came, and the reasons of their verdicts."""
        return frame_bytes(self.words), self.reasons

    async def _run_clock(self, clock, phase):
        clock.value = 0
        if phase:
            await Timer(phase, unit="ps")
        Clock(clock, PERIOD_PS, unit="ps").start()

    async def _watch(self, clock, strobes, also=lambda: None):
        """Look at a domain in the middle of its cycles."""
        edge = FallingEdge(clock)
        handles = [(name, getattr(self.dut, name)) for name in strobes]
        while True:
            await edge
            also()
            for name, handle in handles:
                if handle.value:
                    self.strobes[name] += 1

    def _take_words(self):
        if self.dut.rx__valid.value:
            self.words.append(int(self.dut.rx__payload.value))
        if self.dut.rx_end__valid.value:
            end = FrameEnd.from_bits(int(self.dut.rx_end__payload.value))
            assert end.good == (end.reason == FrameReason.GOOD)
            self.reasons.append(FrameReason(end.reason))


def random_frames(rng, count):
    """Return frames without FCS: short ones, some of a usual length, few of the longest."""
    sizes = rng.choices([63, 130, 1_514], [50, 50, 1], k=count)
    return [rng.randbytes(rng.randrange(1, size + 1)) for size in sizes]


def words_of(frames):
    return chain.from_iterable(map(frame_words, frames))


def padded(frames):
    return [frame.ljust(MIN_DATA_BYTES, b"\0") for frame in frames]


async def started(dut):
    bench = Bench(dut)
    await bench.start()
    return bench


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def frames_pass_whole_in_both_directions_at_once(dut):
    rng, bench = random.Random(SEED), await started(dut)
    incoming, outgoing = random_frames(rng, FRAMES), random_frames(rng, FRAMES)

    for frame in incoming:
        bench.phy_sends.send_nowait(GmiiFrame.from_payload(frame))
    cocotb.start_soon(bench.card_sends.send(words_of(outgoing)))
    taken = [await bench.phy_takes.recv() for _ in outgoing]
    await bench.rest()

    assert [bytes(frame.get_payload()) for frame in taken] == padded(outgoing)
    assert {bytes(frame.get_preamble()) for frame in taken} == {b"\x55" * 7 + b"\xd5"}
    assert all(frame.check_fcs() and frame.error is None for frame in taken)
    gaps = {after.sim_time_start - before.sim_time_end for before, after in pairwise(taken)}
    assert gaps == {GAP_BYTES * PERIOD_PS}

    assert bench.received() == (padded(incoming), [FrameReason.GOOD] * FRAMES)
    assert not bench.strobes


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def frames_may_come_after_a_shrunk_gap(dut):
    rng, bench = random.Random(SEED), await started(dut)
    sent = random_frames(rng, 80)
    for gap in (12, 8, 5, 1):
        bench.phy_sends.ifg = gap
        for frame in sent:
            bench.phy_sends.send_nowait(GmiiFrame.from_payload(frame))
        await bench.rest()
    assert bench.received() == (padded(sent) * 4, [FrameReason.GOOD] * 320)


def faulty(rng, fault):
    """Return a frame with a fault, what the card gets of it, and the reason it is told."""
    data = rng.randbytes(rng.randrange(MIN_DATA_BYTES, 150))
    frame = GmiiFrame.from_payload(data)
    match fault:
        case FrameReason.FCS:
            frame.data[-1 - rng.randrange(FCS_BYTES)] ^= 1 << rng.randrange(8)
        case FrameReason.ERROR:
            frame.normalize()
            frame.error[rng.randrange(len(frame))] = 1
        case FrameReason.RUNT:
            data = data[: rng.randrange(1, MIN_DATA_BYTES)]
            frame = GmiiFrame.from_payload(data, min_len=0)
        case FrameReason.OVERSIZE:
            data = rng.randbytes(MAX_FRAME_BYTES - FCS_BYTES + rng.randrange(1, 20))
            frame = GmiiFrame.from_payload(data)
            data = data[: MAX_FRAME_BYTES - FCS_BYTES]
    return frame, data, fault


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def a_fault_is_told_for_what_it_is_and_harms_no_other_frame(dut):
    rng, bench = random.Random(SEED), await started(dut)
    faults = [*rng.choices([*set(FrameReason) - {FrameReason.OVERSIZE}], k=200)]
    faults.insert(100, FrameReason.OVERSIZE)
    cases = [faulty(rng, fault) for fault in faults]
    for frame, _, _ in cases:
        bench.phy_sends.send_nowait(frame)
    await bench.rest()
    frames, reasons = bench.received()
    assert reasons == [reason for _, _, reason in cases]
    assert frames == [data for _, data, _ in cases]
    assert not bench.strobes


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def what_is_no_frame_is_dropped(dut):
    bench = await started(dut)
    whole = GmiiFrame.from_payload(b"whole")
    for event in (b"\x55\x55", b"\x55\x12\x55\xd5" + bytes(70), b"\x99"):
        bench.phy_sends.send_nowait(GmiiFrame(event))
        bench.phy_sends.send_nowait(whole)
    for size in range(FCS_BYTES + 1):
        bench.phy_sends.send_nowait(GmiiFrame.from_raw_payload(bytes(size)))
        bench.phy_sends.send_nowait(whole)
    await bench.rest()
    assert bench.received() == (padded([b"whole"] * 8), [FrameReason.GOOD] * 8)
    assert bench.strobes == {"no_start": 3, "no_words": 5}


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def a_frame_that_runs_under_is_taken_by_nobody(dut):
    rng, bench = random.Random(SEED), await started(dut)
    frames = [rng.randbytes(rng.randrange(17, 150)) for _ in range(60)]
    late, gaps = set(rng.sample(range(60), 20)), []
    for at, frame in enumerate(frames):
        pauses = [0] * -(-len(frame) // 8)
        if at in late:
            pauses[rng.randrange(1, len(pauses))] = rng.randrange(16, 60)
        gaps += pauses
    await bench.card_sends.send(words_of(frames), gaps=gaps)
    taken = [await bench.phy_takes.recv() for _ in frames]
    for at, (frame, sent) in enumerate(zip(taken, padded(frames), strict=True)):
        if at in late:
            assert frame.error[-FCS_BYTES:] == [1] * FCS_BYTES
            assert not frame.check_fcs()
        else:
            assert frame.error is None
            assert frame.check_fcs()
            assert frame.get_payload() == sent
    assert bench.strobes == {"underrun": len(late)}


def test_ethernet_rgmii():
    run_bench(Port(), __name__)
