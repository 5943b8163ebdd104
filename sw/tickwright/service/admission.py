"""Who may connect: those whose key is known, and nobody else.

ZeroMQ asks for each connection, before any message of it is taken. Source: RFC 27 of ZeroMQ,
"ZAP". Where nobody answers, CURVE lets every key in: this comes before anything listens.
"""

from __future__ import annotations

from collections.abc import Callable

import zmq
from zmq.utils import z85

from tickwright.service.keys import Registry
from tickwright.service.readiness import Readiness

__all__ = ["DOMAIN", "Admission"]

ENDPOINT = "inproc://zeromq.zap.01"
VERSION = b"1.0"
DOMAIN = "tickwright"
CURVE = b"CURVE"
KEY_BYTES = 32


class Admission:
    """Answers ZeroMQ in an event loop; ``refused`` is called where a connection is not let in.

    A connection is known from then on by its public key in Z85, as the ``User-Id`` of its messages.
    """

    def __init__(
        self, context: zmq.Context, registry: Registry, refused: Callable[[str], None]
    ) -> None:
        self._registry = registry
        self._refused = refused
        self._socket: zmq.Socket = context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.bind(ENDPOINT)
        self._readiness = Readiness(self._socket, self._take)

    def close(self) -> None:
        """Let nobody in any more."""
        self._readiness.close()
        self._socket.close()

    def _take(self, frames: list[zmq.Frame]) -> None:
        parts = [frame.bytes for frame in frames]
        if b"" not in parts:
            return
        end = parts.index(b"") + 1
        way, asked = parts[:end], parts[end:]
        version, number = (*asked, b"", b"")[:2]
        user = self._known(asked) if version == VERSION else ""
        answer = (b"200", b"OK") if user else (b"400", b"key: not known")
        self._socket.send_multipart([*way, VERSION, number, *answer, user.encode("ascii"), b""])
        self._readiness.look()

    def _known(self, asked: list[bytes]) -> str:
        """Return the public key of who asks, if it is known; else say why not, and return none."""
        match asked:
            case [_, _, domain, address, _, mechanism, key] if (
                domain == DOMAIN.encode("ascii") and mechanism == CURVE and len(key) == KEY_BYTES
            ):
                public = z85.encode(key).decode("ascii")
                try:
                    if self._registry.find(public) is not None:
                        return public
                    why = f"key {public[:8]} from {address.decode('ascii', 'replace') or 'here'}"
                except OSError as error:
                    why = f"the keys cannot be read: {(error.strerror or 'failed').lower()}"
            case _:
                why = "found no key, expected one"
        self._refused(why)
        return ""
