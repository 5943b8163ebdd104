"""The driver of the record ring against a card that is a table of registers."""

from __future__ import annotations

import random

import pytest

from tickwright.bus.record_ring import RecordRing, RecordRingError, ring_bytes
from tickwright.core.regs import WORD_BYTES
from tickwright.pcie.regs import ENDPOINT_BASE, FEWEST_LOG2, MOST_LOG2, PcieRegs, fingerprint
from tickwright.telemetry.messages import RECORD_BYTES

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
    """The endpoint as the driver sees it: writes where it was told to, drops what does not fit."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.words: dict[int, int] = {}
        self.master = True
        self.busy_reads = self.head = self.sent = 0
        self.set("map_hash", fingerprint())

    def get(self, name: str) -> int:
        register = getattr(PcieRegs, name)
        return sum(
            self.words.get(register.offset + WORD_BYTES * k, 0) << 32 * k
            for k in range(register.words)
        )

    def set(self, name: str, value: int) -> None:
        register = getattr(PcieRegs, name)
        for k in range(register.words):
            self.words[register.offset + WORD_BYTES * k] = value >> 32 * k & 0xFFFF_FFFF

    def read(self, addr: int) -> int:
        offset = addr - ENDPOINT_BASE
        if offset == PcieRegs.busy.offset and self.busy_reads:
            self.busy_reads -= 1
            return 1
        return self.words.get(offset, 0)

    def write(self, addr: int, value: int) -> None:
        self.words[addr - ENDPOINT_BASE] = value
        if addr - ENDPOINT_BASE == PcieRegs.enabled.offset:
            self.set("running", value & self.master)
            self.head = self.head if value else 0

    def send(self, count: int) -> list[bytes]:
        """Send records; return those that were written."""
        written = []
        for _ in range(count):
            self.sent += 1
            record = self.sent.to_bytes(RECORD_BYTES, "big")
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


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def card(memory: Memory) -> Card:
    return Card(memory)


@pytest.fixture
def ring(card: Card, memory: Memory) -> RecordRing:
    ring = RecordRing(card, memory, LOG2)
    ring.start()
    return ring


def test_records_are_read_in_order_each_once_and_the_lost_ones_are_counted(
    ring: RecordRing, card: Card
):
    rng = random.Random(1)
    wanted, found = [], b""
    card.set("dropped_full", 2**32 - 3)
    ring.start()
    for _ in range(200):
        wanted += card.send(rng.randrange(2 * SLOTS))
        found += ring.read(rng.choice([None, 0, 1, 5, SLOTS]))
    found += ring.read()
    assert found == b"".join(wanted)
    assert ring.lost() == card.sent - len(wanted) > 3
    assert card.get("tail") == len(wanted)
    assert ring.read() == b""


def test_a_ring_started_again_is_empty_and_has_lost_nothing(ring: RecordRing, card: Card):
    card.send(2 * SLOTS)
    assert ring.lost() == SLOTS
    card.busy_reads = 5
    ring.start(spacing_cycles=7)
    assert (ring.read(), ring.lost(), card.get("spacing")) == (b"", 0, 7)
    assert ring.read() == b""
    assert b"".join(card.send(1)) == ring.read()


def test_the_card_is_told_where_slots_and_head_lie(ring: RecordRing, card: Card):
    assert card.get("ring_base") == ADDRESS
    assert card.get("head_base") == ADDRESS + SLOTS * RECORD_BYTES
    assert card.get("ring_log2") == LOG2


def test_a_card_that_may_not_master_the_bus_is_refused(card: Card, memory: Memory):
    card.master = False
    with pytest.raises(RecordRingError, match="may not master the bus"):
        RecordRing(card, memory, LOG2).start()
    assert card.get("enabled") == 0


def test_a_card_that_lost_the_bus_no_longer_counts(ring: RecordRing, card: Card):
    card.set("running", 0)
    with pytest.raises(RecordRingError, match="found it stopped"):
        ring.lost()


def test_a_card_that_never_rests_is_told(ring: RecordRing, card: Card):
    card.busy_reads = 10**9
    with pytest.raises(RecordRingError, match="still writing"):
        ring.stop()


@pytest.mark.parametrize("head", [SLOTS + 1, 2**63])
def test_a_head_that_makes_no_sense_is_told(ring: RecordRing, memory: Memory, head: int):
    memory.write(SLOTS * RECORD_BYTES, head.to_bytes(8, "little"))
    with pytest.raises(RecordRingError, match=f"found {head}, expected 0 to {SLOTS}"):
        ring.read()


def test_a_head_that_went_back_is_told(ring: RecordRing, card: Card, memory: Memory):
    card.send(3)
    ring.read()
    memory.write(SLOTS * RECORD_BYTES, bytes(8))
    with pytest.raises(RecordRingError, match=f"found 0, expected 3 to {3 + SLOTS}"):
        ring.read()


def test_a_card_of_another_version_is_refused(card: Card, memory: Memory):
    card.set("map_hash", 1)
    with pytest.raises(RecordRingError, match="map hash 0x00000001"):
        RecordRing(card, memory, LOG2)


@pytest.mark.parametrize("log2", [FEWEST_LOG2 - 1, MOST_LOG2 + 1])
def test_a_ring_of_a_size_that_no_card_has_is_refused(card: Card, memory: Memory, log2: int):
    with pytest.raises(RecordRingError, match=rf"found 2\^{log2}"):
        RecordRing(card, memory, log2)


@pytest.mark.parametrize(
    "memory", [Memory(size=ring_bytes(LOG2) - 1), Memory(address=ADDRESS + 64)]
)
def test_memory_that_does_not_fit_is_refused(memory: Memory):
    with pytest.raises(RecordRingError, match="ring memory: found"):
        RecordRing(Card(memory), memory, LOG2)
