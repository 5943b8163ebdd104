"""SoupBinTCP around the messages of order entry.

Source: Nasdaq, "SoupBinTCP", version 4.00, section 2. A segment carries one packet or none.
"""

from types import SimpleNamespace

from amaranth import *
from amaranth.hdl import ValueLike

from tickwright.core.parser import fields
from tickwright.order.messages import SequencedData, ServerHeartbeat, SoupPacket, UnsequencedData

__all__ = ["packet", "unsequenced"]


def unsequenced(message: ValueLike) -> Value:
    """Put a message into a packet of the client; both in wire order."""
    message = Value.cast(message)
    around = UnsequencedData(payload=bytes(len(message) // 8)).pack()[: UnsequencedData.size]
    return Cat(Const(int.from_bytes(around, "little"), 8 * len(around)), message)


def packet(payload: ValueLike, size: ValueLike) -> SimpleNamespace:
    """Tell what a segment of ``size`` bytes carries; ``payload`` holds at least its first bytes.

    Of the result, one of ``nothing``, ``heartbeat``, ``message`` is 1, or none: then it is not
    exactly one whole packet of a kind that a venue sends in a session. A message may be empty.
    """
    payload, size = Value.cast(payload), Value.cast(size)
    head = fields(SoupPacket, payload)
    counted = SoupPacket.field("length").size  # bytes that the length does not count
    whole = (size >= SoupPacket.size) & (head.length + counted == size)
    of_type = {kind: head.type == kind.field("type").as_int(kind.constants["type"])
               for kind in (ServerHeartbeat, SequencedData)}
    return SimpleNamespace(
        nothing=size == 0,
        heartbeat=whole & of_type[ServerHeartbeat] & (size == ServerHeartbeat.size),
        message=whole & of_type[SequencedData],
    )
