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


class _Shown(data.Struct):
    """What a quote shows of a side."""

    price:  unsigned(32)
    shares: unsigned(SHARES_BITS)


class _Side(data.Struct):
    """What the side of a touch is now."""

    shown:   _Shown
    hidden:  unsigned(1)
    moved:   unsigned(1)  # shown as something else than before
    crossed: unsigned(1)  # with the other side
    locked:  unsigned(1)


class _Rest(data.Struct):
    """What a quote says beside what it shows, and which sides it hides."""

    hidden:  unsigned(len(Side))
    status:  unsigned(8)
    reasons: unsigned(len(REASONS))
    crossed: unsigned(1)
    locked:  unsigned(1)


class QuoteFormer(wiring.Component):
    """Forms the quote of a symbol from one side's best level, and publishes it if it is news.

    The other side is as it was in the quote before, which is kept: each side, and the rest, in a
    memory of its own. A side is shown as 0 where the best price lies outside the window, and then
    the symbol has reason `window`. A first half of a replace forms no quote, nor does a taint,
    which is passed on instead.

    A mismatch concerns another symbol too. Its levels are as they were, so its last quote is formed
    again, with its reasons as they are now, in the cycle after the quote of the touch's symbol.
    That cycle is free, as touches come at least 2 cycles apart: the one that follows is read while
    the other symbol's quote is formed, and sees it. ::

        cycle 0                1                      2
        touch ──▶ [ read ] ──▶ [ form, compare ] ──▶ quote
                                best_shares, reasons

              1                2                      3
        other ──▶ [ read ] ──▶ [ form, compare ] ──▶ quote, after a mismatch
                                reasons

    Latency: 2 cycles, 3 to the other symbol of a mismatch. Throughput: 1 touch in 2 cycles, whether
    they make one quote or two.

    Members
    -------
    walk : ``In(Walk(...))``
        Clears the kept quotes.
    touches : ``In(stream.Signature(Touch(symbols, window), always_ready=True))``
        The best level of a side after an operation, in cycle 0; none in the cycle after one.
    best_shares : ``In(32)``
        Shares of that level, in cycle 1.
    other : ``Out(range(symbols))``
        The other symbol of the last mismatch, in cycle 1.
    reasons : ``In(12)``
        Sticky reasons of the touch's symbol, in cycle 1; of the other one, in cycle 2.
    settings : ``In(stream.Signature(Setting(symbols), always_ready=True))``
        What the host says; the trading status of the symbol until the next status event.
    quotes : ``Out(stream.Signature(Quote(symbols), always_ready=True))``
        Quotes that differ from their symbol's last one, in cycle 2; the other symbol's, in cycle 3.
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
            "other":       Out(range(symbols)),
            "reasons":     In(len(REASONS)),
            "settings":    In(stream.Signature(Setting(symbols), always_ready=True)),
            "quotes":      Out(stream.Signature(Quote(symbols), always_ready=True)),
            "taints":      Out(stream.Signature(Trust(symbols), always_ready=True)),
        })

    def elaborate(self, platform):
        m = Module()

        touch, valid = Signal(self.touches.p.shape()), Signal()
        base_price   = Signal(32)
        operation    = touch.change.effect.operation
        is_taint     = operation.kind == OperationKind.TAINT
        is_first     = (operation.kind == OperationKind.DELETE) & operation.half
        m.d.sync += valid.eq(self.touches.valid)
        with m.If(self.touches.valid):
            effect = self.touches.p.change.effect
            m.d.sync += touch.eq(self.touches.p)
            m.d.sync += base_price.eq(_price(effect.base_tick, effect.cent_tick))

        forms_own, forms_other = Signal(), Signal()
        m.d.comb += forms_own.eq(valid & ~is_taint & ~is_first)
        seeks_other = self._seek_other(m, forms_own)
        m.d.sync += forms_other.eq(seeks_other)
        forms  = forms_own | forms_other
        symbol = Mux(forms_other, self.other, operation.symbol)

        now, kept = Signal(_Side), Signal(_Rest)
        last = self._keep_sides(m, touch.change.effect, forms_own, now.shown)
        rest = self._keep(m, "rest", forms, symbol, kept)
        status, last_status = self._keep_status(m, seeks_other, rest.status)
        self._form_side(m, touch, base_price, last, now)

        formed = Signal(data.StructLayout({"shown": last.shape(), "rest": _Rest}))
        m.d.comb += [formed.shown.eq(last), formed.rest.eq(rest)]
        with m.If(~forms_other):
            side = touch.change.effect.side.as_value()
            m.d.comb += formed.shown[side].eq(now.shown)
            m.d.comb += formed.rest.hidden.bit_select(side, 1).eq(now.hidden)
            m.d.comb += formed.rest.crossed.eq(now.crossed)
            m.d.comb += formed.rest.locked.eq(now.locked)
        m.d.comb += formed.rest.status.eq(status)
        m.d.comb += formed.rest.reasons.eq(
            self.reasons | Mux(formed.rest.hidden.any(), WINDOW, 0))
        with m.If(~self.walk.active):
            m.d.comb += kept.eq(formed.rest)

        is_news = (now.moved & ~forms_other | (formed.rest.reasons != rest.reasons)
                   | (status != last_status))
        m.d.sync += self.quotes.valid.eq(forms & is_news)
        m.d.sync += self.taints.valid.eq(valid & is_taint)
        with m.If(valid | forms_other):
            self._show(m, symbol, operation, formed)

        return m

    def _seek_other(self, m, forms_own):
        """Give whether the other symbol of a mismatch is to be looked up, in cycle 1.

        A replace finds its mismatch in the first half; the second, which is the next touch, is the
        one that forms a quote.
        """
        awaits = Signal()  # the other symbol of a mismatch has still to be looked up
        effect = self.touches.p.change.effect
        with m.If(self.touches.valid & effect.mismatch):
            m.d.sync += awaits.eq(1)
            m.d.sync += self.other.eq(effect.other)
        with m.Elif(forms_own):
            m.d.sync += awaits.eq(0)
        return awaits & forms_own

    def _look_up(self):
        """Give the symbol that is looked up in this cycle, if any is."""
        return Mux(self.touches.valid, self.touches.p.change.effect.operation.symbol, self.other)

    def _show(self, m, symbol, operation, formed):
        """Fill in the payloads, one of which may be published."""
        bid, ask = formed.shown[Side.BUY.value], formed.shown[Side.SELL.value]
        rest = formed.rest
        quote = {
            "symbol":     symbol,
            "bid":        bid.price,
            "bid_shares": bid.shares,
            "ask":        ask.price,
            "ask_shares": ask.shares,
            "status":     rest.status,
            "trusted":    rest.reasons == 0,
            "reasons":    rest.reasons,
            "crossed":    rest.crossed,
            "locked":     rest.locked,
            "cause":      operation.cause,
        }
        trust = operation.detail.trust
        taint = {"all": 1, "symbol": 0, "reasons": trust.reasons, "first": trust.first,
                 "last": trust.last, "cause": operation.cause}
        m.d.sync += [self.quotes.p[name].eq(value) for name, value in quote.items()]
        m.d.sync += [self.taints.p[name].eq(value) for name, value in taint.items()]

    def _keep_sides(self, m, effect, forms_own, shown):
        """Make a store for each side; give what they hold of the symbol looked up a cycle ago."""
        last = Signal(data.ArrayLayout(_Shown, len(Side)))
        for side in Side:
            m.d.comb += last[side.value].eq(self._keep(
                m, side.name.lower(), forms_own & (effect.side == side), effect.operation.symbol,
                shown))
        return last

    def _keep(self, m, name, forms, symbol, part):
        """Make a store of a part of the last quotes; give that of the symbol looked up a cycle ago.

        The row of a mismatch's other symbol is written in the cycle in which the next touch may
        look it up.
        """
        m.submodules[name] = rows = Memory(
            shape=part.shape(), depth=self._preset.symbols, init=[])
        write = rows.write_port()
        read  = rows.read_port(transparent_for=[write])
        m.d.comb += [
            write.en.eq(self.walk.active | forms),
            write.addr.eq(Mux(self.walk.active, self.walk.row, symbol)),
            write.data.eq(part),
            read.addr.eq(self._look_up()),
        ]
        return read.data

    def _keep_status(self, m, seeks_other, published):
        """Keep the statuses; give, of the symbol looked up a cycle ago, it and the last published.

        A symbol that never had a quote counts as published with the status it had.
        """
        operation  = self.touches.p.change.effect.operation
        symbol     = self._look_up()
        is_status  = self.touches.valid & (operation.kind == OperationKind.STATUS)
        kept       = self._choose_status(m, is_status)
        quoted     = Signal(self._preset.symbols)
        status     = Signal(8)
        before     = Signal(8)
        was_quoted = Signal()
        is_quoted = self.touches.valid & (operation.kind != OperationKind.TAINT) | seeks_other
        with m.If(is_quoted):
            m.d.sync += quoted.eq(quoted | (1 << symbol))
            m.d.sync += was_quoted.eq(quoted.bit_select(symbol, 1))
            m.d.sync += before.eq(kept)
            m.d.sync += status.eq(kept)
            with m.If(is_status):
                m.d.sync += status.eq(operation.detail.status)
        return status, Mux(was_quoted, published, before)

    def _choose_status(self, m, is_status):
        """Give the status, until now, of the symbol that is looked up.

        The feed and the host may both tell one in the same cycle, so each has a memory, which is
        never cleared; a bit a symbol, which is, tells whose word holds.
        """
        operation, setting = self.touches.p.change.effect.operation, self.settings.p
        by_feed, by_host   = Signal(self._preset.symbols), Signal(self._preset.symbols)
        with m.If(is_status):
            m.d.sync += by_feed.bit_select(operation.symbol, 1).eq(1)
        with m.If(self.settings.valid):
            m.d.sync += by_feed.bit_select(setting.symbol, 1).eq(0)
            m.d.sync += by_host.bit_select(setting.symbol, 1).eq(1)

        symbol, kept = self._look_up(), Signal(8)
        from_feed = self._keep_told(m, "feed", is_status, operation.symbol, operation.detail.status)
        from_host = self._keep_told(m, "host", self.settings.valid, setting.symbol, setting.status)
        with m.If(by_feed.bit_select(symbol, 1)):
            m.d.comb += kept.eq(from_feed)
        with m.Elif(by_host.bit_select(symbol, 1)):
            m.d.comb += kept.eq(from_host)
        return kept

    def _keep_told(self, m, teller, valid, symbol, status):
        """Keep what one tells of statuses; give that of the symbol that is looked up."""
        m.submodules[f"status_{teller}"] = rows = Memory(
            shape=8, depth=self._preset.symbols, init=[])
        write, read = rows.write_port(), rows.read_port(domain="comb")
        m.d.comb += [
            write.en.eq(valid),
            write.addr.eq(symbol),
            write.data.eq(status),
            read.addr.eq(self._look_up()),
        ]
        return read.data

    def _form_side(self, m, touch, base_price, last, now):
        """Let ``now`` be the side of the touch as it is.

        Prices are compared by how far above the window's they are, beside the sum that forms the
        new one, not behind.
        """
        effect, bits = touch.change.effect, self._preset.window.bit_length() - 1
        offset, above, shows = Signal(bits), Signal(32), Signal()
        m.d.comb += [
            offset.eq(touch.level - effect.base_tick[:bits]),
            above.eq(_price(offset, effect.cent_tick)),
            shows.eq(touch.found & ~now.hidden & ~self.walk.active),
            now.hidden.eq(touch.change.better | ~touch.found & touch.change.worse),
            now.shown.price.eq(Mux(shows, base_price + above, 0)),
            now.shown.shares.eq(Mux(shows, self.best_shares, 0)),
        ]

        gaps = [Signal(signed(33), name=f"gap_{side.name.lower()}") for side in Side]
        m.d.comb += [gap.eq(shown.price - base_price)
                     for gap, shown in zip(gaps, last, strict=True)]
        same = Cat(gap == above for gap in gaps)
        some = Cat(shown.price.any() for shown in last)
        ours, other = effect.side.as_value(), ~effect.side.as_value()
        both, less  = Signal(), Signal()  # both sides have a price, that of the other is less
        m.d.comb += [
            both.eq(shows & (offset.any() | base_price.any()) & some.bit_select(other, 1)),
            less.eq(Mux(ours, *gaps) < above),
            now.moved.eq((last[ours].shares != now.shown.shares)
                         | Mux(shows, ~same, some).bit_select(ours, 1)),
            now.crossed.eq(both & ~same.bit_select(other, 1) & (ours ^ less)),
            now.locked.eq(both & same.bit_select(other, 1)),
        ]


def _price(ticks: Value, cent_tick: Value) -> Value:
    """Return what so many ticks are, in 1/10000 dollar."""
    hundredfold = sum(ticks << bit for bit in range(CENT.bit_length()) if CENT >> bit & 1)
    return Mux(cent_tick, hundredfold, ticks)[:32]
