"""From what a desk wrote to what a card holds: exact where it can be, told where it cannot."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tickwright.host.desk import (
    Quantised,
    base_tick,
    card_setup,
    fee,
    pair_setup,
    preset_of,
    quantised,
    watched,
)
from tickwright.host.settings import (
    Assumptions,
    Card,
    Desk,
    Feed,
    Limits,
    LimitsOverride,
    OrderEntry,
    Pair,
    SettingsError,
    Symbol,
    SymbolLimits,
    SymbolOverride,
)
from tickwright.host.setup import CardSetup

DEVIATION = 20_000 << 8  # of a dollar
SPREAD = 20_000 << 16
REFERENCES = {"KO": 600_000, "PEP": 1_700_000}


def pair(**changes) -> Pair:
    values = {
        "name": "cola",
        "a": "KO",
        "b": "PEP",
        "hedge_ratio": Decimal("0.35"),
        "mean_usd": Decimal("1.5"),
        "sigma_usd": Decimal("0.12"),
        "shares_a": 100,
    }
    return Pair(**{**values, **changes})


def setup_of(desk: Desk, limits: Limits | None = None, **more) -> CardSetup:
    return card_setup(desk, limits or Limits(), references=REFERENCES, **more)


def quantities(one: Pair, desk: Desk | None = None) -> dict[str, Quantised]:
    ticks = {"KO": 100, "PEP": 100}
    _, rows = pair_setup(one, desk or Desk(pair=[one]), {"KO": 0, "PEP": 1}, ticks)
    return {row.name: row for row in rows}


class TestPair:
    """A pair in the card's units, worked out by hand."""

    def test_every_number_is_that_of_the_specification(self):
        desk = Desk(pair=[pair()])
        held = setup_of(desk).pairs[0]
        assert held.hedge == round(0.35 * 65536)
        assert held.mean == 3 * SPREAD // 2
        sigma = Decimal("0.12") * DEVIATION
        assert held.entry_deviation == 2 * sigma
        assert held.exit_deviation == sigma / 2
        assert held.stop_deviation == 6 * sigma
        fees = 2 * Decimal("0.0030") * Decimal("1.35")
        assert held.min_edge == round((Decimal("0.01") + fees) * SPREAD)
        assert (held.shares_a, held.shares_b) == (100, 35)
        assert (held.max_spread_a, held.max_spread_b) == (1000, 1000)
        assert (held.aggression_a, held.aggression_b) == (100, 100)
        assert held.retry_ns == 100_000_000

    def test_ticks_of_a_symbol_below_a_dollar_are_its_own(self):
        desk = Desk(pair=[pair()], symbols={"KO": Symbol(tick_usd=Decimal("0.0001"))})
        held = setup_of(desk).pairs[0]
        assert (held.max_spread_a, held.max_spread_b) == (10, 1000)
        assert (held.aggression_a, held.aggression_b) == (1, 100)

    def test_what_the_card_misstates_is_told(self):
        rows = quantities(pair(hedge_ratio=Decimal("0.350001")))
        held = Decimal(rows["hedge_ratio"].held) / 65536
        assert rows["hedge_ratio"].error == held - Decimal("0.350001")
        assert abs(rows["hedge_ratio"].error) <= Decimal(1) / 131072
        assert rows["mean_usd"].error == 0
        assert rows["shares_b"].typed == "35.000100"
        assert rows["shares_b"].error == Decimal("-0.0001")

    def test_no_bound_is_looser_by_more_than_rounding(self):
        rows = quantities(pair(sigma_usd=Decimal("0.1234567")))
        for name in ("entry_z", "exit_z", "stop_z"):
            assert abs(rows[name].error or 0) < Decimal("1e-6")

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"statistics_half_life_s": Decimal(60)}, "statistics_half_life_s: found 60, expected"),
            ({"hedge_ratio": Decimal(0)}, "hedge_ratio: found 0, expected above 0"),
            (
                {"hedge_ratio": Decimal(128)},
                "hedge_ratio: found 128, expected 0.000015 to 127.999985",
            ),
            (
                {"hedge_ratio": Decimal("0.000001")},
                "hedge_ratio: found 0.000001, expected 0.000015 to 127.999985",
            ),
            ({"sigma_usd": Decimal("-1")}, "sigma_usd: found -1, expected above 0"),
            ({"entry_z": Decimal(7)}, "entry_z: found 7, expected less than stop_z, which is 6.0"),
            (
                {"exit_z": Decimal("2.1")},
                "exit_z: found 2.1, expected at most entry_z, which is 2.0",
            ),
            ({"exit_z": Decimal("-1")}, "exit_z: found -1, expected at least 0"),
            ({"stop_z": Decimal(10**6)}, "stop_z: found 1000000 x 0.12 dollars, expected at most"),
            (
                {"mean_usd": Decimal(10**9)},
                "mean_usd: found 1000000000, expected -107374.182400 to 107374.182400",
            ),
            (
                {"hedge_ratio": Decimal("0.004")},
                "shares_a: found 100 x 0.004, which is 0 shares of B",
            ),
            (
                {"min_edge_usd": Decimal(-200_000)},
                "min_edge_usd: found -200000, expected -107374.1",
            ),
            ({"b": "KO"}, "b: found 'KO', expected another symbol than a"),
            (
                {"sigma_usd": Decimal("1e-9")},
                "sigma_usd: found 0.000000001, expected more: to the card, entry_z 2.0 and "
                "stop_z 6.0 times so little are one distance",
            ),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_a_pair_that_cannot_be_is_refused(self, changes: dict, why: str):
        with pytest.raises(SettingsError) as refusal:
            setup_of(Desk(pair=[pair(**changes)]))
        assert "pair cola" in str(refusal.value)
        assert why in str(refusal.value)

    def test_names_are_unique(self):
        with pytest.raises(SettingsError, match="pair cola: name: found 'cola', ex") as refusal:
            setup_of(Desk(pair=[pair(), pair()]))
        assert refusal.value.place == ("pair", 1, "name")

    @pytest.mark.parametrize("fee_usd", [10**6, -(10**6), 39_769])
    def test_a_fee_that_fits_no_edge_is_told_and_not_the_edge(self, fee_usd: int):
        assumed = Assumptions(fee_usd_per_share=Decimal(fee_usd))
        with pytest.raises(SettingsError) as refusal:
            setup_of(Desk(pair=[pair()], assumptions=assumed))
        assert refusal.value.place == ("assumptions", "fee_usd_per_share")
        assert str(refusal.value) == (
            f"assumptions.fee_usd_per_share: found {fee_usd}, expected -39768.215704 to "
            f"39768.215704, as pair cola pays it 2.70 times"
        )

    def test_an_edge_that_leaves_no_room_for_the_fee_is_told(self):
        assumed = Assumptions(fee_usd_per_share=Decimal(39_768))
        with pytest.raises(SettingsError, match=r"min_edge_usd: found 1000, expected -"):
            setup_of(Desk(pair=[pair(min_edge_usd=Decimal(1000))], assumptions=assumed))


