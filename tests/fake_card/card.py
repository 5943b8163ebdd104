"""The whole card: a bus, a clock that a test controls, and what a test may do to it."""

from __future__ import annotations

from collections.abc import Callable

from fake_card.gate import Gate
from fake_card.registers import Registers
from fake_card.strategy import Strategy
from tickwright.top.memory_map import BLOCK_WORDS, BLOCKS, fingerprint
from tickwright.top.presets import PRESETS, Preset

__all__ = ["CutOff", "FakeCard"]

BLOCK_BYTES = 4 * BLOCK_WORDS
CHECK_ACCESSES = 3


class CutOff(BaseException):
    """A host that is cut off, as by SIGKILL: nothing catches it."""


class FakeCard:
    """A card in reset. What its gateware does in cycles, this does in accesses of the bus.

    ``before`` is called before each access with its number, from 0 on; it may raise.
    """

    def __init__(
        self, preset: Preset = PRESETS["twin"], *, check_accesses: int = CHECK_ACCESSES
    ) -> None:
        self.preset = preset
        self.gate = Gate(preset, check_accesses)
        self.strategy = Strategy(preset, check_accesses)
        self.identity, self.feed, self.book, self.order = (
            Registers(BLOCKS[name]) for name in ("identity", "feed", "book", "order")
        )
        self._blocks = (self.identity, self.feed, self.book, self.strategy.regs, self.gate.regs,
                        self.order)  # fmt: skip
        self.names: dict[str, int] = {}  # the feed's, by name
        self.venue_names: dict[int, str] = {}
        self.windows: dict[int, tuple[int, int, int]] = {}  # base tick, cent tick, status
        self.accesses = 0
        self.before: Callable[[int], None] = lambda _: None
        self._show()

    def read(self, addr: int) -> int:
        """Return the word at byte address ``addr``."""
        self._pass_access()
        block, offset = divmod(addr, BLOCK_BYTES)
        return self._blocks[block].read(offset)

    def write(self, addr: int, value: int) -> None:
        """Write the word at byte address ``addr``."""
        self._pass_access()
        block, offset = divmod(addr, BLOCK_BYTES)
        self._blocks[block].write(offset, value)
        self.gate.look()

    def advance(self, ns: int) -> None:
        """Let card time pass."""
        self.gate.now_ns += ns
        self.gate.look()

    def hear(self, messages: int = 1) -> None:
        """Let market data come: so many messages, each delivered."""
        for name in ("messages_a", "delivered"):
            self.feed[name] += messages

    def _pass_access(self) -> None:
        self.before(self.accesses)
        self.accesses += 1
        self.gate.pass_access()
        self.strategy.pass_access()

    def _show(self) -> None:
        sizes = ("symbols", "orders", "window", "pairs", "fanout", "hold", "slots")
        for name in sizes:
            self.identity[name] = getattr(self.preset, name)
        self.identity["map_hash"] = fingerprint()
        self.identity.shown |= {
            "now_ns": lambda: self.gate.now_ns,
            "cycles": lambda: self.accesses,
        }
        self.feed["ready"] = self.book["ready"] = 1
        self.feed.strobes["set_name"] = self._set_name
        self.book.strobes["configure"] = self._configure
        self.order.strobes["set_name"] = self._set_venue_name
        self.order.shown["session_ok"] = lambda: int(
            self.order["open"] and not self.order["ended"] and not self.order["receive_fault"]
        )

    def _set_name(self, value: int) -> None:
        if self.feed["name_symbol"] >= self.preset.symbols:
            self.feed["names_full"] = 1
        else:
            symbol = self.feed["name_symbol"]
            self.names = {name: of for name, of in self.names.items() if of != symbol}
            self.names[_text(self.feed["name"])] = symbol

    def _configure(self, value: int) -> None:
        names = ("base_tick", "cent_tick", "status")
        self.windows[self.book["symbol"]] = tuple(self.book[name] for name in names)

    def _set_venue_name(self, value: int) -> None:
        self.venue_names[self.order["name_symbol"]] = _text(self.order["name"])


def _text(name: int) -> str:
    return name.to_bytes(8, "little").decode("ascii").rstrip()
