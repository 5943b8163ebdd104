"""Counts, gaps and bursts are those of the file; so are its symbols and what they cost."""

from __future__ import annotations

from typing import Any

import pytest

from tickwright.feed.messages import AddOrder, OrderDelete, StockDirectory
from tickwright.market.directory import (
    Directory,
    DirectorySurvey,
    read_directory,
    reference_prices,
    tick_of,
)
from tickwright.market.errors import MarketError
from tickwright.market.generator import SessionFiles
from tickwright.market.inspection import Burst, Gaps, Inspection, Inspector
from tickwright.market.messages_table import HEARTBEAT_ROW, MessageTable
from tickwright.market.reader import read_messages

HOUR_NS = 3_600_000_000_000


def add(locate: int, price: int, *, stock: str = "ABC", at_ns: int = HOUR_NS) -> bytes:
    return AddOrder(
        locate=locate, timestamp_ns=at_ns, reference=price, side="S", shares=1, stock=stock,
        price=price,
    ).pack()  # fmt: skip


def arrived(*rows: tuple[int, int, bytes]) -> MessageTable:
    """Return a table of (line, sequence, message); an empty message is a heartbeat."""
    table = MessageTable.from_messages([message or bytes(12) for _, _, message in rows])
    for at, (line, sequence, message) in enumerate(rows):
        table.line[at], table.sequence[at] = line, sequence
        if not message:
            table.length[at] = HEARTBEAT_ROW
    return table


def inspected(*tables: MessageTable) -> Inspection:
    inspector = Inspector()
    for table in tables:
        inspector.add(table)
    return inspector.inspection()


M = OrderDelete(locate=1, timestamp_ns=HOUR_NS).pack()


def test_gaps_are_counted_on_each_line_and_on_both():
    found = inspected(
        arrived((0, 10, M), (1, 10, M), (0, 11, M), (0, 14, M)),
        arrived((1, 12, M), (1, 15, M), (0, 20, b""), (1, 20, b"")),
    )
    assert found.lines[0] == Gaps(2, 7, ((12, 13), (15, 19)))
    assert found.lines[1] == Gaps(3, 7, ((11, 11), (13, 14), (16, 19)))
    assert found.merged == Gaps(2, 5, ((13, 13), (16, 19)))
    assert (found.first_sequence, found.last_sequence) == (10, 19)
    assert found.messages == 5


def test_a_copy_on_the_same_line_is_a_duplicate():
    found = inspected(arrived((0, 1, M), (0, 1, M), (1, 1, M), (1, 1, M), (1, 1, M), (0, 2, M)))
    assert found.duplicates == [1, 2]
    assert found.line_messages == [3, 3]
    assert found.messages == 2


def test_a_session_may_be_seen_from_its_middle_and_out_of_order():
    start = 1 << 40
    found = inspected(arrived((0, start + 5, M), (0, start + 2, M), (0, start + 3, M)))
    assert found.merged == Gaps(1, 1, ((start + 4, start + 4),))
    assert found.first_sequence == start + 2


def test_a_sequence_out_of_the_world_is_left_out():
    found = inspected(arrived((0, 1, M), (0, (1 << 64) - 1, M), (0, 2, M)))
    assert found.far_sequences == 1
    assert found.merged == Gaps(0, 0, ())
    assert found.messages == 2


def test_only_the_first_gaps_are_listed():
    found = inspected(arrived(*((0, 3 * number, M) for number in range(1, 50))))
    assert found.merged.gaps == 48
    assert found.merged.missing == 96
    assert len(found.merged.ranges) == 10


def test_bursts_are_the_busiest_stretches():
    stamps = [0, 999, 1000, 1001, 1002, 5_000_000, 1_999_999]
    rows = [
        (0, at + 1, OrderDelete(locate=1, timestamp_ns=HOUR_NS + stamp).pack())
        for at, stamp in enumerate(stamps)
    ]
    found = inspected(arrived(*rows, (1, 3, rows[2][2])))
    assert found.bursts == [Burst(1000, HOUR_NS + 1000, 3), Burst(1_000_000, HOUR_NS, 5)]
    assert (found.first_ns, found.last_ns) == (HOUR_NS, HOUR_NS + 5_000_000)


