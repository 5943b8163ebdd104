"""Where orders are kept."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.book.operations import SHARES_BITS, TICK_BITS
from tickwright.book.walker import Walk
from tickwright.feed.types import Side

__all__ = ["TABLES", "WAYS", "OrderEntry", "OrderTable", "fold"]

TABLES = 2
WAYS = 4
REFERENCE_BITS = 64


def OrderEntry(symbols: int) -> data.StructLayout:
    """What the book knows of an order."""
    return data.StructLayout({
        "symbol": range(symbols),
        "side":   Side,
        "tick":   TICK_BITS,
        "shares": SHARES_BITS,  # that remain
    })


def fold(reference: Value, bits: int, turn: int) -> Value:
    """Return ``bits`` bits of a reference: its pieces, each turned ``turn`` bits on, by XOR.

    While all pieces but one are the same, no two references give the same.
    """
    folded = C(0, bits)
    for index, start in enumerate(range(0, REFERENCE_BITS, bits)):
        folded ^= Cat(reference[start:start + bits], C(0, bits))[:bits].rotate_left(turn * index)
    return folded


class OrderTable(wiring.Component):
    """Finds an order by its reference, and keeps what becomes of it.

    There are two tables of four ways; an order may lie in one row of each, in any way. The full
    reference is compared, so nothing is ever taken for another. A new order goes to the row with
    fewer orders. ::

        cycle   0                  1                        2
        reference ──▶ [ 8 reads ] ──▶ [ compare, choose ] ──▶ found, entry ──▶ write, new
                          ▲                                                        │
                          └──────────────── seen by reads from cycle 2 on ─────────┘

    Latency: 2 cycles. Throughput: 1 order in 2 cycles, each with a write.

    Members
    -------
    walk : ``In(Walk(...))``
        Clears the table.
    reference : ``In(64)``
        Order to look up, in cycle 0.
    found : ``Out(1)``
        It is in the table; in cycle 2.
    entry : ``Out(OrderEntry(symbols))``
        What is known of it, 0 where it is not found; in cycle 2.
    free : ``Out(1)``
        There is a way for it where it is not found; in cycle 2.
    write : ``In(1)``
        Keep ``new`` as the entry; in cycle 2. One must be found or free.
    remove : ``In(1)``
        Forget the order; in cycle 2.
    new : ``In(OrderEntry(symbols))``
        Entry to keep.
    """

    def __init__(self, preset, walk_bits: int):
        self._symbols = preset.symbols
        self._row_bits = (preset.orders // (TABLES * WAYS)).bit_length() - 1
        if self._row_bits < 1:
            raise ValueError(f"orders is {preset.orders}, expected at least {2 * TABLES * WAYS}")
        entry = OrderEntry(preset.symbols)
        super().__init__({
            "walk":      In(Walk(walk_bits)),
            "reference": In(REFERENCE_BITS),
            "found":     Out(1),
            "entry":     Out(entry),
            "free":      Out(1),
            "write":     In(1),
            "remove":    In(1),
            "new":       In(entry),
        })

    def elaborate(self, platform):
        m = Module()

        bits = self._row_bits
        before = [Signal(REFERENCE_BITS, name=f"reference_{cycle}") for cycle in (1, 2)]
        rows = [fold(self.reference, bits, turn) for turn in range(TABLES)]
        m.d.sync += Cat(before).eq(Cat(self.reference, before[0]))

        hits, taken, entry = [], [], 0
        chosen = Signal(TABLES * WAYS)  # the way found, or else the free one to use
        for table, row in enumerate(rows):
            rows_before = [Signal(bits, name=f"row_{table}_{cycle}") for cycle in (1, 2)]
            m.d.sync += Cat(rows_before).eq(Cat(row, rows_before[0]))
            for way in range(WAYS):
                write, found = self._way(m, table, way, row)
                with m.If(self.walk.active):
                    m.d.comb += write.addr.eq(self.walk.row)
                    m.d.comb += write.en.eq(1)
                with m.Else():
                    m.d.comb += [
                        write.addr.eq(rows_before[1]),
                        write.en.eq((self.write | self.remove) & chosen[table * WAYS + way]),
                        write.data.valid.eq(~self.remove),
                        write.data.reference.eq(before[1]),
                        write.data.entry.eq(self.new),
                    ]
                hit = Signal(name=f"hit_{table}_{way}")
                m.d.comb += hit.eq(found.valid & (found.reference == before[0]))
                hits.append(hit)
                taken.append(found.valid)
                entry |= Mux(hit, found.entry.as_value(), 0)

        free = self._free(m, taken)
        m.d.sync += [
            self.found.eq(Cat(hits).any()),
            self.free.eq(free.any()),
            self.entry.as_value().eq(entry),
            chosen.eq(Mux(Cat(hits).any(), Cat(hits), free)),
        ]

        return m

    def _way(self, m, table, way, row):
        """Make the memory of a way; give its write port and what it reads."""
        shape = data.StructLayout({
            "valid":     1,
            "reference": REFERENCE_BITS,
            "entry":     OrderEntry(self._symbols),
        })
        memory = Memory(shape=shape, depth=1 << self._row_bits, init=[])
        m.submodules[f"table_{table}_way_{way}"] = memory
        write = memory.write_port()
        read = memory.read_port(transparent_for=[write])
        m.d.comb += read.addr.eq(row)
        return write, read.data

    def _free(self, m, taken):
        """Choose one free way, in the table where fewer are taken; give all ways, at most one 1."""
        firsts, counts = [], []
        for table in range(TABLES):
            ways = Cat(taken[table * WAYS:(table + 1) * WAYS])
            firsts.append(~ways & (ways + 1)[:WAYS])
            counts.append(sum(ways))
        lower = Signal()
        m.d.comb += lower.eq(counts[0] <= counts[1])
        return Cat(Mux(lower, firsts[0], 0), Mux(lower, 0, firsts[1]))
