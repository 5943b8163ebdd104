"""What a service keeps: a folder that one service owns at a time, and nobody else may look into."""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from tickwright.core.closing import Closing
from tickwright.service.whereabouts import WHEREABOUTS

__all__ = ["StateError", "StateFolder", "owner_of"]

LOCK = "service.lock"
WHOLE_FILE = "hhqqi4x"  # struct flock: kind, whence, start, length, process
LONGEST_PATH = 107  # bytes, of a local socket


class StateError(RuntimeError):
    """A folder that cannot be a service's: one line."""


class StateFolder(Closing):
    """Owns the folder ``path``, made if it is missing, until closed.

    Raises StateError: another service owns it, or it cannot be had.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            self._lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"{path}: {(error.strerror or 'failed').lower()}") from None
        try:
            self._own()
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Give the folder up."""
        os.close(self._lock)

    @property
    def journal(self) -> Path:
        """File of the journal."""
        return self.path / "journal.jsonl"

    @property
    def sets(self) -> Path:
        """Folder of the sets that were ever meant for the card."""
        return self.path / "sets"

    @property
    def numbers(self) -> Path:
        """Folder of the request numbers."""
        return self.path / "numbers"

    @property
    def segments(self) -> Path:
        """Folder of recorded telemetry."""
        return self.path / "segments"

    @property
    def whereabouts(self) -> Path:
        """File that tells where the service listens, while it runs."""
        return self.path / WHEREABOUTS

    @property
    def service(self) -> str:
        """Endpoint at which requests are taken."""
        return self._endpoint("service.sock")

    @property
    def telemetry(self) -> str:
        """Endpoint at which telemetry is published."""
        return self._endpoint("telemetry.sock")

    def _endpoint(self, name: str) -> str:
        path = self.path / name
        if len(os.fsencode(path)) > LONGEST_PATH:
            raise StateError(
                f"{path}: found a path of {len(os.fsencode(path))} bytes, expected at most "
                f"{LONGEST_PATH} for a local socket"
            )
        return f"ipc://{path}"

    def _own(self) -> None:
        try:
            fcntl.fcntl(self._lock, fcntl.F_OFD_SETLK, _lock(fcntl.F_WRLCK))
        except BlockingIOError:
            found = os.pread(self._lock, 32, 0).decode("ascii", "replace").strip()
            raise StateError(
                f"{self.path}: found the service of process {found}, expected none"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode("ascii"), 0)


def owner_of(path: Path) -> int | None:
    """Return the process of the service that owns a folder now, None where none does.

    The lock is looked at and not taken, so that who looks is in nobody's way.
    """
    try:
        with (path / LOCK).open("rb") as file:
            found = fcntl.fcntl(file, fcntl.F_OFD_GETLK, _lock(fcntl.F_WRLCK))
            if struct.unpack(WHOLE_FILE, found)[0] == fcntl.F_UNLCK:
                return None
            return int(file.read().strip())
    except (OSError, ValueError):
        return None


def _lock(kind: int) -> bytes:
    return struct.pack(WHOLE_FILE, kind, os.SEEK_SET, 0, 0, 0)
