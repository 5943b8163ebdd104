"""The checks on one leg of an intent."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.feed.types import Side
from tickwright.risk.accounts import Account, Worst
from tickwright.risk.limits import OrderLimits, SymbolLimits
from tickwright.risk.touches import GateTouch
from tickwright.risk.types import GateState
from tickwright.strategy.types import SHARES_BITS, Leg

__all__ = ["LegChecks"]

LEAST_TOO_MANY_SHARES = 1_000_000   # OUCH 5.0: the quantity of an order is below it
HIGHEST_PRICE = 1_999_999_900       # OUCH 5.0: 199,999.99 dollars


class LegChecks(wiring.Component):
    """Says for one leg which of the checks that look at legs fail.

    A leg that is not valid fails none. Names are those of `CHECKS`.

    Latency: 0 cycles; but what needs nothing but the leg, a notional too, is of the leg of the
    cycle before: a leg must be shown for 2 cycles. Throughput: 1 leg every 2 cycles.

    Members
    -------
    leg : ``In(Leg(symbols))``
        Leg to check.
    touch, limits, account : ``In``
        Newest quote, limits and account of its symbol.
    of_all : ``In(OrderLimits)``
        Limits of an order of any symbol.
    state : ``In(GateState)``
        State of the gate.
    close_only, trust, halted, shares, notional, collar, position, price : ``Out(1)``
        The check fails.
    short : ``Out(1)``
        The leg would be a short sale.
    worst : ``Out(Worst)``
        The worst case of its side with the leg, cut off where no leg passes.
    """

    CHECKS = ("close_only", "trust", "halted", "shares", "notional", "collar", "position", "price")

    def __init__(self, preset):
        super().__init__({
            "leg":     In(Leg(preset.symbols)),
            "touch":   In(GateTouch),
            "limits":  In(SymbolLimits),
            "account": In(Account),
            "of_all":  In(OrderLimits),
            "state":   In(GateState),
            **{name: Out(1) for name in self.CHECKS},
            "short":   Out(1),
            "worst":   Out(Worst),
        })

    def elaborate(self, platform):
        m = Module()

        leg, touch, limits, of_all = self.leg, self.touch, self.limits, self.of_all
        buys = leg.side == Side.BUY
        closes_only = self.state == GateState.CLOSE_ONLY

        notional = Signal(SHARES_BITS + len(leg.price))
        no_shares, no_price = Signal(), Signal()  # none that the venue takes
        m.d.sync += [
            notional.eq(leg.shares * leg.price),
            no_shares.eq((leg.shares == 0) | (leg.shares >= LEAST_TOO_MANY_SHARES)),
            no_price.eq((leg.price == 0) | (leg.price > HIGHEST_PRICE)),
        ]

        # How long, or how short, the symbol may become with this leg.
        becomes = Signal(signed(len(self.account.worst_long) + 1))
        m.d.comb += becomes.eq(Mux(buys, self.account.worst_long, self.account.worst_short)
                               + leg.shares)

        beyond = Mux(buys, (touch.ask == 0) | (leg.price > touch.ask + limits.collar),
                     (touch.bid == 0) | (leg.price + limits.collar < touch.bid))
        failed = {
            "close_only": closes_only & (becomes > 0),
            "trust":      ~touch.trusted,
            "halted":     ~touch.trading,
            "shares":     ((leg.shares > limits.max_shares) | (leg.shares > of_all.max_shares)
                           | no_shares),
            "notional":   (notional > limits.max_notional) | (notional > of_all.max_notional),
            "collar":     beyond,
            "position":   ~closes_only & (becomes > limits.max_position),
            "price":      no_price,
        }
        m.d.comb += [getattr(self, name).eq(leg.valid & fails) for name, fails in failed.items()]
        m.d.comb += [self.short.eq(~buys & (becomes > 0)), self.worst.eq(becomes)]

        return m
