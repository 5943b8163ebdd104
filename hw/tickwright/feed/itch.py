"""Messages in sequence become events of watched symbols."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.parser import fields
from tickwright.feed.locate import LOCATE_BITS, Directory
from tickwright.feed.messages import (
    AddOrder,
    ItchMessage,
    OrderCancel,
    OrderDelete,
    OrderExecuted,
    OrderReplace,
    TradingAction,
)
from tickwright.feed.moldudp64 import FeedMessage
from tickwright.feed.types import BookEvent, BookOp, Cause, Reason, Side, StatusEvent, Trust

__all__ = ["ItchDecoder"]

OPERATIONS = {
    "A": (BookOp.ADD, AddOrder),
    "F": (BookOp.ADD, AddOrder),  # the name of the participant behind it has no effect
    "E": (BookOp.EXECUTE, OrderExecuted),
    "C": (BookOp.EXECUTE, OrderExecuted),  # the price of the trade is not that of the order
    "X": (BookOp.CANCEL, OrderCancel),
    "D": (BookOp.DELETE, OrderDelete),
    "U": (BookOp.REPLACE, OrderReplace),
}
"""Types that change the book: what they do, and the message that holds what is read of them."""


class ItchDecoder(wiring.Component):
    """Says what the messages mean for the watched symbols.

    Messages of other types, and those of a locate that is not mapped, have no effect. The locate is
    looked up beside the register that keeps the message. ::

        sequenced ──▶ [ register ] ──▶ decode ──▶ [ register ] ──▶ events, statuses, trusts
            └─locate─▶ [ directory ] ────┘

    Of the two records of a contradiction that concerns two symbols the second comes a cycle later;
    no message that has an effect is that close behind, nor is a record of scope all.

    Latency: 2 cycles. Throughput: 1 message per cycle.

    Members
    -------
    sequenced : ``In(stream.Signature(FeedMessage(symbols), always_ready=True))``
        Messages in sequence.
    doubts : ``In(stream.Signature(Trust(symbols), always_ready=True))``
        Trust records in their place; never in the cycle of a message or the one after. Each gets
        the timestamp of the message before it.
    events : ``Out(stream.Signature(BookEvent(symbols), always_ready=True))``
        What happens to orders.
    statuses : ``Out(stream.Signature(StatusEvent(symbols), always_ready=True))``
        Changes of trading status.
    trusts : ``Out(stream.Signature(Trust(symbols), always_ready=True))``
        Reasons set. At most one of these three comes in a cycle.
    locate, locate_symbol, locate_valid, set_locate
        As in `FeedRegs`.
    """

    def __init__(self, symbols: int):
        self.symbols = symbols
        super().__init__({
            "sequenced":     In(stream.Signature(FeedMessage(symbols), always_ready=True)),
            "doubts":        In(stream.Signature(Trust(symbols), always_ready=True)),
            "events":        Out(stream.Signature(BookEvent(symbols), always_ready=True)),
            "statuses":      Out(stream.Signature(StatusEvent(symbols), always_ready=True)),
            "trusts":        Out(stream.Signature(Trust(symbols), always_ready=True)),
            "locate":        In(LOCATE_BITS),
            "locate_symbol": In(16),
            "locate_valid":  In(1),
            "set_locate":    In(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.directory = directory = Directory(self.symbols)

        valid, message = Signal(), Signal(FeedMessage(self.symbols))
        m.d.sync += valid.eq(self.sequenced.valid), message.eq(self.sequenced.p)
        head = fields(ItchMessage, message.body)
        known = valid & message.known
        m.d.comb += [
            directory.wanted.eq(fields(ItchMessage, self.sequenced.p.body).locate),
            directory.needed.eq(valid),
            directory.listing.eq(known & (head.type == ord("R"))),
            directory.stock_named.eq(message.named),
            directory.stock_symbol.eq(message.symbol),
            directory.locate.eq(self.locate),
            directory.locate_symbol.eq(self.locate_symbol),
            directory.locate_valid.eq(self.locate_valid),
            directory.set_locate.eq(self.set_locate),
        ]

        cause = Signal(Cause)
        m.d.comb += [
            cause.sequence.eq(message.sequence),
            cause.feed_ns.eq(head.timestamp_ns),
            cause.stamp.eq(message.origin.stamp),
            cause.frame.eq(message.origin.frame),
            cause.line.eq(message.origin.line),
            cause.last_in_packet.eq(message.last_in_packet),
        ]
        watched = known & directory.mapped
        m.d.sync += self._event(m, message.body, head.type, watched)
        m.d.sync += self.events.p.symbol.eq(directory.symbol), self.events.p.cause.eq(cause)
        m.d.sync += [
            self.statuses.valid.eq(watched & (head.type == ord("H"))),
            self.statuses.p.symbol.eq(directory.symbol),
            self.statuses.p.status.eq(fields(TradingAction, message.body).state),
            self.statuses.p.cause.eq(cause),
        ]
        self._trust(m, directory, valid, cause)

        return m

    def _event(self, m, body, kind, watched):
        """Return the assignments that make the event."""
        event = Signal(BookEvent(self.symbols))
        changes = Signal()
        with m.Switch(kind):
            for letter, (operation, message) in OPERATIONS.items():
                view = fields(message, body)
                with m.Case(ord(letter)):
                    m.d.comb += changes.eq(1), event.op.eq(operation)
                    m.d.comb += event.reference.eq(view.reference)
                    if hasattr(view, "new_reference"):
                        m.d.comb += event.new_reference.eq(view.new_reference)
                    if hasattr(view, "side"):
                        m.d.comb += event.side.eq(Mux(view.side == ord("S"), Side.SELL, Side.BUY))
                    if hasattr(view, "shares"):
                        m.d.comb += event.shares.eq(view.shares)
                    if hasattr(view, "price"):
                        m.d.comb += event.price.eq(view.price)
        return self.events.p.eq(event), self.events.valid.eq(watched & changes)

    def _trust(self, m, directory, valid, cause):
        """Make the trust records: those that come, and those of a contradiction."""
        doubt, doubted = Signal(Trust(self.symbols)), Signal()
        second, waits = Signal(Trust(self.symbols)), Signal()
        last_ns = Signal(64)
        m.d.sync += doubted.eq(self.doubts.valid), doubt.eq(self.doubts.p)
        with m.If(valid):
            m.d.sync += last_ns.eq(cause.feed_ns)

        clash = Signal(Trust(self.symbols))
        m.d.comb += [
            clash.symbol.eq(directory.clash_symbol),
            clash.reasons.eq(Reason.DIRECTORY),
            clash.cause.eq(cause),
        ]
        m.d.sync += [
            waits.eq(directory.second),
            second.eq(clash),
            second.symbol.eq(directory.second_symbol),
            self.trusts.valid.eq(directory.clash | waits | doubted),
            self.trusts.p.eq(clash),
        ]
        with m.If(waits):
            m.d.sync += self.trusts.p.eq(second)
        with m.Elif(doubted):
            m.d.sync += self.trusts.p.eq(doubt), self.trusts.p.cause.feed_ns.eq(last_ns)
