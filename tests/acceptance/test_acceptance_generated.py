"""A generated session on two lossy lines: every table of every card is the oracle's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from oracle.agreement import assert_agrees, assert_same, rows_of
from oracle.arbiter import Arbitration, arbitrate, cut, udp_payload
from oracle.book import Trust, bit
from oracle.session import PRESET, Played, Session

from tickwright.exchange.scripted import ScriptedVenue
from tickwright.host.desk import card_setup, preset_of
from tickwright.host.settings import read_desk, read_limits
from tickwright.market.generator import generate_session
from tickwright.market.messages_table import MessageTable
from tickwright.market.reader import read_frames, read_messages
from tickwright.market.session import SessionSettings
from tickwright.model.arbiter import Arbiter
from tickwright.risk.checks import CHECKS

CAPTURE = "session.pcap"
COMMON = {"symbols": 16, "pairs": 8, "messages": 20_000}
LOSSES = {"loss_a": 0.02, "loss_b": 0.02, "duplicate": 0.01}


def generated(folder: Path, fills: str, **settings: float) -> Session:
    """Return a session written to files and read back, as a user would."""
    files, _ = generate_session(folder / CAPTURE, SessionSettings(**COMMON, **settings))
    desk = read_desk(files.desk)
    assert preset_of(desk) == PRESET
    messages = [
        table.message(row) for table in read_messages(files.itch) for row in range(len(table))
    ]
    assert len(messages) == COMMON["messages"]
    return Session(
        MessageTable.from_messages(messages),
        tuple(read_frames(files.capture)),
        card_setup(desk, read_limits(files.limits)),
        ScriptedVenue(fills),
    )


@pytest.fixture(scope="module")
def lossy(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Return a session of which each line loses its own part."""
    return generated(tmp_path_factory.mktemp("lossy"), "random:5", seed=2, **LOSSES)


@pytest.fixture(scope="module")
def torn_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("torn")


@pytest.fixture(scope="module")
def torn(torn_folder: Path) -> Session:
    """Return a session of which some packets are lost on both lines."""
    return generated(torn_folder, "full", seed=3, loss_both=2, **LOSSES)


def arbitrated(session: Session) -> Arbitration:
    """Return what the oracle delivers of the frames of a session."""
    datagrams = [
        cut(udp_payload(frames.frame(row)), int(frames.time_ns[row]))
        for frames in session.frames
        for row in range(len(frames))
    ]
    feed = session.setup.feed
    return arbitrate(
        datagrams, hold_ns=feed.hold_ns, ring=PRESET.hold, expected=feed.start_sequence
    )


def assert_busy(played: Played) -> None:
    """Hold the session to what makes it worth a comparison."""
    intents = played.journal.intents
    assert len(played.journal.orders) > 10
    assert len(set(intents["pair"].tolist())) >= 2
    assert len(set(intents["kind"].tolist())) >= 3


def test_a_session_lossy_on_each_line_is_whole(play: Callable[[Session], Played], lossy: Session):
    played = play(lossy)
    assert len(played.journal.trusts) == len(played.journal.overflows) == 0
    assert_agrees(played)
    assert_busy(played)


def test_the_model_alone_decides_as_the_oracle(play_alone, lossy: Session):
    played = play_alone(lossy)
    assert_agrees(played)
    assert_busy(played)


def test_two_lossy_lines_make_one_sequence(lossy: Session):
    found = arbitrated(lossy)
    assert found.trusts == []
    assert found.delivered == list(
        zip(
            [lossy.messages.message(row) for row in range(len(lossy.messages))],
            lossy.messages.sequence.tolist(),
            strict=True,
        )
    )


def test_the_model_arbitrates_as_the_oracle(torn: Session, torn_folder: Path):
    arbiter = Arbiter(torn.setup)
    parts = list(arbiter.deliver(read_messages(torn_folder / CAPTURE, controls=True)))
    found = [
        (part.messages.message(row), int(part.messages.sequence[row]))
        for part in parts
        for row in range(len(part.messages))
    ]
    expected = arbitrated(torn)
    assert found == expected.delivered
    trusts = [row for part in parts for row in rows_of(part.trusts, Trust._fields)]
    assert_same("trusts", trusts, expected.trusts)
    assert (arbiter.duplicates, arbiter.hold_overflow) == (
        expected.duplicates,
        expected.hold_overflow,
    )


def test_what_is_lost_on_both_lines_is_declared(play: Callable[[Session], Played], torn: Session):
    played = play(torn)
    found = arbitrated(torn)
    assert played.oracle.books.trusts == found.trusts
    assert {record.reasons for record in found.trusts} == {bit("gap")}
    assert all(isinstance(record, Trust) and record.first <= record.last for record in found.trusts)
    assert_agrees(played)


def test_nothing_trades_behind_a_loss(play: Callable[[Session], Played], torn: Session):
    played = play(torn)
    first = played.oracle.books.trusts[0].sequence
    behind = {int(row["id"]) for row in played.journal.intents if row["sequence"] >= first}
    assert not [row for row in played.journal.orders if int(row["intent_id"]) in behind]
    verdicts = [row for row in played.journal.verdicts if int(row["id"]) in behind]
    trust = 1 << CHECKS.index("trust")
    assert all(int(row["checks"]) & trust for row in verdicts)
