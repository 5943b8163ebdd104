"""A ring of the endpoint and the memory that it writes, for the drivers of rings."""

from __future__ import annotations

from collections.abc import Iterable

from tickwright.bus.host_ring import ring_bytes
from tickwright.core.regs import WORD_BYTES
from tickwright.pcie.regs import ENDPOINT_BASE, PcieRegs, RingRegs, fingerprint
from tickwright.telemetry.messages import RECORD_BYTES

__all__ = ["ADDRESS", "LOG2", "SLOTS", "Card", "Memory"]

LOG2 = 4
SLOTS = 1 << LOG2
ADDRESS = 0x1_2340_0000


class Memory:
    """Bytes at a bus address."""

    def __init__(self, size: int = ring_bytes(LOG2), address: int = ADDRESS) -> None:
        self.address, self.size = address, size
        self.data = bytearray(b"\xff" * size)

    def read(self, offset: int, size: int) -> bytes:
        assert offset + size <= self.size
        return bytes(self.data[offset : offset + size])

    def write(self, offset: int, data: bytes) -> None:
        assert offset + len(data) <= self.size
        self.data[offset : offset + len(data)] = data


class Card:
    """A ring of the endpoint, as the driver sees it, and what is plain memory around it.

    It writes where it was told to, and drops what does not fit.
    """

    def __init__(self, memory: Memory, block: type[RingRegs] = PcieRegs, base: int = ENDPOINT_BASE):
        self.memory = memory
        self.block, self.base = block, base
        self.words: dict[int, int] = {}
        self.master = True
        self.busy_reads = self.head = self.sent = 0
        self.set("map_hash", fingerprint())

    def get(self, name: str) -> int:
        register = getattr(self.block, name)
        return sum(
            self.words.get(register.offset + WORD_BYTES * k, 0) << 32 * k
            for k in range(register.words)
        )

    def set(self, name: str, value: int) -> None:
        register = getattr(self.block, name)
        for k in range(register.words):
            self.words[register.offset + WORD_BYTES * k] = value >> 32 * k & 0xFFFF_FFFF

    def read(self, addr: int) -> int:
        offset = addr - self.base
        if offset == RingRegs.busy.offset and self.busy_reads:
            self.busy_reads -= 1
            return 1
        return self.words.get(offset, 0)

    def write(self, addr: int, value: int) -> None:
        self.words[addr - self.base] = value
        if addr - self.base == RingRegs.enabled.offset:
            self.set("running", value & self.master)
            self.head = self.head if value else 0

    def send(self, count: int) -> list[bytes]:
        """Send numbered records; return those that were written."""
        first, self.sent = self.sent + 1, self.sent + count
        return self.pass_on(n.to_bytes(RECORD_BYTES, "big") for n in range(first, first + count))

    def pass_on(self, records: Iterable[bytes]) -> list[bytes]:
        """Send records; return those that were written."""
        written = []
        for record in records:
            if not self.get("running"):
                self.set("dropped_off", self.get("dropped_off") + 1)
            elif self.head - self.get("tail") == 1 << self.get("ring_log2"):
                self.set("dropped_full", (self.get("dropped_full") + 1) % 2**32)
            else:
                slot = self.head % (1 << self.get("ring_log2"))
                place = self.get("ring_base") + RECORD_BYTES * slot
                self.memory.write(place - self.memory.address, record)
                self.head += 1
                written.append(record)
        place = self.get("head_base") - self.memory.address
        self.memory.write(place, self.head.to_bytes(8, "little"))
        return written
