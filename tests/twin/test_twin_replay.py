"""A capture through the twin is a function of the capture: not of the run, nor of how it is cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tickwright.exchange.scripted import ScriptedVenue
from tickwright.host.records import TABLES
from tickwright.host.settings import read_desk, read_limits
from tickwright.market.compiled import keep_in
from tickwright.market.frames_table import FrameTable
from tickwright.market.generator import generate_session, session_files
from tickwright.market.session import SessionSettings
from tickwright.replay.preparation import Preparation, feed_lines, prepare
from tickwright.replay.recording import Recording
from tickwright.twin.cache import cache_folder
from tickwright.twin.replay import TwinReplay, replay

SETTINGS = SessionSettings(seed=1, symbols=4, pairs=2, messages=12_000, loss_a=0.02, loss_b=0.02)


@dataclass(frozen=True, eq=False)
class Case:
    frames: list[FrameTable]
    prepared: Preparation

    def play(self, frames: list[FrameTable] | None = None, fills: str = "random:5") -> TwinReplay:
        return replay(
            self.frames if frames is None else frames,
            self.prepared.setup,
            self.prepared.preset,
            ScriptedVenue(fills),
        )


@pytest.fixture(scope="module")
def case(tmp_path_factory) -> Case:
    capture: Path = tmp_path_factory.mktemp("session") / "session.pcap"
    keep_in(cache_folder())
    generate_session(capture, SETTINGS)
    files = session_files(capture)
    desk, limits = read_desk(files.desk), read_limits(files.limits)
    recording = Recording(capture, lines=feed_lines(desk))
    return Case(
        list(recording.frames()), prepare(desk, limits, recording, ScriptedVenue("random:5"))
    )


@pytest.fixture(scope="module")
def first(case) -> TwinReplay:
    return case.play()


def differences(one: TwinReplay, other: TwinReplay) -> list[str]:
    """Return what two replays differ in."""
    found = [
        name
        for name in TABLES
        if not np.array_equal(getattr(one.run.journal, name), getattr(other.run.journal, name))
        or not np.array_equal(one.run.passed[name], other.run.passed[name])
    ]
    for name in ("sent", "cycles", "cause_cycles", "latencies"):
        if getattr(one.run, name) != getattr(other.run, name):
            found.append(name)
    if not np.array_equal(one.run.frame_cycles, other.run.frame_cycles):
        found.append("frame_cycles")
    if one.counters != other.counters:
        found.append("counters")
    return found


def test_the_session_is_one_worth_replaying(first):
    assert len(first.run.sent) == len(first.run.journal.orders) > 0
    assert len(first.run.journal.responses) > 0
    assert set(first.run.latencies) == set(first.run.journal.orders["user_ref"].tolist())


def test_a_second_replay_is_the_first(case, first):
    assert differences(first, case.play()) == []


def test_other_fills_are_another_replay(case, first):
    assert "responses" in differences(first, case.play(fills="none"))


def test_it_does_not_matter_where_the_capture_is_cut(case, first):
    size = 997
    pieces = [
        FrameTable(
            data=table.data,
            offset=table.offset[at : at + size],
            length=table.length[at : at + size],
            time_ns=table.time_ns[at : at + size],
            number=table.number + at,
        )
        for table in case.frames
        for at in range(0, len(table), size)
    ]
    assert len(pieces) > 5
    assert differences(first, case.play(pieces)) == []
