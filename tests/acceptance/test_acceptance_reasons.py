"""Each reason not to trust a symbol comes from a session made for it, and trading stops with it.

The pair of these sessions would enter with the quotes that follow: A is shown 1000 to 1002, B 990
to 992, in ticks of 1/10000 dollar, so that it would sell A at 997 and buy B at 996.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from oracle.agreement import assert_rows_agree, assert_tables_agree
from oracle.book import Trust, bit
from oracle.session import (
    FEED,
    ORDER_SESSION,
    PRESET,
    Played,
    Session,
    datagram,
    frame_table,
    one_by_one,
)
from oracle.tape import Tape

from tickwright.feed.messages import AddOrder
from tickwright.host.setup import CardSetup, GateSetup, PairSetup, SymbolSetup
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import pack_datagrams
from tickwright.market.report import Line

A, B, OTHER = 11, 12, 13
START_NS, STEP_NS = 34_200_000_000_000, 100_000
SYMBOL = {
    "base_tick": 900,
    "cent_tick": False,
    "status": ord("T"),
    "max_shares": 500,
    "max_notional": 1_000_000,
    "max_position": 1_000,
    "collar": 10,
}
SETUP = CardSetup(
    window=PRESET.window,
    slots=PRESET.slots,
    hold=PRESET.hold,
    symbols=(
        SymbolSetup(name="A", **SYMBOL),
        SymbolSetup(name="B", **SYMBOL),
        SymbolSetup(name="C", **SYMBOL | {"base_tick": 10, "cent_tick": True}),
    ),
    pairs=(
        PairSetup(
            name="a-b",
            symbol_a=0,
            symbol_b=1,
            hedge=1 << 16,
            mean=0,
            entry_sq=(10 << 8) ** 2,
            exit_sq=(2 << 8) ** 2,
            stop_sq=(100 << 8) ** 2,
            min_edge=0,
            shares_a=100,
            shares_b=200,
            max_spread_a=2,
            max_spread_b=2,
            aggression_a=3,
            aggression_b=4,
            retry_ns=1_000,
        ),
    ),
    gate=GateSetup(max_shares=400, max_notional=900_000, state="armed"),
    feed=FEED,
    session=ORDER_SESSION,
)


def opening() -> Tape:
    """Return a tape that maps the symbols and shows all prices but B's ask."""
    tape = Tape(now_ns=START_NS, step_ns=STEP_NS)
    for locate, name in ((A, "A"), (B, "B"), (OTHER, "C")):
        tape.directory(locate, name)
    tape.add(A, 1, "B", 500, 1_000)
    tape.add(A, 2, "S", 500, 1_002)
    tape.add(B, 3, "B", 500, 990)
    tape.add(OTHER, 4, "B", 500, 2_000)
    return tape


def closing(tape: Tape) -> None:
    """Show B's ask: everything is there for the pair to enter."""
    tape.add(B, 5, "S", 500, 992)


def session(tape: Tape, frames=()) -> Session:
    frames = tuple(frames) or (one_by_one(tape.messages),)
    return Session(MessageTable.from_messages(tape.messages), frames, SETUP)


def with_messages(cause: Callable[[Tape], object]) -> Session:
    tape = opening()
    cause(tape)
    closing(tape)
    return session(tape)


def overfull(tape: Tape) -> None:
    tape.add(A, 90, "B", 0xFFFF_FFFF, 950)
    tape.add(A, 91, "B", 1, 950)


