"""What host and bridge say to each other over a serial line of 8 data bits, no parity, 1 stop bit.

A host sends requests, one behind the other if it likes; the bridge answers those it carries out, in
their order. Integers are big-endian. Every message ends with the CRC-16/IBM-3740 of what is before
it, which finds every error of up to three bits and every burst of up to 16; of other garbage, one
in 65536 passes.

The bridge carries out a read whatever its number, and a write only if its number follows that of
the request it carried out last: when a request is lost, no write behind it is carried out before
the host has read again. After anything that it cannot understand, the bridge is deaf until the line
has been idle for `IDLE_BITS`.
"""

from binascii import crc_hqx

from tickwright.core.wire import Alpha, Message, UInt

__all__ = [
    "IDLE_BITS", "NUMBERS", "ReadAnswer", "ReadRequest", "Request", "WriteAnswer", "WriteRequest",
    "is_sound", "sealed",
]

# An adapter on USB may pause for a millisecond within a message, which is 3000 bits at 3 Mbaud.
IDLE_BITS = 4096
NUMBERS   = 256  # after the highest number comes 0

CHECK_INIT  = 0xFFFF
CHECK_BYTES = 2
CHECK_DOC   = "CRC-16/IBM-3740 of the bytes before."


class Request(Message):
    """What every request begins with."""

    kind    = Alpha(1, "Kind of request.")
    number  = UInt(1, "Number of the request; the next one's is one higher, modulo 256.")
    address = UInt(4, "Address of the word, a multiple of 4; others name no register.",
                   unit="bytes")


class ReadRequest(Request, kind="R"):
    """Asks for a word."""

    check = UInt(CHECK_BYTES, CHECK_DOC)


class WriteRequest(Request, kind="W"):
    """Writes a word."""

    value = UInt(4, "Value to write.")
    check = UInt(CHECK_BYTES, CHECK_DOC)


class ReadAnswer(Message):
    """A word that was read; 0 where there is no register."""

    number = UInt(1, "Number of the request.")
    value  = UInt(4, "Value of the word.")
    check  = UInt(CHECK_BYTES, CHECK_DOC)


class WriteAnswer(Message):
    """A word was written."""

    number = UInt(1, "Number of the request.")
    check  = UInt(CHECK_BYTES, CHECK_DOC)


def sealed(message: Message) -> bytes:
    """Render the message with its check filled in."""
    body = message.pack()[:-CHECK_BYTES]
    return body + crc_hqx(body, CHECK_INIT).to_bytes(CHECK_BYTES, "big")


def is_sound(data: bytes) -> bool:
    """Tell whether the last bytes are the check of those before."""
    return len(data) > CHECK_BYTES and crc_hqx(data, CHECK_INIT) == 0
