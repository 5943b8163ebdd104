"""After a start: the card is killed, and which sets it holds is found out.

A set in force is known when it is the last that the journal says came in force, or one that was
begun after it; both by epoch and checksum. Anything else is not known: nothing is armed until it
was loaded again. A card that has no set since its reset has none, whatever it had before; nor does
its ledger know what it held, until positions were said to it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tickwright.service.archive import ArchiveError, SetKind, StoredSet
from tickwright.service.journal import Journal, entries
from tickwright.service.loading import in_force
from tickwright.service.post import Post

__all__ = ["History", "Past", "Verdict", "past", "recover", "verdict"]

OF_SERVICE = "service"
POSITIONS = "positions.load"
MS_NS = 1_000_000


@dataclass(frozen=True)
class History:
    """What the journal says of one kind of sets."""

    begun: dict[int, int]  # checksum of each set that was begun, by epoch
    epochs: list[int]  # that came in force, the newest last


@dataclass(frozen=True)
class Past:
    """What the journal says."""

    sets: dict[SetKind, History]
    forgot: bool  # the card was reset, and positions were not said to it since


@dataclass(frozen=True)
class Verdict:
    """What a card was found with."""

    word: str  # none, old, new, unknown
    stored: StoredSet | None = None
    doubt: str = ""


def recover(post: Post) -> None:
    """Kill the card, set its watchdog, and find out which sets it holds; journal all of it.

    A set that a service before was putting in force comes in force, or is refused, first.

    Raises BusError, CardError or JournalError.
    """
    post.card.kill()
    post.card.set_watchdog(post.settings.watchdog_ms * MS_NS)
    post.card.await_checks()
    found: dict[str, Any] = {
        "watchdog_ms": post.settings.watchdog_ms,
        "kill_reasons": list(post.card.kill_reasons),  # since it was last armed, this kill included
    }
    before = past(post.journal)
    post.forgot = before.forgot
    for kind, history in before.sets.items():
        held = post.held[kind]
        epoch, checksum = in_force(post, kind)
        judged = verdict(post, kind, history, epoch, checksum)
        kept = post.archive.epochs(kind)
        held.newest = max([0, epoch, *kept, *history.begun, *history.epochs])
        held.stored, held.doubt = judged.stored, judged.doubt
        held.epochs = list(history.epochs)
        if judged.word == "new":
            held.epochs.append(epoch)
        post.forgot |= _was_reset(judged.word, history)
        found[kind] = {
            "found": judged.word,
            "epoch": epoch,
            "checksum": f"{checksum:#010x}",
            "doubt": judged.doubt,
        }
    post.note(OF_SERVICE, "recovered", found)


def past(journal: Journal) -> Past:
    """Read the journal for what it says of sets and positions."""
    sets, forgot, said = {kind: History({}, []) for kind in SetKind}, False, 0
    for entry in entries(journal.path, 1, journal.count):
        details = entry.details
        if entry.what == "set.begun":
            history = sets[SetKind(details["kind"])]
            history.begun[details["epoch"]] = int(details["checksum"], 16)
        elif entry.what == "set.in_force":
            sets[SetKind(details["kind"])].epochs.append(details["epoch"])
        elif entry.what == "recovered":
            for kind, history in sets.items():
                forgot |= _was_reset(details[kind]["found"], history)
                if details[kind]["found"] == "new":
                    history.epochs.append(details[kind]["epoch"])
        elif entry.what == f"{POSITIONS}.wanted" and not details["arguments"]["keep"]:
            said = entry.number
        elif entry.what == f"{POSITIONS}.done" and details["wanted"] == said:
            forgot = False
    return Past(sets, forgot)


def _was_reset(word: str, history: History) -> bool:
    """Return whether a card has none of the sets that came in force before."""
    return word == "none" and bool(history.epochs)


def verdict(post: Post, kind: SetKind, history: History, epoch: int, checksum: int) -> Verdict:
    """Return what a set in force is to this service."""
    if (epoch, checksum) == (0, 0):
        return Verdict("none")
    last = history.epochs[-1] if history.epochs else 0
    if epoch < last or epoch not in history.begun:
        told = f"{last} or one begun after it" if last else "one begun by this service"
        return Verdict("unknown", doubt=f"{kind}: found epoch {epoch} in force, expected {told}")
    try:
        stored = post.archive.get(kind, epoch)
    except ArchiveError as error:
        return Verdict("unknown", doubt=str(error))
    if not checksum == stored.checksum == history.begun[epoch]:
        return Verdict(
            "unknown",
            doubt=f"{kind} {epoch}: found checksum {checksum:#010x} in force, expected "
            f"{stored.checksum:#010x}",
        )
    return Verdict("old" if epoch == last else "new", stored)
