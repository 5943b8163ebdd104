"""What a file holds is found in one pass; what to watch follows from it."""

from __future__ import annotations

import numpy as np
import pytest

from tickwright.feed.messages import (
    AddOrder,
    AddOrderAttributed,
    OrderDelete,
    StockDirectory,
    TradingAction,
)
from tickwright.host.setup import FeedSetup
from tickwright.market.errors import MarketError
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import pack_datagrams
from tickwright.replay import survey as module
from tickwright.replay.survey import Survey, survey
from tickwright.replay.watch import expected_symbol, feed_setup, takes_cents, watch, watch_setup
from tickwright.top.presets import PRESETS


def add(locate: int, stock: str, price: int, kind: type = AddOrder):
    more = {"attribution": "MM"} if kind is AddOrderAttributed else {}
    return kind(locate=locate, reference=1, side="B", shares=1, stock=stock, price=price, **more)


def table(*messages, first: int = 1) -> MessageTable:
    made = MessageTable.from_messages([message.pack() for message in messages])
    made.sequence[:] += np.uint64(first - 1)
    return made


class TestSurvey:
    """Names, prices and extent."""

    def test_names_come_from_directory_messages_before_adds(self):
        listing = [StockDirectory(locate=at, stock=name) for at, name in ((7, "NAMED"), (9, "KO"))]
        found = survey(
            [
                table(add(7, "OLD", 1), add(8, "ADDED", 1)),
                table(*listing, first=3),
                table(StockDirectory(locate=9, stock="LATER"), first=5),
            ]
        )
        assert found.names == {7: "NAMED", 8: "ADDED", 9: "KO"}
        assert found.listed == {7, 9}
        assert found.locates == {"NAMED": 7, "ADDED": 8, "KO": 9}

    def test_of_several_locates_a_stock_has_the_lowest(self):
        assert survey([table(add(9, "KO", 1), add(3, "KO", 1))]).locates == {"KO": 3}

    @pytest.mark.parametrize(
        ("prices", "median"), [([5], 5), ([1, 9], 1), ([9, 1, 5], 5), ([7, 7, 1, 9], 7)]
    )
    def test_medians_are_exact(self, prices: list[int], median: int, monkeypatch):
        monkeypatch.setattr(module, "COMPACT_AT", 1)
        kinds = (AddOrder, AddOrderAttributed)
        tables = [
            table(add(4, "KO", price, kinds[n % 2]), first=n + 1) for n, price in enumerate(prices)
        ]
        assert survey([*tables, table()]).medians == {4: median}

    def test_a_message_that_comes_twice_counts_once(self):
        one = table(add(4, "KO", 1), add(4, "KO", 3))
        other = table(add(4, "KO", 3), first=2)
        found = survey([one, other, one])
        assert (found.messages, found.medians) == (2, {4: 1})

    def test_sequences_may_be_anything(self):
        one = table(*[add(4, "KO", 1)] * 3)
        one.sequence[:] = [(1 << 64) - 1, 5, 1 << 40]
        found = survey([one, one])
        assert (found.messages, found.first_sequence) == (3, 5)

    def test_what_is_no_message_is_passed_over(self):
        one = table(add(4, "KO", 1))
        one.length[:] = 12
        found = survey([one])
        assert (found.messages, found.names, found.traded) == (1, {}, set())

    def test_halts_and_orders_are_noted_by_locate(self):
        found = survey([
            table(TradingAction(locate=1, stock="A", state="T"), OrderDelete(locate=2, reference=1))
        ])  # fmt: skip
        assert (found.halts, found.traded, found.names) == ({1}, {2}, {})

    def test_an_empty_file_holds_nothing(self):
        assert survey([]) == Survey()


FOUND = Survey(
    names={5: "KO", 2: "PEP", 9: "PENNY", 11: "KO", 12: "TOO LONG X", 13: ""},
    listed={5, 12},
    medians={5: 600_000, 9: 9_999, 2: 10_000},
    first_sequence=3,
)


class TestWatch:
    """What is asked for is watched, else all that has a name."""

    def test_by_default_all_by_locate(self):
        assert [(one.locate, one.name, one.learned) for one in watch(FOUND)] == [
            (2, "PEP", False), (5, "KO", True), (9, "PENNY", False), (11, "@11", False),
            (12, "@12", False), (13, "@13", False),
        ]  # fmt: skip

    def test_symbols_in_the_order_asked_for_each_once(self):
        names = [one.name for one in watch(FOUND, symbols=["KO", "PEP", "KO"])]
        assert names == ["KO", "PEP"]

    def test_locates_need_no_name(self):
        found = watch(FOUND, locates=[77, 5])
        assert [(one.locate, one.name, one.median) for one in found] == [
            (77, "@77", None), (5, "KO", 600_000)
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("asked", "why"),
        [
            (
                {"symbols": ["PEPS"]},
                "symbols: found PEPS, expected a symbol of the file, such as PEP",
            ),
            ({"locates": [65_536]}, "locates: found 65536, expected 0 to 65535"),
        ],
    )
    def test_what_is_not_there_is_refused(self, asked, why):
        with pytest.raises(MarketError, match=why):
            watch(FOUND, **asked)

    def test_a_file_without_names_suggests_none(self):
        assert expected_symbol("KO", Survey()) == "a file that names its symbols"

    def test_the_card_is_centred_on_medians_and_its_ticks_fit_them(self):
        preset = PRESETS["twin"]
        setup = watch_setup(watch(FOUND, locates=[5, 9, 2, 77]), preset, FeedSetup())
        assert [(one.base_tick, one.cent_tick, one.locate) for one in setup.symbols] == [
            (6000 - 512, True, None), (9_999 - 512, False, 9), (0, True, 2), (0, True, 77)
        ]  # fmt: skip
        assert {one.status for one in setup.symbols} == {ord("T")}
        assert [takes_cents(one) for one in watch(FOUND, locates=[9, 2])] == [False, True]

    def test_a_feed_of_one_line_leaves_the_other_out(self):
        frames = pack_datagrams(table(add(1, "KO", 1)))
        assert len(frames) == 1
        setup = feed_setup([], 3)
        assert (setup.line_a.port, setup.line_b.port, setup.start_sequence) == (0, 0, 3)


def test_columns_of_a_table_are_not_changed():
    one = table(add(4, "KO", 1))
    before = one.sequence.copy()
    survey([one])
    assert np.array_equal(one.sequence, before)
