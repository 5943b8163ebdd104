"""The quote after an operation, published if it is news."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.book.operations import SHARES_BITS, OperationKind, Setting, Touch
from tickwright.book.types import Quote
from tickwright.book.walker import Walk
from tickwright.feed.reasons import REASONS, WINDOW
from tickwright.feed.types import Side, Trust

__all__ = ["QuoteFormer"]

CENT = 100  # 1/10000 dollar


class QuoteFormer(wiring.Component):
    """Forms the quote of a symbol from one side's best level, and publishes it if it is news.

    The other side is as it was in the quote before, which is kept. A side is shown as 0 where the
    best price lies outside the window, and then the symbol has reason `window`. A first half of a
    replace forms no quote, nor does a taint, which is passed on instead. ::

        cycle 0                1                      2
        touch ──▶ [ read ] ──▶ [ form, compare ] ──▶ quote
                                best_shares, reasons

    Latency: 2 cycles. Throughput: 1 touch in 2 cycles.

    Members
    -------
    walk : ``In(Walk(...))``
        Clears the kept quotes.
    touches : ``In(stream.Signature(Touch(symbols, window), always_ready=True))``
        The best level of a side after an operation, in cycle 0.
    best_shares : ``In(32)``
        Shares of that level, in cycle 1.
    reasons : ``In(12)``
        Sticky reasons of the symbol, in cycle 1.
    settings : ``In(stream.Signature(Setting(symbols), always_ready=True))``
        What the host says; the trading status of the symbol until the next status event.
    quotes : ``Out(stream.Signature(Quote(symbols), always_ready=True))``
        Quotes that differ from their symbol's last one, in cycle 2.
    taints : ``Out(stream.Signature(Trust(symbols), always_ready=True))``
        Trust records of scope all, in cycle 2; never in the cycle of a quote.
    """

    def __init__(self, preset, walk_bits: int):
        self._preset = preset
        symbols = preset.symbols
        super().__init__({
            "walk":        In(Walk(walk_bits)),
            "touches":     In(stream.Signature(Touch(symbols, preset.window), always_ready=True)),
            "best_shares": In(SHARES_BITS),
            "reasons":     In(len(REASONS)),
            "settings":    In(stream.Signature(Setting(symbols), always_ready=True)),
            "quotes":      Out(stream.Signature(Quote(symbols), always_ready=True)),
            "taints":      Out(stream.Signature(Trust(symbols), always_ready=True)),
        })

    def elaborate(self, platform):
        m = Module()

        touch, valid = Signal(self.touches.p.shape()), Signal()
        operation    = touch.change.effect.operation
        is_taint     = operation.kind == OperationKind.TAINT
        is_first     = (operation.kind == OperationKind.DELETE) & operation.half
        m.d.sync += valid.eq(self.touches.valid)
        with m.If(self.touches.valid):
            m.d.sync += touch.eq(self.touches.p)

        write, last = self._keep(m)
        status, last_status = self._keep_status(m, last.status)
        formed = Signal(last.shape())
        m.d.comb += formed.eq(last)
        self._form_side(m, touch, formed)
        m.d.comb += formed.status.eq(status)
        m.d.comb += formed.reasons.eq(self.reasons | Mux(formed.hidden.any(), WINDOW, 0))
        forms = valid & ~is_taint & ~is_first
        with m.If(~self.walk.active):
            m.d.comb += write.en.eq(forms)
            m.d.comb += write.addr.eq(operation.symbol)
            m.d.comb += write.data.eq(formed)
        is_news = ((formed.shown != last.shown) | (formed.reasons != last.reasons)
                   | (status != last_status))
        m.d.sync += self.quotes.valid.eq(forms & is_news)
        m.d.sync += self.taints.valid.eq(valid & is_taint)
        with m.If(valid):
            self._show(m, operation, formed)

        return m

    def _show(self, m, operation, formed):
        """Fill in the payloads, one of which may be published."""
        bid, ask = formed.shown[Side.BUY.value], formed.shown[Side.SELL.value]
        both = (bid.price != 0) & (ask.price != 0)
        quote = {
            "symbol":     operation.symbol,
            "bid":        bid.price,
            "bid_shares": bid.shares,
            "ask":        ask.price,
            "ask_shares": ask.shares,
            "status":     formed.status,
            "trusted":    formed.reasons == 0,
            "reasons":    formed.reasons,
            "crossed":    both & (bid.price > ask.price),
            "locked":     both & (bid.price == ask.price),
            "cause":      operation.cause,
        }
        trust = operation.detail.trust
        taint = {"all": 1, "symbol": 0, "reasons": trust.reasons, "first": trust.first,
                 "last": trust.last, "cause": operation.cause}
        m.d.sync += [self.quotes.p[name].eq(value) for name, value in quote.items()]
        m.d.sync += [self.taints.p[name].eq(value) for name, value in taint.items()]

    def _keep(self, m):
        """Make the store of last quotes; give its write port and, in cycle 1, the symbol's row."""
        shape = data.StructLayout({
            "shown":   data.ArrayLayout(data.StructLayout({
                "price":  32,
                "shares": SHARES_BITS,
            }), len(Side)),
            "hidden":  len(Side),
            "status":  8,
            "reasons": len(REASONS),
        })
        m.submodules.rows = rows = Memory(shape=shape, depth=self._preset.symbols, init=[])
        write, read = rows.write_port(), rows.read_port()
        m.d.comb += read.addr.eq(self.touches.p.change.effect.operation.symbol)
        with m.If(self.walk.active):
            m.d.comb += write.en.eq(1)
            m.d.comb += write.addr.eq(self.walk.row)
        return write, read.data

    def _keep_status(self, m, published):
        """Keep the status of symbols; give, in cycle 1, that of the touch and the last published.

        A symbol that never had a quote counts as published with the status it had.
        """
        operation  = self.touches.p.change.effect.operation
        is_status  = self.touches.valid & (operation.kind == OperationKind.STATUS)
        kept       = Array(Signal(8, name=f"status_{index}")
                           for index in range(self._preset.symbols))
        quoted     = Signal(self._preset.symbols)
        status     = Signal(8)
        before     = Signal(8)
        was_quoted = Signal()
        for index, state in enumerate(kept):
            with m.If(self.settings.valid & (self.settings.p.symbol == index)):
                m.d.sync += state.eq(self.settings.p.status)
            with m.Elif(is_status & (operation.symbol == index)):
                m.d.sync += state.eq(operation.detail.status)

        with m.If(self.touches.valid & (operation.kind != OperationKind.TAINT)):
            m.d.sync += quoted.eq(quoted | (1 << operation.symbol))
            m.d.sync += was_quoted.eq(quoted.bit_select(operation.symbol, 1))
            m.d.sync += before.eq(kept[operation.symbol])
            m.d.sync += status.eq(kept[operation.symbol])
            with m.If(is_status):
                m.d.sync += status.eq(operation.detail.status)
        return status, Mux(was_quoted, published, before)

    def _form_side(self, m, touch, formed):
        """Let ``formed`` show the side of the touch as it is."""
        effect, bits = touch.change.effect, self._preset.window.bit_length() - 1
        offset, price, hidden = Signal(bits), Signal(32), Signal()
        m.d.comb += [
            offset.eq(touch.level - effect.base_tick[:bits]),
            price.eq(Mux(effect.cent_tick, effect.base_tick * CENT + offset * CENT,
                         effect.base_tick + offset)),
            hidden.eq(touch.change.better | ~touch.found & touch.change.worse),
        ]
        shown = touch.found & ~hidden
        side = effect.side.as_value()
        m.d.comb += [
            formed.shown[side].price.eq(Mux(shown, price, 0)),
            formed.shown[side].shares.eq(Mux(shown, self.best_shares, 0)),
            formed.hidden.bit_select(side, 1).eq(hidden),
        ]
