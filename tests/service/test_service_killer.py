"""A kill reaches the card though nothing can be read, and whoever asked is always answered."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from service_party.gate import ARM, ARM_AS, CYCLES, Gate

from tickwright.bus.errors import BusError
from tickwright.risk.checks import STATES
from tickwright.service.errors import ServiceError
from tickwright.service.interlock import Interlock
from tickwright.service.journal import Journal
from tickwright.service.killer import Killer

DEADLINE_S = 30.0


def armed() -> Gate:
    gate = Gate()
    gate.write(ARM_AS, STATES.index("armed"))
    gate.write(ARM, 1)
    return gate


def killing(gate: Gate, folder: Path, work: Callable[[Killer], Awaitable[None]]) -> None:
    """Do some work with a killer of the gate."""

    async def run() -> None:
        with Journal(folder / "journal") as journal:
            killer = Killer(gate.open, journal, Interlock())
            try:
                async with asyncio.timeout(DEADLINE_S):
                    await work(killer)
            finally:
                killer.close()

    asyncio.run(run())


def test_a_clock_that_cannot_be_read_keeps_no_kill_waiting(tmp_path: Path):
    gate = armed()

    async def work(killer: Killer) -> None:
        def mute(kind: str, addr: int) -> None:
            if (kind, addr) == ("read", CYCLES):
                raise BusError("gate: found no answer, expected one")

        gate.before = mute
        with pytest.raises(ServiceError, match="found no answer"):
            await killer.ask("ann")
        assert gate.state == "killed"

    killing(gate, tmp_path, work)


def test_a_way_that_fails_by_any_error_is_told_and_the_next_kill_is_carried_out(tmp_path: Path):
    gate = armed()

    async def work(killer: Killer) -> None:
        def out_of_files(kind: str, addr: int) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        gate.before = out_of_files
        with pytest.raises(ServiceError, match="kill: a fault of the service: OSError") as caught:
            await killer.ask("ann")
        assert "\n" not in str(caught.value)
        gate.before = lambda kind, addr: None
        found, _ = await killer.ask("ann")
        assert (found.state, gate.state) == ("killed", "killed")

    killing(gate, tmp_path, work)


def test_a_disk_that_fails_leaves_nobody_without_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    gate = armed()

    async def work(killer: Killer) -> None:
        def bad(*given: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        for name in ("fdatasync", "fsync"):
            monkeypatch.setattr(os, name, bad)
        with pytest.raises(ServiceError, match="the card is killed, but not journalled"):
            await killer.ask("ann")
        assert gate.state == "killed"
        monkeypatch.undo()

    killing(gate, tmp_path, work)
