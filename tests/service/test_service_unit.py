"""The unit for systemd starts a verb that is there, and gives the service no more than it needs."""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from tickwright.cli.main import app
from tickwright.service import notify

UNIT = Path(notify.__file__).with_name("tickwright.service")
DEADLINE_S = 60.0

MANAGED = {
    "Type": "notify",
    "NotifyAccess": "main",
    "Restart": "on-failure",
    "KillMode": "mixed",
    "StateDirectory": "tickwright",
    "LimitNOFILE": "65536",
    "LimitMEMLOCK": "infinity",
    "LimitCORE": "0",
    "LimitRTPRIO": "1",
}
HARDENED = {
    "User": "tickwright",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "DevicePolicy": "closed",
    "MemoryDenyWriteExecute": "yes",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
    "RestrictNamespaces": "yes",
    "UMask": "0077",
    "StateDirectoryMode": "0700",
}


def settings() -> dict[str, dict[str, list[str]]]:
    """Return the values of each key by section, in order; a key may stand several times."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    section = ""
    for line in UNIT.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert section, f"{line} stands before any section"
            assert equals, f"{line} is no setting"
            found[section][key].append(value)
    return found


@pytest.mark.parametrize(("key", "value"), [*MANAGED.items(), *HARDENED.items()])
def test_the_service_is_managed_and_confined(key: str, value: str):
    assert settings()["Service"][key] == [value]


def test_it_writes_to_directories_of_its_own_alone():
    service = settings()["Service"]
    assert not {key for key in service if key.startswith(("ReadWrite", "BindPaths"))}
    assert {key for key in service if key.endswith("Directory")} == {
        "StateDirectory",
        "RuntimeDirectory",
    }


def test_the_manager_waits_longer_than_the_card():
    """The card's watchdog, a quarter of a second unless said, has killed by then."""
    (watchdog_s,) = settings()["Service"]["WatchdogSec"]
    assert float(watchdog_s) >= 1


def test_each_restriction_comes_with_its_reason():
    lines = UNIT.read_text().partition("[Service]")[2].partition("[Install]")[0].splitlines()
    reasoned = {"Protect", "Private", "Restrict"}
    for before, line in pairwise(lines):
        stem = next((each for each in reasoned if line.startswith(each)), None)
        if stem is not None:
            assert before.startswith(("#", *reasoned)), f"{line} has no reason before it"


def test_it_starts_a_verb_that_is_there():
    (command,) = settings()["Service"]["ExecStart"]
    program, verb, *_ = command.split()
    assert program.endswith("/.venv/bin/tickwright")
    verbs = {
        each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands
    }
    if "serve" not in verbs:
        pytest.skip("the service itself is not there yet")
    assert verb in verbs


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_no_fault_with_it(tmp_path: Path):
    unit = tmp_path / UNIT.name
    text = UNIT.read_text()
    (command,) = settings()["Service"]["ExecStart"]
    unit.write_text(text.replace(command, "/bin/true"))  # the set-up of /opt is not here
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert [line for line in done.stderr.splitlines() if UNIT.name in line] == []
