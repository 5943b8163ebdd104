"""A recorder brings every record from the ring to disk and subscribers, however it ends."""

from __future__ import annotations

import errno
import io
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tickwright.host.records import TABLES
from tickwright.recorder.process import Recorder, main
from tickwright.recorder.publication import Batch, Subscriber
from tickwright.recorder.records import column, pack
from tickwright.recorder.ring import RingError, RingReader, RingWriter
from tickwright.recorder.segments import read_segments, segment_losses
from tickwright.recorder.settings import RecorderSettings
from tickwright.recorder.snapshot import Snapshot

ENTRIES = 1 << 14
DEADLINE_S = 30
PUBLISH = "tcp://127.0.0.1:0"


def overflows(first: int, count: int) -> np.ndarray:
    """Return records whose number and sequence are the same."""
    table = np.zeros(count, TABLES["overflows"])
    table["sequence"] = np.arange(first, first + count)
    return pack("overflows", table, table["sequence"], 0)


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.ns = 1_000_000_000

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def settings(tmp_path: Path) -> RecorderSettings:
    return RecorderSettings(
        ring=str(tmp_path / "ring"), folder=str(tmp_path / "segments"), publish=PUBLISH, most=100
    )


@pytest.fixture
def ring(settings: RecorderSettings) -> Iterator[RingWriter]:
    with RingWriter(Path(settings.ring), ENTRIES) as ring:
        yield ring


def sequences(settings: RecorderSettings) -> list[int]:
    return read_segments(Path(settings.folder)).overflows["sequence"].tolist()


def test_a_batch_goes_to_disk_and_summary_and_out_of_the_ring(
    settings: RecorderSettings, ring: RingWriter
):
    ring.write(overflows(0, 150))
    with Recorder(settings) as recorder:
        assert [recorder.step() for _ in range(3)] == [100, 50, 0]
        found = recorder.snapshot()
        assert (found.overflows, found.disk_records, found.ring_waiting) == (150, 150, 0)
        assert ring.tail == 150
        ring.write(overflows(150, 250))
        recorder.drain()
    assert sequences(settings) == list(range(400))


def test_the_next_recorder_goes_on_where_the_disk_ends(
    settings: RecorderSettings, ring: RingWriter, monkeypatch: pytest.MonkeyPatch
):
    ring.write(overflows(0, 300))
    with Recorder(settings) as recorder:
        recorder.step()
        monkeypatch.setattr(RingReader, "release", lambda self: None)  # as if killed before
        recorder.step()
    monkeypatch.undo()
    assert ring.tail == 100
    with Recorder(settings) as recorder:
        assert recorder.snapshot().overflows == 200, "the summary begins with what the disk has"
        recorder.drain()
        assert recorder.snapshot().overflows == 300
        assert recorder.snapshot().missing == 0
    assert sequences(settings) == list(range(300))


def test_what_is_too_much_to_recall_is_told(settings: RecorderSettings, ring: RingWriter):
    ring.write(overflows(0, 90))
    with Recorder(settings) as recorder:
        recorder.drain()
    with Recorder(msgspec.structs.replace(settings, recalled=50)) as recorder:
        found = recorder.snapshot()
        assert (found.overflows, found.forgotten) == (0, 90)


def test_a_full_disk_is_told_and_publishing_goes_on(
    settings: RecorderSettings, ring: RingWriter, monkeypatch: pytest.MonkeyPatch
):
    clock = Clock()
    with Recorder(settings, clock) as recorder, Subscriber(recorder.endpoint) as subscriber:
        place = subscribed(recorder, ring, subscriber)

        def full(file: int, data: bytes) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "write", full)
        ring.write(overflows(place, 10))
        recorder.step()
        monkeypatch.undo()
        ring.write(overflows(place + 10, 10))
        recorder.step()
        found = recorder.snapshot()
        assert found.disk_lost == 20, "it is not tried again before its time"
        assert found.disk_error == f"{settings.folder}: no space left on device"
        clock.ns += settings.retry_ms * 1_000_000
        ring.write(overflows(place + 20, 10))
        recorder.step()
        found = recorder.snapshot()
        assert (found.disk_lost, found.disk_error) == (20, "")
        assert received(subscriber, place + 30) == list(range(place, place + 30))
    assert sequences(settings) == [*range(place), *range(place + 20, place + 30)]
    assert [loss.missing for loss in segment_losses(Path(settings.folder))] == [20]


