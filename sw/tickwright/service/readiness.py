"""A ZeroMQ socket in an event loop: its messages a few at a time, so that others get on too.

Of several connections ZeroMQ takes messages in turn, so a flood on one delays the others little.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import zmq

__all__ = ["Readiness"]

AT_ONCE = 8  # messages
PAUSE_S = 0.002  # behind so many: who floods the socket leaves time for what is carried out


class Readiness:
    """Calls ``take`` with the frames of each message to ``socket``, ``at_once`` before it pauses.

    The socket's descriptor tells of changes only: who sends on the socket calls `look` afterwards,
    for a message may have come in between, of which nothing tells any more.
    """

    def __init__(
        self,
        socket: zmq.Socket,
        take: Callable[[list[zmq.Frame]], None],
        at_once: int = AT_ONCE,
    ) -> None:
        self._socket = socket
        self._at_once = at_once
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
        """Take some; what is taken may call `look`, which changes nothing before this ends."""
        for _ in range(self._at_once):
            if self._closed:
                return
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                self._due = False
                return
            try:
                self._take(frames)
            except Exception as error:  # the next message is taken all the same
                told = {"message": "a message could not be taken", "exception": error}
                self._loop.call_exception_handler(told)
        if not self._closed:
            self._loop.remove_reader(self._descriptor)  # it would wake the loop all the while
            self._loop.call_later(PAUSE_S, self._go_on)

    def _go_on(self) -> None:
        if not self._closed:
            self._loop.add_reader(self._descriptor, self.look)
            self._step()
