"""Which locate is which watched symbol."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.feed.messages import ItchMessage

__all__ = ["LOCATE_BITS", "NAME_BITS", "Directory", "LocateMap", "NameTable", "name_row"]

LOCATE_BITS = 8 * ItchMessage.field("locate").size
NAME_BITS = 64
NAME_WAYS = 4
ROW_LOCATES = 16  # locates a row of the map, so that it is cleared in fewer cycles


def name_row(name, bits: int):
    """Return the row of the name table for a name, as a number or as a value of the gateware.

    The name, its first character lowest, is cut into pieces of ``bits`` bits that are joined by
    exclusive or.
    """
    row = 0
    for at in range(0, NAME_BITS, bits):
        row = (name >> at) ^ row
    return row & ((1 << bits) - 1)


class LocateMap(wiring.Component):
    """Holds the symbol of every locate; cleared after reset.

    Latency: 1 cycle from a locate to what it is mapped to; an entry written in the cycle of a
    lookup is what the lookup finds. Throughput: 1 lookup and 1 write per cycle.

    Members
    -------
    locate : ``In(16)``
        Locate to look up.
    mapped, symbol : ``Out(1)``, ``Out(range(symbols))``
        A cycle later: it is mapped, to this symbol.
    w_en, w_locate, w_mapped, w_symbol : ``In``
        Set the entry of a locate.
    cleared : ``Out(1)``
        All entries have been cleared since reset; until then writes are lost.
    """

    def __init__(self, symbols: int):
        self.symbols = symbols
        super().__init__({
            "locate":   In(LOCATE_BITS),
            "mapped":   Out(1),
            "symbol":   Out(range(symbols)),
            "w_en":     In(1),
            "w_locate": In(LOCATE_BITS),
            "w_mapped": In(1),
            "w_symbol": In(range(symbols)),
            "cleared":  Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        entry = data.StructLayout({"mapped": 1, "symbol": range(self.symbols)})
        row = data.ArrayLayout(entry, ROW_LOCATES)
        m.submodules.rows = rows = Memory(shape=row, depth=2**LOCATE_BITS // ROW_LOCATES, init=[])
        write = rows.write_port(granularity=1)
        read = rows.read_port(transparent_for=(write,))

        lane_bits = (ROW_LOCATES - 1).bit_length()
        lane = Signal(lane_bits)
        walk = Signal(LOCATE_BITS - lane_bits)
        m.d.sync += lane.eq(self.locate[:lane_bits])
        m.d.comb += [
            read.addr.eq(self.locate[lane_bits:]),
            self.mapped.eq(read.data[lane].mapped),
            self.symbol.eq(read.data[lane].symbol),
        ]
        with m.If(self.cleared):
            m.d.comb += write.addr.eq(self.w_locate[lane_bits:])
            for index in range(ROW_LOCATES):
                m.d.comb += [
                    write.data[index].mapped.eq(self.w_mapped),
                    write.data[index].symbol.eq(self.w_symbol),
                    write.en[index].eq(self.w_en & (self.w_locate[:lane_bits] == index)),
                ]
        with m.Else():
            m.d.comb += write.addr.eq(walk), write.en.eq(~0)
            m.d.sync += walk.eq(walk + 1), self.cleared.eq(walk.all())

        return m


class NameTable(wiring.Component):
    """Finds the symbol that bears a name; cleared after reset.

    Four names fit in a row; `name_row` says which row is a name's. A name that is kept already is
    given to the new symbol. A new name waits until no message is under way, for lookups come first.

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
        All rows have been cleared since reset; until then no name is kept.
    """

    def __init__(self, symbols: int):
        self.symbols = symbols
        self.row_bits = max(9, (8 * symbols - 1).bit_length())  # mostly empty, so hardly ever full
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

        entry = data.StructLayout({"used": 1, "name": NAME_BITS, "symbol": range(self.symbols)})
        row = data.ArrayLayout(entry, NAME_WAYS)
        m.submodules.rows = rows = Memory(shape=row, depth=2**self.row_bits, init=[])
        write = rows.write_port(granularity=1)
        read = rows.read_port()

        new = Signal(entry)       # the name to be kept
        waits, reads = Signal(), Signal()
        looked = Signal(NAME_BITS)
        same, free = Signal(NAME_WAYS), Signal(NAME_WAYS)
        wanted = Mux(reads, new.name, looked)
        for way in range(NAME_WAYS):
            found = read.data[way]
            m.d.comb += same[way].eq(found.used & (found.name == wanted))
            m.d.comb += free[way].eq(~found.used)
            with m.If(same[way]):
                m.d.comb += self.symbol.eq(found.symbol)
        m.d.comb += self.named.eq(same.any())

        asks = waits & self.idle & self.cleared
        m.d.comb += read.addr.eq(name_row(Mux(asks, new.name, self.stock), self.row_bits))
        m.d.sync += looked.eq(self.stock), reads.eq(asks)
        with m.If(asks):
            m.d.sync += waits.eq(0)
        with m.If(self.set_name):
            m.d.sync += waits.eq(1), new.used.eq(1), new.name.eq(self.name)
            m.d.sync += new.symbol.eq(self.name_symbol)
            with m.If(waits | reads | (self.name_symbol >= self.symbols)):
                m.d.sync += waits.eq(0), self.names_full.eq(1)
        with m.If(reads & ~same.any() & ~free.any()):
            m.d.sync += self.names_full.eq(1)

        walk = Signal(self.row_bits)
        with m.If(self.cleared):
            m.d.comb += write.addr.eq(name_row(new.name, self.row_bits))
            for way in range(NAME_WAYS):
                takes = Mux(same.any(), same[way], free[way] & ~free[:way].any())
                m.d.comb += write.data[way].eq(new), write.en[way].eq(reads & takes)
        with m.Else():
            m.d.comb += write.addr.eq(walk), write.en.eq(~0)
            m.d.sync += walk.eq(walk + 1), self.cleared.eq(walk.all())

        return m


class Directory(wiring.Component):
    """Keeps the locate map, as the host and the directory messages of the feed fill it.

    A directory message maps its locate to the symbol that its stock is watched as, if neither is
    mapped yet. If it says otherwise than the map, the map stays as it is, and the symbols concerned
    are told: that of the stock first.

    Latency: 1 cycle from a locate to its symbol. What a directory message maps is found by a lookup
    2 cycles after that of the message itself.

    Members
    -------
    wanted : ``In(16)``
        Locate to look up.
    mapped, symbol : ``Out(1)``, ``Out(range(symbols))``
        A cycle later: it is mapped, to this symbol.
    listing : ``In(1)``
        What was looked up in the cycle before was the locate of a directory message,
    stock_named, stock_symbol : ``In(1)``, ``In(range(symbols))``
        whose stock is watched, as this symbol.
    clash, clash_symbol : ``Out(1)``, ``Out(range(symbols))``
        In the same cycle: it contradicts the map, to the harm of this symbol,
    second, second_symbol : ``Out(1)``, ``Out(range(symbols))``
        and of this one.
    locate, locate_symbol, locate_valid, set_locate
        As in `FeedRegs`.
    cleared : ``Out(1)``
        The map has been cleared since reset.
    """

    def __init__(self, symbols: int):
        self.symbols = symbols
        super().__init__({
            "wanted":        In(LOCATE_BITS),
            "mapped":        Out(1),
            "symbol":        Out(range(symbols)),
            "listing":       In(1),
            "stock_named":   In(1),
            "stock_symbol":  In(range(symbols)),
            "clash":         Out(1),
            "clash_symbol":  Out(range(symbols)),
            "second":        Out(1),
            "second_symbol": Out(range(symbols)),
            "locate":        In(LOCATE_BITS),
            "locate_symbol": In(16),
            "locate_valid":  In(1),
            "set_locate":    In(1),
            "cleared":       Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.locates = locates = LocateMap(self.symbols)

        bound = Signal(self.symbols)  # symbols that a locate is mapped to
        looked = Signal(LOCATE_BITS)
        named, symbol = self.stock_named, self.stock_symbol
        differ, binds = Signal(), Signal()
        m.d.sync += looked.eq(self.wanted)
        m.d.comb += [
            locates.locate.eq(self.wanted),
            self.mapped.eq(locates.mapped),
            self.symbol.eq(locates.symbol),
            self.cleared.eq(locates.cleared),
            differ.eq(locates.mapped & (locates.symbol != symbol)),
            binds.eq(self.listing & named & ~locates.mapped & ~bound.bit_select(symbol, 1)),
            self.clash.eq(self.listing & Mux(
                named, Mux(locates.mapped, differ, bound.bit_select(symbol, 1)), locates.mapped)),
            self.clash_symbol.eq(Mux(named, symbol, locates.symbol)),
            self.second.eq(self.listing & named & differ),
            self.second_symbol.eq(locates.symbol),
        ]

        host = Signal(data.StructLayout({
            "waits": 1, "locate": LOCATE_BITS, "mapped": 1, "symbol": range(self.symbols),
        }))
        m.d.sync += locates.w_en.eq(binds | host.waits)
        with m.If(binds):
            m.d.sync += [
                locates.w_locate.eq(looked),
                locates.w_mapped.eq(1),
                locates.w_symbol.eq(symbol),
                bound.bit_select(symbol, 1).eq(1),
            ]
        with m.Elif(host.waits):
            m.d.sync += [
                locates.w_locate.eq(host.locate),
                locates.w_mapped.eq(host.mapped),
                locates.w_symbol.eq(host.symbol),
                bound.bit_select(host.symbol, 1).eq(host.mapped),
                host.waits.eq(0),
            ]
        with m.If(self.set_locate):
            m.d.sync += [
                host.waits.eq(self.locate_symbol < self.symbols),
                host.locate.eq(self.locate),
                host.mapped.eq(self.locate_valid),
                host.symbol.eq(self.locate_symbol),
            ]

        return m
