"""What the host loads into a card before a run: the desk, quantised.

Integers only. Prices and collars are in 1/10000 dollar, notionals too, times in nanoseconds,
addresses are integers as on the wire. Whatever does not fit is refused here, in one line that
says where, what was found and what was expected.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from tickwright.risk.checks import STATES
from tickwright.top.presets import PRESETS, Preset

__all__ = [
    "CENT_TICK",
    "FINE_TICK",
    "NO_STATUS",
    "UNNAMED",
    "CardSetup",
    "FeedSetup",
    "GateSetup",
    "LineSetup",
    "PairSetup",
    "SessionSetup",
    "SetupError",
    "SymbolSetup",
]

CENT_TICK = 100  # tick size of most symbols, in 1/10000 dollar
FINE_TICK = 1
NO_STATUS = 0  # before the first H message
UNNAMED = "@"  # begins the name of a symbol of which only the locate is known
LAST_TICK = (1 << 25) - 1  # a tick has 25 bits; the window ends at or below the last
DEVIATION_LIMIT = (1 << 31) - 1  # a deviation is clamped to it
MAX_LEG_SHARES = 999_999
LOCATES = 1 << 16


class SetupError(ValueError):
    """A setup that the card cannot take."""


def _within(where: str, what: str, found: object, lowest: int, highest: int) -> None:
    if isinstance(found, bool) or not isinstance(found, int) or not lowest <= found <= highest:
        raise SetupError(
            f"{where}: {what}: found {found!r}, expected an integer from {lowest} to {highest}"
        )


def _expect(holds: bool, where: str, what: str, found: object, expected: str) -> None:
    if not holds:
        raise SetupError(f"{where}: {what}: found {found!r}, expected {expected}")


@dataclass(frozen=True, kw_only=True)
class SymbolSetup:
    """A watched symbol; its index is its place in the setup of the card.

    The limits and the position are the gate's. Limits of 0 refuse every order.
    """

    name: str
    locate: int | None = None  # None: learned from its R message
    base_tick: int = 0  # lowest tick of the window
    cent_tick: bool = True  # a tick is a cent; else 1/10000 dollar
    status: int = NO_STATUS  # ASCII trading status, as an H message has it
    max_shares: int = 0  # of an order
    max_notional: int = 0  # of an order
    max_position: int = 0  # shares, long or short, with all that is open
    collar: int = 0  # how far a price may lie beyond the opposite best
    position: int = 0  # shares held at the start

    def __post_init__(self) -> None:
        where = f"symbol {self.name}"
        _expect(
            isinstance(self.name, str)
            and self.name.isascii()
            and self.name.isprintable()
            and 0 < len(self.name) <= 8
            and self.name == self.name.strip(),
            where,
            "name",
            self.name,
            "1 to 8 ASCII characters without spaces around",
        )
        if self.locate is not None:
            _within(where, "locate", self.locate, 0, LOCATES - 1)
        _within(where, "base_tick", self.base_tick, 0, LAST_TICK)
        _within(where, "status", self.status, 0, (1 << 8) - 1)
        _within(where, "max_shares", self.max_shares, 0, (1 << 32) - 1)
        _within(where, "max_notional", self.max_notional, 0, (1 << 63) - 1)
        _within(where, "max_position", self.max_position, 0, (1 << 31) - 1)
        _within(where, "collar", self.collar, 0, (1 << 32) - 1)
        _within(where, "position", self.position, -(1 << 31), (1 << 31) - 1)

    @property
    def tick_size(self) -> int:
        """The price step, in 1/10000 dollar."""
        return CENT_TICK if self.cent_tick else FINE_TICK


@dataclass(frozen=True, kw_only=True)
class PairSetup:
    """A pair; its index is its place in the setup of the card. Units: specification, section 6."""

    name: str
    enabled: bool = True
    symbol_a: int
    symbol_b: int
    hedge: int
    mean: int
    entry_deviation: int
    exit_deviation: int
    stop_deviation: int
    min_edge: int
    shares_a: int
    shares_b: int
    max_spread_a: int
    max_spread_b: int
    aggression_a: int
    aggression_b: int
    retry_ns: int

    def __post_init__(self) -> None:
        where = f"pair {self.name}"
        _expect(isinstance(self.enabled, bool), where, "enabled", self.enabled, "True or False")
        for name in ("symbol_a", "symbol_b"):
            _within(where, name, getattr(self, name), 0, (1 << 32) - 1)
        _expect(
            self.symbol_a != self.symbol_b, where, "symbol_b", self.symbol_b, "not symbol_a as well"
        )
        _within(where, "hedge", self.hedge, 1, (1 << 23) - 1)
        for name in ("mean", "min_edge"):
            _within(where, name, getattr(self, name), -(1 << 47), (1 << 47) - 1)
        _within(where, "stop_deviation", self.stop_deviation, 0, DEVIATION_LIMIT)
        _within(where, "entry_deviation", self.entry_deviation, 0, DEVIATION_LIMIT)
        _expect(
            self.entry_deviation < self.stop_deviation,
            where,
            "entry_deviation",
            self.entry_deviation,
            f"less than stop_deviation, which is {self.stop_deviation}",
        )
        _within(where, "exit_deviation", self.exit_deviation, 0, DEVIATION_LIMIT)
        _expect(
            self.exit_deviation <= self.entry_deviation,
            where,
            "exit_deviation",
            self.exit_deviation,
            f"at most entry_deviation, which is {self.entry_deviation}",
        )
        for leg in "ab":
            _within(where, f"shares_{leg}", getattr(self, f"shares_{leg}"), 1, MAX_LEG_SHARES)
            name = f"max_spread_{leg}"
            _within(where, name, getattr(self, name), 0, (1 << 32) - 1)
            name = f"aggression_{leg}"
            _within(where, name, getattr(self, name), 0, (1 << 24) - 1)
        _within(where, "retry_ns", self.retry_ns, 0, (1 << 40) - 1)


@dataclass(frozen=True, kw_only=True)
class GateSetup:
    """Limits on every order, and the state the gate is raised to; all zero at reset."""

    max_shares: int = 0
    max_notional: int = 0
    state: str = "killed"
    first_user_ref: int = 1

    def __post_init__(self) -> None:
        _within("gate", "max_shares", self.max_shares, 0, (1 << 32) - 1)
        _within("gate", "max_notional", self.max_notional, 0, (1 << 63) - 1)
        _expect(self.state in STATES, "gate", "state", self.state, "one of " + ", ".join(STATES))
        _within("gate", "first_user_ref", self.first_user_ref, 1, (1 << 32) - 1)


@dataclass(frozen=True, kw_only=True)
class LineSetup:
    """Where the datagrams of a line of the feed are sent."""

    destination: int  # IPv4 address
    port: int  # UDP

    def __post_init__(self) -> None:
        _within("feed line", "destination", self.destination, 0, (1 << 32) - 1)
        _within("feed line", "port", self.port, 0, (1 << 16) - 1)


@dataclass(frozen=True, kw_only=True)
class FeedSetup:
    """The lines of the feed, and how long the card waits for them."""

    line_a: LineSetup = LineSetup(destination=0, port=0)
    line_b: LineSetup = LineSetup(destination=0, port=0)
    start_sequence: int = 1
    hold_ns: int = 1_000_000  # before an open gap is declared
    max_age_ns: int = 1_000_000_000  # without a datagram, before the gate refuses

    def __post_init__(self) -> None:
        _within("feed", "start_sequence", self.start_sequence, 0, (1 << 64) - 1)
        _within("feed", "hold_ns", self.hold_ns, 0, (1 << 48) - 1)
        _within("feed", "max_age_ns", self.max_age_ns, 0, (1 << 48) - 1)


@dataclass(frozen=True, kw_only=True)
class SessionSetup:
    """The order session, as the host hands it over once it is logged in."""

    local_mac: int = 0
    peer_mac: int = 0
    local_address: int = 0  # IPv4
    peer_address: int = 0
    local_port: int = 0  # TCP
    peer_port: int = 0
    start_seq: int = 0  # number of the next byte to send
    start_ack: int = 0  # number of the next byte to receive
    start_window: int = 0xFFFF  # bytes the peer takes
    window: int = 0xFFFF  # bytes the card takes, as it says in its segments
    ack_timeout_ns: int = 1_000_000_000

    def __post_init__(self) -> None:
        bits = {"mac": 48, "address": 32, "port": 16, "seq": 32, "ack": 32, "window": 16, "ns": 48}
        for column in fields(self):
            width = bits[column.name.rpartition("_")[2]]
            _within("session", column.name, getattr(self, column.name), 0, (1 << width) - 1)


@dataclass(frozen=True, kw_only=True)
class CardSetup:
    """All that the host loads into a card; `window`, `slots`, `hold` are sizes of its build."""

    window: int  # price levels a symbol and side
    symbols: tuple[SymbolSetup, ...]
    pairs: tuple[PairSetup, ...] = ()
    gate: GateSetup = GateSetup()
    feed: FeedSetup = FeedSetup()
    session: SessionSetup = SessionSetup()
    epoch: int = 0  # number of this set of parameters
    slots: int = PRESETS["twin"].slots  # orders that may be open at the venue
    hold: int = PRESETS["twin"].hold  # messages the arbiter can hold

    def __post_init__(self) -> None:
        for name in ("window", "slots", "hold"):
            size = getattr(self, name)
            _within("card", name, size, 1, 1 << 24)
            _expect(not size & (size - 1), "card", name, size, "a power of two")
        _within("card", "epoch", self.epoch, 0, (1 << 16) - 1)
        self._check_symbols()
        self._check_pairs()

    def _check_symbols(self) -> None:
        names: set[str] = set()
        locates: dict[int, str] = {}
        for symbol in self.symbols:
            where = f"symbol {symbol.name}"
            _expect(symbol.name not in names, where, "name", symbol.name, "each symbol once")
            names.add(symbol.name)
            if symbol.locate is not None:
                owner = locates.setdefault(symbol.locate, symbol.name)
                _expect(
                    owner == symbol.name,
                    where,
                    "locate",
                    symbol.locate,
                    f"one of its own, not that of {owner}",
                )
            _expect(
                symbol.base_tick + self.window <= LAST_TICK,
                where,
                "base_tick",
                symbol.base_tick,
                f"at most {LAST_TICK - self.window}, for a window of {self.window} ticks",
            )

    def _check_pairs(self) -> None:
        names: set[str] = set()
        for pair in self.pairs:
            where = f"pair {pair.name}"
            _expect(pair.name not in names, where, "name", pair.name, "each name once")
            names.add(pair.name)
            for name in ("symbol_a", "symbol_b"):
                _within(where, name, getattr(pair, name), 0, len(self.symbols) - 1)

    def check_fits(self, preset: Preset) -> None:
        """Raise SetupError where a build of this size cannot hold the setup."""
        for name in ("window", "slots", "hold"):
            size = getattr(preset, name)
            _expect(
                getattr(self, name) == size,
                "card",
                name,
                getattr(self, name),
                f"{size}, as preset {preset.name} has it",
            )
        for name in ("symbols", "pairs"):
            count, most = len(getattr(self, name)), getattr(preset, name)
            _expect(
                count <= most, "card", name, count, f"at most {most}, as preset {preset.name} holds"
            )
        for index, symbol in enumerate(self.symbols):
            count = sum(index in (pair.symbol_a, pair.symbol_b) for pair in self.pairs)
            _expect(
                count <= preset.fanout,
                f"symbol {symbol.name}",
                "pairs that list it",
                count,
                f"at most {preset.fanout}, as preset {preset.name} holds",
            )
