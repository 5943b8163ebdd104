"""How far apart operations enter the book."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.book.operations import Operation, OperationKind

__all__ = ["OperationPacer"]


class OperationPacer(wiring.Component):
    """Issues operations at least 2 cycles apart, a replace as two of them.

    Two cycles are what a table needs to be read, changed and written, so no operation ever meets
    one that is still under way in the same table.

    The halves of a replace are the deletion of the old order, then, 2 cycles later, the addition
    of the new one; until then the replace waits. The operation behind them comes 4 cycles after the
    first half.

    Latency: 0 cycles. Throughput: 1 operation in 2 cycles.

    Members
    -------
    waiting : ``In(stream.Signature(Operation(symbols)))``
        Operations in order.
    operations : ``Out(stream.Signature(Operation(symbols), always_ready=True))``
        Operations to carry out now; never a REPLACE.
    """

    def __init__(self, preset):
        layout = Operation(preset.symbols)
        super().__init__({
            "waiting":    In(stream.Signature(layout)),
            "operations": Out(stream.Signature(layout, always_ready=True)),
        })

    def elaborate(self, platform):
        m = Module()

        issued     = Signal()  # in the cycle before
        second     = Signal()  # the first half of the replace that waits has been issued
        is_replace = self.waiting.p.kind == OperationKind.REPLACE
        m.d.comb += [
            self.operations.valid.eq(self.waiting.valid & ~issued),
            self.operations.p.eq(self.waiting.p),
            self.waiting.ready.eq(~issued & (second | ~is_replace)),
        ]
        m.d.sync += issued.eq(self.operations.valid)
        with m.If(self.operations.valid):
            m.d.sync += second.eq(is_replace & ~second)

        order = self.waiting.p.detail.order
        with m.If(is_replace):
            m.d.comb += self.operations.p.kind.eq(OperationKind.DELETE)
            m.d.comb += self.operations.p.half.eq(1)
        with m.If(second):
            m.d.comb += self.operations.p.kind.eq(OperationKind.ADD)
            m.d.comb += self.operations.p.detail.order.reference.eq(order.new_reference)

        return m
