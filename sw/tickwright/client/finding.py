"""Where a desk finds its service and its key: in the folder of the service's state.

A desk on another machine has a folder of its own, with its key file in ``keys`` and a copy of the
service's ``service.json``.
"""

from __future__ import annotations

from pathlib import Path

from tickwright.service.errors import ServiceError
from tickwright.service.keys import SECRETS, SERVICE, Key, KeysError, read_secret
from tickwright.service.state_folder import owner_of
from tickwright.service.whereabouts import WHEREABOUTS, Whereabouts, find

__all__ = ["key_of", "local_endpoint", "service_of"]


def key_of(state: Path, key: str) -> Key:
    """Return a key: by its name, by its file, or the only one. Raises ServiceError."""
    try:
        return read_secret(_file(state, key))
    except KeysError as error:
        raise ServiceError.wrong(str(error)) from None


def service_of(state: Path) -> Whereabouts:
    """Return where the service of a folder listens. Raises ServiceError: it does not run."""
    path = state / WHEREABOUTS
    found = find(path)
    if found is None:
        raise ServiceError.unreachable(
            f"{path}: found no service, expected one that was started with --state {state}"
        )
    return found


def local_endpoint(state: Path, service: Whereabouts) -> str:
    """Return where the service takes requests on this machine. Raises ServiceError: it is gone."""
    if owner_of(state) is None:
        raise ServiceError.unreachable(
            f"{state}: found the service of process {service.process} gone, expected it to run"
        )
    return service.endpoints[0]


def _file(state: Path, key: str) -> Path:
    folder = state / SECRETS
    if "/" in key or key.endswith(".toml"):
        return Path(key)
    if key:
        return folder / f"{key}.toml"
    found = sorted(path.stem for path in folder.glob("*.toml") if path.stem != SERVICE)
    if len(found) != 1:
        names = ", ".join(found) or "none"
        raise ServiceError.wrong(f"--key: found keys {names} in {folder}, expected one to be named")
    return folder / f"{found[0]}.toml"
