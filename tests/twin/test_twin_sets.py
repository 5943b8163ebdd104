"""Sets of parameters that come in force under a running capture: twin, model and oracle agree."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from oracle.agreement import assert_same, rows_of
from oracle.card import Recorded, run_card
from oracle.pairs import Intent

from tickwright.exchange.scripted import ScriptedVenue
from tickwright.host.card import Card
from tickwright.host.sets import ParameterSet, Sizes
from tickwright.host.settings import read_desk, read_limits
from tickwright.market.compiled import keep_in
from tickwright.market.frames_table import FrameTable
from tickwright.market.generator import generate_session, session_files
from tickwright.market.session import SessionSettings
from tickwright.model.card import CardInputs, ModelCard
from tickwright.model.delivery import InputsError
from tickwright.replay.preparation import feed_lines, prepare
from tickwright.replay.recording import Recording
from tickwright.twin.cache import cache_folder
from tickwright.twin.card import Run, TwinCard
from tickwright.twin.venue import VenuePeer

SETTINGS = SessionSettings(seed=3, symbols=6, pairs=3, messages=20_000)
PIECES = 12  # of the capture; between two of them the host changes something


class Session:
    """A capture, played while the host loads one set after the other."""

    def __init__(self, folder: Path) -> None:
        capture = folder / "session.pcap"
        keep_in(cache_folder())
        generate_session(capture, SETTINGS)
        files = session_files(capture)
        desk, limits = read_desk(files.desk), read_limits(files.limits)
        recording = Recording(capture, lines=feed_lines(desk))
        script = ScriptedVenue("random:5")
        prepared = prepare(desk, limits, recording, script)
        self.setup = prepared.setup
        self.messages = recording.by_sequence()
        self.frames = _pieces(recording)
        self.sizes = Sizes.of(prepared.preset)
        self.sets: dict[int, ParameterSet] = {}
        first = ParameterSet(epoch=self.setup.epoch, pairs=self.setup.pairs)
        self.sets[first.checksum(self.sizes)] = first
        with TwinCard(prepared.preset, hold_ns=self.setup.feed.hold_ns) as twin, Card(twin) as card:
            card.load(self.setup)
            card.arm(self.setup.gate.state)
            card.open_feed()
            self.run: Run = twin.play(self._steps(card), VenuePeer(self.setup.session, script))

    def _steps(self, card: Card) -> Iterator[FrameTable]:
        rng = random.Random(7)
        for number, piece in enumerate(self.frames):
            if number % 3 == 2:
                card.flatten(number % 2 == 0)
            elif number:
                pairs = tuple(
                    replace(pair, entry_deviation=pair.entry_deviation // rng.choice([1, 2, 4]),
                            exit_deviation=0, enabled=rng.random() < 0.9)
                    for pair in self.setup.pairs[: len(self.setup.pairs) - number % 2]
                )  # fmt: skip
                one = ParameterSet(epoch=100 + number, pairs=pairs)
                self.sets[one.checksum(self.sizes)] = one
                card.load_parameters(one)
            yield piece


def _pieces(recording: Recording) -> list[FrameTable]:
    """Return the frames of a capture in pieces of even size, whatever tables they come in."""
    tables = list(recording.frames())
    size = sum(map(len, tables)) // PIECES + 1
    return [
        FrameTable(
            data=table.data,
            offset=table.offset[start : start + size],
            length=table.length[start : start + size],
            time_ns=table.time_ns[start : start + size],
            number=table.number + start,
        )
        for table in tables
        for start in range(0, len(table), size)
    ]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session(tmp_path_factory.mktemp("sets"))


def test_the_session_has_what_is_to_be_compared(session: Session):
    controls, intents = session.run.journal.controls, session.run.journal.intents
    assert len(controls) == len(session.frames) - 1 >= PIECES - 1
    assert len(set(controls["quotes"].tolist())) == len(controls)
    assert len(set(intents["epoch"].tolist())) >= 3
    assert {0, 1} == set(controls["flatten"].tolist())


def test_the_model_changes_sets_where_the_card_did(session: Session):
    journal = session.run.journal
    found = ModelCard(session.setup, session.sets).run(session.messages, CardInputs.of(journal))
    assert journal.first_difference(found) is None


def test_the_oracle_says_the_same(session: Session):
    journal = session.run.journal
    pairs = {checksum: one.pairs for checksum, one in session.sets.items()}
    messages = [
        (session.messages.message(row), int(session.messages.sequence[row]))
        for row in range(len(session.messages))
    ]
    oracle = run_card(messages, session.setup, Recorded.of(journal, pairs))
    found = rows_of(journal.intents, Intent._fields[:-1])
    assert_same("intents", found, [intent[:-1] for intent in oracle.intents])
    assert len(found) > 20


def test_a_set_that_was_not_given_is_told(session: Session):
    known = {checksum: one for checksum, one in session.sets.items() if one.epoch != 101}
    with pytest.raises(InputsError, match=r"controls row 0: found epoch 101 with checksum 0x"):
        ModelCard(session.setup, known).run(session.messages, CardInputs.of(session.run.journal))


def test_a_model_that_changes_too_late_differs(session: Session):
    journal = session.run.journal
    inputs = CardInputs.of(journal)
    inputs.controls = journal.controls.copy()
    latest = len(journal.quotes)
    inputs.controls["quotes"] = (inputs.controls["quotes"] + 400).clip(max=latest)
    found = ModelCard(session.setup, session.sets).run(session.messages, inputs)
    assert journal.first_difference(found, ("intents",)) is not None
