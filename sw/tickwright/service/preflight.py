"""Every reason why arming is refused now, each with what to do about it.

The codes are stable: scripts and the runbook name them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from tickwright.host.clock import ClockError, measure_offset
from tickwright.risk.checks import STATES
from tickwright.service.archive import SetKind
from tickwright.service.post import Post
from tickwright.service.protocol import Preflight, Reason

__all__ = ["REMEDIES", "disk_free_ratio", "offset_ns", "preflight"]

MS_NS = 1_000_000

REMEDIES = {
    "state": "disarm, then arm again",
    "tables": "wait: the card clears its tables for some milliseconds after a reset",
    "orders_open": "wait for the venue's answers: every order is immediate-or-cancel",
    "ledger_fault": "reset the card, then load positions as the venue has them",
    "limits_missing": "load a limits file",
    "committing": "wait: a check takes some microseconds",
    "watchdog": "see that the process that feeds the watchdog runs",
    "positions_unconfirmed": "load positions, or confirm those of the card's ledger",
    "parameters_missing": "load a desk file",
    "parameters_unknown": "reset the card, then load a desk file",
    "limits_unknown": "load the limits file again, as risk",
    "limits_without_symbols": "load the limits file again: the card got its symbols after it",
    "limits_state": "let risk raise `state` in the limits file and load it",
    "setup_unfinished": "load the desk file again: a load of it was cut off",
    "feed_shut": "load a desk file: the card listens to no feed",
    "feed_stale": "see that market data comes: lines, multicast groups, switch",
    "gap_open": "wait until the gap is filled or declared",
    "session_unknown": "load the desk file again: its session is handed over with it",
    "session": "see that the venue's session is up, and hand it over by a load of the desk file",
    "disk": "make room on the disk of the journal",
    "journal": "see to the disk of the journal; nothing can be journalled",
    "clock_offset": "see to the clock of the card, or of the host",
}
"""What to do, by the code of a reason."""

CODES = {"positions": "positions_unconfirmed"}  # of `Card.obstacles`, where ours is another


@dataclass(frozen=True)
class _Look:
    """One thing that was looked at."""

    code: str
    found: str  # empty: good


def preflight(post: Post, state: str = STATES[2]) -> Preflight:
    """Return what stands in the way of raising the gate to ``state``, and what was found good."""
    reasons, checked = [], []
    for look in _looks(post, state):
        if look.found:
            reasons.append(Reason(look.code, look.found, REMEDIES[look.code]))
        else:
            checked.append(look.code)
    return Preflight(reasons, checked)


def disk_free_ratio(post: Post) -> float:
    """Return the free part of the disk that holds the journal."""
    found = shutil.disk_usage(post.journal.path.parent)
    return found.free / found.total


def offset_ns(post: Post) -> tuple[int, int] | None:
    """Return card time less host time and its uncertainty; None where it cannot be told."""
    try:
        found = measure_offset(post.card.identity.bus, post.now_ns)
    except ClockError:
        return None
    return found.offset_ns, found.uncertainty_ns


def _looks(post: Post, state: str) -> Iterator[_Look]:
    obstacles = post.card.obstacles
    for name in ("state", "tables", "orders_open", "ledger_fault", "limits_missing", "committing",
                 "watchdog", "positions"):  # fmt: skip
        yield _Look(CODES.get(name, name), obstacles.pop(name, ""))
    for name, found in obstacles.items():
        yield _Look(name, found)
    yield from _of_sets(post, state)
    yield from _of_feed(post)
    yield from _of_session(post)
    yield from _of_host(post)


def _of_sets(post: Post, state: str) -> Iterator[_Look]:
    """Look at what is in force."""
    parameters, limits = (post.held[kind] for kind in (SetKind.PARAMETERS, SetKind.LIMITS))
    yield _Look("parameters_unknown", parameters.doubt)
    yield _Look("limits_unknown", limits.doubt)
    missing = parameters.stored is None and not parameters.doubt
    yield _Look("parameters_missing", "no parameters are in force" if missing else "")
    yield _Look(
        "setup_unfinished",
        "feed and session were not opened after the parameters"
        if parameters.stored is not None and not post.opened
        else "",
    )
    if limits.stored is None:
        return
    bound = [symbol.name for symbol in limits.stored.setup.symbols]
    yield _Look(
        "limits_without_symbols",
        f"limits are in force for {len(bound)} symbols, of {len(post.names)}"
        if parameters.stored is not None and bound != post.names
        else "",
    )
    most = limits.stored.setup.gate.state
    yield _Look(
        "limits_state",
        f"the limits file lets the gate be raised to {most}, not to {state}"
        if STATES.index(most) < STATES.index(state)
        else "",
    )


def _of_feed(post: Post) -> Iterator[_Look]:
    """Look at market data."""
    view = post.look_at_feed()
    yield _Look("feed_shut", "" if view.enabled else "the feed of the card is not opened")
    if view.enabled:
        yield _Look("feed_stale", "" if view.heard else "no market data came lately")
        yield _Look("gap_open", "messages wait for one that is missing" if view.gap_open else "")


def _of_session(post: Post) -> Iterator[_Look]:
    """Look at where orders go."""
    if post.parameters is not None and post.opened:
        same = post.card.session == post.parameters.setup.session
        yield _Look(
            "session_unknown",
            "" if same else "the card has another order session than the desk file in force",
        )
    session = post.card.order.session_ok
    yield _Look("session", "" if session else "the order session lets no order pass")


def _of_host(post: Post) -> Iterator[_Look]:
    """Look at what the service itself needs."""
    yield _Look("journal", post.journal_fault)
    free, least = disk_free_ratio(post), post.settings.disk_free_ratio
    yield _Look("disk", f"{free:.1%} of the disk is free, not {least:.1%}" if free < least else "")
    if post.settings.clock_offset_ms is None:
        return
    most_ns = round(post.settings.clock_offset_ms * MS_NS)
    found = offset_ns(post)
    if found is None:
        yield _Look("clock_offset", "the offset of the card's clock cannot be told")
    else:
        far = abs(found[0]) + found[1] > most_ns
        told = (
            f"card time is {found[0]} ns from host time, give or take {found[1]} ns, not within "
            f"{most_ns} ns"
        )
        yield _Look("clock_offset", told if far else "")
