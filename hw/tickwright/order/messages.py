"""Messages of order entry: SoupBinTCP and OUCH 5.0.

Sources: Nasdaq, "SoupBinTCP", version 4.00 (the login request of 3.00, without the heartbeat
timeout that 4.10 adds), section 2, logical packets; Nasdaq, "O*U*C*H", version 5.0
(revision 1.05): section 2 inbound messages, section 3 outbound messages, appendix A optional
appendages. In SoupBinTCP sequence numbers are text, padded on the left, and so is the session of
the login accepted packet; other text is padded on the right as elsewhere.

The total length of the appendages is always on the wire where the specification requires it. On
other messages it is optional; real captures leave it out.
"""

from typing import Any

from tickwright.core.wire import (
    Alpha,
    Appendages,
    Field,
    Int,
    Length,
    Message,
    Number,
    Price,
    Rest,
    UInt,
)

__all__ = [
    "OUCH_APPENDAGES", "OUCH_INBOUND", "OUCH_OUTBOUND", "SOUP_FROM_CLIENT", "SOUP_FROM_SERVER",
    "AccountQuery", "AccountQueryReply", "AiqCancelled", "CancelOrder",
    "CancelPending", "CancelRejected", "ClientHeartbeat", "Debug", "DisableOrderEntry",
    "DisableOrderEntryReply", "EnableOrderEntry", "EnableOrderEntryReply", "EndOfSession",
    "EnterOrder", "LoginAccepted", "LoginRejected", "LoginRequest", "LogoutRequest", "MassCancel",
    "MassCancelReply", "ModifyOrder", "OrderAccepted", "OrderCancelled", "OrderExecuted",
    "OrderModified", "OrderPriorityUpdate", "OrderRejected", "OrderReplaced", "OrderRestated",
    "OuchInbound", "OuchOutbound", "ReplaceOrder", "SequencedData", "ServerHeartbeat", "SoupPacket",
    "SystemEvent", "TradeBroken", "UnsequencedData", "appendage", "appendage_values",
]


class SoupPacket(Message):
    """What every SoupBinTCP packet begins with."""

    length = Length(2, "Length of the rest of the packet.")
    type   = Alpha(1, "Kind of packet.")


class LoginRequest(SoupPacket, type="L"):
    """The client opens a session, or resumes it."""

    username = Alpha(6, "User.")
    password = Alpha(10, "Password.")
    session  = Alpha(10, "Session to resume; blank for the current one.")
    sequence = Number(20, "Sequence number wanted next; 0 for the newest only.")


class UnsequencedData(SoupPacket, type="U"):
    """A message that is not numbered; all that a client sends is of this kind."""

    payload = Rest("The message.")


class ClientHeartbeat(SoupPacket, type="R"):
    """The client is alive; due when it has sent nothing for a second."""


class LogoutRequest(SoupPacket, type="O"):
    """The client asks that the connection end."""


class LoginAccepted(SoupPacket, type="A"):
    """The session is open."""

    session  = Alpha(10, "Session that is open.", right=True)
    sequence = Number(20, "Sequence number of the next sequenced message.")


class LoginRejected(SoupPacket, type="J"):
    """The session is not opened; the connection ends."""

    reason = Alpha(1, "A not authorised, S no such session.")


class SequencedData(SoupPacket, type="S"):
    """A message that is numbered by counting."""

    payload = Rest("The message.")


class ServerHeartbeat(SoupPacket, type="H"):
    """The server is alive; due when it has sent nothing for a second."""


class EndOfSession(SoupPacket, type="Z"):
    """The session is over for good."""


class Debug(SoupPacket, type="+"):
    """Text for people; either side may send it, and none acts on it."""

    text = Rest("The text.")


SOUP_FROM_CLIENT: dict[str, type[SoupPacket]] = {
    packet.constants["type"]: packet
    for packet in (LoginRequest, UnsequencedData, ClientHeartbeat, LogoutRequest, Debug)
}

SOUP_FROM_SERVER: dict[str, type[SoupPacket]] = {
    packet.constants["type"]: packet
    for packet in (LoginAccepted, LoginRejected, SequencedData, UnsequencedData, ServerHeartbeat,
                   EndOfSession, Debug)
}


class OuchInbound(Message):
    """What every message to the exchange begins with."""

    type = Alpha(1, "Kind of message.")


