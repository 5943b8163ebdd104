"""A recording gives the same messages however it is read, and only the part that is wanted."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scapy.utils import PcapNgWriter, rdpcap

from tickwright.feed.messages import AddOrder
from tickwright.market.captures import write_capture
from tickwright.market.errors import MarketError
from tickwright.market.frames_table import FrameTable
from tickwright.market.itch_files import write_itch
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import DEFAULT_LINE, pack_datagrams
from tickwright.market.report import Line
from tickwright.replay.recording import Recording

LINE_B = Line.parse("233.252.0.2:26477")


def messages(count: int) -> MessageTable:
    return MessageTable.from_messages([
        AddOrder(locate=1, timestamp_ns=at * 1_000_000, reference=at, side="B", shares=1,
                 stock="KO", price=100 * at).pack()
        for at in range(1, count + 1)
    ])  # fmt: skip


def two_lines(table: MessageTable) -> list[FrameTable]:
    """Return line A without messages 3 and 4, and line B without 6, a little later."""
    a = table.select(np.flatnonzero(~np.isin(table.sequence, [3, 4])))
    b = table.select(np.flatnonzero(table.sequence != 6))
    b.arrival_ns[:] += np.uint64(500)
    frames = [pack_datagrams(a, window_ns=1), pack_datagrams(b, line=LINE_B, window_ns=1)]
    times = np.concatenate([one.time_ns for one in frames])
    data = np.concatenate([one.data for one in frames])
    offset = np.concatenate([frames[0].offset, frames[1].offset + len(frames[0].data)])
    length = np.concatenate([one.length for one in frames])
    order = np.argsort(times, kind="stable")
    return [FrameTable(data, offset[order], length[order], times[order])]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    write_capture(tmp_path / "day.pcap", two_lines(messages(8)), day_s=0)
    return tmp_path / "day.pcap"


def test_each_message_once_by_sequence_whatever_the_line(capture: Path):
    table = Recording(capture).by_sequence()
    assert table.sequence.tolist() == list(range(1, 9))
    assert table.line.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert table.message(2) == messages(8).message(2)


def test_the_survey_counts_each_message_once(capture: Path):
    found = Recording(capture).survey
    assert (found.messages, found.first_sequence, found.medians) == (8, 1, {1: 400})


def test_lines_are_found_or_given(capture: Path):
    assert Recording(capture).found_lines == [DEFAULT_LINE, LINE_B]
    assert Recording(capture, lines=[LINE_B]).found_lines == [LINE_B]
    assert Recording(capture, lines=[LINE_B]).by_sequence().sequence.tolist() == [
        1, 2, 3, 4, 5, 7, 8
    ]  # fmt: skip


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(2026, 1, 5)])
@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_a_capture_tells_its_day(tmp_path: Path, day: date, form: str):
    midnight = (day - date(1970, 1, 1)).days * 86_400
    pcap, other = tmp_path / "a.pcap", tmp_path / "a.pcapng"
    write_capture(pcap, [pack_datagrams(messages(1))], day_s=midnight)
    with PcapNgWriter(str(other)) as writer:
        for packet in rdpcap(str(pcap)):
            writer.write(packet)
    assert Recording(tmp_path / f"a.{form}").day == day


def test_an_itch_file_has_the_line_it_is_given(tmp_path: Path):
    write_itch(tmp_path / "day.itch50", messages(3))
    assert Recording(tmp_path / "day.itch50").found_lines == [DEFAULT_LINE]
    recording = Recording(tmp_path / "day.itch50", lines=[LINE_B])
    assert recording.found_lines == [LINE_B]
    assert recording.day is None
    assert sum(map(len, recording.frames())) == 3


def test_records_too_short_for_a_message_are_left_out_everywhere(tmp_path: Path):
    good = messages(3)
    parts = [good.message(0), b"S" * 11, good.message(1), b"", good.message(2)]
    data = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    (tmp_path / "day.itch50").write_bytes(data)
    recording = Recording(tmp_path / "day.itch50")
    table = recording.by_sequence()
    assert [table.message(row) for row in range(len(table))] == [good.message(r) for r in range(3)]
    assert sum(len(one) for one in recording.messages()) == 3


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"max_messages": 3}, [1, 2, 3]),
        ({"from_ns": 3_000_000}, [3, 4, 5, 6, 7, 8]),
        ({"from_ns": 3_000_000, "max_messages": 2}, [3, 4]),
        ({"until_ns": 3_000_000}, [1, 2]),
    ],
)
def test_every_way_to_read_it_keeps_to_the_limits(capture: Path, limits: dict, expected):
    recording = Recording(capture, **limits)
    assert recording.by_sequence().sequence.tolist() == expected
    assert recording.survey.messages == len(expected)
    seen = np.concatenate([table.sequence for table in recording.messages() if len(table)])
    assert sorted(set(seen.tolist())) == expected


def test_progress_is_shown_of_every_pass(capture: Path):
    passes = []

    def watch(items, what, total):
        passes.append((what, total))
        return items

    recording = Recording(capture, watch=watch)
    list(recording.messages())
    list(recording.frames())
    assert [what for what, _ in passes] == ["looking through", "the model", "the twin"]
    assert passes[0][1] is None
    assert passes[2][1] == 13


def test_a_file_without_the_lines_asked_for_says_which_it_has(capture: Path):
    other = Line.parse("1.2.3.4:5")
    with pytest.raises(MarketError) as refusal:
        _ = Recording(capture, lines=[other]).survey
    assert "found no message on lines 1.2.3.4:5, expected those of the capture: 233.252.0.1" in str(
        refusal.value
    )
