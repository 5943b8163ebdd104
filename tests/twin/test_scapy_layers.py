"""scapy's own fields, laid out by our tables, read and build the same bytes as the codec."""

import random

import pytest
from scapy.layers.dns import DNS
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from tickwright.core.wire import Alpha, Number
from tickwright.feed.messages import (
    ITCH_BY_TYPE,
    MOLD_END_OF_SESSION,
    AddOrder,
    MoldUdp64Block,
    MoldUdp64Header,
    OrderDelete,
)
from tickwright.order.messages import (
    OUCH_INBOUND,
    OUCH_OUTBOUND,
    SOUP_FROM_CLIENT,
    SOUP_FROM_SERVER,
    ClientHeartbeat,
    Debug,
    LoginAccepted,
    LoginRequest,
    SequencedData,
    UnsequencedData,
    appendage,
)
from tickwright.twin.scapy_layers import (
    ITCH,
    OUCH_IN,
    OUCH_OUT,
    SOUP,
    Block,
    MoldUDP64,
    Option,
    SoupBinTCP,
    bind,
    field_name,
)

FEED_PORT, ORDER_PORT = 26477, 61234
ENTERED = bytes.fromhex(
    "4f0000007154000000e143564c54202020200000000000099db83059414e4e4838465542384956202020202020"
    "000605024c494d45"
)
ACCEPTED = bytes.fromhex(
    "410000289b4d64af8700753a8d42000000284144424520202020000000000048e7483559000000000f56b4f541"
    "4e4e4c3736383237303120202020202020000905024d4c524f021230"
)
CANCELLED = bytes.fromhex("430000289b4d68131700753a8d0000002855")

EVERY_LAYER = [
    pytest.param(message, layers[kind], id=message.__name__)
    for messages, layers in (
        (ITCH_BY_TYPE, ITCH),
        (OUCH_INBOUND, OUCH_IN),
        (OUCH_OUTBOUND, OUCH_OUT),
    )
    for kind, message in messages.items()
]


@pytest.fixture(autouse=True)
def _bound(monkeypatch):
    for layer in (UDP, TCP):
        monkeypatch.setattr(layer, "payload_guess", list(layer.payload_guess))
    bind(feed_ports=[FEED_PORT], order_ports=[ORDER_PORT])


def rebuilt(packet) -> bytes:
    """Build a packet from its fields, not from the bytes it was read from."""
    fresh = packet.copy()
    stack = [fresh]
    while stack:
        layer = stack.pop()
        layer.raw_packet_cache = None
        for value in layer.fields.values():
            stack += [part for part in (value if isinstance(value, list) else [value])
                      if hasattr(part, "raw_packet_cache")]  # fmt: skip
        if layer.payload:
            stack.append(layer.payload)
    return fresh.build()


def sample(message, rng):
    """Return a random message with some text, some numbers and, where it may, an appendage."""
    values = {}
    for field in message.fields:
        if field.name in message.constants:
            continue
        if isinstance(field, Alpha):
            values[field.name] = "".join(rng.choices("AB9", k=rng.randrange(field.size + 1)))
        else:
            values[field.name] = rng.randrange(1 << 8 * field.size)
    if message.tail is not None and rng.random() < 0.7:
        values["appendages"] = (appendage("firm", "LIME"), appendage("minimum_shares", 7))
    return message(**values)


@pytest.mark.parametrize(("message", "layer"), EVERY_LAYER)
def test_scapy_reads_and_builds_what_the_codec_packs(message, layer):
    rng = random.Random(message.__name__)
    for _ in range(20):
        sent = sample(message, rng)
        wire = sent.pack()
        packet = layer(wire)
        for field in message.fields:
            found = getattr(packet, field_name(field.name))
            expected = getattr(sent, field.name)
            assert (found.decode() if isinstance(field, Alpha) else found) == expected, field.name
        assert rebuilt(packet) == wire

        values = {field_name(field.name): getattr(sent, field.name) for field in message.fields}
        if message.tail is not None:
            values["appendages"] = [
                Option(tag=tag, value=value) for tag, value in sent.appendages or ()
            ]
            if sent.appendages == ():
                values["appendage_length"] = 0
        assert layer(**values).build() == wire


@pytest.mark.parametrize(
    ("layers", "data"),
    [(OUCH_IN, ENTERED), (OUCH_OUT, ACCEPTED), (OUCH_OUT, CANCELLED)],
    ids=["enter", "accepted", "cancelled"],
)
def test_captured_messages_are_built_again(layers, data):
    packet = layers[chr(data[0])](data)
    assert rebuilt(packet) == data


