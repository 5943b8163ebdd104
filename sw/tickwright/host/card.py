"""The card, as the desk sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Self

from tickwright.book.regs import BookRegs
from tickwright.core.regs import Bus, Status
from tickwright.feed.regs import FeedRegs
from tickwright.host.sets import (
    ORDER_LIMITS,
    LimitSet,
    ParameterSet,
    Sizes,
    clipped,
    listing,
)
from tickwright.host.setup import UNNAMED, CardSetup, FeedSetup, SessionSetup, SymbolSetup
from tickwright.order.regs import OrderRegs
from tickwright.risk.checks import KILL_REASONS, STATES
from tickwright.risk.regs import SYMBOL_LIMITS, RiskRegs
from tickwright.strategy.regs import PARAMETERS, StrategyRegs
from tickwright.top.memory_map import IdentityRegs, base, fingerprint

__all__ = ["LONGEST_WATCHDOG_NS", "SETTLING_READS", "Card", "CardError", "GateView", "lower"]

LONGEST_WATCHDOG_NS = (1 << RiskRegs.watchdog_ns.bits) - 1
SETTLING_READS = 4  # a bus may read before its own write has taken effect
STATE_POLLS = 1_000  # a card that is there needs a few
WRITE_POLLS = 10  # what has not come by then may have been lost on the way
OF_GATE = (
    RiskRegs.state,
    RiskRegs.kill_reasons,
    RiskRegs.killed_at_ns,
    RiskRegs.ledger_fault,
)
READY_POLLS = 1_000_000  # the tables of the largest card clear in fewer


class CardError(RuntimeError):
    """The card is not the one expected, or refused what was asked of it."""


@dataclass(frozen=True)
class GateView:
    """How the gate stood at one look."""

    state: str  # as `Card.state`
    kill_reasons: tuple[str, ...]  # as `Card.kill_reasons`
    killed_at_ns: int  # card time
    ledger_fault: int


class Card:
    """One trading card behind a bus; leaving its context kills it.

    Raises CardError if the card's register map is not the one this host was made with.

    >>> with Card(bus) as card:                     # doctest: +SKIP
    ...     card.load(setup)
    ...     card.arm("armed")
    """

    def __init__(self, bus: Bus) -> None:
        self.identity = IdentityRegs(bus, base("identity"))
        self.feed = FeedRegs(bus, base("feed"))
        self.book = BookRegs(bus, base("book"))
        self.strategy = StrategyRegs(bus, base("strategy"))
        self.risk = RiskRegs(bus, base("risk"))
        self.order = OrderRegs(bus, base("order"))
        if self.identity.map_hash != fingerprint():
            raise CardError(
                f"register map of the card: found hash {self.identity.map_hash:#010x}, "
                f"expected {fingerprint():#010x}: card and host are of different versions"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def sizes(self) -> Sizes:
        """How many rows the card's memories have."""
        return Sizes(
            symbols=self.identity.symbols, pairs=self.identity.pairs, fanout=self.identity.fanout
        )

    @property
    def state(self) -> str:
        """State of the gate: ``killed``, ``close_only`` or ``armed``.

        Raises CardError if it is none of these, as where a bus has lost its card.
        """
        return _state(self.risk)

    @property
    def kill_reasons(self) -> tuple[str, ...]:
        """What has killed the gate since it was last armed: ``host``, ``watchdog``, ``ledger``."""
        return _kill_reasons(self.risk.kill_reasons)

    @property
    def gate(self) -> GateView:
        """How the gate stands, read in one turn. Raises CardError as `state` does."""
        found = self.risk.read_registers(OF_GATE)
        return GateView(
            state=_state_named(found["state"]),
            kill_reasons=_kill_reasons(found["kill_reasons"]),
            killed_at_ns=found["killed_at_ns"],
            ledger_fault=found["ledger_fault"],
        )

    @property
    def obstacles(self) -> dict[str, str]:
        """What stands in the way of arming, now: a sentence for each, by a name that stays."""
        risk = self.risk
        checks: tuple[tuple[str, Callable[[], bool], str], ...] = (
            ("state", lambda: self.state != STATES[0], "the gate is not killed"),
            ("tables", lambda: not risk.ready, "the card still clears its tables"),
            ("orders_open", lambda: bool(risk.open_orders), "orders are open"),
            ("ledger_fault", lambda: bool(risk.ledger_fault), "a response did not fit the ledger"),
            ("limits_missing", lambda: not risk.limit_commits, "no limits are in force"),
            ("committing", lambda: bool(risk.committing), "limits are being checked"),
            ("watchdog", lambda: bool(risk.watchdog_expired), "the watchdog has run out"),
            ("positions", lambda: not risk.confirmed, "positions are not confirmed"),
        )
        return {name: why for name, holds, why in checks if holds()}

    def kill(self) -> None:
        """Stop every order at the gate, in the cycle of the write; return when the card says so.

        The second leg of an intent that has passed still leaves, at most one order: without it the
        first would be held alone. A kill that does not show is written again after 10 reads, which
        take some microseconds on PCI Express, and a millisecond each or an adapter's pause on a
        serial line. Raises CardError if the card does not say that it is killed.
        """
        lower(self.risk, "kill", STATES[:1])

    def close_only(self) -> None:
        """Let orders only close positions, from now on; a gate that is killed stays so.

        Raises CardError if the card does not say that it is lowered.
        """
        lower(self.risk, "close_only", STATES[1::-1])

    def set_watchdog(self, wait_ns: int) -> None:
        """Let the gate be killed when no feed has come for ``wait_ns`` of card time.

        A feed is due after it, or nothing can be armed. Raises CardError unless the gate is killed.
        """
        if self.state != STATES[0]:
            raise CardError(f"watchdog: state of the gate: found {self.state}, expected killed")
        self.risk.watchdog_ns = wait_ns

    def feed_watchdog(self) -> None:
        """Let the time of the watchdog begin anew."""
        self.risk.feed_watchdog = 1

    def load_positions(self, positions: Sequence[int]) -> None:
        """Load what is held of each symbol, in shares; those beyond are left as they are.

        They count as confirmed only after a `load_limits` that says so. Raises CardError: the gate
        is not killed, an order is open, or the card does not have what was written.
        """
        refused = self.risk.refused_writes
        for index, position in enumerate(positions):
            self.risk.symbol = index
            self.risk.symbol_position = position % (1 << RiskRegs.symbol_position.bits)
            self.risk.load_position = 1
            if self.risk.refused_writes != refused:
                raise CardError(
                    f"position of symbol {index}: the card refused it: found state {self.state} "
                    f"and {self.risk.open_orders} open orders, expected killed and none"
                )
            found = self.position(index)
            if found != position:
                raise CardError(
                    f"position of symbol {index}: found {found} on the card, expected {position}"
                )

    def load_limits(
        self,
        limits: LimitSet,
        *,
        positions_confirmed: bool = False,
        first_user_ref: int | None = None,
    ) -> None:
        """Put a whole set of limits in force, or none of it.

        While the gate is killed the set may loosen limits, ``positions_confirmed`` says that the
        positions on the card are right (else the card keeps what was said of them), and the next
        order takes ``first_user_ref``, unless references were already beyond. Raises SetupError:
        what does not fit the card. Raises CardError: the card refused the set; that in force before
        still is.
        """
        checksum = limits.checksum(self.sizes)
        commits, refused = self.risk.limit_commits, self.risk.refused_writes
        where = f"limits {limits.epoch}"
        self.risk.begin_limits = 1
        self._poll(lambda: self.risk.shadow_ready == 1, f"{where}: the shadow is not cleared")
        for index, symbol in enumerate(limits.symbols):
            self.risk.symbol = index
            for name in SYMBOL_LIMITS:
                register = f"symbol_{name}"
                setattr(self.risk, register, clipped(RiskRegs, register, getattr(symbol, name)))
            self.risk.load_limits = 1
        if self.risk.refused_writes != refused:
            raise CardError(f"{where}: the card refused a row")
        for name in ORDER_LIMITS:
            setattr(self.risk, name, clipped(RiskRegs, name, getattr(limits.gate, name)))
        self.risk.limits_epoch = limits.epoch
        self.risk.limits_checksum = checksum
        self.risk.positions_confirmed = int(positions_confirmed)
        if first_user_ref is not None:
            self.risk.first_user_ref = first_user_ref
        state = self.state
        self.risk.commit = 1
        self._poll(lambda: self.risk.committing == 0, f"{where}: the check does not end")
        found = self.risk.active_limits_epoch, self.risk.active_limits_checksum
        if self.risk.limit_commits == commits or found != (limits.epoch, checksum):
            why = "" if state == STATES[0] else f": while {state} a set only tightens"
            raise CardError(
                f"{where}: the card refused the set: found epoch {found[0]} with checksum "
                f"{found[1]:#010x} in force, expected {limits.epoch} with {checksum:#010x}{why}"
            )

    def load(self, setup: CardSetup, *, watchdog_ns: int = LONGEST_WATCHDOG_NS) -> None:
        """Load symbols, pairs, limits and the order session, with the gate killed.

        The feed stays shut until `open_feed`. The watchdog is fed once: who keeps the card alive
        gives the time it is to wait, for the longest is days. Raises CardError: what the card
        refused, and where.
        """
        self.check_sizes(setup)
        self._wait_ready()
        self.kill()
        self.set_watchdog(watchdog_ns)
        self.feed_watchdog()
        self.load_symbols(setup)
        self.load_parameters(ParameterSet(epoch=setup.epoch, pairs=setup.pairs))
        self.load_positions([symbol.position for symbol in setup.symbols])
        self.load_limits(
            LimitSet(epoch=setup.epoch, symbols=setup.symbols, gate=setup.gate),
            positions_confirmed=True,
            first_user_ref=setup.gate.first_user_ref,
        )
        self.load_session(setup.session)
        self.load_feed(setup.feed)

    def load_symbols(self, setup: CardSetup) -> None:
        """Load names, locates and windows of the symbols, at feed, book and order session.

        A symbol keeps its name and its locate until it gets another, until another symbol gets it,
        or until reset. Raises CardError: the card is of other sizes, or could not keep a name.
        """
        self.check_sizes(setup)
        self._wait_ready()
        for index, symbol in enumerate(setup.symbols):
            self._load_symbol(index, symbol)

    def load_session(self, session: SessionSetup) -> None:
        """Hand an order session over; one that was open before is closed first."""
        self.order.open = 0
        for column in fields(session):
            setattr(self.order, column.name, getattr(session, column.name))
        self.order.open = 1

    @property
    def session(self) -> SessionSetup:
        """The order session as it was handed over last, whole or in part."""
        columns = [getattr(OrderRegs, column.name) for column in fields(SessionSetup)]
        return SessionSetup(**self.order.read_registers(columns))

    def load_feed(self, feed: FeedSetup) -> None:
        """Load where market data comes from; it stays shut until `open_feed`."""
        for line, place in (("a", feed.line_a), ("b", feed.line_b)):
            setattr(self.feed, f"line_{line}_destination", place.destination)
            setattr(self.feed, f"line_{line}_port", place.port)
        self.feed.start_sequence = feed.start_sequence
        self.feed.hold_ns = feed.hold_ns
        self.feed.max_age_ns = feed.max_age_ns

    def load_parameters(self, parameters: ParameterSet) -> None:
        """Put a whole set of parameters in force, between two quotes, or none of it.

        It may be in any state of the gate. The states of pairs stay: a pair that holds must keep
        its symbols. Raises SetupError: what does not fit the card. Raises CardError: the card
        refused the set; that in force before still is.
        """
        strategy, sizes = self.strategy, self.sizes
        checksum = parameters.checksum(sizes)
        commits, refused = strategy.commits, strategy.refused_writes
        where = f"parameters {parameters.epoch}"
        strategy.begin = 1
        self._poll(lambda: strategy.shadow_ready == 1, f"{where}: the shadow is not cleared")
        for index, pair in enumerate(parameters.pairs):
            strategy.pair = index
            for name in PARAMETERS:
                bits = getattr(StrategyRegs, name).bits
                setattr(strategy, name, int(getattr(pair, name)) % (1 << bits))
            strategy.load = 1
        self._load_lists(parameters, sizes.symbols)
        if strategy.refused_writes != refused:
            raise CardError(f"{where}: the card refused a row")
        strategy.epoch = parameters.epoch
        strategy.checksum = checksum
        strategy.commit = 1
        self._poll(lambda: strategy.committing == 0, f"{where}: the check does not end")
        found = strategy.active_epoch, strategy.active_checksum
        if strategy.commits == commits or found != (parameters.epoch, checksum):
            raise CardError(
                f"{where}: the card refused the set: found epoch {found[0]} with checksum "
                f"{found[1]:#010x} in force, expected {parameters.epoch} with {checksum:#010x}"
            )

    def flatten(self, on: bool) -> None:
        """Let pairs only exit, from the next quote on; or let them enter again."""
        self.strategy.flatten = int(on)
        self._poll(
            lambda: self.strategy.flattening == int(on), f"flatten: not {int(on)} in the strategy"
        )

    def arm(self, state: str) -> None:
        """Raise the gate to ``close_only`` or ``armed``; ``killed`` leaves it killed.

        Raises CardError: the card refused, and why.
        """
        if state == STATES[0]:
            return
        self.risk.arm_as = STATES.index(state)
        self.risk.arm = 1
        found = [self.state for _ in range(SETTLING_READS)][-1]
        if found != state:
            why = "; ".join(self.obstacles.values()) or "the card does not say why"
            raise CardError(f"arming: state of the gate: found {found}, expected {state}: {why}")

    def open_feed(self) -> None:
        """Let market data in; return when the card has it.

        Raises CardError if the card does not say so.
        """
        self.feed.enable = 1
        self._poll(lambda: self.feed.enable == 1, "feed: found it shut, expected it open")

    def position(self, symbol: int) -> int:
        """Return the position of a symbol as the gate's ledger keeps it, in shares."""
        self.risk.symbol = symbol
        held = self.risk.read_registers([RiskRegs.position] * SETTLING_READS)["position"]
        return held - (1 << 32) if held >> 31 else held

    def counters(self) -> dict[str, dict[str, int]]:
        """Return every status register of every stage, by block and name."""
        return {
            name: block.read_registers(
                [register for register in type(block).registers if isinstance(register, Status)]
            )
            for name, block in vars(self).items()
        }

    def check_sizes(self, setup: CardSetup) -> None:
        """Raise CardError where a setup was made for a card of other sizes."""
        for name, needed, exact in (
            ("window", setup.window, True),
            ("slots", setup.slots, True),
            ("hold", setup.hold, True),
            ("symbols", len(setup.symbols), False),
            ("pairs", len(setup.pairs), False),
        ):
            found = getattr(self.identity, name)
            if found < needed or (exact and found != needed):
                word = "" if exact else "at least "
                raise CardError(f"card: {name}: found {found}, expected {word}{needed}")

    def _wait_ready(self) -> None:
        """Wait until no stage is clearing its tables any more."""
        for stage in (self.feed, self.book, self.strategy, self.risk):
            self._poll(
                lambda stage=stage: stage.ready == 1,
                f"{type(stage).__name__}.ready: found 0, expected 1",
            )

    def await_checks(self) -> None:
        """Return when no set is being checked, nor waits to come in force.

        Raises CardError: it does not end.
        """
        self._poll(lambda: self.risk.committing == 0, "limits: the check does not end")
        self._poll(lambda: self.strategy.committing == 0, "parameters: the check does not end")

    def _poll(self, done: Callable[[], bool], otherwise: str) -> None:
        """Read until it is done; raise CardError, saying what was ``otherwise``, if it never is."""
        for _ in range(READY_POLLS):
            if done():
                return
        raise CardError(f"{otherwise} after {READY_POLLS} reads")

    def _load_symbol(self, index: int, symbol: SymbolSetup) -> None:
        name = int.from_bytes(symbol.name.encode("ascii").ljust(8), "little")
        if not symbol.name.startswith(UNNAMED):
            self.feed.name = name
            self.feed.name_symbol = index
            self.feed.set_name = 1
        if symbol.locate is not None:
            self.feed.locate = symbol.locate
            self.feed.locate_symbol = index
            self.feed.locate_valid = 1
            self.feed.set_locate = 1
        self.book.symbol = index
        self.book.base_tick = symbol.base_tick
        self.book.cent_tick = int(symbol.cent_tick)
        self.book.status = symbol.status
        self.book.configure = 1
        self.order.name_symbol = index
        self.order.name = name
        self.order.set_name = 1
        if self.feed.names_full:
            raise CardError(f"feed: symbol {symbol.name}: the card could not keep its name")

    def _load_lists(self, parameters: ParameterSet, symbols: int) -> None:
        for symbol, listed in enumerate(listing(parameters.pairs, symbols)):
            for position, pair in enumerate(listed):
                self.strategy.list_symbol = symbol
                self.strategy.list_position = position
                self.strategy.list_pair = pair
                self.strategy.list_valid = 1
                self.strategy.set_list = 1


def lower(risk: RiskRegs, register: str, expected: Sequence[str]) -> None:
    """Write what lowers the gate, ``kill`` or ``close_only``, until it is in a state expected.

    Raises CardError if the card does not say so.
    """
    found = ""
    for poll in range(STATE_POLLS):
        if poll % WRITE_POLLS == 0:
            setattr(risk, register, 1)
        found = _state(risk)
        if found in expected:
            return
    what = register.replace("_", "-")
    raise CardError(f"{what}: state of the gate: found {found}, expected {expected[0]}")


def _state(risk: RiskRegs) -> str:
    return _state_named(risk.state)


def _state_named(found: int) -> str:
    if found >= len(STATES):
        raise CardError(f"state of the gate: found {found}, expected 0 to {len(STATES) - 1}")
    return STATES[found]


def _kill_reasons(found: int) -> tuple[str, ...]:
    return tuple(name for bit, name in enumerate(KILL_REASONS) if found >> bit & 1)
