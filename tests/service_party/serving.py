"""A server with its worker and its killer in a thread of its own, over a gate in memory."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service_party.gate import Gate
from tickwright.host.card import Card
from tickwright.service.caller import Caller
from tickwright.service.errors import ServiceError
from tickwright.service.interlock import Interlock
from tickwright.service.journal import Journal
from tickwright.service.keys import Key, Registry, new_key, read_secret, service_key
from tickwright.service.killer import Killer
from tickwright.service.numbers import Numbers
from tickwright.service.progress import Progress
from tickwright.service.protocol import Reply
from tickwright.service.roles import Role
from tickwright.service.server import Server
from tickwright.service.worker import Worker

__all__ = ["DEADLINE_S", "Carried", "Serving", "serving"]

DEADLINE_S = 30.0
LOOPBACK = "tcp://127.0.0.1:*"


@dataclass
class Carried:
    """What carries requests out: it notes them; ``during`` is called within each."""

    card: Card
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    during: Callable[[str], None] = lambda verb: None

    def ask(self, by: Key, verb: str, arguments: bytes) -> tuple[bytes, int]:
        self.asked.append((by.name, verb, arguments))
        self.during(verb)
        if verb == "arm":
            self.card.arm("armed")
        if verb == "report":
            raise ServiceError.failed("report: found nothing, expected a day")
        return b'{"verb":"%s"}' % verb.encode(), len(self.asked)


@dataclass(frozen=True)
class Serving:
    """A server that serves, and all that belongs to it."""

    folder: Path
    endpoint: str
    public: str
    gate: Gate
    carried: Carried
    server: Server
    journal: Journal
    told: list[str]
    stopped: threading.Event
    loop: asyncio.AbstractEventLoop

    def key(self, name: str, role: Role) -> Key:
        """Make a key known."""
        return read_secret(new_key(self.folder, name, role))

    def caller(self, key: Key, timeout_s: float = DEADLINE_S, **more: Any) -> Caller:
        return Caller(self.endpoint, self.public, key, timeout_s=timeout_s, **more)

    def ask(self, key: Key, verb: str) -> Reply:
        """Ask once, on a connection of its own."""
        with self.caller(key) as caller:
            return caller.ask(verb)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        end = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < end, "it never came about"
            time.sleep(0.002)


@contextmanager
def serving(folder: Path, endpoint: str = LOOPBACK, *, grace_s: float = 0.0) -> Iterator[Serving]:
    """Serve until the end of the context; ``grace_s`` is how long answers may take to be read."""
    folder.mkdir(exist_ok=True)
    begun: list[Serving] = []
    ready, end = threading.Event(), asyncio.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(folder, endpoint, grace_s, begun, ready, end)),
        daemon=True,
    )
    thread.start()
    assert ready.wait(DEADLINE_S)
    assert begun, "it does not serve"
    try:
        yield begun[0]
    finally:
        begun[0].loop.call_soon_threadsafe(end.set)
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


async def _serve(
    folder: Path,
    endpoint: str,
    grace_s: float,
    begun: list[Serving],
    ready: threading.Event,
    end: asyncio.Event,
) -> None:
    key = service_key(folder)
    gate, interlock, stopped = Gate(), Interlock(), threading.Event()
    told: list[str] = []
    worker = Worker(interlock, Progress(time.monotonic_ns))
    with Journal(folder / "journal.jsonl") as journal, Numbers(folder / "numbers") as numbers:
        killer = Killer(gate.open, journal, interlock)
        carried = Carried(Card(interlock.guarded(gate.open())))

        async def ask(by: Key, verb: str, arguments: bytes, kills: int) -> tuple[bytes, int]:
            return await worker.ask(carried, by, verb, arguments, kills)

        try:
            async with Server(
                [endpoint],
                key,
                Registry(folder),
                numbers,
                ask=ask,
                kill=killer.ask,
                kills=lambda: interlock.kills,
                stop=stopped.set,
                told=told.append,
                grace_s=grace_s,
            ) as server:
                begun.append(
                    Serving(folder, server.endpoints[0], key.public, gate, carried, server,
                            journal, told, stopped, asyncio.get_running_loop())
                )  # fmt: skip
                ready.set()
                await end.wait()
        finally:
            ready.set()
            worker.close()
            killer.close()