class EnterOrder(OuchInbound, type="O"):
    """A new order."""

    user_ref          = UInt(4, "Number of the order; must increase through the day.")
    side              = Alpha(1, "B buy, S sell, T sell short, E sell short exempt.")
    shares            = UInt(4, "Quantity, less than 1,000,000.", unit="shares")
    symbol            = Alpha(8, "Stock.")
    price             = Price(8, "Limit, at most 199,999.99 dollars.")
    time_in_force     = Alpha(1, "0 day, 3 immediate or cancel, 5 extended hours, 6 until "
                                 "expire time, E after hours.")
    display           = Alpha(1, "Y visible, N hidden, A attributable.")
    capacity          = Alpha(1, "A agency, P principal, R riskless principal, O other.")
    intermarket_sweep = Alpha(1, "Y eligible, N not.")
    cross_type        = Alpha(1, "N continuous market, O opening, C closing, H halt or offering, "
                                 "and others.")
    client_order_id   = Alpha(14, "Name of the order, echoed as it is.")
    appendages        = Appendages("Options of the order.")


class ReplaceOrder(OuchInbound, type="U"):
    """A change to a live order, which gets a new number; ignored if the order is dead."""

    old_user_ref      = UInt(4, "Number of the order to replace.")
    user_ref          = UInt(4, "Number of the order from now on.")
    shares            = UInt(4, "New total quantity, what has been executed included.",
                             unit="shares")
    price             = Price(8, "New limit.")
    time_in_force     = Alpha(1, "As in an enter order.")
    display           = Alpha(1, "As in an enter order.")
    intermarket_sweep = Alpha(1, "Y eligible, N not.")
    client_order_id   = Alpha(14, "Name of the order.")
    appendages        = Appendages("Options of the order.")


class CancelOrder(OuchInbound, type="X"):
    """A reduction of an order, down to nothing if wished."""

    user_ref   = UInt(4, "Number of the order.")
    shares     = UInt(4, "New intended total; 0 cancels what is left.", unit="shares")
    appendages = Appendages("Options.", optional=True)


class ModifyOrder(OuchInbound, type="M"):
    """A reduction of an order, or another marking of its sale, that keeps its priority."""

    user_ref   = UInt(4, "Number of the order.")
    side       = Alpha(1, "S sell, T sell short, E sell short exempt.")
    shares     = UInt(4, "New total quantity.", unit="shares")
    appendages = Appendages("Options.", optional=True)


class MassCancel(OuchInbound, type="C"):
    """Cancel every order of a firm, or those of one stock."""

    user_ref   = UInt(4, "Number of this request; must increase through the day.")
    firm       = Alpha(4, "Firm whose orders are meant.")
    symbol     = Alpha(8, "Stock; blank for every one.")
    appendages = Appendages("Options.")


class DisableOrderEntry(OuchInbound, type="D"):
    """Take no more orders of a firm."""

    user_ref   = UInt(4, "Number of this request; must increase through the day.")
    firm       = Alpha(4, "Firm whose orders are meant.")
    appendages = Appendages("Options.")


class EnableOrderEntry(OuchInbound, type="E"):
    """Take orders of a firm again."""

    user_ref   = UInt(4, "Number of this request; must increase through the day.")
    firm       = Alpha(4, "Firm whose orders are meant.")
    appendages = Appendages("Options.")


class AccountQuery(OuchInbound, type="Q"):
    """Ask for the next number free for an order."""

    appendages = Appendages("Options.", optional=True)


class OuchOutbound(Message):
    """What every message from the exchange begins with."""

    type         = Alpha(1, "Kind of message.")
    timestamp_ns = UInt(8, "Time of the event since midnight.", unit="ns")


class SystemEvent(OuchOutbound, type="S"):
    """A moment of the day that concerns every order."""

    event = Alpha(1, "S start of day, E end of day.")


class OrderAccepted(OuchOutbound, type="A"):
    """An order has been accepted; its values may differ from those entered."""

    user_ref          = UInt(4, "Number of the order.")
    side              = Alpha(1, "As entered.")
    shares            = UInt(4, "Quantity accepted.", unit="shares")
    symbol            = Alpha(8, "Stock.")
    price             = Price(8, "Limit accepted.")
    time_in_force     = Alpha(1, "As in an enter order.")
    display           = Alpha(1, "As in an enter order; also Z conformant.")
    reference         = UInt(8, "Reference number of the order in the market data.")
    capacity          = Alpha(1, "As entered.")
    intermarket_sweep = Alpha(1, "As entered.")
    cross_type        = Alpha(1, "As entered.")
    state             = Alpha(1, "L live, D dead: accepted and cancelled at once.")
    client_order_id   = Alpha(14, "As entered.")
    appendages        = Appendages("Options of the order.")


class OrderReplaced(OuchOutbound, type="U"):
    """An order has been replaced."""

    old_user_ref      = UInt(4, "Number of the order that was replaced.")
    user_ref          = UInt(4, "Number of the order from now on.")
    side              = Alpha(1, "As first entered.")
    shares            = UInt(4, "Quantity outstanding.", unit="shares")
    symbol            = Alpha(8, "Stock.")
    price             = Price(8, "Limit accepted.")
    time_in_force     = Alpha(1, "As in an enter order.")
    display           = Alpha(1, "As in an enter order; also Z conformant.")
    reference         = UInt(8, "Reference number of the order in the market data.")
    capacity          = Alpha(1, "As first entered.")
    intermarket_sweep = Alpha(1, "As in the replace order.")
    cross_type        = Alpha(1, "As first entered.")
    state             = Alpha(1, "L live, D dead: accepted and cancelled at once.")
    client_order_id   = Alpha(14, "As in the replace order.")
    appendages        = Appendages("Options of the order.")


