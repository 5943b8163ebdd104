"""What the host asks of the gate it asks through the card's own registers, and says what failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from oracle.session import FEED, PRESET

from tickwright.core.regs import Bus, Register
from tickwright.host.card import LONGEST_WATCHDOG_NS, Card, CardError
from tickwright.host.sets import LimitSet
from tickwright.host.setup import CardSetup, GateSetup, SetupError, SymbolSetup
from tickwright.risk.regs import RiskRegs
from tickwright.top.memory_map import base
from tickwright.twin.card import TwinCard

WAIT_NS = 250_000_000
SYMBOL = SymbolSetup(
    name="AAA", locate=1, max_shares=500, max_notional=1 << 40, max_position=900, collar=100,
    position=-7,
)  # fmt: skip
SYMBOLS = (SYMBOL, replace(SYMBOL, name="BBB", locate=2, position=40))
GATE = GateSetup(max_shares=400, max_notional=1 << 41, first_user_ref=30)
SETUP = CardSetup(window=PRESET.window, symbols=SYMBOLS, gate=GATE, epoch=5)
LIMITS = LimitSet(epoch=5, symbols=SYMBOLS, gate=GATE)
TIGHTER = replace(LIMITS, epoch=6, symbols=(replace(SYMBOL, max_shares=499), SYMBOLS[1]))
LOOSER = replace(TIGHTER, epoch=7, symbols=(SYMBOL, replace(SYMBOLS[1], collar=101)))


class Edited:
    """A bus to a card of which some registers of the gate are read, or written, otherwise."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.reads: dict[int, Callable[[int], int]] = {}
        self.deaf: set[int] = set()
        self.gone = False

    def read(self, addr: int) -> int:
        found = self._bus.read(addr)
        return 0xFFFF_FFFF if self.gone else self.reads.get(addr, lambda value: value)(found)

    def write(self, addr: int, value: int) -> None:
        if addr not in self.deaf and not self.gone:
            self._bus.write(addr, value)


def at(register: Register) -> int:
    return base("risk") + register.offset


@pytest.fixture
def twin() -> Iterator[TwinCard]:
    with TwinCard(PRESET, hold_ns=FEED.hold_ns) as twin:
        yield twin


@pytest.fixture
def card(twin: TwinCard) -> Card:
    """Return a card that is loaded, and killed."""
    card = Card(twin)
    card.load(SETUP)
    return card


def in_force(card: Card) -> tuple[int, int]:
    return card.risk.active_limits_epoch, card.risk.active_limits_checksum


def known(card: Card, limits: LimitSet) -> tuple[int, int]:
    return limits.epoch, limits.checksum(card.sizes)


def test_a_setup_is_loaded_as_a_set_with_its_positions(card):
    assert in_force(card) == known(card, LIMITS)
    assert [card.position(symbol) for symbol in range(2)] == [-7, 40]
    assert card.risk.next_user_ref == 30
    assert (card.state, card.kill_reasons, card.obstacles) == ("killed", ("host",), {})
    assert card.risk.watchdog_ns == LONGEST_WATCHDOG_NS


@pytest.mark.parametrize("state", ["close_only", "armed"])
def test_a_set_tightens_while_orders_may_leave_and_never_loosens(card, state):
    card.arm(state)
    assert card.kill_reasons == ()
    card.load_limits(TIGHTER)
    with pytest.raises(CardError, match=rf"limits 7: .* found epoch 6 .*while {state} a set only"):
        card.load_limits(LOOSER)
    assert in_force(card) == known(card, TIGHTER)
    assert card.state == state
    card.kill()
    card.load_limits(LOOSER)
    assert in_force(card) == known(card, LOOSER)


def test_a_set_that_came_over_the_bus_otherwise_is_refused_whole(twin):
    bus = Edited(twin)
    card = Card(bus)
    card.load(SETUP)
    bus.deaf = {at(RiskRegs.symbol_collar)}
    with pytest.raises(CardError, match="limits 7: the card refused the set: found epoch 5"):
        card.load_limits(LOOSER)
    assert in_force(card) == known(card, LIMITS)
    bus.deaf = set()
    card.load_limits(LOOSER)
    assert in_force(card) == known(card, LOOSER)


def test_a_set_that_the_card_has_no_room_for_is_refused_unsent(card):
    many = replace(LIMITS, symbols=(SYMBOL,) * (PRESET.symbols + 1))
    with pytest.raises(SetupError, match="set: symbols: found"):
        card.load_limits(many)
    assert card.risk.refused_writes == 0


