"""What a load changes and whether it may: risk alone loosens limits, a reset changes symbols."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_card.bench import Bench, desk_text, limits_text

from tickwright.service.errors import ServiceError
from tickwright.service.protocol import StatusCode
from tickwright.service.roles import Role

THREE = """
[[pair]]
name = "three"
a = "BBB"
b = "CCC"
hedge_ratio = "1"
mean_usd = "0"
sigma_usd = "0.1"
shares_a = 100
"""
LOOSER = {
    "shares": limits_text(shares=401),
    "position": limits_text(more="[symbols.BBB]\nmax_position = 1001"),
    "collar": limits_text(more='[symbols.CCC]\ncollar_usd = "0.51"'),
    "all-but-one": limits_text(shares=1, more="[symbols.AAA]\nmax_position = 1001"),
}
LOOSENS = "limits.load: loosens "


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path).started() as bench:
        bench.ready()
        yield bench


def refused(bench: Bench, verb: str, role: Role = Role.OPERATOR, **arguments: Any) -> ServiceError:
    before = bench.card.gate.regs["limit_commits"], bench.card.strategy.regs["commits"]
    with pytest.raises(ServiceError) as caught:
        bench.ask(verb, role, **arguments)
    after = bench.card.gate.regs["limit_commits"], bench.card.strategy.regs["commits"]
    assert before == after, "the card was told all the same"
    return caught.value


class TestLimits:
    """A limits file."""

    @pytest.mark.parametrize("how", LOOSER)
    def test_a_limit_is_loosened_by_risk_alone_with_confirmation_while_killed(self, bench, how):
        text = LOOSER[how]
        told = refused(bench, "limits.load", limits=text, confirm=True)
        assert told.status is StatusCode.REFUSED
        assert str(told).startswith(LOOSENS)
        assert str(told).endswith(": found role operator, expected risk")
        told = refused(bench, "limits.load", Role.RISK, limits=text)
        assert str(told).endswith(": found no confirmation, expected one")
        bench.ask("arm")
        told = refused(bench, "limits.load", Role.RISK, limits=text, confirm=True)
        assert str(told).endswith(": state of the gate: found armed, expected killed")
        bench.ask("disarm")
        found = bench.ask("limits.load", Role.RISK, limits=text, confirm=True)
        assert any(change.loosens for change in found.changes)
        assert bench.ask("limits.show").text == text

    def test_a_quant_may_not_even_tighten(self, bench):
        told = refused(bench, "limits.load", Role.QUANT, limits=limits_text(shares=1))
        assert "found role quant" in str(told)

    def test_limits_tighten_while_armed(self, bench):
        bench.ask("arm")
        found = bench.ask("limits.load", limits=limits_text(shares=399))
        rows = [(row.where, row.name, row.old, row.new, row.loosens) for row in found.changes]
        assert rows == [
            ("limits", "max_shares", "400", "399", False),
            *((f"symbol {name}", "max_shares", "400", "399", False)
              for name in ("AAA", "BBB", "CCC")),
        ]  # fmt: skip
        assert bench.card.gate.state == 2
        assert bench.card.gate.force[0]["max_shares"] == 399

    def test_a_loosening_change_is_shown_to_whoever_may_not_make_it(self, bench):
        found = bench.ask("limits.diff", Role.VIEWER, limits=limits_text(shares=401))
        assert found.dry_run
        assert {row.loosens for row in found.changes} == {True}
        assert refused(bench, "limits.load", limits=limits_text(shares=401), dry_run=True)

    def test_the_same_file_changes_nothing_and_needs_nobody(self, bench):
        assert bench.ask("limits.load", limits=limits_text()).changes == []

    def test_the_tighter_of_desk_file_and_limits_file_holds(self, bench):
        bench.ask("params.load", desk=desk_text(more="[limits]\nmax_shares = 9"))
        assert bench.card.gate.of_all["max_shares"] == 9
        assert bench.ask("limits.load", limits=limits_text()).changes == []
        assert bench.card.gate.of_all["max_shares"] == 9

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("max_shares = ", "l.toml"),
            ("max_shares = -1", "l.toml"),
            ('state = "open"', "l.toml"),
            ("most = 3", "l.toml"),
        ],
    )
    def test_a_file_that_is_wrong_is_named(self, bench, text, told):
        error = refused(bench, "limits.load", Role.RISK, limits=text, name="l.toml", confirm=True)
        assert error.status is StatusCode.WRONG
        assert str(error).startswith(told)
        assert "\n" not in str(error)


class TestParameters:
    """A desk file, on a card that has its symbols."""

    def test_what_differs_is_told_in_the_units_of_the_file(self, bench):
        found = bench.ask("params.diff", Role.VIEWER, desk=desk_text(mean="0.75", entry="2.5"))
        rows = [(row.where, row.name, row.old, row.new) for row in found.changes]
        assert rows == [("pair one", "mean_usd", "0.50", "0.75"),
                        ("pair two", "entry_z", "2.0", "2.5")]  # fmt: skip
        assert bench.ask("params.show").text == desk_text()

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (("[symbols.CCC]", "[symbols.DDD]"), "symbol "),
            (('"20.00"', '"21.00"'), "symbol CCC: found another name or window"),
            (("", '[symbols.DDD]\nreference_usd = "5.00"\n'), "symbol DDD: found one more"),
            (("", '[feed]\nline_a = "233.252.0.9:26477"\n'), "feed: found another"),
        ],
        ids=["name", "window", "more", "feed"],
    )
    def test_symbols_and_feed_stay_until_a_reset(self, bench, change, told):
        old, new = change
        text = desk_text().replace(old, new) if old else new + desk_text()
        if old == "[symbols.CCC]":
            text = text.replace('"CCC"', '"DDD"')
        error = refused(bench, "params.load", desk=text)
        assert error.status is StatusCode.REFUSED
        assert told in str(error)
        assert "expected a card that was reset" in str(error)

    def test_pairs_stay_the_same_while_armed_and_their_parameters_need_not(self, bench):
        bench.ask("arm")
        error = refused(bench, "params.load", desk=desk_text(more=THREE))
        assert "pairs: found other names or symbols while armed" in str(error)
        assert bench.ask("params.load", desk=desk_text(mean="0.75")).changes
        assert bench.card.gate.state == 2

    def test_a_pair_that_holds_keeps_its_place(self, bench):
        text = desk_text(more=THREE)
        gone = text.replace('name = "one"', 'name = "other"')
        for phase, told in ((1, "pending"), (2, "holding")):
            bench.card.strategy.states[0].phase = phase
            error = refused(bench, "params.load", desk=gone)
            assert f"pair one: found another pair at its place while it is {told}" in str(error)
        assert bench.ask("params.load", desk=text).changes
        bench.card.strategy.states[0].phase = 0
        assert bench.ask("params.load", desk=gone).changes

    def test_a_desk_file_tightens_limits_and_never_loosens_them(self, bench):
        tight = desk_text(more="[limits]\nmax_shares = 9")
        assert bench.ask("params.load", Role.QUANT, desk=tight).changes
        bench.ask("params.load", Role.QUANT, desk=desk_text(more="[limits]\nmax_shares = 10"))
        bench.ask("params.load", Role.QUANT, desk=desk_text())
        assert bench.card.gate.of_all["max_shares"] == 9

    def test_limits_of_new_symbols_are_those_that_risk_gave(self, tmp_path: Path):
        with Bench(tmp_path / "other").started() as bench:
            bench.ask("limits.load", Role.RISK, limits=limits_text(), confirm=True)
            given = bench.sets()["limits"]
            found = bench.ask("params.load", Role.QUANT, desk=desk_text())
            of_symbols = [one for one in found.changes if one.where == "symbol AAA"]
            assert ("max_position", "0", "1000") in {(c.name, c.old, c.new) for c in of_symbols}
            assert not any(change.loosens for change in found.changes)
            now = bench.sets()["limits"]
            assert (now.epoch, now.by, now.text) == (given.epoch + 1, given.by, given.text)

    def test_the_first_load_needs_a_killed_card(self, tmp_path: Path):
        with Bench(tmp_path / "other").started() as bench:
            bench.card.gate.state = 2
            error = refused(bench, "params.load", desk=desk_text())
        assert "state of the gate: found armed, expected killed" in str(error)

    def test_a_card_of_other_sizes_is_named(self, bench):
        error = refused(bench, "params.load", desk=desk_text(preset="versa"), name="d.toml")
        assert error.status is StatusCode.WRONG
        assert str(error).startswith("d.toml")


def test_the_journal_names_who_asked_and_a_set_whose_file_it_is(bench):
    before = bench.journal.count
    bench.ask("params.load", Role.QUANT, desk=desk_text(more="[limits]\nmax_shares = 10\n"))
    found = [(entry.by, entry.what) for entry in bench.entries()[before:]]
    assert found.count(("the-quant", "set.in_force")) == 2  # limits and parameters
    assert {by for by, _ in found} == {"the-quant"}
    assert bench.ask("limits.show").by == "the-risk"


class TestRollback:
    """Back to what was in force before."""

    def test_without_an_epoch_it_is_the_set_before_and_twice_is_forth_again(self, bench):
        bench.ask("params.load", desk=desk_text(mean="0.75"))
        found = bench.ask("params.rollback", Role.QUANT)
        assert (found.epoch, bench.ask("params.show").text) == (3, desk_text())
        assert bench.ask("params.rollback").epoch == 4
        assert bench.ask("params.show").text == desk_text(mean="0.75")
        assert bench.ask("params.rollback", epoch=1).epoch == 5
        assert bench.ask("params.show", epoch=2).text == desk_text(mean="0.75")

    def test_a_session_of_long_ago_is_not_handed_over_again(self, bench):
        later = "[order_entry]\nstart_seq = 5000"
        bench.ask("params.load", desk=desk_text(more=later))
        told = refused(bench, "params.rollback", Role.QUANT)
        assert "order_entry of epoch 1: found another session than the card has" in str(told)
        assert bench.card.order["start_seq"] == 5000
        bench.ask("params.load", desk=desk_text(mean="0.75", more=later))
        assert bench.ask("params.rollback").epoch == 4

    def test_an_epoch_that_never_was_is_wrong(self, bench):
        assert refused(bench, "params.rollback", epoch=7).status is StatusCode.WRONG
        assert refused(bench, "params.show", epoch=7).status is StatusCode.WRONG
        assert "found 1 sets that were in force" in str(refused(bench, "params.rollback"))
