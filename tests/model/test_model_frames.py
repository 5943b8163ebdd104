"""The model's order frames are as the specification has them, to the byte."""

import numpy as np
import pytest

from tickwright.host.records import ORDER, Side
from tickwright.host.setup import CardSetup, SessionSetup, SymbolSetup
from tickwright.model.frames import ORDER_BYTES, order_frames
from tickwright.net.headers import internet_checksum

SESSION = SessionSetup(
    local_mac=0x020000000001,
    peer_mac=0x020000000002,
    local_address=0x0A000001,
    peer_address=0x0A000002,
    local_port=0x1234,
    peer_port=0x5678,
    start_seq=0xFFFFFFF0,
    start_ack=0x01020304,
    window=0xABCD,
)
SETUP = CardSetup(
    window=64, symbols=(SymbolSetup(name="ABC"), SymbolSetup(name="LONGNAME")), session=SESSION
)


def orders(*rows):
    table = np.zeros(len(rows), ORDER)
    for row, values in zip(table, rows, strict=True):
        for name, value in values.items():
            row[name] = value
    return table


FIRST = {"user_ref": 7, "symbol": 0, "side": Side.BUY, "shares": 100, "price": 123_400}
LATER = {"user_ref": 4_000_000_000, "symbol": 1, "side": Side.SELL, "shares": 9, "price": 1}

HEADERS = bytes.fromhex(
    "020000000002 020000000001 0800"
    "4500 005a 0000 4000 40 06 0000 0a000001 0a000002"
    "1234 5678 fffffff0 01020304 50 18 abcd 0000 0000"
)
IP, TCP, PAYLOAD = 14, 34, 54


def test_the_frame_of_an_order():
    (frame,) = order_frames(SETUP, orders(FIRST))
    assert len(frame) == 104
    blank = bytearray(frame)
    blank[IP + 10 : IP + 12] = blank[TCP + 16 : TCP + 18] = bytes(2)
    assert bytes(blank[:PAYLOAD]) == HEADERS
    assert frame[PAYLOAD:] == (
        b"\x00\x30U"
        + b"O"
        + bytes((0, 0, 0, 7))
        + b"B"
        + bytes((0, 0, 0, 100))
        + b"ABC     "
        + (123_400).to_bytes(8, "big")
        + b"3YPNN"
        + b"TW000000000007"
        + b"\x00\x00"
    )
    assert internet_checksum(frame[IP:TCP]) == 0
    pseudo = frame[IP + 12 : IP + 20] + b"\x00\x06" + (len(frame) - TCP).to_bytes(2, "big")
    assert internet_checksum(pseudo + frame[TCP:]) == 0


def test_frames_follow_one_another():
    frames = list(order_frames(SETUP, orders(FIRST, LATER)))
    assert ORDER_BYTES == 50
    assert frames[1][TCP + 4 : TCP + 8] == bytes.fromhex("00000022")
    assert b"LONGNAME" in frames[1]
    assert b"TW004000000000" in frames[1]


@pytest.mark.parametrize(
    ("side", "short", "mark"), [(Side.BUY, 0, b"B"), (Side.SELL, 0, b"S"), (Side.SELL, 1, b"T")]
)
def test_the_mark_of_a_side(side, short, mark):
    (frame,) = order_frames(SETUP, orders(FIRST | {"side": side, "short": short}))
    assert frame[PAYLOAD + 8 : PAYLOAD + 9] == mark


def test_acknowledgments_are_those_given():
    frames = list(order_frames(SETUP, orders(FIRST, LATER), [5, 0x01020399]))
    assert [frame[TCP + 8 : TCP + 12].hex() for frame in frames] == ["00000005", "01020399"]
