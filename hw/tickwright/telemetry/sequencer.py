"""Records of many streams in one order."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from tickwright.telemetry.messages import NUMBER_BITS, RECORD_BYTES, RECORDS
from tickwright.telemetry.regs import TelemetryRegs
from tickwright.telemetry.sources import SOURCES, body, body_bits, record_bits, shapes

__all__ = ["Sequencer"]


class Sequencer(wiring.Component):
    """Numbers what the streams show, stamps it, and makes records of it, one a cycle.

    What is shown in one cycle is kept as one row, so there is one order: by cycle, and within a
    cycle that of the sources. A record takes its number and its time in the cycle in which it is
    shown. Where all rows are taken, the records of that cycle are dropped and counted; their
    numbers are missing then. Nothing ever waits for telemetry. ::

        quotes ... responses ─▶ [ row: which, number, time, bodies ]─▶ rows ─▶ next of the row
                                                                                  └──▶ records

    Latency: 3 cycles from a stream to ``records``, when nothing waits. Throughput: 1 record per
    cycle, so rows of several records in a line fill the queue.

    Members
    -------
    now_ns : ``In(64)``
        Card time.
    quotes, taints, overflows, capacities, coalesced, controls, intents, verdicts, orders, applied,
    responses
        What the stages show, as the pipeline has it.
    records : ``Out(stream.Signature(512, always_ready=True))``
        The records; byte i is ``payload[8*i:8*i+8]``.
    decided : ``Out(48)``
        Number that the next record takes.
    dropped : ``Out(32)``
        Records dropped since reset; stops counting at its maximum.
    """

    def __init__(self, preset, *, rows: int = 64):
        if rows < 2:
            raise ValueError(f"rows is {rows}, expected at least 2")
        self._rows = rows
        self._row = data.StructLayout({
            "which":      len(SOURCES),
            "number":     NUMBER_BITS,
            "decided_ns": 64,
            **{name: body_bits(name) for name in SOURCES},
        })
        super().__init__({
            "now_ns":  In(64),
            **{name: In(stream.Signature(shape, always_ready=True))
               for name, shape in shapes(preset).items()},
            "records": Out(stream.Signature(8 * RECORD_BYTES, always_ready=True)),
            "decided": Out(NUMBER_BITS),
            "dropped": Out(TelemetryRegs.dropped.bits),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.rows = rows = SyncFIFOBuffered(width=self._row.size, depth=self._rows)
        row = Signal(self._row)
        m.d.comb += [
            row.which.eq(Cat(getattr(self, name).valid for name in SOURCES)),
            row.number.eq(self.decided),
            row.decided_ns.eq(self.now_ns),
            *(row[name].eq(body(name, getattr(self, name).payload)) for name in SOURCES),
            rows.w_data.eq(row),
            rows.w_en.eq(row.which.any()),
        ]
        shown = Signal(range(len(SOURCES) + 1))
        total = Signal(len(self.dropped) + 1)
        m.d.comb += [shown.eq(_count(row.which)), total.eq(self.dropped + shown)]
        m.d.sync += self.decided.eq(self.decided + shown)
        with m.If(~rows.w_rdy):
            m.d.sync += self.dropped.eq(Mux(total[-1], ~C(0, len(self.dropped)), total))

        # The row that waits longest: what was told of it, and what is next.
        head = data.View(self._row, rows.r_data)
        told, left, after = (Signal(len(SOURCES), name=name) for name in ("told", "left", "after"))
        m.d.comb += [
            left.eq(head.which & ~told),
            after.eq(left & (left - 1)),  # without its lowest bit
            rows.r_en.eq(rows.r_rdy & ~after.any()),
        ]
        m.d.sync += self.records.valid.eq(rows.r_rdy)
        with m.If(rows.r_rdy):
            m.d.sync += [
                told.eq(Mux(after.any(), head.which & ~after, 0)),
                self.records.payload.eq(self._next(m, head, left & ~after, _count(told))),
            ]

        return m

    def _next(self, m: Module, head: data.View, which: Value, before: Value) -> Value:
        """Return the record of the one source that ``which`` names."""
        kind = Signal(8)
        chosen = Signal(max(map(body_bits, SOURCES)))
        with m.Switch(which):
            for index, (name, table) in enumerate(SOURCES.items()):
                with m.Case(1 << index):
                    m.d.comb += kind.eq(RECORDS[table].constants["record"])
                    m.d.comb += chosen.eq(head[name])
        number = (head.number + before)[:NUMBER_BITS]
        return record_bits(kind, number, head.decided_ns, chosen)


def _count(bits: Value) -> Value:
    return sum((bit for bit in Value.cast(bits)), start=C(0, 1))
