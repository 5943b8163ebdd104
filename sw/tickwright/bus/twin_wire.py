"""The wire side of a twin: what a market, a venue and a bench do, and no host can."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tickwright.bus.errors import BusError
from tickwright.bus.twin_socket import TwinSocket
from tickwright.core.closing import Closing

__all__ = ["MAX_PACE", "TwinWire"]

TIMEOUT_S = 10.0
POLL_S = 0.02
MAX_PACE = "max"


class TwinWire(Closing):
    """Plays captures to the twin behind the local socket at ``path``, and measures it.

    A play goes on when its client is gone, as a market does. Each method raises BusError.
    """

    def __init__(self, path: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._path = path
        self._socket = TwinSocket(path, timeout_s)

    def close(self) -> None:
        self._socket.close()

    def play(
        self,
        capture: str | Path,
        pace: float | str = 1,
        *,
        from_ns: int | None = None,
        until_ns: int | None = None,
        max_messages: int | None = None,
    ) -> None:
        """Begin to play a capture, ``pace`` times as fast as it was, or as fast as can be (`max`).

        ``from_ns`` and ``until_ns`` are feed times. Refused while another is played.
        """
        path = str(Path(capture).resolve())
        limits = {"from_ns": from_ns, "until_ns": until_ns, "max_messages": max_messages}
        self._socket.ask({"do": "play", "path": path, "pace": pace, **limits})

    def playing(self) -> dict[str, Any]:
        """Return how far the last play is.

        ``state`` is idle, playing, done, stopped or failed (then ``reason`` tells why); ``frames``
        and ``messages`` played, ``messages_in_all`` once known; ``orders`` sent; ``cycles``
        simulated; ``wall_s``; ``shift_ns``, what was added to the capture's times; ``damage``.
        """
        return self._socket.ask({"do": "playing"})

    def wait(self, timeout_s: float = 600.0) -> dict[str, Any]:
        """Wait until the play has ended and return `playing`; raise BusError if it failed."""
        end = time.monotonic() + timeout_s
        while (found := self.playing())["state"] == "playing":
            if time.monotonic() > end:
                raise BusError(
                    f"twin:{self._path}: found a play after {timeout_s} s, expected none"
                )
            time.sleep(POLL_S)
        if found["state"] == "failed":
            raise BusError(f"twin:{self._path}: play: {found['reason']}")
        return found

    def stop_playing(self) -> None:
        """Cut the market off; answers of the venue that are under way still arrive."""
        self._socket.ask({"do": "stop"})

    def cycle(self) -> int:
        """Return the cycles simulated so far."""
        return self._socket.ask({"do": "cycle"})["cycle"]

    def now_ns(self) -> int:
        """Return card time."""
        return self._socket.ask({"do": "cycle"})["now_ns"]

    def process_id(self) -> int:
        """Return the id of the process that keeps the twin."""
        return self._socket.ask({"do": "process"})["id"]

    def watch(self, addr: int, until: tuple[int, int] | None = None) -> None:
        """Note from now on each write to ``addr`` on any connection.

        With ``until``, an address and a value, the twin then reads that address every cycle until
        the value is there, 64 times at most.
        """
        self._socket.ask({"do": "watch", "addr": addr, "until": until})

    def seen(self) -> list[tuple[int, int, int | None]]:
        """Return the noted writes: cycle, value, and the cycle in which ``until`` was first true.

        A write takes effect at the end of its cycle, so an effect in the next one is immediate.
        """
        return [tuple(row) for row in self._socket.ask({"do": "seen"})["writes"]]

    def shutdown(self) -> None:
        """End the process that keeps the twin."""
        self._socket.ask({"do": "shutdown"})
