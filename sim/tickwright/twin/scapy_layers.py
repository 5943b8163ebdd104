"""Scapy layers of the feed and of order entry, made from the same tables as everything else.

The order of the fields, their sizes and their constants come from the tables; how bytes become
values is scapy's own doing, so that the two can be held against each other. scapy is GPL-2.0:
only simulation and tests import this.

    >>> bind(feed_ports=[26477], order_ports=[9000])
    >>> frame = IP(data)                                    # doctest: +SKIP
    >>> [block.message for block in frame[MoldUDP64].blocks]  # doctest: +SKIP
    >>> frame[SoupBinTCP].packets[0].message                # doctest: +SKIP
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, cast

from scapy.fields import (
    BitField,
    ByteField,
    ConditionalField,
    FieldLenField,
    PacketLenField,
    PacketListField,
    StrFixedLenField,
    StrLenField,
)
from scapy.layers.inet import TCP, UDP
from scapy.packet import Packet, Raw

from tickwright.core import wire
from tickwright.core.wire import Message
from tickwright.feed.messages import ITCH_BY_TYPE, MoldUdp64Block, MoldUdp64Header
from tickwright.order.messages import (
    OUCH_INBOUND,
    OUCH_OUTBOUND,
    SOUP_FROM_CLIENT,
    SOUP_FROM_SERVER,
    SequencedData,
    SoupPacket,
    UnsequencedData,
)

__all__ = [
    "ITCH",
    "OUCH_IN",
    "OUCH_OUT",
    "SOUP",
    "Block",
    "MoldUDP64",
    "Option",
    "SoupBinTCP",
    "bind",
    "field_name",
]


class TextField(StrFixedLenField):
    """ASCII text padded with spaces, on the right unless ``right`` justifies it."""

    __slots__: ClassVar[list[str]] = ["right", "size"]

    def __init__(self, name: str, default: bytes, length: int, right: bool = False) -> None:
        super().__init__(name, default, length=length)
        self.right = right
        self.size = length

    def i2m(self, pkt: Packet | None, x: Any) -> bytes:
        """Pad the text."""
        text = x.encode("ascii") if isinstance(x, str) else bytes(x or b"")
        return text.rjust(self.size) if self.right else text.ljust(self.size)

    def m2i(self, pkt: Packet | None, x: bytes) -> bytes:
        """Take the padding off."""
        return x.lstrip(b" ") if self.right else x.rstrip(b" ")


class Element(Packet):
    """Base of what stands in a list or a field: what follows it is not its payload."""

    def extract_padding(self, s: bytes) -> tuple[bytes, bytes]:
        """Leave everything that follows to the layer that holds this one."""
        return b"", s


class Option(Element):
    """An appendage of an OUCH message."""

    name = "Appendage"
    fields_desc: ClassVar[list[Any]] = [
        FieldLenField("length", None, fmt="B", length_of="value", adjust=lambda pkt, x: x + 1),
        ByteField("tag", 0),
        StrLenField("value", b"", length_from=lambda pkt: max(0, pkt.length - 1)),
    ]


def field_name(name: str) -> str:
    """Return what scapy calls a field: its name, or ``name_`` where packets have another use."""
    return f"{name}_" if hasattr(Packet, name) else name


def _field(field: wire.Field[Any], default: Any) -> Any:
    """Return the scapy field for a field of a table."""
    name = field_name(field.name)
    match field:
        case wire.Alpha():
            return TextField(name, default.encode("ascii"), field.size, field.right)
        case wire.Number():
            return TextField(name, str(default).encode("ascii"), field.size, right=True)
        case wire.Raw():
            return StrFixedLenField(name, default, length=field.size)
        case _:
            return BitField(name, default, 8 * field.size)


def _appendages(message: type[Message], tail: wire.Appendages) -> list[Any]:
    """Return the scapy fields for the appendages: their total length, and the list of them."""

    def present(pkt: Packet) -> bool:
        """Whether there is a length: given, or of something, or followed by something received."""
        given = pkt.fields.get("appendage_length") is not None
        return given or bool(pkt.fields.get(tail.name)) or len(pkt.original) > message.size

    length: Any = FieldLenField("appendage_length", None, fmt="!H", length_of=tail.name)
    if tail.optional:
        length = ConditionalField(length, present)
    return [
        length,
        PacketListField(tail.name, [], Option, length_from=lambda pkt: pkt.appendage_length or 0),
    ]


def _layer(message: type[Message], tail: list[Any], **replaced: Any) -> type[Packet]:
    """Return a packet class with the fields of the message; some may be replaced by name."""
    fields = [
        replaced.get(field.name) or _field(field, message.constants.get(field.name, field.default))
        for field in message.fields
    ]
    body = {"name": message.__name__, "fields_desc": fields + tail, "__doc__": message.__doc__}
    return cast(type[Packet], type(Element)(message.__name__, (Element,), body))


def _layers(messages: dict[str, type[Any]]) -> dict[str, type[Packet]]:
    """Return the packet classes of messages, by type."""
    made = {}
    for kind, message in messages.items():
        tail = message.tail
        made[kind] = _layer(
            message, _appendages(message, tail) if isinstance(tail, wire.Appendages) else []
        )
    return made


ITCH: dict[str, type[Packet]] = _layers(ITCH_BY_TYPE)
"""Packet classes of the ITCH messages, by type."""

OUCH_IN: dict[str, type[Packet]] = _layers(OUCH_INBOUND)
"""Packet classes of the OUCH messages to the exchange, by type."""

OUCH_OUT: dict[str, type[Packet]] = _layers(OUCH_OUTBOUND)
"""Packet classes of the OUCH messages from the exchange, by type."""


def _by_type(layers: dict[str, type[Packet]]) -> Callable[[bytes], Packet]:
    """Return what dissects a message by its first byte; bytes it does not know stay raw."""

    def dissect(data: bytes) -> Packet:
        layer = layers.get(data[:1].decode("latin-1"), Raw)
        return layer(data) if data else Raw()

    return dissect


Block = _layer(
    MoldUdp64Block,
    [PacketLenField("message", Raw(), _by_type(ITCH), length_from=lambda pkt: pkt.length)],
    length=FieldLenField("length", None, fmt="!H", length_of="message"),
)
"""A message block of MoldUDP64; ``message`` holds a packet of `ITCH`."""


def _next_block(pkt: Packet, found: list[Any], last: Any, left: bytes) -> type[Packet] | None:
    """Return the class of the next block, if a whole one is there."""
    whole = len(left) >= 2 and len(left) - 2 >= int.from_bytes(left[:2], "big")
    return Block if whole else None


class MoldUDP64(Packet):
    """A downstream packet of MoldUDP64."""

    name = "MoldUDP64"
    fields_desc: ClassVar[list[Any]] = [
        _field(MoldUdp64Header.session, ""),
        _field(MoldUdp64Header.sequence, 0),
        FieldLenField(MoldUdp64Header.count.name, None, fmt="!H", count_of="blocks"),
        PacketListField("blocks", [], next_cls_cb=_next_block),
    ]


def _soup(packet: type[SoupPacket]) -> type[Packet]:
    """Return the packet class of a SoupBinTCP packet."""
    tail: list[Any] = []
    rest = 1 + packet.size - SoupPacket.size  # what the length counts besides the tail
    if packet.tail is not None:
        ouch = {UnsequencedData: OUCH_IN, SequencedData: OUCH_OUT}.get(packet)
        if ouch is None:
            tail = [StrLenField(packet.tail.name, b"", length_from=lambda pkt: pkt.length - rest)]
        else:
            # Not "payload": that is what scapy calls the layer after this one.
            tail = [
                PacketLenField(
                    "message", Raw(), _by_type(ouch), length_from=lambda pkt: pkt.length - rest
                )
            ]
        length = FieldLenField(
            "length", None, fmt="!H", length_of=tail[0].name, adjust=lambda pkt, x: x + rest
        )
    else:
        length = BitField("length", rest, 16)
    return _layer(packet, tail, length=length)


SOUP: dict[str, type[Packet]] = {
    kind: _soup(packet) for kind, packet in (SOUP_FROM_CLIENT | SOUP_FROM_SERVER).items()
}
"""Packet classes of the SoupBinTCP packets, by type; `message` holds one of OUCH."""


def _next_soup(pkt: Packet, found: list[Any], last: Any, left: bytes) -> type[Packet] | None:
    """Return the class of the next packet, if a whole one is there."""
    length = int.from_bytes(left[:2], "big")
    whole = len(left) >= 3 and length >= 1 and len(left) - 2 >= length
    return SOUP.get(chr(left[2])) if whole else None


class SoupBinTCP(Packet):
    """The whole SoupBinTCP packets of a TCP segment; what is left over is raw."""

    name = "SoupBinTCP"
    fields_desc: ClassVar[list[Any]] = [PacketListField("packets", [], next_cls_cb=_next_soup)]


def bind(feed_ports: Iterable[int], order_ports: Iterable[int]) -> None:
    """Let scapy find MoldUDP64 at these UDP ports and SoupBinTCP at these TCP ports.

    They come before any protocol that scapy knows by the other port of the datagram.
    """
    for port in feed_ports:
        UDP.payload_guess.insert(0, ({"dport": port}, MoldUDP64))
    for port in order_ports:
        TCP.payload_guess.insert(0, ({"dport": port}, SoupBinTCP))
        TCP.payload_guess.insert(0, ({"sport": port}, SoupBinTCP))
