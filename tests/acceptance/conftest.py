"""A session played on a card: the twin, or the model with what the twin recorded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from oracle.card import Recorded, run_card
from oracle.session import PRESET, Played, Session

from tickwright.host.card import Card
from tickwright.host.records import Journal
from tickwright.model.card import ModelCard, bbo_rows
from tickwright.model.delivery import CardInputs
from tickwright.replay.bbo import Delivered, journal_rows, merged
from tickwright.replay.numbering import Numbering
from tickwright.twin.card import TwinCard
from tickwright.twin.venue import VenuePeer

CARDS = ("model", "twin")
READBACK_CYCLES = 8  # from the choice of a symbol to what the ledger shows of it


def delivered(session: Session, journal: Journal) -> list[tuple[bytes, int]]:
    """Return the messages, each with its sequence, but those that were declared lost."""
    gaps = [(int(row["first"]), int(row["last"])) for row in journal.trusts if row["last"]]
    found = []
    for place, sequence in enumerate(session.messages.sequence.tolist()):
        if not any(first <= sequence <= last for first, last in gaps):
            found.append((session.messages.message(place), sequence))
    return found


def stamped(messages: list[tuple[bytes, int]]) -> Delivered:
    """Return the sequences and the time stamps of messages."""
    stamps = [int.from_bytes(data[5:11], "big") for data, _ in messages]
    sequences = [sequence for _, sequence in messages]
    return Delivered(np.array(sequences, np.uint64), np.array(stamps, np.uint64))


def position(twin: TwinCard, card: Card, symbol: int) -> int:
    """Return what the ledger of a card holds of a symbol."""
    card.risk.symbol = symbol
    twin.step(READBACK_CYCLES)
    found = card.risk.position
    return found - (1 << 32) if found >> 31 else found


@pytest.fixture(scope="session")
def on_twin() -> Callable[[Session], Played]:
    """Return what plays a session on the twin; each session once."""
    kept: dict[int, tuple[Session, Played]] = {}

    def play(session: Session) -> Played:
        if id(session) not in kept:
            setup = session.setup
            with TwinCard(PRESET, hold_ns=setup.feed.hold_ns) as twin, Card(twin) as card:
                card.load(setup)
                card.arm(setup.gate.state)
                card.open_feed()
                journal = twin.play(session.frames, VenuePeer(setup.session, session.venue)).journal
                positions = [position(twin, card, symbol) for symbol in range(len(setup.symbols))]
            messages = delivered(session, journal)
            numbering = Numbering.of(journal, setup.feed.start_sequence)
            rows = merged([journal_rows(journal, setup, numbering, stamped(messages))])
            oracle = run_card(messages, setup, Recorded.of(journal))
            played = Played(journal, rows, positions, oracle)
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