class TestSymbols:
    """What is watched, where its window lies, and what limits it has."""

    def test_legs_come_first_each_once_then_those_only_listed(self):
        desk = Desk(
            pair=[pair(), pair(name="two", a="PEP", b="MNST")],
            symbols={"X": Symbol(), "KO": Symbol()},
        )
        assert watched(desk) == ["KO", "PEP", "MNST", "X"]

    def test_the_window_is_centred_on_the_reference(self):
        desk = Desk(pair=[pair()], symbols={"KO": Symbol(reference_usd=Decimal("61.00"))})
        setup = setup_of(desk)
        assert [symbol.base_tick for symbol in setup.symbols] == [6100 - 512, 17_000 - 512]

    @pytest.mark.parametrize(
        ("reference", "tick", "expected"),
        [(0, 100, 0), (51_100, 100, 0), (51_300, 100, 1), (1 << 31, 1, (1 << 25) - 1 - 1024)],
    )
    def test_a_window_stays_within_the_ticks_there_are(self, reference, tick, expected):
        assert base_tick(reference, tick, 1024) == expected

    def test_without_a_price_the_window_has_no_place(self):
        desk = Desk(pair=[pair()], symbols={"PEP": Symbol()})
        with pytest.raises(SettingsError, match=r"symbols.PEP.reference_usd: found nothing"):
            card_setup(desk, Limits(), references={"KO": 1})

    def test_a_symbol_without_a_table_of_its_own_is_told_by_its_pair(self):
        desk = Desk(pair=[pair(), pair(name="two", b="B.C"), pair(name="three", a="B.C")])
        with pytest.raises(SettingsError) as refusal:
            card_setup(desk, Limits(), references=REFERENCES)
        assert refusal.value.place == ("pair", 1, "b")
        assert str(refusal.value) == (
            "pair two: b: found 'B.C', expected a price to centre its window on, as "
            'symbols."B.C".reference_usd'
        )

    def test_a_tick_is_a_cent_or_a_hundredth_of_one(self):
        with pytest.raises(SettingsError, match=r"symbols.KO.tick_usd: found 0.05, expected 0.01"):
            setup_of(Desk(pair=[pair()], symbols={"KO": Symbol(tick_usd=Decimal("0.05"))}))

    def test_defaults_hold_where_a_symbol_has_no_limit_of_its_own(self):
        limits = Limits(
            defaults=SymbolLimits(
                max_shares=500, max_notional_usd=Decimal("10000.00009"), max_position=900,
                collar_usd=Decimal("0.25"),
            ),
            symbols={"PEP": SymbolOverride(max_shares=0, position=-3)},
        )  # fmt: skip
        one, other = setup_of(Desk(pair=[pair()]), limits).symbols
        assert (one.max_shares, one.max_notional, one.max_position) == (500, 100_000_000, 900)
        assert (one.collar, one.position) == (2500, 0)
        assert (other.max_shares, other.max_position, other.position) == (0, 900, -3)

    def test_limits_of_a_symbol_nobody_watches_are_refused(self):
        limits = Limits(symbols={"IBM": SymbolOverride()})
        with pytest.raises(SettingsError, match=r"limits: symbols.IBM"):
            setup_of(Desk(pair=[pair()]), limits)


