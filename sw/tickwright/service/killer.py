"""The kill, which waits for nothing else: its own thread, its own way to the card.

The card is killed first, and it is journalled afterwards. Those who ask while a kill is under way
are served by the next one, together: each of them has a kill that was written after it asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from tickwright.bus.errors import BusError
from tickwright.bus.way import Way
from tickwright.host.card import Card, CardError
from tickwright.service.errors import ServiceError
from tickwright.service.interlock import Interlock
from tickwright.service.journal import Journal, JournalError
from tickwright.service.killing import killed
from tickwright.service.protocol import Killed
from tickwright.service.urgency import be_urgent

__all__ = ["Killer"]

WHAT = "kill"


@dataclass(frozen=True)
class _Asked:
    """One who wants the card killed."""

    by: str
    details: dict[str, str]
    answer: asyncio.Future[tuple[Killed, int]]


class Killer:
    """Kills the card that ``reach`` opens a way to; a way that failed is opened anew.

    Raises BusError or CardError when the card cannot be reached at the beginning.
    """

    def __init__(self, reach: Callable[[], Way], journal: Journal, interlock: Interlock) -> None:
        self._reach = reach
        self._journal = journal
        self._interlock = interlock
        self._way = reach()
        self._card = Card(self._way)
        self._thread = ThreadPoolExecutor(1, "kill", be_urgent)
        self._waiting: list[_Asked] = []
        self._busy = False

    def close(self) -> None:
        """Wait for a kill that is under way, and give the way to the card back."""
        self._thread.shutdown()
        self._way.close()

    def ask(self, by: str, **details: str) -> asyncio.Future[tuple[Killed, int]]:
        """Kill at once, in an event loop; return what will be known of it.

        That is what the card said, and the number of the journal entry. It fails with ServiceError
        where the card does not say that it is killed, or is killed and that cannot be journalled.
        """
        asked = _Asked(by, details, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if not self._busy:
            self._begin()
        return asked.answer

    def _begin(self) -> None:
        self._busy = True
        asked, self._waiting = self._waiting, []
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._serve, asked)
        work.add_done_callback(lambda done: self._answer(asked, done))

    def _answer(
        self,
        asked: list[_Asked],
        done: asyncio.Future[list[tuple[Killed, int] | ServiceError]],
    ) -> None:
        self._busy = False
        for one, result in zip(asked, done.result(), strict=True):
            if one.answer.done():
                continue
            if isinstance(result, ServiceError):
                one.answer.set_exception(result)
                one.answer.exception()  # whoever does not wait for it has seen it in the journal
            else:
                one.answer.set_result(result)
        if self._waiting:
            self._begin()

    def _serve(self, asked: list[_Asked]) -> list[tuple[Killed, int] | ServiceError]:
        """Kill, then journal it for each who asked; in the thread."""
        try:
            with self._interlock.killing():
                found = self._kill()
        except BusError as error:
            failure = ServiceError.unreachable(f"{WHAT}: {error}")
        except CardError as error:
            failure = ServiceError.failed(f"{WHAT}: {error}")
        except Exception as error:  # whoever waits for it must be told
            line = " ".join(f"{type(error).__name__}: {error}".split())
            failure = ServiceError.failed(f"{WHAT}: a fault of the service: {line}")
        else:
            return [self._noted(one, found) for one in asked]
        return [self._failed(one, failure) for one in asked]

    def _kill(self) -> Killed:
        try:
            return killed(self._card)
        except Exception:
            with suppress(Exception):
                self._way.close()
            self._way = self._reach()
            self._card = Card(self._way)
            return killed(self._card)

    def _noted(self, asked: _Asked, found: Killed) -> tuple[Killed, int] | ServiceError:
        details = {"wanted": 0, "state": found.state, "card_cycles": found.card_cycles,
                   "reasons": found.reasons}  # fmt: skip
        try:
            entry = self._journal.append(asked.by, f"{WHAT}.done", details | asked.details)
        except JournalError as error:
            return ServiceError.failed(f"{WHAT}: the card is killed, but not journalled: {error}")
        return found, entry.number

    def _failed(self, asked: _Asked, failure: ServiceError) -> ServiceError:
        failed = ServiceError(failure.status, str(failure))
        details = {"wanted": 0, "status": failed.status.name.lower(), "error": str(failed)}
        with suppress(JournalError):
            entry = self._journal.append(asked.by, f"{WHAT}.failed", details | asked.details)
            failed.journal = entry.number
        return failed
