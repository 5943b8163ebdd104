"""How a message on the wire is described once.

A message is a class; its fields are class attributes in wire order::

    class Quote(Message, type="q"):
        type  = Alpha(1, "Kind of message.")
        stock = Alpha(8, "Symbol.")
        price = Price(4, "Best price.")

From this table derive the Python codec (here), the gateware's view of a received message
(`tickwright.core.parser`) and of one to be sent (`tickwright.core.encoder`), and the scapy layers
of the twin. All integers are big-endian. Pure Python: a trading host imports it without Amaranth.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Self, TypeVar, overload

__all__ = [
    "Alpha", "Appendages", "Field", "Int", "Length", "Message", "Number", "Price", "Raw", "Rest",
    "Tail", "UInt",
]

PRICE_UNIT = "1/10000 $"

T = TypeVar("T")


class Member(Generic[T]):
    """One named part of a message: a field of fixed size, or its variable tail."""

    name: str = ""
    doc: str
    default: T

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, message: None, owner: type) -> Self: ...
    @overload
    def __get__(self, message: Message, owner: type) -> T: ...
    def __get__(self, message: Message | None, owner: type) -> Self | T:
        if message is None:
            return self
        return message.__dict__[self.name]

    def check(self, value: Any) -> T:
        """Return the value as it is kept; raise ValueError saying what was found and expected."""
        raise NotImplementedError


class Field(Member[T]):
    """A field of fixed size.

    ``size`` and ``offset`` are in bytes; ``offset`` counts from the start of the message.
    """

    kind: ClassVar[str]
    numeric: ClassVar[bool] = False  # a narrower number may be widened with zeros in front

    def __init__(self, size: int, doc: str, unit: str = "") -> None:
        if size < 1:
            raise ValueError(f"a field is at least 1 byte long, not {size}")
        self.size = size
        self.doc = doc
        self.unit = unit
        self.offset = 0

    def encode(self, value: T) -> bytes:
        """Render a checked value as ``size`` bytes."""
        raise NotImplementedError

    def decode(self, data: bytes) -> T:
        """Read the value from ``size`` bytes; raise ValueError if they do not hold one."""
        raise NotImplementedError

    def as_int(self, value: Any) -> int:
        """Return the number that the gateware sees where the field holds ``value``.

        The first byte on the wire is the most significant one, for text as for integers.
        """
        return int.from_bytes(self.encode(self.check(value)), "big")


class UInt(Field[int]):
    """An unsigned big-endian integer."""

    kind = "unsigned"
    numeric = True
    default = 0

    def check(self, value: Any) -> int:
        if not isinstance(value, int) or not 0 <= value < 1 << 8 * self.size:
            raise ValueError(f"found {value!r}, expected an integer from 0 to "
                             f"{(1 << 8 * self.size) - 1}")
        return value

    def encode(self, value: int) -> bytes:
        return value.to_bytes(self.size, "big")

    def decode(self, data: bytes) -> int:
        return int.from_bytes(data, "big")


class Int(Field[int]):
    """A big-endian integer in two's complement."""

    kind = "signed"
    default = 0

    def check(self, value: Any) -> int:
        bound = 1 << 8 * self.size - 1
        if not isinstance(value, int) or not -bound <= value < bound:
            raise ValueError(f"found {value!r}, expected an integer from {-bound} to {bound - 1}")
        return value

    def encode(self, value: int) -> bytes:
        return value.to_bytes(self.size, "big", signed=True)

    def decode(self, data: bytes) -> int:
        return int.from_bytes(data, "big", signed=True)


class Price(UInt):
    """A price as an unsigned big-endian integer, in 1/10000 dollar unless ``unit`` says so."""

    kind = "price"

    def __init__(self, size: int, doc: str, unit: str = PRICE_UNIT) -> None:
        super().__init__(size, doc, unit)


class Length(UInt):
    """The number of bytes of the message that follow this field; filled in when left out."""

    kind = "length"

    def __init__(self, size: int, doc: str, unit: str = "bytes") -> None:
        super().__init__(size, doc, unit)


