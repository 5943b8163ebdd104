"""Which level is the best."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.book.operations import Change, Touch
from tickwright.book.walker import Walk
from tickwright.core.onehot import position
from tickwright.feed.types import Side

__all__ = ["BestFinder"]


class BestFinder(wiring.Component):
    """Keeps a bit a level, which is 1 where orders rest, and finds the best level of a side.

    The bits of a side are a row. A sell level has the place of its number, a buy level that of its
    complement; so of both the best is the lowest place counted from a start that the window gives,
    round the end of the row. ::

        cycle -1              0                     1                  2
        side_row ──▶ [ read ] ──▶ [ set or clear, ──▶ [ first group ──▶ [ first bit ] ──▶ touch
                                   from start on ]     with a bit ]

    Latency: 2 cycles. Throughput: 1 change in 2 cycles.

    Members
    -------
    walk : ``In(Walk(...))``
        Clears the rows.
    side_row : ``In(log2(symbols) + 1)``
        Side and symbol of the change that comes in the next cycle.
    changes : ``In(stream.Signature(Change(symbols), always_ready=True))``
        How levels stand, in cycle 0.
    touches : ``Out(stream.Signature(Touch(symbols, window), always_ready=True))``
        The change and the best level, in cycle 2.
    """

    def __init__(self, preset, walk_bits: int):
        if preset.window < 4:
            raise ValueError(f"window is {preset.window}, expected at least 4")
        symbols, window = preset.symbols, preset.window
        self._bits       = window.bit_length() - 1
        self._low_bits   = (self._bits + 1) // 2   # of a place within its group
        self._groups     = window >> self._low_bits
        super().__init__({
            "walk":     In(Walk(walk_bits)),
            "side_row": In(symbols.bit_length()),
            "changes":  In(stream.Signature(Change(symbols), always_ready=True)),
            "touches":  Out(stream.Signature(Touch(symbols, window), always_ready=True)),
        })

    def elaborate(self, platform):
        m = Module()

        row, after = self._change_row(m)
        valid      = Signal()
        one, two   = Signal(self.changes.p.shape()), Signal(self.changes.p.shape())
        m.d.sync += valid.eq(self.changes.valid)
        m.d.sync += self.touches.valid.eq(valid)
        with m.If(self.changes.valid):
            m.d.sync += one.eq(self.changes.p)
        with m.If(valid):
            m.d.sync += two.eq(one)

        # Cycle 1. What is not at or after the start lies before it, so its row needs no mask.
        found, word, group = Signal(), Signal(1 << self._low_bits), Signal(range(self._groups))
        any_row, any_after = Signal(self._groups), Signal(self._groups)
        first_row, first_after, first = (Signal(self._groups) for _ in range(3))
        m.d.comb += [
            any_row.eq(Cat(bits.any() for bits in row)),
            any_after.eq(Cat(bits.any() for bits in after)),
            first_row.eq(_lowest(any_row)),
            first_after.eq(_lowest(any_after)),
            first.eq(Mux(any_after.any(), first_after, first_row)),
        ]
        with m.If(valid):
            m.d.sync += found.eq(any_row.any())
            m.d.sync += group.eq(position(first))
            m.d.sync += word.eq(Mux(any_after.any(), _pick(after, first_after),
                                    _pick(row, first_row)))

        # Cycle 2.
        bit, place = Signal(1 << self._low_bits), Signal(self._bits)
        m.d.comb += [
            bit.eq(_lowest(word)),
            place.eq(Cat(position(bit), group)),
            self.touches.p.change.eq(two),
            self.touches.p.found.eq(found),
            self.touches.p.level.eq(Mux(two.effect.side == Side.SELL, place, ~place)),
        ]

        return m

    def _change_row(self, m):
        """Set or clear a bit of the row; give its groups, and the part from the start on."""
        shape = data.ArrayLayout(1 << self._low_bits, self._groups)
        m.submodules.rows = rows = Memory(shape=shape, depth=1 << len(self.side_row), init=[],
                                          attrs={"ram_style": "block"})
        write, read = rows.write_port(), rows.read_port()
        change, effect = self.changes.p, self.changes.p.effect
        is_sell = effect.side == Side.SELL
        place, start = Signal(self._bits), Signal(self._bits)
        m.d.comb += [
            read.addr.eq(self.side_row),
            read.en.eq(~write.en),  # block RAM: no row is read for a change while one is written
            place.eq(Mux(is_sell, effect.tick, ~effect.tick)),
            start.eq(Mux(is_sell, effect.base_tick, -effect.base_tick)),
        ]

        changes = change.appeared | change.vanished
        size = 1 << self._low_bits
        bit, from_start = Signal(size), Signal(size)
        m.d.comb += bit.eq(1 << place[:self._low_bits])
        m.d.comb += from_start.eq(~((1 << start[:self._low_bits]) - 1))

        row, after = [], []
        for index in range(self._groups):
            bits = Signal(size, name=f"bits_{index}")
            here, start_here = Signal(name=f"here_{index}"), Signal(size, name=f"start_{index}")
            m.d.comb += [
                bits.eq((read.data[index] | Mux(here & change.appeared, bit, 0))
                        & ~Mux(here & change.vanished, bit, 0)),
                here.eq(place[self._low_bits:] == index),
            ]
            with m.If(start[self._low_bits:] == index):
                m.d.comb += start_here.eq(from_start)
            with m.Elif(start[self._low_bits:] < index):
                m.d.comb += start_here.eq((1 << size) - 1)
            row.append(Signal(size, name=f"row_{index}"))
            after.append(Signal(size, name=f"after_{index}"))
            m.d.comb += write.data[index].eq(Mux(self.walk.active, 0, bits))
            with m.If(self.changes.valid):
                m.d.sync += row[index].eq(bits)
                m.d.sync += after[index].eq(bits & start_here)

        m.d.comb += write.en.eq(self.walk.active | self.changes.valid & changes)
        m.d.comb += write.addr.eq(Mux(self.walk.active, self.walk.row,
                                      Cat(effect.side, effect.operation.symbol)))
        return row, after


def _lowest(bits: Value) -> Value:
    """Return the lowest bit that is 1, alone."""
    return (bits & -bits)[:len(bits)]


def _pick(groups: list[Value], one_hot: Value) -> Value:
    """Return the group whose bit is 1, or 0."""
    picked = C(0, len(groups[0]))
    for group, bit in zip(groups, one_hot, strict=True):
        picked |= Mux(bit, group, 0)
    return picked
