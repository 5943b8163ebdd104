"""How much telemetry goes from the ring to a subscriber and to the disk, and what it disturbs.

Each party is a process: one plays the card, at a stated rate; the recorder; a subscriber, who looks
at every number; one that answers commands; and the caller, who asks for them and measures. At last
the disk is compared byte for byte.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import zmq

from tickwright.recorder.load import Load
from tickwright.recorder.numbering import Numbering
from tickwright.recorder.publication import Batch, Subscriber
from tickwright.recorder.records import column
from tickwright.recorder.ring import RingWriter
from tickwright.recorder.settings import RecorderSettings
from tickwright.recorder.snapshot import Snapshot
from tickwright.service.keys import Key
from tickwright.telemetry.messages import RECORD_BYTES

__all__ = ["BenchError", "expected", "measure", "party", "produce", "same_on_disk", "subscribe"]

ENTRIES = 1 << 20  # of the ring: five seconds at 200,000 records a second
TICK_S = 0.002  # between two writes of the card
ASK_S = 0.005  # between two commands
PATIENCE_S = 30
SEED = 1
COMPARED_AT_ONCE = 1 << 16  # records
REQUEST = b'{"number": 1, "verb": "status", "arguments": {}}'


class BenchError(RuntimeError):
    """A party that did not do its part: one line that says which."""


def measure(rate: int, seconds: float, ring: Path, folder: Path) -> dict[str, Any]:
    """Run ``rate`` records a second for so many seconds; return what was found.

    ``ring`` is the file of the ring, ``folder`` that of the segments; both must be new. ``lost``
    counts what ring, disk and subscriber lack, and what the disk has differently.
    ``records_per_second`` is up to the arrival of the last record at the subscriber.
    """
    total = int(rate * seconds)
    spawn = multiprocessing.get_context("spawn")
    RingWriter(ring, ENTRIES).close()
    with ExitStack() as stack:
        settings = RecorderSettings(ring=str(ring), folder=str(folder), publish="tcp://127.0.0.1:0")
        recorder, endpoint = stack.enter_context(_recorder(settings))
        subscriber = stack.enter_context(party(spawn, subscribe, endpoint, total))
        answering = stack.enter_context(party(spawn, _answer))
        port = expected(answering, "the answering party")
        expected(subscriber, "the subscriber")
        card = stack.enter_context(party(spawn, produce, ring, rate, total))
        trips = _round_trips(port, card)
        began = expected(card, "the card")
        found = expected(subscriber, "the subscriber")
        recorder.terminate()
        if recorder.wait(PATIENCE_S):
            raise BenchError(f"the recorder: found exit status {recorder.returncode}, expected 0")
    on_disk = same_on_disk(folder, total)
    if not trips:
        raise BenchError("the answering party: found no answer, expected some")
    return {
        "records_per_second": found["records"] / (found["ended"] - began),
        "lost": max(total - found["records"], total - on_disk),
        "records": total,
        "received": found["records"],
        "missing": found["missing"],
        "on_disk": on_disk,
        "ring_lost": found["ring_lost"],
        "rate": rate,
        "round_trip_ms": {
            "p50": float(np.percentile(trips, 50)) * 1000,
            "p99": float(np.percentile(trips, 99)) * 1000,
            "max": max(trips) * 1000,
            "count": len(trips),
        },
        "round_trip_of": "echo",
    }


def same_on_disk(folder: Path, total: int) -> int:
    """Return how many records the segments have exactly as they were written, from the first on.

    0 where they have more than were written.
    """
    load, place = Load(SEED), 0
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            file.seek(RECORD_BYTES)
            while data := file.read(COMPARED_AT_ONCE * RECORD_BYTES):
                count = len(data) // RECORD_BYTES
                if data != load.records(place, count).tobytes():
                    return place
                place += count
    return place if place <= total else 0


@contextmanager
def _recorder(settings: RecorderSettings) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tickwright.recorder.process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(msgspec.json.encode(settings))
            process.stdin.close()
            endpoint = process.stdout.readline().decode("ascii").strip()
            if not endpoint:
                raise BenchError("the recorder: found its end, expected its endpoint")
            yield process, endpoint
        finally:
            process.kill()


@contextmanager
def party(spawn: Any, target: Any, *arguments: Any) -> Iterator[Connection]:
    """Run a function in a process of its own, with the other end of a pipe as first argument."""
    ours, theirs = spawn.Pipe()
    process: BaseProcess = spawn.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def expected(party: Connection, who: str) -> Any:
    """Return what a party tells next. Raises BenchError: nothing in time."""
    if party.poll(PATIENCE_S):
        with suppress(EOFError):
            return party.recv()
    raise BenchError(f"{who}: found no word within {PATIENCE_S} s, expected one")


def produce(told: Connection, path: Path, rate: int, total: int) -> None:
    """Play the card: write at the rate, whatever becomes of it."""
    load = Load(SEED)
    with RingWriter(path, ENTRIES) as ring:
        began, written = time.monotonic(), 0
        while written < total:
            due = min(total, int((time.monotonic() - began) * rate))
            if due > written:
                ring.write(load.records(written, due - written))
                written = due
            time.sleep(TICK_S)
        told.send(began)
        told.poll(None)  # keep the ring until the end


def subscribe(
    told: Connection, endpoint: str, total: int, key: Key | None = None, server: str = ""
) -> None:
    """Count what arrives, until all did or nothing more comes."""
    numbering, records, ended, ring_lost = Numbering(), 0, time.monotonic(), 0
    with Subscriber(endpoint, key=key, server=server) as subscriber:
        while not isinstance(subscriber.receive(PATIENCE_S * 1000), Snapshot):
            pass
        told.send("ready")
        while records < total and time.monotonic() < ended + PATIENCE_S / 3:
            found = subscriber.receive(100)
            if isinstance(found, Batch):
                numbering.follow(column(found.records, "number"))
                records += len(found.records)
                ring_lost, ended = found.head.lost, time.monotonic()
    told.send({"records": records, "missing": numbering.missing, "ended": ended,
               "ring_lost": ring_lost})  # fmt: skip


def _answer(told: Connection) -> None:
    """Answer each command with itself, as a service does that has nothing to do for it."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        told.send(socket.bind_to_random_port("tcp://127.0.0.1"))
        while True:
            socket.send_multipart(socket.recv_multipart())


def _round_trips(port: int, card: Connection) -> list[float]:
    """Ask while the card writes; return how long each answer took, in seconds."""
    trips: list[float] = []
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.connect(f"tcp://127.0.0.1:{port}")
        while not card.poll(ASK_S):
            asked = time.monotonic()
            socket.send(REQUEST)
            if not socket.poll(PATIENCE_S * 1000):
                break
            socket.recv()
            trips.append(time.monotonic() - asked)
    return trips
