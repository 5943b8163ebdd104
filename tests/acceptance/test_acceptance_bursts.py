"""What a card cannot keep up with is left out, told, and the same in every execution."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import repeat

import pytest
from oracle.agreement import assert_agrees, untrusted
from oracle.book import Trust, bit
from oracle.desk import BY_DIRECTORY, PAIR, A, B, closing, desk, morning, opening, watched
from oracle.session import FEED, PRESET, Played, Session, datagram, frame_table
from oracle.tape import Tape

from tickwright.exchange.scripted import ScriptedVenue
from tickwright.feed.messages import AddOrder
from tickwright.host.records import IntentKind
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import pack_datagrams
from tickwright.market.report import Line

# Messages in a datagram.
CANCELS, DELETES, REPLACES = 48, 60, 38
MESSAGE_NS = 20  # less than the shortest takes on the line
AFTERWARDS_NS = 1_000_000  # behind a burst
BURST_ORDERS = 1_140
ROUNDS, CALM = 40, 10  # of a market that moves, and messages between two moves


def assert_told_alike(played: Played, twin: Played) -> None:
    """Hold every table to what the twin recorded."""
    difference = played.journal.first_difference(twin.journal)
    assert difference is None, str(difference)


def sizes(count: int, largest: int) -> Iterator[int]:
    """Cut so many messages into groups."""
    while count:
        yield min(count, largest)
        count -= min(count, largest)


def burst() -> Session:
    """Return a session with as many events in a row as frames can carry them.

    Bids join in their own time, above the best. Then all of them are replaced and at last deleted
    in frames without a pause, the best one first, so that nearly every event makes a quote.
    """
    tape = opening()
    tape.step_ns = 2_000
    highest = PRESET.window - 110
    orders = [(1_003 + count % highest, 1_000 + count) for count in range(BURST_ORDERS)]
    for price, reference in orders:
        tape.add(A, reference, "B", 1, price)
    start = len(tape.messages)
    tape.step_ns = 0
    for price, reference in sorted(orders, reverse=True):
        tape.replace(A, reference, reference + 100_000, 2, price)
    for _, reference in sorted(orders, reverse=True):
        tape.delete(A, reference + 100_000)
    tape.now_ns += AFTERWARDS_NS
    closing(tape)
    groups = [*repeat(1, start), *sizes(BURST_ORDERS, REPLACES), *sizes(BURST_ORDERS, DELETES), 1]
    return Session.grouped(tape, BY_DIRECTORY, groups)


@pytest.fixture(scope="module")
def burst_session() -> Session:
    return burst()


def test_a_burst_is_followed(play: Callable[[Session], Played], burst_session: Session):
    played = play(burst_session)
    assert_agrees(played)
    assert len(played.journal.quotes) > BURST_ORDERS
    assert len(played.journal.overflows) == 0
    assert untrusted(played) == {}
    assert len(played.journal.orders) > 0


# More quotes than evaluations.


def moves(tape: Tape) -> None:
    """Let A fall to 989 to 993 and rise again, with messages between that change its shares."""
    bid, ask = 1, 2
    for side, price in [("B", 989), ("S", 993), ("S", 1_002), ("B", 1_000)] * ROUNDS:
        moved = len(tape.messages) + 1_000
        tape.replace(A, bid if side == "B" else ask, moved, 500, price)
        bid, ask = (moved, ask) if side == "B" else (bid, moved)
        for _ in range(CALM):
            tape.cancel(A, ask, 1)


def crowded() -> Session:
    """Return a session in which every quote of A or B is evaluated by as many pairs as may be.

    The pairs enter and leave as A moves, in frames without a pause. The venue answers meanwhile,
    and there is room for the positions of some pairs only.
    """
    tape = opening()
    closing(tape)
    start = len(tape.messages)
    tape.step_ns = MESSAGE_NS
    moves(tape)
    moved = len(tape.messages) - start
    tape.now_ns += AFTERWARDS_NS
    tape.cancel(B, 5, 1)
    pairs = tuple(replace(PAIR, name=f"a-b-{n}", retry_ns=0) for n in range(PRESET.fanout))
    groups = [*repeat(1, start), *sizes(moved, CANCELS), 1]
    made = Session.grouped(tape, replace(BY_DIRECTORY, pairs=pairs), groups)
    return replace(made, venue=ScriptedVenue(delay_ns=2_000))


@pytest.fixture(scope="module")
def crowded_session() -> Session:
    return crowded()


def test_evaluations_left_out_are_the_same_for_all(
    play: Callable[[Session], Played],
    on_twin: Callable[[Session], Played],
    crowded_session: Session,
):
    played = play(crowded_session)
    assert_agrees(played)
    assert_told_alike(played, on_twin(crowded_session))
    coalesced = played.journal.coalesced
    assert len(coalesced) > ROUNDS
    assert set(coalesced["evaluations"].tolist()) == {PRESET.fanout}
    # The pairs went on deciding while quotes were left out, both ways.
    first, last = int(coalesced["sequence"][0]), int(coalesced["sequence"][-1])
    meanwhile = [row for row in played.journal.intents if first < row["sequence"] < last]
    assert {int(row["kind"]) for row in meanwhile} >= {IntentKind.ENTER_SHORT, IntentKind.EXIT}
    assert untrusted(played) == {}


def test_the_record_of_what_was_left_out_is_whole(
    on_twin: Callable[[Session], Played], crowded_session: Session
):
    played = on_twin(crowded_session)
    counted = played.counters["strategy"]
    assert counted["evaluations"] == played.oracle.evaluations
    assert counted["evaluations_dropped"] == int(played.journal.coalesced["evaluations"].sum())


# Mismatches without a pause.


def entangled() -> Session:
    """Return a session in which every symbol is once in a mismatch, between events of its own.

    Symbol n is on locate n + 1 and has two bids, orders n + 1 and n + 1001.
    """
    tape = morning()
    locates = range(1, 1 + PRESET.symbols)
    for locate in locates:
        tape.add(locate, locate, "B", 500, 1_000)
        tape.add(locate, 1_000 + locate, "B", 500, 999)
    start = len(tape.messages)
    tape.step_ns = MESSAGE_NS
    for one, other in zip(locates[::2], locates[1::2], strict=True):
        match one // 2 % 5:
            case 0:  # the other's own events on either side
                tape.cancel(other, other, 1)
                tape.delete(one, 1_000 + other)
                tape.cancel(other, other, 1)
            case 1:  # events of both behind it
                tape.execute(other, one, 1)
                tape.delete(one, one)
                tape.delete(other, other)
            case 2:  # by a Replace, whose second half is not done
                tape.replace(other, one, 5_000 + one, 10, 1_001)
                tape.cancel(one, one, 1)
            case 3:  # each names the other's order
                tape.delete(one, other)
                tape.delete(other, one)
            case _:  # events of the one on either side
                tape.delete(one, one)
                tape.cancel(one, other, 1)
                tape.delete(one, 1_000 + one)
    groups = [*repeat(1, start), *sizes(len(tape.messages) - start, CANCELS)]
    symbols = [watched(f"@{locate}", locate=locate) for locate in locates]
    return Session.grouped(tape, desk(*symbols, pairs=()), groups)


@pytest.fixture(scope="module")
def entangled_session() -> Session:
    return entangled()


def test_mismatches_among_other_events_publish_both_symbols(
    play: Callable[[Session], Played], entangled_session: Session
):
    played = play(entangled_session)
    assert_agrees(played)
    assert untrusted(played) == dict.fromkeys(range(PRESET.symbols), bit("mismatch"))
    published = {int(row["symbol"]): int(row["reasons"]) for row in played.journal.quotes}
    assert published == untrusted(played)


# Events that the book refuses.


def refused() -> Session:
    """Return a session that begins before the book has cleared its tables.

    Until it has, no event is taken; one message is lost as well. No burst of one port can fill the
    queue of a book that is ready: it is faster than the shortest message.
    """
    tape = opening()  # messages 4 to 7 are events
    lost = tape.status(B, "H")
    tape.status(A, "H")
    tape.status(A, "T")
    early = len(tape.messages)
    tape.now_ns += AFTERWARDS_NS
    beat = (tape.now_ns, datagram(1 + early, []))  # the gap is declared by then
    tape.now_ns += AFTERWARDS_NS
    tape.cancel(A, 2, 1)  # an order that was never taken
    tape.add(A, 1, "B", 500, 1_000)
    tape.add(A, 2, "S", 500, 1_002)
    tape.add(B, 3, "B", 500, 990)
    closing(tape)
    each = [
        (int.from_bytes(data[5:11], "big"), datagram(sequence, [data]))
        for data, sequence in tape.numbered
        if sequence != lost
    ]
    frames = frame_table([*each[: early - 1], beat]), frame_table(each[early - 1 :])
    setup = replace(BY_DIRECTORY, gate=replace(BY_DIRECTORY.gate, state="killed"))
    return Session(MessageTable.from_messages(tape.messages), frames, setup, early=True)


@pytest.fixture(scope="module")
def refused_session() -> Session:
    return refused()


def test_refused_events_are_the_same_for_all(
    play: Callable[[Session], Played],
    on_twin: Callable[[Session], Played],
    refused_session: Session,
):
    played = play(refused_session)
    assert_agrees(played)
    assert_told_alike(played, on_twin(refused_session))
    overflows = played.journal.overflows
    assert overflows["sequence"].tolist() == [4, 5, 6, 7, 9, 10]
    assert overflows["marked"].tolist() == [1, 0, 0, 0, 0, 0]
    assert played.oracle.books.trusts == [
        Trust(4, bit("overflow")),
        Trust(9, bit("gap"), 8, 8),
    ]
    lasting = bit("gap", "overflow")
    assert untrusted(played) == {0: lasting | bit("unknown_reference"), 1: lasting, 2: lasting}
    assert len(played.journal.quotes) == 5
    assert len(played.journal.intents) == 0


def test_every_refused_event_is_counted(
    on_twin: Callable[[Session], Played], refused_session: Session
):
    played = on_twin(refused_session)
    assert played.counters["book"]["overflows"] == len(played.journal.overflows)


# More orders than there are places.


@pytest.fixture(scope="module")
def overfilled() -> Session:
    """Return one with more orders than the table has places, however they are found there."""
    tape = opening()
    tape.step_ns = 300
    template = AddOrder(locate=A, side="B", shares=1, stock="A", price=950).pack()
    for count in range(PRESET.orders + 10):
        stamp = tape.now_ns.to_bytes(6, "big")
        reference = (1_000 + count).to_bytes(8, "big")
        tape.take(template[:5] + stamp + reference + template[19:])
    closing(tape)
    messages = MessageTable.from_messages(tape.messages)
    line = Line(FEED.line_a.destination, FEED.line_a.port)
    return Session(messages, (pack_datagrams(messages, line=line),), BY_DIRECTORY)


@pytest.mark.soak
def test_more_orders_than_the_table_holds_take_trust(
    play: Callable[[Session], Played], overfilled: Session
):
    played = play(overfilled)
    assert len(played.journal.capacities) >= 10
    # The last Add, of B, finds no way either.
    assert untrusted(played) == {0: bit("capacity"), 1: bit("capacity")}
    assert_agrees(played)
    assert len(played.journal.orders) == 0
