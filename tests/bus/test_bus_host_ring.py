"""The driver of a ring against a card that is a table of registers."""

from __future__ import annotations

import random

import pytest
from fake_endpoint.ring import ADDRESS, LOG2, SLOTS, Card, Memory

from tickwright.bus.host_ring import HostRing, RingError, ring_bytes
from tickwright.pcie.regs import ENDPOINT_BASE, FEWEST_LOG2, MOST_LOG2, PcieRegs
from tickwright.telemetry.messages import RECORD_BYTES


def ring_of(card: Card, memory: Memory, log2: int = LOG2) -> HostRing:
    return HostRing(PcieRegs(card, ENDPOINT_BASE), memory, log2, "ring of a test")


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def card(memory: Memory) -> Card:
    return Card(memory)


@pytest.fixture
def ring(card: Card, memory: Memory) -> HostRing:
    ring = ring_of(card, memory)
    ring.start()
    return ring


def test_records_are_read_in_order_each_once_and_the_lost_ones_are_counted(
    ring: HostRing, card: Card
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


def test_a_ring_started_again_is_empty_and_has_lost_nothing(ring: HostRing, card: Card):
    card.send(2 * SLOTS)
    assert ring.lost() == SLOTS
    card.busy_reads = 5
    ring.start()
    assert (ring.read(), ring.lost()) == (b"", 0)
    assert ring.read() == b""
    assert b"".join(card.send(1)) == ring.read()


def test_the_card_is_told_where_slots_and_head_lie(ring: HostRing, card: Card):
    assert card.get("ring_base") == ADDRESS
    assert card.get("head_base") == ADDRESS + SLOTS * RECORD_BYTES
    assert card.get("ring_log2") == LOG2


def test_a_card_that_may_not_master_the_bus_is_refused(card: Card, memory: Memory):
    card.master = False
    with pytest.raises(RingError, match="may not master the bus"):
        ring_of(card, memory).start()
    assert card.get("enabled") == 0


def test_a_card_that_lost_the_bus_no_longer_counts(ring: HostRing, card: Card):
    card.set("running", 0)
    with pytest.raises(RingError, match="found it stopped"):
        ring.lost()


def test_a_card_that_never_rests_is_told(ring: HostRing, card: Card):
    card.busy_reads = 10**9
    with pytest.raises(RingError, match="still writing"):
        ring.stop()


@pytest.mark.parametrize("head", [SLOTS + 1, 2**63])
def test_a_head_that_makes_no_sense_is_told(ring: HostRing, memory: Memory, head: int):
    memory.write(SLOTS * RECORD_BYTES, head.to_bytes(8, "little"))
    with pytest.raises(RingError, match=f"found {head}, expected 0 to {SLOTS}"):
        ring.read()


def test_a_head_that_went_back_is_told(ring: HostRing, card: Card, memory: Memory):
    card.send(3)
    ring.read()
    memory.write(SLOTS * RECORD_BYTES, bytes(8))
    with pytest.raises(RingError, match=f"found 0, expected 3 to {3 + SLOTS}"):
        ring.read()


def test_a_card_of_another_version_is_refused(card: Card, memory: Memory):
    card.set("map_hash", 1)
    with pytest.raises(RingError, match="map hash 0x00000001"):
        ring_of(card, memory)


@pytest.mark.parametrize("log2", [FEWEST_LOG2 - 1, MOST_LOG2 + 1])
def test_a_ring_of_a_size_that_no_card_has_is_refused(card: Card, memory: Memory, log2: int):
    with pytest.raises(RingError, match=rf"found 2\^{log2}"):
        ring_of(card, memory, log2)


@pytest.mark.parametrize(
    "memory", [Memory(size=ring_bytes(LOG2) - 1), Memory(address=ADDRESS + 64)]
)
def test_memory_that_does_not_fit_is_refused(memory: Memory):
    with pytest.raises(RingError, match="ring memory: found"):
        ring_of(Card(memory), memory)
