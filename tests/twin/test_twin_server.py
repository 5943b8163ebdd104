"""A twin of its own process: a card that any number of hosts reach, and that none of them ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tickwright.bus.errors import BusError
from tickwright.bus.opening import open_bus
from tickwright.bus.twin import TwinBus
from tickwright.bus.twin_link import HEAD
from tickwright.bus.twin_wire import TwinWire
from tickwright.exchange.scripted import ScriptedVenue
from tickwright.host.card import Card
from tickwright.host.settings import read_desk, read_limits
from tickwright.market.compiled import keep_in
from tickwright.market.generator import generate_session, session_files
from tickwright.market.session import SessionSettings
from tickwright.recorder.records import split, unpack
from tickwright.recorder.ring import RingReader
from tickwright.replay.preparation import Preparation, feed_lines, prepare
from tickwright.replay.recording import Recording
from tickwright.risk.checks import STATES
from tickwright.risk.regs import RiskRegs
from tickwright.top.memory_map import base, fingerprint
from tickwright.twin.cache import cache_folder
from tickwright.twin.replay import replay
from tickwright.twin.spawn import SpawnError, spawn_twin

FILLS = "random:5"
SETTINGS = SessionSettings(seed=1, symbols=4, pairs=2, messages=4_000, loss_a=0.02, loss_b=0.02)
WAIT_S = 120.0


@dataclass(frozen=True, eq=False)
class Kept:
    """A twin's process, its socket, and a session to be played to it."""

    process: subprocess.Popen[bytes]
    path: Path
    recording: Recording
    prepared: Preparation

    @property
    def log(self) -> str:
        return self.path.with_name(f"{self.path.name}.log").read_text()

    def bus(self) -> TwinBus:
        return TwinBus(str(self.path), timeout_s=30.0)

    def wire(self) -> TwinWire:
        return TwinWire(str(self.path), timeout_s=30.0)


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> tuple[Recording, Preparation]:
    capture: Path = tmp_path_factory.mktemp("session") / "session.pcap"
    keep_in(cache_folder())
    generate_session(capture, SETTINGS)
    files = session_files(capture)
    desk, limits = read_desk(files.desk), read_limits(files.limits)
    recording = Recording(capture, lines=feed_lines(desk))
    return recording, prepare(desk, limits, recording, ScriptedVenue(FILLS))


@pytest.fixture
def kept(session, tmp_path: Path) -> Iterator[Kept]:
    process = spawn_twin(tmp_path / "twin", venue=FILLS)
    try:
        yield Kept(process, tmp_path / "twin", *session)
    finally:
        process.terminate()
        assert process.wait(30) == 0


def loaded(bus: TwinBus, prepared: Preparation) -> Card:
    card = Card(bus)
    card.load(prepared.setup)
    card.arm(prepared.setup.gate.state)
    card.open_feed()
    return card


def test_a_play_decides_what_a_replay_does(kept: Kept):
    setup, preset = kept.prepared.setup, kept.prepared.preset
    expected = replay(kept.recording.frames(), setup, preset, ScriptedVenue(FILLS)).run.journal
    with kept.bus() as bus, kept.wire() as wire:
        loaded(bus, kept.prepared)
        assert wire.playing()["state"] == "idle"
        wire.play(kept.recording.path, "max")
        with pytest.raises(BusError, match="found one under way, expected none"):
            wire.play(kept.recording.path, "max")
        told = wire.wait(WAIT_S)
    assert (told["state"], told["messages"], told["damage"]) == ("done", SETTINGS.messages, [])
    assert told["orders"] == len(expected.orders) > 0
    with RingReader(kept.path.with_name("twin.ring")) as ring:
        records, dropped = ring.read(1 << 20), ring.dropped
    assert dropped == 0
    kinds, _ = split(records)
    for name in ("quotes", "intents", "verdicts", "orders", "applied"):
        np.testing.assert_array_equal(unpack(name, kinds[name]), getattr(expected, name))


def test_hosts_come_and_go_and_the_card_stays(kept: Kept):
    script = (
        "import os, signal, sys\n"
        "from tickwright.bus.twin import TwinBus\n"
        "bus = TwinBus(sys.argv[1])\n"
        f"bus.write({base('feed') + 0:#x}, 0)\n"
        "bus.read(0)\n"
        "os.write(1, b'x')\n"
        "while True: bus.write(0, 0)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(kept.path)], stdout=subprocess.PIPE
    ) as host:
        assert host.stdout is not None
        assert host.stdout.read(1) == b"x"
        with kept.bus() as other:
            assert other.read(0) == fingerprint()
            os.kill(host.pid, signal.SIGKILL)
            assert host.wait(30) == -signal.SIGKILL
            assert other.read(0) == fingerprint()
    with open_bus(f"twin:{kept.path}") as bus:
        assert bus.read(0) == fingerprint()
    assert kept.process.poll() is None


def test_a_request_that_is_none_ends_its_connection_alone(kept: Kept):
    with kept.bus() as bus:
        for request in (HEAD.pack(b"X", 0, 0), HEAD.pack(b"R", 2, 0), HEAD.pack(b"W", 1 << 20, 0),
                        HEAD.pack(b"J", 2, 0) + b"{]", HEAD.pack(b"J", 1 << 31, 0)):  # fmt: skip
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(30)
                client.connect(str(kept.path))
                client.sendall(request)
                assert client.recv(1) == b""
        assert bus.read(0) == fingerprint()
    told = [line for line in kept.log.splitlines() if "connection closed" in line]
    assert len(told) == 5
    assert all("expected" in line for line in told)


def test_a_wrong_play_is_refused_or_fails(kept: Kept, tmp_path: Path):
    with kept.wire() as wire:
        with pytest.raises(BusError, match="pace: found 0, expected max or a number"):
            wire.play(kept.recording.path, 0)
        with pytest.raises(BusError, match="play: found none, expected one under way"):
            wire.stop_playing()
        wire.play(tmp_path / "none.pcap")
        with pytest.raises(BusError, match=r"play: .*none\.pcap"):
            wire.wait(WAIT_S)
        wire.play(kept.recording.path, 0.001)
        wire.stop_playing()
        assert wire.wait(WAIT_S)["state"] == "stopped"


def test_card_time_goes_on_and_never_back(kept: Kept):
    with kept.wire() as wire:
        times = [wire.now_ns() for _ in range(200)]
        assert times == sorted(times)
        assert times[-1] > times[0]


def test_a_kill_is_seen_to_take_a_cycle(kept: Kept):
    kill, state = (base("risk") + register.offset for register in (RiskRegs.kill, RiskRegs.state))
    with kept.bus() as bus, kept.wire() as wire:
        card = loaded(bus, kept.prepared)
        assert STATES[card.risk.state] == "armed"
        wire.watch(kill, (state, STATES.index("killed")))
        card.kill()
        assert STATES[card.risk.state] == "killed"
        [(cycle, value, killed)] = wire.seen()
    assert value == 1
    assert killed == cycle + 1


def test_a_second_twin_at_a_socket_is_refused(kept: Kept):
    with pytest.raises(SpawnError, match=f"found the twin of process {kept.process.pid}"):
        spawn_twin(kept.path, venue="none")
    with kept.bus() as bus:
        assert bus.read(0) == fingerprint()


def test_a_shutdown_removes_the_socket(kept: Kept):
    with kept.wire() as wire:
        wire.shutdown()
    assert kept.process.wait(30) == 0
    assert not kept.path.exists()