def test_messages_of_no_known_type_are_told_apart():
    found = inspected(arrived((0, 1, M), (0, 2, b"~" + bytes(30)), (0, 3, b"\x01" + bytes(11))))
    assert found.by_type == {"D": 1, "~": 1, "0x01": 1}
    assert found.skipped == 2


def test_nothing_at_all_is_no_error():
    found = inspected()
    assert found.messages == 0
    assert (found.first_ns, found.last_ns, found.first_sequence) == (None, None, None)
    assert found.merged == Gaps(0, 0, ())


def test_a_session_is_inspected_as_its_truth_says(session: tuple[SessionFiles, dict[str, Any]]):
    files, truth = session
    found = inspected(*read_messages(files.capture, controls=True))
    lost = sum(high - low + 1 for low, high in truth["lost_on_both"])
    assert found.merged.ranges == tuple(tuple(span) for span in truth["lost_on_both"])
    assert found.merged.missing == lost
    assert found.messages == 60_000 - lost
    assert found.last_sequence == 60_000
    whole = inspected(*read_messages(files.itch))
    assert whole.by_type == dict(
        sorted(truth["messages"].items(), key=lambda item: (-item[1], item[0]))
    )
    assert set(whole.directory.locates) == set(truth["watched"] + truth["unwatched"])
    assert whole.busiest[0][1] == max(whole.directory.messages.values())


def directory_of(*messages: bytes) -> Directory:
    survey = DirectorySurvey()
    survey.add(MessageTable.from_messages(list(messages)))
    return survey.directory()


def test_names_come_from_the_stock_directory_first():
    listing = StockDirectory(locate=7, stock="XYZ").pack()
    found = directory_of(add(7, 100, stock="OLD"), listing, add(8, 100, stock="ABC"))
    assert found.source == "stock directory"
    assert found.locates == {"XYZ": 7, "ABC": 8}
    assert directory_of(listing, add(7, 100, stock="NEW")).names == {7: "XYZ"}


def test_names_come_from_added_orders_else():
    found = directory_of(M, add(7, 100, stock="ABC"))
    assert (found.source, found.locates) == ("added orders", {"ABC": 7})
    assert found.messages == {1: 1, 7: 1}


def test_without_names_there_are_locates():
    found = directory_of(M)
    assert (found.source, found.locates, found.messages) == ("locates", {}, {1: 1})


def test_an_unknown_symbol_is_answered_with_the_nearest():
    found = directory_of(add(7, 100, stock="GOOGL"), add(8, 100, stock="MSFT"))
    assert found.locate("MSFT") == 8
    with pytest.raises(MarketError, match=r"'GOOGLE'.*nearest is GOOGL"):
        found.locate("GOOGLE")
    with pytest.raises(MarketError, match=r"one of the 2 of the file$"):
        found.locate("QQQQQQ")


def test_a_reference_is_the_median_of_what_was_added():
    prices = [100, 1_000_000, 1_010_000, 1_020_000, 1_999_999_900]
    found = directory_of(*(add(7, price) for price in prices), add(9, 5_000))
    assert found.references == {7: 1_010_000, 9: 5_000}
    assert found.tick(7) == 100
    assert found.tick(9) == 1
    assert found.tick(1234) == 100
    assert [tick_of(price) for price in (9_999, 10_000)] == [1, 100]


def test_a_median_of_many_is_that_of_a_fair_sample():
    early = [add(7, 10_000_000)] * 600
    late = [add(7, 20_000_000)] * 6000
    assert directory_of(*early, *late).references == {7: 20_000_000}


def test_references_lie_near_the_prior_close(session: tuple[SessionFiles, dict[str, Any]]):
    files, _ = session
    found = read_directory(files.itch)
    assert reference_prices(files.itch) == found.references
    assert found.source == "stock directory"
    for name, locate in found.locates.items():
        assert found.references[locate] > 0, name
