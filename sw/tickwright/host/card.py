"""The card, as the desk sees it."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from tickwright.book.regs import BookRegs
from tickwright.core.regs import Bus, Status
from tickwright.feed.regs import FeedRegs
from tickwright.host.sets import ORDER_LIMITS, clipped, listing
from tickwright.host.setup import UNNAMED, CardSetup, PairSetup, SymbolSetup
from tickwright.order.regs import OrderRegs
from tickwright.risk.checks import STATES
from tickwright.risk.regs import SYMBOL_LIMITS, RiskRegs
from tickwright.strategy.regs import PARAMETERS, StrategyRegs
from tickwright.top.memory_map import IdentityRegs, base, fingerprint

__all__ = ["Card", "CardError"]

ARM_POLLS = 4  # a bus may read before its own write has taken effect
READY_POLLS = 1_000_000  # the tables of the largest card clear in fewer


class CardError(RuntimeError):
    """The card is not the one expected, or refused what was asked of it."""


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

    def kill(self) -> None:
        """Stop every order at the gate, in the cycle of the write.

        The second leg of an intent that has passed still leaves, at most one order: without it the
        first would be held alone.
        """
        self.risk.kill = 1

    def load(self, setup: CardSetup) -> None:
        """Load symbols, pairs, limits and the order session, with the gate killed.

        The feed stays shut until `open_feed`. Raises CardError: what the card refused, and where.
        """
        self._check_sizes(setup)
        self._wait_ready()
        self.kill()
        for index, symbol in enumerate(setup.symbols):
            self._load_symbol(index, symbol)
        for index, pair in enumerate(setup.pairs):
            self._load_pair(index, pair)
        self._load_lists(setup)
        self.strategy.epoch = setup.epoch
        self._load_gate(setup)
        self._load_session(setup)
        self._load_feed(setup)

    def arm(self, state: str) -> None:
        """Raise the gate to ``close_only`` or ``armed``; ``killed`` leaves it killed."""
        if state == STATES[0]:
            return
        self.risk.arm_as = STATES.index(state)
        self.risk.arm = 1
        polls = [STATES[self.risk.state] for _ in range(ARM_POLLS)]
        if polls[-1] != state:
            raise CardError(f"arming: state of the gate: found {polls[-1]}, expected {state}")

    def open_feed(self) -> None:
        """Let market data in."""
        self.feed.enable = 1

    def position(self, symbol: int) -> int:
        """Return the position of a symbol as the gate's ledger keeps it, in shares."""
        self.risk.symbol = symbol
        held = [self.risk.position for _ in range(ARM_POLLS)][-1]
        return held - (1 << 32) if held >> 31 else held

    def counters(self) -> dict[str, dict[str, int]]:
        """Return every status register of every stage, by block and name."""
        return {
            name: {
                register.name: getattr(block, register.name)
                for register in type(block).registers
                if isinstance(register, Status)
            }
            for name, block in vars(self).items()
        }

    def _check_sizes(self, setup: CardSetup) -> None:
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
            for _ in range(READY_POLLS):
                if stage.ready:
                    break
            else:
                raise CardError(
                    f"{type(stage).__name__}.ready: found 0 after {READY_POLLS} reads, expected 1"
                )

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
        self.risk.symbol = index
        for limit in SYMBOL_LIMITS:
            register = f"symbol_{limit}"
            setattr(self.risk, register, clipped(RiskRegs, register, getattr(symbol, limit)))
        self.risk.symbol_position = symbol.position % (1 << 32)
        self.risk.load_symbol = 1
        self._refused("risk", f"symbol {symbol.name}", self.risk.refused_writes)
        if self.feed.names_full:
            raise CardError(f"feed: symbol {symbol.name}: no room for its name among the others")

    def _load_pair(self, index: int, pair: PairSetup) -> None:
        self.strategy.pair = index
        for name in PARAMETERS:
            bits = getattr(StrategyRegs, name).bits
            setattr(self.strategy, name, int(getattr(pair, name)) % (1 << bits))
        self.strategy.load = 1
        self._refused("strategy", f"pair {pair.name}", self.strategy.refused_writes)

    def _load_lists(self, setup: CardSetup) -> None:
        for symbol, listed in enumerate(listing(setup.pairs, len(setup.symbols))):
            for position, pair in enumerate(listed):
                self.strategy.list_symbol = symbol
                self.strategy.list_position = position
                self.strategy.list_pair = pair
                self.strategy.list_valid = 1
                self.strategy.set_list = 1
                where = f"list of symbol {setup.symbols[symbol].name}"
                self._refused("strategy", where, self.strategy.refused_writes)

    def _load_gate(self, setup: CardSetup) -> None:
        for name in ORDER_LIMITS:
            setattr(self.risk, name, clipped(RiskRegs, name, getattr(setup.gate, name)))
        self.risk.first_user_ref = setup.gate.first_user_ref
        self.risk.positions_confirmed = 1
        self.risk.commit = 1

    def _load_session(self, setup: CardSetup) -> None:
        session = setup.session
        for name in (
            "local_mac",
            "peer_mac",
            "local_address",
            "peer_address",
            "local_port",
            "peer_port",
            "start_seq",
            "start_ack",
            "start_window",
            "window",
            "ack_timeout_ns",
        ):
            setattr(self.order, name, getattr(session, name))
        self.order.open = 1

    def _load_feed(self, setup: CardSetup) -> None:
        feed = setup.feed
        for line, place in (("a", feed.line_a), ("b", feed.line_b)):
            setattr(self.feed, f"line_{line}_destination", place.destination)
            setattr(self.feed, f"line_{line}_port", place.port)
        self.feed.start_sequence = feed.start_sequence
        self.feed.hold_ns = feed.hold_ns
        self.feed.max_age_ns = feed.max_age_ns

    def _refused(self, stage: str, what: str, count: int) -> None:
        if count:
            raise CardError(f"{stage}: {what}: the card refused it")
