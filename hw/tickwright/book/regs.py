"""Registers of the book."""

from tickwright.core.regs import Block, Control, Counter, Status, Strobe
from tickwright.feed.reasons import REASONS

__all__ = ["BookRegs"]


class BookRegs(Block):
    """The windows of the watched symbols, and counts of what the book met.

    To set a symbol, write `symbol`, `base_tick`, `cent_tick` and `status`, then `configure`.
    """

    ready              = Status(1, "The tables have been cleared since reset; until then every "
                                   "event is refused.")
    symbol             = Control(16, "Symbol that `configure` sets and `reasons` shows.")
    base_tick          = Control(25, "Lowest price of the symbol's window.", unit="ticks")
    cent_tick          = Control(1, "A tick is 100/10000 dollar where 1, else 1/10000 dollar.")
    status             = Control(8, "Trading status of the symbol, ASCII, until its next status "
                                    "event.")
    configure          = Strobe("Set the symbol. Reason `configured` where it already had an "
                                "event. Ignored where `symbol` is not below the number of symbols.")
    reasons            = Status(len(REASONS), "Sticky reasons why the symbol is not trusted.")
    untrusted          = Status(16, "Symbols with a sticky reason.", unit="symbols")
    orders             = Status(32, "Orders in the table.", unit="orders")
    events             = Counter("Book and status events taken since reset.", unit="events")
    quotes             = Counter("Quotes published since reset.", unit="quotes")
    overflows          = Counter("Events refused since reset: the queue was full, or the "
                                 "tables not cleared.", unit="events")
    capacity           = Counter("Orders since reset that found no free way in the table.",
                                 unit="orders")
    unknown_references = Counter("Events since reset that named an order not in the table.",
                                 unit="events")
    duplicates         = Counter("Orders since reset whose reference was in the table.",
                                 unit="orders")
