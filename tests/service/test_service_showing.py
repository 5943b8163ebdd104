"""What only looks changes nothing: registers, counters, the journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_card.bench import Bench

from tickwright.service.errors import ServiceError
from tickwright.service.protocol import StatusCode
from tickwright.service.roles import Role
from tickwright.top.memory_map import BLOCKS, fingerprint


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path).started() as bench:
        yield bench


def wrong(bench: Bench, verb: str, **arguments) -> str:
    with pytest.raises(ServiceError) as caught:
        bench.ask(verb, Role.VIEWER, **arguments)
    assert caught.value.status is StatusCode.WRONG
    return str(caught.value)


def test_the_card_is_told_by_its_identity(bench):
    found = bench.ask("card.info", Role.VIEWER).values["identity"]
    assert (found["map_hash"], found["symbols"]) == (fingerprint(), bench.card.preset.symbols)


def test_registers_are_those_of_a_block_or_of_all_and_none_is_written(bench):
    bench.card.gate.open_orders = 3
    assert bench.ask("card.registers", block="risk").values["risk"]["open_orders"] == 3
    found = bench.ask("card.registers").values
    assert list(found) == list(BLOCKS)
    assert "kill" not in found["risk"]
    assert bench.card.gate.regs["limit_commits"] == 0


def test_counters_above_0_are_shown_and_all_of_a_block_that_is_asked_for(bench):
    bench.card.hear(5)
    found = bench.ask("card.counters").values
    assert found["feed"] == {"messages_a": 5, "delivered": 5}
    of_feed = bench.ask("card.counters", block="feed").values
    assert list(of_feed) == ["feed"]
    assert of_feed["feed"]["messages_b"] == 0
    assert "ready" not in of_feed["feed"]


@pytest.mark.parametrize("verb", ["card.registers", "card.counters"])
def test_a_block_that_is_none_is_wrong(bench, verb):
    assert wrong(bench, verb, block="kitchen").startswith("card: block: found 'kitchen', expected")


@pytest.mark.parametrize(
    ("first", "most", "numbers"),
    [(1, 2, [1, 2]), (-2, 200, [5, 6]), (6, 200, [6]), (7, 200, []), (-99, 1, [1])],
)
def test_the_journal_is_shown_from_a_number_on(bench, first, most, numbers):
    for _ in range(2):
        bench.ask("flatten")
    assert bench.journal.count == 5
    bench.ask("kill")
    found = bench.ask("journal.show", Role.VIEWER, first=first, most=most)
    assert [row.number for row in found.rows] == numbers
    assert found.head == bench.journal.head


@pytest.mark.parametrize("most", [0, 1001, -1])
def test_so_many_entries_at_once_are_wrong(bench, most):
    assert f"most: found {most}, expected 1 to 1000" in wrong(bench, "journal.show", most=most)


def test_a_journal_that_was_changed_is_not_shown(bench):
    bench.ask("flatten")
    text = bench.journal_path.read_text()
    bench.journal_path.write_text(text.replace("flatten", "flattem", 1))
    with pytest.raises(ServiceError, match="was changed") as caught:
        bench.ask("journal.show")
    assert caught.value.status is StatusCode.FAILED
