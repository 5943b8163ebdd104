"""The card's thread is not stuck while a long journal is read."""

from __future__ import annotations

import asyncio
import threading
import time

from tickwright.service.interlock import Interlock
from tickwright.service.keys import Key
from tickwright.service.progress import Progress
from tickwright.service.roles import Role
from tickwright.service.worker import Worker

ANN = Key("ann", Role.VIEWER, "x" * 40)
DEADLINE_S = 30.0


class Slow:
    """Carries out what it is asked once it may go on."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def ask(self, by: Key, verb: str, arguments: bytes) -> tuple[bytes, int]:
        self.begun.set()
        assert self.go.wait(DEADLINE_S)
        return verb.encode(), 0


def stuck_within(verb: str) -> bool:
    """Return whether the card's thread is stuck while a verb is carried out slowly."""
    progress, carrier = Progress(time.monotonic_ns), Slow()
    worker = Worker(Interlock(), progress)

    async def run() -> bool:
        asked = asyncio.create_task(worker.ask(carrier, ANN, verb, b"{}", 0))
        assert await asyncio.to_thread(carrier.begun.wait, DEADLINE_S)
        await asyncio.sleep(0.002)
        found = progress.stuck(1)
        carrier.go.set()
        assert await asked == (verb.encode(), 0)
        return found

    try:
        return asyncio.run(run())
    finally:
        worker.close()


def test_reading_the_journal_is_not_being_stuck_and_all_else_is():
    assert not stuck_within("journal.show")
    assert stuck_within("status")
