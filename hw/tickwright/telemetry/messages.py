"""The records in which the card tells the host what it found and decided: 64 bytes each.

There is one kind of record for each table of the host's journal; its fields are named as the
table's columns and are as wide as the card's own values, in whole bytes. A record ends in zeros up
to `RECORD_BYTES`. The numbers of records grow by one in the order in which the card decided, over
all kinds; a number that is missing is a record that was lost.
"""

from tickwright.core.wire import Message, UInt

__all__ = [
    "LEGS", "NUMBER_BITS", "RECORDS", "RECORD_BYTES", "VERSION", "AppliedRecord", "CapacityRecord",
    "CoalescedRecord", "ControlRecord", "IntentRecord", "OrderRecord", "OverflowRecord",
    "QuoteRecord", "Record", "ResponseRecord", "TrustRecord", "VerdictRecord",
]

RECORD_BYTES = 64
VERSION = 1      # of everything below
NUMBER_BITS = 48
LEGS = 2


class Record(Message, version=VERSION):
    """What every record begins with."""

    record     = UInt(1, "Kind of record.")
    version    = UInt(1, "Version of the records' description.")
    number     = UInt(NUMBER_BITS // 8, "Records before this one since reset, lost ones included.",
                      unit="records")
    decided_ns = UInt(8, "Card time of the cycle in which this was found or decided.", unit="ns")


class QuoteRecord(Record, record=1):
    """A quote that the book published."""

    sequence   = UInt(8, "MoldUDP64 sequence number of its cause.")
    feed_ns    = UInt(8, "The cause's own time stamp, since midnight.", unit="ns")
    symbol     = UInt(2, "Index of the symbol.")
    bid        = UInt(4, "Best bid; 0 where the side is empty or hidden.", unit="1/10000 $")
    bid_shares = UInt(4, "Shares at it.", unit="shares")
    ask        = UInt(4, "Best ask; 0 where the side is empty or hidden.", unit="1/10000 $")
    ask_shares = UInt(4, "Shares at it.", unit="shares")
    status     = UInt(1, "Trading status in ASCII, 0 before the first.")
    reasons    = UInt(2, "Why the symbol is not trusted, a bit a reason.")


class TrustRecord(Record, record=2):
    """Reasons that the book set among its quotes."""

    all      = UInt(1, "1 if they concern every symbol.")
    symbol   = UInt(2, "Index of the symbol, where not all.")
    reasons  = UInt(2, "The reasons, a bit each.")
    first    = UInt(8, "First sequence lost, where the reason is a gap.")
    last     = UInt(8, "Last sequence lost, where the reason is a gap.")
    sequence = UInt(8, "Sequence of the message that it precedes or comes with.")


class OverflowRecord(Record, record=3):
    """An event that met a full queue and was dropped."""

    sequence = UInt(8, "MoldUDP64 sequence number of the event.")
    marked   = UInt(1, "1 if a Trust record took its place.")


class CapacityRecord(Record, record=4):
    """An order that found no free way in the order table."""

    sequence = UInt(8, "MoldUDP64 sequence number of the order's event.")


class CoalescedRecord(Record, record=5):
    """A quote that was kept without its evaluations, as too many waited."""

    sequence    = UInt(8, "MoldUDP64 sequence number of its cause.")
    quotes      = UInt(4, "Quotes that took effect before it, modulo 2^32.", unit="quotes")
    evaluations = UInt(1, "Evaluations left out.", unit="evaluations")


class IntentRecord(Record, record=6):
    """What a pair wished to trade; the fields of a leg that is not valid are 0."""

    id          = UInt(4, "Number of the intent, from 1.")
    pair        = UInt(2, "Index of the pair.")
    kind        = UInt(1, "0 enter short, 1 enter long, 2 exit, 3 stop, 4 unbalanced.")
    epoch       = UInt(2, "Epoch of the parameters in force.")
    sequence    = UInt(8, "MoldUDP64 sequence number of its cause.")
    feed_ns     = UInt(8, "The cause's own time stamp, since midnight.", unit="ns")
    legs        = UInt(1, "Bit n: leg n is valid.")
    leg0_symbol = UInt(2, "Index of the symbol.")
    leg0_side   = UInt(1, "0 buy, 1 sell.")
    leg0_shares = UInt(3, "Shares to trade.", unit="shares")
    leg0_price  = UInt(5, "Limit.", unit="1/10000 $")
    leg1_symbol = UInt(2, "Index of the symbol.")
    leg1_side   = UInt(1, "0 buy, 1 sell.")
    leg1_shares = UInt(3, "Shares to trade.", unit="shares")
    leg1_price  = UInt(5, "Limit.", unit="1/10000 $")


