"""A session played on a card: the twin, or the model with what the twin recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest
from oracle.card import Recorded, run_card
from oracle.session import PRESET, Played, Session

from tickwright.book.regs import BookRegs
from tickwright.host.card import Card
from tickwright.host.records import Journal
from tickwright.market.frames_table import FrameTable
from tickwright.model.card import ModelCard, bbo_rows
from tickwright.model.delivery import CardInputs
from tickwright.replay.bbo import Delivered, journal_rows, merged
from tickwright.replay.numbering import Numbering
from tickwright.risk.regs import RiskRegs
from tickwright.top.memory_map import base
from tickwright.twin.card import TwinCard
from tickwright.twin.venue import VenuePeer

CARDS = ("model", "twin")
CLEARING_CYCLES = 1_000  # between two looks at whether the tables are clear


def delivered(session: Session, journal: Journal) -> list[tuple[bytes, int]]:
    """Return the messages, each with its sequence, but those that were declared lost."""
    gaps = [(int(row["first"]), int(row["last"])) for row in journal.trusts if row["last"]]
    found = []
    for place, sequence in enumerate(session.messages.sequence.tolist()):
        if not any(first <= sequence <= last for first, last in gaps):
            found.append((session.messages.message(place), sequence))
    return found


class HastyBus:
    """A card that says at once that book and gate have cleared their tables."""

    CLEARS = (base("book") + BookRegs.ready.offset, base("risk") + RiskRegs.ready.offset)

    def __init__(self, twin: TwinCard) -> None:
        self._twin = twin
        self.write = twin.write

    def read(self, addr: int) -> int:
        return 1 if addr in self.CLEARS else self._twin.read(addr)


def paused(frames: Iterable[FrameTable], twin: TwinCard, card: Card) -> Iterator[FrameTable]:
    """Pass tables of frames on, the second and later ones when the book has cleared its tables."""
    for table in frames:
        yield table
        while not card.book.ready:
            twin.step(CLEARING_CYCLES)


def stamped(messages: list[tuple[bytes, int]]) -> Delivered:
    """Return the sequences and the time stamps of messages."""
    stamps = [int.from_bytes(data[5:11], "big") for data, _ in messages]
    sequences = [sequence for _, sequence in messages]
    return Delivered(np.array(sequences, np.uint64), np.array(stamps, np.uint64))


@pytest.fixture(scope="session")
def on_twin() -> Callable[[Session], Played]:
    """Return what plays a session on the twin; each session once."""
    kept: dict[int, tuple[Session, Played]] = {}

    def play(session: Session) -> Played:
        if id(session) not in kept:
            setup = session.setup
            with TwinCard(PRESET, hold_ns=setup.feed.hold_ns) as twin, Card(twin) as card:
                (Card(HastyBus(twin)) if session.early else card).load(setup)
                assert card.book.ready != session.early
                card.arm(setup.gate.state)
                card.open_feed()
                frames = paused(session.frames, twin, card)
                journal = twin.play(frames, VenuePeer(setup.session, session.venue)).journal
                positions = [card.position(symbol) for symbol in range(len(setup.symbols))]
                counters = card.counters()
            messages = delivered(session, journal)
            numbering = Numbering.of(journal, setup.feed.start_sequence)
            rows = merged([journal_rows(journal, setup, numbering, stamped(messages))])
            oracle = run_card(messages, setup, Recorded.of(journal))
            played = Played(journal, rows, positions, oracle, counters)
            kept[id(session)] = session, played
        return kept[id(session)][1]

    return play


@pytest.fixture(params=CARDS)
def play(request: pytest.FixtureRequest, on_twin) -> Callable[[Session], Played]:
    """Return what plays a session on a card: the model takes what the twin recorded."""
    if request.param == "twin":
        return on_twin

    def play(session: Session) -> Played:
        inputs = CardInputs.of(on_twin(session).journal)
        card = ModelCard(session.setup)
        journal = card.run(session.messages, inputs)
        rows = np.concatenate([*bbo_rows(session.setup, session.messages, inputs)])
        return Played(journal, rows, card.positions.tolist(), on_twin(session).oracle)

    return play


@pytest.fixture
def play_alone() -> Callable[[Session], Played]:
    """Return what plays a session on the model without records of a card."""

    def play(session: Session) -> Played:
        card = ModelCard(session.setup)
        journal = card.run(session.messages, venue=session.venue)
        rows = np.concatenate([*bbo_rows(session.setup, session.messages)])
        oracle = run_card(delivered(session, journal), session.setup, Recorded.of(journal))
        return Played(journal, rows, card.positions.tolist(), oracle)

    return play
