"""The compiled card of the Versa trades a capture from pins to pins, as the model does.

Both feed lines come in at port 0 as fast as 1 Gb/s carries them; the venue is at port 1. The host
talks over the UART, 10 times as fast as on the board, and has set the card up before the PHYs have
their clocks. The clocks have no phase in common; those of the PHYs' receive sides are off by 125
parts in a million, one either way.
"""

import logging
import os
from pathlib import Path

import cocotb
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from capture_bench import Records, card_setup, compared, switched_on
from cocotb.clock import Clock
from cocotb.task import bridge
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge, Timer
from cocotbext.eth import GmiiFrame, RgmiiSink, RgmiiSource
from serial_bench import BenchLine

from tickwright.bus.uart_driver import UartDriver
from tickwright.ethernet.types import RgmiiEdge
from tickwright.exchange.scripted import ScriptedVenue
from tickwright.host.card import Card
from tickwright.host.setup import CardSetup
from tickwright.market.compiled import keep_in
from tickwright.market.generator import generate_session
from tickwright.market.session import SessionSettings
from tickwright.platforms.versa_core import VersaCore
from tickwright.replay.recording import Recording
from tickwright.risk.types import Verdict
from tickwright.top.presets import PRESETS
from tickwright.twin.bench import run_bench
from tickwright.twin.cache import cache_folder
from tickwright.twin.taps import TAPS
from tickwright.twin.venue import VenuePeer

PRESET = PRESETS["versa"]
SEED = 2026
SESSION = SessionSettings(
    seed=SEED, symbols=8, pairs=4, messages=2_000, loss_a=0.05, loss_b=0.05, halts=1
)
CORE_PS = 12_500
CYCLES_PER_BIT = 8
BIT_NS = CYCLES_PER_BIT * CORE_PS // 1_000
CLOCKS = {  # period and phase, in ps
    "core_clk": (CORE_PS, 0),
    "tx_clk": (8_000, 900),
    "txc": (8_000, 900 + 2_000),  # as the PHY has it, which delays it
    "feed_clk": (7_999, 330),
    "order_clk": (8_001, 2_110),
}
HIGH_PS = 4_000  # of the clocks of the PHYs, which may be odd
SETTLE_CYCLES = 2_000  # in which all that is under way has arrived


class Board(wiring.Component):
    """The card with the registers of its pins, as an FPGA has them, and its records as ports.

    ``txc`` leads nowhere: it is the clock that the PHY of port 1 gets. ``free``: the card's wire
    is free for an order.
    """

    def __init__(self):
        self.core = VersaCore(PRESET, cycles_per_bit=CYCLES_PER_BIT)
        records = self.core.pipeline.signature.members
        super().__init__(
            {
                **{clock: In(1) for clock in CLOCKS},
                "feed_rxd": In(4),
                "feed_rx_ctl": In(1),
                "order_rxd": In(4),
                "order_rx_ctl": In(1),
                "order_txd": Out(4),
                "order_tx_ctl": Out(1),
                "uart_rx": In(1, init=1),
                "uart_tx": Out(1, init=1),
                "free": Out(1),
                **{name: records[name] for name in TAPS},
            }
        )

    def elaborate(self, platform):
        m = Module()

        m.submodules.core = core = self.core
        for domain, clock in (
            ("sync", self.core_clk),
            ("tx", self.tx_clk),
            ("rx_feed", self.feed_clk),
            ("rx_order", self.order_clk),
        ):
            m.domains += ClockDomain(domain, reset_less=True)
            m.d.comb += ClockSignal(domain).eq(clock)
        self._receive(m, "rx_feed", Cat(self.feed_rxd, self.feed_rx_ctl), core.feed_rx)
        self._receive(m, "rx_order", Cat(self.order_rxd, self.order_rx_ctl), core.order_rx)
        self._transmit(m, core.order_tx, Cat(self.order_txd, self.order_tx_ctl))

        line = core.pipeline.order_tx
        m.d.comb += [
            core.uart_rx.eq(self.uart_rx),
            self.uart_tx.eq(core.uart_tx),
            self.free.eq(line.ready & ~line.valid),
        ]
        for name in TAPS:
            record, shown = getattr(core.pipeline, name), getattr(self, name)
            m.d.comb += [shown.valid.eq(record.valid), shown.payload.eq(record.payload)]

        return m

    def _receive(self, m, domain, lines, shown):
        """Sample at both edges; show both samples after the rising edge that follows."""
        below = f"{domain}_falling"
        m.domains += ClockDomain(below, clk_edge="neg", reset_less=True)
        m.d.comb += ClockSignal(below).eq(ClockSignal(domain))
        rising = Signal(RgmiiEdge, name=f"{domain}_at_rise")
        falling = Signal(RgmiiEdge, name=f"{domain}_at_fall")
        both = Signal.like(shown, name=f"{domain}_at_both")
        m.d[below] += falling.as_value().eq(lines)
        m.d[domain] += rising.as_value().eq(lines)
        m.d[domain] += [both.rising.eq(rising), both.falling.eq(falling)]
        m.d.comb += shown.eq(both)

    def _transmit(self, m, sent, lines):
        """Drive one half while the clock is high, the other while it is low."""
        driven = Signal.like(sent)
        m.d.tx += driven.eq(sent)
        halves = (driven.rising.as_value(), driven.falling.as_value())
        m.d.comb += lines.eq(Mux(ClockSignal("tx"), *halves))


