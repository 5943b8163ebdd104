"""What the gateware reads and makes is what the codec reads and makes."""

import random
from functools import reduce

import pytest
from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.encoder import message_bits
from tickwright.core.parser import big_endian, fields, layout
from tickwright.core.wire import Length, Message
from tickwright.feed.messages import ITCH_BY_TYPE, AddOrder, MoldUdp64Header, OrderReplace
from tickwright.net.headers import Ethernet, Ipv4, Tcp, Udp, VlanTag
from tickwright.order.messages import (
    OUCH_INBOUND,
    OUCH_OUTBOUND,
    SOUP_FROM_CLIENT,
    CancelOrder,
    EnterOrder,
    OrderAccepted,
    UnsequencedData,
    appendage,
)

EVERY_MESSAGE = [
    Ethernet, VlanTag, Ipv4, Udp, Tcp, MoldUdp64Header, *ITCH_BY_TYPE.values(),
    *OUCH_INBOUND.values(), *OUCH_OUTBOUND.values(), *SOUP_FROM_CLIENT.values(),
]  # fmt: skip


class Parser(wiring.Component):
    """Shows every field of a message that starts somewhere in a vector of bytes."""

    def __init__(self, message: type[Message], at: int, total: int):
        self.message, self.at = message, at
        super().__init__(
            {"bits": In(8 * total)}
            | {f"{field.name}_out": Out(8 * field.size) for field in message.fields}
        )

    def elaborate(self, platform):
        m = Module()
        m.d.sync += Signal().eq(1)  # the bench needs a clock
        for name, value in vars(fields(self.message, self.bits, self.at)).items():
            m.d.comb += getattr(self, f"{name}_out").eq(value)
        return m


class Encoder(wiring.Component):
    """Makes a message of its inputs."""

    def __init__(self, message: type[Message]):
        self.message = message
        self.names = [
            field.name
            for field in message.fields
            if field.name not in message.constants and not isinstance(field, Length)
        ]
        super().__init__(
            {f"{name}_in": In(8 * message.field(name).size) for name in self.names}
            | {"bits": Out(8 * message.min_size)}
        )

    def elaborate(self, platform):
        m = Module()
        m.d.sync += Signal().eq(1)  # the bench needs a clock
        values = {name: getattr(self, f"{name}_in") for name in self.names}
        m.d.comb += self.bits.eq(message_bits(self.message, **values))
        return m


@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda message: message.__name__)
def test_fields_are_those_of_the_codec(simulate, message):
    rng = random.Random(message.__name__)
    at, total = 3, 3 + message.size + 2
    dut = Parser(message, at, total)

    async def wire(ctx):
        for _ in range(5):
            sent = bytes(rng.randrange(128) for _ in range(total))
            ctx.set(dut.bits, int.from_bytes(sent, "little"))
            await ctx.delay(0)
            for field in message.fields:
                place = sent[at + field.offset :][: field.size]
                found = ctx.get(getattr(dut, f"{field.name}_out"))
                assert found == int.from_bytes(place, "big"), field.name
                if field.numeric:
                    assert found == field.decode(place)

    simulate(dut, wire)


def test_text_compares_with_the_number_of_the_codec(simulate):
    order = AddOrder(side="B", stock="AAPL", price=1_000_000)
    dut = Parser(AddOrder, 0, AddOrder.size)

    async def wire(ctx):
        ctx.set(dut.bits, int.from_bytes(order.pack(), "little"))
        await ctx.delay(0)
        assert ctx.get(dut.side_out) == AddOrder.side.as_int("B") == ord("B")
        assert ctx.get(dut.stock_out) == AddOrder.stock.as_int("AAPL")
        assert ctx.get(dut.price_out) == 1_000_000

    simulate(dut, wire)


