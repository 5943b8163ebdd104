"""What the records are made of: the streams in which the stages show what they decide."""

from amaranth import *
from amaranth.lib import data

from tickwright.book.types import Capacity, Overflow, Quote
from tickwright.core.encoder import message_bits
from tickwright.feed.types import Trust
from tickwright.order.types import Response
from tickwright.risk.types import Order, Verdict
from tickwright.strategy.types import Applied, Coalesced, Control, Intent
from tickwright.telemetry.messages import LEGS, RECORD_BYTES, RECORDS, Record

__all__ = ["SOURCES", "body", "body_bits", "record_bits", "shapes"]

SOURCES = {
    "quotes":     "quotes",
    "taints":     "trusts",
    "overflows":  "overflows",
    "capacities": "capacities",
    "coalesced":  "coalesced",
    "controls":   "controls",
    "intents":    "intents",
    "verdicts":   "verdicts",
    "orders":     "orders",
    "applied":    "applied",
    "responses":  "responses",
}
"""The streams, in the order in which their records of one cycle are told; each with its kind."""

HEAD = tuple(field.name for field in Record.fields)
HEAD_BITS = 8 * Record.size
PLACES = tuple(f"leg{leg}" for leg in range(LEGS))


def shapes(preset) -> dict[str, data.Layout]:
    """Return what flows on each stream."""
    symbols, pairs = preset.symbols, preset.pairs
    return {name: data.Layout.cast(shape) for name, shape in {
        "quotes":     Quote(symbols),
        "taints":     Trust(symbols),
        "overflows":  Overflow,
        "capacities": Capacity,
        "coalesced":  Coalesced(preset.fanout),
        "controls":   Control,
        "intents":    Intent(symbols, pairs),
        "verdicts":   Verdict,
        "orders":     Order(symbols),
        "applied":    Applied(pairs),
        "responses":  Response,
    }.items()}


def body(name: str, payload: data.View) -> Value:
    """Return a record of the stream ``name`` without its head, in wire order."""
    message = RECORDS[SOURCES[name]]
    values = {field.name: Value.cast(_found(payload, field.name))
              for field in message.fields if field.name not in HEAD}
    return message_bits(message, number=0, decided_ns=0, **values)[HEAD_BITS:]


def body_bits(name: str) -> int:
    """Return how many bits such a body has."""
    return 8 * RECORDS[SOURCES[name]].size - HEAD_BITS


def record_bits(kind: Value, number: Value, decided_ns: Value, body: Value) -> Value:
    """Return a whole record: its head, its body, and zeros."""
    head = message_bits(Record, record=kind, number=number, decided_ns=decided_ns)
    return Cat(head, body, C(0, 8 * RECORD_BYTES - HEAD_BITS - len(body)))


def _found(payload: data.View, name: str):
    """Return the value of a field: at the top, in the cause or the outcome, or of a leg."""
    names = {key for key, _ in payload.shape()}
    place, _, of_leg = name.partition("_")
    if name == "legs":
        return Cat(leg["valid"] for leg in payload["legs"])
    if name in names:
        return payload[name]
    if of_leg and place in PLACES:
        leg = payload["legs"][PLACES.index(place)]
        value = Value.cast(leg[of_leg])
        return Mux(leg["valid"], value, C(0, len(value)))
    return payload["outcome" if "outcome" in names else "cause"][name]
