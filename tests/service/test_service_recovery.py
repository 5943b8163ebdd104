"""A service that was cut off anywhere finds the old set or the new one, and says which."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_card.bench import Bench, desk_text, limits_text
from fake_card.card import CutOff, FakeCard

from tickwright.bus.errors import BusError
from tickwright.host.card import Card
from tickwright.host.sets import ParameterSet
from tickwright.risk.regs import RiskRegs
from tickwright.service.archive import SetKind
from tickwright.service.errors import ServiceError
from tickwright.service.journal import verify
from tickwright.service.protocol import Entry
from tickwright.service.roles import Role
from tickwright.strategy.regs import StrategyRegs
from tickwright.top.memory_map import base
from tickwright.top.presets import PRESETS

SMALL = replace(PRESETS["versa"], name="small", symbols=4, pairs=2)
SESSION = '[order_entry]\npeer_address = "10.9.9.9"\nstart_seq = 5000'
LOADS = {
    "first": ("params.load", {"desk": desk_text(preset="versa")}),
    "live": ("params.load", {"desk": desk_text(preset="versa", mean="0.75")}),
    "tighter": ("params.load", {"desk": desk_text(preset="versa", more="[limits]\nmax_shares=9")}),
    "session": ("params.load", {"desk": desk_text(preset="versa", more=SESSION)}),
    "limits": ("limits.load", {"limits": limits_text(shares=399)}),
    "looser": ("limits.load", {"limits": limits_text(shares=401), "confirm": True}),
    "rollback": ("params.rollback", {}),
}
ARMED = {"live", "tighter", "limits"}
MOST_ACCESSES = 2_000


@pytest.fixture(autouse=True)
def _no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is cut off loses nothing that it wrote: that needs no disk."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    monkeypatch.setattr(os, "fdatasync", lambda handle: None)


def cut_at(bench: Bench, access: int) -> None:
    """Cut the host off at an access from now on."""
    last = bench.card.accesses + access

    def cut(number: int) -> None:
        if number >= last:
            raise CutOff

    bench.card.before = cut


def sets(bench: Bench) -> dict[str, tuple[int, int]]:
    """Return what is in force, by the card's own registers."""
    strategy, risk = bench.card.strategy.regs, bench.card.gate.regs
    return {
        "parameters": (strategy["active_epoch"], strategy["active_checksum"]),
        "limits": (risk["active_limits_epoch"], risk["active_limits_checksum"]),
    }


def allowed(bench: Bench) -> dict[str, set[tuple[int, int]]]:
    """Return for each kind the last set acknowledged and those begun after it, by the journal."""
    found: dict[str, set[tuple[int, int]]] = {kind: {(0, 0)} for kind in SetKind}
    for entry in bench.entries():
        named = (entry.details.get("epoch"), int(str(entry.details.get("checksum", 0)), 16))
        if entry.what == "set.in_force":
            found[entry.details["kind"]] = {named}
        elif entry.what == "set.begun":
            found[entry.details["kind"]].add(named)
    return found


def asked(bench: Bench, load: str) -> bool:
    """Ask for the load; return whether it was answered, and not cut off."""
    verb, arguments = LOADS[load]
    try:
        bench.ask(verb, Role.RISK if verb == "limits.load" else Role.OPERATOR, **arguments)
    except CutOff:
        return False
    return True


def recovered(bench: Bench, acknowledged: dict, again: bool) -> set[tuple[str, bool, str]]:
    """Start again, check what is found, and return it: kind, whether it changed, and the word."""
    words = set()
    may = allowed(bench)
    with bench.started():
        assert bench.card.gate.state == 0
        found = bench.entries()[-1].details
        for kind, in_force in sets(bench).items():
            stored = bench.sets()[kind]
            known = (0, 0) if stored is None else (stored.epoch, stored.checksum)
            assert known == in_force
            assert in_force in may[kind]
            assert found[kind]["doubt"] == ""
            expect_session_known(bench)
            words.add((kind, in_force != acknowledged[kind], found[kind]["found"]))
        assert verify(bench.journal_path).torn == 0
        if again:
            load_again(bench)
    return words


def expect_session_known(bench: Bench) -> None:
    """Orders go where the set in force says, or arming is refused."""
    stored = bench.sets()["parameters"]
    if stored is None or Card(bench.card).session != stored.setup.session:
        codes = {reason.code for reason in bench.ask("preflight").reasons}
        assert codes & {"parameters_missing", "setup_unfinished", "session_unknown"}


