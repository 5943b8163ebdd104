"""The examples of all verbs that ask a service, typed one after the other to one that serves."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path

import pytest
from service_party.process import Served, kept_twin
from service_party.scenario import ARMED, SCENARIO

from tickwright.bus.twin_wire import TwinWire
from tickwright.cli.main import app
from tickwright.service.journal import entries
from tickwright.service.keys import new_key
from tickwright.service.roles import Role

DEADLINE_S = 120.0
CARD = "/tmp/tickwright.card"  # as the examples have it
PRICES = "".join(f'[symbols.{name}]\nreference_usd = "60"\n' for name in ("KO", "PEP"))
PATIENT = ("--watchdog-ms", "60000")  # whatever else this machine does
SLOW = 0.001  # of the pace: a market that goes on and on


def example(words: tuple[str, ...]) -> str:
    """Return the example that a verb gives of itself."""
    group = app
    for word in words[:-1]:
        (group,) = (g.typer_instance for g in group.registered_groups if g.name == word)
        assert group is not None
    for one in group.registered_commands:
        doc = (one.callback.__doc__ if one.callback else "") or ""
        name = (one.name or one.callback.__name__).replace("_", "-") if one.callback else ""
        if name == words[-1]:
            return doc.partition("Example: tickwright ")[2].strip()
    raise AssertionError(words)


@pytest.fixture
def keys(folder: Path) -> Path:
    """Return the folder of a service's state, with a key of an operator and one of risk.

    The desk file tells prices, for a service has no file to take them from.
    """
    desk = folder / "session.desk.toml"
    desk.write_text(desk.read_text() + PRICES)
    for name, role in (("ann", Role.OPERATOR), ("rita", Role.RISK)):
        new_key(folder / "state", name, role)
    return folder / "state"


def until_preflight_is_empty(type_in) -> None:
    end = time.monotonic() + DEADLINE_S
    while (found := json.loads(type_in("preflight --key ann --json").out))["reasons"]:
        assert time.monotonic() < end, found
        time.sleep(0.05)


def test_every_verb_of_a_desk_does_what_its_example_says(folder: Path, keys: Path, type_in):
    with kept_twin(folder / "card") as card, Served(card, keys, *PATIENT) as served:
        for place, words in enumerate(SCENARIO):
            if words == ("params", "rollback"):
                assert type_in(example(("params", "load"))).status == 0  # so that there are two
            if place == ARMED:
                with TwinWire(str(card)) as wire:
                    wire.play("session.pcap", SLOW)
                until_preflight_is_empty(type_in)
            typed = shlex.split(example(words).replace(CARD, str(card)))
            done = type_in(*typed)
            assert done.status == 0, (typed, done.err)
            assert done.out.strip(), typed
        assert served.wait() == 0
        found = [entry.what for entry in entries(keys / "journal.jsonl", 1, 1000)]
    states = [what for what in found if what in ("arm.done", "close-only.done", "disarm.done")]
    assert states == ["arm.done", "close-only.done", "disarm.done"]
    assert found.count("set.in_force") == 5  # limits, parameters and their limits, twice again
    assert "params.rollback.done" in found
    assert "stop.done" in found


class TestRefusals:
    """What is not done is told in a line, with the status that says why."""

    def test_of_the_service(self, folder: Path, keys: Path, type_in):
        with kept_twin(folder / "card") as card, Served(card, keys):
            for typed, status, line in (
                ("arm --key ann", 4, "limits_missing"),
                ("arm --key rita", 4, "found role risk, expected operator"),
                ("limits load session.limits.toml --key rita", 4, "no confirmation"),
                ("limits load session.limits.toml --confirm --key ann", 4, "role"),
                ("params load session.limits.toml --key ann", 2, "session.limits.toml"),
                ("params show --key ann", 4, "nothing was loaded"),
                ("params rollback --key ann", 4, "expected at least 2"),
                ("positions --confirm KO --key ann", 2, "expected SYMBOL=SHARES"),
                ("positions --confirm KO=1 --confirm KO=2 --key ann", 2, "KO: found 1 and 2"),
                ("positions --flat --keep --key ann", 2, "expected one"),
                ("card registers --block none --key ann", 2, "none"),
                ("status", 2, "found keys ann, bob, rita"),
                ("status --key joe", 2, "joe.toml: no such file"),
            ):
                done = type_in(typed)
                assert done.status == status, (typed, done.err)
                assert line in done.err, (typed, done.err)
                assert len(done.err.splitlines()) == 1
            dry = type_in("limits load session.limits.toml --confirm --dry-run --key rita --json")
            assert json.loads(dry.out)["dry_run"] is True
            assert type_in("limits show --key rita").status == 4  # nothing was loaded

    def test_of_a_service_that_is_not_there(self, folder: Path, keys: Path, type_in):
        none = type_in("status --key ann")
        assert none.status == 3
        assert "found no service, expected one that was started with --state state" in none.err
        with kept_twin(folder / "card") as card:
            with Served(card, keys) as served:
                served.kill()
            gone = type_in("status --key ann")
            assert gone.status == 3
            assert f"found the service of process {served.process.pid} gone" in gone.err
            killed = type_in(f"emergency-kill --card twin:{card}")
            assert killed.status == 0
            assert killed.out.startswith("state")
        lost = type_in(f"emergency-kill --card twin:{folder / 'card'}")
        assert lost.status == 3
