"""A setup that the card cannot take is refused in one line."""

import pytest

from tickwright.host.setup import (
    CardSetup,
    FeedSetup,
    GateSetup,
    LineSetup,
    PairSetup,
    SessionSetup,
    SetupError,
    SymbolSetup,
)
from tickwright.top.presets import PRESETS

LAST_TICK = (1 << 25) - 1
LIMIT = (1 << 31) - 1
PAIR = {
    "name": "p",
    "symbol_a": 0,
    "symbol_b": 1,
    "hedge": 1,
    "mean": 0,
    "entry_deviation": 2,
    "exit_deviation": 1,
    "stop_deviation": 3,
    "min_edge": 0,
    "shares_a": 1,
    "shares_b": 1,
    "max_spread_a": 0,
    "max_spread_b": 0,
    "aggression_a": 0,
    "aggression_b": 0,
    "retry_ns": 0,
}
A, B, C = (SymbolSetup(name=name) for name in "ABC")


def pair(**changes):
    return PairSetup(**PAIR | changes)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"symbol_b": 0}, "pair p: symbol_b: found 0, expected not symbol_a as well"),
        ({"hedge": 0}, "pair p: hedge: found 0, expected an integer from 1 to 8388607"),
        ({"hedge": 1 << 23}, "pair p: hedge: found 8388608, expected an integer from 1 to 8388607"),
        ({"mean": 1 << 47}, f"pair p: mean: found {1 << 47}, expected"),
        ({"min_edge": -(1 << 47) - 1}, f"pair p: min_edge: found {-(1 << 47) - 1}, expected"),
        (
            {"entry_deviation": 3},
            "pair p: entry_deviation: found 3, expected less than stop_deviation, which is 3",
        ),
        (
            {"exit_deviation": 3},
            "pair p: exit_deviation: found 3, expected at most entry_deviation, which is 2",
        ),
        (
            {"stop_deviation": LIMIT + 1},
            f"pair p: stop_deviation: found {LIMIT + 1}, expected an integer",
        ),
        ({"shares_a": 0}, "pair p: shares_a: found 0, expected an integer from 1 to 999999"),
        ({"shares_b": 1_000_000}, "pair p: shares_b: found 1000000, expected an integer from 1"),
        ({"max_spread_a": -1}, "pair p: max_spread_a: found -1, expected an integer from 0"),
        ({"aggression_b": 1 << 24}, "pair p: aggression_b: found 16777216, expected an integer"),
        ({"retry_ns": 1 << 40}, f"pair p: retry_ns: found {1 << 40}, expected an integer from 0"),
        ({"mean": 0.5}, "pair p: mean: found 0.5, expected an integer"),
        ({"enabled": 1}, "pair p: enabled: found 1, expected True or False"),
    ],
)
def test_a_pair_out_of_bounds(changes, line):
    with pytest.raises(SetupError) as error:
        pair(**changes)
    assert str(error.value).startswith(line)
    assert "\n" not in str(error.value)


