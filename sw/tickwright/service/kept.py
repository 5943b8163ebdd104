"""A process that a service keeps: begun anew, after a pause, whenever it ends by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from tickwright.bus.errors import BusError
from tickwright.service.children import ChildError

__all__ = ["Endable", "Kept", "One"]

PAUSE_S = 0.5


class Endable(Protocol):
    """Something that runs until it ends."""

    async def ended(self) -> str: ...
    async def end(self) -> None: ...


One = TypeVar("One", bound=Endable)


class Kept(Generic[One]):
    """Keeps what ``start`` begins; ``told`` with a line whenever it ended, and why.

    ``current`` is None while none runs, and ``fault`` says why. ``start`` raises ChildError.
    """

    def __init__(
        self, name: str, start: Callable[[], Awaitable[One]], told: Callable[[str], None]
    ) -> None:
        self._name, self._start, self._told = name, start, told
        self._ending = False
        self._keeping: asyncio.Task[None] | None = None
        self.current: One | None = None
        self.fault = ""

    async def begin(self, patience_s: float = 0.0) -> One:
        """Start the first, and return it; for so long it may fail. Raises ChildError."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + patience_s
        while self.current is None:
            try:
                self.current = await self._start()
            except ChildError:
                if loop.time() >= end_s:
                    raise
                await asyncio.sleep(PAUSE_S)
        first = self.current
        self._keeping = asyncio.create_task(self._keep())
        return first

    async def end(self) -> None:
        """End the one that runs; no other follows."""
        self._ending = True
        if self._keeping is None:
            return
        if self.current is not None:
            await self.current.end()
        else:
            self._keeping.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeping

    async def _keep(self) -> None:
        while True:
            if self.current is not None:
                why, self.current = await self.current.ended(), None
                if self._ending:
                    return
                self._fail(why)
            await asyncio.sleep(PAUSE_S)
            try:
                self.current = await self._start()
            except (ChildError, BusError, OSError) as error:  # as where files or processes run out
                self._fail(" ".join(str(error).split()))
            else:
                self.fault = ""
                if self._ending:
                    await self.current.end()
                    return

    def _fail(self, why: str) -> None:
        self.fault = f"{self._name}: {why}"
        self._told(self.fault)
