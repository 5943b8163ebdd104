"""The newest summary of a recorder, followed in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import zmq

from tickwright.recorder.publication import PublicationError, Subscriber
from tickwright.recorder.snapshot import Snapshot
from tickwright.service.keys import Key

__all__ = ["Following"]

POLL_MS = 100
STALE_S = 2.0  # a recorder tells a summary several times a second


class Following:
    """Follows the recorder that publishes at ``endpoint`` with the same ``key``."""

    def __init__(
        self, endpoint: str, key: Key, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock_s = clock_s
        self._newest: tuple[float, Snapshot] | None = None
        self._closed = threading.Event()
        self._subscriber = Subscriber(endpoint, records=False, key=key, server=key.public)
        self._thread = threading.Thread(target=self._follow, name="following", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Follow no longer."""
        self._closed.set()
        self._thread.join()
        self._subscriber.close()

    def newest(self) -> Snapshot | None:
        """Return the newest summary; None where there is none that is of now."""
        found = self._newest
        if found is None or self._clock_s() - found[0] > STALE_S:
            return None
        return found[1]

    def _follow(self) -> None:
        while not self._closed.is_set():
            try:
                found = self._subscriber.receive(POLL_MS)
            except (PublicationError, zmq.ZMQError):
                continue  # the summary becomes stale, and is then none
            if isinstance(found, Snapshot):
                self._newest = self._clock_s(), found
