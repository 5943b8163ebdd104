"""What the card's text is to show: no order goes round the gate, and the gate heeds the kill.

Names are those of the text; what they mean is told by the gateware of the same names.
"""

from __future__ import annotations

from collections.abc import Iterator

from tickwright.audit.claims import Claim, Identity, Statement
from tickwright.audit.netlist import Netlist

__all__ = ["statements"]

RISK, ORDER = "card.risk", "card.order"
GATE, ARMING, SENDER = f"{RISK}.gate", f"{RISK}.arming", f"{ORDER}.sender"
PASSES = f"{GATE}.passes"
ORDER_VALID, ORDER_TAKEN, SECOND_WAITS = (
    f"{GATE}.orders__valid",
    f"{GATE}.orders__ready",
    f"{GATE}.waits",
)
FRAME_VALID, WIRE_VALID = f"{SENDER}.frames__valid", "card.order_tx__valid"
STATE, KEPT = f"{ARMING}.state", f"{ARMING}.kept"
KILLED = 0  # a state of the gate

QUIET = {ORDER_VALID: 0, SECOND_WAITS: 0, FRAME_VALID: 0}  # no order and no frame is under way
NOT_CHECKS = {"short"}  # outputs of a leg that refuse nothing


def statements(netlist: Netlist) -> Iterator[Statement]:
    """Yield what is to be shown of the card."""
    yield from _only_through_the_gate()
    yield from _two_orders_at_most()
    yield from _killed()
    yield from _checks(netlist)


def _only_through_the_gate() -> Iterator[Statement]:
    sends = {
        f"{RISK}.orders__valid": 0,
        f"{ORDER}.orders__valid": 0,
        f"{ORDER}.encoder.load": 0,
        f"{SENDER}.send": 0,
        WIRE_VALID: 0,
    }
    yield Claim("no frame without a verdict", {PASSES: 0, **QUIET}, sends, QUIET)
    yield Claim("no frame starts but for an order", {ORDER_VALID: 0, FRAME_VALID: 0},
                {WIRE_VALID: 0}, {FRAME_VALID: 0})  # fmt: skip
    yield Claim("a reset is quiet", {"card.rst": 1}, after=QUIET)
    yield Identity("what is encoded", f"{ORDER}.encoder.order", f"{GATE}.orders__payload")
    yield Identity("what is sent", "card.order_tx__payload", f"{SENDER}.frames__payload")


def _two_orders_at_most() -> Iterator[Statement]:
    yield Claim("no verdict while an order waits", {ORDER_VALID: 1}, {PASSES: 0})
    yield Claim("the second order follows the first", {PASSES: 0, ORDER_TAKEN: 1},
                after={SECOND_WAITS: 0})  # fmt: skip
    yield Claim("no third order", {PASSES: 0, ORDER_TAKEN: 1, SECOND_WAITS: 0},
                after={ORDER_VALID: 0, SECOND_WAITS: 0})  # fmt: skip


def _killed() -> Iterator[Statement]:
    refused = {STATE: KILLED, PASSES: 0}
    yield Claim("killed: nothing passes", {STATE: KILLED}, {PASSES: 0})
    yield Claim("killed: no frame", {STATE: KILLED, **QUIET}, {WIRE_VALID: 0}, QUIET)
    yield Claim("killed: stays so until armed", {KEPT: KILLED, f"{RISK}.regs.arm": 0}, refused,
                {KEPT: KILLED})  # fmt: skip
    yield Claim("a reset kills", {"card.rst": 1}, after={KEPT: KILLED})
    for what, cause in {
        "the host kills": f"{RISK}.regs.kill",
        "the watchdog kills": f"{RISK}.watchdog.expired",
        "a ledger fault kills": f"{RISK}.ledger.ledger_fault",
    }.items():
        yield Claim(f"{what} at once", {cause: 1}, refused, {KEPT: KILLED})


def _checks(netlist: Netlist) -> Iterator[Statement]:
    for fact in (f"{ORDER}.session_ok", "card.feed.feed_ok", f"{ORDER}.can_send"):
        yield Claim(f"nothing passes without {fact}", {fact: 0}, {PASSES: 0})
    for leg in (f"{RISK}.leg_0", f"{RISK}.leg_1"):
        for name in netlist.outputs(leg):
            if name not in NOT_CHECKS:
                yield Claim(f"nothing passes with {leg}.{name}", {f"{leg}.{name}": 1}, {PASSES: 0})
