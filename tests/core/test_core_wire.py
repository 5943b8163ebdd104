"""A message described once packs, unpacks and explains what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwright.core.wire import (
    Alpha,
    Appendages,
    Int,
    Length,
    Message,
    Number,
    Price,
    Raw,
    Rest,
    UInt,
)


class Head(Message):
    """What both messages below begin with."""

    type = Alpha(1, "Kind.")
    time_ns = UInt(6, "Time.", unit="ns")


class Quote(Head, type="q"):
    """A message of fixed size with a field of every kind."""

    stock = Alpha(8, "Symbol.")
    price = Price(4, "Price.")
    offset = Int(2, "Offset.", unit="ticks")
    number = Number(5, "Number as text.")
    session = Alpha(4, "Right-justified text.", right=True)
    mac = Raw(3, "Bytes.")


class Note(Message, type="n"):
    """A message whose length is on the wire."""

    length = Length(2, "Length.")
    type = Alpha(1, "Kind.")
    text = Rest("Text.")


class Order(Head, type="o"):
    """A message with options."""

    options = Appendages("Options.")


class Cancel(Head, type="c"):
    """A message whose options may be missing."""

    options = Appendages("Options.", optional=True)


QUOTE = Quote(
    time_ns=0x010203040506,
    stock="AAPL",
    price=1_000_000,
    offset=-2,
    number=42,
    session="S1",
    mac=b"\x01\x02\x03",
)
QUOTE_BYTES = b"q\x01\x02\x03\x04\x05\x06AAPL    \x00\x0f\x42\x40\xff\xfe   42  S1\x01\x02\x03"


def test_fields_follow_those_of_the_base():
    assert [(field.name, field.offset, field.size) for field in Quote.fields] == [
        ("type", 0, 1),
        ("time_ns", 1, 6),
        ("stock", 7, 8),
        ("price", 15, 4),
        ("offset", 19, 2),
        ("number", 21, 5),
        ("session", 26, 4),
        ("mac", 30, 3),
    ]
    assert Quote.size == Quote.min_size == 33
    assert Quote.constants == {"type": "q"}
    assert Quote.field("price").unit == "1/10000 $"
    assert Head.size == 7
    assert Head.constants == {}


def test_packs_in_wire_order():
    assert QUOTE.pack() == QUOTE_BYTES


def test_unpacks_from_the_middle_of_a_buffer():
    assert Quote.unpack(b"..." + QUOTE_BYTES + b"...", offset=3) == QUOTE


def test_fields_left_out_are_zero_or_blank():
    quote = Quote()
    assert (quote.type, quote.time_ns, quote.stock, quote.mac) == ("q", 0, "", bytes(3))
    assert quote.pack()[7:15] == b" " * 8


def test_padding_does_not_count():
    assert Quote(stock="AAPL  ", session="  S1") == Quote(stock="AAPL", session="S1")
    assert Quote(stock=" A").stock == " A"


def test_messages_of_two_kinds_differ():
    assert Quote() != Order()
    assert Quote(price=1) != Quote(price=2)
    assert len({Quote(), Quote(), Quote(price=1)}) == 2


def test_replace_makes_another():
    assert QUOTE.replace(price=5).price == 5
    assert QUOTE.price == 1_000_000
    with pytest.raises(AttributeError, match="read-only"):
        QUOTE.price = 5


def test_repr_makes_the_same_message():
    assert eval(repr(QUOTE)) == QUOTE


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"prize": 1}, "Quote: no field 'prize'", id="unknown-name"),
        pytest.param({"price": -1}, "Quote.price: found -1, expected", id="negative"),
        pytest.param({"price": 1 << 32}, "found 4294967296, expected", id="too-wide"),
        pytest.param({"price": 1.0}, "Quote.price: found 1.0", id="float"),
        pytest.param({"price": "1"}, "Quote.price: found '1'", id="text-for-a-number"),
        pytest.param({"offset": 1 << 15}, "Quote.offset: found 32768", id="signed"),
        pytest.param({"number": 100_000}, "at most 5 digits", id="digits"),
        pytest.param({"stock": "AAPLAAPLA"}, "at most 8 ASCII characters", id="long-text"),
        pytest.param({"stock": "ÄAPL"}, "Quote.stock: found 'ÄAPL'", id="not-ascii"),
        pytest.param({"stock": 5}, "Quote.stock: found 5", id="number-for-a-text"),
        pytest.param({"mac": b"\x01"}, "expected 3 bytes", id="short-bytes"),
        pytest.param({"type": "x"}, "Quote.type: found 'x', expected 'q'", id="constant"),
    ],
)
def test_refuses_what_does_not_fit(values, message):
    with pytest.raises(ValueError, match=message):
        Quote(**values)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(
            QUOTE_BYTES[:-1], "found 32 bytes at offset 0, expected at least 33", id="cut"
        ),
        pytest.param(
            b"x" + QUOTE_BYTES[1:], "type at offset 0: found 'x', expected 'q'", id="type"
        ),
        pytest.param(
            QUOTE_BYTES.replace(b"AAPL", b"\xc4APL"), "Quote.stock at offset 7: .*ASCII", id="ascii"
        ),
        pytest.param(
            QUOTE_BYTES.replace(b"   42", b"   4x"), "number at offset 21: .*digits", id="digits"
        ),
        pytest.param(QUOTE_BYTES.replace(b"   42", b"     "), "digits", id="no-digits"),
    ],
)
def test_says_what_is_wrong_and_where(data, message):
    with pytest.raises(ValueError, match=message):
        Quote.unpack(data)


def test_offset_past_the_end_is_refused():
    with pytest.raises(ValueError, match="found 0 bytes at offset 99"):
        Quote.unpack(QUOTE_BYTES, offset=99)


def test_length_is_filled_in_and_delimits():
    assert Note(text=b"abc").pack() == b"\x00\x04nabc"
    assert Note(text=b"abc").length == 4
    assert Note.unpack(b"\x00\x04nabcdef") == Note(text=b"abc")
    assert Note(text=b"abc").replace(text=b"").length == 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x00\x05nabc", id="past-the-end"),
        pytest.param(b"\x00\x00nabc", id="shorter-than-the-head"),
    ],
)
def test_wrong_length_is_refused(data):
    with pytest.raises(ValueError, match=r"Note\.length at offset 0"):
        Note.unpack(data)


def test_given_length_must_be_right():
    assert Note(length=4, text=b"abc").length == 4
    with pytest.raises(ValueError, match=r"Note\.length: found 9, expected 4"):
        Note(length=9, text=b"abc")
    with pytest.raises(ValueError, match=r"Note\.length: found 65536"):
        Note(text=bytes(65_535))


def test_options_have_a_total_length_and_lengths():
    order = Order(options=((2, b"LIME"), (4, b"")))
    assert order.pack()[7:] == b"\x00\x08\x05\x02LIME\x01\x04"
    assert Order.unpack(order.pack() + b"...") == order
    assert Order.size == 7
    assert Order.min_size == 9
    assert Order().pack()[7:] == b"\x00\x00"


def test_missing_options_differ_from_none_of_them():
    assert Cancel().options is None
    assert Cancel().pack()[7:] == b""
    assert Cancel(options=()).pack()[7:] == b"\x00\x00"
    for cancel in (Cancel(), Cancel(options=()), Cancel(options=((28, b"\x05"),))):
        assert Cancel.unpack(cancel.pack()) == cancel


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(b"", id="no-length"),
        pytest.param(b"\x00", id="half-a-length"),
        pytest.param(b"\x00\x04\x05\x02A", id="cut"),
        pytest.param(b"\x00\x03\x02\x02", id="cut-in-a-value"),
        pytest.param(b"\x00\x02\x00\x02", id="element-without-tag"),
        pytest.param(b"\x00\x01\x00", id="element-without-tag-at-the-end"),
        pytest.param(b"\x00\x03\x03\x02A", id="element-past-the-end"),
    ],
)
def test_malformed_options_are_refused(tail):
    with pytest.raises(ValueError, match=r"Order\.options at offset 7: found"):
        Order.unpack(Order().pack()[:7] + tail)


@pytest.mark.parametrize("options", [None, ((256, b""),), ((1, bytes(255)),), ((1, "text"),), 5])
def test_options_that_cannot_be_encoded_are_refused(options):
    with pytest.raises(ValueError, match=r"Order\.options: found"):
        Order(options=options)


def test_description_that_cannot_work_is_refused():
    with pytest.raises(TypeError, match="nothing may follow a tail"):
        type("Bad", (Note,), {"more": UInt(1, "More.")})
    with pytest.raises(TypeError, match="choose another"):
        type("Bad", (Message,), {"size": UInt(1, "Size.")})
    with pytest.raises(ValueError, match="no field 'kind'"):
        type("Bad", (Head,), {}, kind="x")
    with pytest.raises(ValueError, match="at least 1 byte"):
        UInt(0, "Nothing.")


def test_number_for_the_gateware_has_the_first_byte_on_top():
    assert Quote.stock.as_int("A") == int.from_bytes(b"A       ", "big")
    assert Quote.price.as_int(5) == 5


def test_table_lists_every_field():
    assert Note.table().splitlines()[2:] == [
        "| 0 | `length` | 2 | length | bytes | Length. |",
        "| 2 | `type` | 1 | text |  | Kind. Always `n`. |",
        "| 3 | `text` | varies | tail | | Text. |",
    ]


@given(st.binary(min_size=26, max_size=26))
def test_every_run_of_bytes_that_is_a_message_packs_to_itself(data):
    class Plain(Message):
        """Fields without padding."""

        first = UInt(6, "First.")
        price = Price(8, "Price.")
        signed = Int(4, "Signed.")
        raw = Raw(8, "Raw.")

    assert Plain.unpack(data).pack() == data
