"""`/metrics` and `/health` over HTTP, for whoever watches from outside.

Nothing else is served: two paths, GET only, one answer a connection. Source: RFC 9112, "HTTP/1.1".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from tickwright.monitoring.metrics import Sample, exposition

__all__ = ["Health", "MonitorServer"]

TEXT = "text/plain; version=0.0.4; charset=utf-8"
PATIENCE_S = 5.0  # for a request to arrive whole
MOST_BYTES = 8192
MOST_CONNECTIONS = 64
ENDS = (  # of a connection, of which there is nothing to say
    TimeoutError,
    ConnectionError,
    asyncio.IncompleteReadError,
    asyncio.LimitOverrunError,
)

Health = tuple[bool, dict[str, object]]


class MonitorServer:
    """Serves the newest sample, and whether all is well (200) or not (503).

    ``sample`` and ``health`` are called for each request and must not block.
    """

    def __init__(self, sample: Callable[[], Sample], health: Callable[[], Health]) -> None:
        self._sample = sample
        self._health = health
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port, which is chosen if 0 is asked for. Raises OSError."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=MOST_BYTES)
        return self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, and end what is under way."""
        if self._server is not None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if len(self._tasks) > MOST_CONNECTIONS:
                return
            with suppress(*ENDS):
                async with asyncio.timeout(PATIENCE_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                    writer.write(self._answer(head))
                    await writer.drain()
        finally:
            writer.close()
            with suppress(*ENDS):
                await writer.wait_closed()

    def _answer(self, head: bytes) -> bytes:
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3:
            return _response(HTTPStatus.BAD_REQUEST, TEXT, b"expected a request line\n")
        method, path = words[0], words[1].split(b"?", 1)[0]
        if method != b"GET":
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, TEXT, b"expected GET\n")
        if path == b"/metrics":
            return _response(HTTPStatus.OK, TEXT, exposition(self._sample()))
        if path == b"/health":
            good, found = self._health()
            status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
            return _response(status, "application/json", json.dumps(found).encode() + b"\n")
        return _response(HTTPStatus.NOT_FOUND, TEXT, b"expected /metrics or /health\n")


def _response(status: HTTPStatus, kind: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
