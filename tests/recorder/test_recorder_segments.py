"""What was written to segments is read back, and a recorder that died goes on where it was."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from oracle.telemetry import random_table

from tickwright.host.records import Journal
from tickwright.recorder.records import pack
from tickwright.recorder.segments import (
    Loss,
    Place,
    SegmentsError,
    SegmentWriter,
    read_segments,
    segment_losses,
)
from tickwright.telemetry.messages import RECORD_BYTES, RECORDS

RING = 0xFEDC_BA98_7654_3210


def writer(folder: Path, records: int = 1000) -> SegmentWriter:
    return SegmentWriter(folder, lambda: 77, most_bytes=records * RECORD_BYTES)


def at(count: int, generation: int = 1, identity: int = RING) -> Place:
    return Place(identity, generation, count)


def mixed(rows: int) -> tuple[Journal, np.ndarray]:
    """Return tables, and their records in a random order that keeps that of each table."""
    rng = np.random.default_rng(11)
    tables = {name: random_table(name, rows, rng) for name in RECORDS}
    kinds = rng.permutation(np.repeat(np.arange(len(RECORDS)), rows))
    records = np.zeros((len(kinds), RECORD_BYTES), np.uint8)
    for kind, (name, table) in enumerate(tables.items()):
        numbers = np.flatnonzero(kinds == kind)
        records[numbers] = pack(name, table, numbers, 0)
    return Journal(**tables), records


def sizes(folder: Path) -> list[int]:
    """Return how many records each file holds."""
    return [path.stat().st_size // RECORD_BYTES - 1 for path in sorted(folder.iterdir())]


def test_tables_are_read_back_from_files_of_bounded_size(tmp_path: Path):
    journal, records = mixed(60)
    with writer(tmp_path, records=256) as segments:
        for place in range(0, len(records), 70):
            batch = records[place : place + 70]
            assert segments.append(batch, at(place)) == len(batch)
        assert segments.end == at(660)
    assert sizes(tmp_path) == [256, 256, 148]
    assert read_segments(tmp_path).first_difference(journal) is None
    assert segment_losses(tmp_path) == []


def test_an_empty_folder_is_an_empty_journal(tmp_path: Path):
    with writer(tmp_path / "new") as segments:
        assert segments.end is None
        assert segments.duplicate() is None
    assert read_segments(tmp_path / "new").equal(Journal())


def test_another_place_generation_or_ring_is_another_file(tmp_path: Path):
    _, records = mixed(1)
    with writer(tmp_path) as segments:
        for place in (at(0), at(2), at(5), at(7, 2), at(9, 2, 1)):
            segments.append(records[:2], place)
    assert sizes(tmp_path) == [4, 2, 2, 2]


def test_losses_are_told_by_file(tmp_path: Path):
    _, records = mixed(3)
    with writer(tmp_path) as segments:
        segments.append(records[:5], at(0))
        segments.append(records[8:20], at(8))
        records[21, 1] = 99
        segments.append(records[20:], at(20))
        segments.append(records[3:], at(30, 2))
    first, second, third = sorted(tmp_path.iterdir())
    assert segment_losses(tmp_path) == [Loss(second, 3, 1), Loss(third, 0, 1)]
    assert first.name == "records-000001.tw64"


@pytest.mark.parametrize("cut", [1, 63, 64, 65])
def test_an_unfinished_record_is_cut_and_the_next_begins_another_file(tmp_path: Path, cut: int):
    _, records = mixed(1)
    with writer(tmp_path) as segments:
        segments.append(records, at(0))
    (path,) = tmp_path.iterdir()
    os.truncate(path, path.stat().st_size - cut)
    whole = len(records) - -(-cut // RECORD_BYTES)
    with writer(tmp_path) as segments:
        assert segments.end == at(whole)
        segments.append(records[whole:], at(whole))
    assert sizes(tmp_path) == [whole, len(records) - whole]
    assert segment_losses(tmp_path) == []


def test_a_segment_without_a_whole_head_is_taken_away(tmp_path: Path):
    _, records = mixed(1)
    with writer(tmp_path) as segments:
        segments.append(records, at(0))
    (tmp_path / "records-000002.tw64").write_bytes(b"tw64")
    with writer(tmp_path) as segments:
        assert segments.end == at(len(RECORDS))
    assert sizes(tmp_path) == [len(RECORDS)]


def test_a_file_that_is_no_segment_is_refused(tmp_path: Path):
    (tmp_path / "records-000001.tw64").write_bytes(bytes(128))
    for use in (writer, read_segments, segment_losses):
        with pytest.raises(SegmentsError, match=r"records-000001\.tw64: SegmentHead\.magic"):
            use(tmp_path)


def test_a_folder_has_one_writer(tmp_path: Path):
    with (
        writer(tmp_path),
        pytest.raises(SegmentsError, match="found another process that writes it"),
    ):
        writer(tmp_path)
    writer(tmp_path).close()


def test_a_full_disk_keeps_whole_records_and_recovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _, records = mixed(2)
    room = 0
    write = os.write

    def bounded(file: int, data: memoryview) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = write(file, data[:room])
        room -= done
        return done

    monkeypatch.setattr(os, "write", bounded)
    with writer(tmp_path) as segments:
        assert segments.append(records, at(0)) == 0
        assert list(tmp_path.iterdir()) == []
        assert segments.error == f"{tmp_path}: no space left on device"
        room = 5 * RECORD_BYTES + 9
        assert segments.append(records, at(0)) == 4
        assert sizes(tmp_path) == [4]
        room = 30
        assert segments.append(records[6:], at(6)) == 0
        assert segments.error
        room = 1 << 20
        assert segments.append(records[8:], at(8)) == len(records) - 8
        assert not segments.error
    assert sizes(tmp_path) == [4, len(records) - 8]
    assert [loss.missing for loss in segment_losses(tmp_path)] == [4]
