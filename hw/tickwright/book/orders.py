"""Where orders are kept."""

from amaranth import *
from amaranth.lib import data, stream, wiring
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

    There are two tables of four ways; an order may lie in one row of each, in any way. A row and
    the rest of a reference leave no doubt of its first piece, so the rest alone is kept and
    compared, and nothing is ever taken for another. A new order goes to the row with fewer orders.

    What is to be written waits, seen as one more way, for the cycle after the next reference. In
    that cycle nothing is read; so no memory is ever read and written at once, which block RAMs do
    not agree on. ::

        cycle    0                  1                        2
        references ─▶ [ 8 reads ] ──▶ [ compare, choose ] ──▶ found, entry ──▶ write, new
                           ▲              ▲                                        │
                           │              └── the same order, the same row ◀──┐    │
                           └──── write, in cycle 1 of the next reference ◀── [ waits ]

    Latency: 2 cycles. Throughput: 1 order in 2 cycles, each with a write.

    Members
    -------
    walk : ``In(Walk(...))``
        Clears the table.
    references : ``In(stream.Signature(64, always_ready=True))``
        Orders to look up, at least 2 cycles apart, in cycle 0.
    found : ``Out(1)``
        It is in the table; in cycle 2.
    entry : ``Out(OrderEntry(symbols))``
        What is known of it, 0 where it is not found; in cycle 2.
    free : ``Out(1)``
        There is a way for it where it is not found; in cycle 2.
    write : ``In(1)``
        Keep ``new`` as the entry; in cycle 2. One must be found or free.
    remove : ``In(1)``
        Forget the order, which is found; in cycle 2, and not with ``write``.
    new : ``In(OrderEntry(symbols))``
        Entry to keep.
    """

    def __init__(self, preset, walk_bits: int):
        self._row_bits = (preset.orders // (TABLES * WAYS)).bit_length() - 1
        if self._row_bits < 1:
            raise ValueError(f"orders is {preset.orders}, expected at least {2 * TABLES * WAYS}")
        entry = OrderEntry(preset.symbols)
        self._shape = data.StructLayout({
            "valid": 1,
            "rest":  REFERENCE_BITS - self._row_bits,  # of the reference
            "entry": entry,
        })
        super().__init__({
            "walk":       In(Walk(walk_bits)),
            "references": In(stream.Signature(REFERENCE_BITS, always_ready=True)),
            "found":      Out(1),
            "entry":      Out(entry),
            "free":       Out(1),
            "write":      In(1),
            "remove":     In(1),
            "new":        In(entry),
        })

    def elaborate(self, platform):
        m = Module()

        looked, due = Signal(), Signal()  # cycles 1 and 2 of an order
        rest        = Signal(self._shape["rest"].shape)
        hits, free  = Signal(TABLES * WAYS), Signal(TABLES * WAYS)  # in each at most one 1
        m.d.sync += [looked.eq(self.references.valid), due.eq(looked)]
        with m.If(self.references.valid):
            m.d.sync += rest.eq(self.references.p[self._row_bits:])

        kept  = Signal(self._shape)    # what waits to be written
        waits = Signal(TABLES * WAYS)  # the way it waits for, if any
        with m.If(due):
            m.d.sync += [
                kept.valid.eq(self.write),
                kept.rest.eq(rest),
                kept.entry.eq(self.new),
                waits.eq(Mux(self.write | self.remove, Mux(self.found, hits, free), 0)),
            ]

        reads, near = [], []
        for table in range(TABLES):
            ways = waits[table * WAYS:(table + 1) * WAYS]
            table_reads, same_row = self._table(m, table, looked, due, kept, ways)
            reads += table_reads
            near.append(same_row)
        again = Signal()  # the order is the one that waits
        m.d.comb += again.eq(kept.valid & near[0] & (kept.rest == rest))

        equal, taken, entry = [], [], Mux(again, kept.entry.as_value(), 0)
        for way, read in enumerate(reads):
            stale, hit = Signal(name=f"stale_{way}"), Signal(name=f"hit_{way}")
            m.d.comb += stale.eq(waits[way] & near[way // WAYS])
            m.d.comb += hit.eq(read.valid & ~stale & (read.rest == rest))
            equal.append(hit)
            taken.append(Mux(stale, kept.valid, read.valid))
            entry |= Mux(hit, read.entry.as_value(), 0)
        m.d.sync += [
            hits.eq(Cat(equal) | Mux(again, waits, 0)),
            free.eq(self._free(m, taken)),
            self.found.eq(Cat(equal).any() | again),
            self.free.eq(~Cat(taken).all()),
            self.entry.as_value().eq(entry),
        ]

        return m

    def _table(self, m, table, looked, due, kept, waits):
        """Make the ways of a table; give what they read, and if what waits is for the same row."""
        read_row = fold(self.references.p, self._row_bits, table)
        row, kept_row = (Signal(self._row_bits, name=f"{name}_{table}")
                         for name in ("row", "kept_row"))
        with m.If(self.references.valid):
            m.d.sync += row.eq(read_row)
        with m.If(due):
            m.d.sync += kept_row.eq(row)

        reads = []
        for way in range(WAYS):
            memory = Memory(shape=self._shape, depth=1 << self._row_bits, init=[])
            m.submodules[f"table_{table}_way_{way}"] = memory
            write, read = memory.write_port(), memory.read_port()
            m.d.comb += [
                read.addr.eq(read_row),
                read.en.eq(~looked & ~self.walk.active),
                write.addr.eq(Mux(self.walk.active, self.walk.row, kept_row)),
                write.data.eq(kept),
                write.en.eq(self.walk.active | looked & waits[way]),
            ]
            reads.append(read.data)
        return reads, row == kept_row

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
