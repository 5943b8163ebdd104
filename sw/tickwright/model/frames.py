"""The frames in which orders leave the card (specification, section 9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tickwright.host.records import ORDER, Side
from tickwright.host.setup import CardSetup, SessionSetup
from tickwright.net.headers import (
    ETHERTYPE_IPV4,
    PROTOCOL_TCP,
    Ethernet,
    Ipv4,
    Tcp,
    internet_checksum,
    transport_checksum,
)
from tickwright.order.messages import EnterOrder, UnsequencedData

__all__ = ["ORDER_BYTES", "enter_order", "order_frame", "order_frames"]

IPV4_WITHOUT_OPTIONS = 4 << 4 | Ipv4.size // 4
DO_NOT_FRAGMENT = 1 << 14
TTL = 64
TCP_WITHOUT_OPTIONS = Tcp.size // 4 << 4
PSH_ACK = 0x18
SEQ_MASK = (1 << 32) - 1
CLIENT_ORDER_DIGITS = 12

ORDER_BYTES = UnsequencedData.size + EnterOrder.min_size
"""By how much a frame moves the sequence number of the session."""


def enter_order(order: np.void, symbol: str) -> EnterOrder:
    """Return the message of an order, a row of ORDER."""
    user_ref, sells = int(order["user_ref"]), order["side"] == Side.SELL
    return EnterOrder(
        user_ref=user_ref,
        side=("T" if order["short"] else "S") if sells else "B",
        shares=int(order["shares"]),
        symbol=symbol,
        price=int(order["price"]),
        time_in_force="3",  # immediate or cancel
        display="Y",
        capacity="P",  # principal
        intermarket_sweep="N",
        cross_type="N",
        client_order_id=f"TW{user_ref:0{CLIENT_ORDER_DIGITS}d}",
    )


def order_frame(session: SessionSetup, message: EnterOrder, *, seq: int, ack: int) -> bytes:
    """Return the frame of one order, from the card to the venue."""
    payload = UnsequencedData(payload=message.pack()).pack()
    tcp = Tcp(
        source_port=session.local_port,
        destination_port=session.peer_port,
        sequence=seq & SEQ_MASK,
        acknowledgment=ack & SEQ_MASK,
        offset_reserved=TCP_WITHOUT_OPTIONS,
        flags=PSH_ACK,
        window=session.window,
    )
    addresses = session.local_address, session.peer_address
    checksum = transport_checksum(*addresses, PROTOCOL_TCP, tcp.pack() + payload)
    ipv4 = Ipv4(
        version_ihl=IPV4_WITHOUT_OPTIONS,
        total_length=Ipv4.size + Tcp.size + len(payload),
        flags_fragment=DO_NOT_FRAGMENT,
        ttl=TTL,
        protocol=PROTOCOL_TCP,
        source=session.local_address,
        destination=session.peer_address,
    )
    ethernet = Ethernet(
        destination=session.peer_mac.to_bytes(6, "big"),
        source=session.local_mac.to_bytes(6, "big"),
        ethertype=ETHERTYPE_IPV4,
    )
    layers = (
        ethernet,
        ipv4.replace(checksum=internet_checksum(ipv4.pack())),
        tcp.replace(checksum=checksum),
    )
    return b"".join(layer.pack() for layer in layers) + payload


def order_frames(
    setup: CardSetup, orders: np.ndarray, acks: Sequence[int] | None = None
) -> Iterator[bytes]:
    """Yield the frames of a journal's orders, from the first of the session on.

    ``acks`` are the acknowledgment numbers of the frames: how much the card had received when each
    left is among what it decides by cycles. Left out, it had received nothing.
    """
    if orders.dtype != ORDER:
        raise TypeError(f"orders: found {orders.dtype}, expected {ORDER}")
    session = setup.session
    acknowledged = [session.start_ack] * len(orders) if acks is None else acks
    for number, (order, ack) in enumerate(zip(orders, acknowledged, strict=True)):
        message = enter_order(order, setup.symbols[int(order["symbol"])].name)
        yield order_frame(session, message, seq=session.start_seq + number * ORDER_BYTES, ack=ack)
