"""The compiled card trades recorded packets exactly as the model does, whatever waits.

It plays a capture: that of the environment variable ``PCAP``, or a synthetic session made here.
The symbols are the first of the capture that the preset holds, two by two.
"""

import os
import random
from collections import deque
from pathlib import Path

import cocotb
from capture_bench import PLENTY, Records, card_setup, compared, switched_on
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge

from tickwright.core.regs import WORD_BYTES as REGISTER_BYTES
from tickwright.core.streams import FrameEnd, Word
from tickwright.exchange.scripted import ScriptedVenue
from tickwright.host.setup import CardSetup
from tickwright.market.compiled import keep_in
from tickwright.market.generator import generate_session
from tickwright.market.session import SessionSettings
from tickwright.replay.recording import Recording
from tickwright.risk.types import Verdict
from tickwright.top.pipeline import Pipeline
from tickwright.top.presets import PRESETS
from tickwright.twin.bench import CLOCK_NS, run_bench, start
from tickwright.twin.cache import cache_folder
from tickwright.twin.frame_ends import Arriving, cycles
from tickwright.twin.handshake import Sink, frame_bytes
from tickwright.twin.venue import VenuePeer

PRESET = PRESETS["versa"]
SEED = 2026
SESSION = SessionSettings(
    seed=SEED, symbols=8, pairs=4, messages=1_500, loss_a=0.05, loss_b=0.05, loss_both=1, halts=1
)
MOST_MESSAGES = 4_000  # of a capture that is given
SETTLE_CYCLES = 2_000  # after the last frame: an open gap, answers, the card's own queues
INPUTS = ("now_ns", "bus__w_en", "bus__r_en", "feed_rx__valid", "feed_end__valid",
          "order_rx__valid", "order_end__valid")  # fmt: skip


class HostBus:
    """The bus as the host's code sees it; each access takes its cycles on the card's bus."""

    def __init__(self, dut) -> None:
        self.dut = dut

    @resume
    async def read(self, addr: int) -> int:
        self.dut.bus__addr.value = addr // REGISTER_BYTES
        self.dut.bus__r_en.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.bus__r_en.value = 0
        await RisingEdge(self.dut.clk)
        return int(self.dut.bus__r_data.value)

    @resume
    async def write(self, addr: int, value: int) -> None:
        self.dut.bus__addr.value = addr // REGISTER_BYTES
        self.dut.bus__w_data.value = value
        self.dut.bus__w_en.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.bus__w_en.value = 0


class Recorder(Records):
    """Keeps card time too, as a platform does."""

    def __init__(self, dut) -> None:
        super().__init__(dut, PRESET)
        self.now_ns = 0

    async def run(self) -> None:
        while True:
            await ReadOnly()
            self.look()
            await RisingEdge(self.dut.clk)
            self.now_ns += CLOCK_NS
            self.dut.now_ns.value = self.now_ns


class Wire:
    """Sees that every intent that passes finds the wire free: its order starts at once."""

    def __init__(self, dut) -> None:
        self.dut = dut
        self.passed = 0

    async def watch(self) -> None:
        free = False  # in the cycle before
        while True:
            await ReadOnly()
            if self.dut.verdicts__valid.value:
                verdict = Verdict.from_bits(int(self.dut.verdicts__payload.value))
                assert free or not verdict.passed, "passed while the transmitter was busy"
                self.passed += verdict.passed
            free = bool(self.dut.order_tx__ready.value) and not self.dut.order_tx__valid.value
            await RisingEdge(self.dut.clk)


