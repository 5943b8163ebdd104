"""Each reason not to trust a symbol comes from a session made for it, and trading stops with it.

The pair of the desk would enter with the last message of each.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from oracle.agreement import assert_agrees, untrusted
from oracle.book import Trust, bit
from oracle.desk import BY_DIRECTORY, OTHER, START_NS, A, B, closing, morning, opening
from oracle.session import PRESET, Played, Session, datagram, frame_table
from oracle.tape import Tape


def with_messages(cause: Callable[[Tape], object]) -> Session:
    tape = opening()
    cause(tape)
    closing(tape)
    return Session.of(tape, BY_DIRECTORY)


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


@pytest.fixture(scope="module")
def made() -> dict[str, Session]:
    return {name: with_messages(cause) for name, (cause, _, _) in MADE_BY_MESSAGES.items()}


@pytest.mark.parametrize("name", MADE_BY_MESSAGES)
def test_a_message_takes_trust_away(
    play: Callable[[Session], Played], made: dict[str, Session], name: str
):
    played = play(made[name])
    _, reason, symbols = MADE_BY_MESSAGES[name]
    assert untrusted(played) == {symbol: bit(reason) for symbol in symbols}
    assert_agrees(played)
    # What trades goes by what is published, and that is what the books hold.
    published = {int(row["symbol"]): int(row["reasons"]) for row in played.journal.quotes}
    assert {symbol for symbol, reasons in published.items() if reasons} == symbols
    assert (len(played.journal.orders) > 0) == (not symbols & {0, 1})


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
    return Session.of(tape, BY_DIRECTORY, frame_table(sorted([*frames, *tails])))


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
        for symbol, locate in zip(BY_DIRECTORY.symbols, (A, B, OTHER), strict=True)
    )
    return Session.of(tape, replace(BY_DIRECTORY, symbols=symbols))


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
    tape = morning()
    tape.directory(14, "A")
    tape.add(A, 1, "B", 500, 1_000)
    symbols = (replace(BY_DIRECTORY.symbols[0], locate=A), *BY_DIRECTORY.symbols[1:])
    return Session.of(tape, replace(BY_DIRECTORY, symbols=symbols))


def test_a_directory_that_contradicts_the_host_is_a_reason(
    play: Callable[[Session], Played], contradicted: Session
):
    played = play(contradicted)
    assert untrusted(played) == {0: bit("directory")}
    assert_agrees(played)