class TestGate:
    """A desk file may only tighten."""

    LIMITS = Limits(state="armed", max_shares=500, max_notional_usd=Decimal(1000))

    def test_the_officers_limits_hold_where_the_desk_says_nothing(self):
        gate = setup_of(Desk(pair=[pair()]), self.LIMITS).gate
        assert (gate.max_shares, gate.max_notional, gate.state) == (500, 10_000_000, "armed")

    def test_the_desk_may_tighten(self):
        tighter = LimitsOverride(max_shares=0, max_notional_usd=Decimal("999.5"))
        gate = setup_of(Desk(pair=[pair()], limits=tighter), self.LIMITS).gate
        assert (gate.max_shares, gate.max_notional) == (0, 9_995_000)

    @pytest.mark.parametrize(
        "looser",
        [LimitsOverride(max_shares=501), LimitsOverride(max_notional_usd=Decimal("1000.01"))],
    )
    def test_the_desk_may_not_loosen(self, looser: LimitsOverride):
        with pytest.raises(SettingsError, match="may only tighten"):
            setup_of(Desk(pair=[pair()], limits=looser), self.LIMITS)

    def test_a_state_that_is_none_is_refused(self):
        with pytest.raises(SettingsError, match="state: found 'on', expected one of killed"):
            setup_of(Desk(pair=[pair()]), Limits(state="on"))

    @pytest.mark.parametrize(
        ("limits", "place"),
        [
            (Limits(max_notional_usd=Decimal(10**15)), ("max_notional_usd",)),
            (
                Limits(defaults=SymbolLimits(collar_usd=Decimal(429_497))),
                ("defaults", "collar_usd"),
            ),
            (
                Limits(symbols={"KO": SymbolOverride(max_notional_usd=Decimal(10**15))}),
                ("symbols", "KO", "max_notional_usd"),
            ),
        ],
    )
    def test_a_limit_that_no_register_holds_is_refused_by_its_key(
        self, limits: Limits, place: tuple[str, ...]
    ):
        with pytest.raises(SettingsError, match=f"limits: {'.'.join(place)}: found") as refusal:
            setup_of(Desk(pair=[pair()]), limits)
        assert refusal.value.place == place


