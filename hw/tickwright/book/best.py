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
    round the end of the row.

    The row is looked at in groups. The one with the start comes first with what lies from the start
    on, which is cut out beside the change of the row, and last with what lies before; all others
    count whole. ::

        cycle -1              0                    1                  2
        side_row ──▶ [ read ] ──▶ [ set or clear, ──▶ [ first group ──▶ [ first bit ] ──▶ touch
                                    cut out ]           with a bit ]

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

        row, after, at_start = self._change_row(m)
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
        first = Signal(self._groups)
        m.d.comb += first.eq(Mux(after.any(), _lowest(after), _lowest(row.taken)))
        with m.If(valid):
            m.d.sync += found.eq(row.taken.any())
            m.d.sync += group.eq(position(first))
            m.d.sync += word.eq(_pick(row.groups, first))
            with m.If(at_start.any()):
                start = _place(one.effect, one.effect.base_tick)
                m.d.sync += group.eq(start[self._low_bits:self._bits])
                m.d.sync += word.eq(at_start)

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
        """Set or clear a bit of the row.

        Give the row and which of its groups have a bit, which of those come after the group with
        the start, and what of that group lies from the start on; all in cycle 1.
        """
        change, effect = self.changes.p, self.changes.p.effect
        place, start   = Signal(self._bits), Signal(self._bits)
        bit, starts    = Signal(1 << self._low_bits), Signal(self._groups)
        m.d.comb += [
            place.eq(_place(effect, effect.tick)),
            start.eq(_place(effect, effect.base_tick)),
            bit.eq(1 << place[:self._low_bits]),
            starts.eq(1 << start[self._low_bits:]),
        ]
        before, now = self._keep_rows(m, place[self._low_bits:], bit)

        # The group with the start is picked as it was, and then changed by itself.
        near, word = Signal(), Signal(len(bit))
        m.d.comb += near.eq(place[self._low_bits:] == start[self._low_bits:])
        m.d.comb += word.eq(_pick(before, starts))

        row = Signal(data.StructLayout({"groups": now.shape(), "taken": self._groups}))
        after, at_start = Signal(self._groups), Signal(len(bit))
        with m.If(self.changes.valid):
            for index, group in enumerate(now):
                m.d.sync += row.taken[index].eq(group.any())
                m.d.sync += after[index].eq(group.any() & (start[self._low_bits:] < index))
            m.d.sync += row.groups.eq(now)
            m.d.sync += at_start.eq(
                _changed(word, bit, near & change.appeared, near & change.vanished)
                & _from_start(effect, start[:self._low_bits]))
        return row, after, at_start

    def _keep_rows(self, m, here, bit):
        """Make the store of rows; give the row of the change before it and after it.

        While a row is cleared, each group of it is set and cleared at once, which leaves nothing.
        """
        shape = data.ArrayLayout(len(bit), self._groups)
        m.submodules.rows = rows = Memory(shape=shape, depth=1 << len(self.side_row), init=[],
                                          attrs={"ram_style": "block"})
        write, read = rows.write_port(), rows.read_port()
        change, effect = self.changes.p, self.changes.p.effect
        now = Signal(shape)
        m.d.comb += [
            read.addr.eq(self.side_row),
            read.en.eq(~write.en),  # block RAM: no row is read for a change while one is written
            write.en.eq(self.walk.active
                        | self.changes.valid & (change.appeared | change.vanished)),
            write.addr.eq(Mux(self.walk.active, self.walk.row,
                              Cat(effect.side, effect.operation.symbol))),
            write.data.eq(now),
        ]
        for index in range(self._groups):
            is_here, sets, clears = (Signal(name=f"{name}_{index}")
                                     for name in ("here", "sets", "clears"))
            m.d.comb += [
                is_here.eq(here == index),
                sets.eq(self.walk.active | is_here & change.appeared),
                clears.eq(self.walk.active | is_here & change.vanished),
                now[index].eq(Mux(sets & clears, 0,
                                  _changed(read.data[index], bit, sets, clears))),
            ]
        return read.data, now


def _place(effect, tick: Value) -> Value:
    """Return the place of a tick, in its low bits.

    The sells start at the place of the window's base, the buys behind it, for it is their last.
    """
    return Mux(effect.side == Side.SELL, tick, ~tick)


def _from_start(effect, base: Value) -> Value:
    """Return 1 for each bit from the start on, given the place of the window's base."""
    return ~((2 << base) - 1) | Mux(effect.side == Side.SELL, 1 << base, 0)


def _changed(bits: Value, bit: Value, sets: Value, clears: Value) -> Value:
    """Return the bits with one of them set or cleared."""
    return (bits | Mux(sets, bit, 0)) & ~Mux(clears, bit, 0)


def _lowest(bits: Value) -> Value:
    """Return the lowest bit that is 1, alone."""
    return (bits & -bits)[:len(bits)]


def _pick(groups: list[Value], one_hot: Value) -> Value:
    """Return the group whose bit is 1, or 0."""
    picked = C(0, len(groups[0]))
    for group, bit in zip(groups, one_hot, strict=True):
        picked |= Mux(bit, group, 0)
    return picked
