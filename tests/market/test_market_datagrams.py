"""Frames become messages by the rules of the card: specification, section 2."""

from __future__ import annotations

import numpy as np
import pytest

from tickwright.feed.messages import MOLD_END_OF_SESSION, MoldUdp64Block, MoldUdp64Header
from tickwright.market.datagrams import DatagramSplitter, frames_to_datagrams
from tickwright.market.errors import MarketError
from tickwright.market.frames_table import FrameTable
from tickwright.market.messages_table import FAULT_ROW, HEARTBEAT_ROW, MessageTable
from tickwright.market.packets import DEFAULT_LINE, cut_datagram
from tickwright.market.report import Line, ReadReport
from tickwright.net.headers import (
    ETHERTYPE_IPV4,
    ETHERTYPE_VLAN,
    PROTOCOL_UDP,
    Ethernet,
    Ipv4,
    Udp,
    VlanTag,
    internet_checksum,
)

OTHER = Line(DEFAULT_LINE.address + 1, DEFAULT_LINE.port)
THIRD = Line(DEFAULT_LINE.address + 2, DEFAULT_LINE.port)
LINES = [DEFAULT_LINE, OTHER]
A, D = b"A" + bytes(35), b"D" + bytes(18)


def blocks(*messages: bytes) -> bytes:
    return b"".join(MoldUdp64Block(message=message).pack() for message in messages)


def datagram(
    *messages: bytes,
    sequence: int = 1,
    count: int | None = None,
    session: str = "S1",
    line: Line = DEFAULT_LINE,
    tail: bytes = b"",
    pad: bytes = b"",
    udp_length: int | None = None,
    tagged: bool = False,
    ethertype: int = ETHERTYPE_IPV4,
    **ip: int,
) -> bytes:
    head = MoldUdp64Header(
        session=session, sequence=sequence, count=len(messages) if count is None else count
    )
    payload = head.pack() + blocks(*messages) + tail
    length = Udp.size + len(payload) if udp_length is None else udp_length
    udp = Udp(source_port=1, destination_port=line.port, length=length)
    fields = {
        "version_ihl": 0x45, "ttl": 3, "protocol": PROTOCOL_UDP, "destination": line.address,
        "total_length": Ipv4.size + Udp.size + len(payload),
    } | ip  # fmt: skip
    header = Ipv4(**fields)
    if "checksum" not in ip:
        header = header.replace(checksum=internet_checksum(header.pack()))
    ethernet = Ethernet(ethertype=ETHERTYPE_VLAN if tagged else ethertype).pack()
    tag = VlanTag(tci=77, ethertype=ethertype).pack() if tagged else b""
    return ethernet + tag + header.pack() + udp.pack() + payload + pad


def captured(frames: list[bytes]) -> FrameTable:
    lengths = np.array([len(frame) for frame in frames])
    return FrameTable(
        data=np.frombuffer(b"".join(frames), dtype=np.uint8),
        offset=(np.cumsum(lengths) - lengths).astype(np.int64),
        length=lengths.astype(np.uint32),
        time_ns=np.arange(len(frames), dtype=np.uint64) * np.uint64(1000),
    )


def split(
    *frames: bytes, controls: bool = False, lines: list[Line] | None = LINES
) -> tuple[MessageTable, ReadReport]:
    report = ReadReport()
    (table,) = frames_to_datagrams(
        [captured(list(frames))], lines=lines, report=report, controls=controls
    )
    return table, report


def listed(table: MessageTable) -> list[tuple[int, bytes]]:
    return [(int(table.sequence[row]), table.message(row)) for row in range(len(table))]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        pytest.param(datagram(A, ethertype=0x86DD), "not_ipv4", id="ipv6"),
        pytest.param(datagram(A, ethertype=0x86DD, tagged=True), "not_ipv4", id="tagged-ipv6"),
        pytest.param(datagram(A, ethertype=ETHERTYPE_VLAN, tagged=True), "not_ipv4", id="two-tags"),
        pytest.param(datagram(A)[:13], "not_ipv4", id="no-ethertype"),
        pytest.param(datagram(A, version_ihl=0x46), "ip_options", id="options"),
        pytest.param(datagram(A, version_ihl=0x65), "ip_options", id="version-6"),
        pytest.param(datagram(A, checksum=0x1234), "bad_checksum", id="checksum"),
        pytest.param(datagram(A, flags_fragment=0x2000), "fragments", id="more-fragments"),
        pytest.param(datagram(A, flags_fragment=0x0001), "fragments", id="last-fragment"),
        pytest.param(datagram(A, protocol=6), "not_udp", id="tcp"),
        pytest.param(datagram(A, line=THIRD), "other_line", id="address"),
        pytest.param(datagram(A, line=Line(DEFAULT_LINE.address, 9)), "other_line", id="port"),
        pytest.param(datagram(A, udp_length=27), "runt", id="udp-length"),
        pytest.param(datagram()[:61], "runt", id="cut-in-the-header"),
        pytest.param(datagram(A)[:30], "runt", id="cut-in-the-ip-header"),
        pytest.param(datagram(A, session="S2"), "other_session", id="session"),
        pytest.param(
            datagram(A, version_ihl=0x46, checksum=1, protocol=6), "ip_options", id="first-counts"
        ),
    ],
)
def test_a_frame_is_dropped_under_the_first_reason(frame: bytes, reason: str):
    table, report = split(datagram(D), frame, datagram(D, sequence=2))
    assert listed(table) == [(1, D), (2, D)]
    expected = dict.fromkeys(report.dropped, 0) | {reason: 1}
    assert report.dropped == expected
    assert report.frames_by_line == [2, 0]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(datagram(A, D), id="plain"),
        pytest.param(datagram(A, D, tagged=True), id="tagged"),
        pytest.param(datagram(A, D, flags_fragment=0x4000), id="do-not-fragment"),
        pytest.param(datagram(A, D, pad=b"\xee" * 31), id="trailer-of-the-frame"),
        pytest.param(datagram(A, D, total_length=0), id="ip-length-is-not-asked"),
    ],
)
def test_a_frame_is_accepted(frame: bytes):
    table, report = split(frame)
    assert listed(table) == [(1, A), (2, D)]
    assert report.trailing == report.faults == 0
    assert report.session == "S1        "


