"""A service as a process of its own, over a twin that is another."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tickwright.service.caller import Caller
from tickwright.service.keys import Registry, new_key, read_secret, service_key
from tickwright.service.protocol import VERBS, Reply, StatusCode
from tickwright.service.roles import Role
from tickwright.twin.spawn import spawn_twin

__all__ = ["Desk", "Served", "desk_of", "kept_twin", "serve_command"]

DEADLINE_S = 120
SERVING = "serving at "


@contextmanager
def kept_twin(path: Path, venue: str = "full") -> Iterator[Path]:
    """Keep a twin at a socket until the end of the context."""
    process = spawn_twin(path, venue=venue)
    try:
        yield path
    finally:
        process.terminate()
        assert process.wait(DEADLINE_S) == 0


def serve_command(card: Path, state: Path, *more: str) -> list[str]:
    """Return the command of a service."""
    code = "from tickwright.cli.main import main; main()"
    given = ["serve", "--card", f"twin:{card}", "--state", str(state), "--metrics", ""]
    return [sys.executable, "-c", code, *given, *more]


class Served:
    """A service that serves; used as a context, it must end well by SIGTERM."""

    def __init__(self, card: Path, state: Path, *more: str) -> None:
        self.card, self.state = card, state
        self._log = state.with_name(f"{state.name}.log")
        with self._log.open("ab") as out:
            self.process = subprocess.Popen(
                serve_command(card, state, *more), stdout=subprocess.PIPE, stderr=out
            )
        assert self.process.stdout is not None
        self.told = self.process.stdout.readline().decode().strip()
        assert self.told.startswith(SERVING), self.log
        self.endpoint = self.told.removeprefix(SERVING).split()[0]

    def __enter__(self) -> Served:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM if kind is None else signal.SIGKILL)
        status = self.wait()
        assert kind is not None or status in (0, -signal.SIGKILL), self.log

    @property
    def log(self) -> str:
        """What it said on standard error."""
        return self._log.read_text()

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        """Wait for its end; return its exit status."""
        status = self.process.wait(DEADLINE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@dataclass(frozen=True)
class Desk:
    """One who asks a service, on a connection of its own."""

    caller: Caller

    def ask(self, verb: str, **arguments: Any) -> Reply:
        """Ask, and return the answer, whatever it is."""
        return self.caller.ask(verb, VERBS[verb].arguments(**arguments))

    def done(self, verb: str, **arguments: Any) -> Any:
        """Ask for what must be done; return its result as its structure."""
        reply = self.ask(verb, **arguments)
        assert reply.status == StatusCode.DONE, reply.error
        return msgspec.json.decode(reply.result, type=VERBS[verb].result)


@contextmanager
def desk_of(state: Path, role: Role = Role.OPERATOR) -> Iterator[Desk]:
    """Ask as the owner of a key of some role, which is made if there is none yet."""
    name = f"the-{role}"
    known = {key.name for key in Registry(state).known()}
    file = state / "keys" / f"{name}.toml" if name in known else new_key(state, name, role)
    endpoint = f"ipc://{state.resolve() / 'service.sock'}"
    with Caller(endpoint, service_key(state).public, read_secret(file), timeout_s=30) as caller:
        yield Desk(caller)
