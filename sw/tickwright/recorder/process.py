"""The recorder's process: from the ring to the disk, to subscribers, and into a summary.

Order of things for a batch: written to its segment, published, summed up, released in the ring. So
a recorder that is killed at any moment loses no record: the next one finds in the newest segment
where to go on, and sums up what the segments hold. One batch may be missing from what is published,
which subscribers see by its place. What the disk does not take is counted and told, and published
all the same.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import msgspec
import numpy as np

from tickwright.core.closing import Closing
from tickwright.recorder.publication import PublicationError, Publisher
from tickwright.recorder.ring import RingError, RingReader
from tickwright.recorder.segments import Place, SegmentsError, SegmentWriter, recent
from tickwright.recorder.settings import RecorderSettings
from tickwright.recorder.snapshot import Snapshot
from tickwright.recorder.summary import Summary, Surroundings
from tickwright.service.keys import KeysError, Registry, read_secret

__all__ = ["Recorder", "main", "run"]

MS = 1_000_000  # ns
RECALLED_AT_ONCE = 1 << 16  # records
FAILED, WRONG = 1, 2  # exit statuses


class Recorder(Closing):
    """One ring's records on their way; `step` takes a batch.

    Raises RingError, SegmentsError, PublicationError or KeysError where it cannot begin.
    """

    def __init__(
        self,
        settings: RecorderSettings,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._settings, self._clock_ns, self._now_ns = settings, clock_ns, now_ns
        with ExitStack() as stack:
            self._ring = stack.enter_context(RingReader(Path(settings.ring)))
            self._segments = stack.enter_context(
                SegmentWriter(Path(settings.folder), now_ns, settings.segment_bytes)
            )
            self._syncing = stack.enter_context(ThreadPoolExecutor(1, "sync"))
            self._publisher = stack.enter_context(_publisher(settings))
            self._stack = stack.pop_all()
        self._summary = Summary()
        self._forgotten = 0
        self._resume()
        self._sync: Future[None] | None = None
        self._written = False  # something since the last sync
        self._disk_records = self._disk_lost = 0
        self._disk_error = ""
        self._retry_ns = self._sync_ns = self._told_ns = clock_ns()

    @property
    def endpoint(self) -> str:
        """Where it publishes."""
        return self._publisher.endpoint

    def close(self) -> None:
        """Stop, with what was written on the disk."""
        self._stack.close()

    def step(self) -> int:
        """Take a batch all the way; return how many records it had.

        Raises RingError where the ring was replaced by another file.
        """
        ring, place = self._ring, self._ring.place
        records = ring.read(self._settings.most)
        if len(records):
            self._write(records, Place(ring.identity, ring.generation, place))
            self._publisher.records(records, ring.generation, place, ring.lost)
            self._summary.update(records, ring.generation)
            ring.release()
        now_ns = self._clock_ns()
        if now_ns >= self._told_ns:
            self._told_ns = now_ns + self._settings.summary_ms * MS
            self._publisher.summary(self.snapshot())
            ring.check()
        if now_ns >= self._sync_ns:
            self._sync_ns = now_ns + self._settings.sync_ms * MS
            self._begin_sync()
        return len(records)

    def drain(self) -> None:
        """Take what waits in the ring now, and tell the summary."""
        end = self._ring.head
        while self._ring.place < end and self.step():
            pass
        self._publisher.summary(self.snapshot())

    def snapshot(self) -> Snapshot:
        """Return the summary as of now."""
        around = Surroundings(
            ring_lost=self._ring.lost,
            ring_waiting=self._ring.waiting,
            disk_records=self._disk_records,
            disk_lost=self._disk_lost,
            disk_error=self._disk_error,
            forgotten=self._forgotten,
        )
        return self._summary.snapshot(self._now_ns(), around)

    def _resume(self) -> None:
        """Sum up what the segments hold of this ring, and pass over it."""
        identity = self._ring.identity
        folder, most = Path(self._settings.folder), self._settings.recalled
        segments, self._forgotten = recent(folder, identity, most)
        for generation, records in segments:
            for place in range(0, len(records), RECALLED_AT_ONCE):
                self._summary.update(records[place : place + RECALLED_AT_ONCE], generation)
        end = self._segments.end
        if end is None or end.identity != identity:
            return
        if self._ring.tail <= end.count <= self._ring.head:
            self._ring.seek(end.count)

    def _write(self, records: np.ndarray, place: Place) -> None:
        kept = 0
        if not self._disk_error or self._clock_ns() >= self._retry_ns:
            kept = self._segments.append(records, place)
            self._disk_error = self._segments.error
            self._retry_ns = self._clock_ns() + self._settings.retry_ms * MS
        self._written |= kept > 0
        self._disk_records += kept
        self._disk_lost += len(records) - kept

    def _begin_sync(self) -> None:
        """Have another thread sync what was written, if anything was; one sync at a time."""
        if self._sync is not None:
            if not self._sync.done():
                return
            if isinstance(error := self._sync.exception(), OSError):
                self._disk_error = f"{self._settings.folder}: {(error.strerror or '').lower()}"
        file = self._segments.duplicate() if self._written else None
        if file is None:
            self._sync = None
            return
        self._written = False
        self._sync = self._syncing.submit(_synced, file)


def run(settings: RecorderSettings, ready: Callable[[str], None] | None = None) -> None:
    """Record until SIGTERM or SIGINT, or until the parent ends; then drain the ring and return.

    ``ready`` is called with the endpoint once records are taken. To be called in a process of its
    own. Raises what `Recorder` raises.
    """
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with Recorder(settings) as recorder:
        if ready is not None:
            ready(recorder.endpoint)
        while not stopped and settings.parent in (0, os.getppid()):
            if recorder.step() < settings.most:
                time.sleep(settings.gather_ms / 1000)
        recorder.drain()


def main() -> int:
    """Run with settings in JSON from standard input; tell the endpoint in a line of output."""
    try:
        settings = msgspec.json.decode(sys.stdin.buffer.read(), type=RecorderSettings)
    except msgspec.MsgspecError as error:
        sys.stderr.write(f"recorder: settings: {error}\n")
        return WRONG
    try:
        run(settings, _told)
    except (RingError, SegmentsError, PublicationError, KeysError, OSError) as error:
        sys.stderr.write(f"recorder: {error}\n")
        return FAILED
    return 0


def _publisher(settings: RecorderSettings) -> Publisher:
    key = read_secret(Path(settings.key)) if settings.key else None
    known = Registry(Path(settings.state)) if settings.state else None
    return Publisher(settings.publish, settings.high_water, key, known)


def _synced(file: int) -> None:
    try:
        os.fdatasync(file)
    finally:
        os.close(file)


def _told(endpoint: str) -> None:
    sys.stdout.write(f"{endpoint}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
