"""What one types to move a card's records on ends when it is told to, and says what failed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tickwright.bus.errors import BusError
from tickwright.recorder import collector
from tickwright.recorder.ring import RingError

DEADLINE_S = 30
TYPED = "card collect --card pcie --ring records"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_records_flow_and_ends_by_a_signal(type_in, monkeypatch, number):
    seen = []

    def collect(card, ring, stopped, ready):
        ready()
        seen.append((card, ring, stopped()))
        os.kill(os.getpid(), number)
        end = time.monotonic() + DEADLINE_S
        while not stopped():
            assert time.monotonic() < end

    before = signal.getsignal(number)
    monkeypatch.setattr(collector, "collect", collect)
    done = type_in(TYPED)
    assert (done.status, done.err) == (0, "tickwright: records of pcie go to records\n")
    assert seen == [("pcie", Path("records"), False)]
    assert signal.getsignal(number) == before


@pytest.mark.parametrize(
    ("error", "begun", "status"),
    [
        (BusError("pcie: found none"), False, 3),
        (BusError("record ring: found it stopped"), True, 1),
        (RingError("records: found another writer"), False, 1),
    ],
)
def test_what_fails_is_told_in_a_line(type_in, monkeypatch, error, begun, status):
    def collect(card, ring, stopped, ready):
        if begun:
            ready()
        raise error

    monkeypatch.setattr(collector, "collect", collect)
    done = type_in(TYPED)
    assert done.status == status
    assert str(error) in done.err.splitlines()[-1]


def test_a_card_elsewhere_is_refused(type_in):
    done = type_in("card collect --card twin:card --ring records")
    assert done.status == 3
    assert "found 'twin:card', expected pcie or pcie:DOMAIN:BUS:DEVICE.FUNCTION" in done.err
