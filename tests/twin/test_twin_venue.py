"""The far end of the order session takes the card's frames strictly and answers in good TCP."""

import re
from dataclasses import replace

import numpy as np
import pytest
from oracle.session import ORDER_SESSION, PRESET
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from tickwright.exchange.scripted import Answer, ScriptedVenue
from tickwright.host.records import ORDER, ResponseKind, Side
from tickwright.host.setup import CardSetup, SymbolSetup
from tickwright.model.frames import ORDER_BYTES, order_frames
from tickwright.order.messages import OUCH_OUTBOUND, SequencedData
from tickwright.twin.venue import VenueError, VenuePeer, segment

SETUP = CardSetup(
    window=PRESET.window,
    symbols=(SymbolSetup(name="KO"), SymbolSetup(name="PEP")),
    session=replace(ORDER_SESSION, start_ack=(1 << 32) - 50),  # what the venue sends wraps at once
)
DELAY_NS = 700
PREFIX = 14 + 20 + 20  # bytes before the payload of a segment
CHECKSUM_BYTES = {"IPv4": 14 + 10, "TCP": 14 + 20 + 16}


class Scripted(ScriptedVenue):
    """Says of every order what it was told to."""

    def __init__(self, kinds: list[ResponseKind]) -> None:
        super().__init__("none", DELAY_NS)
        self._kinds = kinds

    def answers(self, user_ref: int, shares: int, price: int) -> list[Answer]:
        return [Answer(kind, user_ref, shares - 1, price + 3, 77) for kind in self._kinds]


def orders(count: int) -> np.ndarray:
    """Return orders, buys of KO and short sales of PEP in turn."""
    rows = np.zeros(count, ORDER)
    for number, row in enumerate(rows):
        row["user_ref"], row["shares"], row["price"] = 40 + number, 100 + number, 50_000 + number
        row["symbol"], row["side"] = number % 2, (Side.BUY, Side.SELL)[number % 2]
        row["short"] = number % 2
    return rows


def frames(count: int, **session: int) -> list[bytes]:
    """Return what a card sends, with fields of the session replaced."""
    setup = replace(SETUP, session=replace(SETUP.session, **session))
    return list(order_frames(setup, orders(count)))


def peer(*kinds: ResponseKind) -> VenuePeer:
    return VenuePeer(SETUP.session, Scripted(list(kinds)))


def dissected(frame: bytes) -> tuple[IP, TCP, SequencedData]:
    """Return the layers as scapy has them; the checksums are right."""
    ether = Ether(frame)
    for layer in (IP, TCP):
        again = Ether(frame)
        del again[layer].chksum
        assert Ether(bytes(again))[layer].chksum == ether[layer].chksum, layer.__name__
    return ether[IP], ether[TCP], SequencedData.unpack(bytes(ether[TCP].payload))


def test_answers_come_in_segments_that_follow_each_other():
    told = [ResponseKind.ACCEPTED, ResponseKind.EXECUTED, ResponseKind.CANCELED]
    venue = peer(*told)
    seq, ack = SETUP.session.start_ack, SETUP.session.start_seq
    for number, frame in enumerate(frames(5)):
        ack = (ack + ORDER_BYTES) % (1 << 32)
        arrivals = venue.take(frame, at_ns=1_000 * number)
        assert [arrival.at_ns for arrival in arrivals] == [1_000 * number + DELAY_NS] * len(told)
        for arrival, kind in zip(arrivals, "AEC", strict=True):
            ip, tcp, packet = dissected(arrival.frame)
            message = OUCH_OUTBOUND[kind].unpack(packet.payload)
            assert message.user_ref == 40 + number
            assert (ip.src, ip.dst) == ("198.51.100.1", "192.0.2.1")
            assert (tcp.sport, tcp.dport, tcp.flags) == (26_400, 40_000, "PA")
            assert (tcp.seq, tcp.ack) == (seq, ack)
            seq = (seq + len(packet.pack())) % (1 << 32)
    assert seq < SETUP.session.start_ack  # it wrapped


def test_answers_repeat_what_was_ordered():
    accepted, executed, canceled, rejected = (
        OUCH_OUTBOUND[kind].unpack(dissected(arrival.frame)[2].payload)
        for kind, arrival in zip("AECJ", peer(*(
            ResponseKind.ACCEPTED, ResponseKind.EXECUTED, ResponseKind.CANCELED,
            ResponseKind.REJECTED,
        )).take(frames(1)[0], 0), strict=True)
    )  # fmt: skip
    assert (accepted.symbol, accepted.side, accepted.shares) == ("KO", "B", 100)
    assert (accepted.price, accepted.time_in_force, accepted.state) == (50_000, "3", "L")
    assert accepted.client_order_id == rejected.client_order_id == "TW000000000040"
    assert (executed.shares, executed.price, executed.match) == (99, 50_003, 77)
    assert canceled.shares == 99


def test_a_short_sale_is_accepted_as_one():
    venue = peer(ResponseKind.ACCEPTED)
    *_, last = [venue.take(frame, 0)[0] for frame in frames(2)]
    accepted = OUCH_OUTBOUND["A"].unpack(dissected(last.frame)[2].payload)
    assert (accepted.symbol, accepted.side, accepted.shares) == ("PEP", "T", 101)


@pytest.mark.parametrize("what", CHECKSUM_BYTES)
def test_a_wrong_checksum_is_refused(what):
    frame = bytearray(frames(1)[0])
    frame[CHECKSUM_BYTES[what]] ^= 0x40
    with pytest.raises(VenueError, match=f"order frame: {what} checksum: found"):
        peer().take(bytes(frame), 0)


@pytest.mark.parametrize("at", [PREFIX, PREFIX + 20, PREFIX + ORDER_BYTES - 1])
def test_a_payload_that_is_not_what_was_summed_is_refused(at):
    frame = bytearray(frames(1)[0])
    frame[at] ^= 0x01
    with pytest.raises(VenueError, match="TCP checksum"):
        peer().take(bytes(frame), 0)


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("peer_address", SETUP.session.peer_address + 1, "destination: "),
        ("peer_port", SETUP.session.peer_port + 1, "destination port: "),
        ("start_seq", SETUP.session.start_seq - 1, "sequence number: "),
        ("start_seq", SETUP.session.start_seq + 1, "sequence number: "),
    ],
)
def test_a_frame_for_another_is_refused(field, value, what):
    with pytest.raises(VenueError, match=f"order frame: {what}"):
        peer().take(frames(1, **{field: value})[0], 0)


def test_frames_are_taken_once_and_in_turn():
    venue = peer(ResponseKind.ACCEPTED)
    first, second, third = frames(3)
    venue.take(first, 0)
    for wrong in (first, third):
        with pytest.raises(VenueError, match="sequence number"):
            venue.take(wrong, 0)
    assert len(venue.take(second, 0)) == 1  # what was refused was not counted


def test_an_answer_without_a_message_is_refused():
    with pytest.raises(VenueError, match=re.escape("no message for an answer of kind")):
        peer(ResponseKind.DEAD).take(frames(1)[0], 0)


def test_a_segment_is_one_that_scapy_accepts():
    payload = SequencedData(payload=b"odd").pack()
    ip, tcp, packet = dissected(
        segment(SETUP.session, seq=5, ack=(1 << 32) - 1, payload=payload, flags=0x11)
    )
    assert (ip.len, tcp.seq, tcp.ack, tcp.flags) == (40 + len(payload), 5, (1 << 32) - 1, "FA")
    assert packet.payload == b"odd"
