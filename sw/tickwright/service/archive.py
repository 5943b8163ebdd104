"""Every set that was ever meant for a card: its text, and what of it the card was to hold.

A set lies in a file of its own, named by kind and epoch. It is on the disk before anything of it is
written to the card, so whatever set the card is found with can be told; it is never changed.
"""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from tickwright.host.sets import LimitSet, ParameterSet, Sizes
from tickwright.host.setup import CardSetup

__all__ = ["LAST_EPOCH", "Archive", "ArchiveError", "SetKind", "StoredSet"]

LAST_EPOCH = (1 << 16) - 1
NAME = re.compile(r"(parameters|limits)-(\d{5})\.json")


class ArchiveError(RuntimeError):
    """A set that cannot be kept, or that is not there as it was kept: one line."""


class SetKind(StrEnum):
    """The two kinds of sets, each with epochs of its own."""

    PARAMETERS = "parameters"
    LIMITS = "limits"


class StoredSet(Struct, frozen=True, kw_only=True):
    """A set: what was asked for, and what it is on the card."""

    kind: SetKind
    epoch: int
    checksum: int  # as the card forms it
    name: str  # of the file
    by: str  # name of the key
    time_ns: int  # since the epoch
    text: str  # of the file
    setup: CardSetup  # parameters: all but limits; limits: symbols and gate
    whole: bool = False  # parameters: symbols, feed and session were loaded with them
    desk: int = 0  # limits: epoch of the parameters whose symbols they are for; 0: none

    @property
    def parameters(self) -> ParameterSet:
        """The set, of parameters."""
        return ParameterSet(epoch=self.epoch, pairs=self.setup.pairs)

    @property
    def limits(self) -> LimitSet:
        """The set, of limits."""
        return LimitSet(epoch=self.epoch, symbols=self.setup.symbols, gate=self.setup.gate)

    def checksum_on(self, sizes: Sizes) -> int:
        """Return the checksum that a card of these sizes finds. Raises SetupError: no room."""
        found = self.parameters if self.kind is SetKind.PARAMETERS else self.limits
        return found.checksum(sizes)


class Archive:
    """The sets of one service, in a folder of its own; it is made if it is missing.

    Raises ArchiveError where the disk does not take or give a set.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _failed(folder, error) from None

    def epochs(self, kind: SetKind) -> list[int]:
        """Return the epochs of all sets of a kind, the oldest first."""
        try:
            names = [path.name for path in self.folder.iterdir()]
        except OSError as error:
            raise _failed(self.folder, error) from None
        found = (match for name in names if (match := NAME.fullmatch(name)))
        return sorted(int(match[2]) for match in found if match[1] == kind)

    def keep(self, one: StoredSet) -> None:
        """Keep a set; it is on the disk when this returns. Its epoch must not be taken."""
        path = self._path(one.kind, one.epoch)
        draft = path.with_suffix(".draft")
        try:
            with draft.open("wb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(msgspec.json.encode(one))
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)  # refuses where it is taken
            draft.unlink()
            self._settle()
        except FileExistsError:
            draft.unlink()
            raise ArchiveError(
                f"{path}: exists already, expected an epoch that is not taken"
            ) from None
        except OSError as error:
            raise _failed(path, error) from None

    def get(self, kind: SetKind, epoch: int) -> StoredSet:
        """Return a set. Raises ArchiveError where there is none, or not as it was kept."""
        path = self._path(kind, epoch)
        try:
            found = msgspec.json.decode(path.read_bytes(), type=StoredSet)
        except OSError as error:
            raise _failed(path, error) from None
        except msgspec.MsgspecError as error:
            raise ArchiveError(f"{path}: {error}, expected a set as it was kept") from None
        if (found.kind, found.epoch) != (kind, epoch):
            raise ArchiveError(f"{path}: found {found.kind} {found.epoch}, expected {kind} {epoch}")
        return found

    def _path(self, kind: SetKind, epoch: int) -> Path:
        return self.folder / f"{kind}-{epoch:05}.json"

    def _settle(self) -> None:
        """Put the names of new files on the disk."""
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _failed(path: Path, error: OSError) -> ArchiveError:
    return ArchiveError(f"{path}: {(error.strerror or 'failed').lower()}")
