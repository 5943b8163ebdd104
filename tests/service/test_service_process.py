"""A service as a process: it owns its card alone, feeds it while it lives, and leaves it killed."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from service_party.process import DEADLINE_S, Served, desk_of, kept_twin, serve_command

from tickwright.bus.opening import open_bus
from tickwright.host.card import Card
from tickwright.recorder.publication import Subscriber
from tickwright.recorder.snapshot import Snapshot
from tickwright.service.caller import Caller
from tickwright.service.emergency import emergency_kill
from tickwright.service.errors import ServiceError
from tickwright.service.journal import entries
from tickwright.service.keys import service_key
from tickwright.service.protocol import StatusCode
from tickwright.service.roles import Role
from tickwright.service.state_folder import owner_of
from tickwright.service.whereabouts import Whereabouts, find
from tickwright.twin.spawn import spawn_twin

WATCHDOG_MS = 1000  # long enough for a machine that does other things
ALL = 1_000_000  # entries
QUIET_S = 2.0  # in which a service that gets on tells four times that it is alive
FED_S = 3.0  # in which a watchdog that nobody feeds has run out several times


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("service")
    with (
        kept_twin(folder / "card") as card,
        Served(
            card,
            folder / "state",
            *("--listen", "tcp://127.0.0.1:*", "--watchdog-ms", str(WATCHDOG_MS)),
        ) as one,
    ):
        yield one


@pytest.fixture
def card(served: Served) -> Iterator[Card]:
    """Return the card, by a way of the test's own."""
    with open_bus(f"twin:{served.card}") as way:
        yield Card(way)


def whereabouts(served: Served) -> Whereabouts:
    found = find(served.state / "service.json")
    assert found is not None
    return found


def signals(served: Served) -> int:
    """Return how many kills by a signal the service has journalled."""
    return sum(entry.by == "signal" for entry in entries(served.state / "journal.jsonl", 1, ALL))


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.01)


def test_where_it_listens_is_told_in_its_folder(served: Served):
    with desk_of(served.state, Role.VIEWER) as desk:
        assert desk.done("status").state == "killed"
    found = whereabouts(served)
    assert (found.process, found.card) == (served.process.pid, f"twin:{served.card}")
    assert found.public == service_key(served.state).public
    assert (served.state / "service.json").stat().st_mode & 0o077 == 0
    local, told = found.endpoints
    assert local == f"ipc://{served.state / 'service.sock'}"
    assert told.startswith("tcp://127.0.0.1:")
    with Caller(told, found.public, service_key(served.state), timeout_s=DEADLINE_S) as caller:
        assert caller.ask("status").status == StatusCode.DONE


def test_the_watchdog_is_fed_as_long_as_it_lives(served: Served, card: Card):
    end = time.monotonic() + FED_S
    while time.monotonic() < end:
        assert not card.risk.watchdog_expired
        time.sleep(0.02)
    with desk_of(served.state, Role.VIEWER) as desk:
        reasons = desk.done("preflight").reasons
    assert "watchdog" not in {reason.code for reason in reasons}


def test_a_service_that_stalls_is_not_fed_for(served: Served, card: Card):
    """Its feeder lives on, and feeds no more."""
    os.kill(served.process.pid, signal.SIGSTOP)
    try:
        until(lambda: bool(card.risk.watchdog_expired))
    finally:
        os.kill(served.process.pid, signal.SIGCONT)
    until(lambda: not card.risk.watchdog_expired)


def test_telemetry_is_published_to_known_keys(served: Served):
    found = whereabouts(served)
    key = service_key(served.state)
    with Subscriber(found.telemetry, records=False, key=key, server=found.public) as subscriber:
        assert isinstance(subscriber.receive(DEADLINE_S * 1000), Snapshot)


