"""Which stock is which watched symbol."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.core.onehot import position
from tickwright.feed.locate import FEW_SYMBOLS

__all__ = ["NAME_BITS", "FewNames", "ManyNames", "NameMap", "NameTable", "name_row"]

NAME_BITS = 64
NAME_WAYS = 4


def name_row(name, bits: int):
    """Return the row of `ManyNames` for a name, as a number or as a value of the gateware.

    The name, its first character lowest, is cut into pieces of ``bits`` bits that are joined by
    exclusive or.
    """
    row = 0
    for at in range(0, NAME_BITS, bits):
        row = (name >> at) ^ row
    return row & ((1 << bits) - 1)


class NameMap(wiring.Component):
    """Holds the name of every symbol, and finds the symbol that bears a name.

    A symbol bears one name at most, and a name is borne by one symbol. A write gives a symbol a
    name in place of the one that it bore; if another symbol bears the name, that one loses it.

    Latency: 1 cycle from a name to its symbol; 2 cycles from a write to a lookup that finds all of
    it done. Throughput: 1 lookup per cycle, 1 write in 3 cycles.

    Members
    -------
    name : ``In(64)``
        Name to look up, its first character lowest.
    named, symbol : ``Out(1)``, ``Out(range(symbols))``
        A cycle later: a symbol bears that name.
    w_en, w_name, w_symbol : ``In``
        The symbol gets the name, which was looked up in the cycle before.
    w_full : ``Out(1)``
        In the same cycle: there is no room for it, and all stays as it is.
    cleared : ``Out(1)``
        Nothing of before reset is left.
    """

    def __init__(self, symbols: int):
        self.symbols = symbols
        super().__init__({
            "name":     In(NAME_BITS),
            "named":    Out(1),
            "symbol":   Out(range(symbols)),
            "w_en":     In(1),
            "w_name":   In(NAME_BITS),
            "w_symbol": In(range(symbols)),
            "w_full":   Out(1),
            "cleared":  Out(1),
        })


class FewNames(NameMap):
    """The names of few symbols: they are all compared at once, and there is room for each."""

    def elaborate(self, platform):
        m = Module()

        used, found = Signal(self.symbols), Signal(self.symbols)
        same, held = Signal(self.symbols), Signal(self.symbols)  # kept apart, for they map smaller
        m.d.sync += held.eq(used)
        m.d.comb += [
            found.eq(same & held),
            self.named.eq(found.any()),
            self.symbol.eq(position(found)),
            self.cleared.eq(1),
        ]
        for index in range(self.symbols):
            name = Signal(NAME_BITS, name=f"name_{index}")
            m.d.sync += same[index].eq(name == self.name)
            with m.If(self.w_en & (self.w_symbol == index)):
                m.d.sync += name.eq(self.w_name), used[index].eq(1)
            with m.Elif(self.w_en & found[index]):
                m.d.sync += used[index].eq(0)

        return m


class ManyNames(NameMap):
    """The names of many symbols, in rows of four; `name_row` says which row is a name's.

    The place of a symbol's name is kept too. In the cycle after a write, the place where the symbol
    had its name becomes free, and a symbol that lost its name has no place.
    """

    def __init__(self, symbols: int):
        self.row_bits = max(9, (8 * symbols - 1).bit_length())  # mostly empty, so hardly ever full
        super().__init__(symbols)

    def elaborate(self, platform):
        m = Module()

        entry = data.StructLayout({"used": 1, "name": NAME_BITS, "symbol": range(self.symbols)})
        place = data.StructLayout({"used": 1, "row": self.row_bits, "ways": NAME_WAYS})
        m.submodules.rows = rows = Memory(
            shape=data.ArrayLayout(entry, NAME_WAYS), depth=2**self.row_bits, init=[])
        m.submodules.places = places = Memory(shape=place, depth=self.symbols, init=[])
        write, read = rows.write_port(granularity=1), rows.read_port()
        w_place, r_place = places.write_port(), places.read_port()

        looked = Signal(NAME_BITS)
        same, free = Signal(NAME_WAYS), Signal(NAME_WAYS)
        for way in range(NAME_WAYS):
            found = read.data[way]
            m.d.comb += same[way].eq(found.used & (found.name == looked))
            m.d.comb += free[way].eq(~found.used)
            with m.If(same[way]):
                m.d.comb += self.symbol.eq(found.symbol)
        m.d.sync += looked.eq(self.name)

        now, after = Signal(place), Signal(place)  # where the name is put; a cycle later
        keeps, lost, loser = Signal(), Signal(), Signal(range(self.symbols))
        m.d.comb += [
            read.addr.eq(name_row(self.name, self.row_bits)),
            self.named.eq(same.any()),
            self.w_full.eq(self.w_en & ~same.any() & ~free.any()),
            keeps.eq(self.w_en & ~self.w_full),
            now.used.eq(1),
            now.row.eq(name_row(self.w_name, self.row_bits)),
            now.ways.eq(Mux(same.any(), same, free & -free)),
            r_place.addr.eq(self.w_symbol),
        ]
        m.d.sync += after.eq(now), after.used.eq(keeps)
        m.d.sync += lost.eq(same.any() & (self.symbol != self.w_symbol)), loser.eq(self.symbol)

        before = r_place.data
        walk = Signal(self.row_bits)
        with m.If(~self.cleared):
            m.d.comb += write.addr.eq(walk), write.en.eq(~0)
            m.d.comb += w_place.addr.eq(walk), w_place.en.eq(1)
            m.d.sync += walk.eq(walk + 1), self.cleared.eq(walk.all())
        with m.Elif(keeps):
            m.d.comb += write.addr.eq(now.row), write.en.eq(now.ways)
            for way in range(NAME_WAYS):
                m.d.comb += [
                    write.data[way].used.eq(1),
                    write.data[way].name.eq(self.w_name),
                    write.data[way].symbol.eq(self.w_symbol),
                ]
            m.d.comb += w_place.addr.eq(self.w_symbol), w_place.data.eq(now), w_place.en.eq(1)
        with m.Elif(after.used):
            with m.If(before.used & ((before.row != after.row) | (before.ways != after.ways))):
                m.d.comb += write.addr.eq(before.row), write.en.eq(before.ways)
            m.d.comb += w_place.addr.eq(loser), w_place.en.eq(lost)

        return m


class NameTable(wiring.Component):
    """Finds the symbol that bears a name, and takes new names from the host.

    A new name waits until no message is under way, for lookups come first.

    Latency: 1 cycle from a name to the symbol. Throughput: 1 lookup per cycle.

    Members
    -------
    stock : ``In(64)``
        Name to look up, its first character lowest.
    named, symbol : ``Out(1)``, ``Out(range(symbols))``
        A cycle later: a symbol bears that name.
    idle : ``In(1)``
        What is looked up in this cycle does not matter.
    name, name_symbol, set_name, names_full
        As in `FeedRegs`.
    cleared : ``Out(1)``
        The table has been cleared since reset; until then no name is kept.
    """

    def __init__(self, symbols: int):
        self.symbols = symbols
        super().__init__({
            "stock":       In(NAME_BITS),
            "named":       Out(1),
            "symbol":      Out(range(symbols)),
            "idle":        In(1),
            "name":        In(NAME_BITS),
            "name_symbol": In(16),
            "set_name":    In(1),
            "names_full":  Out(1),
            "cleared":     Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        form = FewNames if self.symbols <= FEW_SYMBOLS else ManyNames
        m.submodules.names = names = form(self.symbols)

        waits, asks = Signal(), Signal()
        m.d.comb += [
            asks.eq(waits & self.idle & names.cleared),
            names.name.eq(Mux(asks, names.w_name, self.stock)),
            self.named.eq(names.named),
            self.symbol.eq(names.symbol),
            self.cleared.eq(names.cleared),
        ]
        m.d.sync += names.w_en.eq(asks)
        with m.If(asks):
            m.d.sync += waits.eq(0)
        with m.If(self.set_name):
            m.d.sync += waits.eq(1)
            m.d.sync += names.w_name.eq(self.name), names.w_symbol.eq(self.name_symbol)
            with m.If(waits | names.w_en | (self.name_symbol >= self.symbols)):
                m.d.sync += waits.eq(0), self.names_full.eq(1)
        with m.If(names.w_full):
            m.d.sync += self.names_full.eq(1)

        return m
