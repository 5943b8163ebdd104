"""From the text of a file to the set that is to be in force: what changes, and whether it may.

Nothing here writes to the card. Errors of a file name the file, the line, the value found and what
was expected; what may not be done now is told in ``refusal``, so that it can be shown as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import msgspec

from tickwright.host.card import CardError
from tickwright.host.desk import card_setup
from tickwright.host.ledger import PHASES, read_pair
from tickwright.host.sets import ORDER_LIMITS
from tickwright.host.settings import Desk as DeskFile
from tickwright.host.settings import (
    Limits,
    LimitsOverride,
    SettingsError,
    desk_of,
    limits_of,
    placed,
)
from tickwright.host.setup import CardSetup, PairSetup, SetupError
from tickwright.risk.checks import STATES
from tickwright.service.archive import ArchiveError, SetKind, StoredSet
from tickwright.service.changes import desk_changes, file_changes, limit_changes
from tickwright.service.keys import Key
from tickwright.service.post import Post
from tickwright.service.protocol import Change
from tickwright.service.roles import Role

__all__ = ["LimitsPlan", "ParametersPlan", "plan_limits", "plan_parameters"]

RESET = "expected a card that was reset"
FLAT = PHASES[0]


@dataclass(frozen=True)
class ParametersPlan:
    """A load of parameters; ``limits`` come in force with it where they tighten, or get symbols."""

    stored: StoredSet
    changes: list[Change]
    limits: StoredSet | None
    session: bool  # the order session is handed over anew
    refusal: str  # why it may not be done now; empty: it may


@dataclass(frozen=True)
class LimitsPlan:
    """A load of limits."""

    stored: StoredSet
    changes: list[Change]
    refusal: str


def plan_parameters(post: Post, by: str, text: str, name: str) -> ParametersPlan:
    """Return what a desk file would do. Raises ServiceError or SettingsError: what is wrong."""
    kind = SetKind.PARAMETERS
    desk = desk_of(text, name or "desk")
    with _of_file(name or "desk", text):
        plain = msgspec.structs.replace(desk, limits=LimitsOverride())
        setup = card_setup(plain, Limits(), epoch=post.next_epoch(kind))
        _check_sizes(post, setup)
        whole = not post.opened
        stored = _stored(post, StoredSet(
            kind=kind, epoch=setup.epoch, checksum=0, name=name, by=by, time_ns=post.now_ns(),
            text=text, setup=setup, whole=whole,
        ))  # fmt: skip
    limits = _limits_with(post, stored, desk)
    changes = desk_changes(post.desk_file, desk)
    if limits is not None and post.limits is not None:
        changes += [
            msgspec.structs.replace(change, loosens=False)  # what risk gave is in force already
            for change in limit_changes(post.limits.limits, limits.limits)
        ]
    refusal = _refusal_of_whole(post, setup) if whole else _refusal_of_part(post, setup)
    session = whole or post.card.session != setup.session
    return ParametersPlan(stored, changes, limits, session, refusal)


def plan_limits(post: Post, by: Key, text: str, name: str, *, confirm: bool) -> LimitsPlan:
    """Return what a limits file would do. Raises ServiceError or SettingsError: what is wrong."""
    kind, parameters, desk = SetKind.LIMITS, post.parameters, post.desk_file
    found = limits_of(text, name or "limits")
    with _of_file(name or "limits", text):
        stored = _stored(post, StoredSet(
            kind=kind, epoch=post.next_epoch(kind), checksum=0, name=name, by=by.name,
            time_ns=post.now_ns(), text=text, setup=_limits_setup(desk, found),
            desk=0 if parameters is None else parameters.epoch,
        ))  # fmt: skip
    old = post.limits
    changes = limit_changes(None if old is None else old.limits, stored.limits)
    if desk is None:  # which limit will be looser for which symbol is not known yet
        changes = [
            msgspec.structs.replace(change, loosens=True)
            for change in file_changes(post.limits_file, found)
        ]
    return LimitsPlan(stored, changes, _refusal_of_limits(post, by, changes, confirm))


def _limits_setup(desk: DeskFile | None, limits: Limits) -> CardSetup:
    """Return symbols and gate under limits; a desk file tightens where it is the tighter.

    Without a desk file there are no symbols yet: nothing passes, whatever the limits of all.
    """
    if desk is None:
        return card_setup(DeskFile(), msgspec.structs.replace(limits, symbols={}))
    own = {
        key: min(getattr(desk.limits, key), getattr(limits, key))
        for key in LimitsOverride.__struct_fields__
        if getattr(desk.limits, key) is not None
    }
    setup = card_setup(msgspec.structs.replace(desk, limits=LimitsOverride(**own)), limits)
    # Positions are no part of a set; those of the file are for a replay.
    return replace(setup, symbols=tuple(replace(one, position=0) for one in setup.symbols))


def _limits_with(post: Post, stored: StoredSet, desk: DeskFile) -> StoredSet | None:
    """Return the limits that have to come in force with parameters; None where those stay.

    They are those of the limits file in force, for the symbols of the desk, never looser for an
    order of any symbol than those in force; and they remain the limits of who gave that file.
    """
    old, limits = post.limits, post.limits_file
    if old is None or limits is None:
        return None
    with _of_file(stored.name or "desk", stored.text, old):
        wanted = card_setup(desk, limits)
    gate = replace(
        wanted.gate,
        **{name: min(getattr(wanted.gate, name), getattr(old.setup.gate, name))
           for name in ORDER_LIMITS},
    )  # fmt: skip
    setup = replace(_limits_setup(desk, limits), gate=gate)
    if not stored.whole:
        setup = replace(old.setup, gate=gate)
    if not stored.whole and setup.gate == old.setup.gate:
        return None
    return _stored(post, StoredSet(
        kind=SetKind.LIMITS, epoch=post.next_epoch(SetKind.LIMITS), checksum=0, name=old.name,
        by=old.by, time_ns=stored.time_ns, text=old.text, setup=setup, desk=stored.epoch,
    ))  # fmt: skip


def _stored(post: Post, one: StoredSet) -> StoredSet:
    """Return a set with its epoch in all places, and the checksum that the card will find."""
    one = msgspec.structs.replace(one, setup=replace(one.setup, epoch=one.epoch))
    return msgspec.structs.replace(one, checksum=one.checksum_on(post.sizes))


def _check_sizes(post: Post, setup: CardSetup) -> None:
    try:
        post.card.check_sizes(setup)
    except CardError as error:
        raise SettingsError(str(error), ("card", "preset")) from None


def _refusal_of_whole(post: Post, setup: CardSetup) -> str:
    """Return why all of a desk file may not be loaded now."""
    if (state := post.card.state) != STATES[0]:
        return (
            f"state of the gate: found {state}, expected killed: the first load takes all of a "
            "desk file"
        )
    if not post.card.feed.name:
        return ""  # no name was loaded since reset, and so nothing traded
    begun = _names_begun(post)
    found = [symbol.name for symbol in setup.symbols]
    last = post.card.feed.name.to_bytes(8, "little").decode("ascii", "replace").strip()
    if begun != found or last not in begun:
        return (
            f"symbols: found other names on the card already, {last} the last of them: {RESET}, "
            "or the desk file whose load was begun"
        )
    return _refusal_of_pairs(post, setup)


def _names_begun(post: Post) -> list[str]:
    """Return the names of the newest load of all of a desk file, as far as it came."""
    kind = SetKind.PARAMETERS
    for epoch in reversed(post.archive.epochs(kind)):
        try:
            stored = post.archive.get(kind, epoch)
        except ArchiveError:
            return []
        if stored.whole:
            return [symbol.name for symbol in stored.setup.symbols]
    return []


def _refusal_of_part(post: Post, setup: CardSetup) -> str:
    """Return why parameters may not be loaded on a card that has its symbols and its session."""
    old = post.parameters
    if old is None:
        return f"symbols: found a card that was loaded with what is not known here, {RESET}"
    if setup.feed != old.setup.feed:
        return f"feed: found another than the one in force, {RESET}"
    for index, symbol in enumerate(old.setup.symbols):
        if index >= len(setup.symbols) or setup.symbols[index] != symbol:
            return f"symbol {symbol.name}: found another name or window at its place, {RESET}"
    if len(setup.symbols) > len(old.setup.symbols):
        return f"symbol {setup.symbols[len(old.setup.symbols)].name}: found one more, {RESET}"
    if (state := post.card.state) == STATES[0]:
        return _refusal_of_pairs(post, setup)
    if setup.session != post.card.session:
        return f"order_entry: found another session while {state}, expected the one in force"
    if [_shape(pair) for pair in setup.pairs] != [_shape(pair) for pair in old.setup.pairs]:
        return (
            f"pairs: found other names or symbols while {state}, expected the pairs in force: "
            "disarm, then load again"
        )
    return ""


def _refusal_of_pairs(post: Post, setup: CardSetup) -> str:
    """Return which pair holds, or has an order under way, and would lose its symbols.

    Where the pairs of the card are not known, none of its places may hold.
    """
    known = None if post.parameters is None else post.parameters.setup.pairs
    for index in range(post.sizes.pairs if known is None else len(known)):
        pair = None if known is None else known[index]
        wanted = setup.pairs[index] if index < len(setup.pairs) else None
        same = pair is not None and wanted is not None and _shape(pair) == _shape(wanted)
        if not same and (phase := read_pair(post.card, index).phase) != FLAT:
            name = f"at place {index}" if pair is None else pair.name
            return (
                f"pair {name}: found another pair at its place while it is {phase}, "
                "expected it to stay until it is flat"
            )
    return ""


def _shape(pair: PairSetup) -> tuple[str, int, int]:
    """Return what a pair that holds must keep."""
    return pair.name, pair.symbol_a, pair.symbol_b


def _refusal_of_limits(post: Post, by: Key, changes: list[Change], confirm: bool) -> str:
    """Return why limits may not be loaded now, by this key."""
    looser = [f"{change.where} {change.name}" for change in changes if change.loosens]
    if post.held[SetKind.LIMITS].doubt:
        looser.insert(0, "limits in force that are not known")
    if not looser:
        return ""
    what = looser[0] if len(looser) == 1 else f"{looser[0]} and {len(looser) - 1} more"
    if by.role is not Role.RISK:
        return f"loosens {what}: found role {by.role}, expected risk"
    if (state := post.card.state) != STATES[0]:
        return f"loosens {what}: state of the gate: found {state}, expected killed"
    if not confirm:
        return f"loosens {what}: found no confirmation, expected one"
    return ""


@contextmanager
def _of_file(name: str, text: str, limits: StoredSet | None = None) -> Iterator[None]:
    """Put the name of the file, and the line where it is known, before what is wrong with it.

    ``limits`` is another file, that of what is said of limits.
    """
    try:
        yield
    except (SettingsError, SetupError) as error:
        place, told = getattr(error, "place", ()), str(error)
        if limits is not None and told.startswith("limits: "):
            name, text = limits.name or "limits", limits.text
        for owner in ("limits: ", "desk: "):
            told = told.removeprefix(owner)
        raise SettingsError(f"{placed(name, text, place)}: {told}", place) from None
