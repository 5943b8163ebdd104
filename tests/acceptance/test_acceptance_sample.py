"""The recorded millisecond of Nasdaq: every row of every book is the dictionary book's.

There are more symbols in the sample than a card watches, so that it is played in parts.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from oracle.agreement import assert_agrees
from oracle.book import bit
from oracle.session import FEED, ORDER_SESSION, PRESET, Played, Session

from tickwright.host.setup import CardSetup, SymbolSetup
from tickwright.market.messages_table import MessageTable
from tickwright.market.reader import read_frames, read_messages

SAMPLE = "nasdaq-20191230-093000.itch50"
MESSAGES = 1000
SYMBOLS = 321  # and locate 0, which is no symbol's
UNKNOWN = 399  # messages that name an order added before the sample begins
UNTRUSTED = 216  # symbols that such messages make untrusted
ROWS = 573


def locate_of(message: bytes) -> int:
    return int.from_bytes(message[1:3], "big")


def watched(messages: list[bytes], locate: int) -> SymbolSetup:
    """Return a symbol with its window around the first price of an order that it shows."""
    prices = [
        int.from_bytes(message[32:36], "big")
        for message in messages
        if message[0:1] in (b"A", b"F") and locate_of(message) == locate
    ]
    cents = all(price % 100 == 0 for price in prices)
    tick = (prices[0] if prices else 100_000) // (100 if cents else 1)
    base = max(0, tick - PRESET.window // 2)
    return SymbolSetup(name=f"@{locate}", locate=locate, base_tick=base, cent_tick=cents)


@cache
def read(path: Path) -> list[bytes]:
    return [table.message(row) for table in read_messages(path) for row in range(len(table))]


@cache
def watched_in_parts(path: Path) -> list[Session]:
    """Return the sample, watched in parts of as many symbols as a card holds."""
    messages, frames = read(path), tuple(read_frames(path))
    locates = sorted({locate_of(message) for message in messages} - {0})
    return [
        Session(
            MessageTable.from_messages(messages),
            frames,
            CardSetup(
                window=PRESET.window,
                slots=PRESET.slots,
                hold=PRESET.hold,
                symbols=tuple(
                    watched(messages, locate) for locate in locates[first : first + PRESET.symbols]
                ),
                feed=FEED,
                session=ORDER_SESSION,
            ),
        )
        for first in range(0, len(locates), PRESET.symbols)
    ]


@pytest.fixture
def messages(shared_data: Path) -> list[bytes]:
    return read(shared_data / SAMPLE)


@pytest.fixture
def parts(shared_data: Path) -> list[Session]:
    return watched_in_parts(shared_data / SAMPLE)


def unknown_references(messages: list[bytes]) -> list[int]:
    """Return the locates of the messages that name an order never added before them."""
    added, found = set(), []
    for message in messages:
        kind, reference = message[:1], message[11:19]
        if kind in b"AF":
            added.add(reference)
        elif kind in b"ECXDU":
            if reference not in added:
                found.append(locate_of(message))
            elif kind == b"U":
                added.add(message[19:27])
    return found


def test_the_sample_is_the_one_that_is_meant(messages: list[bytes], parts: list[Session]):
    assert len(messages) == MESSAGES
    assert sum(len(part.setup.symbols) for part in parts) == SYMBOLS
    assert len(unknown_references(messages)) == UNKNOWN


def test_rows_and_trust_are_those_of_the_dictionary_book(
    play: Callable[[Session], Played], parts: list[Session], messages: list[bytes]
):
    untrusted, rows = set(), 0
    for part in parts:
        played = play(part)
        assert_agrees(played)
        assert len(played.journal.overflows) == len(played.journal.capacities) == 0
        rows += len(played.rows)
        reasons = {int(row["symbol"]): int(row["reasons"]) for row in played.journal.quotes}
        untrusted |= {
            part.setup.symbols[symbol].locate
            for symbol, found in reasons.items()
            if found & bit("unknown_reference")
        }
    # A symbol is untrusted for a reference exactly where one of its messages named an unknown one.
    assert untrusted == set(unknown_references(messages))
    assert (rows, len(untrusted)) == (ROWS, UNTRUSTED)
