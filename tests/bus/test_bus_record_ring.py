"""The driver of the record ring: a ring that may also interrupt."""

from __future__ import annotations

import pytest
from fake_endpoint.ring import LOG2, Card, Memory

from tickwright.bus.host_ring import RingError
from tickwright.bus.record_ring import RecordRing


def test_the_spacing_of_interrupts_is_set_before_the_ring_starts():
    memory = Memory()
    card = Card(memory)
    ring = RecordRing(card, memory, LOG2)
    ring.start(spacing_cycles=7)
    assert (card.get("spacing"), card.get("running")) == (7, 1)
    assert b"".join(card.send(3)) == ring.read()
    ring.start()
    assert card.get("spacing") == 0


def test_errors_name_the_record_ring():
    memory = Memory()
    card = Card(memory)
    card.master = False
    with pytest.raises(RingError, match="record ring: the card may not master the bus"):
        RecordRing(card, memory, LOG2).start()
