"""What a recorder tells a desk a few times a second: the newest of everything, and its counts.

Symbols and pairs are told by index, for the records know no names. Prices and money are in 1/10000
dollar, times in nanoseconds since midnight as the card has them.
"""

from __future__ import annotations

from msgspec import Struct, field

__all__ = ["HeldPair", "Holding", "Latency", "NewestOrder", "NewestQuote", "Snapshot"]


class NewestQuote(Struct):
    """The newest quote of a symbol. ``reasons`` include those of every symbol."""

    symbol: int
    bid: int
    bid_shares: int
    ask: int
    ask_shares: int
    status: str  # "-" before the first
    reasons: list[str]
    sequence: int
    feed_ns: int


class Holding(Struct):
    """What the fills seen made of a symbol's position: shares, negative where short."""

    symbol: int
    position: int
    bought: int  # shares
    sold: int  # shares
    cash: int  # received less paid, before fees


class HeldPair(Struct):
    """What the strategy holds of a pair by the outcomes it applied, since the card began."""

    pair: int
    held: list[int]  # shares a leg, negative where short


class NewestOrder(Struct):
    """An order, and what became of it."""

    user_ref: int
    intent: int
    symbol: int
    side: str  # B, S, T: buy, sell, sell short
    shares: int
    price: int
    filled: int
    state: str  # sent, accepted, partial, filled, canceled, rejected
    decided_ns: int


class Latency(Struct):
    """Times from an exchange's time stamp of a message to the order it caused, at the gate.

    It holds what the exchange and the network took, and the difference of two clocks: it is no
    measure of the card alone. ``counts`` are by powers of two: place n counts times of at least
    2^(n-1) and below 2^n nanoseconds, place 0 those of 0.
    """

    counts: list[int] = field(default_factory=list)
    negative: int = 0  # the clock of the card is behind


class Snapshot(Struct):
    """All that the records told so far."""

    time_ns: int = 0  # since the epoch, as the host has it
    records: int = 0
    records_per_second: float = 0.0
    missing: int = 0  # by their numbers
    unknown: int = 0  # of no kind or version that is known
    restarts: int = 0  # times that a card began anew
    kinds: dict[str, int] = field(default_factory=dict)  # records of each kind
    newest_ns: int = 0  # when the card decided the newest record
    quotes: list[NewestQuote] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    cash: int = 0  # of all fills, before fees
    unjoined: int = 0  # fills whose order was not seen: holdings and cash lack them
    pairs: list[HeldPair] = field(default_factory=list)
    orders: list[NewestOrder] = field(default_factory=list)  # the newest last
    orders_by_state: dict[str, int] = field(default_factory=dict)  # of those still remembered
    intents: dict[str, int] = field(default_factory=dict)  # by kind
    passed: int = 0
    refused: int = 0
    refusals: dict[str, int] = field(default_factory=dict)  # by check, those above 0
    gate: str = ""  # state at the newest verdict
    feed_ok: bool = False  # at the newest verdict
    session_ok: bool = False
    overflows: int = 0
    capacities: int = 0
    evaluations_dropped: int = 0
    latency: Latency = field(default_factory=Latency)
    ring_lost: int = 0  # records that the ring had no room for
    ring_waiting: int = 0
    disk_records: int = 0
    disk_lost: int = 0  # records that the disk did not take
    disk_error: str = ""  # why, while it lasts
    forgotten: int = 0  # records of this ring on the disk, too old to be part of all this

    @property
    def lost(self) -> int:
        """Records that were lost before the recorder, by the card or for a ring that was full.

        What the ring counts is missing by its number as well, once a later record came.
        """
        return max(self.missing, self.ring_lost)