class OrderCancelled(OuchOutbound, type="C"):
    """An order has been reduced or cancelled."""

    user_ref   = UInt(4, "Number of the order.")
    shares     = UInt(4, "Quantity taken off the order.", unit="shares")
    reason     = Alpha(1, "Why: U by the user, I immediate or cancel, and others.")
    appendages = Appendages("Options.", optional=True)


class AiqCancelled(OuchOutbound, type="D"):
    """An order has been reduced or cancelled because it would have met one of its own firm."""

    user_ref      = UInt(4, "Number of the order.")
    shares        = UInt(4, "Quantity taken off the order.", unit="shares")
    reason        = Alpha(1, "Q self match prevention.")
    prevented     = UInt(4, "Quantity that would have been executed.", unit="shares")
    price         = Price(8, "Price at which it would have been executed.")
    liquidity     = Alpha(1, "Liquidity flag of that execution.")
    strategy      = Alpha(1, "Rule that was applied.")
    appendages    = Appendages("Options.", optional=True)


class OrderExecuted(OuchOutbound, type="E"):
    """An order has been executed, in part or in whole."""

    user_ref   = UInt(4, "Number of the order.")
    shares     = UInt(4, "Quantity executed.", unit="shares")
    price      = Price(8, "Price of the execution.")
    liquidity  = Alpha(1, "Liquidity flag: A added, R removed, and others.")
    match      = UInt(8, "Match number, as in the market data.")
    appendages = Appendages("Options; their length is written even if there are none.",
                            optional=True, default=())


class TradeBroken(OuchOutbound, type="B"):
    """An execution has been broken."""

    user_ref        = UInt(4, "Number of the order.")
    match           = UInt(8, "Match number of the execution.")
    reason          = Alpha(1, "E erroneous, C consent, S supervisory, X external.")
    client_order_id = Alpha(14, "Name of the order.")
    appendages      = Appendages("Options.", optional=True)


class OrderRejected(OuchOutbound, type="J"):
    """An order has been rejected."""

    user_ref        = UInt(4, "Number of the order.")
    reason          = UInt(2, "Why, as a number of appendix B.")
    client_order_id = Alpha(14, "Name of the order.")
    appendages      = Appendages("Options.", optional=True)


class CancelPending(OuchOutbound, type="P"):
    """A cancel has been taken but cannot take effect yet."""

    user_ref   = UInt(4, "Number of the order.")
    appendages = Appendages("Options.", optional=True)


class CancelRejected(OuchOutbound, type="I"):
    """A cancel has been refused."""

    user_ref   = UInt(4, "Number of the order.")
    appendages = Appendages("Options.", optional=True)


class OrderPriorityUpdate(OuchOutbound, type="T"):
    """An order has another place in the book."""

    user_ref   = UInt(4, "Number of the order.")
    price      = Price(8, "Price at which it stands.")
    display    = Alpha(1, "As in an enter order; also Z conformant.")
    reference  = UInt(8, "Reference number of the order in the market data.")
    appendages = Appendages("Options.", optional=True)


class OrderModified(OuchOutbound, type="M"):
    """An order has been modified as asked."""

    user_ref   = UInt(4, "Number of the order.")
    side       = Alpha(1, "Side from now on.")
    shares     = UInt(4, "Quantity outstanding.", unit="shares")
    appendages = Appendages("Options.", optional=True)


class OrderRestated(OuchOutbound, type="R"):
    """An order has been changed by the exchange; the appendages say how."""

    user_ref   = UInt(4, "Number of the order.")
    reason     = Alpha(1, "R display refreshed, P displayed price changed.")
    appendages = Appendages("What has changed.")


class MassCancelReply(OuchOutbound, type="X"):
    """A mass cancel has been taken."""

    user_ref   = UInt(4, "Number of the request.")
    firm       = Alpha(4, "Firm whose orders are meant.")
    symbol     = Alpha(8, "Stock; blank for every one.")
    appendages = Appendages("Options.")


class DisableOrderEntryReply(OuchOutbound, type="G"):
    """No more orders of the firm are taken."""

    user_ref   = UInt(4, "Number of the request.")
    firm       = Alpha(4, "Firm whose orders are meant.")
    appendages = Appendages("Options.")


class EnableOrderEntryReply(OuchOutbound, type="K"):
    """Orders of the firm are taken again."""

    user_ref   = UInt(4, "Number of the request.")
    firm       = Alpha(4, "Firm whose orders are meant.")
    appendages = Appendages("Options.")


