"""The tables of the feed agree with the published sizes and with recorded messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwright.core.wire import Alpha
from tickwright.feed.messages import (
    ITCH_BY_TYPE,
    ITCH_SIZES,
    AddOrder,
    MoldUdp64Block,
    MoldUdp64Header,
    MoldUdp64Request,
    OrderExecutedPrice,
    OrderReplace,
)

# Nasdaq TotalView-ITCH 5.0, the length of each message, typed in here a second time on purpose.
SIZES = {
    "S": 12, "R": 39, "H": 25, "Y": 20, "L": 26, "V": 35, "W": 12, "K": 28, "J": 35, "h": 21,
    "A": 36, "F": 40, "E": 31, "C": 36, "X": 23, "D": 19, "U": 35, "P": 44, "Q": 40, "B": 19,
    "I": 50, "N": 20, "O": 48,
}  # fmt: skip

# Offsets the gateware and the model rely on most, from the same document.
OFFSETS = {
    ("A", "reference"): 11, ("A", "side"): 19, ("A", "shares"): 20, ("A", "stock"): 24,
    ("A", "price"): 32, ("F", "price"): 32, ("F", "attribution"): 36,
    ("E", "reference"): 11, ("E", "shares"): 19, ("E", "match"): 23,
    ("C", "shares"): 19, ("C", "printable"): 31, ("C", "price"): 32,
    ("X", "reference"): 11, ("X", "shares"): 19, ("D", "reference"): 11,
    ("U", "reference"): 11, ("U", "new_reference"): 19, ("U", "shares"): 27, ("U", "price"): 31,
    ("P", "side"): 19, ("P", "shares"): 20, ("P", "stock"): 24, ("P", "price"): 32,
    ("P", "match"): 36, ("Q", "shares"): 11, ("Q", "stock"): 19, ("Q", "price"): 27,
    ("Q", "match"): 31, ("Q", "cross_type"): 39,
    ("R", "stock"): 11, ("R", "market_category"): 19, ("R", "financial_status"): 20,
    ("R", "round_lot"): 21, ("H", "stock"): 11, ("H", "state"): 19, ("H", "reserved"): 20,
    ("H", "reason"): 21,
}  # fmt: skip


def test_sizes_are_those_published():
    assert ITCH_SIZES == SIZES


@pytest.mark.parametrize(("kind", "name"), OFFSETS)
def test_fields_are_where_they_were_published(kind, name):
    assert ITCH_BY_TYPE[kind].field(name).offset == OFFSETS[kind, name]


@pytest.mark.parametrize("kind", SIZES)
def test_every_message_begins_alike(kind):
    message = ITCH_BY_TYPE[kind]
    head = [(field.name, field.offset, field.size) for field in message.fields[:4]]
    assert head == [("type", 0, 1), ("locate", 1, 2), ("tracking", 3, 2), ("timestamp_ns", 5, 6)]
    assert message().pack()[:1] == kind.encode("ascii")


@pytest.mark.parametrize("message", ITCH_BY_TYPE.values(), ids=lambda message: message.__name__)
@given(data=st.data())
def test_every_message_returns_from_the_wire(message, data):
    values = data.draw(st.fixed_dictionaries({
        field.name: st.text("AZaz09. ", max_size=field.size) if isinstance(field, Alpha)
        else st.integers(0, (1 << 8 * field.size) - 1)
        for field in message.fields if field.name not in message.constants
    }))  # fmt: skip
    sent = message(**values)
    wire = sent.pack()
    assert len(wire) == message.size
    assert message.unpack(wire) == sent
    for field in message.fields:
        if isinstance(field, Alpha):
            text = wire[field.offset :][: field.size].decode("ascii")
            assert text == values.get(field.name, message.constants.get(field.name)).ljust(
                field.size
            )


def test_recorded_messages_pack_to_themselves(shared_data):
    data = (shared_data / "nasdaq-20191230-093000.itch50").read_bytes()
    at, seen = 0, 0
    while at < len(data):
        block = MoldUdp64Block.unpack(data, at)
        message = ITCH_BY_TYPE[chr(block.message[0])]
        assert len(block.message) == message.size
        assert message.unpack(block.message).pack() == block.message
        at += 2 + block.length
        seen += 1
    assert at == len(data)
    assert seen == 1000


def test_message_of_another_kind_is_refused():
    with pytest.raises(ValueError, match=r"AddOrder\.type at offset 0: found 'F', expected 'A'"):
        AddOrder.unpack(ITCH_BY_TYPE["F"]().pack())


def test_values_are_at_the_bytes_they_should_be():
    replace = OrderReplace(
        locate=0x0102, reference=0x0A, new_reference=0x0B, shares=0x0C, price=0x0D
    )
    zeros = "0000" + "00" * 6  # tracking and time
    assert replace.pack().hex() == (
        "55" + "0102" + zeros + "000000000000000a" + "000000000000000b" + "0000000c" + "0000000d"
    )
    executed = OrderExecutedPrice(reference=1, shares=2, match=3, printable="N", price=4)
    assert executed.pack().hex() == (
        "43" + "0000" + zeros + "0000000000000001" + "00000002" + "0000000000000003" + "4e00000004"
    )


def test_packet_of_two_messages():
    head = MoldUdp64Header(session="000010059B", sequence=7, count=2)
    packet = head.pack() + MoldUdp64Block(message=b"ab").pack() + MoldUdp64Block().pack()
    assert packet == b"000010059B" + bytes([0] * 7 + [7, 0, 2, 0, 2]) + b"ab" + b"\0\0"
    assert MoldUdp64Header.unpack(packet) == head
    assert MoldUdp64Block.unpack(packet, offset=20).message == b"ab"
    assert MoldUdp64Header.size == MoldUdp64Request.size == 20
