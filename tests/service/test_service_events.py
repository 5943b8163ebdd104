"""What a card does by itself is journalled once, and what it was given by others is doubted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_card.bench import START_NS, Bench

from tickwright.bus.errors import BusError
from tickwright.host.card import Card
from tickwright.host.sets import ParameterSet
from tickwright.service.journal import JournalError

MS_NS = 1_000_000


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path).started() as bench:
        bench.arm()
        bench.desk.poll()
        yield bench


def told(bench: Bench, before: int) -> list[tuple[str, Any]]:
    """Return what was journalled since, by the card."""
    found = bench.entries()[before:]
    assert {entry.by for entry in found} <= {"card"}
    return [(entry.what, entry.details.get("now")) for entry in found]


def test_nothing_is_told_while_nothing_changes(bench):
    before = bench.journal.count
    for _ in range(5):
        bench.desk.poll()
    assert bench.journal.count == before


def test_a_look_is_seven_turns_on_the_bus(bench, monkeypatch):
    """A request may have to wait behind a look."""
    turns: list[Sequence[int]] = []

    def read_words(addrs: Sequence[int]) -> list[int]:
        turns.append(addrs)
        return [bench.card.read(addr) for addr in addrs]

    monkeypatch.setattr(bench.card, "read_words", read_words, raising=False)
    bench.desk.poll()
    assert len(turns) == 7


def test_a_kill_by_the_watchdog_is_told_once_with_its_moment(bench):
    before = bench.journal.count
    bench.card.advance(bench.settings.watchdog_ms * MS_NS)
    killed_at_ns = bench.card.gate.now_ns
    bench.desk.poll()
    bench.desk.poll()
    now = {"state": "killed", "kill_reasons": ["watchdog"], "killed_at_ns": killed_at_ns}
    assert told(bench, before) == [("card.gate", now)]


def test_ledger_session_and_feed_are_followed(bench):
    before = bench.journal.count
    bench.card.gate.break_ledger()
    bench.card.order["receive_fault"] = 1
    bench.card.feed["gaps"] = 2
    bench.desk.poll()
    found = dict(told(bench, before))
    assert found["card.ledger"] == {"fault": 1}
    assert found["card.session"] == {"ok": 0, "ended": 0, "receive_fault": 1}
    assert found["card.feed"] == {"enabled": True, "heard": True, "gaps": 2}
    assert found["card.gate"]["kill_reasons"] == ["ledger"]


def test_a_card_that_does_not_answer_is_told_once_and_when_it_is_back(bench):
    before = bench.journal.count

    def gone(number: int) -> None:
        raise BusError("fake: found no answer, expected one")

    bench.card.before = gone
    bench.desk.poll()
    bench.desk.poll()
    assert bench.desk.card_lost == "fake: found no answer, expected one"
    bench.card.before = lambda number: None
    bench.desk.poll()
    assert bench.desk.card_lost == ""
    assert [what for what, _ in told(bench, before)] == ["card.lost", "card.found"]


def test_what_cannot_be_journalled_is_told_later(bench, monkeypatch):
    before, keep = bench.journal.count, bench.journal.append

    def full(by, what, details):
        raise JournalError("journal: entry: no space left on device")

    monkeypatch.setattr(bench.journal, "append", full)
    bench.card.gate.kill("host")
    bench.desk.poll()
    assert bench.journal.count == before
    monkeypatch.setattr(bench.journal, "append", keep)
    bench.desk.poll()
    assert [what for what, _ in told(bench, before)] == ["card.gate"]


def test_a_set_that_others_loaded_is_told_and_not_known(bench):
    before = bench.journal.count
    stored = bench.sets()["limits"]
    assert stored is not None
    Card(bench.card).load_limits(replace(stored.limits, epoch=9))
    Card(bench.card).load_parameters(ParameterSet(epoch=9, pairs=()))
    bench.desk.poll()
    bench.desk.poll()
    found = told(bench, before)
    assert [(what, now["epoch"]) for what, now in found] == [
        ("card.parameters", 9), ("card.limits", 9)]  # fmt: skip
    assert bench.sets() == {"parameters": None, "limits": None}
    assert all("did not load" in held.doubt for held in bench.desk.held.values())
    assert {"parameters_unknown", "limits_unknown"} <= set(bench.ask("status").alarms)


def test_a_card_that_was_reset_has_no_sets_and_no_doubt(bench):
    before = bench.journal.count
    for name in ("active_epoch", "active_checksum"):
        bench.card.strategy.regs[name] = 0
    bench.desk.poll()
    ((what, now),) = told(bench, before)
    assert (what, now["epoch"]) == ("card.parameters", 0)
    assert bench.desk.held["parameters"].doubt == ""
    assert bench.entries()[-1].time_ns > START_NS