@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda message: message.__name__)
def test_message_made_is_that_of_the_codec(simulate, message):
    rng = random.Random(message.__name__)
    dut = Encoder(message)

    async def order(ctx):
        for _ in range(5):
            values = {}
            for name in dut.names:
                field = message.field(name)
                drawn = bytes(rng.choice(b"0123456789") for _ in range(field.size))
                values[name] = field.decode(drawn)
                ctx.set(getattr(dut, f"{name}_in"), int.from_bytes(drawn, "big"))
            await ctx.delay(0)
            made = ctx.get(dut.bits).to_bytes(message.min_size, "little")
            assert made == message(**values).pack()

    simulate(dut, order)


def constant(value: Value) -> bytes:
    """Return the bytes of an expression of constants."""
    bits = Const.cast(value)
    return bits.value.to_bytes(len(bits) // 8, "little")


def test_constants_are_encoded_as_the_codec_does():
    values = {
        "user_ref": 5, "side": "B", "shares": 100, "symbol": "AAPL", "price": 1_000_000,
        "time_in_force": "3", "display": "Y", "capacity": "P", "intermarket_sweep": "N",
        "cross_type": "N", "client_order_id": "T1", "appendages": (appendage("firm", "LIME"),),
    }  # fmt: skip
    assert constant(message_bits(EnterOrder, **values)) == EnterOrder(**values).pack()
    del values["appendages"]
    assert constant(message_bits(EnterOrder, **values)) == EnterOrder(**values).pack()
    assert len(message_bits(EnterOrder, **values)) == 8 * 47


def test_length_covers_what_the_packet_carries():
    made = constant(message_bits(UnsequencedData, payload=bytes(47)))
    assert made == UnsequencedData(payload=bytes(47)).pack()


def test_narrow_number_is_widened():
    made = message_bits(CancelOrder, user_ref=C(0x1234, 13), shares=0)
    assert constant(made) == CancelOrder(user_ref=0x1234, shares=0).pack()


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        pytest.param({"shares": 1}, "CancelOrder: missing field user_ref", id="missing"),
        pytest.param({"user_ref": 1, "shares": 1, "sahres": 1}, "no field sahres", id="unknown"),
        pytest.param({"type": "X", "user_ref": 1, "shares": 1}, "no field type", id="constant"),
        pytest.param({"user_ref": 1 << 32, "shares": 1}, "user_ref: found 4294967296", id="range"),
        pytest.param({"user_ref": C(0, 33), "shares": 1}, "at most 32 unsigned bits", id="wide"),
        pytest.param({"user_ref": C(-1, 5), "shares": 1}, "found signed.5.", id="signed"),
    ],
)
def test_encoder_refuses_what_the_message_does_not_have(values, fault):
    with pytest.raises(ValueError, match=fault):
        message_bits(CancelOrder, **values)


def test_text_is_never_widened():
    blank = {field.name: field.default for field in OrderAccepted.fields[1:]}
    with pytest.raises(ValueError, match=r"OrderAccepted\.symbol: .* expected 64 unsigned bits"):
        message_bits(OrderAccepted, **(blank | {"symbol": C(0, 8)}))


def test_fields_past_the_end_are_refused():
    with pytest.raises(ValueError, match=r"OrderReplace at byte 1: found 280 bits, .* 288"):
        fields(OrderReplace, Signal(8 * OrderReplace.size), at=1)


def test_layout_is_in_wire_order():
    shape = layout(MoldUdp64Header)
    assert isinstance(shape, data.StructLayout)
    assert {name: (field.offset, field.width) for name, field in shape} == {
        "session": (0, 80),
        "sequence": (80, 64),
        "count": (144, 16),
    }
    assert shape.size == 8 * MoldUdp64Header.size


def test_big_endian_reverses_bytes():
    assert constant(big_endian(C(0x010203, 24))) == bytes([1, 2, 3])
    twice = reduce(lambda value, _: big_endian(value), range(2), C(0x0102030405, 40))
    assert Const.cast(twice).value == 0x0102030405
    with pytest.raises(ValueError, match="found 12 bits, expected whole bytes"):
        big_endian(C(0, 12))