@pytest.mark.parametrize(
    ("frame", "kept", "next_sequence"),
    [
        pytest.param(datagram(A, b"", D), [A], 2, id="length-0"),
        pytest.param(datagram(A, bytes(11), D), [A], 2, id="length-11"),
        pytest.param(datagram(A, D, count=3), [A, D], 3, id="count-beyond"),
        pytest.param(datagram(count=1), [], 1, id="count-without-messages"),
        pytest.param(datagram(A, tail=b"\xff\xff" + bytes(40), count=2), [A], 2, id="length-65535"),
        pytest.param(datagram(A, tail=b"\x00", count=2), [A], 2, id="half-a-length"),
        pytest.param(datagram(A, D)[:-1], [A], 2, id="frame-ends-early"),
        pytest.param(datagram(A, D, udp_length=28 + 38 + 20), [A], 2, id="udp-ends-early"),
    ],
)
def test_framing_that_cannot_be_followed_is_a_fault(
    frame: bytes, kept: list[bytes], next_sequence: int
):
    table, report = split(frame, datagram(D, sequence=9), controls=True)
    assert report.faults == 1
    assert [message for _, message in listed(table.select(table.length >= 12))] == [*kept, D]
    fault = int(np.flatnonzero(table.length == FAULT_ROW)[0])
    assert fault == len(kept)
    assert int(table.sequence[fault]) == next_sequence


def test_unknown_messages_are_delivered_and_counted():
    strange = [b"~" + bytes(50), b"A" + bytes(11), bytes(12), b"A" + bytes(36)]
    table, report = split(datagram(*strange, A))
    assert [message for _, message in listed(table)] == [*strange, A]
    assert report.skipped_messages == 4
    assert report.faults == 0


def test_bytes_behind_the_last_message_are_counted_once():
    table, report = split(datagram(A, D, tail=b"junk" * 3), datagram(A, count=0, sequence=3))
    assert len(table) == 2
    assert report.trailing == 2


def test_heartbeats_and_the_end_of_the_session_have_rows_on_demand():
    frames = [
        datagram(A, sequence=5),
        datagram(sequence=6),
        datagram(sequence=6, count=MOLD_END_OF_SESSION),
    ]
    table, report = split(*frames)
    assert len(table) == 1
    assert (report.heartbeats, report.ends_of_session) == (1, 1)
    table, _ = split(*frames, controls=True)
    assert table.length.tolist() == [36, HEARTBEAT_ROW, HEARTBEAT_ROW]
    assert table.sequence.tolist() == [5, 6, 6]
    assert table.arrival_ns.tolist() == [0, 1000, 2000]


def test_a_sequence_takes_all_its_bits():
    table, _ = split(datagram(A, D, sequence=(1 << 64) - 2))
    assert [sequence for sequence, _ in listed(table)] == [(1 << 64) - 2, (1 << 64) - 1]


def test_the_first_two_destinations_that_carry_messages_are_the_lines():
    stray = datagram(A, line=Line(DEFAULT_LINE.address, 53), count=9)
    frames = [
        stray,
        datagram(A, line=OTHER),
        datagram(A),
        datagram(A, line=THIRD),
        datagram(D, line=OTHER),
    ]
    table, report = split(*frames, lines=None)
    assert report.lines == [OTHER, DEFAULT_LINE]
    assert report.lines_assumed
    assert table.line.tolist() == [0, 1, 0]
    assert report.dropped["other_line"] == 2


def test_a_line_may_show_later_than_the_other():
    splitter = DatagramSplitter(ReadReport())
    assert len(splitter.split(captured([datagram(A)])).messages) == 1
    later = splitter.split(captured([datagram(A, line=OTHER), datagram(A, line=THIRD)]))
    assert later.messages.line.tolist() == [1]
    assert later.verdict.tolist() == [0, 6]


def test_lines_are_read_from_text():
    assert str(Line.parse("233.54.12.111:26477")) == "233.54.12.111:26477"
    for text in ("233.54.12.111", "a.b.c.d:1", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:-1", ":5"):
        with pytest.raises(MarketError, match="line"):
            Line.parse(text)


@pytest.mark.parametrize("tagged", [False, True])
def test_a_cut_datagram_is_whole(tagged: bool):
    cut = cut_datagram(datagram(A, D, A, tagged=tagged), 2)
    table, report = split(cut)
    assert listed(table) == [(1, A), (2, D)]
    assert report.trailing == report.faults == 0
    assert len(cut) == len(datagram(A, D, tagged=tagged))
