"""Market data is read from whatever form it comes in, and what is wrong with it is said."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from tickwright.feed.messages import OrderDelete
from tickwright.market import captures, itch_files
from tickwright.market.captures import write_capture
from tickwright.market.errors import MarketError
from tickwright.market.frames_table import FrameTable
from tickwright.market.itch_files import write_itch
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import DEFAULT_LINE, pack_datagrams
from tickwright.market.reader import read_frames, read_messages, stamps_of
from tickwright.market.report import Line, ReadReport
from tickwright.market.source import Source

DAY_S = 1_767_571_200  # 2026-01-05
ETHERNET = 1
SHARES_OF_SAMPLE = {
    "A": 367, "U": 225, "F": 193, "D": 167, "E": 28, "X": 6, "I": 4, "P": 4, "Q": 4, "S": 1, "C": 1,
}  # fmt: skip


def listed(tables: list[MessageTable]) -> list[bytes]:
    return [table.message(row) for table in tables for row in range(len(table))]


def read(path: Path, **limits: int) -> tuple[list[bytes], ReadReport]:
    report = ReadReport()
    return listed(list(read_messages(path, report=report, **limits))), report


def pcap(
    frames: list[bytes],
    *,
    order: Literal["little", "big"] = "little",
    nanoseconds: bool = True,
    link: int = ETHERNET,
    start_ns: int = 34_200_000_000_000,
) -> bytes:
    """Return a capture with a frame each microsecond, written without the code under test."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4

    def word(value: int) -> bytes:
        return value.to_bytes(4, order)

    out = word(magic) + (2).to_bytes(2, order) + (4).to_bytes(2, order)
    out += word(0) * 2 + word(65_535) + word(link)
    for number, frame in enumerate(frames):
        seconds, fraction = divmod(start_ns + 1000 * number, 1_000_000_000)
        out += word(DAY_S + seconds) + word(fraction if nanoseconds else fraction // 1000)
        out += word(len(frame)) * 2 + frame
    return out


def framed(messages: list[bytes]) -> list[bytes]:
    frames = pack_datagrams(MessageTable.from_messages(messages), window_ns=2500)
    return [frames.frame(row) for row in range(len(frames))]


def test_the_recorded_sample_has_the_shares_its_readme_states(shared_data: Path):
    found, report = read(shared_data / "nasdaq-20191230-093000.itch50")
    assert Counter(chr(message[0]) for message in found) == SHARES_OF_SAMPLE
    assert not report.damage


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("nanoseconds", [False, True], ids=["microseconds", "nanoseconds"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_captures_of_every_form_hold_the_same(
    tmp_path: Path, messages: list[bytes], order: str, nanoseconds: bool, compress: bool
):
    path = tmp_path / "capture"
    data = pcap(framed(messages), order=order, nanoseconds=nanoseconds)
    path.write_bytes(gzip.compress(data) if compress else data)
    report = ReadReport()
    tables = list(read_messages(path, report=report))
    assert listed(tables) == messages
    assert report.compressed == compress
    assert report.lines == [DEFAULT_LINE]
    assert report.lines_assumed
    (table,) = tables
    assert table.frame[-1] > 5
    expected = [34_200_000_000_000 + 1000 * int(frame) for frame in table.frame]
    assert table.arrival_ns.tolist() == expected
    sequences = [int(each) for table in tables for each in table.sequence]
    assert sequences == list(range(1, len(messages) + 1))


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
def test_itch_files_are_read(tmp_path: Path, messages: list[bytes], compress: bool):
    path = tmp_path / "any-name"
    write_itch(path, MessageTable.from_messages(messages))
    if compress:
        path.write_bytes(gzip.compress(path.read_bytes()))
    found, report = read(path)
    assert found == messages
    assert (report.kind, report.compressed, report.damage) == ("itch", compress, [])


def test_chunks_may_cut_anywhere(
    tmp_path: Path, messages: list[bytes], monkeypatch: pytest.MonkeyPatch
):
    itch, capture = tmp_path / "itch", tmp_path / "pcap"
    write_itch(itch, MessageTable.from_messages(messages))
    frames = framed(messages)
    capture.write_bytes(pcap(frames))
    monkeypatch.setattr(itch_files, "LOOK_AHEAD_BYTES", 60)
    for size in (1, 7, 64, 333):
        with Source(itch) as source:
            tables = list(itch_files.read_records(source, ReadReport(), size))
        assert listed(tables) == messages
        with Source(capture) as source:
            parts = list(captures.read_capture(source, ReadReport(), size))
        assert [part.frame(row) for part in parts for row in range(len(part))] == frames
        numbers = [part.number + row for part in parts for row in range(len(part))]
        assert numbers == list(range(len(frames)))


def test_several_gzip_members_are_one_file(tmp_path: Path, messages: list[bytes]):
    path = tmp_path / "two"
    write_itch(path, MessageTable.from_messages(messages))
    data = path.read_bytes()
    path.write_bytes(gzip.compress(data[:500]) + gzip.compress(data[500:]))
    assert read(path)[0] == messages


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(b"hello, world\n" * 50, "byte 0: found 68 65 6c 6c", id="text"),
        pytest.param(random.Random(1).randbytes(5000), "byte 0: found", id="random"),
        pytest.param(bytes(3000), "byte 0: found 00 00 00 00", id="zeros"),
        pytest.param(b"\x0a\x0d\x0d\x0a" + bytes(60), "magic of a pcapng", id="pcapng"),
        pytest.param(b"\x4d\x3c\xb2\xa1\x02\x00", "expected a pcap header of 24", id="header-cut"),
        pytest.param(pcap([], link=113), "byte 20: found link type 113", id="link-type"),
        pytest.param(pcap([]), "found 0 frames", id="no-frames"),
        pytest.param(pcap([bytes(60)]), "found 1 frames, none of them MoldUDP64", id="no-feed"),
        pytest.param(gzip.compress(b""), "the file is empty", id="gzip-of-nothing"),
        pytest.param(gzip.compress(b"x" * 99)[:12], "the gzip data ends early", id="gzip-head"),
        pytest.param(b"\x1f\x8bnot gzip at all", "the gzip data is damaged", id="gzip-damaged"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path: Path, content: bytes, expected: str):
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(MarketError) as raised:
        list(read_messages(path, report=ReadReport()))
    line = str(raised.value)
    assert expected in line
    assert str(path) in line
    assert "\n" not in line


@pytest.mark.parametrize("path", [Path("no-such-file"), Path("/")], ids=["missing", "folder"])
def test_a_file_that_cannot_be_opened_is_named(path: Path):
    with pytest.raises(MarketError, match="expected a file of market data"):
        list(read_messages(path))


UNKNOWN = b"~" + bytes(50)  # 51 bytes of no known type


@pytest.mark.parametrize(
    ("length", "body", "kept", "said"),
    [
        pytest.param(0, b"", 40, "found message length 0, expected 12 to 1450; went on", id="0"),
        pytest.param(11, bytes(11), 40, "found message length 11, expected", id="11"),
        pytest.param(51, UNKNOWN, 41, "", id="51"),
        pytest.param(65535, bytes(65535), 40, "found message length 65535", id="65535"),
        pytest.param(65535, b"", 20, "the file ends before such a message does", id="65535-cut"),
        pytest.param(3, b"\xff" * 3 + b"\x00", 20, "stopped there", id="nonsense-follows"),
    ],
)
def test_a_record_that_cannot_be_is_noted_and_stepped_over(
    tmp_path: Path, messages: list[bytes], length: int, body: bytes, kept: int, said: str
):
    records = [len(each).to_bytes(2, "big") + each for each in messages]
    path = tmp_path / "damaged.itch50"
    path.write_bytes(b"".join([*records[:20], length.to_bytes(2, "big") + body, *records[20:]]))
    report = ReadReport()
    tables = list(read_messages(path, report=report))
    found = listed(tables)
    assert len(found) == kept
    assert found[:20] == messages[:20]
    if kept >= 40:
        assert found[-20:] == messages[20:]
        assert int(tables[-1].sequence[-1]) == 41  # the damaged record is a gap
    assert len(report.damage) == bool(said)
    assert said in "".join(report.damage)
    assert report.skipped_messages == (length == 51)


def test_a_length_of_zero_may_end_a_file(tmp_path: Path, messages: list[bytes]):
    path = tmp_path / "ended"
    write_itch(path, MessageTable.from_messages(messages))
    path.write_bytes(path.read_bytes() + bytes(2))
    found, report = read(path)
    assert (found, report.damage) == (messages, [])


def test_reading_ends_after_many_damaged_records(tmp_path: Path, messages: list[bytes]):
    record = len(messages[0]).to_bytes(2, "big") + messages[0]
    path = tmp_path / "hopeless"
    path.write_bytes((record + b"\x00\x03abc") * 100)
    found, report = read(path)
    assert len(found) == 21
    assert len(report.damage) == 21
    assert "stopped there after 20 such records" in report.damage[-1]


@pytest.mark.parametrize("kind", ["itch", "pcap"])
def test_a_file_cut_short_is_read_to_the_cut(tmp_path: Path, messages: list[bytes], kind: str):
    frames = framed(messages)
    if kind == "pcap":
        data = pcap(frames)
    else:
        data = b"".join(len(each).to_bytes(2, "big") + each for each in messages)
    path = tmp_path / "cut"
    for cut in (1, 9, 17, 30):
        path.write_bytes(data[:-cut])
        found, report = read(path)
        assert found == messages[: len(found)]
        assert len(found) >= len(messages) - (4 if kind == "pcap" else 2)
        assert len(report.damage) == 1
        assert "ends within" in report.damage[0]
        with pytest.raises(MarketError, match="ends within"):
            list(read_messages(path))


def test_a_packet_that_cannot_be_ends_the_capture(tmp_path: Path, messages: list[bytes]):
    frames = framed(messages)
    data = pcap(frames[:3])
    path = tmp_path / "wild"
    path.write_bytes(data + b"\xff" * 16 + pcap(frames[3:])[24:])
    report = ReadReport()
    found = listed(list(read_messages(path, report=report)))
    assert 0 < len(found) < len(messages)
    assert f"byte {len(data)}: found a packet of 4294967295 captured bytes" in report.damage[0]


def test_a_gzip_cut_short_is_read_to_the_cut(tmp_path: Path, messages: list[bytes]):
    path = tmp_path / "cut.gz"
    write_itch(path, MessageTable.from_messages(messages * 50))
    data = gzip.compress(path.read_bytes())
    path.write_bytes(data[: len(data) // 2])
    found, report = read(path)
    assert 0 < len(found) < 2000
    assert found == (messages * 50)[: len(found)]
    assert any("the gzip data ends early" in line for line in report.damage)


@pytest.mark.parametrize("kind", ["itch", "pcap"])
def test_limits_select_by_feed_time_and_number(tmp_path: Path, messages: list[bytes], kind: str):
    path = tmp_path / "some"
    table = MessageTable.from_messages(messages)
    if kind == "itch":
        write_itch(path, table)
    else:
        write_capture(path, [pack_datagrams(table, window_ns=0)], day_s=DAY_S)
    first = 34_200_000_000_000
    assert read(path, from_ns=first + 1000)[0] == messages[2:]
    assert read(path, until_ns=first + 1000)[0] == messages[:2]
    assert read(path, from_ns=first + 400, until_ns=first + 2000)[0] == messages[1:4]
    for count in (0, 1, 7, 40, 1000):
        assert read(path, max_messages=count)[0] == messages[:count]
    assert read(path, from_ns=first + 1000, max_messages=3)[0] == messages[2:5]
    assert read(path, from_ns=first + 10**9)[0] == []
    with pytest.raises(MarketError, match="until"):
        read(path, from_ns=5, until_ns=4)


def test_a_number_of_messages_cuts_the_last_datagram(tmp_path: Path, messages: list[bytes]):
    path = tmp_path / "some"
    path.write_bytes(pcap(framed(messages)))
    for count in range(1, 12):
        frames = list(read_frames(path, max_messages=count))
        assert all(isinstance(table, FrameTable) for table in frames)
        report = ReadReport()
        assert (
            listed(list(read_messages(path, max_messages=count, report=report)))
            == (messages[:count])
        )
        assert report.trailing == report.faults == 0
        assert not any(report.dropped.values())


def test_both_lines_end_alike(tmp_path: Path, messages: list[bytes]):
    table = MessageTable.from_messages(messages)
    other = Line(DEFAULT_LINE.address + 1, DEFAULT_LINE.port)
    a = pack_datagrams(table, window_ns=2500)
    b = pack_datagrams(table, window_ns=700, line=other)
    frames = [a.frame(row) for row in range(len(a))] + [b.frame(row) for row in range(len(b))]
    path = tmp_path / "two"
    path.write_bytes(pcap(frames))
    for count in (5, 11):
        tables = list(read_messages(path, max_messages=count))
        assert listed(tables) == messages[:count] * 2
        assert [int(line) for table in tables for line in table.line] == [0] * count + [1] * count


def test_an_itch_file_is_played_on_line_a(
    messages: list[bytes], binary_file: Callable[[list[bytes]], Path]
):
    path = binary_file(messages)
    report = ReadReport()
    frames = list(read_frames(path, report=report))
    times = [int(time) for table in frames for time in table.time_ns]
    assert times == sorted(times)
    assert report.lines == [DEFAULT_LINE]
    captured = path.with_suffix(".pcap")
    write_capture(captured, frames, day_s=DAY_S)
    tables = list(read_messages(captured))
    assert listed(tables) == messages
    for table in tables:
        assert (table.arrival_ns.astype("i8") >= stamps_of(table)).all()


def test_a_record_that_no_datagram_carries_is_left_out(
    messages: list[bytes], binary_file: Callable[[list[bytes]], Path], tmp_path: Path
):
    path = binary_file([*messages[:10], b"short", *messages[10:]])
    report = ReadReport()
    frames = list(read_frames(path, report=report))
    assert len(report.damage) == 1
    captured = tmp_path / "played.pcap"
    write_capture(captured, frames, day_s=DAY_S)
    tables = list(read_messages(captured))
    assert listed(tables) == messages
    sequences = [int(each) for table in tables for each in table.sequence]
    assert sequences == [*range(1, 11), *range(12, 42)]  # the gap tells of it


def test_a_deletion_keeps_its_bytes(binary_file: Callable[[list[bytes]], Path]):
    deletion = OrderDelete(locate=9, timestamp_ns=5, reference=1 << 63).pack()
    assert read(binary_file([deletion] * 3))[0] == [deletion] * 3
