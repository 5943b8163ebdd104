"""Every verb is asked for by role, journalled before and after, and told in one line."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from fake_card.bench import KEYS, Bench, desk_text, limits_text

from tickwright.bus.errors import BusError
from tickwright.service.errors import ServiceError
from tickwright.service.journal import JournalError
from tickwright.service.protocol import VERBS, StatusCode
from tickwright.service.roles import Role


@pytest.fixture
def bench(tmp_path: Path):
    with Bench(tmp_path).started() as bench:
        yield bench


def refused(bench: Bench, verb: str, role: Role = Role.OPERATOR, **arguments) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        bench.ask(verb, role, **arguments)
    assert "\n" not in str(caught.value)
    return caught.value


def broken_journal(bench: Bench, monkeypatch: pytest.MonkeyPatch, but: int = 0) -> None:
    """Let the disk of the journal take so many entries more."""
    keep, left = bench.journal.append, [but]

    def append(by, what, details):
        if not left[0]:
            raise JournalError("journal: entry: no space left on device")
        left[0] -= 1
        return keep(by, what, details)

    monkeypatch.setattr(bench.journal, "append", append)


def no_card(number: int) -> None:
    raise BusError("fake: card is gone: found nothing, expected an answer")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_carried_out_for_its_roles_and_no_other(bench, verb):
    bench.ready()
    needed = {
        "params.load": {"desk": desk_text()},
        "params.diff": {"desk": desk_text()},
        "limits.load": {"limits": limits_text()},
        "limits.diff": {"limits": limits_text()},
        "params.rollback": {"epoch": 1},
    }
    if verb == "orders":
        assert refused(bench, verb).status is StatusCode.FAILED  # no recorder
        return
    before = bench.journal.count
    for role in Role:
        if role in VERBS[verb].roles:
            assert type(bench.ask(verb, role, **needed.get(verb, {}))) is VERBS[verb].result
            break
    assert (bench.journal.count > before) is VERBS[verb].changes
    for role in set(Role) - VERBS[verb].roles:
        before = bench.journal.count
        error = refused(bench, verb, role, **needed.get(verb, {}))
        assert (error.status, error.journal) == (StatusCode.REFUSED, 0)
        assert str(error).startswith(f"{verb}: found role {role}, expected ")
        assert bench.journal.count == before


def test_what_changes_is_journalled_before_and_after(bench):
    bench.load()
    before = bench.journal.count
    text, number = bench.desk.ask(KEYS[Role.RISK], "flatten", b'{"off":true}')
    wanted, done = bench.entries()[before:]
    assert (wanted.what, done.what, number) == ("flatten.wanted", "flatten.done", done.number)
    assert wanted.details == {"role": "risk", "arguments": {"off": True}}
    assert done.details["wanted"] == wanted.number
    assert (wanted.by, done.by) == ("the-risk", "the-risk")
    assert msgspec.json.decode(text) == {"holding": [{"symbol": "AAA", "position": 30,
        "worst_long": 30, "worst_short": -30, "mid": None}], "unpaired": {"AAA": 30}}  # fmt: skip


def test_a_checksum_is_written_one_way_in_all_of_the_journal(bench):
    bench.load()
    details = [entry.details for entry in bench.entries() if "checksum" in entry.details]
    assert {entry.what for entry in bench.entries()} >= {"set.in_force", "params.load.done"}
    assert all(re.fullmatch("0x[0-9a-f]{8}", found["checksum"]) for found in details)


def test_what_fails_is_journalled_too(bench):
    error = refused(bench, "arm")
    wanted, failed = bench.entries()[-2:]
    assert (wanted.what, failed.what) == ("arm.wanted", "arm.failed")
    assert failed.details == {"wanted": wanted.number, "status": "refused", "error": str(error)}
    assert error.journal == failed.number


def test_a_dry_run_is_not_journalled_and_changes_nothing(bench):
    bench.load()
    before, held = bench.journal.count, bench.card.strategy.regs["commits"]
    found = bench.ask("params.load", desk=desk_text(mean="0.51"), dry_run=True)
    assert (found.dry_run, [change.new for change in found.changes]) == (True, ["0.51"])
    assert bench.journal.count == before
    assert bench.card.strategy.regs["commits"] == held


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(b'{"desk": 3}', "Expected `str`, got `int` - at `$.desk`", id="type"),
        pytest.param(b"{}", "missing required field `desk`", id="missing"),
        pytest.param(b'{"desk":"","dryrun":true}', "unknown field `dryrun`", id="unknown"),
        pytest.param(b'{"desk":', "Input data was truncated", id="truncated"),
        pytest.param(b"[]", "Expected `object`, got `array`", id="array"),
        pytest.param(b'{"desk":"\xff"}', "", id="not-utf-8"),
    ],
)
def test_arguments_that_are_none_are_wrong(bench, arguments, told):
    before = bench.journal.count
    with pytest.raises(ServiceError) as caught:
        bench.desk.ask(KEYS[Role.QUANT], "params.load", arguments)
    assert caught.value.status is StatusCode.WRONG
    assert str(caught.value).startswith("params.load: arguments: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert bench.journal.count == before


def test_a_verb_that_is_none_is_wrong(bench):
    error = refused(bench, "liquidate" * 99)
    assert error.status is StatusCode.WRONG
    assert len(str(error)) < 500


def test_nothing_is_asked_before_recovery_but_kill(tmp_path):
    bench = Bench(tmp_path)
    with bench.started(recover=False):
        assert "not recovered yet" in str(refused(bench, "status"))
        assert bench.ask("kill").state == "killed"


def test_kill_needs_no_arguments_that_make_sense(bench):
    bench.arm()
    bench.desk.ask(KEYS[Role.QUANT], "kill", b"nonsense")
    assert bench.card.gate.state == 0


@pytest.mark.parametrize("verb", ["arm", "close-only"])
@pytest.mark.parametrize("access", range(12))
def test_a_gate_that_is_raised_is_told_as_raised_or_is_killed(bench, verb, access):
    """The bus fails once, so many accesses after the gate was raised."""
    bench.ready()
    since: list[int] = []

    def before(number: int) -> None:
        if bench.card.gate.state:
            since.append(number)
            if len(since) == access + 1:
                raise BusError("fake: found no answer")

    bench.card.before = before
    told = ""
    try:
        bench.ask(verb)
    except ServiceError as error:
        told = str(error)
    bench.card.before = lambda number: None
    assert (bench.card.gate.state != 0) == (not told)
    assert bench.entries()[-1].what == f"{verb}.{'failed' if told else 'done'}"
    assert not told or "so the card is killed" in told


def test_kill_comes_before_the_journal_and_without_it(bench, monkeypatch):
    bench.arm()
    broken_journal(bench, monkeypatch)
    error = refused(bench, "kill", Role.QUANT)
    assert bench.card.gate.state == 0
    assert error.status is StatusCode.FAILED
    assert str(error).startswith("kill: the card is killed, but not journalled: ")


def test_nothing_else_is_carried_out_without_a_journal(bench, monkeypatch):
    bench.ready()
    broken_journal(bench, monkeypatch)
    for verb in ("arm", "disarm", "flatten", "stop"):
        error = refused(bench, verb)
        assert error.status is StatusCode.REFUSED
        assert "cannot be journalled" in str(error)
    assert bench.card.gate.state == 0
    assert [reason.code for reason in bench.ask("preflight").reasons] == ["journal"]


@pytest.mark.parametrize("verb", ["arm", "close-only"])
def test_what_was_raised_and_cannot_be_journalled_is_undone(bench, monkeypatch, verb):
    bench.ready()
    broken_journal(bench, monkeypatch, but=1)
    error = refused(bench, verb)
    assert error.status is StatusCode.FAILED
    assert "undone, the card is killed" in str(error)
    assert error.journal == bench.journal.count
    assert bench.card.gate.state == 0


def test_a_card_that_is_gone_is_unreachable(bench):
    bench.ready()
    bench.card.before = no_card
    for verb in ("status", "preflight", "kill", "arm", "card.info", "positions"):
        assert refused(bench, verb).status is StatusCode.UNREACHABLE
    with pytest.raises(ServiceError, match="card is gone"):
        bench.desk.sample()
    assert [entry.what for entry in bench.entries()[-3:]] == [
        "kill.failed", "arm.wanted", "arm.failed"]  # fmt: skip


def test_a_card_that_is_gone_at_the_start_is_told(tmp_path):
    bench = Bench(tmp_path)
    with bench.started(recover=False):
        bench.card.before = no_card
        with pytest.raises(ServiceError, match="recovery: fake: card is gone") as caught:
            bench.desk.recover()
    assert caught.value.status is StatusCode.UNREACHABLE


def test_stop_and_disarm_kill(bench):
    bench.arm()
    for verb in ("disarm", "stop"):
        found = bench.ask(verb)
        assert (found.state, found.reasons) == ("killed", ["host"])
        assert 0 < found.card_cycles < 20
    assert [entry.what for entry in bench.entries()[-4:]] == [
        "disarm.wanted", "disarm.done", "stop.wanted", "stop.done"]  # fmt: skip


@pytest.mark.parametrize("state", ["killed", "close_only"])
def test_limits_that_let_the_gate_be_raised_less_lower_it(bench, state):
    bench.arm()
    bench.ask("limits.load", limits=limits_text(state=state), name="l.toml")
    assert bench.ask("status").state == state
    assert bench.sets()["limits"].setup.gate.state == state
    bench.ask("limits.load", limits=limits_text(399, state=state), name="l.toml")
    assert bench.ask("status").state == state


@pytest.mark.parametrize("verb", ["arm", "close-only"])
def test_a_raise_of_which_the_bus_loses_the_answer_is_undone(bench, verb):
    bench.ready()
    lost = []

    def lose(number: int) -> None:
        if bench.card.gate.state and not lost:
            lost.append(number)
            raise BusError("fake: found no answer, expected one")

    bench.card.before = lose
    error = refused(bench, verb)
    assert error.status is StatusCode.UNREACHABLE
    assert str(error) == f"{verb}: fake: found no answer, expected one; so the card is killed"
    assert lost
    assert bench.card.gate.state == 0


def test_a_raise_that_cannot_be_undone_is_told(bench):
    bench.ready()

    def lose(number: int) -> None:
        if bench.card.gate.state:
            no_card(number)

    bench.card.before = lose
    error = refused(bench, "arm")
    assert error.status is StatusCode.UNREACHABLE
    assert "; the card may be raised, and could not be killed: fake: card is gone" in str(error)
    assert str(error).endswith(": kill it")


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[2J", "c1 \x9b2J", "x" * 256])
def test_the_name_of_a_file_is_of_one_line_and_of_letters_that_show(bench, name):
    for verb, text in (("params.diff", {"desk": ""}), ("limits.diff", {"limits": ""})):
        error = refused(bench, verb, Role.OPERATOR, name=name, **text)
        assert error.status is StatusCode.WRONG
        assert "name" in str(error)
        assert str(error).isprintable()
