"""Starts a twin that outlives whoever started it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tickwright.bus.errors import BusError
from tickwright.bus.twin_wire import TwinWire

__all__ = ["SpawnError", "spawn_twin"]

POLL_S = 0.05


class SpawnError(RuntimeError):
    """The twin did not come up; the message is its own last line."""


def spawn_twin(
    path: Path,
    *,
    preset: str = "twin",
    ring: Path | None = None,
    venue: str = "full",
    timeout_s: float = 900.0,
) -> subprocess.Popen[bytes]:
    """Start a twin at a socket, detached, and wait until it answers; return its process.

    The first of a version is built before, which takes a minute or two. What it says goes to
    ``PATH.log``. Raises SpawnError.
    """
    command = [sys.executable, "-m", "tickwright.twin.server", "--socket", str(path)]
    command += ["--preset", preset, "--venue", venue]
    command += [] if ring is None else ["--ring", str(ring)]
    log = path.with_name(f"{path.name}.log")
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    end = time.monotonic() + timeout_s
    while process.poll() is None:
        try:
            with TwinWire(str(path)) as wire:
                if wire.process_id() == process.pid:
                    return process
        except BusError:
            if time.monotonic() > end:
                process.terminate()
                process.wait()
                raise SpawnError(
                    f"{path}: found no answer for {timeout_s} s, expected one"
                ) from None
        time.sleep(POLL_S)
    lines = log.read_text(errors="replace").splitlines() or [f"{path}: ended at once"]
    raise SpawnError(lines[-1])
