"""Which locate is which watched symbol."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.core.onehot import position
from tickwright.feed.messages import ItchMessage

__all__ = ["FEW_SYMBOLS", "LOCATE_BITS", "Directory", "FewLocates", "LocateMap", "ManyLocates"]

LOCATE_BITS = 8 * ItchMessage.field("locate").size
FEW_SYMBOLS = 32
"""Up to so many symbols it takes less to compare with each than to look up in block RAM."""


class LocateMap(wiring.Component):
    """Holds the locate of every symbol, and finds the symbol of a locate.

    A symbol has one locate at most, and a locate one symbol. A write gives a symbol a locate in
    place of the one that it had. Nothing is mapped after reset.

    Latency: 1 cycle from a locate to what it is mapped to; an entry written in the cycle of a
    lookup is what the lookup finds. Throughput: 1 lookup and 1 write per cycle.

    Members
    -------
    locate : ``In(16)``
        Locate to look up.
    mapped, symbol : ``Out(1)``, ``Out(range(symbols))``
        A cycle later: it is mapped, to this symbol.
    asked, bound : ``In(range(symbols))``, ``Out(1)``
        In the same cycle: this symbol has a locate.
    w_en, w_symbol, w_mapped, w_locate : ``In``
        The symbol gets the locate, or none if not ``w_mapped``.
    w_moves : ``In(1)``
        With a write: the locate may be another symbol's, which loses it. In this cycle ``mapped``
        and ``symbol`` do not hold.
    """

    def __init__(self, symbols: int):
        self.symbols = symbols
        super().__init__({
            "locate":   In(LOCATE_BITS),
            "mapped":   Out(1),
            "symbol":   Out(range(symbols)),
            "asked":    In(range(symbols)),
            "bound":    Out(1),
            "w_en":     In(1),
            "w_symbol": In(range(symbols)),
            "w_mapped": In(1),
            "w_locate": In(LOCATE_BITS),
            "w_moves":  In(1),
        })


class FewLocates(LocateMap):
    """The map for few symbols: a locate is compared with that of each at once."""

    def elaborate(self, platform):
        m = Module()

        bound, found = Signal(self.symbols), Signal(self.symbols)
        looked = Signal(LOCATE_BITS)
        m.d.sync += looked.eq(self.locate)
        m.d.comb += [
            self.bound.eq(bound.bit_select(self.asked, 1)),
            self.mapped.eq(found.any()),
            self.symbol.eq(position(found)),
        ]
        wanted = Mux(self.w_moves, self.w_locate, looked)
        for index in range(self.symbols):
            locate = Signal(LOCATE_BITS, name=f"locate_{index}")
            m.d.comb += found[index].eq(bound[index] & (locate == wanted))
            with m.If(self.w_en & (self.w_symbol == index)):
                m.d.sync += locate.eq(self.w_locate), bound[index].eq(self.w_mapped)
            with m.Elif(self.w_en & self.w_moves & found[index]):
                m.d.sync += bound[index].eq(0)

        return m


class ManyLocates(LocateMap):
    """The map for many symbols: one memory has a symbol for each locate, one the reverse.

    A locate is mapped if the symbol of its entry is bound, and to this very locate. So entries need
    not be cleared: neither after reset, nor when their symbol gets another locate.
    """

    def elaborate(self, platform):
        m = Module()

        m.submodules.of_locate = of_locate = Memory(
            shape=range(self.symbols), depth=2**LOCATE_BITS, init=[])
        m.submodules.of_symbol = of_symbol = Memory(
            shape=LOCATE_BITS, depth=self.symbols, init=[])
        w_symbol, w_locate = of_locate.write_port(), of_symbol.write_port()
        owner, former = of_locate.read_port(transparent_for=(w_symbol,)), of_locate.read_port()
        bound, left = Signal(self.symbols), Signal(self.symbols)

        def find(port, locate, bound):
            """Return whether a locate is mapped that was looked up in the cycle before."""
            looked = Signal(LOCATE_BITS)
            back = of_symbol.read_port(domain="comb")
            m.d.sync += looked.eq(locate)
            m.d.comb += port.addr.eq(locate), back.addr.eq(port.data)
            return bound.bit_select(port.data, 1) & (back.data == looked)

        # The symbol that had the locate of a write is known in the cycle after it.
        moved, new = Signal(), Signal(range(self.symbols))
        m.d.sync += moved.eq(self.w_en & self.w_moves), new.eq(self.w_symbol)
        m.d.comb += left.eq(bound)
        with m.If(moved & find(former, self.w_locate, bound) & (former.data != new)):
            m.d.comb += left.bit_select(former.data, 1).eq(0)
        m.d.sync += bound.eq(left)
        with m.If(self.w_en):
            m.d.sync += bound.bit_select(self.w_symbol, 1).eq(self.w_mapped)

        m.d.comb += [
            self.mapped.eq(find(owner, self.locate, left)),
            self.symbol.eq(owner.data),
            self.bound.eq(left.bit_select(self.asked, 1)),
            w_symbol.addr.eq(self.w_locate),
            w_symbol.data.eq(self.w_symbol),
            w_symbol.en.eq(self.w_en & self.w_mapped),
            w_locate.addr.eq(self.w_symbol),
            w_locate.data.eq(self.w_locate),
            w_locate.en.eq(self.w_en & self.w_mapped),
        ]

        return m


class Directory(wiring.Component):
    """Keeps the locate map, as the host and the directory messages of the feed fill it.

    A directory message maps its locate to the symbol that its stock is watched as, if neither is
    mapped yet. If it says otherwise than the map, the map stays as it is, and the symbols concerned
    are told: that of the stock first.

    What the host sets frees the locate and the symbol of all else. It waits for a cycle in which no
    message needs the map.

    Latency: 1 cycle from a locate to its symbol. What a directory message maps is found by a lookup
    2 cycles after that of the message itself.

    Members
    -------
    wanted : ``In(16)``
        Locate to look up.
    mapped, symbol : ``Out(1)``, ``Out(range(symbols))``
        A cycle later: it is mapped, to this symbol.
    needed : ``In(1)``
        What was looked up in the cycle before was the locate of a message,
    listing : ``In(1)``
        and that a directory message,
    stock_named, stock_symbol : ``In(1)``, ``In(range(symbols))``
        whose stock is watched, as this symbol.
    clash, clash_symbol : ``Out(1)``, ``Out(range(symbols))``
        In the same cycle: it contradicts the map, to the harm of this symbol,
    second, second_symbol : ``Out(1)``, ``Out(range(symbols))``
        and of this one.
    locate, locate_symbol, locate_valid, set_locate
        As in `FeedRegs`.
    """

    def __init__(self, symbols: int):
        self.symbols = symbols
        super().__init__({
            "wanted":        In(LOCATE_BITS),
            "mapped":        Out(1),
            "symbol":        Out(range(symbols)),
            "needed":        In(1),
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
        })

    def elaborate(self, platform):
        m = Module()

        form = FewLocates if self.symbols <= FEW_SYMBOLS else ManyLocates
        m.submodules.locates = locates = form(self.symbols)

        looked = Signal(LOCATE_BITS)
        named, symbol = self.stock_named, self.stock_symbol
        differ, binds = Signal(), Signal()
        m.d.sync += looked.eq(self.wanted)
        m.d.comb += [
            locates.locate.eq(self.wanted),
            self.mapped.eq(locates.mapped),
            self.symbol.eq(locates.symbol),
            locates.asked.eq(symbol),
            differ.eq(locates.mapped & (locates.symbol != symbol)),
            binds.eq(self.listing & named & ~locates.mapped & ~locates.bound),
            self.clash.eq(self.listing & Mux(
                named, Mux(locates.mapped, differ, locates.bound), locates.mapped)),
            self.clash_symbol.eq(Mux(named, symbol, locates.symbol)),
            self.second.eq(self.listing & named & differ),
            self.second_symbol.eq(locates.symbol),
        ]

        entry = data.StructLayout({
            "waits": 1, "locate": LOCATE_BITS, "mapped": 1, "symbol": range(self.symbols),
        })
        learned, host = Signal(entry), Signal(entry)
        m.d.comb += [
            locates.w_moves.eq(host.waits & ~learned.waits & ~self.needed),
            locates.w_en.eq(learned.waits | locates.w_moves),
        ]
        for name in ("locate", "mapped", "symbol"):
            m.d.comb += getattr(locates, f"w_{name}").eq(
                Mux(learned.waits, learned[name], host[name]))
        m.d.sync += [
            learned.waits.eq(binds),
            learned.locate.eq(looked),
            learned.mapped.eq(1),
            learned.symbol.eq(symbol),
        ]
        with m.If(locates.w_moves):
            m.d.sync += host.waits.eq(0)
        with m.If(self.set_locate):
            m.d.sync += [
                host.waits.eq(self.locate_symbol < self.symbols),
                host.locate.eq(self.locate),
                host.mapped.eq(self.locate_valid),
                host.symbol.eq(self.locate_symbol),
            ]

        return m