def test_arming_that_is_refused_says_every_reason(twin):
    card = Card(twin)
    with pytest.raises(CardError) as caught:
        card.arm("armed")
    told = str(caught.value)
    assert told.startswith("arming: state of the gate: found killed, expected armed: ")
    for why in ("clears its tables", "no limits", "watchdog has run out", "not confirmed"):
        assert why in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("undo", "obstacles"),
    [
        pytest.param(lambda card: card.kill(), {"positions"}, id="killed-again"),
        pytest.param(lambda card: card.load_positions([1]), {"positions"}, id="a-position"),
        pytest.param(lambda card: card.set_watchdog(WAIT_NS), {"watchdog"}, id="not-fed"),
        pytest.param(lambda card: card.arm("close_only"), {"state", "positions"}, id="not-killed"),
    ],
)
def test_what_is_undone_stands_in_the_way_of_arming(card, undo, obstacles):
    undo(card)
    assert set(card.obstacles) == obstacles
    with pytest.raises(CardError, match="arming"):
        card.arm("armed")


def test_limits_that_say_nothing_of_positions_leave_what_was_said(card):
    card.load_limits(TIGHTER)
    assert card.obstacles == {}
    card.kill()
    card.load_limits(TIGHTER)
    assert set(card.obstacles) == {"positions"}


def test_positions_are_loaded_only_while_killed(card):
    card.arm("armed")
    with pytest.raises(CardError, match=r"position of symbol 0: .* found state armed and 0 open"):
        card.load_positions([1, 2])
    assert [card.position(symbol) for symbol in range(2)] == [-7, 40]
    card.kill()
    card.load_positions([-(1 << 31), (1 << 31) - 1])
    assert [card.position(symbol) for symbol in range(2)] == [-(1 << 31), (1 << 31) - 1]


def test_a_position_that_came_over_the_bus_otherwise_is_found(twin):
    bus = Edited(twin)
    card = Card(bus)
    card.load(SETUP)
    bus.deaf = {at(RiskRegs.symbol_position)}
    with pytest.raises(CardError, match="position of symbol 0: found 40 on the card, expected 3"):
        card.load_positions([3])


def test_close_only_lowers_and_says_so(card):
    card.close_only()
    assert card.state == "killed"
    card.arm("armed")
    card.close_only()
    assert (card.state, card.kill_reasons) == ("close_only", ())


@pytest.mark.parametrize("ask", [Card.kill, Card.close_only], ids=["kill", "close-only"])
def test_a_card_that_does_not_confirm_is_an_error(twin, ask):
    bus = Edited(twin)
    card = Card(bus)
    card.load(SETUP)
    card.arm("armed")
    bus.deaf = {at(RiskRegs.kill), at(RiskRegs.close_only)}
    with pytest.raises(CardError, match="state of the gate: found armed, expected"):
        ask(card)
    bus.gone = True  # a bus without its card reads as all ones
    with pytest.raises(CardError, match="state of the gate: found 3, expected 0 to 2"):
        ask(card)


def test_a_kill_that_takes_effect_late_is_waited_for(twin):
    bus, late = Edited(twin), iter([2, 2, 2])
    card = Card(bus)
    card.load(SETUP)
    card.arm("armed")
    bus.reads = {at(RiskRegs.state): lambda value: next(late, value)}
    card.kill()
    assert next(late, None) is None


def test_a_host_that_is_silent_for_its_time_loses_the_gate(twin):
    card = Card(twin)
    card.load(SETUP, watchdog_ns=WAIT_NS)
    card.arm("armed")
    for _ in range(3):
        card.feed_watchdog()
        fed_ns = card.identity.now_ns
        twin.advance(fed_ns + WAIT_NS - 10_000)
        assert card.state == "armed"
    twin.advance(fed_ns + WAIT_NS + 1_000)
    twin.step(2)  # the leap in time is seen a cycle after
    assert (card.state, card.kill_reasons) == ("killed", ("watchdog",))
    assert card.risk.killed_at_ns >= fed_ns + WAIT_NS - 1_000
    card.kill()
    assert card.kill_reasons == ("host", "watchdog")
    assert set(card.obstacles) == {"watchdog", "positions"}


def test_the_time_of_the_watchdog_is_set_only_while_killed(card):
    card.arm("armed")
    with pytest.raises(CardError, match="watchdog: state of the gate: found armed"):
        card.set_watchdog(WAIT_NS)
    assert card.risk.watchdog_ns == LONGEST_WATCHDOG_NS
