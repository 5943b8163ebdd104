"""The service's side of the feeder: who feeds, and the signs of life that let it.

Where a card has room for a way of the feeder's own, the feeder is a process. A serial line has
room for one; there a thread of the service feeds, by the same rules and before all others.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from tickwright.bus.errors import BusError
from tickwright.bus.way import Way
from tickwright.host.card import Card, CardError
from tickwright.service.children import Child, ChildError
from tickwright.service.feeder import SIGN, feed
from tickwright.service.urgency import be_urgent

__all__ = ["Feeder", "Patience", "process_feeder", "thread_feeder"]

SHARE = 5  # a sign of life may be as old as one part in so many of the watchdog's time
SIGNS = 2  # given within the time that one may be old
CONTEXT = "tickwright.service.feeder"


@dataclass(frozen=True)
class Patience:
    """How the time in which a silent service leads to a killed card is divided, in ms."""

    watchdog_ms: int

    @property
    def sign_ms(self) -> int:
        """Age up to which a sign of life counts."""
        return max(1, self.watchdog_ms // SHARE)

    @property
    def card_ms(self) -> int:
        """What the card itself waits for after it was fed."""
        return max(1, self.watchdog_ms - self.sign_ms)

    @property
    def period_s(self) -> float:
        """Time between two signs of life."""
        return self.sign_ms / SIGNS / 1000


class Feeder(Protocol):
    """One that feeds as long as it is given signs of life."""

    def sign(self, now_ns: int) -> None:
        """Give a sign of life; one that cannot be given at once is not."""
        ...

    async def ended(self) -> str:
        """Wait for its end; return why."""
        ...

    async def end(self) -> None:
        """Give no more signs, and wait for its end."""
        ...


class _Pipe:
    """The end of a pipe into which signs of life are written."""

    def __init__(self) -> None:
        self.taken, self._given = os.pipe()
        os.set_blocking(self._given, False)

    def sign(self, now_ns: int) -> None:
        if self._given >= 0:
            try:
                os.write(self._given, SIGN.pack(now_ns))
            except OSError:  # it is full or nobody reads it: whoever waits for the end is told
                return

    def shut(self) -> None:
        if self._given >= 0:
            os.close(self._given)
            self._given = -1


class _ProcessFeeder(_Pipe):
    def __init__(self) -> None:
        super().__init__()
        self.child: Child | None = None

    async def ended(self) -> str:
        if self.child is None:
            return "not begun"
        why = await self.child.ended()
        self.shut()
        return why

    async def end(self) -> None:
        self.shut()
        if self.child is not None:
            await self.child.end()


async def process_feeder(card: str, patience: Patience, said: Callable[[str], None]) -> Feeder:
    """Start a feeder of a card, as a process; return it once it feeds. Raises ChildError."""
    feeder = _ProcessFeeder()
    arguments = [card, str(patience.sign_ms), str(patience.watchdog_ms)]
    try:
        feeder.child = await Child.start(CONTEXT, arguments, told=feeder.taken, said=said)
    except BaseException:
        feeder.shut()
        raise
    finally:
        os.close(feeder.taken)
    return feeder


class _ThreadFeeder(_Pipe):
    def __init__(self, card: Card, patience: Patience) -> None:
        super().__init__()
        self._thread = ThreadPoolExecutor(1, "feeder", be_urgent)
        self._done = asyncio.get_running_loop().run_in_executor(
            self._thread, self._run, card, patience
        )

    def _run(self, card: Card, patience: Patience) -> str:
        try:
            return feed(
                self.taken,
                card.feed_watchdog,
                sign_ms=patience.sign_ms,
                silence_ms=patience.watchdog_ms,
            )
        except (BusError, CardError, OSError) as error:
            return str(error)
        finally:
            os.close(self.taken)

    async def ended(self) -> str:
        why = await asyncio.shield(self._done)
        self.shut()
        self._thread.shutdown()
        return why

    async def end(self) -> None:
        self.shut()
        await self.ended()


async def thread_feeder(way: Way, patience: Patience) -> Feeder:
    """Start a feeder over a way that others share, as a thread. Raises ChildError."""
    try:
        return _ThreadFeeder(Card(way), patience)
    except (BusError, CardError, OSError) as error:
        raise ChildError(str(error)) from None
