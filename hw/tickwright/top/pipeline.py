"""The card between its wires: market data in, orders out."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.book.stage import BookStage
from tickwright.book.types import Capacity, Overflow, Quote
from tickwright.core.streams import FrameEnd, Word
from tickwright.feed.stage import FeedStage
from tickwright.feed.types import Trust
from tickwright.order.stage import OrderStage
from tickwright.order.types import Response
from tickwright.risk.stage import RiskStage
from tickwright.risk.types import Order, Verdict
from tickwright.strategy.stage import StrategyStage
from tickwright.strategy.types import Applied, Coalesced, Control, Intent
from tickwright.top.bus import BusDecoder, bus_signature
from tickwright.top.identity import Identity
from tickwright.top.memory_map import BLOCKS
from tickwright.top.presets import Preset

__all__ = ["Pipeline"]


def _always(shape):
    return stream.Signature(shape, always_ready=True)


class Pipeline(wiring.Component):
    """Everything between the MAC's receive port and its transmit port. ::

        feed ─▶ feed ─▶ book ─▶ strategy ─▶ risk ─▶ order ─▶ order_tx
                          │        ▲         ▲ │       ▲
                          └────────│─quotes──┘ │       └──── order_rx
                                   └─outcomes──┘◀─responses─┘

    Latency, from the word with the last byte of an Add that improves the best price on
    ``feed_rx`` to word 0 of its order's frame on ``order_tx``: at most 24 cycles, constant for an
    isolated message. Throughput: market data is never asked to wait.

    Members
    -------
    now_ns : ``In(64)``
        Card time, driven by the platform; it never goes back.
    feed_rx, feed_end : ``In(stream)``
        Frames of lines A and B, and the late verdict on each.
    order_rx, order_end : ``In(stream)``
        Frames of the order session, and the late verdict on each.
    order_tx : ``Out(stream)``
        Frames to the venue.
    bus : ``In(BusSignature(...))``
        The host's access to every register.
    gap_open : ``Out(1)``
        Messages are missing and may still come.
    busy : ``Out(1)``
        Something taken in waits for its turn; what does not wait shows itself within the
        ``STILL_CYCLES`` of the twin.
    quotes, taints, overflows, capacities, coalesced, controls, intents, verdicts, orders, applied,
    responses
        What the card found and decided, as outputs for its record; nothing in the card waits for
        them.
    """

    def __init__(self, preset: Preset):
        self.preset = preset
        symbols, pairs = preset.symbols, preset.pairs
        super().__init__({
            "now_ns":     In(64),
            "feed_rx":    In(_always(Word)),
            "feed_end":   In(_always(FrameEnd)),
            "order_rx":   In(_always(Word)),
            "order_end":  In(_always(FrameEnd)),
            "order_tx":   Out(stream.Signature(Word)),
            "bus":        In(bus_signature()),
            "gap_open":   Out(1),
            "busy":       Out(1),
            "quotes":     Out(_always(Quote(symbols))),
            "taints":     Out(_always(Trust(symbols))),
            "overflows":  Out(_always(Overflow)),
            "capacities": Out(_always(Capacity)),
            "coalesced":  Out(_always(Coalesced(preset.fanout))),
            "controls":   Out(_always(Control)),
            "intents":    Out(_always(Intent(symbols, pairs))),
            "verdicts":   Out(_always(Verdict)),
            "orders":     Out(_always(Order(symbols))),
            "applied":    Out(_always(Applied(pairs))),
            "responses":  Out(_always(Response)),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.feed     = feed     = FeedStage(self.preset)
        m.submodules.book     = book     = BookStage(self.preset)
        m.submodules.strategy = strategy = StrategyStage(self.preset)
        m.submodules.risk     = risk     = RiskStage(self.preset)
        m.submodules.order    = order    = OrderStage(self.preset)
        m.submodules.identity = identity = Identity(self.preset)
        m.submodules.decoder  = decoder  = BusDecoder()

        connect(m, flipped(self.feed_rx), feed.frames)
        connect(m, flipped(self.feed_end), feed.frame_end)
        connect(m, feed.events, book.events)
        connect(m, feed.statuses, book.statuses)
        connect(m, feed.trusts, book.trusts)
        connect(m, strategy.intents, risk.intents)
        connect(m, risk.outcomes, strategy.outcomes)
        connect(m, risk.orders, order.orders)
        connect(m, order.responses, risk.responses)
        connect(m, order.tx, flipped(self.order_tx))
        connect(m, flipped(self.order_rx), order.rx)
        connect(m, flipped(self.order_end), order.rx_end)
        for later in (strategy, risk):
            tap(m, book.quotes, later.quotes)
            tap(m, book.taints, later.taints)
        m.d.comb += [
            feed.now_ns.eq(self.now_ns),
            risk.now_ns.eq(self.now_ns),
            order.now_ns.eq(self.now_ns),
            identity.now_ns.eq(self.now_ns),
            risk.feed_ok.eq(feed.feed_ok),
            risk.session_ok.eq(order.session_ok),
            risk.tables_ready.eq(book.ready),
            risk.can_send.eq(order.can_send),
            self.gap_open.eq(feed.gap_open),
            self.busy.eq(feed.busy | book.busy | strategy.busy),
        ]

        connect(m, flipped(self.bus), decoder.bus)
        owners = dict(identity=identity, feed=feed, book=book, strategy=strategy, risk=risk,
                      order=order)
        for index, name in enumerate(BLOCKS):
            decoder.add(index, owners[name].bus)

        for source, record in ((book.quotes, self.quotes), (book.taints, self.taints),
                               (book.overflows, self.overflows),
                               (book.capacities, self.capacities),
                               (strategy.coalesced, self.coalesced),
                               (strategy.controls, self.controls),
                               (strategy.intents, self.intents), (risk.verdicts, self.verdicts),
                               (risk.orders, self.orders), (strategy.applied, self.applied),
                               (order.responses, self.responses)):
            tap(m, source, record)

        return m


def tap(m: Module, source, copy):
    """Show each payload that is transferred on ``source`` on the always-ready ``copy`` too."""
    m.d.comb += [
        copy.payload.eq(source.payload),
        copy.valid.eq(source.valid & source.ready),
    ]