@pytest.mark.parametrize("load", LOADS)
def test_cut_off_at_any_access_the_card_has_the_old_set_or_the_new(tmp_path, load):
    words = set()
    done = False
    for access in range(MOST_ACCESSES):
        bench = Bench(tmp_path / str(access), FakeCard(SMALL))
        with bench.started():
            prepare(bench, load)
            acknowledged = sets(bench)
            cut_at(bench, access)
            done = asked(bench, load)
        bench.card.before = lambda number: None
        words |= recovered(bench, acknowledged, again=done or access % 8 == 0)
        if done:
            break
    assert done, "found no end of the load"
    kind = "limits" if load in ("limits", "looser") else "parameters"
    assert (kind, True, "new") in words
    assert (kind, False, "none" if load == "first" else "old") in words


@pytest.mark.parametrize("load", ["live", "limits"])
def test_a_set_that_is_still_being_checked_is_waited_for(tmp_path, load):
    """It comes in force after the service that loaded it is gone: the next one must know it."""
    bench = Bench(tmp_path, FakeCard(SMALL, check_accesses=500))
    with bench.started():
        prepare(bench, load)
        before = sets(bench)
        block, described = (
            (bench.card.gate.regs, RiskRegs)
            if load == "limits"
            else (bench.card.strategy.regs, StrategyRegs)
        )

        def cut(number: int) -> None:
            if block.read(described.committing.offset):
                raise CutOff

        bench.card.before = cut
        assert not asked(bench, load)
    bench.card.before = lambda number: None
    assert sets(bench) == before
    kind = "limits" if load == "limits" else "parameters"
    assert (kind, True, "new") in recovered(bench, before, again=False)


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_cut_off_at_any_entry_the_card_has_the_old_set_or_the_new(tmp_path, load, after):
    done = False
    for count in range(10):
        bench = Bench(tmp_path / str(count), FakeCard(SMALL))
        with bench.started():
            prepare(bench, load)
            acknowledged = sets(bench)
            cut_at_entry(bench, count, after=after)
            done = asked(bench, load)
        recovered(bench, acknowledged, again=True)
        if done:
            break
    assert done
    assert count >= 4


def cut_at_entry(bench: Bench, count: int, *, after: bool) -> None:
    """Cut the service off before or after it keeps an entry."""
    keep, kept = bench.journal.append, [0]

    def append(by: str, what: str, details: Mapping[str, Any]) -> Entry:
        kept[0] += 1
        if kept[0] == count + 1:
            if after:
                keep(by, what, details)
            raise CutOff
        return keep(by, what, details)

    bench.journal.append = append


def prepare(bench: Bench, load: str) -> None:
    bench.ask("limits.load", Role.RISK, limits=limits_text(), confirm=True)
    if load == "first":
        return
    bench.ask("params.load", desk=desk_text(preset="versa"))
    if load == "rollback":
        bench.ask("params.load", desk=desk_text(preset="versa", mean="0.75"))
    bench.ask("positions.load", keep=True)
    bench.feed_watchdog()
    bench.card.hear()
    bench.desk.poll()
    if load in ARMED:
        bench.ask("arm")


def load_again(bench: Bench) -> None:
    """Whatever was left, the same files are taken again, and the gate can be armed."""
    bench.ask("params.load", desk=desk_text(preset="versa"))
    bench.ask("limits.load", Role.RISK, limits=limits_text(), confirm=True)
    bench.ask("positions.load", keep=True)
    bench.feed_watchdog()
    bench.card.hear()
    bench.desk.poll()
    stored = bench.sets()["parameters"]
    assert stored is not None
    assert Card(bench.card).session == stored.setup.session
    bench.ask("arm")


def test_a_session_whose_hand_over_failed_is_not_taken_for_the_old_one(tmp_path):
    bench = Bench(tmp_path, FakeCard(SMALL))
    with bench.started():
        prepare(bench, "session")
        begin = base("strategy") + StrategyRegs.begin.offset
        write = bench.card.write

        def failing(addr: int, value: int) -> None:
            if addr == begin:
                raise BusError("fake: found no answer")
            write(addr, value)

        bench.card.write = failing
        with pytest.raises(ServiceError, match="found no answer"):
            asked(bench, "session")
        bench.card.write = write
        assert [one.code for one in bench.ask("preflight").reasons] == ["session_unknown"]
        load_again(bench)


def test_a_hand_over_that_was_cut_off_lets_no_pair_be_put_over_one_that_holds(tmp_path):
    bench = Bench(tmp_path, FakeCard(SMALL))
    with bench.started():
        prepare(bench, "session")
        state = bench.card.strategy.states[1]
        state.phase, state.held_a, state.held_b = 2, 200, -66
        bench.card.order["open"] = 0  # as between the two writes of a hand-over
    with bench.started():
        other = desk_text(preset="versa").replace('name = "two"', 'name = "three"')
        with pytest.raises(ServiceError, match="pair two: found another pair at its place"):
            bench.ask("params.load", desk=other)
        bench.ask("params.load", desk=desk_text(preset="versa"))
        assert (state.phase, state.held_a) == (2, 200)