class Venue:
    """Answers every order on the line of port 1."""

    def __init__(self, dut, setup: CardSetup) -> None:
        self.frames: list[bytes] = []
        self._peer = VenuePeer(setup.session, ScriptedVenue(f"random:{SEED}"))
        self._takes = quiet(RgmiiSink(dut.order_txd, dut.order_tx_ctl, dut.txc))
        self._sends = quiet(RgmiiSource(dut.order_rxd, dut.order_rx_ctl, dut.order_clk))

    async def trade(self) -> None:
        while True:
            frame = await self._takes.recv()
            assert frame.check_fcs()
            assert frame.error is None
            self.frames.append(bytes(frame.get_payload()))
            for arrival in self._peer.take(self.frames[-1], at_ns=0):
                self._sends.send_nowait(GmiiFrame.from_payload(arrival.frame))

    async def rest(self) -> None:
        """Wait until all answers are at the card."""
        await self._sends.wait()


class Recorder(Records):
    """Looks only when something is shown; sees that what passes finds the wire free."""

    def __init__(self, dut) -> None:
        super().__init__(dut, PRESET)
        self.passed = 0

    def start(self) -> None:
        for valid, payload, payloads in self.ends:
            cocotb.start_soon(self._keep(valid, payload, payloads))
        cocotb.start_soon(self._watch(self.dut.verdicts__valid, self.dut.verdicts__payload))

    async def _keep(self, valid, payload, payloads) -> None:
        async for shown in self._shown(valid, payload):
            payloads.append(shown)

    async def _watch(self, valid, payload) -> None:
        async for shown in self._shown(valid, payload):
            if Verdict.from_bits(shown).passed:
                assert self.dut.free.value, "passed while the transmitter was busy"
                self.passed += 1

    async def _shown(self, valid, payload):
        """Yield a payload in every cycle that has one."""
        while True:
            await ReadOnly()
            if valid.value:
                yield int(payload.value)
                await RisingEdge(self.dut.core_clk)
            else:
                await RisingEdge(valid)


def quiet(end):
    end.log.setLevel(logging.WARNING)  # else a line for each frame
    return end


def start_clocks(dut, *names: str) -> None:
    for name in names:
        cocotb.start_soon(run_clock(getattr(dut, name), *CLOCKS[name]))


async def run_clock(clock, period_ps: int, phase_ps: int) -> None:
    if phase_ps:
        await Timer(phase_ps, unit="ps")
    high = CORE_PS // 2 if period_ps == CORE_PS else HIGH_PS
    Clock(clock, period_ps, unit="ps", period_high=high).start()


@bridge
def host(line: BenchLine, setup: CardSetup) -> Card:
    return switched_on(UartDriver(line), setup)


@cocotb.test(timeout_time=120, timeout_unit="ms")
async def decides_as_the_model_does(dut):
    recording = Recording(Path(os.environ["CAPTURE"]))
    setup = card_setup(recording, PRESET)
    setup.check_fits(PRESET)
    dut.uart_rx.value = 1
    feed = quiet(RgmiiSource(dut.feed_rxd, dut.feed_rx_ctl, dut.feed_clk))
    venue, recorder = Venue(dut, setup), Recorder(dut)
    for name in CLOCKS:
        getattr(dut, name).value = 0
    recorder.start()
    cocotb.start_soon(venue.trade())
    start_clocks(dut, "core_clk")
    card = await host(BenchLine(dut.uart_rx, dut.uart_tx, BIT_NS), setup)
    start_clocks(dut, *CLOCKS.keys() - {"core_clk"})

    for chunk in recording.frames():
        for row in range(len(chunk)):
            feed.send_nowait(GmiiFrame.from_payload(chunk.frame(row)))
    await feed.wait()
    for _ in range(2):  # what comes last may have an answer, and that an outcome
        await ClockCycles(dut.core_clk, SETTLE_CYCLES)
        await venue.rest()
    counters = await bridge(card.counters)()
    position = bridge(card.position)
    ledger = [await position(symbol) for symbol in range(len(setup.symbols))]

    journal = recorder.journal()
    ours, theirs = compared(setup, PRESET, recording, journal, venue.frames, ledger)
    assert counters["feed"]["delivered"] == theirs.messages > len(setup.symbols)
    assert counters["order"]["orders"] == len(venue.frames) == len(journal.orders) > 0
    assert recorder.passed == sum(verdict["passed"] for verdict in journal.verdicts) > 0
    assert ours.fills
    dut._log.info(
        f"{theirs.messages} messages, {len(journal.intents)} intents, {len(journal.orders)} "
        f"orders, {len(ours.fills)} fills: as the model"
    )


def test_card_versa(tmp_path, monkeypatch):
    capture = tmp_path / "session.pcap"
    keep_in(cache_folder())
    generate_session(capture, SESSION)
    monkeypatch.setenv("CAPTURE", str(capture))
    run_bench(Board(), __name__)
