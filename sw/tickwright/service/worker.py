"""The thread in which a desk carries out requests, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from tickwright.service.interlock import Interlock
from tickwright.service.keys import Key
from tickwright.service.progress import Progress
from tickwright.service.urgency import be_urgent

__all__ = ["Carrier", "Worker"]

Result = TypeVar("Result")

STOPPING = frozenset({"disarm", "stop"})
"""Verbs after which nothing is armed by what was accepted before they were carried out."""

ASIDE = frozenset({"journal.show"})
"""Verbs that need no card: however long they take, the card's thread is not stuck."""


class Carrier(Protocol):
    """What carries out requests: `service.desk.Desk`."""

    def ask(self, by: Key, verb: str, arguments: bytes) -> tuple[bytes, int]:
        """Return the result in JSON and the number of the last journal entry, 0 for none."""
        ...


class Worker:
    """Runs what it is given in one thread, in the order given; ``progress`` follows it."""

    def __init__(self, interlock: Interlock, progress: Progress) -> None:
        self._interlock = interlock
        self._progress = progress
        self._aside = ThreadPoolExecutor(1, "aside")
        self._thread = ThreadPoolExecutor(1, "worker", be_urgent)

    def close(self) -> None:
        """Wait for what is under way, and end."""
        self._thread.shutdown()
        self._aside.shutdown()

    async def ask(
        self, carrier: Carrier, by: Key, verb: str, arguments: bytes, kills: int
    ) -> tuple[bytes, int]:
        """Have a request carried out that was accepted when there had been so many kills."""

        def carry_out() -> tuple[bytes, int]:
            self._interlock.begin(kills)
            if verb in STOPPING:
                self._interlock.count()
            return carrier.ask(by, verb, arguments)

        if verb in ASIDE:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._aside, carrier.ask, by, verb, arguments)
        return await self.do(carry_out)

    async def do(self, work: Callable[[], Result]) -> Result:
        """Have something done, behind all that was given before; raises what it raises."""

        def watched() -> Result:
            with self._progress.working():
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, watched)
