"""What the venue says of our orders.

Source: Nasdaq, "O*U*C*H", version 5.0, section 3.
"""

from amaranth import *
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.parser import fields
from tickwright.order.messages import (
    OUCH_OUTBOUND,
    AccountQueryReply,
    DisableOrderEntryReply,
    EnableOrderEntryReply,
    MassCancelReply,
    OrderAccepted,
    OrderCancelled,
    OrderExecuted,
    OrderRejected,
    OuchOutbound,
    SystemEvent,
)
from tickwright.order.session import Message
from tickwright.order.types import Response, ResponseKind

__all__ = ["ResponseDecoder", "ResponseQueue"]

HANDLED = {
    OrderAccepted:  ResponseKind.ACCEPTED,
    OrderExecuted:  ResponseKind.EXECUTED,
    OrderCancelled: ResponseKind.CANCELED,
    OrderRejected:  ResponseKind.REJECTED,
}
NAME_NO_ORDER = (SystemEvent, AccountQueryReply, MassCancelReply, DisableOrderEntryReply,
                 EnableOrderEntryReply)
DEAD = "D"


class ResponseDecoder(wiring.Component):
    """Turns the messages of the venue into responses.

    A message that names no order of ours is `ignored`. One that does, and that the ledger cannot
    handle, becomes a response of that kind: replaced, restated and the like, and an execution at a
    price beyond 32 bits. What is of no known type, or shorter than its type, is `wrong`.

    Latency: 0 cycles. Throughput: 1 message per cycle.

    Members
    -------
    messages : ``In(stream.Signature(Message, always_ready=True))``
        Messages of the venue.
    responses : ``Out(stream.Signature(Response, always_ready=True))``
        What they say of our orders.
    ignored, unhandled : ``Out(1)``
        The message is of this kind.
    wrong : ``Out(1)``
        What `messages` shows, valid or not, is no message of the venue.
    """

    messages:  In(stream.Signature(Message, always_ready=True))
    responses: Out(stream.Signature(Response, always_ready=True))
    ignored:   Out(1)
    unhandled: Out(1)
    wrong:     Out(1)

    def elaborate(self, platform):
        m = Module()

        message, response = self.messages.p, self.responses.p
        known, ours = Signal(), Signal()
        with m.Switch(fields(OuchOutbound, message.data).type):
            for letter, kind in OUCH_OUTBOUND.items():
                with m.Case(OuchOutbound.field("type").as_int(letter)):
                    m.d.comb += known.eq(message.size >= kind.size)
                    m.d.comb += ours.eq(kind not in NAME_NO_ORDER)
                    m.d.comb += response.kind.eq(self._kind(kind, message.data))

        # The handled messages have what they share in the same places.
        executed = fields(OrderExecuted, message.data)
        m.d.comb += [
            response.user_ref.eq(executed.user_ref),
            response.card_ns.eq(message.card_ns),
            self.responses.valid.eq(self.messages.valid & ours),
            self.ignored.eq(self.messages.valid & ~ours),
            self.unhandled.eq(self.responses.valid & (response.kind == ResponseKind.UNHANDLED)),
            self.wrong.eq(~known),
        ]
        with m.Switch(response.kind):
            with m.Case(ResponseKind.EXECUTED):
                m.d.comb += response.shares.eq(executed.shares)
                m.d.comb += [response.price.eq(executed.price), response.match.eq(executed.match)]
            with m.Case(ResponseKind.CANCELED):
                m.d.comb += response.shares.eq(executed.shares)

        return m

    def _kind(self, kind: type[OuchOutbound], bits: Value) -> Value:
        """Return what a message of this kind means for the ledger."""
        means = Value.cast(HANDLED.get(kind, ResponseKind.UNHANDLED))
        if kind is OrderAccepted:
            dead = fields(kind, bits).state == kind.field("state").as_int(DEAD)
            return Mux(dead, ResponseKind.DEAD, means)
        if kind is OrderExecuted:
            return Mux(fields(kind, bits).price[32:].any(), ResponseKind.UNHANDLED, means)
        return means


class ResponseQueue(wiring.Component):
    """Keeps responses until the ledger takes them.

    Latency: 2 cycles. Throughput: 1 response per cycle.

    Members
    -------
    arrivals : ``In(stream.Signature(Response, always_ready=True))``
        Responses; none may come while the queue is `full`.
    responses : ``Out(stream.Signature(Response))``
        The same, in their order.
    full : ``Out(1)``
        There is no place for another response.
    """

    arrivals:  In(stream.Signature(Response, always_ready=True))
    responses: Out(stream.Signature(Response))
    full:      Out(1)

    def __init__(self, depth: int):
        self._depth = depth
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        width = Response.as_shape().size
        m.submodules.kept = kept = fifo.SyncFIFOBuffered(width=width, depth=self._depth)
        m.d.comb += [
            kept.w_en.eq(self.arrivals.valid),
            kept.w_data.eq(self.arrivals.payload),
            self.full.eq(~kept.w_rdy),
            self.responses.valid.eq(kept.r_rdy),
            self.responses.payload.eq(kept.r_data),
            kept.r_en.eq(self.responses.ready),
        ]

        return m
