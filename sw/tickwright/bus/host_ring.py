"""A ring in host memory that a card on PCI Express fills, as the host reads it."""

from __future__ import annotations

from typing import Protocol

from tickwright.bus.errors import BusError
from tickwright.pcie.regs import FEWEST_LOG2, MOST_LOG2, PAGE_BYTES, RingRegs, fingerprint
from tickwright.telemetry.messages import RECORD_BYTES

__all__ = ["HostRing", "Memory", "RingError", "check_endpoint", "ring_bytes"]

HEAD_BYTES = 8
START_POLLS = 16  # a ring that may start does so as soon as the write under way is over
IDLE_POLLS = 1_000  # a write of the card is over in far fewer reads
DROPS = ("dropped_full", "dropped_queue", "dropped_off")
DROP_MODULUS = 1 << RingRegs.dropped_full.bits


class RingError(BusError):
    """The ring cannot be used: one line that says which fact, what was found and expected."""


class Memory(Protocol):
    """Host memory that the card can write: so many bytes from a bus address on."""

    @property
    def address(self) -> int: ...
    @property
    def size(self) -> int: ...
    def read(self, offset: int, size: int) -> bytes: ...
    def write(self, offset: int, data: bytes) -> None: ...


def ring_bytes(log2: int) -> int:
    """Return the memory that a ring of 2^log2 records needs: the slots, and a page for the head."""
    return (RECORD_BYTES << log2) + PAGE_BYTES


def check_endpoint(regs: RingRegs) -> None:
    """Raise RingError if the endpoint has something else behind BAR0 than this host knows."""
    found = regs.map_hash
    if found != fingerprint():
        raise RingError(
            f"PCIe endpoint: found map hash {found:#010x}, expected {fingerprint():#010x}: "
            f"card and host are of different versions"
        )


class HostRing:
    """Programs one of the card's rings and reads its records of 64 bytes in order, each once.

    Record n lies in slot n modulo the slots; behind the slots the card writes the head, the count
    of records it has written. ``name`` is that of the ring in errors. Raises RingError if card or
    memory do not fit.
    """

    def __init__(self, regs: RingRegs, memory: Memory, log2: int, name: str) -> None:
        if not FEWEST_LOG2 <= log2 <= MOST_LOG2:
            raise RingError(
                f"records of a ring: found 2^{log2}, expected 2^{FEWEST_LOG2} to 2^{MOST_LOG2}"
            )
        if memory.size < ring_bytes(log2) or memory.address % PAGE_BYTES:
            raise RingError(
                f"ring memory: found {memory.size} bytes at {memory.address:#x}, "
                f"expected {ring_bytes(log2)} at a multiple of {PAGE_BYTES}"
            )
        check_endpoint(regs)
        self._regs = regs
        self._name = name
        self._memory = memory
        self._log2 = log2
        self._slots = 1 << log2
        self._tail = 0
        self._dropped = 0
        self._dropped_before: list[int] = []

    def start(self) -> None:
        """Empty the ring and let the card write.

        Raises RingError if the card may not master the bus.
        """
        self.stop()
        regs, memory = self._regs, self._memory
        memory.write(self._head_offset, bytes(HEAD_BYTES))
        self._tail, self._dropped = 0, 0
        regs.ring_base = memory.address
        regs.ring_log2 = self._log2
        regs.head_base = memory.address + self._head_offset
        regs.tail = 0
        self._dropped_before = self._drops()
        regs.enabled = 1
        if not any(regs.running for _ in range(START_POLLS)):
            regs.enabled = 0
            raise RingError(f"{self._name}: the card may not master the bus, expected it to")

    def stop(self) -> None:
        """Let the card write no more; when this returns, the memory may be freed."""
        self._regs.enabled = 0
        for _ in range(IDLE_POLLS):
            if not self._regs.busy:
                return
        raise RingError(f"{self._name}: the card is still writing, expected it to be idle")

    def read(self, most: int | None = None) -> bytes:
        """Return the new records, at most so many, and give their slots back to the card.

        Raises RingError if the head makes no sense: then no record can be trusted.
        """
        head = int.from_bytes(self._memory.read(self._head_offset, HEAD_BYTES), "little")
        new = head - self._tail
        if not 0 <= new <= self._slots:
            raise RingError(
                f"head of the {self._name}: found {head}, "
                f"expected {self._tail} to {self._tail + self._slots}"
            )
        new = new if most is None else min(new, most)
        if not new:
            return b""
        first = self._tail % self._slots
        straight = min(new, self._slots - first)
        records = self._memory.read(first * RECORD_BYTES, straight * RECORD_BYTES)
        if new > straight:
            records += self._memory.read(0, (new - straight) * RECORD_BYTES)
        self._tail += new
        self._regs.tail = self._tail
        return records

    def lost(self) -> int:
        """Return how many records the card dropped since the start, for whatever reason.

        Raises RingError if the ring has stopped, for then nobody knows.
        """
        if not self._regs.running:
            raise RingError(
                f"{self._name}: found it stopped, expected it to run: the card lost the bus, so "
                "records under way may be lost; read what is there, then start anew"
            )
        now = self._drops()
        self._dropped += sum(
            (after - before) % DROP_MODULUS
            for before, after in zip(self._dropped_before, now, strict=True)
        )
        self._dropped_before = now
        return self._dropped

    @property
    def _head_offset(self) -> int:
        return RECORD_BYTES * self._slots

    def _drops(self) -> list[int]:
        return [getattr(self._regs, name) for name in DROPS]
