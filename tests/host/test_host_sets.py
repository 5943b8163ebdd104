"""A set has the words and the checksum that the page on the host says, and each change shows."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import pytest

from tickwright.host.sets import LimitSet, ParameterSet, Sizes, listing, loosened
from tickwright.host.setup import GateSetup, PairSetup, SetupError, SymbolSetup
from tickwright.top.presets import PRESETS

SIZES = Sizes(symbols=4, pairs=3, fanout=2)

PAIR = PairSetup(
    name="cola", symbol_a=0, symbol_b=2, hedge=70_000, mean=-5,
    entry_deviation=(3 << 20) + 7, exit_deviation=9, stop_deviation=1 << 30, min_edge=-(1 << 40),
    shares_a=100, shares_b=107, max_spread_a=300, max_spread_b=400,
    aggression_a=1, aggression_b=2, retry_ns=(1 << 33) + 5,
)  # fmt: skip
OTHER = replace(PAIR, name="soda", enabled=False, symbol_a=3, symbol_b=0, mean=1 << 46)
PARAMETERS = ParameterSet(epoch=7, pairs=(PAIR, OTHER))

KO = SymbolSetup(name="KO", max_shares=1000, max_notional=(5 << 32) + 1, max_position=2000,
                 collar=5000)  # fmt: skip
PEP = replace(KO, name="PEP", max_shares=10, max_position=20)
GATE = GateSetup(max_shares=900, max_notional=(1 << 40) + 3)
LIMITS = LimitSet(epoch=3, symbols=(KO, PEP), gate=GATE)


def crc(form: str, *values: int) -> int:
    """Return the checksum of values packed by hand, little end first."""
    return zlib.crc32(struct.pack("<" + form, *values))


def test_the_words_of_parameters_are_those_of_the_page():
    first = struct.pack(
        "<IIIIQIIIQIIIIIIQ",
        1, 0, 2, 70_000, (1 << 48) - 5, (3 << 20) + 7, 9, 1 << 30, (1 << 48) - (1 << 40), 100, 107,
        300, 400, 1, 2, (1 << 33) + 5,
    )  # fmt: skip
    second = struct.pack(
        "<IIIIQIIIQIIIIIIQ",
        0, 3, 0, 70_000, 1 << 46, (3 << 20) + 7, 9, 1 << 30, (1 << 48) - (1 << 40), 100, 107,
        300, 400, 1, 2, (1 << 33) + 5,
    )  # fmt: skip
    used = 1 << 31
    lists = struct.pack("<8I", used | 0, used | 1, 0, 0, used | 0, 0, used | 1, 0)
    text = first + second + bytes(len(first)) + lists + struct.pack("<I", 7)
    assert struct.pack(f"<{len(text) // 4}I", *PARAMETERS.words(SIZES)) == text
    assert PARAMETERS.checksum(SIZES) == zlib.crc32(text)


def test_the_words_of_limits_are_those_of_the_page():
    assert LIMITS.checksum(SIZES) == crc(
        "IQII IQII IQII IQII IQ I",
        1000, (5 << 32) + 1, 2000, 5000, 10, (5 << 32) + 1, 20, 5000, 0, 0, 0, 0, 0, 0, 0, 0,
        900, (1 << 40) + 3, 3,
    )  # fmt: skip


def test_an_empty_set_is_a_set():
    assert ParameterSet(epoch=0, pairs=()).words(SIZES) == [0] * len(PARAMETERS.words(SIZES))
    assert LimitSet(epoch=0, symbols=(), gate=GateSetup()).checksum(SIZES) == crc("24I", *[0] * 24)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_set_is_as_long_as_the_card_is_large(preset):
    sizes = Sizes.of(preset)
    words = PARAMETERS.words(sizes)
    assert len(words) == sizes.pairs * 19 + sizes.symbols * sizes.fanout + 1
    assert len(LIMITS.words(sizes)) == sizes.symbols * 5 + 4


@pytest.mark.parametrize(
    ("name", "value"),
    [("enabled", False), ("symbol_a", 1), ("symbol_b", 1), ("hedge", 70_001), ("mean", -6),
     ("entry_deviation", (4 << 20) + 7), ("exit_deviation", 8),
     ("stop_deviation", (1 << 30) + 1), ("min_edge", 0),
     ("shares_a", 101), ("shares_b", 108), ("max_spread_a", 301), ("max_spread_b", 401),
     ("aggression_a", 0), ("aggression_b", 0), ("retry_ns", 5)],
)  # fmt: skip
def test_each_parameter_shows_in_the_checksum(name: str, value: object):
    changed = replace(PARAMETERS, pairs=(replace(PAIR, **{name: value}), OTHER))
    assert changed.checksum(SIZES) != PARAMETERS.checksum(SIZES)


@pytest.mark.parametrize(
    "changed",
    [replace(PARAMETERS, epoch=8), replace(PARAMETERS, pairs=(OTHER, PAIR)),
     replace(PARAMETERS, pairs=(PAIR,)), replace(PARAMETERS, pairs=(PAIR, OTHER, OTHER))],
)  # fmt: skip
def test_epoch_order_and_number_show_in_the_checksum(changed: ParameterSet):
    assert changed.checksum(replace(SIZES, fanout=4)) != PARAMETERS.checksum(
        replace(SIZES, fanout=4)
    )


def test_the_name_of_a_pair_is_the_hosts_alone():
    named = replace(PARAMETERS, pairs=(replace(PAIR, name="x"), OTHER))
    assert named.checksum(SIZES) == PARAMETERS.checksum(SIZES)


@pytest.mark.parametrize("name", ["max_shares", "max_notional", "max_position", "collar"])
def test_each_limit_of_a_symbol_shows_and_is_found_when_it_loosens(name: str):
    higher = replace(LIMITS, symbols=(KO, replace(PEP, **{name: getattr(PEP, name) + 1})))
    lower = replace(LIMITS, symbols=(KO, replace(PEP, **{name: getattr(PEP, name) - 1})))
    assert len({one.checksum(SIZES) for one in (LIMITS, higher, lower)}) == 3
    assert loosened(LIMITS, higher) == [("PEP", name)]
    assert loosened(LIMITS, lower) == []


@pytest.mark.parametrize("name", ["max_shares", "max_notional"])
def test_each_limit_of_all_shows_and_is_found_when_it_loosens(name: str):
    gate = replace(GATE, **{name: getattr(GATE, name) + 1})
    higher = replace(LIMITS, gate=gate)
    assert higher.checksum(SIZES) != LIMITS.checksum(SIZES)
    assert loosened(LIMITS, higher) == [("", name)]
    assert loosened(higher, LIMITS) == []


def test_a_symbol_more_loosens_and_one_less_does_not():
    alone = replace(LIMITS, symbols=(KO,))
    assert [symbol for symbol, _ in loosened(alone, LIMITS)] == ["PEP"] * 4
    assert loosened(LIMITS, alone) == []


def test_symbols_that_change_places_take_each_others_limits():
    swapped = replace(LIMITS, symbols=(PEP, KO))
    assert loosened(LIMITS, swapped) == [("KO", "max_shares"), ("KO", "max_position")]


def test_what_is_not_a_limit_does_not_show():
    moved = replace(LIMITS, symbols=(replace(KO, position=5, base_tick=9, locate=4), PEP))
    armed = replace(moved, gate=replace(GATE, state="armed", first_user_ref=9))
    assert armed.checksum(SIZES) == LIMITS.checksum(SIZES)


def test_a_limit_beyond_its_register_is_the_highest():
    wide = replace(LIMITS, symbols=(replace(KO, max_position=(1 << 31) - 1),))
    assert wide.words(SIZES)[3] == (1 << 31) - 1


class TestListing:
    """A symbol lists the pairs of which it is a leg."""

    def test_in_ascending_order(self):
        assert listing((PAIR, OTHER), 4) == [[0, 1], [], [0], [1]]

    def test_of_no_symbol_that_is_not_there(self):
        with pytest.raises(SetupError, match="pair soda: symbol_a: found 3, expected 0 to 2"):
            listing((PAIR, OTHER), 3)


class TestTooLarge:
    """What does not fit the card is told in one line."""

    def test_pairs(self):
        with pytest.raises(SetupError, match="set: pairs: found 2, expected 0 to 1"):
            PARAMETERS.words(replace(SIZES, pairs=1))

    def test_lists(self):
        with pytest.raises(SetupError, match="pairs that list symbol 0: found 2, expected 0 to 1"):
            PARAMETERS.words(replace(SIZES, fanout=1))

    def test_symbols(self):
        with pytest.raises(SetupError, match="set: symbols: found 2, expected 0 to 1"):
            LIMITS.words(replace(SIZES, symbols=1))

    @pytest.mark.parametrize("epoch", [-1, 1 << 16])
    def test_epochs(self, epoch: int):
        for one in (PARAMETERS, LIMITS):
            with pytest.raises(SetupError, match=f"set: epoch: found {epoch}"):
                replace(one, epoch=epoch).words(SIZES)
