"""Two paths are served, and whoever asks for anything else is told so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from tickwright.monitoring.http import MOST_BYTES, MOST_CONNECTIONS, Health, MonitorServer
from tickwright.monitoring.metrics import Sample


async def asked(port: int, text: bytes) -> tuple[int, bytes]:
    """Send bytes and return status and body; 0 and nothing where the server only hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with suppress(ConnectionError):
        writer.write(text)
        answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    if not answer:
        return 0, b""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def served(bench: Callable[[int], Awaitable[None]], health: Health = (True, {})) -> None:
    """Run a bench against a server on a port of its own."""

    async def run() -> None:
        server = MonitorServer(lambda: Sample(registers={"feed": {"lost": 7}}), lambda: health)
        port = await server.start("127.0.0.1", 0)
        try:
            await bench(port)
        finally:
            await server.close()

    asyncio.run(run())


def test_metrics_are_served():
    async def bench(port: int) -> None:
        status, body = await asked(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status == 200
        assert b"\ntickwright_feed_lost_messages_total 7.0\n" in body

    served(bench)


@pytest.mark.parametrize(("good", "status"), [(True, 200), (False, 503)])
def test_health_says_by_its_status_whether_all_is_well(good: bool, status: int):
    async def bench(port: int) -> None:
        found, body = await asked(port, b"GET /health HTTP/1.1\r\n\r\n")
        assert (found, json.loads(body)) == (status, {"state": "killed"})

    served(bench, (good, {"state": "killed"}))


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(b"GET / HTTP/1.1", 404), (b"POST /metrics HTTP/1.1", 405), (b"nonsense", 400)],
)
def test_anything_else_is_told_so(request_line: bytes, status: int):
    async def bench(port: int) -> None:
        assert (await asked(port, request_line + b"\r\n\r\n"))[0] == status

    served(bench)


def test_a_request_that_is_too_long_is_dropped_and_the_next_is_served():
    async def bench(port: int) -> None:
        assert await asked(port, b"x" * (4 * MOST_BYTES)) == (0, b"")
        assert (await asked(port, b"GET /health HTTP/1.1\r\n\r\n"))[0] == 200

    served(bench)


def test_connections_beyond_the_most_are_closed_at_once():
    async def bench(port: int) -> None:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_CONNECTIONS)]
        assert await asked(port, b"GET /health HTTP/1.1\r\n\r\n") == (0, b"")
        for _, writer in idle:
            writer.close()
            await writer.wait_closed()

    served(bench)