def test_a_pair_at_its_bounds():
    widest = pair(
        hedge=(1 << 23) - 1,
        mean=-(1 << 47),
        stop_deviation=LIMIT,
        entry_deviation=LIMIT - 1,
        exit_deviation=0,
        shares_a=999_999,
        retry_ns=(1 << 40) - 1,
        aggression_a=(1 << 24) - 1,
    )
    assert widest.stop_deviation == LIMIT
    assert pair(exit_deviation=2).exit_deviation == 2


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"name": ""}, "symbol : name: found '', expected 1 to 8 ASCII characters"),
        ({"name": "TOOLONGNAME"}, "symbol TOOLONGNAME: name: found 'TOOLONGNAME', expected 1 to 8"),
        ({"name": "A "}, "symbol A : name: found 'A ', expected 1 to 8 ASCII characters"),
        ({"name": "Ä"}, "symbol Ä: name: found 'Ä', expected 1 to 8 ASCII characters"),
        ({"locate": 1 << 16}, "symbol A: locate: found 65536, expected an integer from 0 to 65535"),
        ({"base_tick": -1}, "symbol A: base_tick: found -1, expected an integer from 0"),
        ({"status": 256}, "symbol A: status: found 256, expected an integer from 0 to 255"),
        ({"max_position": -1}, "symbol A: max_position: found -1, expected an integer from 0"),
        ({"position": 1 << 31}, f"symbol A: position: found {1 << 31}, expected an integer"),
        ({"collar": 1 << 32}, f"symbol A: collar: found {1 << 32}, expected an integer"),
        ({"max_shares": True}, "symbol A: max_shares: found True, expected an integer"),
    ],
)
def test_a_symbol_out_of_bounds(changes, line):
    with pytest.raises(SetupError) as error:
        SymbolSetup(**{"name": "A"} | changes)
    assert str(error.value).startswith(line)


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (lambda: GateSetup(state="open"), "gate: state: found 'open', expected one of killed, "),
        (lambda: GateSetup(max_shares=-1), "gate: max_shares: found -1, expected an integer"),
        (lambda: GateSetup(first_user_ref=0), "gate: first_user_ref: found 0, expected an integer"),
        (
            lambda: LineSetup(destination=1 << 32, port=1),
            "feed line: destination: found 4294967296",
        ),
        (lambda: LineSetup(destination=1, port=65536), "feed line: port: found 65536, expected"),
        (lambda: FeedSetup(hold_ns=-1), "feed: hold_ns: found -1, expected an integer from 0"),
        (lambda: SessionSetup(local_mac=1 << 48), f"session: local_mac: found {1 << 48}, expected"),
        (lambda: SessionSetup(peer_port=65536), "session: peer_port: found 65536, expected"),
        (lambda: SessionSetup(start_seq=1 << 32), f"session: start_seq: found {1 << 32}, expected"),
        (lambda: SessionSetup(window=65536), "session: window: found 65536, expected"),
    ],
)
def test_a_part_out_of_bounds(made, line):
    with pytest.raises(SetupError) as error:
        made()
    assert str(error.value).startswith(line)


def at(name="A", **more):
    return SymbolSetup(name=name, **more)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"window": 100}, "card: window: found 100, expected a power of two"),
        ({"window": 0}, "card: window: found 0, expected an integer from 1"),
        ({"slots": 3}, "card: slots: found 3, expected a power of two"),
        ({"epoch": 1 << 16}, "card: epoch: found 65536, expected an integer from 0 to 65535"),
        ({"symbols": (A, A)}, "symbol A: name: found 'A', expected each symbol once"),
        (
            {"symbols": (at(locate=5), at("B", locate=5))},
            "symbol B: locate: found 5, expected one of its own, not that of A",
        ),
        (
            {"symbols": (at(base_tick=LAST_TICK - 63),)},
            f"symbol A: base_tick: found {LAST_TICK - 63}, expected at most {LAST_TICK - 64}, for",
        ),
        (
            {"pairs": (pair(symbol_b=3),)},
            "pair p: symbol_b: found 3, expected an integer from 0 to 2",
        ),
        ({"pairs": (pair(), pair())}, "pair p: name: found 'p', expected each name once"),
    ],
)
def test_a_card_whose_parts_do_not_fit(changes, line):
    with pytest.raises(SetupError) as error:
        CardSetup(**{"window": 64, "symbols": (A, B, C)} | changes)
    assert str(error.value).startswith(line)


def test_a_window_that_just_fits():
    last = at(base_tick=LAST_TICK - 64)
    assert CardSetup(window=64, symbols=(last,)).symbols[0].base_tick + 64 == LAST_TICK


VERSA = PRESETS["versa"]


def of_versa(**changes):
    sizes = {"window": VERSA.window, "slots": VERSA.slots, "hold": VERSA.hold}
    return CardSetup(**{"symbols": (A, B, C)} | sizes | changes)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"window": 64}, "card: window: found 64, expected 256, as preset versa has it"),
        (
            {"symbols": tuple(at(f"S{n}") for n in range(17))},
            "card: symbols: found 17, expected at most 16, as preset versa holds",
        ),
        (
            {"pairs": tuple(pair(name=f"p{n}", symbol_b=1 + n % 2) for n in range(5))},
            "symbol A: pairs that list it: found 5, expected at most 4, as preset versa holds",
        ),
    ],
)
def test_a_setup_too_large_for_a_preset(changes, line):
    with pytest.raises(SetupError) as error:
        of_versa(**changes).check_fits(VERSA)
    assert str(error.value) == line


def test_a_setup_that_fits_its_preset():
    of_versa().check_fits(VERSA)
