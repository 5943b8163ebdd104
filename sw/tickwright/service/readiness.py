"""A ZeroMQ socket in an event loop: its messages a few at a time, so that timers keep theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import zmq

__all__ = ["Readiness"]

AT_ONCE = 8  # messages


class Readiness:
    """Calls ``take`` with the frames of each message that comes to ``socket``.

    The socket's descriptor tells of changes only: who sends on the socket calls `look` afterwards,
    for a message may have come in between, of which nothing tells any more.
    """

    def __init__(self, socket: zmq.Socket, take: Callable[[list[zmq.Frame]], None]) -> None:
        self._socket = socket
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._descriptor = int(socket.getsockopt(zmq.FD))
        self._due = False
        self._closed = False
        self._loop.add_reader(self._descriptor, self.look)
        self.look()

    def close(self) -> None:
        """Listen no longer."""
        if not self._closed:
            self._closed = True
            self._loop.remove_reader(self._descriptor)

    def look(self) -> None:
        """Look soon whether messages are there."""
        if not self._due:
            self._due = True
            self._loop.call_soon(self._step)

    def _step(self) -> None:
        self._due = False
        for _ in range(AT_ONCE):
            if self._closed:
                return
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            self._take(frames)
        self.look()
