"""The compiled feed stage: every message of either line once and in sequence, as scapy framed it.

It plays the frames of a capture: that of the environment variable ``PCAP``, or one made here.
"""

import os
import random
from collections.abc import Iterable
from itertools import repeat
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import rdpcap, wrpcap

from tickwright.core.regs import WORD_BITS, WORD_BYTES
from tickwright.core.streams import WORD_BYTES as FRAME_WORD_BYTES
from tickwright.core.streams import Word
from tickwright.feed.messages import (
    ITCH_BY_TYPE,
    ITCH_SIZES,
    ItchMessage,
    MoldUdp64Block,
    MoldUdp64Header,
)
from tickwright.feed.regs import FeedRegs
from tickwright.feed.stage import FeedStage
from tickwright.feed.types import BookEvent, BookOp, Side, StatusEvent
from tickwright.top.presets import PRESETS
from tickwright.twin.bench import run_bench, start
from tickwright.twin.frame_ends import Arriving, cycles

PRESET = PRESETS["versa"]
SESSION = "000010059B"
LINES = [("233.54.12.111", 26477), ("233.54.12.112", 26478)]
OPS = {
    "A": BookOp.ADD, "F": BookOp.ADD, "E": BookOp.EXECUTE, "C": BookOp.EXECUTE,
    "X": BookOp.CANCEL, "D": BookOp.DELETE, "U": BookOp.REPLACE,
}  # fmt: skip
KINDS = [*OPS, *OPS, *OPS, "H", *(kind for kind in ITCH_SIZES if kind != "R")]
MESSAGES = 1500
MAX_FRAMES = 2000  # of a capture from outside
SEED = 2026
LATENCY = 4
NS_PER_CYCLE = 6
SETTLE_CYCLES = 8 * PRESET.hold  # the ring may be full at the end


def some_message(rng: random.Random) -> bytes:
    """A message of any type but R, with random content."""
    kind = rng.choice(KINDS)
    locate = rng.choice([0, 7, 39_999, 65535, *range(40_000, 40_000 + PRESET.symbols)])
    message = kind.encode() + locate.to_bytes(2, "big") + rng.randbytes(ITCH_SIZES[kind] - 3)
    if kind in "AFH":
        letters = b"HPQT" if kind == "H" else b"BS"
        message = message[:19] + bytes([rng.choice(letters)]) + message[20:]
    return message


def framed(
    messages: list[bytes], sequence: int, line: tuple[str, int], *, tagged: bool = False
) -> bytes:
    """One frame, as scapy makes it."""
    header = MoldUdp64Header(session=SESSION, sequence=sequence, count=len(messages))
    payload = header.pack() + b"".join(MoldUdp64Block(message=one).pack() for one in messages)
    address, port = line
    packet = Ether(src="02:00:00:00:00:01", dst="01:00:5e:36:0c:6f")
    packet = packet / Dot1Q(vlan=5) if tagged else packet
    return bytes(packet / IP(src="10.1.2.3", dst=address) / UDP(dport=port) / Raw(payload))


def two_lines(rng: random.Random, messages: list[bytes]) -> list[bytes]:
    """Frames of both lines, each with its own packing, delay and loss; none is lost on both.

    Those of line B are tagged.
    """
    lost: set[int] = set()
    frames = []
    for number, line in enumerate(LINES):
        at = 0
        while at < len(messages):
            part = range(at, min(at + rng.choice([1, 2, 5, 20, 40]), len(messages)))
            at = part.stop
            if rng.random() < 0.1 and not lost & set(part):
                lost |= set(part)
                continue
            bodies = [messages[index] for index in part]
            data = framed(bodies, 1 + part[0], line, tagged=number == 1)
            frames.append((part[0] + rng.randrange(60) * number, data))
    return [data for _, data in sorted(frames, key=lambda item: item[0])]


