"""A market is played to a card of another process, or one line says why not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tickwright.bus.twin_wire import TwinWire
from tickwright.twin.spawn import spawn_twin

DEADLINE_S = 60.0


@pytest.fixture
def card(folder: Path) -> Iterator[Path]:
    process: subprocess.Popen[bytes] = spawn_twin(folder / "card")
    try:
        yield folder / "card"
    finally:
        process.terminate()
        assert process.wait(30) == 0


def test_a_session_is_played(type_in, card: Path):
    done = type_in(f"card play session.pcap --card twin:{card} --pace 100 --json")
    assert done.status == 0, done.err
    told = json.loads(done.out)
    assert (told["state"], told["orders"], told["damage"]) == ("done", 0, [])
    assert told["frames"] > 0
    assert told["cycles"] > 0
    shown = type_in(f"card play session.itch50 --card twin:{card} --pace max --max-messages 3")
    assert shown.status == 0, shown.err
    assert "wall clock" in shown.out
    wrong = type_in(f"card play session.desk.toml --card twin:{card} --pace max")
    assert wrong.status == 1
    assert "session.desk.toml" in wrong.err
    with TwinWire(str(card)) as wire:
        wire.play("session.pcap", 0.001)
        busy = type_in(f"card play session.pcap --card twin:{card}")
    assert busy.status == 1
    assert "found one under way" in busy.err
    nowhere = type_in(f"card twin --socket {card.parent}/none/card")
    assert nowhere.status == 1
    assert nowhere.err.endswith("none/card.pid: no such file or directory\n")
    again = type_in(f"card twin --socket {card}")
    assert again.status == 1
    assert "found the twin of process" in again.err


ENDED_WHILE_IT_BEGINS = """
import os, signal
from tickwright.bus.twin_wire import TwinWire
play = TwinWire.play
TwinWire.play = lambda *args, **limits: (
    play(*args, **limits), os.kill(os.getpid(), signal.SIGTERM))
"""


@pytest.mark.parametrize("before", ["", ENDED_WHILE_IT_BEGINS], ids=["later", "as-it-begins"])
def test_a_market_ends_with_who_plays_it(folder: Path, card: Path, before):
    code = f"{before}\nfrom tickwright.cli.main import main; main()"
    words = f"card play {folder}/session.pcap --card twin:{card} --pace 0.001".split()
    playing = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.DEVNULL)
    with TwinWire(str(card)) as wire:
        end = time.monotonic() + DEADLINE_S
        while wire.playing()["state"] == "idle":
            assert time.monotonic() < end
            time.sleep(0.02)
        playing.terminate()
        assert playing.wait(DEADLINE_S) != 0
        assert wire.playing()["state"] == "stopped"


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        ("card play session.pcap --card pcie", 2, "--card: found 'pcie', expected twin:PATH"),
        ("card play none.pcap --card twin:none", 2, "none.pcap: found no file"),
        ("card play session.pcap --card twin:none", 3, "expected a twin that listens"),
        ("card twin --socket none --preset tiny", 2, "--preset: found 'tiny', expected twin"),
    ],
)
def test_what_cannot_be_played_is_told_in_a_line(type_in, folder: Path, words, status, line):
    done = type_in(words)
    assert done.status == status
    assert line in done.err
    assert len(done.err.splitlines()) == 1
    assert not (folder / "none").exists()
