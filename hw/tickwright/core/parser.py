"""Reads a message on the wire in gateware."""

from types import SimpleNamespace

from amaranth import *
from amaranth.hdl import ValueLike
from amaranth.lib import data

from tickwright.core.wire import Message

__all__ = ["big_endian", "fields", "layout"]


def big_endian(value: ValueLike) -> Value:
    """Reverse the bytes of a value, whose width is a multiple of 8 bits.

    The first byte on the wire is the least significant one of a bit vector; as part of an integer
    it is the most significant one. The same swap goes either way.
    """
    value = Value.cast(value)
    if len(value) % 8:
        raise ValueError(f"found {len(value)} bits, expected whole bytes")
    return Cat(*(value[at : at + 8] for at in reversed(range(0, len(value), 8))))


def layout(message: type[Message]) -> data.StructLayout:
    """Return the fixed part of the message as a layout, in wire order.

    Its fields are bytes as they lie on the wire: pass them through `big_endian` for their value.
    """
    return data.StructLayout({field.name: unsigned(8 * field.size) for field in message.fields})


def fields(message: type[Message], bits: ValueLike, at: int = 0) -> SimpleNamespace:
    """Return the fields of a message that starts at byte ``at`` of ``bits``.

    Byte i of the message is ``bits[8*(at+i):8*(at+i)+8]``. Each attribute of the result is an
    unsigned value of a field, its first byte on the wire the most significant; compare text with
    ``field.as_int("...")``.
    """
    bits = Value.cast(bits)
    if at < 0 or len(bits) < 8 * (at + message.size):
        raise ValueError(f"{message.__name__} at byte {at}: found {len(bits)} bits, expected at "
                         f"least {8 * (at + message.size)}")
    return SimpleNamespace(**{
        field.name: big_endian(bits[8 * (at + field.offset) :][: 8 * field.size])
        for field in message.fields
    })
