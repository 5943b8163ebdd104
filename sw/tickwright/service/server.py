"""Takes the requests of desks, and answers each: once, in turn, and only to those who may ask.

A message is one frame of JSON. What is none, comes from a key that is not known any more, has a
number that is not above the last of its key, or asks for what its key's role may not, is refused
and counted. Each key has its turn, however many requests and connections others have. A kill waits
for no turn; it is carried out whatever its number, for it makes nothing worse.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import msgspec
import zmq
from zmq.utils.monitor import parse_monitor_message

from tickwright.service.admission import DOMAIN, Admission
from tickwright.service.errors import ServiceError
from tickwright.service.keys import Key, Registry
from tickwright.service.numbers import HIGHEST, Numbers, NumbersError
from tickwright.service.protocol import MOST_BYTES, VERBS, Killed, Reply, Request, StatusCode
from tickwright.service.readiness import Readiness
from tickwright.service.turns import Turns

__all__ = ["Ask", "Kill", "Server", "ServerError"]

WAITING = 32  # requests of one key
IN_WAITING = 16  # messages of one connection, before its sender has to wait
OUT_WAITING = 64  # answers for one connection that nobody fetches; further ones are dropped
HANDSHAKE_MS = 2000
SEALED_BYTES = 64  # that CURVE adds to a message, at most
KEEPALIVE_S = 5  # of TCP; ZeroMQ's own heartbeat ends the process: its issue 4841
KEEPALIVES = 3  # unanswered, before a peer is gone
BACKLOG = 1024  # connections that wait to be taken
LINGER_MS = 500  # for answers under way when the service ends
GRACE_S = 0.5  # until an answer is read: a desk's socket forgets it with the connection
IO_THREADS = 2
KILL, STOP = "kill", "stop"
MONITOR = "inproc://failed_handshakes"
FAILED_AT_ONCE = 64
FAILED_HANDSHAKES = (
    zmq.Event.HANDSHAKE_FAILED_NO_DETAIL.value | zmq.Event.HANDSHAKE_FAILED_PROTOCOL.value
)


class ServerError(RuntimeError):
    """The server cannot listen where it is to: one line."""


class Ask(Protocol):
    """Carries out a request; raises ServiceError."""

    async def __call__(
        self, by: Key, verb: str, arguments: bytes, kills: int
    ) -> tuple[bytes, int]: ...


class Kill(Protocol):
    """Kills the card at once; fails with ServiceError."""

    def __call__(self, by: str, **details: str) -> asyncio.Future[tuple[Killed, int]]: ...


@dataclass(frozen=True)
class _Entry:
    """A request that waits for its turn."""

    way: bytes  # to its sender
    public: str
    request: Request
    kills: int


class Server:
    """Listens at ``endpoints`` within an event loop, as the owner of ``key``.

    ``kills`` tells how many kills were asked for; ``stop`` is called when a desk has ended the
    service; ``told`` with a line for each message that is refused. Raises ServerError.
    """

    def __init__(
        self,
        endpoints: list[str],
        key: Key,
        registry: Registry,
        numbers: Numbers,
        *,
        ask: Ask,
        kill: Kill,
        kills: Callable[[], int],
        stop: Callable[[], None],
        told: Callable[[str], None],
        grace_s: float = GRACE_S,
    ) -> None:
        self._registry, self._numbers = registry, numbers
        self._ask, self._kill, self._kills = ask, kill, kills
        self._stop, self._told = stop, told
        self._grace_s, self._answered_s = grace_s, -math.inf
        self._turns: Turns[_Entry] = Turns(WAITING)
        self._some = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.refused = 0  # messages and connections
        self.endpoints: list[str] = []
        with ExitStack() as stack:
            context = stack.enter_context(zmq.Context(IO_THREADS))
            stack.callback(Admission(context, registry, self._refuse).close)
            self._socket = stack.enter_context(context.socket(zmq.ROUTER))
            self._listen(endpoints, key)
            self._watch(context, stack)
            self._readiness = Readiness(self._socket, self._take)
            stack.callback(self._readiness.close)
            self._stack = stack.pop_all()
        self._turning = asyncio.create_task(self._serve())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Take no more requests; answer what is being carried out, let it be read, and end."""
        self._readiness.close()
        self._turning.cancel()
        await asyncio.gather(self._turning, *self._tasks, return_exceptions=True)
        await asyncio.sleep(self._answered_s + self._grace_s - time.monotonic())
        self._stack.close()

    def _listen(self, endpoints: list[str], key: Key) -> None:
        socket = self._socket
        socket.curve_server = True
        socket.curve_secretkey = key.secret.encode("ascii")
        socket.curve_publickey = key.public.encode("ascii")
        socket.zap_domain = DOMAIN.encode("ascii")
        socket.maxmsgsize = MOST_BYTES + SEALED_BYTES
        socket.rcvhwm, socket.sndhwm = IN_WAITING, OUT_WAITING
        socket.handshake_ivl = HANDSHAKE_MS
        socket.tcp_keepalive, socket.tcp_keepalive_cnt = 1, KEEPALIVES
        socket.tcp_keepalive_idle = socket.tcp_keepalive_intvl = KEEPALIVE_S
        socket.backlog = BACKLOG
        socket.linger = LINGER_MS
        for endpoint in endpoints:
            try:
                socket.bind(endpoint)
            except zmq.ZMQError as error:
                raise ServerError(f"{endpoint}: {error.strerror.lower()}") from None
            self.endpoints.append(socket.getsockopt_string(zmq.LAST_ENDPOINT))

    def _watch(self, context: zmq.Context, stack: ExitStack) -> None:
        """Count connections that speak no CURVE; ZeroMQ ends them by itself.

        Its thread would wait, with all that it carries, for the reader of a bounded socket.
        """
        monitor = stack.enter_context(context.socket(zmq.PAIR))
        monitor.rcvhwm = 0
        self._socket.monitor(MONITOR, FAILED_HANDSHAKES)
        monitor.connect(MONITOR)
        stack.callback(self._socket.disable_monitor)
        stack.callback(Readiness(monitor, self._failed_handshake, FAILED_AT_ONCE).close)

    def _failed_handshake(self, frames: list[zmq.Frame]) -> None:
        event = parse_monitor_message([frame.bytes for frame in frames])
        self._refuse(f"connection to {event['endpoint'].decode('ascii', 'replace')} without a key")

    def _refuse(self, why: str) -> None:
        self.refused += 1
        self._told(why)

    def _take(self, frames: list[zmq.Frame]) -> None:
        """Take a message: answer it, or let it wait for its turn."""
        if len(frames) != 2:
            self._refuse(f"message: found {len(frames) - 1} frames, expected 1")
            return
        way, frame = frames[0].bytes, frames[1]
        public = str(frame.get("User-Id"))
        try:
            if len(frame) > MOST_BYTES:
                raise msgspec.DecodeError(f"found {len(frame)} bytes, expected {MOST_BYTES}")
            request = msgspec.json.decode(frame.buffer, type=Request)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self._refuse(f"request: {error}")
            self._send(way, Reply(0, StatusCode.WRONG, f"request: {error}"))
            return
        try:
            self._accept(way, public, request)
        except ServiceError as error:
            self._refuse(str(error))
            self._send(way, Reply(request.number, error.status, str(error)))

    def _accept(self, way: bytes, public: str, request: Request) -> None:
        """Begin a kill, or let a request wait for its turn. Raises ServiceError."""
        verb = VERBS.get(request.verb)
        key = self._known(public, request.verb == KILL)
        if verb is None:
            raise ServiceError.wrong(
                f"verb: found {request.verb[:40]!r}, expected one of the verbs"
            )
        if key.role not in verb.roles:
            roles = ", ".join(sorted(verb.roles))
            raise ServiceError.refused(f"{verb.name}: found role {key.role}, expected {roles}")
        if verb.name == KILL:  # before all that could fail
            killing = self._kill(key.name, role=str(key.role))
            self._begin(self._answer_kill(way, request.number, killing))
            try:
                self._take_number(key, request.number)
            except ServiceError as error:
                self._told(str(error))
            return
        self._take_number(key, request.number)
        if not self._turns.put(public, _Entry(way, public, request, self._kills())):
            raise ServiceError.refused(
                f"{verb.name}: found {WAITING} requests of {key.name} waiting, expected fewer"
            )
        self._some.set()

    def _known(self, public: str, kills: bool = False) -> Key:
        """Return the key as it is now: one that was revoked is no more, on open connections too.

        Where keys cannot be read, those that were known last may still kill.
        """
        try:
            key = self._registry.find(public)
        except OSError as error:
            key = self._registry.remembered(public) if kills else None
            if key is None:
                raise ServiceError.failed(
                    f"the keys cannot be read: {(error.strerror or 'failed').lower()}"
                ) from None
        if key is None:
            raise ServiceError.refused(f"key {public[:8]}: found it revoked, expected a known key")
        return key

    def _take_number(self, key: Key, number: int) -> None:
        """Take the number of a request. Raises ServiceError: it is old, or cannot be kept."""
        try:
            fresh = self._numbers.take(key.name, number)
        except NumbersError as error:
            raise ServiceError.failed(
                f"request of {key.name}: its number cannot be kept: {error}; kill can do without"
            ) from None
        if not fresh:
            raise ServiceError.refused(
                f"request of {key.name}: found number {number}, expected one above "
                f"{self._numbers.newest(key.name)}, up to {HIGHEST}"
            )

    def _begin(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _answer_kill(
        self, way: bytes, number: int, killing: asyncio.Future[tuple[Killed, int]]
    ) -> None:
        try:
            found, journal = await killing
        except ServiceError as error:
            self._send(way, Reply(number, error.status, str(error), journal=error.journal))
            return
        result = msgspec.Raw(msgspec.json.encode(found))
        self._send(way, Reply(number, StatusCode.DONE, "", result, journal))

    async def _serve(self) -> None:
        """Carry out what waits, one after the other."""
        while True:
            entry = self._turns.take()
            if entry is None:
                self._some.clear()
                await self._some.wait()
                continue
            await asyncio.shield(self._begin(self._carry_out(entry)))

    async def _carry_out(self, entry: _Entry) -> None:
        request = entry.request
        try:
            key = self._known(entry.public)
            result, journal = await self._ask(
                key, request.verb, bytes(request.arguments), entry.kills
            )
        except ServiceError as error:
            reply = Reply(request.number, error.status, str(error), journal=error.journal)
        except Exception as error:
            what = f"{request.verb}: a fault of the service: {type(error).__name__}: {error}"
            line = " ".join(what.split())
            self._told(line)
            reply = Reply(request.number, StatusCode.FAILED, line)
        else:
            reply = Reply(request.number, StatusCode.DONE, "", msgspec.Raw(result), journal)
        self._send(entry.way, reply)
        if request.verb == STOP and reply.status == StatusCode.DONE:
            self._stop()

    def _send(self, way: bytes, reply: Reply) -> None:
        """Answer, unless the one who asked is gone or takes no answers."""
        with suppress(zmq.Again):
            self._socket.send_multipart([way, msgspec.json.encode(reply)], zmq.NOBLOCK)
        self._answered_s = time.monotonic()
        self._readiness.look()
