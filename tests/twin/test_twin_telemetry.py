"""Records leave the twin in the order in which they were decided, none unnumbered."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tickwright.host.records import TABLES
from tickwright.recorder.records import column, split, unpack
from tickwright.recorder.ring import RingReader
from tickwright.twin.card import Tapped
from tickwright.twin.telemetry import Telemetry


def tapped(name: str, table: str, cycles: list[int]) -> Tapped:
    rows = np.zeros(len(cycles), TABLES[table])
    rows["sequence"] = cycles
    found = np.array(cycles, np.uint64)
    return Tapped(name, found, found * np.uint64(6), rows)


def test_records_are_numbered_by_cycle_over_all_streams(tmp_path: Path):
    telemetry = Telemetry(tmp_path / "ring", 64)
    telemetry.emit([])
    telemetry.emit([tapped("quotes", "quotes", [5, 9]), tapped("taints", "trusts", [3, 9])])
    telemetry.emit([tapped("quotes", "quotes", [11])])
    telemetry.close()
    with RingReader(tmp_path / "ring") as ring:
        records = ring.read(64)
    assert column(records, "number").tolist() == [0, 1, 2, 3, 4]
    assert column(records, "decided_ns").tolist() == [18, 30, 54, 54, 66]
    kinds, unknown = split(records)
    assert unknown == 0
    assert unpack("quotes", kinds["quotes"])["sequence"].tolist() == [5, 9, 11]
    assert unpack("trusts", kinds["trusts"])["sequence"].tolist() == [3, 9]


def test_what_a_full_ring_drops_leaves_a_gap_in_the_numbers(tmp_path: Path):
    telemetry = Telemetry(tmp_path / "ring", 64)
    telemetry.emit([tapped("quotes", "quotes", list(range(70)))])
    with RingReader(tmp_path / "ring") as ring:
        assert len(ring.read(100)) == 64
        ring.release()
        telemetry.emit([tapped("quotes", "quotes", [99])])
        assert column(ring.read(100), "number").tolist() == [70]
        assert ring.dropped == 6
    telemetry.close()
