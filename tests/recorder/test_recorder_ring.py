"""The ring passes every record that there was room for, in order, whoever dies meanwhile."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tickwright.recorder.ring import RingError, RingReader, RingWriter
from tickwright.telemetry.messages import RECORD_BYTES

ENTRIES = 64
DEADLINE_S = 30


def records(first: int, count: int) -> np.ndarray:
    """Return records that each hold their number in every word."""
    numbers = np.arange(first, first + count, dtype=np.uint64)
    return np.repeat(numbers, RECORD_BYTES // 8).view(np.uint8).reshape(-1, RECORD_BYTES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ring"


def test_a_full_ring_drops_and_counts_and_goes_on(path: Path):
    with RingWriter(path, ENTRIES) as writer, RingReader(path) as reader:
        assert writer.write(records(0, ENTRIES)) == ENTRIES
        assert writer.write(records(ENTRIES, 3)) == 0
        assert reader.lost == 3
        assert np.array_equal(reader.read(10), records(0, 10))
        assert writer.write(records(99, 1)) == 0, "what was read is not yet released"
        reader.release()
        assert writer.write(records(100, 12)) == 10
        assert reader.lost == 6
        expected = np.concatenate([records(10, ENTRIES - 10), records(100, 10)])
        assert np.array_equal(reader.read(1000), expected)
        assert reader.read(1000).shape == (0, RECORD_BYTES)


def test_random_reads_and_writes_pass_all_in_order(path: Path):
    rng = np.random.default_rng(2026)
    written, read = 0, []
    with RingWriter(path, ENTRIES) as writer, RingReader(path) as reader:
        for _ in range(2000):
            written += writer.write(records(written, int(rng.integers(0, 40))))
            read.append(reader.read(int(rng.integers(0, 40))))
            if rng.random() < 0.8:
                reader.release()
        assert reader.waiting == written - reader.place
        read.append(reader.read(ENTRIES))
    assert written > 10 * ENTRIES
    assert np.array_equal(np.concatenate(read), records(0, written))


def test_a_new_reader_goes_on_at_the_tail(path: Path):
    with RingWriter(path, ENTRIES) as writer:
        writer.write(records(0, 20))
        with RingReader(path) as reader:
            reader.read(5)
            reader.release()
            reader.read(5)
        with RingReader(path) as reader:
            assert np.array_equal(reader.read(99), records(5, 15))
            with pytest.raises(RingError, match="found place 4, expected from 5 to 20"):
                reader.seek(4)
            reader.seek(18)
            assert np.array_equal(reader.read(99), records(18, 2))


def test_a_new_writer_is_a_new_generation_and_no_read_spans_two(path: Path):
    with RingWriter(path, ENTRIES) as writer:
        identity = writer.identity
        writer.write(records(0, 4))
    with RingReader(path) as reader:
        assert np.array_equal(reader.read(3), records(0, 3))
        with RingWriter(path, ENTRIES) as writer:
            assert writer.identity == identity
            assert reader.generation == 1
            writer.write(records(70, 2))
        with RingWriter(path, ENTRIES):
            pass
        with RingWriter(path, ENTRIES) as writer:
            writer.write(records(80, 1))
        found = []
        while len(batch := reader.read(99)):
            found.append((reader.generation, batch[:, 0].tolist()))
        assert found == [(1, [3]), (2, [70, 71]), (4, [80])]
        for place, generation in ((3, 1), (4, 2), (5, 2), (6, 4), (7, 4)):
            reader.seek(place)
            assert reader.generation == generation


def test_generations_beyond_those_remembered_do_no_harm(path: Path):
    with RingWriter(path, ENTRIES) as writer:
        writer.write(records(0, 2))
    with RingReader(path) as reader:
        for number in range(100):
            with RingWriter(path, ENTRIES) as writer:
                assert writer.write(records(number, number % 2)) == number % 2
        count = 0
        while len(batch := reader.read(99)):
            count += len(batch)
        assert (count, reader.generation) == (52, 101)


def test_each_side_is_taken_once(path: Path):
    with RingWriter(path, ENTRIES), RingReader(path):
        with pytest.raises(RingError, match="found another writer, expected none"):
            RingWriter(path, ENTRIES)
        with pytest.raises(RingError, match="found another reader, expected none"):
            RingReader(path)
    with RingReader(path) as reader, RingWriter(path, ENTRIES):
        pass
    reader.close()
    with pytest.raises(RingError, match="found it closed"):
        reader.read(1)


@pytest.mark.parametrize("entries", [0, 32, 65, 1 << 29])
def test_sizes_that_cannot_be_are_refused(path: Path, entries: int):
    with pytest.raises(RingError, match=f"found {entries} entries"):
        RingWriter(path, entries)
    assert not path.exists()


def test_what_is_no_ring_or_another_is_refused(path: Path):
    with pytest.raises(RingError, match="found no ring"):
        RingReader(path)
    path.write_bytes(b"short")
    with pytest.raises(RingError, match="found 5 bytes, expected a ring"):
        RingReader(path)
    path.write_bytes(bytes(8192))
    with pytest.raises(RingError, match="found magic 0"):
        RingWriter(path, ENTRIES)
    path.unlink()
    RingWriter(path, ENTRIES).close()
    with pytest.raises(RingError, match="found 64 entries, expected 128"):
        RingWriter(path, 128)
    with path.open("r+b") as file:
        file.truncate(8191)
    with pytest.raises(RingError, match="found size 8191, expected 8192"):
        RingReader(path)
    assert list(path.parent.iterdir()) == [path], "no draft is left"


PRODUCER = """
import sys
import time
from pathlib import Path
import numpy as np
from tickwright.recorder.ring import RingWriter
path, total = Path(sys.argv[1]), int(sys.argv[2])
with RingWriter(path, 256) as writer:
    number = 0
    while number < total:
        numbers = np.arange(number, min(total, number + 37), dtype=np.uint64)
        written = writer.write(np.repeat(numbers, 8).view(np.uint8).reshape(-1, 64))
        number += written
        if written < len(numbers):
            time.sleep(0.0005)
"""


def test_two_processes_pass_whole_records_in_order(path: Path):
    total = 100_000
    RingWriter(path, 256).close()
    started = [sys.executable, "-c", PRODUCER, str(path), str(total)]
    with RingReader(path) as reader, subprocess.Popen(started) as producer:
        place, deadline = 0, time.monotonic() + DEADLINE_S
        while place < total:
            assert time.monotonic() < deadline
            batch = reader.read(100)
            assert np.array_equal(batch, records(place, len(batch)))
            place += len(batch)
            reader.release()
            if not len(batch):
                time.sleep(0.0005)
        assert producer.wait(DEADLINE_S) == 0
