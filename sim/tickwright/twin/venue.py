"""The other end of the order session: takes the card's frames, answers in segments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tickwright.exchange.scripted import Answer, ScriptedVenue
from tickwright.host.records import ResponseKind
from tickwright.host.setup import SessionSetup
from tickwright.net.headers import (
    ETHERTYPE_IPV4,
    PROTOCOL_TCP,
    Ethernet,
    Ipv4,
    Tcp,
    internet_checksum,
    transport_checksum,
)
from tickwright.order.messages import (
    EnterOrder,
    OrderAccepted,
    OrderCancelled,
    OrderExecuted,
    OrderRejected,
    OuchOutbound,
    SequencedData,
    UnsequencedData,
)

__all__ = ["Arrival", "Venue", "VenueError", "VenuePeer", "segment"]

HEADERS_BYTES = Ethernet.size + Ipv4.size + Tcp.size
ACK_PSH = 0x18
SEQ_MODULUS = 1 << 32
IMMEDIATE_OR_CANCEL = "I"  # reason of a cancel
REJECT_REASON = 0x0001  # "quote unavailable" and the like: the card does not read it


class VenueError(ValueError):
    """The card sent what a venue would not take."""


class Venue(Protocol):
    """Whoever answers the card's orders."""

    def take(self, frame: bytes, at_ns: int) -> list[Arrival]: ...


@dataclass(frozen=True)
class Arrival:
    """A frame that reaches the card at a time."""

    at_ns: int
    frame: bytes


class VenuePeer:
    """One venue at the end of one order session.

    It takes frames only as a strict peer would: right addresses, checksums and sequence numbers.
    """

    def __init__(self, session: SessionSetup, script: ScriptedVenue) -> None:
        self._session = session
        self._script = script
        self._seq = session.start_ack
        self._ack = session.start_seq

    @property
    def expected(self) -> int:
        """Sequence number of the next order."""
        return self._ack

    def take(self, frame: bytes, at_ns: int) -> list[Arrival]:
        """Take an order that reached the venue; return the frames of its answers."""
        order = self._order(frame)
        answers = self._script.answers(order.user_ref, order.shares, order.price)
        return [
            Arrival(at_ns + self._script.delay_ns, self._answer(answer, order))
            for answer in answers
        ]

    def _order(self, frame: bytes) -> EnterOrder:
        session = self._session
        ip = Ipv4.unpack(frame, Ethernet.size)
        tcp = Tcp.unpack(frame, Ethernet.size + Ipv4.size)
        end = Ethernet.size + ip.total_length
        header = frame[Ethernet.size : Ethernet.size + Ipv4.size]
        body = frame[Ethernet.size + Ipv4.size : end]
        cleared = body[:16] + b"\0\0" + body[18:]
        expectations = {
            "IPv4 checksum": (internet_checksum(header), 0),
            "TCP checksum": (
                tcp.checksum,
                transport_checksum(ip.source, ip.destination, PROTOCOL_TCP, cleared),
            ),
            "destination": (ip.destination, session.peer_address),
            "destination port": (tcp.destination_port, session.peer_port),
            "sequence number": (tcp.sequence, self._ack),
        }
        for what, (found, expected) in expectations.items():
            if found != expected:
                raise VenueError(f"order frame: {what}: found {found:#x}, expected {expected:#x}")
        payload = frame[HEADERS_BYTES:end]
        self._ack = (self._ack + len(payload)) % SEQ_MODULUS
        return EnterOrder.unpack(UnsequencedData.unpack(payload).payload)

    def _answer(self, answer: Answer, order: EnterOrder) -> bytes:
        payload = SequencedData(payload=_message(answer, order).pack()).pack()
        frame = segment(self._session, seq=self._seq, ack=self._ack, payload=payload)
        self._seq = (self._seq + len(payload)) % SEQ_MODULUS
        return frame


def segment(
    session: SessionSetup, *, seq: int, ack: int, payload: bytes, flags: int = ACK_PSH
) -> bytes:
    """Return a frame from the venue to the card."""
    tcp = Tcp(
        source_port=session.peer_port,
        destination_port=session.local_port,
        sequence=seq,
        acknowledgment=ack,
        offset_reserved=(Tcp.size // 4) << 4,
        flags=flags,
        window=session.start_window,
    )
    total = transport_checksum(
        session.peer_address, session.local_address, PROTOCOL_TCP, tcp.pack() + payload
    )
    tcp = tcp.replace(checksum=total)
    ip = Ipv4(
        version_ihl=0x45,
        total_length=Ipv4.size + Tcp.size + len(payload),
        flags_fragment=0x4000,  # don't fragment
        ttl=64,
        protocol=PROTOCOL_TCP,
        source=session.peer_address,
        destination=session.local_address,
    )
    ip = ip.replace(checksum=internet_checksum(ip.pack()))
    ethernet = Ethernet(
        destination=session.local_mac.to_bytes(6, "big"),
        source=session.peer_mac.to_bytes(6, "big"),
        ethertype=ETHERTYPE_IPV4,
    )
    return ethernet.pack() + ip.pack() + tcp.pack() + payload


def _message(answer: Answer, order: EnterOrder) -> OuchOutbound:
    ref = answer.user_ref
    match answer.kind:
        case ResponseKind.ACCEPTED:
            return OrderAccepted(
                user_ref=ref,
                side=order.side,
                shares=order.shares,
                symbol=order.symbol,
                price=order.price,
                time_in_force=order.time_in_force,
                display=order.display,
                reference=ref,
                capacity=order.capacity,
                intermarket_sweep=order.intermarket_sweep,
                cross_type=order.cross_type,
                state="L",
                client_order_id=order.client_order_id,
            )
        case ResponseKind.EXECUTED:
            return OrderExecuted(
                user_ref=ref,
                shares=answer.shares,
                price=answer.price,
                liquidity="R",
                match=answer.match,
            )
        case ResponseKind.CANCELED:
            return OrderCancelled(user_ref=ref, shares=answer.shares, reason=IMMEDIATE_OR_CANCEL)
        case ResponseKind.REJECTED:
            return OrderRejected(
                user_ref=ref, reason=REJECT_REASON, client_order_id=order.client_order_id
            )
    raise VenueError(f"no message for an answer of kind {answer.kind!r}")
