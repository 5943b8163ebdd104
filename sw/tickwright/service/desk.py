"""The desk of a service: every verb carried out on a card, and journalled."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from tickwright.host.card import Card
from tickwright.monitoring.metrics import Sample
from tickwright.recorder.snapshot import Snapshot
from tickwright.service.archive import Archive
from tickwright.service.errors import ServiceError
from tickwright.service.journal import Journal
from tickwright.service.keys import Key

__all__ = ["Desk", "DeskSettings"]


class DeskSettings(Struct, frozen=True, kw_only=True):
    """What the desk of a service is told at its start."""

    card: str  # the way to the card, as `open_bus` takes it
    watchdog_ms: int = 250  # silence of the host after which the card kills
    disk_free_ratio: float = 0.05  # of the journal's disk; with less free, nothing is armed
    clock_offset_ms: float | None = None  # with more, nothing is armed; None: any offset will do


class Desk:
    """Carries out requests on one card, one at a time.

    ``now_ns`` tells nanoseconds since the epoch; ``telemetry`` the newest snapshot of the recorder,
    None where there is none; ``sense`` metrics of the service that only its transport knows, by
    their names in `monitoring.metrics.SERVICE`.
    """

    def __init__(
        self,
        card: Card,
        journal: Journal,
        archive: Archive,
        settings: DeskSettings,
        *,
        now_ns: Callable[[], int],
        telemetry: Callable[[], Snapshot | None],
        sense: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._card = card

    def recover(self) -> None:
        """Kill the card, then find out which sets it holds; journal both. Before the first `ask`.

        Raises ServiceError: the card does not answer or the journal cannot be written.
        """

    def ask(self, by: Key, verb: str, arguments: bytes) -> tuple[bytes, int]:
        """Carry out a verb; return its result in JSON and the number of its last journal entry.

        Raises ServiceError; its ``journal`` is the number of the last entry then.
        """
        raise ServiceError.refused(f"{verb}: not carried out yet")

    def poll(self) -> None:
        """Look at the card and journal what changed of itself; a few times a second."""

    def sample(self) -> Sample:
        """Return all values as they are now. Raises ServiceError: the card does not answer."""
        return Sample()
