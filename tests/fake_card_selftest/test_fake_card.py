"""The fake card shows a host what the gateware shows it, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from fake_card.card import CutOff, FakeCard
from oracle.session import FEED, ORDER_SESSION, PRESET

from tickwright.core.regs import Bus
from tickwright.host.card import Card, CardError
from tickwright.host.sets import LimitSet, ParameterSet
from tickwright.host.setup import CardSetup, GateSetup, PairSetup, SymbolSetup
from tickwright.twin.card import TwinCard

SYMBOL = SymbolSetup(
    name="AAA", max_shares=500, max_notional=1 << 40, max_position=900, collar=100, position=-7
)
SYMBOLS = (SYMBOL, replace(SYMBOL, name="BBB", position=40))
GATE = GateSetup(max_shares=400, max_notional=1 << 41, first_user_ref=30)
PAIR = PairSetup(
    name="one", symbol_a=0, symbol_b=1, hedge=1 << 15, mean=-5,
    entry_deviation=1 << 20, exit_deviation=7, stop_deviation=1 << 25, min_edge=-3,
    shares_a=100, shares_b=50, max_spread_a=900, max_spread_b=901,
    aggression_a=1, aggression_b=2, retry_ns=1 << 33,
)  # fmt: skip
SETUP = CardSetup(
    window=PRESET.window, symbols=SYMBOLS, pairs=(PAIR,), gate=GATE, feed=FEED,
    session=ORDER_SESSION, epoch=5,
)  # fmt: skip
PARAMETERS = ParameterSet(epoch=6, pairs=(replace(PAIR, mean=77), replace(PAIR, name="two")))
LIMITS = LimitSet(epoch=6, symbols=(replace(SYMBOL, max_shares=499), SYMBOLS[1]), gate=GATE)
LOOSER = replace(LIMITS, epoch=7, symbols=(SYMBOL, replace(SYMBOLS[1], collar=101)))
TIME = {"now_ns", "cycles", "killed_at_ns"}


def written(**values: int) -> Callable[[Card], None]:
    """Return a step that writes registers of the gate, in order."""

    def step(card: Card) -> None:
        for register, value in values.items():
            setattr(card.risk, register, value)

    return step


def begun_alone(card: Card) -> None:
    card.strategy.begin = 1
    card.strategy.commit = 1  # too early, or of another checksum
    card.risk.commit = 1


STEPS: dict[str, Callable[[Card], object]] = {
    "reset": lambda card: card.load_symbols(SETUP),
    "arm": lambda card: card.arm("armed"),
    "load": lambda card: card.load(SETUP),
    "feed": lambda card: card.open_feed(),
    "set-watchdog": lambda card: card.set_watchdog(10**12),
    "arm-unfed": lambda card: card.arm("armed"),
    "feed-watchdog": lambda card: card.feed_watchdog(),
    "set-it-again": lambda card: card.set_watchdog(10**12),
    "arm-now": lambda card: card.arm("armed"),
    "arm-twice": lambda card: card.arm("armed"),
    "parameters": lambda card: card.load_parameters(PARAMETERS),
    "parameters-again": lambda card: card.load_parameters(PARAMETERS),
    "limits": lambda card: card.load_limits(LIMITS),
    "limits-looser": lambda card: card.load_limits(LOOSER),
    "position-while-armed": lambda card: card.load_positions([3]),
    "close-only": lambda card: card.close_only(),
    "flatten": lambda card: card.flatten(True),
    "kill": lambda card: card.kill(),
    "limits-looser-now": lambda card: card.load_limits(LOOSER, positions_confirmed=True),
    "position": lambda card: card.load_positions([3, -(1 << 31)]),
    "arm-unconfirmed": lambda card: card.arm("close_only"),
    "confirm": lambda card: card.load_limits(LOOSER, positions_confirmed=True, first_user_ref=9),
    "row-of-no-symbol": written(symbol=PRESET.symbols, load_limits=1),
    "position-of-no-symbol": written(symbol=PRESET.symbols, load_position=1),
    "begins": begun_alone,
    "arm-as-nothing": written(arm_as=3, arm=1),
    "arm-close-only": lambda card: card.arm("close_only"),
    "watchdog-of-nothing": written(watchdog_ns=0),
    "kill-again": lambda card: card.kill(),
}
SETTLING = 40_000  # reads until the twin has cleared and checked whatever it was told to


@pytest.fixture(scope="module")
def cards() -> Iterator[tuple[TwinCard, FakeCard]]:
    with TwinCard(PRESET, hold_ns=FEED.hold_ns) as twin:
        yield twin, FakeCard(PRESET)


def done(bus: Bus, step: Callable[[Card], object]) -> str:
    """Do a step; return what went wrong, but for a checksum in it."""
    try:
        step(Card(bus))
    except CardError as error:
        return str(error)
    return ""


def shown(bus: Bus) -> dict[str, dict[str, int]]:
    """Return what a host sees once all is settled, but for times."""
    card = Card(bus)
    found = card.counters()
    for block in ("risk", "strategy"):
        for name in ("symbol", "pair"):
            if hasattr(getattr(card, block), name):
                setattr(getattr(card, block), name, 0)
    return {
        block: {name: value for name, value in found[block].items() if name not in TIME}
        for block in ("identity", "feed", "strategy", "risk")
    }


def differences(ours: dict, theirs: dict) -> dict[str, tuple[int, int]]:
    return {
        f"{block}.{name}": (value, theirs[block][name])
        for block, values in ours.items()
        for name, value in values.items()
        if value != theirs[block][name]
    }


def test_each_step_ends_as_on_the_gateware(cards):
    twin, fake = cards
    for name, step in STEPS.items():
        told = done(twin, step), done(fake, step)
        twin.step(SETTLING)
        assert told[0] == told[1], name
        assert differences(shown(twin), shown(fake)) == {}, name
    assert shown(fake)["risk"]["refused_arms"] >= 4
    assert shown(fake)["risk"]["refused_writes"] >= 3


def test_a_watchdog_that_is_not_fed_kills():
    fake = FakeCard(PRESET)
    card = Card(fake)
    card.load(SETUP, watchdog_ns=250)
    card.arm("armed")
    fake.advance(249)
    card.feed_watchdog()
    fake.advance(249)
    assert card.state == "armed"
    fake.advance(1)
    assert (card.state, card.kill_reasons) == ("killed", ("watchdog",))
    assert card.risk.killed_at_ns == card.identity.now_ns
    card.feed_watchdog()
    assert set(card.obstacles) == {"positions"}  # for arming took the confirmation


def test_a_check_goes_on_without_its_host():
    fake = FakeCard(PRESET, check_accesses=5)
    card = Card(fake)
    card.load(SETUP)
    fake.before = lambda number: (_ for _ in ()).throw(CutOff) if card_commits(fake) else None
    with pytest.raises(CutOff):
        card.load_parameters(PARAMETERS)
    fake.before = lambda number: None
    assert fake.strategy.regs["active_epoch"] == 5
    assert [card.strategy.active_epoch for _ in range(5)][-1] == PARAMETERS.epoch


def card_commits(fake: FakeCard) -> bool:
    return fake.strategy.regs["epoch"] == PARAMETERS.epoch and fake.strategy.checking