def test_pairs_that_are_not_known_must_be_flat_before_others_take_their_places(tmp_path):
    bench = Bench(tmp_path, FakeCard(SMALL))
    with bench.started():
        prepare(bench, "session")
        bench.card.strategy.states[1].phase = 2
        bench.card.order["open"] = 0
        Card(bench.card).load_parameters(ParameterSet(epoch=9, pairs=()))
    with bench.started():
        with pytest.raises(ServiceError, match="pair at place 1: found another pair"):
            bench.ask("params.load", desk=desk_text(preset="versa"))
        bench.card.strategy.states[1].phase = 0
        bench.ask("params.load", desk=desk_text(preset="versa"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path, FakeCard(SMALL))
    with bench.started():
        prepare(bench, "live")
    return bench


def test_a_start_kills_and_says_what_is_in_force(bench):
    assert bench.card.gate.state == 2
    with bench.started():
        assert (bench.card.gate.state, bench.entries()[-1].what) == (0, "recovered")
        found = bench.entries()[-1].details
        assert {kind: found[kind]["found"] for kind in SetKind} == {
            "parameters": "old", "limits": "old"}  # fmt: skip
        assert bench.ask("params.show").text == desk_text(preset="versa")
        codes = [reason.code for reason in bench.ask("preflight").reasons]
        assert codes == ["positions_unconfirmed", "feed_stale"]


def test_a_card_that_was_reset_has_nothing_and_takes_new_epochs(bench):
    bench.card = FakeCard(SMALL)
    with bench.started():
        found = bench.entries()[-1].details
        assert [found[kind]["found"] for kind in SetKind] == ["none", "none"]
        assert bench.sets() == dict.fromkeys(SetKind)
        bench.ask("limits.load", Role.RISK, limits=limits_text(), confirm=True)
        assert bench.ask("params.load", desk=desk_text(preset="versa")).epoch == 2
        assert bench.ask("params.rollback").epoch == 3


def test_a_card_that_was_reset_has_forgotten_what_is_held_until_it_is_told(bench):
    with bench.started():
        bench.ask("positions.load", positions={"AAA": 30})
    bench.card = FakeCard(SMALL)
    for _ in range(2):  # and a service that is started again has not forgotten that
        with bench.started():
            bench.ask("limits.load", Role.RISK, limits=limits_text(), confirm=True)
            bench.ask("params.load", desk=desk_text(preset="versa"))
            with pytest.raises(ServiceError, match="keep: found a card that was reset"):
                bench.ask("positions.load", keep=True)
    with bench.started():
        bench.ask("positions.load", positions={"AAA": 30}, dry_run=True)
    with bench.started():
        with pytest.raises(ServiceError, match="keep: found a card that was reset"):
            bench.ask("positions.load", keep=True)
        bench.ask("positions.load", positions={"AAA": 30})
        assert bench.ask("positions.load", keep=True).confirmed
    with bench.started():
        assert bench.ask("positions.load", keep=True).confirmed


@pytest.mark.parametrize("epoch", [1, 2, 7])
def test_a_set_that_the_service_did_not_load_is_not_known(bench, epoch):
    stored = bench.sets()["parameters"]
    pairs = tuple(reversed(stored.setup.pairs))
    Card(bench.card).load_parameters(ParameterSet(epoch=epoch, pairs=pairs))
    with bench.started():
        assert bench.sets()["parameters"] is None
        assert bench.sets()["limits"] is not None
        codes = {reason.code for reason in bench.ask("preflight").reasons}
        assert "parameters_unknown" in codes
        assert "parameters_unknown" in bench.ask("status").alarms
        with pytest.raises(ServiceError, match="loaded with what is not known here, expected a"):
            bench.ask("params.load", desk=desk_text(preset="versa"))
        assert bench.ask("params.diff", desk=desk_text(preset="versa")).epoch > max(1, epoch)


def test_limits_that_are_not_known_are_loaded_by_risk(bench):
    limits = bench.sets()["limits"].limits
    Card(bench.card).load_limits(replace(limits, epoch=9))
    with bench.started():
        with pytest.raises(
            ServiceError, match=r"limits in force that are not known.*role operator"
        ):
            bench.ask("limits.load", limits=limits_text(shares=1))
        found = bench.ask("limits.load", Role.RISK, limits=limits_text(), confirm=True)
        assert found.epoch == 10
        assert bench.sets()["limits"].epoch == 10


def test_a_set_whose_archive_is_gone_or_changed_is_not_known(bench):
    path = bench.folder / "sets" / "parameters-00001.json"
    text = path.read_text()
    for found in ("", text[:-9], text.replace('"checksum":', '"checksum":1')):
        path.unlink()
        path.write_text(found)
        with bench.started():
            assert bench.sets()["parameters"] is None
            assert bench.entries()[-1].details["parameters"]["found"] == "unknown"
