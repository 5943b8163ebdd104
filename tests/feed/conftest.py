"""Frames of the feed, what the specification says of them, and a stage to play them to."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from amaranth.sim import Simulator

from tickwright.feed.regs import FeedRegs
from tickwright.feed.stage import FeedStage
from tickwright.top.presets import Preset

LINES = {0: (0xE9360C6F, 26477), 1: (0xE9360C70, 26478)}
LENGTHS = {
    "S": 12, "R": 39, "H": 25, "Y": 20, "L": 26, "V": 35, "W": 12, "K": 28, "J": 35, "h": 21,
    "A": 36, "F": 40, "E": 31, "C": 36, "X": 23, "D": 19, "U": 35, "P": 44, "Q": 40, "B": 19,
    "I": 50, "N": 20, "O": 48,
}  # fmt: skip
OPS = {"A": 0, "F": 0, "E": 1, "C": 1, "X": 2, "D": 3, "U": 4}
ALL = 1 << 64
GAP, FAULT, DIRECTORY = 1 << 0, 1 << 1, 1 << 8
NS_PER_CYCLE = 6
CLOCK_PERIOD = 1 / 156.25e6  # seconds
DEADLINE = 30_000  # cycles
SIZES: dict[str, Any] = {
    "name": "feed", "symbols": 4, "hold": 16,
    "orders": 16, "window": 256, "pairs": 1, "fanout": 1, "queue": 4, "slots": 4,
}  # fmt: skip


def number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def ones_sum(data: bytes) -> int:
    total = sum(number(data[at : at + 2]) for at in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def message(kind: str, locate: int = 0, at_ns: int = 0, rest: bytes = b"") -> bytes:
    """A message of a known type; what is not given is zero."""
    head = kind.encode() + locate.to_bytes(2, "big") + bytes(2) + at_ns.to_bytes(6, "big")
    return (head + rest)[: LENGTHS[kind]].ljust(LENGTHS[kind], b"\0")


def datagram(
    messages: Iterable[bytes],
    sequence: int = 1,
    *,
    session: bytes = b"000010059B",
    count: int | None = None,
    trailer: bytes = b"",
) -> bytes:
    """The payload of a datagram of MoldUDP64."""
    blocks = [len(block).to_bytes(2, "big") + block for block in messages]
    head = session + sequence.to_bytes(8, "big")
    head += (len(blocks) if count is None else count).to_bytes(2, "big")
    return head + b"".join(blocks) + trailer


def frame(payload: bytes, *, line: int = 0, tag: bool = False, pad: bytes = b"", **change) -> bytes:
    """A frame; ``change`` sets fields to other than they should be."""
    address, port = LINES[line]
    address, port = change.get("address", address), change.get("port", port)
    udp_length = change.get("udp_length", 8 + len(payload))
    ip = bytearray(20)
    ip[0] = change.get("version", 0x45)
    ip[2:4] = (28 + len(payload)).to_bytes(2, "big")
    ip[4:6] = b"\x12\x34"
    ip[6:8] = change.get("fragment", 0x4000).to_bytes(2, "big")
    ip[8], ip[9] = 17, change.get("protocol", 17)
    ip[12:16], ip[16:20] = b"\x0a\x01\x02\x03", address.to_bytes(4, "big")
    ip[10:12] = ((ones_sum(bytes(ip)) ^ 0xFFFF) ^ change.get("damage", 0)).to_bytes(2, "big")
    udp = b"\x30\x39" + port.to_bytes(2, "big") + udp_length.to_bytes(2, "big") + b"\xab\xcd"
    kind = change.get("ethertype", 0x0800).to_bytes(2, "big")
    vlan = change.get("outer", 0x8100).to_bytes(2, "big") + b"\x20\x05" if tag else b""
    return b"\x01\x00\x5e\x36\x0c\x6f" + b"\x02" * 6 + vlan + kind + bytes(ip) + udp + payload + pad


@dataclass
class Oracle:
    """What the specification says comes of frames, with plain lists and dictionaries."""

    hold: int = SIZES["hold"]
    names: dict[bytes, int] = field(default_factory=dict)
    locates: dict[int, int] = field(default_factory=dict)
    expected: int = 1
    known: int = 1
    session: bytes | None = None
    ring: dict[int, tuple] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    out: list[tuple] = field(default_factory=list)
    frames: int = 0
    last_ns: int = 0
    accepted: bool = False
    where: tuple = (0, 0, 0)

    def name(self, stock: bytes, symbol: int) -> None:
        """The host names a symbol: one name each, and each name once."""
        self.names = {old: of for old, of in self.names.items() if of != symbol}
        self.names[stock] = symbol

    def free(self, locate: int, symbol: int) -> None:
        """The host frees a locate and a symbol, whatever they were mapped to."""
        self.locates = {
            old: of for old, of in self.locates.items() if old != locate and of != symbol
        }

    def map(self, locate: int, symbol: int) -> None:
        """The host maps a locate to a symbol: one locate each."""
        self.free(locate, symbol)
        self.locates[locate] = symbol

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by

    def reason(self, data: bytes, enabled: bool) -> str | None:
        if not enabled:
            return "ignored"
        at = 12
        if data[12:14] == b"\x81\x00":
            at = 16
        if data[at : at + 2] != b"\x08\x00":
            return "not_ipv4"
        ip, udp = data[at + 2 : at + 22], data[at + 22 : at + 30]
        # A check passes where the frame does not have its bytes.
        if ip and ip[0] != 0x45:
            return "ip_options"
        if len(ip) == 20 and ones_sum(ip) != 0xFFFF:
            return "bad_checksum"
        if len(ip) >= 8 and number(ip[6:8]) & 0x3FFF:
            return "fragments"
        if len(ip) >= 10 and ip[9] != 17:
            return "not_udp"
        to = (number(ip[16:20]), number(udp[2:4]))
        if len(udp) >= 4 and to not in LINES.values():
            return "other_line"
        if len(data) < at + 50 or number(udp[4:6]) < 28:
            return "runts"
        return None

    def play(self, data: bytes, stamp: int, *, enabled: bool = True, good: bool = True) -> None:
        self.count("frames")
        self.frames += 1
        reason = self.reason(data, enabled)
        if reason is not None:
            self.count(reason)
        else:
            at = 46 if data[12:14] == b"\x81\x00" else 42
            line = int((number(data[at - 12 : at - 8]), number(data[at - 6 : at - 4])) != LINES[0])
            length = number(data[at - 4 : at - 2]) - 8
            self.take(data[at:], length, (stamp % (1 << 48), (self.frames - 1) % (1 << 16), line))
        if not good:
            self.count("bad_frames")
            if reason is None:
                self.trust(FAULT)

    def take(self, data: bytes, length: int, where: tuple) -> None:
        session, sequence, count = data[:10], number(data[10:18]), number(data[18:20])
        if self.session not in (None, session):
            self.count("other_session")
            return
        self.session, self.where = session, where
        if count in (0, 0xFFFF):
            self.count("ends" if count else "heartbeats")
            self.known = max(self.known, sequence)
            count = 0
        at = 20
        for index in range(count):
            size = number(data[at : at + 2])
            end = at + 2 + size
            if at + 2 > min(length, len(data)) or size < 12 or end > min(length, len(data)):
                self.count("faults")
                self.trust(FAULT)
                return
            self.count(f"messages_{'ab'[where[2]]}")
            self.arrive(data[at + 2 : end], sequence + index, where, index == count - 1)
            at = end
        if min(length, len(data)) > at:
            self.count("trailing")

    def arrive(self, body: bytes, sequence: int, where: tuple, last: bool) -> None:
        item = (body, sequence, where, last)
        if sequence < self.expected:
            self.count("duplicates")
        elif sequence == self.expected and sequence not in self.ring:
            self.deliver(*item)
        elif sequence < self.expected + self.hold:
            if sequence in self.ring:
                self.count("duplicates")
            self.ring.setdefault(sequence, item)
        elif not self.ring:
            self.gap(sequence)
            self.deliver(*item)
        else:
            self.count("hold_overflow")
            self.known = max(self.known, sequence + 1)
            self.declare()
        self.known = max(self.known, sequence + 1)
        self.drain()

    def drain(self) -> None:
        while self.expected in self.ring:
            self.deliver(*self.ring.pop(self.expected))

    def gap(self, until: int) -> None:
        first, self.expected = self.expected, until
        self.count("gaps")
        self.count("lost", until - first)
        self.trust(GAP, first=first, last=until - 1)

    def declare(self) -> None:
        """The hold time is over, or the ring is too small."""
        if self.known > self.expected:
            self.gap(min(self.ring, default=self.known))
            self.drain()

    def trust(self, reasons: int, symbol: int = ALL, first: int = 0, last: int = 0) -> None:
        self.out.append(
            ("trust", symbol, reasons, first, last, self.expected, self.last_ns, *self.where)
        )

    def deliver(self, body: bytes, sequence: int, where: tuple, last: bool) -> None:
        self.expected = sequence + 1
        self.count("delivered")
        kind = chr(body[0])
        self.last_ns = number(body[5:11])
        if LENGTHS.get(kind) != len(body):
            self.count("skipped_messages")
            return
        locate = number(body[1:3])
        cause = (sequence, self.last_ns, *where, int(last))
        symbol = self.locates.get(locate)
        if kind == "R":
            self.directory(self.names.get(body[11:19]), locate, cause)
        elif symbol is None:
            return
        elif kind == "H":
            self.out.append(("status", symbol, body[19], *cause))
        elif kind in OPS:
            self.out.append(("event", OPS[kind], symbol, *self.order(kind, body), *cause))

    def order(self, kind: str, body: bytes) -> tuple:
        reference = number(body[11:19])
        if kind in "AF":
            side = int(body[19:20] == b"S")
            return reference, 0, side, number(body[20:24]), number(body[32:36])
        if kind == "U":
            return reference, number(body[19:27]), 0, number(body[27:31]), number(body[31:35])
        return reference, 0, 0, 0 if kind == "D" else number(body[19:23]), 0

    def directory(self, named: int | None, locate: int, cause: tuple) -> None:
        mapped = self.locates.get(locate)
        if named is None:
            doubtful = [] if mapped is None else [mapped]
        elif mapped is None and named not in self.locates.values():
            self.locates[locate] = named
            doubtful = []
        elif mapped == named:
            doubtful = []
        else:
            doubtful = [named] + ([] if mapped is None else [mapped])
        for symbol in doubtful:
            self.out.append(("trust", symbol, DIRECTORY, 0, 0, *cause[:-1]))


class Player:
    """Plays frames to a feed stage and writes down what comes out, with the cycle."""

    def __init__(self, ctx: Any, dut: FeedStage) -> None:
        self.ctx, self.dut = ctx, dut
        self.cycle = 0
        self.now_ns = 34_200_000_000_000
        self.seen: list[tuple[int, tuple]] = []
        self.stamps: list[int] = []  # card time of the first word of each frame
        self.ends: list[int] = []  # cycle of each word of the last frame

    async def step(self, cycles: int = 1) -> None:
        """Let cycles pass."""
        ctx, dut = self.ctx, self.dut
        for _ in range(cycles):
            ctx.set(dut.now_ns, self.now_ns)
            found = [name for name in ("events", "statuses", "trusts")
                     if ctx.get(getattr(dut, name).valid)]  # fmt: skip
            assert len(found) <= 1, found
            for name in found:
                self.seen.append((self.cycle, self.read(name)))
            await ctx.tick()
            self.cycle += 1
            self.now_ns += NS_PER_CYCLE

    def read(self, name: str) -> tuple:
        p = self.ctx.get(getattr(self.dut, name).payload)
        c = p.cause
        assert c.venue == 0
        cause = (c.sequence, c.feed_ns, c.stamp, c.frame, c.line)
        last = c.last_in_packet
        if name == "events":
            order = (p.reference, p.new_reference, p.side.value, p.shares, p.price)
            return ("event", p.op.value, p.symbol, *order, *cause, last)
        if name == "statuses":
            return ("status", p.symbol, p.status, *cause, last)
        symbol = ALL if p.all else p.symbol
        return ("trust", symbol, p.reasons, p.first, p.last, *cause)

    async def frame(
        self,
        data: bytes,
        *,
        good: bool = True,
        gaps: Callable[[], int] = lambda: 0,
        end_after: int | None = 1,
    ) -> int:
        """Play a frame; return the card time of its first word.

        The verdict comes so many cycles after the last word; with None it is left to the caller.
        """
        ctx, dut = self.ctx, self.dut
        stamp, self.ends = 0, []
        for at in range(0, len(data), 8):
            await self.step(gaps())
            part = data[at : at + 8]
            last = at + 8 >= len(data)
            ctx.set(dut.frames.valid, 1)
            # Bytes past the valid ones are undefined.
            value = int.from_bytes(part.ljust(8, b"\xee"), "little")
            mark = {"data": value, "bytes": len(part), "first": at == 0, "last": last}
            ctx.set(dut.frames.payload, mark)
            stamp = stamp if at else self.now_ns
            self.ends.append(self.cycle)
            if last and end_after == 0:
                self.verdict(good)
            await self.step()
            ctx.set(dut.frames.valid, 0)
            ctx.set(dut.frame_end.valid, 0)
        self.stamps.append(stamp)
        if end_after:
            await self.step(end_after - 1)
            self.verdict(good)
            await self.step()
            ctx.set(dut.frame_end.valid, 0)
        return stamp

    @property
    def gap_open(self) -> int:
        return self.ctx.get(self.dut.gap_open)

    @property
    def busy(self) -> int:
        return self.ctx.get(self.dut.busy)

    @property
    def feed_ok(self) -> int:
        return self.ctx.get(self.dut.feed_ok)

    def verdict(self, good: bool) -> None:
        self.ctx.set(self.dut.frame_end.valid, 1)
        self.ctx.set(self.dut.frame_end.payload, {"good": good, "reason": 0 if good else 1})

    async def access(self, address: int, value: int | None = None) -> int:
        bus, ctx = self.dut.bus, self.ctx
        ctx.set(bus.addr, address)
        ctx.set(bus.w_en, value is not None)
        ctx.set(bus.w_data, value or 0)
        ctx.set(bus.r_en, value is None)
        await self.step()
        ctx.set(bus.w_en, 0)
        ctx.set(bus.r_en, 0)
        return ctx.get(bus.r_data)

    async def write(self, name: str, value: int) -> None:
        register = getattr(FeedRegs, name)
        for word in range(register.words):
            await self.access(register.offset // 4 + word, value >> 32 * word & 0xFFFFFFFF)

    async def load(self, name: str) -> int:
        register = getattr(FeedRegs, name)
        words = [await self.access(register.offset // 4 + word) for word in range(register.words)]
        return sum(word << 32 * index for index, word in enumerate(words))

    async def counts(self) -> dict[str, int]:
        """Every counter that is not 0."""
        names = [register.name for register in FeedRegs.registers]
        names = names[names.index("frames") : names.index("session_low")]
        found = {name: await self.load(name) for name in names}
        return {name: value for name, value in found.items() if value}

    async def set_name(self, name: bytes, symbol: int) -> None:
        await self.write("name", int.from_bytes(name, "little"))
        await self.write("name_symbol", symbol)
        await self.write("set_name", 1)

    async def set_locate(self, locate: int, symbol: int, valid: int = 1) -> None:
        for register, value in (("locate", locate), ("locate_symbol", symbol),
                                ("locate_valid", valid), ("set_locate", 1)):  # fmt: skip
            await self.write(register, value)

    async def open(
        self, *, start: int = 1, hold_ns: int = 1_000_000, max_age_ns: int = 10**9
    ) -> None:
        """Wait for the stage, set its lines, and enable it."""
        while not await self.load("ready"):
            await self.ctx.tick().repeat(100)
        for line, (address, port) in LINES.items():
            await self.write(f"line_{'ab'[line]}_destination", address)
            await self.write(f"line_{'ab'[line]}_port", port)
        await self.write("start_sequence", start)
        await self.write("hold_ns", hold_ns)
        await self.write("max_age_ns", max_age_ns)
        await self.write("enable", 1)
        await self.step(3)


class Feed:
    """All that a test of the feed needs; a fixture, as test files do not import one another."""

    gap, fault, every_symbol = GAP, FAULT, ALL
    oracle = Oracle
    lengths = LENGTHS
    message = staticmethod(message)
    datagram = staticmethod(datagram)
    frame = staticmethod(frame)

    def __init__(self, simulate: Callable[..., None]) -> None:
        self.simulate = simulate

    def run(self, host: Callable[[Player], Awaitable[None]], **sizes: int) -> None:
        """Let ``host`` play to a stage; with ``WAVES=1`` in the environment, keep a waveform.

        A stage of many symbols runs for hundreds of cycles before it is ready, and three times as
        fast without.
        """
        dut = FeedStage(Preset(**{**SIZES, **sizes}))

        async def bench(ctx: Any) -> None:
            await host(Player(ctx, dut))

        if os.environ.get("WAVES", "") not in ("", "0"):
            self.simulate(dut, bench, deadline=DEADLINE)
            return
        sim = Simulator(dut)
        sim.add_clock(CLOCK_PERIOD)
        sim.add_testbench(bench)
        for _ in range(2 * DEADLINE):
            if not sim.advance():
                return
        raise TimeoutError(f"no verdict after {DEADLINE} cycles")


@pytest.fixture
def feed(simulate: Callable[..., None]) -> Feed:
    """Return frames, oracle and player of the feed."""
    return Feed(simulate)