class Capture:
    """What scapy finds in the frames of a capture: lines, and messages by sequence."""

    def __init__(self, path: Path) -> None:
        self.frames: list[bytes] = []
        self.lines: list[tuple[str, int]] = []
        self.messages: dict[int, bytes] = {}
        for packet in rdpcap(str(path), MAX_FRAMES):
            self.frames.append(bytes(packet))
            if UDP in packet:
                self._take((packet[IP].dst, packet[UDP].dport), bytes(packet[UDP].payload))
        locates = {self.locate(one): None for one in self.messages.values() if one[:1] in b"AFD"}
        self.watched = {locate: symbol for symbol, locate in enumerate(locates)
                        if symbol < PRESET.symbols}  # fmt: skip

    @staticmethod
    def locate(message: bytes) -> int:
        return ItchMessage.unpack(message).locate

    def _take(self, line: tuple[str, int], payload: bytes) -> None:
        if line not in self.lines:
            self.lines.append(line)
        header = MoldUdp64Header.unpack(payload)
        at = header.size
        for sequence in range(header.sequence, header.sequence + header.count):
            size = int.from_bytes(payload[at : at + 2], "big")
            self.messages.setdefault(sequence, payload[at + 2 : at + 2 + size])
            at += 2 + size

    def rows(self) -> list[tuple]:
        """What the stage should say, read by means of the tables of messages."""
        rows = (self._row(self.messages[at], at) for at in sorted(self.messages))
        return [row for row in rows if row is not None]

    def _row(self, message: bytes, sequence: int) -> tuple | None:
        kind, head = chr(message[0]), ItchMessage.unpack(message)
        symbol, cause = self.watched.get(head.locate), (sequence, head.timestamp_ns)
        if ITCH_SIZES.get(kind) != len(message) or symbol is None:
            return None
        if kind == "H":
            return ("status", symbol, message[19], *cause)
        if kind not in OPS:
            return None
        read = {
            field.name: int.from_bytes(message[field.offset :][: field.size], "big")
            for field in ITCH_BY_TYPE[kind].fields
        }
        side = Side.SELL if kind in "AF" and read["side"] == ord("S") else Side.BUY
        order = (read["reference"], read.get("new_reference", 0), side, read.get("shares", 0))
        return ("event", OPS[kind], symbol, *order, read["price"] if kind in "AFU" else 0, *cause)


class Listener:
    """Notes what the stage says, and in which cycle; lets card time pass."""

    def __init__(self, dut) -> None:
        self.dut = dut
        self.cycle = 0
        self.rows: list[tuple] = []
        self.cycles: list[int] = []
        self.last_words: list[int] = []  # cycles of the last words of frames
        self.trusts = 0

    async def run(self) -> None:
        while True:
            await ReadOnly()
            if self.dut.frames__valid.value:
                word = Word.from_bits(int(self.dut.frames__payload.value))
                self.last_words += [self.cycle] * word.last
            said = [name for name in ("events", "statuses", "trusts")
                    if getattr(self.dut, f"{name}__valid").value]  # fmt: skip
            assert len(said) <= 1
            self.trusts += said == ["trusts"]
            if said and said != ["trusts"]:
                self.rows.append(self._row(said[0]))
                self.cycles.append(self.cycle)
            await RisingEdge(self.dut.clk)
            self.cycle += 1
            self.dut.now_ns.value = NS_PER_CYCLE * self.cycle

    def _row(self, name: str) -> tuple:
        bits = int(getattr(self.dut, f"{name}__payload").value)
        layout = StatusEvent if name == "statuses" else BookEvent
        p: Any = layout(PRESET.symbols).from_bits(bits)
        if name == "statuses":
            return ("status", p.symbol, p.status, p.cause.sequence, p.cause.feed_ns)
        order = (p.reference, p.new_reference, p.side, p.shares, p.price)
        return ("event", p.op, p.symbol, *order, p.cause.sequence, p.cause.feed_ns)


async def write(dut, name: str, value: int) -> None:
    register = getattr(FeedRegs, name)
    for word in range(register.words):
        dut.bus__addr.value = register.offset // WORD_BYTES + word
        dut.bus__w_data.value = value >> WORD_BITS * word & ((1 << WORD_BITS) - 1)
        dut.bus__w_en.value = 1
        await RisingEdge(dut.clk)
    dut.bus__w_en.value = 0


async def read(dut, name: str) -> int:
    """Return the low word of a register."""
    dut.bus__addr.value = getattr(FeedRegs, name).offset // WORD_BYTES
    dut.bus__r_en.value = 1
    await RisingEdge(dut.clk)
    dut.bus__r_en.value = 0
    await RisingEdge(dut.clk)
    return int(dut.bus__r_data.value)