# Each with the reason, and the symbols that it makes untrusted at the end.
MADE_BY_MESSAGES: dict[str, tuple[Callable[[Tape], object], str, set[int]]] = {
    "unknown-execute": (lambda tape: tape.execute(A, 99, 1), "unknown_reference", {0}),
    "unknown-execute-at": (lambda t: t.execute_at(A, 99, 1, 1_000), "unknown_reference", {0}),
    "unknown-cancel": (lambda tape: tape.cancel(A, 99, 1), "unknown_reference", {0}),
    "unknown-delete": (lambda tape: tape.delete(B, 99), "unknown_reference", {1}),
    "unknown-replace": (lambda t: t.replace(B, 99, 98, 5, 991), "unknown_reference", {1}),
    "duplicate": (lambda tape: tape.add(A, 1, "B", 5, 950), "duplicate_reference", {0}),
    "duplicate-of-another": (lambda t: t.add(A, 3, "B", 5, 950), "duplicate_reference", {0}),
    "duplicate-by-replace": (
        lambda tape: tape.replace(A, 1, 2, 500, 1_000),
        "duplicate_reference",
        {0},
    ),
    "too-much-executed": (lambda tape: tape.execute(OTHER, 4, 501), "quantity", {2}),
    "too-much-cancelled": (lambda tape: tape.cancel(A, 2, 501), "quantity", {0}),
    "no-shares": (lambda tape: tape.add(A, 90, "B", 0, 950), "quantity", {0}),
    "level-beyond-32-bits": (overfull, "quantity", {0}),
    "off-the-grid": (lambda tape: tape.add(OTHER, 90, "B", 5, 2_050), "price", {2}),
    "off-the-grid-by-replace": (lambda t: t.replace(OTHER, 4, 90, 5, 2_050), "price", {2}),
    "second-locate": (lambda tape: tape.directory(14, "A"), "directory", {0}),
    "anothers-locate": (lambda tape: tape.directory(A, "B"), "directory", {0, 1}),
    "anothers-locate-upwards": (lambda t: t.directory(OTHER, "A"), "directory", {0, 2}),
    "unwatched-name": (lambda tape: tape.directory(B, "ZZZ"), "directory", {1}),
    "mismatch-execute": (lambda tape: tape.execute(OTHER, 1, 5), "mismatch", {2, 0}),
    "mismatch-delete": (lambda tape: tape.delete(A, 4), "mismatch", {0, 2}),
    "mismatch-replace": (lambda t: t.replace(A, 4, 90, 5, 950), "mismatch", {0, 2}),
    "bid-above-the-window": (lambda t: t.add(A, 90, "B", 5, 900 + PRESET.window), "window", {0}),
    "bid-of-32-bits": (lambda t: t.add(A, 90, "B", 5, 0xFFFF_FFFF), "window", {0}),
    "ask-below-the-window": (lambda tape: tape.add(B, 90, "S", 5, 899), "window", {1}),
    "nothing-left-in-the-window": (
        lambda t: (t.add(OTHER, 90, "B", 5, 900), t.delete(OTHER, 4)),
        "window",
        {2},
    ),
}


# The other symbol of a mismatch, where it has no event of its own behind it.
UNPUBLISHED = {"mismatch-execute": {0}, "mismatch-delete": {2}, "mismatch-replace": {2}}


@pytest.fixture(scope="module")
def made() -> dict[str, Session]:
    return {name: with_messages(cause) for name, (cause, _, _) in MADE_BY_MESSAGES.items()}


def untrusted(played: Played) -> dict[int, int]:
    """Return the symbols without trust, with their reasons, when the books are read at the end."""
    book = played.oracle.books.book
    assert book is not None
    found = {
        symbol: book.sticky[symbol] | book.touch(symbol)[-1] for symbol in range(len(book.symbols))
    }
    return {symbol: reasons for symbol, reasons in found.items() if reasons}


def assert_agrees(played: Played) -> None:
    assert_tables_agree(played.journal, played.oracle)
    assert_rows_agree(played.rows, played.oracle)


@pytest.mark.parametrize("name", MADE_BY_MESSAGES)
def test_a_message_takes_trust_away(
    play: Callable[[Session], Played], made: dict[str, Session], name: str
):
    played = play(made[name])
    _, reason, symbols = MADE_BY_MESSAGES[name]
    assert untrusted(played) == {symbol: bit(reason) for symbol in symbols}
    assert_agrees(played)
    # What trades goes by what is published: the other symbol of a mismatch is trusted there until
    # its own next event (specification, section 5).
    published = {int(row["symbol"]): int(row["reasons"]) for row in played.journal.quotes}
    shown = {symbol for symbol in symbols if published[symbol]}
    assert shown == symbols - UNPUBLISHED.get(name, set())
    assert (len(played.journal.orders) > 0) == (not shown & {0, 1})


def test_the_same_messages_trade_where_nothing_is_wrong(play: Callable[[Session], Played]):
    played = play(SOUND)
    assert untrusted(played) == {}
    assert len(played.journal.orders) == 2
    assert_agrees(played)


SOUND = with_messages(lambda tape: tape.cancel(A, 2, 1))


def in_datagrams(tape: Tape, *groups: tuple[int, list[int]], tails=()) -> Session:
    """Return a session in datagrams: (microseconds, sequences that follow one another)."""
    frames = [
        (
            START_NS + at_us * 1_000,
            datagram(group[0], [tape.messages[number - 1] for number in group]),
        )
        for at_us, group in groups
    ]
    return session(tape, [frame_table(sorted([*frames, *tails]))])


def lost() -> Session:
    """Lose message 5 for good: hold_ns later the gap is declared, and 6 to 8 are delivered."""
    return in_datagrams(opened(), (0, [1, 2, 3, 4]), (10, [6, 7, 8]))


def opened() -> Tape:
    tape = opening()
    closing(tape)
    return tape


def lost_behind() -> Session:
    """Lose the last message: a heartbeat tells that there was one more."""
    tape = opened()
    beat = datagram(9, [])
    return in_datagrams(tape, (0, [1, 2, 3, 4, 5, 6, 7]), tails=[(START_NS + 10_000, beat)])


