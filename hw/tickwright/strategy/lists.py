"""Which pairs list a symbol."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.strategy.clearing import Clearing
from tickwright.strategy.regs import StrategyRegs

__all__ = ["PairLists"]

OF_HOST = ("list_symbol", "list_position", "list_pair", "list_valid")


class PairLists(wiring.Component):
    """Holds for each symbol the pairs to evaluate on its quotes, at ``fanout`` places.

    There are two banks: one is in force, the host writes the other. After reset the lists clear
    themselves. A change is refused while the shadow is not cleared or closed, and where it is of a
    symbol, place or pair that the card does not have.

    Latency: places in use in the same cycle, pair 1 cycle; a change shows 1 cycle later.
    Throughput: 1 place per cycle. Clearing takes a cycle a symbol, after reset 2.

    Members
    -------
    list_symbol, list_position, list_pair, list_valid : ``In(bits)``
        Place to change, and what it shall hold.
    set_list, clear : ``In(1)``
        Change it in the shadow; clear the shadow.
    closed : ``In(1)``
        The shadow is being checked: no change.
    refused : ``Out(1)``
        The change of this cycle is refused.
    bank, swap : ``In(1)``
        The bank in force; the banks change places after this cycle.
    symbol : ``In(range(symbols))``
        Symbol to look up, in the lists in force.
    places : ``Out(fanout)``
        A bit for each place of its list: whether it is used.
    read_symbol, read_place : ``In(range(symbols))``, ``In(range(fanout))``
        Place to read.
    pair : ``Out(range(pairs))``
        Pair at that place, in the cycle after.
    look_symbol, look_place : ``In(range(symbols))``, ``In(range(fanout))``
        Place to look at in the shadow, while it is closed.
    looked_valid, looked_pair : ``Out(1)``, ``Out(range(pairs))``
        Whether it is used, and its pair, in the cycle after.
    ready, shadow_ready : ``Out(1)``
        The lists are cleared; the shadow is.
    """

    def __init__(self, preset):
        self._symbols, self._pairs, self._fanout = preset.symbols, preset.pairs, preset.fanout
        super().__init__({
            **{name: In(getattr(StrategyRegs, name).bits) for name in OF_HOST},
            "set_list":     In(1),
            "clear":        In(1),
            "closed":       In(1),
            "refused":      Out(1),
            "bank":         In(1),
            "swap":         In(1),
            "symbol":       In(range(preset.symbols)),
            "places":       Out(preset.fanout),
            "read_symbol":  In(range(preset.symbols)),
            "read_place":   In(range(preset.fanout)),
            "pair":         Out(range(preset.pairs)),
            "look_symbol":  In(range(preset.symbols)),
            "look_place":   In(range(preset.fanout)),
            "looked_valid": Out(1),
            "looked_pair":  Out(range(preset.pairs)),
            "ready":        Out(1),
            "shadow_ready": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.clearing = clearing = Clearing(self._symbols)
        m.submodules.used = used = Memory(shape=self._fanout, depth=2 * self._symbols, init=[])
        m.submodules.pairs = pairs = Memory(
            shape=data.ArrayLayout(range(self._pairs), self._fanout), depth=2 * self._symbols,
            init=[])
        use, before = used.write_port(), used.read_port(domain="comb")
        write = pairs.write_port(granularity=1)

        symbol, position = (self.list_symbol[:len(self.symbol)],
                            self.list_position[:len(self.read_place)])
        place, changes = Signal(self._fanout), Signal()
        known = ((self.list_symbol < self._symbols) & (self.list_position < self._fanout)
                 & (self.list_pair < self._pairs))
        m.d.comb += [
            clearing.clear.eq(self.clear),
            clearing.swap.eq(self.swap),
            clearing.bank.eq(self.bank),
            self.ready.eq(clearing.ready),
            self.shadow_ready.eq(clearing.shadow_ready),
            changes.eq(self.set_list & self.shadow_ready & ~self.closed & known),
            self.refused.eq(self.set_list & ~changes),
            place.eq(1 << position),
            before.addr.eq(Cat(Mux(self.closed, self.look_symbol, symbol), ~self.bank)),
            use.en.eq(changes | clearing.active),
            use.addr.eq(Mux(clearing.active, clearing.row, Cat(symbol, ~self.bank))),
            use.data.eq(Mux(clearing.active, 0,
                            (before.data & ~place) | Mux(self.list_valid, place, 0))),
            write.en.eq(Mux(changes, place, 0)),
            write.addr.eq(Cat(symbol, ~self.bank)),
            *(write.data[index].eq(self.list_pair) for index in range(self._fanout)),
        ]
        self._read(m, used, pairs, before.data)

        return m

    def _read(self, m, used, pairs, in_shadow):
        """Show a place in force, and one of the shadow.

        A place comes last in a cycle: the list is read, and the place chosen in the cycle after.
        """
        find, read, look = used.read_port(domain="comb"), pairs.read_port(), pairs.read_port()
        place, looked_place = Signal.like(self.read_place), Signal.like(self.look_place)
        m.d.sync += [place.eq(self.read_place), looked_place.eq(self.look_place)]
        m.d.comb += [
            find.addr.eq(Cat(self.symbol, self.bank)),
            self.places.eq(find.data),
            read.addr.eq(Cat(self.read_symbol, self.bank)),
            self.pair.eq(read.data[place]),
            look.addr.eq(Cat(self.look_symbol, ~self.bank)),
            self.looked_pair.eq(look.data[looked_place]),
        ]
        m.d.sync += self.looked_valid.eq(in_shadow.bit_select(self.look_place, 1))
