"""Preflight tells every reason why arming is refused, each with its remedy, and arming agrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fake_card.bench import Bench, desk_text, limits_text
from fake_card.card import CutOff

from tickwright.host.card import Card
from tickwright.host.sets import ParameterSet
from tickwright.service.errors import ServiceError
from tickwright.service.journal import JournalError
from tickwright.service.preflight import REMEDIES
from tickwright.service.protocol import StatusCode
from tickwright.service.roles import Role

MS_NS = 1_000_000
LONG_NS = 10**12


def nothing_loaded(bench: Bench) -> None:
    bench.feed_watchdog()


def no_desk_file(bench: Bench) -> None:
    bench.ask("limits.load", Role.RISK, limits=limits_text(), confirm=True)
    bench.feed_watchdog()


def no_limits(bench: Bench) -> None:
    bench.ask("params.load", desk=desk_text())
    bench.feed_watchdog()
    bench.card.hear()
    bench.desk.poll()


def armed(bench: Bench) -> None:
    bench.arm()


def shown(name: str, value: int) -> Callable[[Bench], None]:
    def change(bench: Bench) -> None:
        bench.ready()
        bench.card.gate.regs.shown[name] = lambda: value

    return change


def open_order(bench: Bench) -> None:
    bench.ready()
    bench.card.gate.open_orders = 1


def broken_ledger(bench: Bench) -> None:
    bench.ready()
    bench.card.gate.break_ledger()


def not_fed(bench: Bench) -> None:
    bench.ready()
    bench.card.advance(bench.settings.watchdog_ms * MS_NS)


def killed(bench: Bench) -> None:
    bench.ready()
    bench.ask("kill")


def other_parameters(bench: Bench) -> None:
    bench.ready()
    Card(bench.card).load_parameters(ParameterSet(epoch=9, pairs=()))
    bench.desk.poll()


def other_limits(bench: Bench) -> None:
    bench.ready()
    stored = bench.sets()["limits"]
    assert stored is not None
    Card(bench.card).load_limits(replace(stored.limits, epoch=9), positions_confirmed=True)
    bench.desk.poll()


def cut_off_before_limits(bench: Bench) -> None:
    """The service ends when parameters are in force, before limits get the symbols."""
    bench.ask("limits.load", Role.RISK, limits=limits_text(), confirm=True)

    def cut(number: int) -> None:
        if bench.card.strategy.regs["commits"]:
            raise CutOff

    bench.card.before = cut
    with pytest.raises(CutOff):
        bench.ask("params.load", desk=desk_text())
    bench.card.before = lambda number: None
    bench.desk.recover()
    bench.feed_watchdog()
    bench.card.hear()
    bench.desk.poll()


def close_only_at_most(bench: Bench) -> None:
    bench.ask("limits.load", Role.RISK, limits=limits_text(state="close_only"), confirm=True)
    bench.ask("params.load", desk=desk_text())
    bench.ask("positions.load", keep=True)
    bench.feed_watchdog()
    bench.card.hear()
    bench.desk.poll()


def feed_shut(bench: Bench) -> None:
    bench.ready()
    bench.card.feed["enable"] = 0


def market_stopped(bench: Bench) -> None:
    bench.ready()
    bench.card.advance(LONG_NS)
    bench.feed_watchdog()


def message_missing(bench: Bench) -> None:
    bench.ready()
    bench.card.feed["messages_a"] += 1
    bench.desk.poll()


def session_ended(bench: Bench) -> None:
    bench.ready()
    bench.card.order["ended"] = 1


def other_session(bench: Bench) -> None:
    bench.ready()
    bench.card.order["peer_port"] += 1


def full_disk(bench: Bench) -> None:
    bench.ready()

    def append(by, what, details):
        raise JournalError("journal: entry: no space left on device")

    bench.journal.append = append
    with pytest.raises(ServiceError):
        bench.ask("flatten")


CASES = {
    "nothing": (nothing_loaded, {"limits_missing", "positions_unconfirmed", "parameters_missing",
                                 "feed_shut", "session"}),
    "no-desk-file": (no_desk_file, {"positions_unconfirmed", "parameters_missing", "feed_shut",
                                    "session"}),
    "no-limits": (no_limits, {"limits_missing", "positions_unconfirmed"}),
    "armed": (armed, {"state", "positions_unconfirmed"}),
    "clearing": (shown("ready", 0), {"tables"}),
    "checking": (shown("committing", 1), {"committing"}),
    "open-order": (open_order, {"orders_open"}),
    "ledger": (broken_ledger, {"ledger_fault", "positions_unconfirmed"}),
    "not-fed": (not_fed, {"watchdog"}),
    "killed": (killed, {"positions_unconfirmed"}),
    "other-parameters": (other_parameters, {"parameters_unknown"}),
    "other-limits": (other_limits, {"limits_unknown"}),
    "cut-off": (cut_off_before_limits, {"limits_without_symbols", "positions_unconfirmed",
                                        "setup_unfinished", "feed_shut"}),
    "close-only": (close_only_at_most, {"limits_state"}),
    "feed-shut": (feed_shut, {"feed_shut", "setup_unfinished"}),
    "market-stopped": (market_stopped, {"feed_stale"}),
    "message-missing": (message_missing, {"gap_open"}),
    "session": (session_ended, {"session"}),
    "other-session": (other_session, {"session_unknown"}),
    "journal": (full_disk, {"journal"}),
}  # fmt: skip
BY_SETTINGS = {
    "disk": {"disk_free_ratio": 1.01},
    "clock_offset": {"clock_offset_ms": 1.0},
}


def test_what_is_ready_is_told_as_checked_and_can_be_armed(tmp_path: Path):
    with Bench(tmp_path).started() as bench:
        bench.ready()
        found = bench.ask("preflight")
        assert found.reasons == []
        assert set(found.checked) == set(REMEDIES) - {"clock_offset"}
        assert bench.ask("arm").state == "armed"


@pytest.mark.parametrize("case", CASES)
def test_each_reason_is_told_and_arming_is_refused_with_all_of_them(tmp_path: Path, case):
    make, codes = CASES[case]
    with Bench(tmp_path).started() as bench:
        make(bench)
        expect_refused(bench, codes)


@pytest.mark.parametrize("code", BY_SETTINGS)
def test_what_the_settings_ask_for_is_looked_at(tmp_path: Path, code):
    with Bench(tmp_path, **BY_SETTINGS[code]).started() as bench:
        bench.ready()
        expect_refused(bench, {code})


def test_no_reason_is_left_out_here():
    """Each code has been seen to be told."""
    assert set().union(BY_SETTINGS, *(codes for _, codes in CASES.values())) == set(REMEDIES)


def expect_refused(bench: Bench, codes: set[str]) -> None:
    found = bench.ask("preflight")
    assert {reason.code for reason in found.reasons} == codes
    assert not codes & set(found.checked)
    for reason in found.reasons:
        assert reason.remedy == REMEDIES[reason.code]
        assert reason.found
    state = bench.card.gate.state
    if codes & {"state", "journal"}:
        return  # armed already, or not even asked: what arming does then is tested elsewhere
    with pytest.raises(ServiceError) as caught:
        bench.ask("arm")
    assert caught.value.status is StatusCode.REFUSED
    assert bench.card.gate.state == state == 0
    for reason in found.reasons:
        assert f"{reason.code}: " in str(caught.value)
        assert reason.remedy in str(caught.value)
