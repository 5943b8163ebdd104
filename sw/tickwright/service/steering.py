"""What raises, lowers and stops the gate: arm, close-only, disarm, kill, flatten, cancel-all."""

from __future__ import annotations

from tickwright.bus.errors import BusError
from tickwright.host.card import CardError
from tickwright.risk.checks import STATES
from tickwright.service.errors import ServiceError
from tickwright.service.holdings import held_rows, unpaired
from tickwright.service.keys import Key
from tickwright.service.killing import killed
from tickwright.service.post import Post
from tickwright.service.preflight import preflight
from tickwright.service.protocol import Armed, Empty, Flatten, Flattened, Killed, Orders

__all__ = ["arm", "cancel_all", "close_only", "flatten", "kill"]

KILLED, CLOSE_ONLY, ARMED = STATES


def arm(post: Post, by: Key, asked: Empty) -> Armed:
    """Raise the gate to armed; nothing where it is. Refused with every reason."""
    if post.card.state != ARMED:
        _raise(post, "arm", ARMED)
    return Armed(ARMED)


def close_only(post: Post, by: Key, asked: Empty) -> Armed:
    """Lower an armed gate to close-only at once, or raise a killed one to it."""
    post.card.close_only()  # nothing where it is killed
    if post.card.state == KILLED:
        _raise(post, "close-only", CLOSE_ONLY)
    return Armed(CLOSE_ONLY)


def kill(post: Post, by: Key, asked: Empty) -> Killed:
    """Kill; how long it took is told as the most it can have been."""
    return killed(post.card)


def flatten(post: Post, by: Key, asked: Flatten) -> Flattened:
    """Let pairs only exit, or enter again; return what is held."""
    post.card.flatten(not asked.off)
    return Flattened(held_rows(post), unpaired(post))


def cancel_all(post: Post, by: Key, asked: Empty) -> Orders:
    """Return no open orders, or say what to do about those that are.

    Every order is immediate-or-cancel and the card has no message to withdraw one: an order is open
    only until the venue answers.
    """
    if count := post.card.risk.open_orders:
        raise ServiceError.refused(
            f"cancel-all: found {count} open orders, expected none: each is immediate-or-cancel "
            "and ends by itself; disarm so that no other follows, and ask the venue to cancel if "
            "one stays"
        )
    return Orders([])


def _raise(post: Post, verb: str, state: str) -> None:
    """Raise the gate from killed, so that the card says so; refused with every reason there is."""
    found = preflight(post, state).reasons
    if found:
        told = "; ".join(f"{one.code}: {one.found}: {one.remedy}" for one in found)
        raise ServiceError.refused(f"{verb}: {told}")
    try:
        post.card.arm(state)
    except CardError as error:
        raise ServiceError.refused(f"{verb}: {error}{_undone(post)}") from None
    except BusError as error:
        raise ServiceError.unreachable(f"{verb}: {error}{_undone(post)}") from None


def _undone(post: Post) -> str:
    """Kill a card of which it is not known whether it was raised; return what is to be added."""
    try:
        post.card.kill()
    except (BusError, CardError) as error:
        return f"; the card may be raised, and could not be killed: {error}: kill it"
    return "; so the card is killed"
