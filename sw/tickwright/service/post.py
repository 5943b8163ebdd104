"""What the verbs of a desk work on: the card, the journal, the archive, and the sets in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from tickwright.host.card import Card
from tickwright.host.settings import Desk as DeskFile
from tickwright.host.settings import Limits, desk_of, limits_of
from tickwright.recorder.snapshot import Snapshot
from tickwright.service.archive import LAST_EPOCH, Archive, SetKind, StoredSet
from tickwright.service.errors import ServiceError
from tickwright.service.feed_flow import FeedFlow, FeedView
from tickwright.service.journal import Journal, JournalError
from tickwright.service.telemetry_flow import TelemetryFlow

__all__ = ["DeskSettings", "Held", "Post"]

NEVER_NS = 0  # a feed that was not loaded is never heard
UNKNOWN = "quotes, orders, cash and fees are not known."
NO_RECORDER = f"There is no recorder: {UNKNOWN}"
RECORDS_BEHIND = f"The records stay behind the card: {UNKNOWN}"


class DeskSettings(Struct, frozen=True, kw_only=True):
    """What the desk of a service is told at its start."""

    card: str  # the way to the card, as `open_bus` takes it
    watchdog_ms: int = 250  # silence of the host after which the card kills
    disk_free_ratio: float = 0.05  # of the journal's disk; with less free, nothing is armed
    clock_offset_ms: float | None = None  # with more, nothing is armed; None: any offset will do


@dataclass
class Held:
    """What is known of one kind of sets."""

    stored: StoredSet | None = None  # in force; None: none, or not known
    doubt: str = ""  # why what is in force is not known
    epochs: list[int] = field(default_factory=list)  # that were in force, the newest last
    newest: int = 0  # highest epoch ever begun


class Post:
    """Where one desk stands. Not for two threads at once."""

    def __init__(
        self,
        card: Card,
        journal: Journal,
        archive: Archive,
        settings: DeskSettings,
        *,
        now_ns: Callable[[], int],
        telemetry: Callable[[], Snapshot | None],
        sense: Callable[[], Mapping[str, float]],
    ) -> None:
        self.card = card
        self.journal = journal
        self.archive = archive
        self.settings = settings
        self.now_ns = now_ns
        self.sense = sense
        self.sizes = card.sizes
        self.held = {kind: Held() for kind in SetKind}
        self.started_ns = now_ns()
        self.forgot = False  # the card was reset, and positions were not said to it since
        self.journal_fault = ""  # why the newest entry could not be kept
        self._flow = FeedFlow()
        self._newest = telemetry
        self._telemetry_flow = TelemetryFlow()
        self._behind = False  # the records, at the last look
        self._files: dict[SetKind, tuple[int, DeskFile | Limits]] = {}

    def note(self, by: str, what: str, details: Mapping[str, Any]) -> int:
        """Keep a journal entry, on the disk when this returns; return its number.

        Raises JournalError.
        """
        try:
            number = self.journal.append(by, what, details).number
        except JournalError as error:
            self.journal_fault = str(error)
            raise
        self.journal_fault = ""
        return number

    def next_epoch(self, kind: SetKind) -> int:
        """Return the epoch of the next set. Raises ServiceError when all are used up."""
        epoch = self.held[kind].newest + 1
        if epoch > LAST_EPOCH:
            raise ServiceError.refused(
                f"{kind}: epoch: found {epoch}, expected at most {LAST_EPOCH}: begin with a new "
                "journal, a new archive and a card that was reset"
            )
        return epoch

    @property
    def parameters(self) -> StoredSet | None:
        """The parameters in force, as far as they are known."""
        return self.held[SetKind.PARAMETERS].stored

    @property
    def limits(self) -> StoredSet | None:
        """The limits in force, as far as they are known."""
        return self.held[SetKind.LIMITS].stored

    @property
    def desk_file(self) -> DeskFile | None:
        """The desk file in force."""
        found = self._file(SetKind.PARAMETERS, desk_of)
        return found if isinstance(found, DeskFile) else None

    @property
    def limits_file(self) -> Limits | None:
        """The limits file in force."""
        found = self._file(SetKind.LIMITS, limits_of)
        return found if isinstance(found, Limits) else None

    @property
    def names(self) -> list[str]:
        """Names of the watched symbols, by index."""
        stored = self.parameters
        return [] if stored is None else [symbol.name for symbol in stored.setup.symbols]

    @property
    def opened(self) -> bool:
        """Whether the card listens to a feed and has an order session: all was loaded."""
        return bool(self.card.feed.enable and self.card.order.open)

    def look_at_feed(self) -> FeedView:
        """Return whether market data comes."""
        stored = self.parameters
        return self._flow.look(
            self.card, NEVER_NS if stored is None else stored.setup.feed.max_age_ns
        )

    def look_at_telemetry(self) -> None:
        """Find out whether the records come; what `telemetry` returns rests on the last look."""
        snapshot = self._newest()  # before the card's count, which is then never behind it
        self._behind = self._telemetry_flow.look(self.card.book.quotes, snapshot, self.now_ns())

    def telemetry(self) -> Snapshot | None:
        """Return the newest snapshot of the recorder; None where there is none that is of now."""
        return None if self._behind else self._newest()

    @property
    def telemetry_fault(self) -> str:
        """Why `telemetry` returns None, where it does: a sentence."""
        return RECORDS_BEHIND if self._behind else NO_RECORDER

    @property
    def telemetry_expected(self) -> bool:
        """Whether a recorder ever told anything; a card without a ring has none."""
        return self._telemetry_flow.heard

    def _file(
        self, kind: SetKind, read: Callable[[str, str], DeskFile | Limits]
    ) -> DeskFile | Limits | None:
        stored = self.held[kind].stored
        if stored is None:
            return None
        epoch, found = self._files.get(kind, (-1, None))
        if found is None or epoch != stored.epoch:
            found = read(stored.text, stored.name)
            self._files[kind] = stored.epoch, found
        return found
