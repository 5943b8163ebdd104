"""Where the screen's contents come from: the service, asked, and its recorder, followed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from tickwright.core.closing import Closing
from tickwright.recorder.publication import Subscriber
from tickwright.recorder.snapshot import Snapshot
from tickwright.service.errors import ServiceError
from tickwright.service.protocol import OrderRow, Orders, Status
from tickwright.watch.view import Seen, View

__all__ = ["Asked", "Source"]


class Asked(Protocol):
    """The service, as `client.client.Client` asks it."""

    def status(self) -> Status: ...
    def orders(self) -> Orders: ...


class Source(Closing):
    """Looks at a service, one look after the other; a look that fails leaves what was seen before.

    ``summaries`` is None where the service publishes no telemetry. Not for two threads at once.
    """

    def __init__(
        self,
        service: Asked,
        summaries: Subscriber | None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service, self._summaries, self._clock_s = service, summaries, clock_s
        self._seen = Seen(telemetry=summaries is not None)

    def close(self) -> None:
        """Follow no longer."""
        if self._summaries is not None:
            self._summaries.close()

    def look(self, wait_ms: int = 0) -> View:
        """Ask, and return what is known now; wait so long for a first summary."""
        self._follow(wait_ms if self._seen.snapshot is None else 0)
        try:
            status, orders = self._service.status(), self._orders()
        except ServiceError as error:
            self._seen = replace(self._seen, fault=str(error))
        else:
            self._seen = replace(
                self._seen, status=status, status_s=self._clock_s(), orders=orders, fault=""
            )
        return self.view

    @property
    def view(self) -> View:
        """What is known, as of now; also for another thread, while a look is under way."""
        return View(self._seen, self._clock_s())

    def _orders(self) -> list[OrderRow]:
        return self._service.orders().rows if self._seen.telemetry else []

    def _follow(self, wait_ms: int) -> None:
        """Take the summaries that have come; the newest counts."""
        if self._summaries is None:
            return
        while (found := self._summaries.receive(wait_ms)) is not None:
            if isinstance(found, Snapshot):
                self._seen = replace(self._seen, snapshot=found, snapshot_s=self._clock_s())
            wait_ms = 0
