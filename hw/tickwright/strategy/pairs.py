"""The arithmetic of a pair: how far its spread is from the mean, and what a trade would earn."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from tickwright.feed.types import Cause
from tickwright.strategy.parameters import Parameters
from tickwright.strategy.store import Touch

__all__ = ["Evaluation", "PairArithmetic", "Wish"]

PRICE_BITS = 32
FRACTION_BITS = 16          # of a hedge ratio and of a spread
DROPPED_BITS = 8            # of a spread, where it becomes a deviation
DEVIATION_LIMIT = 2**31 - 1
FACTOR_BITS = 17            # of a price, to be a factor of one multiplier


class Wish(data.Struct):
    """What trading one symbol of a pair would take: the limit prices and whether they can be."""

    buy:      unsigned(PRICE_BITS + 1)  # best ask plus aggression
    sell:     unsigned(PRICE_BITS)      # best bid minus aggression, where that is above 0
    buyable:  unsigned(1)               # an ask is shown
    sellable: unsigned(1)               # a bid is shown, and the limit price is above 0


def Evaluation(symbols: int, pairs: int) -> data.StructLayout:
    """A pair at one place in the order of quotes: all that a decision needs but its state."""
    return data.StructLayout({
        "pair":         range(pairs),
        "cause":        Cause,
        "parameters":   Parameters(symbols),
        "wishes":       data.ArrayLayout(Wish, 2),
        "priced":       1,   # all four best prices are shown
        "sound":        1,   # priced, not crossed or locked, trusted and trading, both
        "narrow":       1,   # neither touch is wider than it may be
        "deep_short":   1,   # the best bid of A and best ask of B hold the shares of an entry
        "deep_long":    1,
        "earns_short":  1,   # the edge reaches the least one
        "earns_long":   1,
        "above":        1,   # the deviation is positive
        "below":        1,
        "far":          1,   # away enough to enter, and not to stop
        "near":         1,   # as near to the mean as an exit takes
        "too_far":      1,   # away enough to stop
    })


class PairArithmetic(wiring.Component):
    """Evaluates a pair on the touches of its two symbols. ::

        cycle 0   products, spreads, depths   hedge * ask_b, hedge * bid_b
              1   deviation, edges            s - mean, kept within 32 bits
              2   comparisons                 |d|
              3   done

    All is exact but the deviation, which is rounded down and limited to 2^31 - 1 either way.

    Latency: 3 cycles. Throughput: 1 pair per cycle.

    Members
    -------
    valid : ``In(1)``
        Evaluate in this cycle.
    pair, cause : ``In(range(pairs))``, ``In(Cause)``
        Pair, and cause of the quote it is evaluated on.
    parameters : ``In(Parameters(symbols))``
        Parameters of the pair.
    touches : ``In(ArrayLayout(Touch, 2))``
        Touches of A and B.
    evaluated : ``Out(1)``
        An evaluation is done.
    evaluation : ``Out(Evaluation(symbols, pairs))``
        What it found.
    """

    def __init__(self, preset):
        self._layout = Evaluation(preset.symbols, preset.pairs)
        super().__init__({
            "valid":      In(1),
            "pair":       In(range(preset.pairs)),
            "cause":      In(Cause),
            "parameters": In(Parameters(preset.symbols)),
            "touches":    In(data.ArrayLayout(Touch, 2)),
            "evaluated":  Out(1),
            "evaluation": Out(self._layout),
        })

    def elaborate(self, platform):
        m = Module()

        a, b = self.touches
        hedge = self.parameters.hedge

        first, second, third = (Signal(self._layout, name=f"stage_{n}") for n in (1, 2, 3))
        valid = Signal(3)
        m.d.sync += [valid.eq(Cat(self.valid, valid)), second.eq(first), third.eq(second)]
        m.d.comb += [self.evaluated.eq(valid[2]), self.evaluation.eq(third)]

        # Cycle 0. `bid_a` and `ask_a` are those of cycle 1, and so on.
        bid_a, ask_a = Signal(PRICE_BITS), Signal(PRICE_BITS)
        m.d.sync += [bid_a.eq(a.bid), ask_a.eq(a.ask)]
        hedge_ask = self._product(m, hedge, b.ask, "hedge_ask")
        hedge_bid = self._product(m, hedge, b.bid, "hedge_bid")
        self._compare_touches(m, first)

        # Cycle 1. Every term is exact: the sums of Amaranth are as wide as they may become.
        mean = first.parameters.mean
        spread = ((bid_a + ask_a) << FRACTION_BITS) - (hedge_ask + hedge_bid)
        raw = (spread - mean) >> DROPPED_BITS
        deviation = Signal(signed(32))
        edge_short = Signal(signed(62))
        edge_long  = Signal(signed(62))
        m.d.sync += [
            deviation.eq(Mux(raw > DEVIATION_LIMIT, DEVIATION_LIMIT,
                             Mux(raw < -DEVIATION_LIMIT, -DEVIATION_LIMIT, raw))),
            edge_short.eq((bid_a << FRACTION_BITS + 1) - (hedge_ask << 1) - mean),
            edge_long.eq(mean - (ask_a << FRACTION_BITS + 1) + (hedge_bid << 1)),
        ]

        # Cycle 2.
        parameters, min_edge = second.parameters, second.parameters.min_edge
        away = Signal(31)
        m.d.comb += away.eq(abs(deviation))
        m.d.sync += [
            third.far.eq((away >= parameters.entry_deviation)
                         & (away < parameters.stop_deviation)),
            third.near.eq(away <= parameters.exit_deviation),
            third.too_far.eq(away >= parameters.stop_deviation),
            third.above.eq(deviation > 0),
            third.below.eq(deviation < 0),
            third.earns_short.eq(edge_short >= min_edge),
            third.earns_long.eq(edge_long >= min_edge),
        ]

        return m

    def _product(self, m, hedge, price, name):
        """Multiply; return the sum, in the cycle after, of the products of two parts of the price.

        That cycle has time for it: what is multiplied comes out of block RAM, late in its own.
        """
        low, high = price[:FACTOR_BITS], price[FACTOR_BITS:]
        low_product, high_product = (Signal(signed(len(hedge) + len(part)), name=f"{name}_{which}")
                                     for which, part in (("low", low), ("high", high)))
        m.d.sync += [low_product.eq(hedge * low), high_product.eq(hedge * high)]
        return low_product + (high_product << FACTOR_BITS)

    def _compare_touches(self, m, found):
        """Find in cycle 0 what needs no product."""
        a, b = self.touches
        parameters = self.parameters
        aggressions = (parameters.aggression_a, parameters.aggression_b)
        uncrossed = (a.bid < a.ask) & (b.bid < b.ask)
        usable = a.trusted & b.trusted & a.trading & b.trading
        priced = Signal()
        m.d.comb += priced.eq(a.bid.any() & a.ask.any() & b.bid.any() & b.ask.any())
        m.d.sync += [
            found.pair.eq(self.pair),
            found.cause.eq(self.cause),
            found.parameters.eq(parameters),
            found.priced.eq(priced),
            found.sound.eq(priced & uncrossed & usable),
            found.narrow.eq((a.ask - a.bid <= parameters.max_spread_a)
                            & (b.ask - b.bid <= parameters.max_spread_b)),
            found.deep_short.eq((a.bid_shares >= parameters.shares_a)
                                & (b.ask_shares >= parameters.shares_b)),
            found.deep_long.eq((a.ask_shares >= parameters.shares_a)
                               & (b.bid_shares >= parameters.shares_b)),
        ]
        for touch, aggression, wish in zip((a, b), aggressions, found.wishes, strict=True):
            m.d.sync += [
                wish.buy.eq(touch.ask + aggression),
                wish.sell.eq(touch.bid - aggression),
                wish.buyable.eq(touch.ask.any()),
                wish.sellable.eq(touch.bid > aggression),
            ]
