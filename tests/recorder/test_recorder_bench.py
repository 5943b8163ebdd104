"""The measurement of the recorder finds what is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tickwright.recorder.bench import same_on_disk
from tickwright.recorder.load import Load
from tickwright.recorder.records import split, unpack
from tickwright.recorder.segments import Place, SegmentWriter
from tickwright.recorder.summary import Summary
from tickwright.telemetry.messages import RECORD_BYTES

SEED = 1
TOTAL = 40_000


def test_a_record_is_the_same_however_it_is_asked_for():
    load = Load(SEED)
    whole = load.records(0, TOTAL)
    parts = [load.records(first, 999) for first in range(0, TOTAL, 999)]
    assert np.array_equal(np.concatenate(parts)[:TOTAL], whole)
    assert not np.array_equal(Load(SEED + 1).records(0, TOTAL), whole)


def test_the_load_is_sound_telemetry():
    records = Load(SEED).records(0, TOTAL)
    kinds, unknown = split(records)
    assert unknown == 0
    assert {name: len(unpack(name, found)) > 0 for name, found in kinds.items()} == dict.fromkeys(
        ("quotes", "coalesced", "intents", "verdicts", "orders", "applied", "responses"), True
    )
    summary = Summary()
    summary.update(records, 1)
    found = summary.snapshot(0)
    assert (found.missing, found.restarts, len(found.quotes)) == (0, 0, 512)
    assert found.orders_by_state["filled"] > 0


def written(folder: Path, records: np.ndarray) -> None:
    with SegmentWriter(folder, lambda: 0, most_bytes=TOTAL // 3 * RECORD_BYTES) as segments:
        assert segments.append(records, Place(1, 1, 0)) == len(records)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param(lambda records: records, TOTAL, id="whole"),
        pytest.param(lambda records: records[:-1], TOTAL - 1, id="short"),
        pytest.param(lambda records: np.delete(records, 20_000, 0), None, id="a-hole"),
        pytest.param(lambda records: np.concatenate([records, records]), None, id="doubled"),
    ],
)
def test_the_disk_is_compared_byte_for_byte(tmp_path: Path, change, same: int | None):
    written(tmp_path, change(Load(SEED).records(0, TOTAL)))
    found = same_on_disk(tmp_path, TOTAL)
    assert found == same if same is not None else found < TOTAL


def test_one_bit_is_enough(tmp_path: Path):
    records = Load(SEED).records(0, TOTAL)
    records[-1, -1] ^= 1
    written(tmp_path, records)
    assert same_on_disk(tmp_path, TOTAL) < TOTAL


def test_more_than_was_written_is_nothing_the_same(tmp_path: Path):
    written(tmp_path, Load(SEED).records(0, TOTAL + 1))
    assert same_on_disk(tmp_path, TOTAL) == 0
