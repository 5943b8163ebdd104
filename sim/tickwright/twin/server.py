"""A twin as a card of its own process, behind a local socket.

Run as ``python -m tickwright.twin.server --socket PATH``. What passes over the socket is told in
`tickwright.bus.twin_link`, what can be asked of the wire side in `tickwright.bus.twin_wire`. The
card starts in reset state and lives until SIGTERM or a shutdown that was asked for, whatever its
clients do. ``PATH.pid`` holds the process's id and is locked while it lives.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from tickwright.bus.twin_link import ASKED, HEAD, MAX_JSON, READ, VALUE, WRITE, packed
from tickwright.exchange.scripted import FillsError, ScriptedVenue
from tickwright.recorder.ring import RingError
from tickwright.top.memory_map import BLOCK_WORDS, BLOCKS
from tickwright.top.presets import PRESETS, Preset
from tickwright.twin.card import TwinCard
from tickwright.twin.library import BuildError, library
from tickwright.twin.player import Player, PlayError
from tickwright.twin.session_venue import SessionVenue
from tickwright.twin.telemetry import Telemetry

__all__ = ["ServerError", "TwinServer", "main", "serve"]

HOLD_NS = 1_000_000  # until a host has loaded its own
END_BYTES = 4 * BLOCK_WORDS * len(BLOCKS)
PIECE_BYTES = 300 * HEAD.size  # of one connection at once: a millisecond or two
MAX_WAITING = 1 << 20  # bytes of answers that nobody reads
IDLE_S = 0.005
PIPE_S = 0.001
WATCHED_CYCLES = 64


class ServerError(RuntimeError):
    """The process cannot keep a twin at this socket."""


class LinkError(ValueError):
    """A client sent what is no request; its connection ends."""


class _Client:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.taken = bytearray()
        self.answers = bytearray()


class TwinServer:
    """Serves any number of connections at once and plays what it was asked to, on one thread.

    Between two slices of a play every connection is served once. A client that breaks the rules
    loses its connection, with a line on standard error, and nothing else happens.
    """

    def __init__(self, path: Path, card: TwinCard, player: Player) -> None:
        self._card = card
        self._player = player
        self._stopping = False
        self._piped: int | None = None
        self._watched: dict[int, tuple[int, int] | None] = {}
        self._seen: list[tuple[int, int, int | None]] = []
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._path = path
        self._listener.listen(64)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._requests: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "play": self._play,
            "playing": lambda request: self._player.status(),
            "stop": self._stop_playing,
            "cycle": lambda request: {"cycle": card.cycle, "now_ns": card.now_ns},
            "process": lambda request: {"id": os.getpid()},
            "watch": self._watch,
            "seen": lambda request: {"writes": self._seen},
            "shutdown": self._shutdown,
        }

    def stop(self) -> None:
        """Let `run` return soon; may be called by a signal."""
        self._stopping = True

    def run(self) -> None:
        """Serve until stopped."""
        while not self._stopping:
            self._follow_pipe()
            wait = 0.0 if self._player.busy else PIPE_S if self._player.playing else IDLE_S
            for key, events in self._selector.select(wait):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.data, _Client):
                    self._serve(key.data, events)
                elif self._player.pipe is not None:
                    self._player.pipe.take()
            self._player.step()

    def close(self) -> None:
        """End all connections and remove the socket."""
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, _Client):
                self._end(key.data)
        self._selector.close()
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _follow_pipe(self) -> None:
        """Listen to the reader of a capture as long as more is wanted of it."""
        pipe = self._player.pipe
        wanted = pipe.fileno() if pipe is not None and pipe.wanted else None
        if wanted == self._piped:
            return
        self._forget_pipe()
        if wanted is not None:
            self._selector.register(wanted, selectors.EVENT_READ, "pipe")
        self._piped = wanted

    def _forget_pipe(self) -> None:
        """Stop listening before the pipe is closed and its number is another's."""
        if self._piped is not None:
            self._selector.unregister(self._piped)
            self._piped = None

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            self._selector.register(connection, selectors.EVENT_READ, _Client(connection))

    def _serve(self, client: _Client, events: int) -> None:
        try:
            if events & selectors.EVENT_READ:
                data = client.connection.recv(PIECE_BYTES)
                client.taken += data
                self._take(client)
                if not data:
                    self._end(client)
                    return
            self._answer(client)
        except LinkError as error:
            sys.stderr.write(f"twin: connection closed: {error}\n")
            self._end(client)
        except BlockingIOError:
            pass
        except OSError:  # the client is gone
            self._end(client)

    def _take(self, client: _Client) -> None:
        """Carry out all that came as a whole."""
        data, at = bytes(client.taken), 0
        while len(data) - at >= HEAD.size:
            letter, first, second = HEAD.unpack_from(data, at)
            if letter == ASKED:
                if first > MAX_JSON:
                    raise LinkError(f"found a request of {first} bytes, expected up to {MAX_JSON}")
                if len(data) - at < HEAD.size + first:
                    break
                at += HEAD.size
                client.answers += packed(self._asked(data[at : at + first]))
                at += first
                continue
            if letter not in (READ, WRITE) or not _is_register(first):
                raise LinkError(
                    f"found {letter!r} of {first:#x}, expected R or W of a multiple of 4 below "
                    f"{END_BYTES:#x}, or J"
                )
            at += HEAD.size
            if letter == READ:
                client.answers += HEAD.pack(VALUE, first, self._card.read(first))
            elif first in self._watched:
                self._write_watched(first, second)
            else:
                self._card.write(first, second)
        del client.taken[:at]

    def _asked(self, text: bytes) -> dict[str, Any]:
        try:
            request = json.loads(text)
            do = self._requests.get(request["do"])
        except (ValueError, TypeError, KeyError):
            raise LinkError(f"found {text[:80]!r}, expected a JSON object with do") from None
        if do is None:
            return {"error": f"found {request['do']!r}, expected {', '.join(self._requests)}"}
        try:
            return do(request)
        except PlayError as error:
            return {"error": str(error)}

    def _answer(self, client: _Client) -> None:
        if client.answers:
            with suppress(BlockingIOError):
                del client.answers[: client.connection.send(client.answers)]
        if len(client.answers) > MAX_WAITING:
            raise LinkError(f"found {len(client.answers)} bytes of answers that nobody reads")
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.answers else 0)
        if self._selector.get_key(client.connection).events != events:
            self._selector.modify(client.connection, events, client)

    def _end(self, client: _Client) -> None:
        self._selector.unregister(client.connection)
        client.connection.close()

    def _play(self, request: dict[str, Any]) -> dict[str, Any]:
        self._player.play(request)
        return {}

    def _stop_playing(self, request: dict[str, Any]) -> dict[str, Any]:
        self._forget_pipe()
        self._player.stop()
        return {}

    def _shutdown(self, request: dict[str, Any]) -> dict[str, Any]:
        self.stop()
        return {}

    def _watch(self, request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"addr": int(addr), "until": None} if _is_register(addr):
                self._watched[addr] = None
            case {"addr": int(addr), "until": [int(place), int(value)]} if _is_register(
                addr
            ) and _is_register(place):
                self._watched[addr] = (place, value)
            case _:
                return {"error": f"watch: found {request}, expected addresses of registers"}
        return {}

    def _write_watched(self, addr: int, value: int) -> None:
        cycle = self._card.cycle
        self._card.write(addr, value)
        reached = None
        if (until := self._watched[addr]) is not None:
            for _ in range(WATCHED_CYCLES):
                now = self._card.cycle
                if self._card.read(until[0]) == until[1]:
                    reached = now
                    break
        self._seen.append((cycle, value, reached))