class TestTheRest:
    """Feed, session, preset and fee."""

    def test_times_and_addresses_are_those_typed(self):
        desk = Desk(
            pair=[pair()],
            feed=Feed(line_a="1.2.3.4:5", hold_us=7, max_age_ms=8, start_sequence=9),
            order_entry=OrderEntry(local_mac="00:00:00:00:01:02", ack_timeout_ms=3, start_seq=4),
        )
        setup = setup_of(desk)
        assert (setup.feed.line_a.destination, setup.feed.line_a.port) == (0x01020304, 5)
        assert (setup.feed.hold_ns, setup.feed.max_age_ns) == (7_000, 8_000_000)
        assert setup.feed.start_sequence == 9
        assert (setup.session.local_mac, setup.session.start_seq) == (0x0102, 4)
        assert setup.session.ack_timeout_ns == 3_000_000

    @pytest.mark.parametrize(
        ("desk", "why"),
        [
            (Desk(feed=Feed(line_a="999.1.1.1:5")), r"feed.line_a: found '999.1.1.1', expected an"),
            (Desk(feed=Feed(line_b="1.1.1.1:65536")), "feed.line_b: found port 65536"),
            (Desk(card=Card(preset="big")), "card.preset: found 'big', expected one of twin"),
            (
                Desk(order_entry=OrderEntry(peer_address="1.2.3.456")),
                "order_entry.peer_address: found",
            ),
        ],
    )
    def test_what_is_none_is_refused(self, desk: Desk, why: str):
        with pytest.raises(SettingsError, match=why):
            setup_of(desk)

    def test_a_fee_is_counted_in_thousandths_of_a_price_unit(self):
        assert fee(Desk(assumptions=Assumptions(fee_usd_per_share=Decimal("0.0030")))) == 30_000
        assert fee(Desk(assumptions=Assumptions(fee_usd_per_share=Decimal("-0.00205")))) == -20_500

    def test_more_pairs_on_a_symbol_than_the_preset_holds_are_refused(self):
        desk = Desk(pair=[pair(name=f"p{n}", b=f"B{n}") for n in range(9)])
        setup = card_setup(desk, Limits(), references=dict.fromkeys(watched(desk), 10**6))
        with pytest.raises(ValueError, match=r"symbol KO: pairs that list it: found 9"):
            setup.check_fits(preset_of(desk))


class TestQuantised:
    """Every quantity of both files is shown, with what it became."""

    def test_what_the_card_holds_means_what_was_typed(self):
        desk = Desk(
            pair=[pair()],
            symbols={"KO": Symbol(reference_usd=Decimal("60.005"))},
            limits=LimitsOverride(max_shares=5),
        )
        limits = Limits(
            max_shares=10, max_notional_usd=Decimal("1.00009"),
            symbols={"PEP": SymbolOverride(collar_usd=Decimal("0.5"))},
        )  # fmt: skip
        rows = {
            (row.where, row.name): row for row in quantised(desk, limits, setup_of(desk, limits))
        }
        assert rows["limits of the desk", "max_shares"].held == 5
        assert (rows["limits", "max_shares"].held, rows["limits", "max_shares"].error) == (10, 0)
        assert rows["limits", "max_notional_usd"].held == 10_000
        assert rows["limits", "max_notional_usd"].error == Decimal("-0.00009")
        assert rows["limits of PEP", "collar_usd"].held == 5000
        assert rows["symbol KO", "reference_usd"].error == Decimal("-0.005")
        assert rows["feed", "hold_us"].meaning == 2000
        assert rows["pair cola", "entry_z"].meaning == 2
        assert all(row.unit for row in rows.values())

    @pytest.mark.parametrize(("state", "held"), [("killed", 0), ("close_only", 1), ("armed", 2)])
    def test_the_state_is_shown_as_the_card_holds_it(self, state: str, held: int):
        desk, limits = Desk(pair=[pair()]), Limits(state=state)
        rows = quantised(desk, limits, setup_of(desk, limits))
        (row,) = (row for row in rows if row.name == "state")
        assert (row.where, row.typed, row.held, row.meaning) == ("limits", state, held, state)
        assert row.error is None
