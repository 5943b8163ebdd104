"""What a strategy is given and what it owes, whichever strategy it is."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.book.types import Quote
from tickwright.feed.types import Trust
from tickwright.strategy.types import Applied, Coalesced, Control, Intent, Outcome

__all__ = ["Contract"]


class Contract(wiring.Signature):
    """The streams of a strategy.

    A strategy decides on each quote as if it were the only one in flight: what it wishes depends on
    the order of quotes, taints and applied outcomes, never on how close together they came. Should
    so many wait that it cannot decide on each, it keeps a quote undecided and says so.

    Members
    -------
    quotes : ``Out(stream.Signature(Quote, always_ready=True))``
        Quotes as the book publishes them.
    taints : ``Out(stream.Signature(Trust, always_ready=True))``
        Reasons set on all symbols, in order with the quotes, never in the cycle of one.
    outcomes : ``Out(stream.Signature(Outcome))``
        What became of the intents.
    intents : ``In(stream.Signature(Intent))``
        What the strategy wishes to trade.
    applied : ``In(stream.Signature(Applied, always_ready=True))``
        Each outcome as the strategy takes note of it.
    coalesced : ``In(stream.Signature(Coalesced, always_ready=True))``
        Each quote that was kept without the decisions it asks for.
    controls : ``In(stream.Signature(Control, always_ready=True))``
        Each change of what the host put in force, between two quotes.
    """

    def __init__(self, preset):
        symbols, pairs = preset.symbols, preset.pairs
        super().__init__({
            "quotes":    Out(stream.Signature(Quote(symbols), always_ready=True)),
            "taints":    Out(stream.Signature(Trust(symbols), always_ready=True)),
            "outcomes":  Out(stream.Signature(Outcome(pairs))),
            "intents":   In(stream.Signature(Intent(symbols, pairs))),
            "applied":   In(stream.Signature(Applied(pairs), always_ready=True)),
            "coalesced": In(stream.Signature(Coalesced(preset.fanout), always_ready=True)),
            "controls":  In(stream.Signature(Control, always_ready=True)),
        })