def cut_short() -> Session:
    """Count two messages where there is one, which stands; the others come later."""
    tape = opened()
    broken = datagram(4, tape.messages[3:4], count=2)
    rest = (50, [5, 6, 7, 8])
    return in_datagrams(tape, (0, [1, 2, 3]), rest, tails=[(START_NS + 10_000, broken)])


def impossible_length() -> Session:
    """Say that a message has 11 bytes."""
    tape = opened()
    broken = datagram(4, tape.messages[3:4], count=2, tail=b"\0\x0b" + bytes(11))
    rest = (50, [5, 6, 7, 8])
    return in_datagrams(tape, (0, [1, 2, 3]), rest, tails=[(START_NS + 10_000, broken)])


ALL = {0, 1, 2}
MADE_BY_FRAMES = {
    "gap": (lost, "gap", [Trust(6, bit("gap"), 5, 5)]),
    "gap-by-heartbeat": (lost_behind, "gap", [Trust(9, bit("gap"), 8, 8)]),
    "count-beyond": (cut_short, "fault", [Trust(5, bit("fault"))]),
    "length-11": (impossible_length, "fault", [Trust(5, bit("fault"))]),
}


@pytest.fixture(scope="module")
def framed() -> dict[str, Session]:
    return {name: make() for name, (make, _, _) in MADE_BY_FRAMES.items()}


@pytest.mark.parametrize("name", MADE_BY_FRAMES)
def test_a_frame_takes_trust_from_all(
    play: Callable[[Session], Played], framed: dict[str, Session], name: str
):
    played = play(framed[name])
    _, reason, records = MADE_BY_FRAMES[name]
    assert untrusted(played) == dict.fromkeys(ALL, bit(reason))
    assert played.oracle.books.trusts == records
    assert_agrees(played)
    assert len(played.journal.orders) == 0


@pytest.fixture(scope="module")
def mapped_by_host() -> Session:
    """Return one whose locates the host sets, and whose directory says the same."""
    tape = opened()
    symbols = tuple(
        replace(symbol, locate=locate)
        for symbol, locate in zip(SETUP.symbols, (A, B, OTHER), strict=True)
    )
    made = session(tape)
    return replace(made, setup=replace(SETUP, symbols=symbols))


def test_a_directory_that_agrees_with_the_host_changes_nothing(
    play: Callable[[Session], Played], mapped_by_host: Session
):
    played = play(mapped_by_host)
    assert untrusted(played) == {}
    assert_agrees(played)
    assert len(played.journal.orders) == 2


@pytest.fixture(scope="module")
def contradicted() -> Session:
    """Return one whose directory gives a watched name another locate than the host did."""
    tape = Tape(now_ns=START_NS, step_ns=STEP_NS)
    tape.directory(14, "A")
    tape.add(A, 1, "B", 500, 1_000)
    symbols = (replace(SETUP.symbols[0], locate=A), *SETUP.symbols[1:])
    return replace(session(tape), setup=replace(SETUP, symbols=symbols))


def test_a_directory_that_contradicts_the_host_is_a_reason(
    play: Callable[[Session], Played], contradicted: Session
):
    played = play(contradicted)
    assert untrusted(played) == {0: bit("directory")}
    assert_agrees(played)


# What a card cannot keep up with.

DELETES, REPLACES = 60, 38  # in a datagram
BURST_ORDERS = 1_140


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
    start, burst_ns = len(tape.messages), tape.now_ns
    tape.step_ns = 0
    for price, reference in sorted(orders, reverse=True):
        tape.replace(A, reference, reference + 100_000, 2, price)
    middle = len(tape.messages)
    for _, reference in sorted(orders, reverse=True):
        tape.delete(A, reference + 100_000)
    end = len(tape.messages)
    tape.now_ns = burst_ns + 1_000_000
    closing(tape)
    groups = [
        *((count, 1) for count in range(start)),
        *((count, REPLACES) for count in range(start, middle, REPLACES)),
        *((count, DELETES) for count in range(middle, end, DELETES)),
        (end, 1),
    ]
    frames = [
        (
            int.from_bytes(tape.messages[first][5:11], "big"),
            datagram(1 + first, tape.messages[first : first + size]),
        )
        for first, size in groups
    ]
    return session(tape, [frame_table(frames)])


@pytest.fixture(scope="module")
def burst_session() -> Session:
    return burst()


def test_a_burst_is_followed_or_takes_trust(
    play: Callable[[Session], Played], burst_session: Session
):
    played = play(burst_session)
    assert_agrees(played)
    assert len(played.journal.quotes) > BURST_ORDERS
    dropped = len(played.journal.overflows)
    assert untrusted(played).get(1, 0) & bit("overflow") == (bit("overflow") if dropped else 0)
    assert (len(played.journal.orders) > 0) == (not dropped)


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
    return Session(messages, (pack_datagrams(messages, line=line),), SETUP)


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