class Venue:
    """Takes the card's frames, a word when it likes, and answers them after a while."""

    def __init__(self, dut, setup: CardSetup, rng: random.Random) -> None:
        self.dut = dut
        self.frames: list[bytes] = []
        self._peer = VenuePeer(setup.session, ScriptedVenue(f"random:{SEED}"))
        self._sink = Sink(dut, "order_tx")
        self._rng = rng
        self._answers: deque[bytes] = deque()

    @property
    def busy(self) -> bool:
        return bool(self._answers)

    async def listen(self) -> None:
        stalls = iter(lambda: self._rng.choice([0, 0, 0, 1, 2, 30]), None)
        words: list[int] = []
        while True:
            words += await self._sink.take(1, stalls=stalls)
            if Word.from_bits(words[-1]).last:
                [frame] = frame_bytes(words)
                words.clear()
                self.frames.append(frame)
                self._answers += [arrival.frame for arrival in self._peer.take(frame, at_ns=0)]

    async def answer(self) -> None:
        while True:
            await ClockCycles(self.dut.clk, self._rng.choice([1, 20, 100]))
            if self._answers:
                await arrive(self.dut, "order_rx", "order_end", self._answers[0], self._rng)
                self._answers.popleft()


async def arrive(dut, rx: str, end: str, frame: bytes, rng: random.Random) -> None:
    """Let a frame arrive with idle cycles between its words, its verdict with or after the last."""
    pauses = iter(lambda: rng.choice([0, 0, 0, 0, 1, 3]), None)
    valid, payload = getattr(dut, f"{rx}__valid"), getattr(dut, f"{rx}__payload")
    ended, verdict = getattr(dut, f"{end}__valid"), getattr(dut, f"{end}__payload")
    for word, good in cycles([Arriving(frame, verdict_after=rng.randrange(3), pauses=pauses)]):
        valid.value = word is not None
        payload.value = word or 0
        ended.value = good is not None
        verdict.value = FrameEnd.const({"good": bool(good), "reason": 0}).as_bits()
        await RisingEdge(dut.clk)
    valid.value = ended.value = 0


async def play(dut, recording: Recording, recorder: Recorder, venue: Venue) -> None:
    """Play the frames, at their times or later, close together or not."""
    rng = random.Random(SEED)
    for chunk in recording.frames():
        for row in range(len(chunk)):
            for _ in range(rng.choice([0, 0, 1, 5, 40])):
                await RisingEdge(dut.clk)
            recorder.now_ns = max(recorder.now_ns, int(chunk.time_ns[row]))
            await arrive(dut, "feed_rx", "feed_end", chunk.frame(row), rng)
    recorder.now_ns += PLENTY
    await ClockCycles(dut.clk, SETTLE_CYCLES)
    while venue.busy:
        await ClockCycles(dut.clk, SETTLE_CYCLES)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def decides_as_the_model_does(dut):
    rng = random.Random(SEED)
    recording = Recording(Path(os.environ["PCAP"]), max_messages=MOST_MESSAGES)
    setup = card_setup(recording, PRESET)
    setup.check_fits(PRESET)
    recorder, venue, wire = Recorder(dut), Venue(dut, setup, rng), Wire(dut)
    for name in INPUTS:
        getattr(dut, name).value = 0
    await start(dut)
    for running in (recorder.run(), venue.listen(), venue.answer(), wire.watch()):
        cocotb.start_soon(running)
    card = await bridge(switched_on)(HostBus(dut), setup)
    await play(dut, recording, recorder, venue)
    counters = await bridge(card.counters)()
    position = bridge(card.position)
    ledger = [await position(symbol) for symbol in range(len(setup.symbols))]

    journal = recorder.journal()
    ours, theirs = compared(setup, PRESET, recording, journal, venue.frames, ledger)
    assert counters["feed"]["delivered"] == theirs.messages > len(setup.symbols)
    assert counters["order"]["orders"] == len(venue.frames) == len(journal.orders) > 0
    assert ours.fills
    assert wire.passed == sum(verdict["passed"] for verdict in journal.verdicts) > 0
    dut._log.info(
        f"{theirs.messages} messages, {len(journal.quotes)} quotes, {len(journal.intents)} "
        f"intents, {len(journal.orders)} orders, {len(ours.fills)} fills: as the model"
    )


def test_card(tmp_path, monkeypatch):
    given = os.environ.get("PCAP")  # `make sim` sets it to nothing
    capture = Path(given).resolve() if given else tmp_path / "session.pcap"
    if not given:
        keep_in(cache_folder())
        generate_session(capture, SESSION)
    monkeypatch.setenv("PCAP", str(capture))
    run_bench(Pipeline(PRESET), __name__)