class Alpha(Field[str]):
    """ASCII text, padded with spaces, which carry no meaning at that end.

    It is left-justified unless ``right`` says otherwise.
    """

    kind = "text"
    default = ""

    def __init__(self, size: int, doc: str, unit: str = "", *, right: bool = False) -> None:
        super().__init__(size, doc, unit)
        self.right = right

    def _trim(self, text: str) -> str:
        return text.lstrip(" ") if self.right else text.rstrip(" ")

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or not value.isascii() or len(value) > self.size:
            raise ValueError(f"found {value!r}, expected at most {self.size} ASCII characters")
        return self._trim(value)

    def encode(self, value: str) -> bytes:
        text = value.encode("ascii")
        return text.rjust(self.size) if self.right else text.ljust(self.size)

    def decode(self, data: bytes) -> str:
        if not data.isascii():
            raise ValueError(f"found bytes {data.hex(' ')}, expected ASCII text")
        return self._trim(data.decode("ascii"))


class Number(Field[int]):
    """A decimal number in ASCII digits, right-justified and padded with spaces."""

    kind = "digits"
    default = 0

    def check(self, value: Any) -> int:
        if not isinstance(value, int) or not 0 <= value < 10**self.size:
            raise ValueError(f"found {value!r}, expected an integer of at most {self.size} digits")
        return value

    def encode(self, value: int) -> bytes:
        return str(value).encode("ascii").rjust(self.size)

    def decode(self, data: bytes) -> int:
        digits = data.strip(b" ")
        if not digits.isdigit():
            raise ValueError(f"found {data!r}, expected ASCII digits padded with spaces")
        return int(digits)


class Raw(Field[bytes]):
    """Bytes without a meaning of their own here."""

    kind = "bytes"

    def __init__(self, size: int, doc: str, unit: str = "") -> None:
        super().__init__(size, doc, unit)
        self.default = bytes(size)

    def check(self, value: Any) -> bytes:
        if not isinstance(value, bytes | bytearray) or len(value) != self.size:
            raise ValueError(f"found {value!r}, expected {self.size} bytes")
        return bytes(value)

    def encode(self, value: bytes) -> bytes:
        return value

    def decode(self, data: bytes) -> bytes:
        return bytes(data)


class Tail(Member[T]):
    """What follows the fixed part of a message; its length varies."""

    def __init__(self, doc: str) -> None:
        self.doc = doc

    def encode(self, value: T) -> bytes:
        """Render a checked value."""
        raise NotImplementedError

    def decode(self, data: bytes) -> T:
        """Read the value from everything that follows the fixed part."""
        raise NotImplementedError


class Rest(Tail[bytes]):
    """Bytes up to the end of the message."""

    default = b""

    def check(self, value: Any) -> bytes:
        if not isinstance(value, bytes | bytearray):
            raise ValueError(f"found {value!r}, expected bytes")
        return bytes(value)

    def encode(self, value: bytes) -> bytes:
        return value

    def decode(self, data: bytes) -> bytes:
        return bytes(data)


