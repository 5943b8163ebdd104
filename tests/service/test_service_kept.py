"""What a service keeps is begun anew, whatever kept it from beginning, and leaves no file open."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest
from service_party.gate import Gate

from tickwright.bus.errors import BusError
from tickwright.service import kept
from tickwright.service.children import ChildError
from tickwright.service.feeding import Feeder, Patience, process_feeder, thread_feeder
from tickwright.service.kept import Kept

DEADLINE_S = 30.0


class One:
    """Something that ends when it is told."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    async def ended(self) -> str:
        await self.over.wait()
        return "told to"

    async def end(self) -> None:
        self.over.set()


@pytest.mark.parametrize(
    "error",
    [ChildError("none"), BusError("none"), OSError(errno.EMFILE, "Too many open files")],
    ids=lambda error: type(error).__name__,
)
def test_a_start_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch, error: Exception):
    monkeypatch.setattr(kept, "PAUSE_S", 0.0)

    async def run() -> None:
        told: list[str] = []
        starts: list[One] = []

        async def start() -> One:
            if len(told) in (1, 2):
                raise error
            starts.append(One())
            return starts[-1]

        keeper = Kept("one", start, told.append)
        async with asyncio.timeout(DEADLINE_S):
            first = await keeper.begin()
            first.over.set()
            while keeper.current in (None, first):
                await asyncio.sleep(0)
            await keeper.end()
        assert len(starts) == 2
        assert told == ["one: told to", f"one: {error}", f"one: {error}"]
        assert keeper.fault == ""

    asyncio.run(run())


def files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_a_feeder_that_ended_by_itself_leaves_no_file_open(kind: str):
    async def started(patience: Patience) -> Feeder:
        if kind == "thread":
            return await thread_feeder(Gate().open(), patience)
        return await process_feeder("twin:/nowhere/card", patience, lambda line: None)

    async def run() -> None:
        async def once() -> None:
            with pytest.MonkeyPatch.context() as patched:
                if kind == "process":  # one that is ready, and ends at once
                    patched.setattr("tickwright.service.feeding.CONTEXT", "this")
                feeder = await started(Patience(10))
                async with asyncio.timeout(DEADLINE_S):
                    assert await feeder.ended()
                feeder.sign(0)

        await once()
        before = files()
        for _ in range(3):
            await once()
        assert files() == before

    asyncio.run(run())