async def opened(dut, capture: Capture) -> Listener:
    """Start the stage, and let it listen to what the capture carries."""
    for name in ("now_ns", "bus__w_en", "bus__r_en", "frames__valid", "frame_end__valid"):
        getattr(dut, name).value = 0
    await start(dut)
    while not await read(dut, "ready"):
        pass
    for locate, symbol in capture.watched.items():
        for name, value in (("locate", locate), ("locate_symbol", symbol), ("locate_valid", 1)):
            await write(dut, name, value)
        await write(dut, "set_locate", 1)
    for line, (address, port) in zip("ab", capture.lines, strict=False):
        number = int.from_bytes(bytes(map(int, address.split("."))), "big")
        await write(dut, f"line_{line}_destination", number)
        await write(dut, f"line_{line}_port", port)
    for name, value in (("start_sequence", min(capture.messages)), ("hold_ns", 1 << 40),
                        ("max_age_ns", 1 << 40), ("enable", 1)):  # fmt: skip
        await write(dut, name, value)
    for _ in range(4):
        await RisingEdge(dut.clk)
    listener = Listener(dut)
    cocotb.start_soon(listener.run())
    await RisingEdge(dut.clk)
    return listener


async def play(dut, frames: Iterable[Arriving]) -> None:
    for word, good in cycles(frames):
        dut.frames__valid.value = word is not None
        dut.frames__payload.value = word or 0
        dut.frame_end__valid.value = good is not None
        dut.frame_end__payload.value = int(bool(good))
        await RisingEdge(dut.clk)
    dut.frames__valid.value = 0
    dut.frame_end__valid.value = 0


async def every_message_once(dut, pauses: Iterable[int], idle: int) -> None:
    capture = Capture(Path(os.environ["PCAP"]))
    listener = await opened(dut, capture)
    await play(dut, (Arriving(data, idle=idle, verdict_after=1, pauses=pauses)
                     for data in capture.frames))  # fmt: skip
    for _ in range(SETTLE_CYCLES):
        await RisingEdge(dut.clk)
    expected = capture.rows()
    assert len(expected) > len(capture.messages) // 10
    assert listener.rows == expected
    assert listener.trusts == 0
    assert dut.feed_ok.value == 1
    assert dut.gap_open.value == 0
    assert await read(dut, "delivered") == len(capture.messages)
    assert await read(dut, "frames") == len(capture.frames)


@cocotb.test(timeout_time=20, timeout_unit="ms")
async def says_every_message_once_at_the_rate_of_the_words(dut):
    await every_message_once(dut, repeat(0), idle=3)


@cocotb.test(timeout_time=40, timeout_unit="ms")
async def says_every_message_once_with_idle_cycles_between_words(dut):
    rng = random.Random(SEED)
    await every_message_once(dut, iter(lambda: rng.choice([0, 0, 1, 4]), None), idle=0)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def takes_four_cycles_for_an_isolated_message(dut):
    capture = Capture(Path(os.environ["PCAP"]))
    listener = await opened(dut, capture)
    locate, first = next(iter(capture.watched)), min(capture.messages)
    cases = [(kind, shift) for kind in [*OPS, "H"] for shift in range(FRAME_WORD_BYTES)]
    for number, (kind, shift) in enumerate(cases):
        skipped = b"?" * (12 + shift)
        message = (kind.encode() + locate.to_bytes(2, "big")).ljust(ITCH_SIZES[kind], b"\0")
        data = framed([skipped, message], first + 2 * number, capture.lines[0])
        await play(dut, [Arriving(data, idle=10)])
    for _ in range(10):
        await RisingEdge(dut.clk)
    waits = [seen - last for seen, last in zip(listener.cycles, listener.last_words, strict=True)]
    assert waits == [LATENCY] * len(cases)


def test_feed(tmp_path):
    path = os.environ.get("PCAP") or None  # make sim passes it empty
    if not path:
        rng = random.Random(SEED)
        frames = two_lines(rng, [some_message(rng) for _ in range(MESSAGES)])
        path = tmp_path / "lines.pcap"
        wrpcap(str(path), [Ether(data) for data in frames])
    run_bench(FeedStage(PRESET), __name__, env={"PCAP": str(Path(path).resolve())})