class Appendages(Tail["tuple[tuple[int, bytes], ...] | None"]):
    """Tagged optional values: a 2-byte total length, then (length 1, tag 1, value) elements.

    An element's length counts its tag and its value. The Python value is a tuple of
    ``(tag, value)``. Where the tail is ``optional`` it may be missing altogether, which is None:
    different bytes from a total length of zero, which is an empty tuple. A message made without
    appendages has the length where it is required, and nothing where it is optional, unless
    ``default`` says otherwise.
    """

    LENGTH_BYTES = 2

    def __init__(self, doc: str, *, optional: bool = False,
                 default: tuple[()] | None = None) -> None:
        super().__init__(doc)
        self.optional = optional
        self.default = default if optional else ()

    def check(self, value: Any) -> tuple[tuple[int, bytes], ...] | None:
        if value is None:
            if not self.optional:
                raise ValueError("found None, expected (tag, bytes) pairs")
            return None
        if not isinstance(value, tuple | list):
            raise ValueError(f"found {value!r}, expected (tag, bytes) pairs")
        checked = []
        for element in value:
            match element:
                case (int() as tag, bytes() as data) if 0 <= tag < 256 and len(data) < 255:
                    checked.append((tag, data))
                case _:
                    raise ValueError(
                        f"found {element!r}, expected a tag from 0 to 255 and at most 254 bytes"
                    )
        if sum(2 + len(data) for _, data in checked) > 0xFFFF:
            raise ValueError("found more than 65535 bytes, expected a length that fits 2 bytes")
        return tuple(checked)

    def encode(self, value: tuple[tuple[int, bytes], ...] | None) -> bytes:
        if value is None:
            return b""
        elements = b"".join(bytes((1 + len(data), tag)) + data for tag, data in value)
        return len(elements).to_bytes(self.LENGTH_BYTES, "big") + elements

    def decode(self, data: bytes) -> tuple[tuple[int, bytes], ...] | None:
        if not data and self.optional:
            return None
        total, elements = int.from_bytes(data[:2], "big"), data[2:]
        if len(data) < self.LENGTH_BYTES or len(elements) < total:
            raise ValueError(f"found {len(data)} bytes, expected a 2-byte length and as many bytes "
                             f"as it says")
        value, at = [], 0
        while at < total:
            length = elements[at]
            if length < 1 or at + 1 + length > total:
                raise ValueError(f"found an element of {length} bytes with {total - at - 1} left, "
                                 f"expected a tag and a value that fit")
            value.append((elements[at + 1], bytes(elements[at + 2 : at + 1 + length])))
            at += 1 + length
        return tuple(value)