def _is_register(addr: int) -> bool:
    return addr % 4 == 0 and 0 <= addr < END_BYTES


def serve(
    path: Path, preset: Preset, *, ring: Path | None, venue: str | None, fill_delay_ns: int
) -> None:
    """Keep a twin at a socket until SIGTERM. ``venue`` is as `ScriptedVenue`'s fills; None: nobody.

    Raises ServerError: another process keeps one there, or the socket cannot be made.
    """
    with ExitStack() as stack:
        script = None if venue is None else ScriptedVenue(venue, fill_delay_ns)
        _own(path, stack)
        library(preset, told=_say)
        telemetry = None if ring is None else Telemetry(ring)
        if telemetry is not None:
            stack.callback(telemetry.close)
        card = stack.enter_context(TwinCard(preset, hold_ns=HOLD_NS))
        player = Player(card, None if script is None else SessionVenue(card, script), telemetry)
        stack.callback(player.close)
        try:
            server = TwinServer(path, card, player)
        except OSError as error:
            raise ServerError(f"{path}: found {error}, expected a place for a socket") from None
        stack.callback(server.close)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: server.stop())
        _say(f"serving a card of preset {preset.name} at {path}")
        server.run()


def _own(path: Path, stack: ExitStack) -> None:
    """Lock ``PATH.pid`` for the life of this process, and write its id."""
    file = stack.enter_context(path.with_name(f"{path.name}.pid").open("a+"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise ServerError(
            f"{path}: found the twin of process {file.read().strip()}, expected none"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()


def _say(line: str) -> None:
    sys.stderr.write(f"twin: {line}\n")
    sys.stderr.flush()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve; return the exit status."""
    parser = argparse.ArgumentParser(prog="tickwright.twin.server")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--preset", choices=list(PRESETS), default="twin")
    parser.add_argument("--ring", type=Path, help="telemetry; PATH.ring if not given")
    parser.add_argument("--venue", default="full", help="full, none, random:SEED, FILE, or silent")
    parser.add_argument("--fill-delay-ns", type=int, default=20_000)
    given = parser.parse_args(arguments)
    ring = given.ring or given.socket.with_name(f"{given.socket.name}.ring")
    venue = None if given.venue == "silent" else given.venue
    try:
        serve(
            given.socket,
            PRESETS[given.preset],
            ring=ring,
            venue=venue,
            fill_delay_ns=given.fill_delay_ns,
        )
    except (ServerError, FillsError, RingError, BuildError) as error:
        _say(str(error))
        return 1
    except OSError as error:
        _say(f"{error.filename or given.socket}: {(error.strerror or str(error)).lower()}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
