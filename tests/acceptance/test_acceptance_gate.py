"""Each check of the gate refuses in a session made for it, and is the only one that does.

The pair of the desk enters: it sells 100 A at 997 and buys 200 B at 996. Then A falls to 989 to
993: the spread is 0, and the pair takes back what it holds.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from oracle.agreement import assert_agrees
from oracle.desk import PAIR, START_NS, A, B, desk, morning, watched
from oracle.gate import check
from oracle.session import PRESET, Played, Session, datagram, frame_table
from oracle.tape import Tape

from tickwright.exchange.scripted import Answer, ScriptedVenue
from tickwright.host.records import IntentKind, ResponseKind
from tickwright.host.setup import CardSetup
from tickwright.risk.checks import CHECKS


def armed(*, of_a=None, of_b=None, **changes) -> CardSetup:
    return desk(
        watched("A", locate=A, **(of_a or {})), watched("B", locate=B, **(of_b or {})), **changes
    )


def enter(tape: Tape) -> None:
    tape.add(A, 1, "B", 500, 1_000)
    tape.add(A, 2, "S", 500, 1_002)
    tape.add(B, 3, "B", 500, 990)
    tape.add(B, 4, "S", 500, 992)


def leave(tape: Tape) -> None:
    tape.delete(A, 1)  # A has no bid: nothing can be measured
    tape.add(A, 5, "B", 500, 989)  # 989 to 1002: the spread is 9
    tape.add(A, 6, "S", 500, 993)  # 0


def entering(**setup) -> Session:
    made = morning()
    enter(made)
    return Session.of(made, armed(**setup))


def leaving(between: Callable[[Tape], object], **setup) -> Session:
    """Return a session in which something happens while the pair holds its shares."""
    made = morning()
    enter(made)
    between(made)
    leave(made)
    return Session.of(made, armed(**setup))


def behind_a_gap() -> Session:
    """Return one whose last quote comes while the message behind it is still missing."""
    made = morning()
    enter(made)
    made.status(B, "T")
    made.status(B, "T")
    start, each = made.messages[:3], made.messages[3:]
    frames = [
        (START_NS, datagram(1, start)),
        (START_NS + 10_000, datagram(6, each[2:])),  # 4 and 5 are missing
        (START_NS + 20_000, datagram(4, each[:1])),  # 5 still is: the pair enters now
        (START_NS + 30_000, datagram(5, each[1:2])),
    ]
    return Session.of(made, armed(), frame_table(frames))


def dear() -> Session:
    """Return one in which B costs nearly 200,000 dollars, and the limit lies above that.

    B: 1,999,999,800 to 1,999,999,900, in cents; hedge 1/65536, so ha + hb = 3,999,999,700. The mean
    is 20 (in units of 2^16) below the spread. The pair buys B at 1,999,999,900 + 100.
    """
    made = morning()
    made.add(A, 1, "B", 500, 1_000)
    made.add(A, 2, "S", 500, 1_002)
    made.add(B, 3, "B", 500, 1_999_999_800)
    made.add(B, 4, "S", 500, 1_999_999_900)
    spread = (2_002 << 16) - 3_999_999_700
    pair = replace(PAIR, hedge=1, mean=spread - (20 << 16), aggression_b=100, max_spread_b=100)
    wide = {"max_notional": 1 << 50}
    dear_b = {"base_tick": 19_999_900, "cent_tick": True, "collar": 100} | wide
    return Session.of(made, armed(of_b=dear_b, gate=wide, pairs=(pair,)))


class Silent(ScriptedVenue):
    """Never answers the first two orders, and fills none of the others."""

    def __init__(self) -> None:
        super().__init__("none")

    def answers(self, user_ref: int, shares: int, price: int) -> list[Answer]:
        return [] if user_ref <= 2 else super().answers(user_ref, shares, price)


def without_slots() -> Session:
    """Return one whose first orders stay open until their slots come round again.

    Two pairs on the same symbols. The first enters with orders 1 and 2, which are never answered;
    the second tries at every quote, and nothing of it is filled. With 256 slots its orders 257 and
    258 would need the slots of 1 and 2.
    """
    made = morning()
    enter(made)
    for count in range(PRESET.slots // 2):
        made.cancel(A, 2, 1 + count % 2)
    again = replace(PAIR, name="again")
    wide = {"max_position": 1_000_000}
    setup = armed(of_a=wide, of_b=wide, pairs=(PAIR, again))
    return replace(Session.of(made, setup), venue=Silent())


class Generous(ScriptedVenue):
    """Fills one share more than was ordered."""

    def answers(self, user_ref: int, shares: int, price: int) -> list[Answer]:
        return [Answer(ResponseKind.EXECUTED, user_ref, shares + 1, price, 1)]


def overfilled() -> Session:
    """Return one in which a second pair wishes to trade behind a fill that was too much."""
    made = morning()
    enter(made)
    made.cancel(A, 2, 1)
    second = replace(PAIR, name="second")
    # The first quote with all prices makes both enter; the second pair waits until it has passed.
    second = replace(second, entry_deviation=(21 << 8))
    made.delete(A, 1)
    made.add(A, 7, "B", 500, 1_001)
    return replace(Session.of(made, armed(pairs=(PAIR, second))), venue=Generous())


# The session, which checks its last verdict fails, and the kind of that intent.
CASES: dict[str, tuple[Callable[[], Session], int, IntentKind]] = {
    "killed": (
        lambda: entering(gate={"state": "killed"}),
        check("killed"),
        IntentKind.ENTER_SHORT,
    ),
    "close_only": (
        lambda: entering(gate={"state": "close_only"}),
        check("close_only"),
        IntentKind.ENTER_SHORT,
    ),
    "trust": (
        lambda: leaving(lambda tape: tape.delete(A, 999)),
        check("trust"),
        IntentKind.EXIT,
    ),
    "halted": (
        lambda: leaving(lambda tape: tape.status(B, "H")),
        check("halted"),
        IntentKind.EXIT,
    ),
    "shares": (
        lambda: entering(of_b={"max_shares": 199}),
        check("shares"),
        IntentKind.ENTER_SHORT,
    ),
    "shares-of-all": (
        lambda: entering(gate={"max_shares": 199}),
        check("shares"),
        IntentKind.ENTER_SHORT,
    ),
    "notional": (
        lambda: entering(of_b={"max_notional": 200 * 996 - 1}),
        check("notional"),
        IntentKind.ENTER_SHORT,
    ),
    "notional-of-all": (
        lambda: entering(gate={"max_notional": 200 * 996 - 1}),
        check("notional"),
        IntentKind.ENTER_SHORT,
    ),
    "collar": (
        lambda: entering(of_a={"collar": 2}),
        check("collar"),
        IntentKind.ENTER_SHORT,
    ),
    "collar-buys": (
        lambda: entering(of_b={"collar": 3}),
        check("collar"),
        IntentKind.ENTER_SHORT,
    ),
    "position": (
        lambda: entering(of_a={"max_position": 99}),
        check("position"),
        IntentKind.ENTER_SHORT,
    ),
    "position-held": (
        lambda: entering(of_b={"position": 801}),
        check("position"),
        IntentKind.ENTER_SHORT,
    ),
    "feed-gap": (behind_a_gap, check("feed"), IntentKind.ENTER_SHORT),
    "feed-age": (
        lambda: entering(feed={"max_age_ns": 1}),
        check("feed"),
        IntentKind.ENTER_SHORT,
    ),
    # An order is 50 bytes on the wire of the session: two need 100.
    "session": (
        lambda: entering(session={"start_window": 99}),
        check("session"),
        IntentKind.ENTER_SHORT,
    ),
    "slots": (without_slots, check("slots"), IntentKind.ENTER_SHORT),
    "price": (dear, check("price"), IntentKind.ENTER_SHORT),
    # A ledger fault kills too: never one without the other.
    "ledger": (overfilled, check("killed", "ledger"), IntentKind.ENTER_SHORT),
}


@pytest.fixture(scope="module")
def sessions() -> dict[str, Session]:
    return {name: make() for name, (make, _, _) in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_check_refuses_alone(play: Callable[[Session], Played], sessions, name: str):
    played = play(sessions[name])
    last = played.journal.verdicts[-1]
    _, checks, kind = CASES[name]
    assert (int(last["checks"]), int(last["passed"])) == (checks, 0)
    assert int(played.journal.intents[-1]["kind"]) == kind
    assert_agrees(played)


def test_every_check_has_its_session():
    refused = 0
    for _, checks, _ in CASES.values():
        refused |= checks
    assert refused == (1 << len(CHECKS)) - 1


def test_the_same_session_trades_where_nothing_refuses(play: Callable[[Session], Played]):
    played = play(UNREFUSED)
    assert played.journal.verdicts["passed"].tolist() == [1, 1]
    assert len(played.journal.orders) == 4
    assert played.positions == [0, 0]
    assert_agrees(played)


UNREFUSED = leaving(lambda tape: tape.status(B, "T"))
