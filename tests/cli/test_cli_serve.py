"""A service is begun and ended by hand, by signals and by desks, or one line says why not."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from service_party.process import Served, desk_of, kept_twin, serve_command

from tickwright.service.journal import entries, verify
from tickwright.service.roles import Role

DEADLINE_S = 120.0


def said(state: Path) -> list[str]:
    """Return what the journal has, in order; it verifies."""
    return [entry.what for entry in entries(state / "journal.jsonl", 1, 1000)]


def until_said(state: Path, what: str, times: int = 1) -> None:
    end = time.monotonic() + DEADLINE_S
    while said(state).count(what) < times:
        assert time.monotonic() < end, f"{what} was never journalled"
        time.sleep(0.01)


def test_a_service_from_its_start_to_its_end(tmp_path: Path):
    state = tmp_path / "state"
    with kept_twin(tmp_path / "card") as card:
        with Served(card, state) as served, desk_of(state) as desk:
            assert served.endpoint == f"ipc://{state / 'service.sock'}"
            status = desk.done("status")
            assert (status.state, status.preset, status.watchdog_ms) == ("killed", "twin", 200)
            assert desk.done("kill").state == "killed"
            served.process.send_signal(signal.SIGUSR1)
            end = time.monotonic() + DEADLINE_S
            while said(state).count("kill.done") < 2:
                assert time.monotonic() < end
                time.sleep(0.01)
            assert served.process.poll() is None
            other = serve_command(card, state)
            second = subprocess.run(other, capture_output=True, text=True, check=False)
            assert (second.returncode, len(second.stderr.splitlines())) == (1, 1)
            assert f"found the service of process {served.process.pid}" in second.stderr
        assert said(state)[:2] == ["recovered", "service.started"]
        assert said(state)[-2:] == ["kill.done", "service.stopped"]
        with Served(card, state) as served, desk_of(state) as desk:
            assert desk.done("stop").state == "killed"
            assert served.wait() == 0
        verify(state / "journal.jsonl")


def test_a_service_that_lost_its_card_ends(tmp_path: Path):
    state = tmp_path / "state"
    with kept_twin(tmp_path / "card") as card:
        served = Served(card, state)
    assert served.wait() == 3
    assert "the card is lost" in served.log.splitlines()[-1]
    assert "card.lost" in said(state)


def test_metrics_and_health_are_served(tmp_path: Path):
    state = tmp_path / "state"
    with kept_twin(tmp_path / "card") as card, Served(card, state, "--metrics", "127.0.0.1:0") as s:
        (line,) = (line for line in s.log.splitlines() if '"event": "metrics"' in line)
        port = line.split('"port": ')[1].rstrip("}")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=DEADLINE_S) as got:
            assert got.read() == b'{"faults": [], "card": "twin:%s"}\n' % str(card).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=DEADLINE_S) as got:
            assert b"tickwright_gate_state 0.0" in got.read()


def test_metrics_where_another_listens_are_told_in_a_line(tmp_path: Path, type_in):
    with (
        kept_twin(tmp_path / "card") as card,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        place = f"127.0.0.1:{other.getsockname()[1]}"
        done = type_in(f"serve --card twin:{card} --state {tmp_path}/state --metrics {place}")
    assert done.status == 1
    (told,) = (line for line in done.err.splitlines() if line.startswith("tickwright"))
    assert told == (
        f"tickwright: metrics at {place}: address already in use; --metrics names another place"
    )


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        ("serve --card twin:none --state s", 3, "expected a twin that listens"),
        ("serve --card cable --state s", 2, "card: found 'cable', expected twin:PATH"),
        ("serve --card twin:none --state session.pcap", 1, "session.pcap: "),
        ("serve --card twin:none --state s --metrics 9464", 2, "expected HOST:PORT"),
        (
            "serve --card twin:none --listen 9464",
            2,
            "--listen: found '9464', expected tcp://HOST:PORT",
        ),
        ("serve --card twin:none --watchdog-ms 5", 2, "--watchdog-ms"),
        ("serve --card twin:none --clock-offset-ms -4", 2, "--clock-offset-ms"),
        ("kill --key bob", 3, "`tickwright emergency-kill --card CARD` needs no service"),
        ("emergency-kill --card cable", 2, "card: found 'cable', expected twin:PATH"),
        ("watch --key ann", 2, "standard output: found no terminal, expected one, or --once"),
    ],
)
def test_what_cannot_begin_is_told_in_a_line(type_in, folder: Path, words, status, line):
    done = type_in(words)
    assert done.status == status
    assert line in done.err
    assert len(done.err.splitlines()) == 1


def test_a_key_of_a_role_may_do_what_it_may(tmp_path: Path):
    state = tmp_path / "state"
    with (
        kept_twin(tmp_path / "card") as card,
        Served(card, state),
        desk_of(state, Role.VIEWER) as viewer,
    ):
        assert viewer.done("preflight").reasons
        assert "found role viewer" in viewer.ask("arm").error
        assert "found role viewer" in viewer.ask("kill").error


def test_a_folder_is_named_once_for_all_verbs(tmp_path: Path, type_in, monkeypatch):
    state = tmp_path / "elsewhere"
    monkeypatch.setenv("TICKWRIGHT_STATE", str(state))
    assert type_in("keys new ann --role operator").status == 0
    with kept_twin(tmp_path / "card") as card, Served(card, state) as served:
        assert type_in(f"serve --card twin:{card}").err.startswith(f"tickwright: {state}: found")
        assert type_in("kill --key ann").status == 0
        assert type_in(f"emergency-kill --card twin:{card}").status == 0
        until_said(state, "kill.done", 2)  # the service was told as well
        assert served.process.poll() is None
