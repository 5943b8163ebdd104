"""How soon a service answers while its recorder has all it can take.

Each party is a process: the card, which somebody else keeps; one that writes records at a stated
rate into the ring; the service with its recorder; a subscriber, who looks at every number; and the
caller, who asks and measures. At last the disk is compared byte for byte.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from tickwright.recorder.bench import (
    ENTRIES,
    BenchError,
    expected,
    party,
    produce,
    same_on_disk,
    subscribe,
)
from tickwright.recorder.ring import RingWriter
from tickwright.service.caller import Caller
from tickwright.service.keys import Key, new_key, read_secret
from tickwright.service.protocol import Empty, Flatten, StatusCode
from tickwright.service.roles import Role
from tickwright.service.state_folder import StateFolder
from tickwright.service.whereabouts import Whereabouts, find

__all__ = ["measure"]

PATIENCE_S = 30
ASK_S = 0.005  # between two requests
ASKED, JOURNALLED = "card.info", "flatten"  # what is asked for, in turn
COMMAND = "import sys; from tickwright.cli.main import main; main()"


def measure(rate: int, seconds: float, card: str, ring: Path, state: Path) -> dict[str, Any]:
    """Run ``rate`` records a second for so many seconds; return what was found.

    ``card`` is a way to a card; ``ring`` and ``state`` must be new. ``round_trip_ms`` is of a
    request that reads the card, ``journalled_round_trip_ms`` of one that writes to it between two
    entries of the journal, on the same disk as the records. Raises BenchError.
    """
    total = int(rate * seconds)
    spawn = multiprocessing.get_context("spawn")
    RingWriter(ring, ENTRIES).close()
    with ExitStack() as stack:
        process, found = stack.enter_context(_service(card, ring, state))
        key = read_secret(new_key(state, "bench", Role.RISK))
        subscriber = stack.enter_context(
            party(spawn, subscribe, found.telemetry, total, key, found.public)
        )
        expected(subscriber, "the subscriber")
        writer = stack.enter_context(party(spawn, produce, ring, rate, total))
        trips = _round_trips(found, key, writer)
        began = expected(writer, "the writer")
        seen = expected(subscriber, "the subscriber")
        process.terminate()
        if process.wait(PATIENCE_S):
            raise BenchError(f"the service: found exit status {process.returncode}, expected 0")
    on_disk = same_on_disk(state / "segments", total)
    return {
        "records_per_second": seen["records"] / (seen["ended"] - began),
        "lost": max(total - seen["records"], total - on_disk),
        "records": total,
        "received": seen["records"],
        "missing": seen["missing"],
        "on_disk": on_disk,
        "ring_lost": seen["ring_lost"],
        "rate": rate,
        "round_trip_ms": _percentiles(trips[ASKED]),
        "journalled_round_trip_ms": _percentiles(trips[JOURNALLED]),
        "round_trip_of": f"service: {ASKED}, {JOURNALLED}",
    }


def _percentiles(trips: list[float]) -> dict[str, float]:
    if not trips:
        raise BenchError("the service: found no answer, expected some")
    return {
        "p50": float(np.percentile(trips, 50)) * 1000,
        "p99": float(np.percentile(trips, 99)) * 1000,
        "max": max(trips) * 1000,
        "count": len(trips),
    }


@contextmanager
def _service(
    card: str, ring: Path, state: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Whereabouts]]:
    with StateFolder(state) as folder:
        place = folder.whereabouts
    words = ["serve", "--card", card, "--state", str(state), "--ring", str(ring), "--metrics", ""]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words], stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    with process:
        try:
            end = time.monotonic() + PATIENCE_S
            while (found := find(place)) is None:
                if process.poll() is not None or time.monotonic() > end:
                    raise BenchError("the service: found it not serving, expected it to")
                time.sleep(ASK_S)
            yield process, found
        finally:
            process.kill()


def _round_trips(found: Whereabouts, key: Key, writer: Connection) -> dict[str, list[float]]:
    """Ask while records are written; return how long each answer took, in seconds, by verb."""
    asked: dict[str, Struct] = {ASKED: Empty(), JOURNALLED: Flatten(off=True)}
    trips: dict[str, list[float]] = {verb: [] for verb in asked}
    with Caller(found.endpoints[0], found.public, key, timeout_s=PATIENCE_S) as caller:
        while True:
            for verb, arguments in asked.items():
                begun = time.monotonic()
                reply = caller.ask(verb, arguments)
                trips[verb].append(time.monotonic() - begun)
                if reply.status != StatusCode.DONE:
                    raise BenchError(f"the service: {verb}: {reply.error}")
                if writer.poll(ASK_S):
                    return trips
