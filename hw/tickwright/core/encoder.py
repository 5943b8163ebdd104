"""Makes a message for the wire in gateware."""

from typing import Any

from amaranth import *

from tickwright.core.parser import big_endian
from tickwright.core.wire import Field, Length, Message

__all__ = ["message_bits"]


def message_bits(message: type[Message], **values: Any) -> Value:
    """Concatenate a message in wire order; byte i is ``bits[8*i:8*i+8]`` of the result.

    Every field that is neither constant nor a length is given by name: an Amaranth value no wider
    than the field (text: exactly as wide), or a constant as the codec takes it. The tail, if the
    message has one, is a constant; left out, it is that of the shortest message.
    """
    tail = b""
    if message.tail is not None:
        value = values.pop(message.tail.name, message.tail.default)
        tail = message.tail.encode(_checked(message, message.tail.name, value))

    settable = {field.name for field in message.fields
                if field.name not in message.constants and not isinstance(field, Length)}
    for fault, names in (("missing", settable - values.keys()), ("no", values.keys() - settable)):
        if names:
            raise ValueError(f"{message.__name__}: {fault} field {', '.join(sorted(names))}; give "
                             f"{', '.join(sorted(settable))}")

    total = message.size + len(tail)
    parts = []
    for field in message.fields:
        if isinstance(field, Length):
            value = total - field.offset - field.size
        else:
            value = values.get(field.name, message.constants.get(field.name))
        parts.append(_field_bits(message, field, value))
    return Cat(*parts, Const(int.from_bytes(tail, "little"), 8 * len(tail)))


def _checked(message: type[Message], name: str, value: Any) -> Any:
    member = getattr(message, name)
    try:
        return member.check(value)
    except ValueError as error:
        raise ValueError(f"{message.__name__}.{name}: {error}") from None


def _field_bits(message: type[Message], field: Field[Any], value: Any) -> Value:
    width = 8 * field.size
    if isinstance(value, int | str | bytes | bytearray):
        constant = field.encode(_checked(message, field.name, value))
        return Const(int.from_bytes(constant, "little"), width)

    value = Value.cast(value)
    fits = len(value) <= width if field.numeric else len(value) == width
    if not fits or value.shape().signed:
        expected = "at most " if field.numeric else ""
        raise ValueError(f"{message.__name__}.{field.name}: found {value.shape()}, expected "
                         f"{expected}{width} unsigned bits")
    return big_endian(Cat(value, C(0, width - len(value))))