def test_another_service_of_the_same_card_is_refused(served: Served, tmp_path: Path):
    done = subprocess.run(
        serve_command(served.card, tmp_path / "other"),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "found another service that owns it, expected none" in done.stderr
    assert served.process.poll() is None


@pytest.mark.parametrize("link", [False, True], ids=["its name", "another name"])
def test_a_card_is_killed_without_its_service(served: Served, tmp_path: Path, link: bool):
    card, before = served.card, signals(served)
    if link:
        card = tmp_path / "link"
        card.symlink_to(served.card)
    found = emergency_kill(f"twin:{card}", served.state)
    assert found.state == "killed"
    assert found.card_cycles > 0
    assert found.service == f"process {served.process.pid}"
    until(lambda: signals(served) == before + 1)
    assert served.process.poll() is None


def test_that_no_service_is_told_of_a_kill_is_said(served: Served, tmp_path: Path):
    found = emergency_kill(f"twin:{served.card}", tmp_path)
    assert (found.state, found.service) == (
        "killed",
        f"none: found none at {tmp_path} with this card",
    )


def test_the_service_of_another_card_is_left_alone(served: Served, tmp_path: Path):
    before = signals(served)
    with pytest.raises(ServiceError, match="expected a twin that listens"):
        emergency_kill(f"twin:{tmp_path / 'other'}", served.state)
    with desk_of(served.state, Role.VIEWER) as desk:
        assert desk.done("status").state == "killed"
    assert signals(served) == before


def test_a_recorder_that_is_killed_is_begun_again(served: Served):
    (recorder,) = (child for child in _children(served.process.pid) if "recorder" in _words(child))
    os.kill(recorder, signal.SIGKILL)
    until(
        lambda: any(
            "recorder" in _words(child) and child != recorder
            for child in _children(served.process.pid)
        )
    )


def test_what_it_leaves_behind(served: Served):
    """A card that is killed, a journal that says so, and nothing that says that it is there."""
    children = _children(served.process.pid)
    assert len(children) == 2, "a feeder and a recorder"
    served.process.send_signal(signal.SIGTERM)
    assert served.wait() == 0
    assert not (served.state / "service.json").exists()
    assert owner_of(served.state) is None
    newest = entries(served.state / "journal.jsonl", -2, 2)
    assert [entry.what for entry in newest] == ["kill.done", "service.stopped"]
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def _children(process: int) -> list[int]:
    words = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(word) for word in words]


def _words(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def test_a_service_that_does_not_get_on_is_not_told_as_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its card hangs, and with it the thread that carries out requests; its main loop does not."""
    path, card = tmp_path / "notify", tmp_path / "card"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    twin = spawn_twin(card)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(QUIET_S)
        manager.bind(str(path))
        try:
            more = ("--watchdog-ms", str(WATCHDOG_MS), "--metrics", "127.0.0.1:0")
            with Served(card, tmp_path / "state", *more) as served:
                monitor = whereabouts(served).metrics
                assert _metrics(monitor)["tickwright_gate_state"] == 0
                twin.send_signal(signal.SIGSTOP)
                until(lambda: math.isnan(_metrics(monitor)["tickwright_gate_state"]))
                assert "requests: " in _got(monitor, "health")
                assert _metrics(monitor)["tickwright_sample_age_seconds"] > 0
                with pytest.raises(TimeoutError):
                    _hear_out(manager)
                assert _got(monitor, "health"), "it lives"
                served.kill()
        finally:
            twin.kill()
            twin.wait(DEADLINE_S)


def _hear_out(manager: socket.socket) -> None:
    while manager.recv(100):
        pass


def _got(monitor: str, what: str) -> str:
    host, _, port = monitor.rpartition(":")
    with socket.create_connection((host, int(port)), DEADLINE_S) as connection:
        connection.sendall(f"GET /{what} HTTP/1.1\r\n\r\n".encode())
        return connection.makefile(encoding="utf-8").read()


def _metrics(monitor: str) -> dict[str, float]:
    lines = _got(monitor, "metrics").partition("\n\n")[2].splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def test_a_service_manager_that_goes_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "notify"
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.settimeout(DEADLINE_S)
    manager.bind(str(path))
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    more = ("--watchdog-ms", str(WATCHDOG_MS))
    with kept_twin(tmp_path / "card") as card, Served(card, tmp_path / "state", *more) as served:
        heard = {manager.recv(100) for _ in range(4)}
        assert heard == {b"READY=1", b"WATCHDOG=1"}
        manager.close()
        until(lambda: "not told" in served.log)
        with desk_of(served.state) as desk:
            assert desk.ask("status").status == StatusCode.DONE
        assert served.process.poll() is None
        served.process.send_signal(signal.SIGTERM)
        assert served.wait() == 0
