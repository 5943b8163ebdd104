"""What passes between the endpoint and the UltraScale+ hard block, and within the endpoint.

Source: AMD, UltraScale+ Devices Integrated Block for PCI Express (PG213), on the CQ, CC, RQ and RC
interfaces. They are 64, 128 or 256 bits wide here, aligned to words of 32 bits, never straddled.
"""

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from tickwright.telemetry.messages import RECORD_BYTES

__all__ = [
    "CC_USER_BITS", "COMPLETION_HEADER_WORDS", "CQ_DISCONTINUE", "CQ_FIRST", "CQ_USER_BITS",
    "MOST_RECORDS", "RC_USER_BITS", "RECORD_BITS", "RECORD_WORDS", "REQUEST_HEADER_WORDS",
    "RQ_USER_BITS", "WIDTHS", "WORD_BITS",
    "AxiStream", "CcDescriptor", "CompletionStatus", "CqDescriptor", "InterruptMessage",
    "MemoryWrite", "RequestKind", "RequestWord", "RqDescriptor", "check_width",
]

WIDTHS = (64, 128, 256)
WORD_BITS = 32

REQUEST_HEADER_WORDS, COMPLETION_HEADER_WORDS = 4, 3
RECORD_BITS  = 8 * RECORD_BYTES
RECORD_WORDS = RECORD_BITS // WORD_BITS
MOST_RECORDS = 1024 // RECORD_BYTES  # in one request: the hard block has payloads up to 1,024 bytes

CQ_USER_BITS, CC_USER_BITS, RQ_USER_BITS, RC_USER_BITS = 88, 33, 62, 75
CQ_FIRST       = 40  # bit of the user signals: this beat begins a request
CQ_DISCONTINUE = 41  # the request is damaged and must be forgotten


class AxiStream(wiring.Signature):
    """One of the hard block's four streams, with its own names.

    Members
    -------
    tdata, tkeep, tlast, tuser, tvalid : ``Out``
        A beat; ``tkeep`` has a bit for each word of 32 bits.
    tready : ``In(1)``
        The beat is taken.
    """

    def __init__(self, width: int, user_bits: int):
        check_width(width)
        self.width, self.user_bits = width, user_bits
        super().__init__({
            "tdata":  Out(width),
            "tkeep":  Out(width // WORD_BITS),
            "tlast":  Out(1),
            "tuser":  Out(user_bits),
            "tvalid": Out(1),
            "tready": In(1),
        })

    def __eq__(self, other):
        return (type(self) is type(other)
                and (self.width, self.user_bits) == (other.width, other.user_bits))

    def __repr__(self):
        return f"AxiStream({self.width}, {self.user_bits})"


def check_width(width: int):
    """Raise ValueError unless a stream of the hard block may be that wide, in bits."""
    if width not in WIDTHS:
        raise ValueError(f"stream of the hard block: found {width} bits, expected one of {WIDTHS}")


class RequestKind(enum.Enum, shape=4):
    """What a request asks for."""

    READ           = 0
    WRITE          = 1
    IO_READ        = 2
    IO_WRITE       = 3
    FETCH_ADD      = 4
    SWAP           = 5
    COMPARE_SWAP   = 6
    LOCKED_READ    = 7
    CONFIG_READ_0  = 8
    CONFIG_READ_1  = 9
    CONFIG_WRITE_0 = 10
    CONFIG_WRITE_1 = 11
    MESSAGE        = 12
    VENDOR_MESSAGE = 13
    ATS_MESSAGE    = 14
    RESERVED       = 15


class CompletionStatus(enum.Enum, shape=3):
    """How a request ended."""

    SUCCESSFUL  = 0
    UNSUPPORTED = 1


class CqDescriptor(data.Struct):
    """The first four words of a request to the card."""

    address_type: unsigned(2)
    address:      unsigned(62)  # words
    words:        unsigned(11)
    kind:         RequestKind
    _reserved_1:  unsigned(1)
    requester:    unsigned(16)
    tag:          unsigned(8)
    function:     unsigned(8)
    bar:          unsigned(3)
    aperture:     unsigned(6)
    traffic:      unsigned(3)
    attributes:   unsigned(3)
    _reserved_2:  unsigned(1)


class CcDescriptor(data.Struct):
    """The first three words of a completion by the card."""

    lower_address:     unsigned(7)   # bytes
    _reserved_1:       unsigned(1)
    address_type:      unsigned(2)
    _reserved_2:       unsigned(6)
    bytes:             unsigned(13)  # of the request that are still due, this completion's included
    locked:            unsigned(1)
    _reserved_3:       unsigned(2)
    words:             unsigned(11)
    status:            CompletionStatus
    poisoned:          unsigned(1)
    _reserved_4:       unsigned(1)
    requester:         unsigned(16)
    tag:               unsigned(8)
    function:          unsigned(8)
    bus:               unsigned(8)
    own_completer:     unsigned(1)   # 0: the hard block fills in its bus number
    traffic:           unsigned(3)
    attributes:        unsigned(3)
    force_ecrc:        unsigned(1)


class RqDescriptor(data.Struct):
    """The first four words of a request by the card."""

    address_type:  unsigned(2)
    address:       unsigned(62)  # words
    words:         unsigned(11)
    kind:          RequestKind
    poisoned:      unsigned(1)
    requester:     unsigned(16)
    tag:           unsigned(8)
    completer:     unsigned(16)
    own_requester: unsigned(1)   # 0: the hard block fills in its bus number
    traffic:       unsigned(3)
    attributes:    unsigned(3)
    force_ecrc:    unsigned(1)


class RequestWord(data.Struct):
    """A word of a request that has come whole and undamaged."""

    data:     unsigned(32)
    first_be: unsigned(4)  # bytes meant in the first word of the payload, the same in all words
    last_be:  unsigned(4)  # in the last one; 0 if there is but one
    last:     unsigned(1)


class MemoryWrite(data.Struct):
    """One write to host memory: so many waiting records, or the words given here."""

    address: unsigned(64)  # bytes, a multiple of 4
    records: unsigned(MOST_RECORDS.bit_length())
    words:   unsigned(2)   # 1 or 2; counts if there are no records
    data:    unsigned(64)


class InterruptMessage(data.Struct):
    """An interrupt, as a write of one word to host memory."""

    address: unsigned(64)  # bytes
    data:    unsigned(32)
