"""A pcapng holds what a pcap of the same packets holds, and what is wrong with one is said."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path
from typing import Literal

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgWriter, wrpcap

from tickwright.market.captures import read_capture
from tickwright.market.errors import MarketError
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import pack_datagrams
from tickwright.market.pcapng import read_pcapng
from tickwright.market.reader import read_frames, read_messages
from tickwright.market.report import ReadReport
from tickwright.market.source import Source

DAY_S = 1_767_571_200  # 2026-01-05
OPEN_NS = 34_200_000_000_000
ETHERNET, COOKED = 1, 113
SECOND = DAY_S + 34_200
START = SECOND * 10**6
FRAME = bytes(60)
Order = Literal["little", "big"]


class Pcapng:
    """A pcapng written by hand, block by block, without the code under test."""

    def __init__(self, order: Order = "little") -> None:
        self.order: Order = order
        self.data = b""

    def number(self, value: int, size: int = 4) -> bytes:
        return value.to_bytes(size, self.order)

    def block(self, kind: int, body: bytes, *, end: int | None = None) -> Pcapng:
        size = 12 + len(body) + -len(body) % 4
        padded = body + bytes(-len(body) % 4)
        last = self.number(size if end is None else end)
        self.data += self.number(kind) + self.number(size) + padded + last
        return self

    def section(self, order: Order | None = None, *, version: int = 1) -> Pcapng:
        self.order = order or self.order
        body = self.number(0x1A2B3C4D) + self.number(version, 2) + self.number(0, 2)
        return self.block(0x0A0D0D0A, body + b"\xff" * 8)

    def interface(self, *options: tuple[int, bytes], link: int = ETHERNET, snap: int = 0) -> Pcapng:
        body = self.number(link, 2) + bytes(2) + self.number(snap)
        for code, value in options:
            body += self.number(code, 2) + self.number(len(value), 2)
            body += value + bytes(-len(value) % 4)
        return self.block(1, body + (bytes(4) if options else b""))

    def packet(
        self, frame: bytes, units: int, *, interface: int = 0, original: int = 0, tail: bytes = b""
    ) -> Pcapng:
        words = (interface, units >> 32, units & 0xFFFFFFFF, len(frame), original or len(frame))
        body = b"".join(map(self.number, words)) + frame + bytes(-len(frame) % 4)
        return self.block(6, body + tail)

    def obsolete(self, frame: bytes, units: int, interface: int) -> Pcapng:
        body = self.number(interface, 2) + self.number(7, 2)
        words = (units >> 32, units & 0xFFFFFFFF, len(frame), len(frame))
        return self.block(2, body + b"".join(map(self.number, words)) + frame)

    def simple(self, frame: bytes, original: int = 0) -> Pcapng:
        return self.block(3, self.number(original or len(frame)) + frame)


def framed(messages: list[bytes]) -> list[bytes]:
    frames = pack_datagrams(MessageTable.from_messages(messages), window_ns=2500)
    return [frames.frame(row) for row in range(len(frames))]


def frames_of(path: Path, chunk_bytes: int = 1 << 20) -> tuple[list[bytes], list[int], ReadReport]:
    report = ReadReport()
    with Source(path) as source:
        tables = list(read_pcapng(source, report, chunk_bytes))
    places = [(table, row) for table in tables for row in range(len(table))]
    assert [table.number + row for table, row in places] == list(range(len(places)))
    assert report.frames == len(places)
    frames = [table.frame(row) for table, row in places]
    return frames, [int(table.time_ns[row]) for table, row in places], report


def stamps(frames: list[bytes]) -> list[int]:
    """Return a time for each frame, in microseconds since 1970."""
    return [DAY_S * 10**6 + OPEN_NS // 1000 + 7 * number for number in range(len(frames))]


def written(frames: list[bytes], order: Order = "little") -> Pcapng:
    made = Pcapng(order).section().interface()
    for frame, stamp in zip(frames, stamps(frames), strict=True):
        made.packet(frame, stamp)
    return made


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
def test_scapys_pcapng_reads_as_its_pcap(tmp_path: Path, messages: list[bytes], compress: bool):
    packets = []
    for frame, stamp in zip(framed(messages), stamps(framed(messages)), strict=True):
        packet = Ether(frame)
        packet.time = stamp / 1e6
        packets.append(packet)
    wrpcap(str(tmp_path / "a.pcap"), packets)
    with PcapNgWriter(str(tmp_path / "a.pcapng")) as writer:
        writer.write(packets)
    data = (tmp_path / "a.pcapng").read_bytes()
    (tmp_path / "a.pcapng").write_bytes(gzip.compress(data) if compress else data)
    for limits in ({}, {"max_messages": 7}, {"from_ns": OPEN_NS + 9000}):
        found = []
        for name in ("a.pcap", "a.pcapng"):
            report = ReadReport()
            tables = list(read_messages(tmp_path / name, report=report, **limits))
            frames = list(read_frames(tmp_path / name, **limits))
            found.append(
                (
                    [table.message(row) for table in tables for row in range(len(table))],
                    [int(time) for table in tables for time in table.arrival_ns],
                    [table.frame(row) for table in frames for row in range(len(table))],
                    (report.kind, report.frames, report.lines, report.damage),
                )
            )
            assert report.pcapng == name.endswith("ng")
            assert report.day == date(2026, 1, 5)
        assert found[0] == found[1]
        assert found[0][0]


@pytest.mark.parametrize("order", ["little", "big"])
def test_chunks_may_cut_anywhere(tmp_path: Path, messages: list[bytes], order: Order):
    frames = framed(messages)
    made = written(frames[:4], order).block(0xBAD, bytes(500))
    for frame, stamp in zip(frames[4:], stamps(frames)[4:], strict=True):
        made.packet(frame, stamp, tail=made.number(1, 2) + made.number(5, 2) + b"hello\0\0\0")
    path = tmp_path / "some"
    path.write_bytes(made.block(5, bytes(64)).data)
    for size in (1, 7, 64, 333, 1 << 20):
        found, times, report = frames_of(path, size)
        assert found == frames
        assert times == [stamp * 1000 - DAY_S * 10**9 for stamp in stamps(frames)]
        assert (report.damage, report.cut_frames) == ([], 0)


@pytest.mark.parametrize(
    ("resolution", "units", "nanoseconds"),
    [
        pytest.param(None, SECOND * 10**6 + 123_456, 123_456_000, id="left-out"),
        pytest.param(0, SECOND, 0, id="seconds"),
        pytest.param(3, SECOND * 1000 + 7, 7_000_000, id="ms"),
        pytest.param(9, SECOND * 10**9 + 123_456_789, 123_456_789, id="ns"),
        pytest.param(10, SECOND * 10**10 + 1_234_567_899, 123_456_789, id="finer"),
        pytest.param(0x80 | 10, SECOND << 10 | 512, 500_000_000, id="binary"),
        pytest.param(0x80 | 32, SECOND << 32 | 0xFFFFFFFF, 999_999_999, id="ntp"),
        pytest.param(0x80 | 33, SECOND << 33 | (1 << 33) - 1, 999_999_999, id="finest-exact"),
    ],
)
@pytest.mark.parametrize("order", ["little", "big"])
def test_times_count_as_the_interface_says(
    tmp_path: Path, order: Order, resolution: int | None, units: int, nanoseconds: int
):
    made = Pcapng(order).section()
    options = [] if resolution is None else [(9, bytes([resolution]))]
    made.interface((2, b"eth0"), *options).packet(bytes(60), units)
    path = tmp_path / "some"
    path.write_bytes(made.data)
    assert frames_of(path)[1] == [OPEN_NS + nanoseconds]


def test_interfaces_and_sections_are_kept_apart(tmp_path: Path):
    made = Pcapng().section().interface().interface((9, b"\x09"), (14, made_offset(3600, "little")))
    made.packet(b"a" * 60, SECOND * 10**6)
    made.packet(b"b" * 61, (SECOND - 3600) * 10**9 + 1, interface=1)
    made.obsolete(b"c" * 64, SECOND * 10**6 + 2, 0)
    made.section("big").block(1, made.number(1, 2) + bytes(6)).simple(b"d" * 60)
    made.packet(b"e" * 60, SECOND * 10**6 + 4).obsolete(b"f" * 60, SECOND * 10**6 + 5, 0)
    path = tmp_path / "some"
    path.write_bytes(made.data)
    frames, times, report = frames_of(path)
    assert [frame[:1] for frame in frames] == [b"a", b"b", b"c", b"d", b"e", b"f"]
    assert len(frames[1]) == 61
    assert [time - OPEN_NS for time in times] == [0, 1, 2000, 2000, 4000, 5000]
    assert report.damage == []


def test_an_interface_of_another_link_that_no_packet_uses_stops_nothing(tmp_path: Path):
    made = Pcapng().section().interface(link=COOKED).interface()
    made.packet(b"a" * 60, START, interface=1).interface((9, b"\xff"), link=COOKED)
    made.packet(b"b" * 60, START + 1, interface=1)
    path = tmp_path / "some"
    path.write_bytes(made.data)
    for size in (16, 1 << 20):
        frames, times, report = frames_of(path, size)
        assert frames == [b"a" * 60, b"b" * 60]
        assert times == [OPEN_NS, OPEN_NS + 1000]
        assert (report.damage, report.skipped_packets) == ([], 0)


def test_packets_of_another_link_are_passed_over_and_counted_in_one_line(
    tmp_path: Path, messages: list[bytes]
):
    frames = framed(messages)
    made = Pcapng().section().interface().interface(link=COOKED)
    for frame, stamp in zip(frames, stamps(frames), strict=True):
        made.packet(frame, stamp).packet(frame, 0, interface=1, original=9999)
    made.obsolete(FRAME, 0, 1).section("big").interface(link=COOKED).simple(FRAME)
    path = tmp_path / "some"
    path.write_bytes(made.data)
    first = 68 + len(Pcapng().packet(frames[0], 0).data)
    for size in (64, 1 << 20):
        found, times, report = frames_of(path, size)
        assert found == frames
        assert times == [stamp * 1000 - DAY_S * 10**9 for stamp in stamps(frames)]
        assert (report.skipped_packets, report.cut_frames) == (len(frames) + 2, 0)
        assert report.damage == [
            f"{path}, byte {first}: found a packet of link type 113, expected 1 (Ethernet); "
            f"packets passed over for that: {len(frames) + 2}"
        ]
    report = ReadReport()
    assert len(list(read_messages(path, report=report, max_messages=3))) == 1
    assert len(report.damage) == 1


def test_what_came_before_the_first_packets_midnight_has_time_0_in_both_forms(tmp_path: Path):
    halves = [2 * DAY_S + 1, 2 * DAY_S - 1, 2 * DAY_S - 2, 2 * DAY_S + 2]
    made = Pcapng().section().interface()
    packets = []
    for half in halves:
        made.packet(FRAME, half * 500_000)
        packet = Ether(FRAME)
        packet.time = half / 2
        packets.append(packet)
    wrpcap(str(tmp_path / "a.pcap"), packets)
    (tmp_path / "a.pcapng").write_bytes(made.data)
    for name, read in (("a.pcap", read_capture), ("a.pcapng", read_pcapng)):
        with Source(tmp_path / name) as source:
            times = [int(time) for table in read(source, ReadReport()) for time in table.time_ns]
        assert times == [500_000_000, 0, 0, 10**9]


def made_offset(seconds: int, order: Order) -> bytes:
    return seconds.to_bytes(8, order, signed=True)


def test_cut_frames_are_counted(tmp_path: Path):
    made = Pcapng().section().interface(snap=40).simple(bytes(40), 1000).simple(bytes(12))
    made.packet(bytes(60), SECOND * 10**6, original=61)
    path = tmp_path / "some"
    path.write_bytes(made.data)
    frames, _, report = frames_of(path)
    assert [len(frame) for frame in frames] == [40, 12, 60]
    assert report.cut_frames == 2


def test_a_large_block_of_no_interest_is_passed_over(tmp_path: Path):
    made = Pcapng().section().block(10, bytes(300_000)).interface()
    made.packet(bytes(60), SECOND * 10**6).block(4, bytes(100_000)).packet(b"x" * 60, 0)
    path = tmp_path / "some"
    path.write_bytes(made.data)
    for size in (1000, 1 << 20):
        assert frames_of(path, size)[0] == [bytes(60), b"x" * 60]
    path.write_bytes(made.data[:-30_000])
    assert "ends within a block, behind packet 1" in frames_of(path, 1000)[2].damage[0]


def test_a_file_cut_short_is_read_to_the_cut(tmp_path: Path, messages: list[bytes]):
    frames = framed(messages)
    data = written(frames).data
    path = tmp_path / "cut"
    for cut in (1, 9, 30):
        path.write_bytes(data[:-cut])
        found, _, report = frames_of(path)
        assert found == frames[:-1]
        assert len(report.damage) == 1
        last = len(written(frames[:-1]).data)
        assert report.damage[0] == (
            f"{path}, byte {last}: the capture ends within a block, behind packet {len(found)}"
        )
        with pytest.raises(MarketError, match="ends within a block"):
            list(read_messages(path))
    path.write_bytes(gzip.compress(data)[:-40])
    assert any("gzip data ends early" in line for line in list_damage(path))


def list_damage(path: Path) -> list[str]:
    report = ReadReport()
    list(read_messages(path, report=report))
    return report.damage


def cooked() -> Pcapng:
    return Pcapng().section().interface(link=COOKED)


WRONG = [
    (Pcapng().section().data[:20], "ends within a block, behind packet 0"),
    (b"\x0a\x0d\x0d\x0a" + bytes(60), "byte 8: found 00 00 00 00, expected the byte order magic"),
    (Pcapng().section(version=2).data, "byte 0: found version 2 of pcapng, expected 1"),
    (cooked().data, "found 0 frames"),
    (cooked().packet(FRAME, START).data, "byte 48: found a packet of link type 113, expected 1 "),
    (
        cooked().interface().packet(FRAME, START).packet(FRAME, START, interface=1).data,
        "byte 68: found a packet of link type 113, expected 1 (Ethernet)",
    ),
    (Pcapng().section().packet(FRAME, START).data, "of an interface that is not described"),
    (Pcapng().section().simple(FRAME).data, "of an interface that is not described"),
    (Pcapng().section().interface((9, b"\xff")).data, "found a clock finer"),
    (Pcapng().section().interface((9, b"\x13")).data, "found a clock finer"),
    (Pcapng().section().interface().data, "found 0 frames"),
    (Pcapng().section().interface().packet(FRAME, START).data, "none of them MoldUDP64"),
]


@pytest.mark.parametrize(("content", "why"), WRONG, ids=[why[-28:] for _, why in WRONG])
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path: Path, content: bytes, why: str):
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(MarketError) as raised:
        list(read_messages(path, report=ReadReport()))
    assert str(raised.value).startswith(f"{path}")
    assert why in str(raised.value)
    assert "\n" not in str(raised.value)


def wild(kind: int, size: int) -> bytes:
    return kind.to_bytes(4, "little") + size.to_bytes(4, "little") + bytes(64)


@pytest.mark.parametrize(
    ("behind", "why"),
    [
        (wild(6, 0), "found a block of 0 bytes"),
        (wild(6, 13), "found a block of 13 bytes"),
        (wild(6, 0xFFFFFFFC), "found a block of 4294967292 bytes"),
        (wild(6, 28), "found block length 28 at its start and 0 at its end"),
        (wild(9, 28), "found block length 28 at its start and 0 at its end"),
        (wild(1, 28), "found block length 28 at its start and 0 at its end"),
        (wild(1, 16), "found a block of 16 bytes"),
        (Pcapng().block(6, bytes(16)).data, "found a block of 28 bytes"),
        (Pcapng().packet(FRAME, 0, interface=1).data, "expected one of 1"),
        (Pcapng().block(3, b"\xff" * 24).data, "found a packet longer than its block"),
        (Pcapng().block(6, bytes(12) + b"\x29" + bytes(47)).data, "longer than its block"),
    ],
)
def test_damage_ends_the_capture_and_what_came_before_is_read(
    tmp_path: Path, messages: list[bytes], behind: bytes, why: str
):
    frames = framed(messages)
    made = written(frames)
    path = tmp_path / "damaged"
    path.write_bytes(made.data + behind + written(frames).data)
    for size in (64, 1 << 20):
        found, _, report = frames_of(path, size)
        assert found == frames
        assert len(report.damage) == 1
        assert why in report.damage[0]
        place = int(report.damage[0].split("byte ")[1].split(":")[0])
        assert len(made.data) <= place < len(made.data) + len(behind)
