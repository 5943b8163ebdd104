"""The tables of order entry agree with the published sizes and with captured messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwright.core.wire import Alpha, Appendages, Number
from tickwright.order.messages import (
    OUCH_APPENDAGES,
    OUCH_INBOUND,
    OUCH_OUTBOUND,
    SOUP_FROM_CLIENT,
    SOUP_FROM_SERVER,
    CancelOrder,
    EnterOrder,
    LoginAccepted,
    LoginRequest,
    OrderAccepted,
    OrderCancelled,
    OrderExecuted,
    SequencedData,
    UnsequencedData,
    appendage,
    appendage_values,
)

# O*U*C*H 5.0: bytes before the length of the appendages, typed in here a second time on purpose.
INBOUND = {"O": 45, "U": 38, "X": 9, "M": 10, "C": 17, "D": 9, "E": 9, "Q": 1}
OUTBOUND = {
    "S": 10, "A": 62, "U": 66, "C": 18, "D": 32, "E": 34, "B": 36, "J": 29, "P": 13, "I": 13,
    "T": 30, "M": 18, "R": 14, "X": 25, "G": 17, "K": 17, "Q": 13,
}  # fmt: skip

# Length field, type and payload: SoupBinTCP 4.00.
SOUP = {"L": 49, "U": 3, "R": 3, "O": 3, "A": 33, "J": 4, "S": 3, "H": 3, "Z": 3, "+": 3}

EVERY_MESSAGE = [
    *OUCH_INBOUND.values(), *OUCH_OUTBOUND.values(),
    *(SOUP_FROM_CLIENT | SOUP_FROM_SERVER).values(),
]  # fmt: skip

ENTERED = bytes.fromhex(
    "4f0000007154000000e143564c54202020200000000000099db83059414e4e4838465542384956202020202020"
    "000605024c494d45"
)
ACCEPTED = bytes.fromhex(
    "410000289b4d64af8700753a8d42000000284144424520202020000000000048e7483559000000000f56b4f541"
    "4e4e4c3736383237303120202020202020000905024d4c524f021230"
)
CANCELLED = bytes.fromhex("430000289b4d68131700753a8d0000002855")
CANCEL = bytes.fromhex("5800752e7100000000")


def test_sizes_are_those_published():
    assert {kind: message.size for kind, message in OUCH_INBOUND.items()} == INBOUND
    assert {kind: message.size for kind, message in OUCH_OUTBOUND.items()} == OUTBOUND
    packets = SOUP_FROM_CLIENT | SOUP_FROM_SERVER
    assert {kind: packet.size for kind, packet in packets.items()} == SOUP


def test_captured_enter_order():
    order = EnterOrder.unpack(ENTERED)
    assert order == EnterOrder(
        user_ref=0x71, side="T", shares=225, symbol="CVLT", price=630_200, time_in_force="0",
        display="Y", capacity="A", intermarket_sweep="N", cross_type="N",
        client_order_id="H8FUB8IV", appendages=(appendage("firm", "LIME"),),
    )  # fmt: skip
    assert order.pack() == ENTERED


def test_captured_acceptance():
    accepted = OrderAccepted.unpack(ACCEPTED)
    assert (accepted.timestamp_ns, accepted.user_ref) == (0x289B4D64AF87, 0x753A8D)
    assert (accepted.side, accepted.shares, accepted.symbol) == ("B", 40, "ADBE")
    assert (accepted.price, accepted.reference, accepted.state) == (4_777_800, 0xF56B4F5, "L")
    assert appendage_values(accepted.appendages) == {"firm": "MLRO", "bbo_weight": "0"}
    assert accepted.pack() == ACCEPTED


def test_captured_cancels_have_no_appendage_length():
    cancelled = OrderCancelled.unpack(CANCELLED)
    assert cancelled == OrderCancelled(
        timestamp_ns=0x289B4D681317, user_ref=0x753A8D, shares=40, reason="U"
    )
    assert cancelled.pack() == CANCELLED
    assert CancelOrder.unpack(CANCEL) == CancelOrder(user_ref=0x752E71, shares=0)
    assert CancelOrder.unpack(CANCEL).pack() == CANCEL


def test_execution_is_read_with_and_without_appendage_length():
    executed = OrderExecuted(user_ref=1, shares=2, price=3, liquidity="R", match=4)
    assert len(executed.pack()) == 36
    short = OrderExecuted.unpack(executed.pack()[:34])
    assert short.appendages is None
    assert short.replace(appendages=()) == executed


@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda message: message.__name__)
@given(data=st.data())
def test_every_message_returns_from_the_wire(message, data):
    sent = message(**data.draw(values_of(message)))
    wire = sent.pack()
    assert len(wire) >= message.min_size
    assert message.unpack(wire) == sent
    assert message.unpack(wire).pack() == wire


def values_of(message):
    """Return a strategy for the values of a message, its tail included."""
    made = {}
    for field in message.fields:
        if isinstance(field, Alpha):
            made[field.name] = st.text("AZaz09", max_size=field.size)
        elif isinstance(field, Number):
            made[field.name] = st.integers(0, 10**field.size - 1)
        else:
            made[field.name] = st.integers(0, (1 << 8 * field.size) - 1)
    for name in (*message.constants, "length"):
        made.pop(name, None)
    if isinstance(message.tail, Appendages):
        options = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=254)), max_size=4)
        made[message.tail.name] = options.map(tuple)
    elif message.tail is not None:
        made[message.tail.name] = st.binary(max_size=100)
    return st.fixed_dictionaries(made)


def test_login_is_padded_as_specified():
    login = LoginRequest(username="user", password="secret", sequence=1)
    assert login.pack() == b"\x00\x2fLuser  secret    " + b" " * 10 + b" " * 19 + b"1"
    accepted = LoginAccepted(session="S1", sequence=42)
    assert accepted.pack() == b"\x00\x1fA" + b" " * 8 + b"S1" + b" " * 18 + b"42"


def test_data_packets_carry_a_message():
    packet = UnsequencedData(payload=CANCEL)
    assert packet.pack() == b"\x00\x0aU" + CANCEL
    assert SequencedData.unpack(b"\x00\x13S" + CANCELLED + b"more").payload == CANCELLED


@pytest.mark.parametrize("name", OUCH_APPENDAGES)
def test_every_appendage_returns_from_the_wire(name):
    tag, field = OUCH_APPENDAGES[name]
    value = {"text": "N", "signed": -5}.get(field.kind, 5)
    coded = appendage(name, value)
    assert coded[0] == tag
    assert len(coded[1]) == field.size
    assert appendage_values((coded,)) == {name: value}


def test_tags_are_those_published():
    tags = {tag: field.size for tag, field in OUCH_APPENDAGES.values()}
    assert tags == {
        1: 8, 2: 4, 3: 4, 4: 1, 5: 4, 6: 1, 7: 4, 9: 8, 10: 1, 11: 4, 12: 1, 13: 4, 14: 4, 15: 4,
        16: 1, 17: 1, 18: 1, 22: 4, 23: 8, 24: 2, 25: 1, 26: 4, 27: 1, 28: 1, 29: 1, 30: 2,
    }  # fmt: skip


def test_unknown_appendage_is_passed_over_and_a_wrong_size_is_not():
    assert appendage_values(((99, b"?"),)) == {}
    assert appendage_values(None) == {}
    with pytest.raises(ValueError, match="appendage firm: found 3 bytes, expected 4"):
        appendage_values(((2, b"ABC"),))
    with pytest.raises(ValueError, match="no appendage 'furm'"):
        appendage("furm", "LIME")
    with pytest.raises(ValueError, match="appendage firm: found 'LIMES'"):
        appendage("firm", "LIMES")
