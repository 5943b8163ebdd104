"""A service under attack: nothing is granted, and whoever may ask is answered all the while.

How soon is measured and printed; a soak asserts it, on a machine that has time for it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from service_party.attacks import ATTACKS
from service_party.process import DEADLINE_S, Served, desk_of, kept_twin

from tickwright.service.keys import new_key, revoke
from tickwright.service.roles import Role
from tickwright.service.whereabouts import find

SMOKE_S, SOAK_S = 0.3, 20.0
SMOKE_CONNECTIONS, SOAK_CONNECTIONS = 200, 10_000
MOST_MS = 50.0
ASK_S = 0.005  # between two requests of the one who may ask
VERB = "card.info"


@dataclass(frozen=True)
class Attacked:
    """A service, where it can be attacked, and the keys of those who do."""

    served: Served
    endpoint: str
    telemetry: str
    public: str
    keys: dict[str, Path]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory) -> Iterator[Attacked]:
    folder: Path = tmp_path_factory.mktemp("attacked")
    state = folder / "state"
    keys = {name: new_key(state, name, Role.VIEWER) for name in ("low", "gone")}
    revoke(state, "gone")
    with (
        kept_twin(folder / "card") as card,
        Served(card, state, "--listen", "tcp://127.0.0.1:*") as served,
    ):
        found = find(state / "service.json")
        assert found is not None
        yield Attacked(served, found.endpoints[1], found.telemetry, found.public, keys)


def answered(attacked: Attacked, name: str, seconds: float, most: int) -> tuple[dict, float]:
    """Attack, and ask meanwhile; return what the attack got, and the 99th percentile in ms."""
    key = attacked.keys["gone" if name == "revoked key" else "low"]
    endpoint = attacked.telemetry if name == "slow subscriber" else attacked.endpoint
    words = [name, endpoint, attacked.public, str(key), str(seconds), str(most)]
    trips = []
    with (
        desk_of(attacked.served.state, Role.QUANT) as desk,
        subprocess.Popen(
            [sys.executable, "-m", "service_party.attacks", *words],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            end = time.monotonic() + seconds + DEADLINE_S
            while process.poll() is None:
                begun = time.monotonic()
                assert begun < end, "it attacks for ever"
                desk.done(VERB)
                trips.append(time.monotonic() - begun)
                time.sleep(ASK_S)
            found = json.loads(process.stdout.readline())
        finally:
            process.kill()
    p99_ms = float(np.percentile(trips, 99)) * 1000
    sys.stderr.write(json.dumps({"attack": name, **found, "asked": len(trips),
        "p50_ms": round(float(np.median(trips)) * 1000, 2), "p99_ms": round(p99_ms, 2),
        "max_ms": round(max(trips) * 1000, 2)}) + "\n")  # fmt: skip
    return found, p99_ms


def check(attacked: Attacked, name: str, found: dict) -> None:
    assert found["tried"] > 0
    assert found["granted"] == 0
    assert attacked.served.process.poll() is None
    with desk_of(attacked.served.state, Role.VIEWER) as desk:
        assert desk.done("status").state == "killed"


@pytest.mark.parametrize("name", ATTACKS)
def test_who_may_ask_is_answered_under_attack(attacked: Attacked, name: str):
    found, _ = answered(attacked, name, SMOKE_S, SMOKE_CONNECTIONS)
    check(attacked, name, found)


@pytest.mark.soak
@pytest.mark.parametrize("name", ATTACKS)
def test_who_may_ask_is_answered_soon_under_attack(attacked: Attacked, name: str):
    found, p99_ms = answered(attacked, name, SOAK_S, SOAK_CONNECTIONS)
    check(attacked, name, found)
    assert p99_ms < MOST_MS


def test_nothing_listens_beyond_this_machine(attacked: Attacked):
    """Not unless it is told to."""
    process = attacked.served.process.pid
    inodes = set()
    for file in Path(f"/proc/{process}/fd").iterdir():
        target = str(file.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    rows = [
        line.split()
        for table in ("tcp", "tcp6", "udp", "udp6")
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]
    ]
    listening = [row[1] for row in rows if row[9] in inodes and row[3] in ("0A", "07")]
    port = int(attacked.endpoint.rsplit(":", 1)[1])
    assert listening == [f"0100007F:{port:04X}"]
