"""Which pairs list a symbol."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.strategy.regs import StrategyRegs

__all__ = ["PairLists"]


class PairLists(wiring.Component):
    """Holds for each symbol the pairs to evaluate on its quotes, at ``fanout`` places.

    After reset the lists clear themselves; until then a change is refused, as is one of a symbol,
    place or pair that the card does not have.

    Latency: places in use in the same cycle, pair 1 cycle; both as of before a change in that
    cycle. Throughput: 1 place per cycle. Clearing takes a cycle a symbol.

    Members
    -------
    list_symbol, list_position, list_pair, list_valid : ``In(bits)``
        Place to change, and what it shall hold.
    set_list : ``In(1)``
        Change it in this cycle.
    refused : ``Out(1)``
        The change of this cycle is refused.
    symbol : ``In(range(symbols))``
        Symbol to look up.
    places : ``Out(fanout)``
        A bit for each place of its list: whether it is used.
    read_symbol, read_place : ``In(range(symbols))``, ``In(range(fanout))``
        Place to read.
    pair : ``Out(range(pairs))``
        Pair at that place, in the cycle after.
    ready : ``Out(1)``
        The lists are cleared.
    """

    def __init__(self, preset):
        self._symbols, self._pairs, self._fanout = preset.symbols, preset.pairs, preset.fanout
        names = ("list_symbol", "list_position", "list_pair", "list_valid")
        super().__init__({
            **{name: In(getattr(StrategyRegs, name).bits) for name in names},
            "set_list":    In(1),
            "refused":     Out(1),
            "symbol":      In(range(preset.symbols)),
            "places":      Out(preset.fanout),
            "read_symbol": In(range(preset.symbols)),
            "read_place":  In(range(preset.fanout)),
            "pair":        Out(range(preset.pairs)),
            "ready":       Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.used = used = Memory(shape=self._fanout, depth=self._symbols, init=[])
        m.submodules.pairs = pairs = Memory(shape=range(self._pairs), init=[],
                                            depth=self._symbols * self._fanout)
        use, look, before = (used.write_port(), used.read_port(domain="comb"),
                             used.read_port(domain="comb"))
        write, read = pairs.write_port(), pairs.read_port()

        walk = Signal(range(self._symbols + 1))
        m.d.comb += self.ready.eq(walk == self._symbols)
        with m.If(~self.ready):
            m.d.sync += walk.eq(walk + 1)

        place = Signal(self._fanout)
        changes = Signal()
        known = ((self.list_symbol < self._symbols) & (self.list_position < self._fanout)
                 & (self.list_pair < self._pairs))
        m.d.comb += [
            changes.eq(self.set_list & self.ready & known),
            self.refused.eq(self.set_list & ~changes),
            place.eq(1 << self.list_position[:range(self._fanout).stop.bit_length()]),
            before.addr.eq(self.list_symbol),
            use.en.eq(changes | ~self.ready),
            use.addr.eq(Mux(self.ready, self.list_symbol, walk)),
            use.data.eq(Mux(self.ready & changes,
                            (before.data & ~place) | Mux(self.list_valid, place, 0), 0)),
            write.en.eq(changes),
            write.addr.eq(self.list_symbol * self._fanout + self.list_position),
            write.data.eq(self.list_pair),
            look.addr.eq(self.symbol),
            self.places.eq(look.data),
            read.addr.eq(self.read_symbol * self._fanout + self.read_place),
            self.pair.eq(read.data),
        ]

        return m
