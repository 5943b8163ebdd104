"""Interrupts as MSI-X has them: a table that the host fills, and what waits behind its masks."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.regfile import BusSignature
from tickwright.core.regs import WORD_BITS
from tickwright.pcie.regs import VECTORS
from tickwright.pcie.types import InterruptMessage

__all__ = ["InterruptTable"]

ENTRY_WORDS = 4  # address low, address high, data, control
MASKED = 1       # bit 0 of control


class InterruptTable(wiring.Component):
    """Turns causes into interrupt messages, unless the host masks them.

    A cause whose vector or whole function is masked waits, however often it comes, and is told once
    when the mask goes. While the host has not enabled MSI-X, causes are forgotten. Vectors wake up
    masked. Source: PCI Express Base Specification, MSI-X Capability and Table Structures.

    Latency: 1 cycle from a cause to its message; 1 cycle from address to read data.

    Members
    -------
    table, pending : ``In(BusSignature(...))``
        Access from the host to the table and to the causes that wait (read-only, a bit a vector).
    causes : ``In(len(VECTORS))``
        In this cycle the vector has something to tell.
    enabled, masked : ``In(1)``
        As the host configured the function.
    messages : ``Out(stream.Signature(InterruptMessage))``
        Messages to be sent; one that is offered may be withdrawn by a mask.
    """

    def __init__(self):
        words = len(VECTORS) * ENTRY_WORDS
        super().__init__({
            "table":    In(BusSignature((words - 1).bit_length())),
            "pending":  In(BusSignature(1)),
            "causes":   In(len(VECTORS)),
            "enabled":  In(1),
            "masked":   In(1),
            "messages": Out(stream.Signature(InterruptMessage)),
        })

    def elaborate(self, platform):
        m = Module()

        waiting = Signal(len(VECTORS))
        tells = Signal(len(VECTORS))  # the vector whose message is taken
        open_ = Signal(len(VECTORS))
        m.d.sync += self.table.r_data.eq(0)

        for vector in reversed(range(len(VECTORS))):
            low, high, value = (Signal(WORD_BITS, name=f"{name}_{vector}")
                                for name in ("address_low", "address_high", "data"))
            mask = Signal(init=MASKED, name=f"mask_{vector}")
            for place, held in enumerate((low, high, value, mask)):
                with m.If(self.table.addr == vector * ENTRY_WORDS + place):
                    with m.If(self.table.w_en):
                        m.d.sync += held.eq(self.table.w_data)
                    with m.If(self.table.r_en):
                        m.d.sync += self.table.r_data.eq(held)
            m.d.comb += open_[vector].eq(waiting[vector] & ~mask)
            with m.If(open_[vector]):  # the first vector is the last to be written here, and wins
                m.d.comb += [
                    self.messages.payload.address.eq(Cat(C(0, 2), low[2:], high)),
                    self.messages.payload.data.eq(value),
                ]
        m.d.comb += [
            self.messages.valid.eq(open_.any() & self.enabled & ~self.masked),
            tells.eq(Mux(self.messages.valid & self.messages.ready, open_ & -open_, 0)),
        ]
        m.d.sync += waiting.eq(Mux(self.enabled, (waiting & ~tells) | self.causes, 0))

        m.d.sync += self.pending.r_data.eq(
            Mux(self.pending.r_en & (self.pending.addr == 0), waiting, 0))

        return m
