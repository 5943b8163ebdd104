"""What the card's text is to show: no order goes round the gate, and the gate heeds the kill.

Names are those of the text; what they mean is told by the gateware of the same names.
"""

from __future__ import annotations

from tickwright.audit.claims import Claim, Claims, Identity
from tickwright.audit.netlist import Netlist

__all__ = ["claims"]

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
NOT_CHECKS = {"short", "worst"}  # outputs of a leg that refuse nothing


def claims(netlist: Netlist) -> Claims:
    """Yield what is to be shown of the card."""
    yield from _only_through_the_gate()
    yield from _two_orders_at_most()
    yield from _killed()
    yield from _checks(netlist)


def _only_through_the_gate() -> Claims:
    send, free = f"{SENDER}.send", f"{SENDER}.ready"
    nothing = {f"{ORDER}.orders__valid": 0, f"{ORDER}.encoder.load": 0, send: 0}
    yield Claim(
        "no frame without a verdict", {PASSES: 0, **QUIET}, nothing | {WIRE_VALID: 0}, QUIET
    )
    yield Claim("a frame starts with an order", {ORDER_VALID: 0}, nothing)
    yield Claim("a frame starts when it is sent", {send: 0, FRAME_VALID: 0}, after={FRAME_VALID: 0})
    yield Claim("a frame follows when it is sent", {send: 0, free: 1}, after={FRAME_VALID: 0})
    yield Claim("a reset is quiet", {"card.rst": 1}, after=QUIET)
    for name, net, origin in (
        ("an order is taken when it is sent", ORDER_TAKEN, free),
        ("what is encoded", f"{ORDER}.encoder.order", f"{GATE}.orders__payload"),
        ("when there is a word", WIRE_VALID, FRAME_VALID),
        ("what the word is", "card.order_tx__payload", f"{SENDER}.frames__payload"),
    ):
        yield Identity(name, net, origin)


def _two_orders_at_most() -> Claims:
    taken, none_waits = {PASSES: 0, ORDER_TAKEN: 1}, {PASSES: 0, SECOND_WAITS: 0}
    yield Claim("no verdict while an order waits", {ORDER_VALID: 1}, {PASSES: 0})
    yield Claim("the second order follows the first", taken, after={SECOND_WAITS: 0})
    yield Claim("no second order by itself", none_waits, after={SECOND_WAITS: 0})
    yield Claim("no third order", taken | none_waits, after={ORDER_VALID: 0})


def _killed() -> Claims:
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


def _checks(netlist: Netlist) -> Claims:
    for fact in (f"{ORDER}.session_ok", "card.feed.feed_ok", f"{ORDER}.can_send"):
        yield Claim(f"nothing passes without {fact}", {fact: 0}, {PASSES: 0})
    for leg in (f"{RISK}.leg_0", f"{RISK}.leg_1"):
        for name in netlist.outputs(leg):
            if name not in NOT_CHECKS:
                yield Claim(f"nothing passes with {leg}.{name}", {f"{leg}.{name}": 1}, {PASSES: 0})