class Message:
    """A message, described by the fields its class declares.

    Subclasses append their fields to those of their base; class keywords fix fields to a constant.
    Instances take keywords only, are checked as they are made, and do not change: `replace` makes
    another. `size` is the fixed part in bytes, `min_size` the shortest whole message.
    """

    fields: ClassVar[tuple[Field[Any], ...]] = ()
    tail: ClassVar[Tail[Any] | None] = None
    constants: ClassVar[dict[str, Any]] = {}
    size: ClassVar[int] = 0
    min_size: ClassVar[int] = 0

    def __init_subclass__(cls, **constants: Any) -> None:
        super().__init_subclass__()
        own = [member for member in vars(cls).values() if isinstance(member, Member)]
        for member in own:
            if hasattr(Message, member.name):
                raise TypeError(f"{cls.__name__}.{member.name}: every message has an attribute of "
                                f"that name; choose another")
            if cls.tail is not None:
                raise TypeError(f"{cls.__name__}.{member.name}: nothing may follow a tail")
            match member:
                case Field():
                    member.offset = cls.size
                    cls.fields += (member,)
                    cls.size += member.size
                case Tail():
                    cls.tail = member
        cls.constants = dict(cls.constants)
        for name, value in constants.items():
            cls.constants[name] = cls._checked(cls.field(name), value)
        cls.min_size = cls.size
        if cls.tail is not None:
            cls.min_size += len(cls.tail.encode(cls.tail.default))

    @classmethod
    def field(cls, name: str) -> Field[Any]:
        """Return the field of this name."""
        for field in cls.fields:
            if field.name == name:
                return field
        known = ", ".join(field.name for field in cls.fields)
        raise ValueError(f"{cls.__name__}: no field {name!r}; it has {known}")

    @classmethod
    def _members(cls) -> tuple[Member[Any], ...]:
        return cls.fields if cls.tail is None else (*cls.fields, cls.tail)

    @classmethod
    def _checked(cls, member: Member[Any], value: Any) -> Any:
        try:
            return member.check(value)
        except ValueError as error:
            raise ValueError(f"{cls.__name__}.{member.name}: {error}") from None

    def __init__(self, **values: Any) -> None:
        cls = type(self)
        state = self.__dict__
        for member in cls._members():
            name = member.name
            if name in values:
                value = state[name] = cls._checked(member, values.pop(name))
                if name in cls.constants and value != cls.constants[name]:
                    raise ValueError(
                        f"{cls.__name__}.{name}: found {value!r}, expected {cls.constants[name]!r}"
                    )
            elif not isinstance(member, Length):
                state[name] = cls.constants.get(name, member.default)
        if values:
            raise ValueError(f"{cls.__name__}: no field {next(iter(values))!r}; it has "
                             f"{', '.join(member.name for member in cls._members())}")
        self._settle_lengths()

    def _settle_lengths(self) -> None:
        """Fill in the length fields left out, and check those that were given."""
        cls = type(self)
        for field in cls.fields:
            if isinstance(field, Length):
                total = cls.size if cls.tail is None else cls.size + len(self._encoded_tail())
                actual = cls._checked(field, total - field.offset - field.size)
                found = self.__dict__.setdefault(field.name, actual)
                if found != actual:
                    raise ValueError(
                        f"{cls.__name__}.{field.name}: found {found}, expected {actual}"
                    )

    def _encoded_tail(self) -> bytes:
        tail = type(self).tail
        return b"" if tail is None else tail.encode(self.__dict__[tail.name])

    def pack(self) -> bytes:
        """Render the message as bytes, in wire order."""
        state = self.__dict__
        parts = [field.encode(state[field.name]) for field in self.fields]
        parts.append(self._encoded_tail())
        return b"".join(parts)

    @classmethod
    def unpack(cls, data: bytes, offset: int = 0) -> Self:
        """Read a message that starts at byte ``offset`` of ``data``.

        What follows a message of known length is left alone. Raises ValueError naming the field,
        its place, what was found and what was expected.
        """
        if len(data) - offset < cls.size:
            raise ValueError(f"{cls.__name__}: found {max(0, len(data) - offset)} bytes at offset "
                             f"{offset}, expected at least {cls.size}")
        message = cls.__new__(cls)
        state = message.__dict__
        end = len(data)
        for field in cls.fields:
            at = offset + field.offset
            try:
                value = field.decode(data[at : at + field.size])
            except ValueError as error:
                raise ValueError(f"{cls.__name__}.{field.name} at offset {at}: {error}") from None
            if field.name in cls.constants and value != cls.constants[field.name]:
                raise ValueError(f"{cls.__name__}.{field.name} at offset {at}: found {value!r}, "
                                 f"expected {cls.constants[field.name]!r}")
            if isinstance(field, Length):
                end = at + field.size + value
                if end > len(data) or end < offset + cls.size:
                    raise ValueError(f"{cls.__name__}.{field.name} at offset {at}: found {value}, "
                                     f"with {len(data) - at - field.size} bytes following and "
                                     f"{cls.size - field.offset - field.size} needed")
            state[field.name] = value
        if cls.tail is not None:
            at = offset + cls.size
            try:
                state[cls.tail.name] = cls.tail.decode(data[at:end])
            except ValueError as error:
                raise ValueError(
                    f"{cls.__name__}.{cls.tail.name} at offset {at}: {error}"
                ) from None
        message._settle_lengths()
        return message

    def replace(self, **values: Any) -> Self:
        """Return a copy with some fields changed."""
        kept = {member.name: self.__dict__[member.name] for member in self._members()
                if not isinstance(member, Length)}
        return type(self)(**kept | values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} is read-only; use replace({name}=...)")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{member.name}={self.__dict__[member.name]!r}" for member in self._members()
            if member.name not in self.constants and not isinstance(member, Length)
        )
        return f"{type(self).__name__}({shown})"

    @classmethod
    def table(cls) -> str:
        """Render the message as the Markdown table printed in the manual."""
        rows = ["| offset | field | bytes | kind | unit | meaning |",
                "|-------:|-------|------:|------|------|---------|"]
        for field in cls.fields:
            constant = cls.constants.get(field.name)
            always = "" if constant is None else f" Always `{constant}`."
            rows.append(f"| {field.offset} | `{field.name}` | {field.size} | {field.kind} "
                        f"| {field.unit} | {field.doc}{always} |")
        if cls.tail is not None:
            rows.append(f"| {cls.size} | `{cls.tail.name}` | varies | tail | | {cls.tail.doc} |")
        return "\n".join(rows)