class AccountQueryReply(OuchOutbound, type="Q"):
    """The next number free for an order."""

    next_user_ref = UInt(4, "Number that the next order may have.")
    appendages    = Appendages("Options.", optional=True)


OUCH_INBOUND: dict[str, type[OuchInbound]] = {
    message.constants["type"]: message
    for message in (EnterOrder, ReplaceOrder, CancelOrder, ModifyOrder, MassCancel,
                    DisableOrderEntry, EnableOrderEntry, AccountQuery)
}

OUCH_OUTBOUND: dict[str, type[OuchOutbound]] = {
    message.constants["type"]: message
    for message in (SystemEvent, OrderAccepted, OrderReplaced, OrderCancelled, AiqCancelled,
                    OrderExecuted, TradeBroken, OrderRejected, CancelPending, CancelRejected,
                    OrderPriorityUpdate, OrderModified, OrderRestated, MassCancelReply,
                    DisableOrderEntryReply, EnableOrderEntryReply, AccountQueryReply)
}


OUCH_APPENDAGES: dict[str, tuple[int, Field[Any]]] = {
    name: (tag, field) for tag, name, field in (
        (1,  "secondary_reference",   UInt(8, "Reference number of the refreshed order.")),
        (2,  "firm",                  Alpha(4, "Firm that enters the order.")),
        (3,  "minimum_shares",        UInt(4, "Least quantity to execute.", unit="shares")),
        (4,  "customer_type",         Alpha(1, "R retail designated, N not.")),
        (5,  "maximum_floor",         UInt(4, "Quantity displayed at a time.", unit="shares")),
        (6,  "price_type",            Alpha(1, "L limit, M midpoint peg, P market peg, R primary "
                                               "peg, and others.")),
        (7,  "peg_offset",            Int(4, "Offset of a peg.", unit="1/10000 $")),
        (9,  "discretion_price",      Price(8, "Price the order may go to.")),
        (10, "discretion_price_type", Alpha(1, "L, P, M or R, as the price type.")),
        (11, "discretion_peg_offset", Int(4, "Offset of a discretion peg.", unit="1/10000 $")),
        (12, "post_only",             Alpha(1, "P post only, N not.")),
        (13, "random_reserves",       UInt(4, "Range of the displayed quantity.", unit="shares")),
        (14, "route",                 Alpha(4, "Where the order is routed.")),
        (15, "expire_s",              UInt(4, "Time from acceptance to expiry.", unit="s")),
        (16, "trade_now",             Alpha(1, "Y trade now, N not, blank by the port.")),
        (17, "handle_instruction",    Alpha(1, "Special handling.")),
        (18, "bbo_weight",            Alpha(1, "Class of the order's weight at the best price.")),
        (22, "display_shares",        UInt(4, "Quantity displayed.", unit="shares")),
        (23, "display_price",         Price(8, "Price displayed.")),
        (24, "group",                 UInt(2, "Group of orders.")),
        (25, "shares_located",        Alpha(1, "Y shares to sell short are located, N not.")),
        (26, "locate_broker",         Alpha(4, "Broker that located them.")),
        (27, "side",                  Alpha(1, "Side from now on, or the side meant.")),
        (28, "user_ref_index",        UInt(1, "Which sequence of order numbers is meant.")),
        (29, "aiq_strategy",          Alpha(1, "Rule against meeting orders of one's own firm.")),
        (30, "aiq_group",             Alpha(2, "Orders the rule applies to.")),
    )
}
"""Options by name: their tag, and the field of their value.

Tags 8 and 19 to 21 are not assigned in revision 1.05.
"""

_BY_TAG = {tag: (name, field) for name, (tag, field) in OUCH_APPENDAGES.items()}


def appendage(name: str, value: Any) -> tuple[int, bytes]:
    """Return an option as the ``appendages`` of a message hold it."""
    if name not in OUCH_APPENDAGES:
        raise ValueError(f"no appendage {name!r}; there are {', '.join(OUCH_APPENDAGES)}")
    tag, field = OUCH_APPENDAGES[name]
    try:
        return tag, field.encode(field.check(value))
    except ValueError as error:
        raise ValueError(f"appendage {name}: {error}") from None


def appendage_values(appendages: tuple[tuple[int, bytes], ...] | None) -> dict[str, Any]:
    """Return the values of the options a message holds, by name; unknown tags are left out.

    Raises ValueError where a value is not of the size that its tag implies.
    """
    values = {}
    for tag, data in appendages or ():
        if tag not in _BY_TAG:
            continue
        name, field = _BY_TAG[tag]
        if len(data) != field.size:
            raise ValueError(f"appendage {name}: found {len(data)} bytes, expected {field.size}")
        values[name] = field.decode(data)
    return values
