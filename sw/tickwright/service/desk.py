"""The desk of a service: every verb carried out on a card, and journalled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from tickwright.bus.errors import BusError
from tickwright.host.card import Card, CardError
from tickwright.host.settings import SettingsError
from tickwright.host.setup import SetupError
from tickwright.monitoring.alarms import AlarmWatch
from tickwright.monitoring.metrics import Sample
from tickwright.recorder.snapshot import Snapshot
from tickwright.service.archive import Archive, ArchiveError, SetKind
from tickwright.service.errors import ServiceError
from tickwright.service.events import Events
from tickwright.service.holdings import load_positions, show_orders, show_positions
from tickwright.service.journal import Journal, JournalError
from tickwright.service.keys import Key
from tickwright.service.loading import (
    diff_limits,
    diff_parameters,
    load_limits,
    load_parameters,
    roll_back,
    show_limits,
    show_parameters,
)
from tickwright.service.post import DeskSettings, Held, Post
from tickwright.service.preflight import preflight
from tickwright.service.protocol import VERBS, Empty, Preflight, Report, Status, Verb
from tickwright.service.recovery import recover
from tickwright.service.report import report
from tickwright.service.sampling import SECOND_NS, Look, look, values
from tickwright.service.showing import show_counters, show_info, show_journal, show_registers
from tickwright.service.status import status
from tickwright.service.steering import arm, cancel_all, close_only, flatten, kill

__all__ = ["Desk", "DeskSettings"]

KILL, CHECKSUM, REASONS = "kill", "checksum", "reasons"
RAISING = frozenset({"arm", "close-only"})
"""Verbs after which orders may leave: undone where they cannot be journalled."""

TEXTS = frozenset({"desk", "limits"})
"""Arguments that are whole files: the journal has their hash, the archive their text."""


class Desk:
    """Carries out requests on one card, one at a time, and not for two threads at once.

    ``now_ns`` tells nanoseconds since the epoch; ``telemetry`` the newest snapshot of the recorder,
    None where there is none; ``sense`` metrics of the service that only its transport knows, by
    their names in `monitoring.metrics.SERVICE`.

    Raises BusError: the card does not answer.
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
        self._post = Post(
            card, journal, archive, settings, now_ns=now_ns, telemetry=telemetry, sense=sense
        )
        self._events = Events()
        self._alarms = AlarmWatch()
        self._recovered = False
        self._verbs: dict[str, Callable[[Post, Key, Any], Struct]] = {
            "status": self._status,
            "preflight": self._preflight,
            "positions": show_positions,
            "orders": show_orders,
            "params.show": show_parameters,
            "params.diff": diff_parameters,
            "params.load": load_parameters,
            "params.rollback": roll_back,
            "limits.show": show_limits,
            "limits.diff": diff_limits,
            "limits.load": load_limits,
            "positions.load": load_positions,
            "arm": arm,
            "close-only": close_only,
            "disarm": kill,
            "kill": kill,
            "flatten": flatten,
            "cancel-all": cancel_all,
            "card.info": show_info,
            "card.registers": show_registers,
            "card.counters": show_counters,
            "journal.show": show_journal,
            "report": self._report,
            "stop": kill,
        }

    def recover(self) -> None:
        """Kill the card, then find out which sets it holds; journal both. Before the first `ask`.

        Raises ServiceError: the card does not answer, or the journal cannot be written.
        """
        try:
            recover(self._post)
        except BusError as error:
            raise ServiceError.unreachable(f"recovery: {error}") from None
        except (CardError, JournalError) as error:
            raise ServiceError.failed(f"recovery: {error}") from None
        self._recovered = True
        self._events.look(self._post)

    def ask(self, by: Key, verb: str, arguments: bytes) -> tuple[bytes, int]:
        """Carry out a verb; return its result in JSON and the number of its last journal entry.

        The number is 0 where nothing was journalled. Raises ServiceError; its ``journal`` is the
        number of the last entry then.
        """
        known = VERBS.get(verb)
        if known is None:
            raise ServiceError.wrong(f"verb: found {verb[:40]!r}, expected one of {_list(VERBS)}")
        if by.role not in known.roles:
            raise ServiceError.refused(
                f"{verb}: found role {by.role}, expected {_list(sorted(known.roles))}"
            )
        if verb == KILL:
            return self._kill(by)
        asked = _decoded(known, arguments)
        if not self._recovered:
            raise ServiceError.refused(
                f"{verb}: the card is not recovered yet, expected that first"
            )
        if not known.changes or getattr(asked, "dry_run", False):
            return msgspec.json.encode(self._carried_out(by, verb, asked)), 0
        return self._journalled(by, verb, asked)

    @property
    def held(self) -> Mapping[SetKind, Held]:
        """What is known of the sets in force."""
        return self._post.held

    def poll(self) -> None:
        """Look at the card and journal what changed of itself; a few times a second."""
        self._events.look(self._post)

    @property
    def card_lost(self) -> str:
        """Why the card did not answer the last `poll`; empty where it did."""
        return self._events.lost

    def sample(self) -> Sample:
        """Return all values as they are now. Raises ServiceError: the card does not answer."""
        try:
            return self._look()[0].sample
        except BusError as error:
            raise ServiceError.unreachable(str(error)) from None
        except CardError as error:
            raise ServiceError.failed(str(error)) from None

    def _look(self) -> tuple[Look, list[str]]:
        """Return a look at everything, and the alarms that are on after it."""
        seen = look(self._post)
        at_s = self._post.now_ns() / SECOND_NS
        return seen, self._alarms.raised(values(seen.sample), at_s)

    def _status(self, post: Post, by: Key, asked: Empty) -> Status:
        seen, alarms = self._look()
        return status(post, seen, alarms)

    def _report(self, post: Post, by: Key, asked: Empty) -> Report:
        return report(post, self._status(post, by, asked))

    def _preflight(self, post: Post, by: Key, asked: Empty) -> Preflight:
        return preflight(post)

    def _carried_out(self, by: Key, verb: str, asked: Struct) -> Struct:
        """Carry out a verb; whatever goes wrong is a ServiceError of one line."""
        try:
            return self._verbs[verb](self._post, by, asked)
        except ServiceError:
            raise
        except (SettingsError, SetupError) as error:
            raise ServiceError.wrong(str(error)) from None
        except BusError as error:
            raise ServiceError.unreachable(f"{verb}: {error}") from None
        except (CardError, ArchiveError, JournalError) as error:
            raise ServiceError.failed(f"{verb}: {error}") from None

    def _journalled(self, by: Key, verb: str, asked: Struct) -> tuple[bytes, int]:
        """Carry out a verb that changes something, between two entries of the journal."""
        post = self._post
        try:
            wanted = post.note(by.name, f"{verb}.wanted", _digest(by, asked))
        except JournalError as error:
            raise ServiceError.refused(
                f"{verb}: not carried out, for it cannot be journalled: {error}; "
                "kill can do without"
            ) from None
        try:
            result = self._carried_out(by, verb, asked)
        except ServiceError as error:
            error.journal = self._failed(by, verb, wanted, error)
            raise
        text = msgspec.json.encode(result)
        try:
            return text, post.note(by.name, f"{verb}.done", _outcome(wanted, result))
        except JournalError as error:
            raise self._unjournalled(verb, wanted, error) from None

    def _failed(self, by: Key, verb: str, wanted: int, error: ServiceError) -> int:
        """Journal that a verb failed, if that can be; return the number of the last entry."""
        details = {"wanted": wanted, "status": error.status.name.lower(), "error": str(error)}
        try:
            return self._post.note(by.name, f"{verb}.failed", details)
        except JournalError:
            return wanted

    def _unjournalled(self, verb: str, wanted: int, error: JournalError) -> ServiceError:
        """Return the error of a verb that was carried out without a word of it in the journal."""
        told = f"{verb}: carried out, but not journalled as done: {error}"
        if verb in RAISING:
            try:
                self._post.card.kill()
                told = f"{verb}: undone, the card is killed: it cannot be journalled: {error}"
            except (BusError, CardError) as second:
                told += f"; and the card could not be killed: {second}"
        failed = ServiceError.failed(told)
        failed.journal = wanted
        return failed

    def _kill(self, by: Key) -> tuple[bytes, int]:
        """Kill first; then journal it. Its arguments do not matter."""
        post = self._post
        try:
            result = self._carried_out(by, KILL, Empty())
        except ServiceError as error:
            error.journal = self._failed(by, KILL, 0, error)
            raise
        try:
            number = post.note(by.name, f"{KILL}.done", _outcome(0, result))
        except JournalError as error:
            raise ServiceError.failed(
                f"kill: the card is killed, but not journalled: {error}"
            ) from None
        return msgspec.json.encode(result), number


def _decoded(verb: Verb, arguments: bytes) -> Struct:
    try:
        return msgspec.json.decode(arguments or b"{}", type=verb.arguments)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ServiceError.wrong(f"{verb.name}: arguments: {error}") from None


def _digest(by: Key, asked: Struct) -> dict[str, Any]:
    """Return arguments as the journal has them, and who asked."""
    arguments = msgspec.to_builtins(asked)
    for name in TEXTS & arguments.keys():
        text = arguments[name].encode("utf-8", "surrogatepass")
        arguments[name] = {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    return {"role": str(by.role), "arguments": arguments}


def _outcome(wanted: int, result: Struct) -> dict[str, Any]:
    """Return a result as the journal has it: rows are counted, single values are kept."""
    found = {
        name: _noted(name, value)
        for name, value in msgspec.to_builtins(result).items()
        if not isinstance(value, float)
    }
    return {"wanted": wanted} | found


def _noted(name: str, value: Any) -> Any:
    if name == CHECKSUM:
        return f"{value:#010x}"
    return len(value) if isinstance(value, list) and name != REASONS else value


def _list(names: Any) -> str:
    return ", ".join(str(name) for name in names)
