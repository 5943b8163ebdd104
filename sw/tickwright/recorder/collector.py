"""The way of records from a card on PCI Express into the ring that a recorder reads.

The card writes into a huge page; this moves its records on, as far as there is room. What finds
none stays with the card, which drops what comes when its own ring is full, and counts it: a record
that is lost leaves its number missing, whoever dropped it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tickwright.bus import opening
from tickwright.bus.errors import BusError
from tickwright.bus.host_ring import ring_bytes
from tickwright.bus.huge_memory import HugeMemory, allow_bus_master
from tickwright.bus.opening import open_bus
from tickwright.bus.pcie import card_at
from tickwright.bus.record_ring import RecordRing
from tickwright.recorder.ring import RingWriter
from tickwright.telemetry.messages import RECORD_BYTES

__all__ = ["Collector", "collect"]

LOG2 = 14  # of the records in the card's ring: the most that a huge page of 2 MiB holds
ENTRIES = 1 << 16  # of the recorder's ring
SCHEME = "pcie"
REST_S = 0.0005  # where nothing came
CHECK_S = 1.0


class Collector:
    """Moves records from the card's ring to the recorder's; `step` takes what is there."""

    def __init__(self, source: RecordRing, target: RingWriter) -> None:
        self._source, self._target = source, target
        self._check_s = 0.0

    def step(self, now_s: float) -> int:
        """Move what has come and fits, and return how many records that were.

        Raises RingError: the card's ring has stopped, or its head makes no sense.
        """
        target = self._target
        room = target.entries - (target.head - target.tail)
        records = self._source.read(room)
        if records:
            target.write(np.frombuffer(records, np.uint8).reshape(-1, RECORD_BYTES))
        if now_s >= self._check_s:
            self._check_s = now_s + CHECK_S
            self._source.lost()
        return len(records) // RECORD_BYTES


def collect(
    card: str,
    ring: Path,
    stopped: Callable[[], bool],
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Move records until ``stopped``; ``ready`` is called when the card writes them.

    ``card`` is ``pcie`` or ``pcie:DOMAIN:BUS:DEVICE.FUNCTION``. The card may master the bus from
    now on. What has not found room in the end is lost, and its numbers are missing. Raises
    BusError: the card or its memory cannot be used; RingError of the recorder: its ring cannot.
    """
    scheme, _, place = card.partition(":")
    if scheme != SCHEME:
        raise BusError(f"card: found {card!r}, expected pcie or pcie:DOMAIN:BUS:DEVICE.FUNCTION")
    with open_bus(card) as bus, RingWriter(ring, ENTRIES) as target:
        device = card_at(opening.SYSFS, place)
        memory = HugeMemory(ring_bytes(LOG2), device)
        source = RecordRing(bus, memory, LOG2)
        try:
            allow_bus_master(device)
            source.start()
            ready()
            collector = Collector(source, target)
            while not stopped():
                if not collector.step(time.monotonic()):
                    time.sleep(REST_S)
            collector.step(time.monotonic())
        finally:
            source.stop()  # if it fails, the card may still write, and the page stays its
            memory.close()
