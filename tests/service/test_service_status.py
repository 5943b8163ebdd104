"""What a desk reads of the day: status, positions, orders, and the report that says the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_card.bench import KEYS, Bench, desk_text, limits_text

from tickwright.recorder.snapshot import Holding, NewestOrder, NewestQuote, Snapshot
from tickwright.service.errors import ServiceError
from tickwright.service.journal import JournalError
from tickwright.service.protocol import StatusCode
from tickwright.service.roles import Role

SECOND_NS = 1_000_000_000
FEE = '[assumptions]\nfee_usd_per_share = "0.00013"'
CASH = -1_800_330  # 30 AAA bought at 60.01, in 1/10000 dollar, and 3 of something


def quote(symbol: int, bid: int, ask: int, reasons: list[str]) -> NewestQuote:
    return NewestQuote(symbol=symbol, bid=bid, bid_shares=300, ask=ask, ask_shares=200, status="T",
                       reasons=reasons, sequence=1, feed_ns=2)  # fmt: skip


def snapshot(**more: Any) -> Snapshot:
    """Return a day: AAA at 60.01, BBB at 170.01, CCC not trusted; 30 AAA are held."""
    order = NewestOrder(user_ref=7, intent=3, symbol=0, side="B", shares=100, price=600_200,
                        filled=30, state="canceled", decided_ns=5)  # fmt: skip
    return Snapshot(
        records=1_000,
        ring_lost=2,
        quotes=[
            quote(0, 600_000, 600_200, []),
            quote(1, 1_700_000, 1_700_200, []),
            quote(2, 200_000, 200_200, ["halted"]),
        ],
        holdings=[Holding(symbol=0, position=30, bought=65, sold=35, cash=CASH)],
        cash=CASH,
        orders=[order],
        **more,
    )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path).started() as bench:
        bench.load(more=FEE)
        bench.feed_watchdog()
        bench.card.hear(9)
        bench.desk.poll()
        bench.snapshot = snapshot()
        yield bench


def test_status_tells_what_the_card_holds_and_the_recorder_saw(bench):
    bench.card.gate.regs["refused_position"] = 4
    found = bench.ask("status", Role.VIEWER)
    assert (found.card, found.preset, found.state) == ("fake:", "twin", "killed")
    assert (found.parameters_epoch, found.limits_epoch) == (1, 2)
    assert (found.feed_ok, found.gap_open, found.delivered) == (True, False, 9)
    assert (found.records, found.records_lost) == (1_000, 2)
    assert found.refusals == {"position": 4}
    assert found.watchdog_ms == bench.settings.watchdog_ms
    assert [(row.symbol, row.position, row.max_position, row.trusted) for row in found.symbols] == [
        ("AAA", 30, 1000, True), ("BBB", 0, 1000, True), ("CCC", 0, 1000, False)]  # fmt: skip
    assert found.symbols[0].bid == 600_000
    assert found.symbols[2].reasons == ["halted"]


def test_z_is_that_of_the_mids_and_none_where_one_is_not_trusted(bench):
    one, two = bench.ask("status").pairs
    # 60.01 - 0.35 x 170.01 = 0.5065, that is 0.0065 above the mean, of 0.12 a deviation.
    assert one.z == pytest.approx(0.0065 / 0.12, abs=0.01)
    assert (one.a, one.b, one.phase, two.z) == ("AAA", "BBB", "flat", None)


def test_money_is_cash_fees_rounded_up_and_what_is_held_at_mids(bench):
    found = bench.ask("status")
    assert found.cash == CASH
    assert found.fees == 130  # 100 shares at 1.3 of 1/10000 dollar
    assert found.marked == CASH + 30 * 600_100
    assert found.assumptions[0] == (
        "Fees are assumed to be 0.00013 dollars a share, as the desk file says."
    )
    bench.snapshot.holdings[0].bought += 1
    assert bench.ask("status").fees == 132  # 131.3


def test_what_has_no_trusted_mid_is_not_marked(bench):
    bench.snapshot.quotes[0].reasons = ["stale"]
    found = bench.ask("status")
    assert (found.marked, found.cash) == (None, CASH)
    assert [row.mid for row in bench.ask("positions").rows] == [None, 3_400_200, None]


def test_without_a_recorder_it_says_so(bench):
    bench.snapshot = None
    found = bench.ask("status")
    assert found.assumptions[-1] == (
        "There is no recorder: quotes, orders, cash and fees are not known."
    )
    assert (found.cash, found.fees, found.marked) == (None, None, None)
    assert (found.records, found.records_lost) == (None, None)
    service = bench.desk.sample().service
    for name in ("cash", "marked"):
        assert math.isnan(service[f"tickwright_{name}_dollars"])
    report = bench.ask("report")
    assert (report.numbers["cash"], report.numbers["fees"]) == (None, None)
    for what in ("cash", "fees, assumed", "cash and positions at mids", "records_lost"):
        assert f"| {what} | not known |" in report.text.splitlines()
    with pytest.raises(ServiceError, match="orders: There is no recorder") as caught:
        bench.ask("orders")
    assert caught.value.status is StatusCode.FAILED


class TestRecordsThatDoNotCome:
    """A recorder that goes on repeating its summary, while the card publishes quotes."""

    @pytest.fixture
    def bench(self, bench: Bench) -> Bench:
        bench.desk.poll()
        bench.card.book["quotes"] += 1_000
        bench.desk.poll()
        bench.time_ns += 3 * SECOND_NS
        return bench

    def test_nothing_old_is_shown(self, bench):
        before = bench.ask("positions")  # no look since: as it was
        assert [row.mid for row in before.rows] == [1_200_200, 3_400_200, None]
        found = bench.ask("status")
        assert not any(row.trusted for row in found.symbols)
        assert (found.cash, found.fees, found.marked) == (None, None, None)
        assert found.assumptions[-1] == (
            "The records stay behind the card: quotes, orders, cash and fees are not known."
        )
        assert [row.mid for row in bench.ask("positions").rows] == [None] * 3

    def test_a_poll_finds_it_too(self, bench):
        bench.desk.poll()
        assert [row.mid for row in bench.ask("positions").rows] == [None] * 3

    def test_an_alarm_is_raised_and_ends_with_the_next_record(self, bench):
        assert bench.desk.sample().service["tickwright_telemetry_ok"] == 0
        bench.time_ns += 5 * SECOND_NS
        assert "telemetry_stale" in bench.ask("status").alarms
        bench.snapshot.records += 1
        found = bench.ask("status")
        assert "telemetry_stale" not in found.alarms
        assert found.cash == CASH
        assert bench.desk.sample().service["tickwright_telemetry_ok"] == 1


def test_a_recorder_that_is_gone_raises_an_alarm_and_none_at_all_does_not(bench, tmp_path: Path):
    bench.desk.poll()
    bench.snapshot = None
    assert bench.desk.sample().service["tickwright_telemetry_ok"] == 0
    with Bench(tmp_path / "other").started() as bench:
        assert math.isnan(bench.desk.sample().service["tickwright_telemetry_ok"])


def test_fees_are_not_known_without_a_desk_file_that_tells_them(tmp_path: Path):
    with Bench(tmp_path / "other").started() as bench:
        bench.snapshot = snapshot()
        found = bench.ask("status")
        assert (found.cash, found.fees) == (CASH, None)


def test_what_the_figures_lack_is_told(bench):
    bench.snapshot = snapshot(
        unjoined=2, missing=3, forgotten=4, disk_lost=5, disk_error="segments: no space left"
    )
    told = " ".join(bench.ask("status").assumptions)
    assert "2 fills are of orders that were not seen" in told
    assert "3 records are missing" in told
    assert "4 records are older than those summed up: cash, fees and marks lack them." in told
    assert "5 records are not on the disk." in told
    assert "The disk takes no records: segments: no space left." in told


@pytest.mark.parametrize(
    ("ring_lost", "missing", "lost"),
    [(2, 0, 2), (0, 7, 7), (7, 7, 7)],
    ids=["those of a host's ring before others come", "those that a card dropped", "the same"],
)
def test_a_record_that_is_lost_is_counted_once_whoever_dropped_it(
    bench, ring_lost: int, missing: int, lost: int
):
    bench.snapshot.ring_lost, bench.snapshot.missing = ring_lost, missing
    assert bench.ask("status").records_lost == lost
    assert bench.desk.sample().service["tickwright_telemetry_lost_records_total"] == lost


@pytest.mark.parametrize(
    ("count", "alarm"), [("missing", "telemetry_lost"), ("disk_lost", "recording_lost")]
)
def test_records_that_are_lost_raise_an_alarm(bench, count: str, alarm: str):
    assert alarm not in bench.ask("status").alarms
    setattr(bench.snapshot, count, 5_000)
    assert alarm in bench.ask("status").alarms


def test_orders_bear_the_names_of_their_symbols(bench):
    (row,) = bench.ask("orders").rows
    assert (row.user_ref, row.symbol, row.side, row.shares, row.filled, row.state) == (
        7, "AAA", "B", 100, 30, "canceled")  # fmt: skip


def test_an_alarm_is_shown_with_the_status(bench):
    bench.card.gate.break_ledger()
    assert "ledger_fault" in bench.ask("status").alarms


def test_a_journal_that_cannot_be_kept_is_an_alarm_until_it_can(bench, monkeypatch):
    def append(*_: object) -> None:
        raise JournalError("journal: no space left on device")

    assert "journal_fault" not in bench.ask("status").alarms
    with monkeypatch.context() as patch:
        patch.setattr(bench.journal, "append", append)
        with pytest.raises(ServiceError, match="cannot be journalled"):
            bench.ask("flatten")
        assert "journal_fault" in bench.ask("status").alarms
    bench.ask("flatten")
    assert "journal_fault" not in bench.ask("status").alarms


class TestPositions:
    """Positions as a desk says that they are."""

    def test_they_replace_the_ledger_and_are_confirmed(self, bench):
        found = bench.ask("positions.load", positions={"BBB": -7})
        assert found.confirmed
        assert [(row.symbol, row.position) for row in found.rows] == [
            ("AAA", 0), ("BBB", -7), ("CCC", 0)]  # fmt: skip
        assert (found.rows[1].worst_long, found.rows[1].worst_short) == (-7, 7)

    def test_those_of_the_ledger_may_be_kept(self, bench):
        bench.ask("kill")
        assert not bench.ask("positions").confirmed
        found = bench.ask("positions.load", keep=True)
        assert found.confirmed
        assert found.rows[0].position == 30

    def test_a_dry_run_leaves_them(self, bench):
        found = bench.ask("positions.load", positions={"AAA": -5}, dry_run=True)
        assert (found.rows[0].position, found.rows[0].worst_short) == (-5, 5)
        assert bench.ask("positions").rows[0].position == 30

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ({"positions": {"ZZZ": 1}}, "found symbol 'ZZZ'"),
            ({"positions": {"AAA": 1 << 31}}, "expected at most 2147483647 shares"),
            ({"positions": {"AAA": 1}, "keep": True}, "expected one of the two"),
        ],
    )
    def test_what_makes_no_sense_is_wrong(self, bench, arguments, told):
        with pytest.raises(ServiceError) as caught:
            bench.ask("positions.load", **arguments)
        assert caught.value.status is StatusCode.WRONG
        assert told in str(caught.value)
        assert bench.ask("positions").rows[0].position == 30

    @pytest.mark.parametrize("phase", [1, 2])
    def test_what_a_pair_holds_is_not_said_to_be_otherwise(self, bench, phase):
        state = bench.card.strategy.states[0]
        state.phase, state.held_a, state.held_b = phase, 30, -11
        with pytest.raises(ServiceError) as caught:
            bench.ask("positions.load", positions={})
        assert caught.value.status is StatusCode.REFUSED
        assert str(caught.value).startswith(
            "positions.load: AAA: found 0, expected 30 as the card's ledger has it: pair one is "
        )
        assert bench.ask("positions").rows[0].position == 30
        assert bench.ask("positions.load", positions={"AAA": 30}).confirmed
        assert bench.ask("positions.load", positions={"AAA": 30, "CCC": 5}).confirmed
        assert bench.ask("positions.load", keep=True).confirmed

    def test_they_are_taken_only_while_killed_and_nothing_is_under_way(self, bench):
        bench.ask("arm")
        with pytest.raises(ServiceError, match="found armed, expected killed"):
            bench.ask("positions.load", keep=True)
        bench.ask("disarm")
        bench.card.gate.open_orders = 2
        with pytest.raises(ServiceError, match="found 2 open orders, expected none"):
            bench.ask("positions.load", keep=True)

    def test_they_need_symbols_and_limits(self, tmp_path: Path):
        with Bench(tmp_path / "other").started() as bench:
            with pytest.raises(ServiceError, match="expected a desk file in force"):
                bench.ask("positions.load", keep=True)
            bench.ask("params.load", desk=desk_text())
            with pytest.raises(ServiceError, match="expected a limits file in force"):
                bench.ask("positions.load", keep=True)


class TestSteering:
    """What raises and lowers the gate."""

    def test_close_only_lowers_at_once_and_raises_with_preflight(self, bench):
        assert bench.ask("close-only", Role.RISK).state == "close_only"
        bench.ask("disarm")
        with pytest.raises(ServiceError, match="positions_unconfirmed"):
            bench.ask("close-only")
        bench.ask("positions.load", keep=True)
        bench.ask("arm")
        bench.card.feed["enable"] = 0  # lowering asks nothing
        assert bench.ask("close-only").state == "close_only"

    def test_flatten_tells_what_is_held_and_can_be_ended(self, bench):
        found = bench.ask("flatten")
        (row,) = found.holding
        assert found.unpaired == {"AAA": 30}
        state = bench.card.strategy.states[0]
        state.held_a, state.held_b = 30, -11
        assert bench.ask("flatten").unpaired == {"BBB": 11}
        assert (row.symbol, row.position) == ("AAA", 30)
        assert bench.ask("status").flatten
        bench.ask("flatten", off=True)
        assert not bench.ask("status").flatten

    def test_cancel_all_says_what_it_cannot_do(self, bench):
        assert bench.ask("cancel-all").rows == []
        bench.card.gate.open_orders = 2
        with pytest.raises(ServiceError) as caught:
            bench.ask("cancel-all", Role.RISK)
        assert caught.value.status is StatusCode.REFUSED
        assert "found 2 open orders, expected none: each is immediate-or-cancel" in str(
            caught.value
        )
        assert bench.entries()[-1].what == "cancel-all.failed"


class TestReport:
    """The day, as it ends."""

    def test_text_and_numbers_say_the_same(self, bench):
        bench.card.gate.regs["refused_collar"] = 3
        found = bench.ask("report", Role.VIEWER)
        numbers, lines = found.numbers, found.text.splitlines()
        assert numbers["positions"] == {"AAA": 30}
        assert (numbers["cash"], numbers["fees"]) == (CASH, 130)
        assert numbers["refusals"] == {"collar": 3}
        assert numbers["sets"]["parameters"]["by"] == KEYS[Role.QUANT].name
        assert numbers["journal"] == {"entries": bench.journal.count, "head": bench.journal.head}
        for line in (
            "# Report of 2023-11-14 22:13:20 UTC",
            "Card fake: (twin), gate killed.",
            "| AAA | 30 |",
            "| cash | -180.03 |",
            "| fees, assumed | 0.01 |",
            "| cash and positions at mids | 1,620.27 |",
            "| delivered | 9 |",
            "| collar | 3 |",
            f"{bench.journal.count} entries, head {bench.journal.head}.",
        ):
            assert line in lines
        assert any(line.startswith("| parameters | d.toml, epoch 1, ") for line in lines)

    def test_a_day_without_anything_is_told_too(self, tmp_path: Path):
        with Bench(tmp_path / "other").started() as bench:
            found = bench.ask("report")
            assert found.numbers["sets"]["limits"] == {"doubt": ""}
            assert found.numbers["positions"] == {}
            assert "| limits | none |" in found.text.splitlines()

    def test_limits_in_force_are_named(self, bench):
        bench.ask("limits.load", limits=limits_text(shares=399), name="tight.toml")
        assert "tight.toml, epoch 3" in bench.ask("report").text
