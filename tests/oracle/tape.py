"""ITCH messages by hand, for tests: one method a kind, with time going on by itself."""

from __future__ import annotations

from tickwright.feed.messages import (
    AddOrder,
    AddOrderAttributed,
    ItchMessage,
    OrderCancel,
    OrderDelete,
    OrderExecuted,
    OrderExecutedPrice,
    OrderReplace,
    StockDirectory,
    TradingAction,
)

__all__ = ["Tape"]


class Tape:
    """Messages in their order; sequence 1 is the first, unless ``first`` says otherwise.

    Each method takes the locate first, appends one message and returns its sequence. Prices are in
    1/10000 dollar; `now_ns` is the time stamp of the next message and grows by ``step_ns``.
    """

    def __init__(self, *, first: int = 1, now_ns: int = 1_000_000, step_ns: int = 1_000) -> None:
        self.first = first
        self.now_ns = now_ns
        self.step_ns = step_ns
        self.messages: list[bytes] = []

    @property
    def numbered(self) -> list[tuple[bytes, int]]:
        """The messages, each with its sequence."""
        return [(data, self.first + place) for place, data in enumerate(self.messages)]

    def take(self, data: bytes) -> int:
        """Append a message as it is."""
        self.messages.append(data)
        self.now_ns += self.step_ns
        return self.first + len(self.messages) - 1

    def _put(self, kind: type[ItchMessage], locate: int, **values: int | str) -> int:
        message = kind(locate=locate, tracking=0, timestamp_ns=self.now_ns, **values)
        return self.take(message.pack())

    def directory(self, locate: int, stock: str) -> int:
        return self._put(StockDirectory, locate, stock=stock)

    def status(self, locate: int, state: str) -> int:
        return self._put(TradingAction, locate, stock="", state=state)

    def add(self, locate: int, reference: int, side: str, shares: int, price: int) -> int:
        values = {"reference": reference, "side": side, "shares": shares, "price": price}
        return self._put(AddOrder, locate, **values)

    def add_attributed(
        self, locate: int, reference: int, side: str, shares: int, price: int
    ) -> int:
        values = {"reference": reference, "side": side, "shares": shares, "price": price}
        return self._put(AddOrderAttributed, locate, **values)

    def execute(self, locate: int, reference: int, shares: int) -> int:
        return self._put(OrderExecuted, locate, reference=reference, shares=shares)

    def execute_at(self, locate: int, reference: int, shares: int, price: int) -> int:
        values = {"reference": reference, "shares": shares, "price": price}
        return self._put(OrderExecutedPrice, locate, printable="Y", **values)

    def cancel(self, locate: int, reference: int, shares: int) -> int:
        return self._put(OrderCancel, locate, reference=reference, shares=shares)

    def delete(self, locate: int, reference: int) -> int:
        return self._put(OrderDelete, locate, reference=reference)

    def replace(
        self, locate: int, reference: int, new_reference: int, shares: int, price: int
    ) -> int:
        values = {"reference": reference, "new_reference": new_reference}
        return self._put(OrderReplace, locate, shares=shares, price=price, **values)
