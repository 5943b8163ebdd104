"""One connection to a service: a request at a time, and its answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import msgspec
import zmq
from msgspec import Struct

from tickwright.core.closing import Closing
from tickwright.service.errors import ServiceError
from tickwright.service.keys import Key
from tickwright.service.protocol import MOST_BYTES, Empty, Reply, Request

__all__ = ["Caller"]

CONNECT_S = 5.0  # in which a service lets a key in, or never does


class Caller(Closing):
    """Asks the service at ``endpoint``, whose public key is ``server``, as the owner of ``key``.

    Requests take their numbers from ``now_ns``. Not for two threads at once.
    """

    def __init__(
        self,
        endpoint: str,
        server: str,
        key: Key,
        *,
        timeout_s: float = 10.0,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.endpoint = endpoint
        self._timeout_s = timeout_s
        self._now_ns = now_ns
        self._number = 0
        with ExitStack() as stack:
            context = stack.enter_context(zmq.Context())
            self._socket = stack.enter_context(context.socket(zmq.DEALER))
            self._socket.linger = 0
            self._socket.immediate = True  # nothing waits for a service that comes back later
            self._socket.curve_secretkey = key.secret.encode("ascii")
            self._socket.curve_publickey = key.public.encode("ascii")
            self._socket.curve_serverkey = server.encode("ascii")
            try:
                self._socket.connect(endpoint)
            except zmq.ZMQError:
                raise ServiceError.wrong(
                    f"service: found {endpoint!r}, expected tcp://HOST:PORT"
                ) from None
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Close the connection."""
        self._stack.close()

    def ask(self, verb: str, arguments: Struct | None = None) -> Reply:
        """Ask, and wait for the answer.

        Raises ServiceError: it is too long; nobody takes it within 5 s, so that nothing was asked;
        or nobody answers in time, and it is not known whether the request was carried out.
        """
        self._number = max(self._number + 1, self._now_ns())
        raw = msgspec.Raw(msgspec.json.encode(Empty() if arguments is None else arguments))
        text = msgspec.json.encode(Request(self._number, verb, raw))
        if len(text) > MOST_BYTES:
            raise ServiceError.wrong(
                f"{verb}: found a request of {len(text)} bytes, expected at most {MOST_BYTES}"
            )
        end = time.monotonic() + self._timeout_s
        self._send(text)
        while self._socket.poll(max(0, int((end - time.monotonic()) * 1000))):
            reply = msgspec.json.decode(self._socket.recv(), type=Reply)
            if reply.number == self._number:
                return reply
        raise ServiceError.unreachable(
            f"{self.endpoint}: found no answer to {verb} within {self._timeout_s} s, expected one"
        )

    def _send(self, text: bytes) -> None:
        wait_s = min(CONNECT_S, self._timeout_s)
        try:
            if self._socket.poll(int(wait_s * 1000), zmq.POLLOUT):
                self._socket.send(text, zmq.NOBLOCK)
                return
        except zmq.Again:  # it went away just now
            pass
        raise ServiceError.unreachable(
            f"{self.endpoint}: found nobody within {wait_s} s who takes this key, expected one"
        )
