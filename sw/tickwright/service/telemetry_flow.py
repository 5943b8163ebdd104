"""Whether records come, as far as a host can see it: each quote that is published leaves one."""

from __future__ import annotations

from tickwright.recorder.snapshot import Snapshot

__all__ = ["PATIENCE_NS", "TelemetryFlow"]

PATIENCE_NS = 2_000_000_000  # of host time; a recorder tells of a record several times a second


class TelemetryFlow:
    """Compares quotes with records, one look after the other.

    A recorder repeats its summary whether or not records come. Quotes that were not there when the
    count of records last changed are owed; the records are behind once some were owed for longer
    than `PATIENCE_NS`. So a market that is quiet leaves nothing owed, however long it is.
    """

    def __init__(self) -> None:
        self._records: int | None = None
        self._quotes = 0  # of the card, when the records were seen to change
        self._owed_ns: int | None = None  # since when; None: nothing is owed

    @property
    def heard(self) -> bool:
        """Whether there ever was a recorder."""
        return self._records is not None

    def look(self, quotes: int, snapshot: Snapshot | None, now_ns: int) -> bool:
        """Return whether the records are behind; never where there is no ``snapshot``.

        ``quotes`` is the card's count, read after the snapshot was taken.
        """
        if snapshot is None:
            return False
        if snapshot.records != self._records:
            self._records, self._quotes, self._owed_ns = snapshot.records, quotes, None
        self._quotes = min(self._quotes, quotes)  # a card that was reset owes nothing by that
        if self._owed_ns is None and quotes != self._quotes:
            self._owed_ns = now_ns
        return self._owed_ns is not None and now_ns - self._owed_ns > PATIENCE_NS
