"""How a service is reached by who may look into its folder: told in a file while it runs."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

__all__ = ["WHEREABOUTS", "Whereabouts", "find", "forget", "tell"]

WHEREABOUTS = "service.json"  # in the folder of the service's state


class Whereabouts(Struct, frozen=True, kw_only=True):
    """Where a service listens, and as whom."""

    process: int
    card: str
    place: str = ""  # of the card, as `bus.opening.place_of` tells it
    public: str  # key of the service, in Z85
    endpoints: list[str]  # at which requests are taken, the local socket first
    telemetry: str = ""  # endpoint at which telemetry is published; "": none is
    metrics: str = ""  # HOST:PORT of /metrics and /health; "": nobody listens


def tell(path: Path, found: Whereabouts) -> None:
    """Write the file, whole or not at all."""
    draft = path.with_name(f"{path.name}.draft")
    draft.write_bytes(msgspec.json.encode(found) + b"\n")
    draft.chmod(0o600)
    draft.replace(path)


def find(path: Path) -> Whereabouts | None:
    """Return what the file tells; None where there is none that can be read.

    A service that was killed leaves it, so that it is there says not that the service is.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Whereabouts)
    except (OSError, msgspec.MsgspecError):
        return None


def forget(path: Path) -> None:
    """Remove the file."""
    path.unlink(missing_ok=True)