def subscribed(recorder: Recorder, ring: RingWriter, subscriber: Subscriber) -> int:
    """Write single records until one arrives; return how many were written."""
    recorder.step()  # tells its first summary, to nobody
    deadline = time.monotonic() + DEADLINE_S
    for place in range(ENTRIES):
        assert time.monotonic() < deadline
        ring.write(overflows(place, 1))
        recorder.step()
        while (found := subscriber.receive(20)) is not None:
            if isinstance(found, Batch) and found.head.place == place:
                return place + 1
    raise AssertionError("no record arrived")


def received(subscriber: Subscriber, end: int) -> list[int]:
    """Return the numbers of what arrives up to place ``end``."""
    numbers: list[int] = []
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        found = subscriber.receive(1000)
        if isinstance(found, Batch):
            numbers += column(found.records, "number").tolist()
            if found.head.place + found.head.count == end:
                return numbers
    raise AssertionError(f"found {len(numbers)} records, expected those before {end}")


def test_summaries_come_at_their_time(settings: RecorderSettings, ring: RingWriter):
    clock = Clock()
    with Recorder(settings, clock) as recorder, Subscriber(recorder.endpoint) as subscriber:
        place = subscribed(recorder, ring, subscriber)
        for _ in range(3):
            recorder.step()
        assert subscriber.receive(50) is None
        clock.ns += settings.summary_ms * 1_000_000
        recorder.step()
        found = subscriber.receive(DEADLINE_S * 1000)
        assert isinstance(found, Snapshot)
        assert found.records == place


def test_what_was_written_is_synced_at_its_time_and_once(
    settings: RecorderSettings, ring: RingWriter, monkeypatch: pytest.MonkeyPatch
):
    clock, sync = Clock(), os.fdatasync
    period_ns = settings.sync_ms * 1_000_000
    synced = queue.SimpleQueue[int]()

    def noted(file: int) -> None:
        sync(file)
        synced.put(clock.ns)

    monkeypatch.setattr(os, "fdatasync", noted)
    with Recorder(settings, clock) as recorder:
        recorder.step()  # there is nothing
        ring.write(overflows(0, 10))
        clock.ns += period_ns - 1
        recorder.step()
        clock.ns += 1
        recorder.step()
        assert synced.get(timeout=DEADLINE_S) == clock.ns
        for _ in range(4):
            clock.ns += period_ns
            recorder.step()
    assert synced.get(timeout=DEADLINE_S) == clock.ns  # the segment, at its end
    assert synced.empty()


def test_another_ring_in_its_place_ends_it(settings: RecorderSettings, ring: RingWriter):
    clock = Clock()
    with Recorder(settings, clock) as recorder:
        recorder.step()
        for expected in ("found it gone", "found another file"):
            if expected == "found it gone":
                Path(settings.ring).unlink()
            else:
                Path(settings.ring).touch()
            clock.ns += settings.summary_ms * 1_000_000
            with pytest.raises(RingError, match=expected):
                recorder.step()


def started(settings: RecorderSettings) -> subprocess.Popen[bytes]:
    """Start a recorder; it takes records when this returns."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tickwright.recorder.process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(settings))
    process.stdin.close()
    assert process.stdout.readline().startswith(b"tcp://127.0.0.1:")
    process.stdout.close()
    return process


@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.soak)])
def test_no_record_is_lost_or_doubled_through_kills_at_random_moments(
    settings: RecorderSettings, ring: RingWriter, kills: int
):
    rng = np.random.default_rng(kills)
    written = 0
    for _ in range(kills):
        with started(settings) as process:
            for _ in range(int(rng.integers(5, 60))):
                written += ring.write(overflows(written, int(rng.integers(1, 300))))
                time.sleep(0.001)
            process.kill()
    with started(settings) as process:
        written += ring.write(overflows(written, 10))
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    assert sequences(settings) == list(range(written))
    assert segment_losses(Path(settings.folder)) == []
    assert ring.tail == ring.head == written


def test_it_ends_with_its_parent(settings: RecorderSettings, ring: RingWriter):
    with started(msgspec.structs.replace(settings, parent=1 << 30)) as process:
        assert process.wait(DEADLINE_S) == 0


def test_what_cannot_begin_says_why(
    settings: RecorderSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for text, status, why in (
        (b'{"ring": 1}', 2, "recorder: settings: Expected `str`, got `int` - at `$.ring`"),
        (msgspec.json.encode(settings), 1, f"recorder: {settings.ring}: found no ring"),
    ):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        assert main() == status
        assert capsys.readouterr().err.startswith(why)
