"""The processes that a service starts: each says when it is ready, and why it has ended."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Sequence
from contextlib import suppress

__all__ = ["Child", "ChildError"]

LONGEST_LINE = 1 << 16
PATIENCE_S = 5.0


class ChildError(RuntimeError):
    """A process that did not become ready: its own last line."""


class Child:
    """One process, in a session of its own: what ends a service by hand must not end it first.

    ``said`` is called with each line on its standard error.
    """

    def __init__(self, process: Process, said: Callable[[str], None]) -> None:
        self._process = process
        self._last = ""
        self._said = said
        self._reading = asyncio.create_task(self._read())
        self.ready = ""  # what it said when it was

    @classmethod
    async def start(
        cls,
        module: str,
        arguments: Sequence[str],
        *,
        told: bytes | int,
        said: Callable[[str], None],
    ) -> Child:
        """Start a module, wait for its first line of output, and return it.

        ``told`` is its standard input: a file, or text and its end. Raises ChildError.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdin=told if isinstance(told, int) else PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=LONGEST_LINE,
            start_new_session=True,
        )
        child = cls(process, said)
        if process.stdin is not None and isinstance(told, bytes):
            with suppress(ConnectionError):
                process.stdin.write(told)
                await process.stdin.drain()
            process.stdin.close()
        assert process.stdout is not None
        child.ready = (await process.stdout.readline()).decode("utf-8", "replace").strip()
        if not child.ready:
            raise ChildError(await child.ended())
        return child

    @property
    def id(self) -> int:
        """The id of the process."""
        return self._process.pid

    async def ended(self) -> str:
        """Wait for its end; return why."""
        status = await self._process.wait()
        await asyncio.shield(self._reading)
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        return f"{how}: {self._last}" if self._last else how

    async def end(self, patience_s: float = PATIENCE_S) -> None:
        """End it: by SIGTERM, and where that is not heeded in time, by force."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            async with asyncio.timeout(patience_s):
                await self.ended()
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self.ended()

    async def _read(self) -> None:
        assert self._process.stderr is not None
        with suppress(ValueError):  # a line without an end
            while line := await self._process.stderr.readline():
                self._last = line.decode("utf-8", "replace").strip()
                self._said(self._last)