def test_captured_order_reads_as_it_was_sent():
    packet = OUCH_IN["O"](ENTERED)
    assert (packet.user_ref, packet.side, packet.shares) == (0x71, b"T", 225)
    assert (packet.symbol, packet.price) == (b"CVLT", 630_200)
    assert [(option.tag, option.value) for option in packet.appendages] == [(2, b"LIME")]


def test_feed_frame_is_dissected_to_its_messages():
    orders = [
        AddOrder(locate=3, reference=7, side="B", shares=100, stock="AAPL", price=1_000_000),
        OrderDelete(locate=4, reference=9, timestamp_ns=34_200_000_000_000),
    ]
    payload = MoldUdp64Header(session="000010059B", sequence=77, count=2).pack()
    payload += b"".join(MoldUdp64Block(message=order.pack()).pack() for order in orders)
    # The source port is one that scapy gives to DNS.
    frame = Ether(bytes(Ether() / IP() / UDP(sport=53, dport=FEED_PORT) / Raw(payload)))

    assert DNS not in frame
    mold = frame[MoldUDP64]
    assert (mold.session, mold.sequence, mold.count) == (b"000010059B", 77, 2)
    assert [block.length for block in mold.blocks] == [36, 19]
    assert [block.message.name for block in mold.blocks] == ["AddOrder", "OrderDelete"]
    assert frame[ITCH["D"]].timestamp_ns == 34_200_000_000_000
    assert rebuilt(mold) == payload


def test_feed_packet_is_built_with_lengths_and_count():
    delete = OrderDelete(locate=4, reference=9)
    built = MoldUDP64(
        session="S1", sequence=1, blocks=[Block(message=ITCH["D"](locate=4, reference=9))]
    )
    head = MoldUdp64Header(session="S1", sequence=1, count=1)
    assert built.build() == head.pack() + MoldUdp64Block(message=delete.pack()).pack()


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        pytest.param(b"", 0, id="heartbeat"),
        pytest.param(b"\x00\x13" + bytes(5), 0, id="cut-in-a-message"),
        pytest.param(b"\x00", 0, id="cut-in-a-length"),
        pytest.param(b"\x00\x00", 1, id="empty-message"),
        pytest.param(b"\x00\x02??", 1, id="unknown-message"),
    ],
)
def test_odd_packet_keeps_every_byte(payload, kept):
    data = MoldUdp64Header(sequence=5, count=MOLD_END_OF_SESSION).pack() + payload
    packet = MoldUDP64(data)
    assert packet.count == MOLD_END_OF_SESSION
    assert len(packet.blocks) == kept
    assert rebuilt(packet) == data


def test_order_segment_is_dissected_to_its_packets():
    payload = UnsequencedData(payload=ENTERED).pack() + ClientHeartbeat().pack()
    payload += LoginRequest(username="user", password="secret", sequence=4).pack() + b"\x00\x01"
    frame = IP(bytes(IP() / TCP(sport=53, dport=ORDER_PORT, flags="PA") / Raw(payload)))

    packets = frame[SoupBinTCP].packets
    assert [packet.name for packet in packets] == [
        "UnsequencedData",
        "ClientHeartbeat",
        "LoginRequest",
    ]
    assert packets[0].message.name == "EnterOrder"
    assert (packets[2].username, packets[2].sequence) == (b"user", b"4")
    assert frame[Raw].load == b"\x00\x01"
    assert rebuilt(frame[SoupBinTCP]) == payload


def test_reply_segment_is_dissected_by_its_source_port():
    payload = SequencedData(payload=ACCEPTED).pack() + SequencedData(payload=CANCELLED).pack()
    frame = IP(bytes(IP() / TCP(sport=ORDER_PORT, dport=80) / Raw(payload)))
    names = [packet.message.name for packet in frame[SoupBinTCP].packets]
    assert names == ["OrderAccepted", "OrderCancelled"]
    assert rebuilt(frame[SoupBinTCP]) == payload


@pytest.mark.parametrize(
    "packet",
    [
        *(
            pytest.param(kind(), id=kind.__name__)
            for kind in (SOUP_FROM_CLIENT | SOUP_FROM_SERVER).values()
        ),
        LoginAccepted(session="S1", sequence=42),
        Debug(text=b"hello"),
    ],
)
def test_session_packets_are_built_as_the_codec_packs_them(packet):
    layer = SOUP[packet.type]
    wire = packet.pack()
    assert rebuilt(layer(wire)) == wire
    values = {
        field.name: getattr(packet, field.name)
        for field in type(packet).fields
        if field.name not in ("length", "type")
    }
    for name, value in values.items():
        if isinstance(type(packet).field(name), Number):
            values[name] = str(value)
    if isinstance(packet, Debug):
        values["text"] = packet.text
    assert layer(**values).build() == wire