class VerdictRecord(Record, record=7):
    """The gate's word on an intent."""

    id                = UInt(4, "Number of the intent.")
    passed            = UInt(1, "1 if its orders left.")
    checks            = UInt(8, "Checks that failed, a bit each.")
    quotes_seen       = UInt(4, "Quotes and trust records taken before the judgement.")
    responses_applied = UInt(4, "Responses taken before the judgement.")
    state             = UInt(1, "0 killed, 1 close-only, 2 armed.")
    feed_ok           = UInt(1, "1 if the feed was well.")
    session_ok        = UInt(1, "1 if the order session was well.")


class OrderRecord(Record, record=8):
    """An order that left the gate."""

    user_ref  = UInt(4, "UserRefNum of the order.")
    intent_id = UInt(4, "Number of its intent.")
    leg       = UInt(1, "Leg of the intent.")
    symbol    = UInt(2, "Index of the symbol.")
    side      = UInt(1, "0 buy, 1 sell.")
    short     = UInt(1, "1 if a short sale.")
    shares    = UInt(4, "Shares to trade.", unit="shares")
    price     = UInt(4, "Limit.", unit="1/10000 $")
    sequence  = UInt(8, "MoldUDP64 sequence number of its cause.")
    feed_ns   = UInt(8, "The cause's own time stamp, since midnight.", unit="ns")
    frame     = UInt(2, "Frames of the feed before that of its cause, modulo 2^16.")
    line      = UInt(1, "0 line A, 1 line B.")


class AppliedRecord(Record, record=9):
    """An outcome as the strategy applied it."""

    pair        = UInt(2, "Index of the pair.")
    refused     = UInt(1, "1 if the whole intent was refused.")
    leg         = UInt(1, "Leg of the intent.")
    side        = UInt(1, "0 buy, 1 sell.")
    filled      = UInt(4, "Shares filled.", unit="shares")
    done        = UInt(1, "1 if nothing of the order is open any more.")
    evaluations = UInt(4, "Evaluations of pairs made before it took effect.")


class ResponseRecord(Record, record=10):
    """What the venue answered."""

    kind     = UInt(1, "0 accepted, 1 dead, 2 executed, 3 canceled, 4 rejected, 5 unhandled.")
    user_ref = UInt(4, "UserRefNum of the order.")
    shares   = UInt(4, "Shares executed, or taken off.", unit="shares")
    price    = UInt(4, "Of an execution.", unit="1/10000 $")
    match    = UInt(8, "Match number of an execution.")
    card_ns  = UInt(8, "Card time when the segment ended.", unit="ns")


class ControlRecord(Record, record=11):
    """What the host put in force while quotes came."""

    quotes   = UInt(4, "Quotes that took effect before it, modulo 2^32.", unit="quotes")
    epoch    = UInt(2, "Epoch of the parameters, from here on.")
    checksum = UInt(4, "CRC-32 of the parameters, from here on.")
    flatten  = UInt(1, "1 if pairs only exit, from here on.")


RECORDS: dict[str, type[Record]] = {
    "quotes":     QuoteRecord,
    "trusts":     TrustRecord,
    "overflows":  OverflowRecord,
    "capacities": CapacityRecord,
    "coalesced":  CoalescedRecord,
    "controls":   ControlRecord,
    "intents":    IntentRecord,
    "verdicts":   VerdictRecord,
    "orders":     OrderRecord,
    "applied":    AppliedRecord,
    "responses":  ResponseRecord,
}
"""The kind of record of each table of the journal."""
