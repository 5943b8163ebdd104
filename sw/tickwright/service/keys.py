"""The keys of a service: who is known, with which role, until revoked.

A key is a pair of CURVE (RFC 26 of ZeroMQ, "CurveZMQ"). The secret stays in a file that only its
owner may read; the public part lies in the service's folder `authorized`, with its role. Whoever
may write that folder decides who is known, and nobody else.
"""

from __future__ import annotations

import os
import re
import stat
import time
import tomllib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import zmq

from tickwright.service.roles import Role

__all__ = [
    "AUTHORIZED",
    "SECRETS",
    "SERVICE",
    "Key",
    "KeysError",
    "Registry",
    "new_key",
    "read_secret",
    "revoke",
    "service_file",
    "service_key",
]

AUTHORIZED = "authorized"  # folder of public keys that are known
REVOKED = "revoked"  # folder of those that were
SECRETS = "keys"  # folder of secret key files
SERVICE = "service"  # name of the key that a service itself has
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
KEY = re.compile(r"[0-9A-Za-z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")  # Z85 of 32 bytes
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeysError(ValueError):
    """A key that cannot be made, read or trusted: one line, never with a secret in it."""


@dataclass(frozen=True)
class Key:
    """A known key: its name, its role, its public part in Z85."""

    name: str
    role: Role
    public: str
    secret: str = field(default="", repr=False)


def new_key(state: Path, name: str, role: Role) -> Path:
    """Make a key and make it known; return the file of its secret.

    Raises KeysError where the name is taken, was taken once, or is none.
    """
    if not NAME.fullmatch(name):
        raise KeysError(f"key: found name {name!r}, expected 1 to 32 letters, digits, _ or -")
    for folder, what in ((AUTHORIZED, "known"), (REVOKED, "revoked")):
        if (path := state / folder / f"{name}.toml").exists():
            raise KeysError(f"{path}: key {name} is {what} already, expected a new name")
    public, secret = (part.decode("ascii") for part in zmq.curve_keypair())
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder, mode in ((SECRETS, 0o700), (AUTHORIZED, 0o755)):
        (state / folder).mkdir(mode=mode, parents=True, exist_ok=True)
    head = f'name = "{name}"\nrole = "{role}"\npublic = "{public}"\n'
    file = state / SECRETS / f"{name}.toml"
    _written(file, f'{head}secret = "{secret}"\n', 0o600)
    _written(state / AUTHORIZED / f"{name}.toml", f"{head}made_ns = {time.time_ns()}\n", 0o644)
    return file


def read_secret(path: Path) -> Key:
    """Read a key with its secret. Raises KeysError where others may read the file too."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            text = file.read()
    except OSError as error:
        raise KeysError(f"{path}: {(error.strerror or 'failed').lower()}") from None
    if found.st_mode & OTHERS:
        raise KeysError(
            f"{path}: found permissions {stat.S_IMODE(found.st_mode):o}, expected 600: others "
            "may read the secret"
        )
    if found.st_uid != os.geteuid():
        raise KeysError(f"{path}: found owner {found.st_uid}, expected {os.geteuid()}")
    return _parsed(path, text, secret=True)


def service_key(state: Path) -> Key:
    """Return the key of the service itself, which is made at its first start.

    Desks know the service by its public part; with it the service follows its own telemetry.
    """
    file = service_file(state)
    return read_secret(file if file.exists() else new_key(state, SERVICE, Role.VIEWER))


def service_file(state: Path) -> Path:
    """Return the file in which a service's own key lies."""
    return state / SECRETS / f"{SERVICE}.toml"


def revoke(state: Path, name: str) -> None:
    """Make a key unknown, at once and for good. Raises KeysError where it is not known."""
    path = state / AUTHORIZED / f"{name}.toml"
    if not NAME.fullmatch(name) or not path.is_file():
        raise KeysError(f"key: found no key {name!r} in {path.parent}, expected one that is known")
    (state / REVOKED).mkdir(exist_ok=True)
    path.rename(state / REVOKED / path.name)


class Registry:
    """The known keys, as they are now: a change of the folder acts on the next question.

    A file that cannot be trusted makes its own key unknown, and is told in `faults`: one that is
    malformed, that bears another name than its key, or whose public key another file has too.
    """

    def __init__(self, state: Path) -> None:
        self._folder = state / AUTHORIZED
        self._seen: list[tuple[str, int, int, int]] | None = None
        self._keys: dict[str, Key] = {}
        self.faults: list[str] = []

    def find(self, public: str) -> Key | None:
        """Return the key with this public part, None if it is not known."""
        self._refresh()
        return self._keys.get(public)

    def remembered(self, public: str) -> Key | None:
        """Return the key with this public part as the folder was read last, None if it is none."""
        return self._keys.get(public)

    def known(self) -> list[Key]:
        """Return all known keys, by name."""
        self._refresh()
        return sorted(self._keys.values(), key=lambda key: key.name)

    def _refresh(self) -> None:
        seen = _listed(self._folder)
        if seen == self._seen:
            return
        found: dict[str, list[Key]] = {}
        self.faults = []
        for name, *_ in seen:
            path = self._folder / name
            try:
                key = _parsed(path, path.read_bytes(), secret=False)
            except (KeysError, OSError) as error:
                self.faults.append(str(error))
                continue
            found.setdefault(key.public, []).append(key)
        for twice in (keys for keys in found.values() if len(keys) > 1):
            names = " and ".join(key.name for key in twice)
            self.faults.append(f"{self._folder}: {names} have one public key, expected their own")
        self._keys = {public: keys[0] for public, keys in found.items() if len(keys) == 1}
        self._seen = seen


def _listed(folder: Path) -> list[tuple[str, int, int, int]]:
    """Return the files of keys in a folder, by name, each with what a change of it changes.

    It is asked for twice a request, so it takes no detours.
    """
    listed = []
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        for entry in found:
            if entry.name.endswith(".toml"):
                with suppress(FileNotFoundError):  # revoked since the folder was listed
                    stats = entry.stat()
                    listed.append((entry.name, stats.st_mtime_ns, stats.st_ino, stats.st_size))
    return sorted(listed)


def _parsed(path: Path, text: bytes, *, secret: bool) -> Key:
    """Return the key of a file. Nothing of the file is repeated in an error."""
    try:
        found = tomllib.loads(text.decode("ascii"))
        key = Key(
            name=str(found["name"]),
            role=Role(found["role"]),
            public=str(found["public"]),
            secret=str(found["secret"]) if secret else "",
        )
    except (ValueError, KeyError):
        raise KeysError(f"{path}: found no key that can be read, expected one of ours") from None
    if key.name != path.stem and not secret:
        raise KeysError(f"{path}: found the key of {key.name}, expected that of {path.stem}")
    for part in (key.public, key.secret) if secret else (key.public,):
        if not KEY.fullmatch(part):
            raise KeysError(f"{path}: found a key that is not of 40 characters Z85")
    return key


def _written(path: Path, text: str, mode: int) -> None:
    """Write a new file, on the disk when this returns."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        raise KeysError(f"{path}: exists already, expected a new file") from None
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
    except OSError as error:
        path.unlink()
        raise KeysError(f"{path}: {(error.strerror or 'failed').lower()}") from None
