"""Sends bytes over a serial line."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["FRAME_BITS", "UartTransmitter"]

FRAME_BITS = 10  # a start bit, 8 of data, a stop bit


class UartTransmitter(wiring.Component):
    """Sends each byte as a start bit, 8 bits with the lowest first, and a stop bit.

    Bytes that wait leave without a pause between them.

    Latency: 1 cycle from a byte that is taken to its start bit. Throughput: 1 byte in 10 bits.

    Members
    -------
    bytes : ``In(stream.Signature(8))``
        What to send.
    line : ``Out(1)``
        The line, 1 when idle.
    """

    bytes: In(stream.Signature(8))
    line:  Out(1, init=1)

    def __init__(self, *, cycles_per_bit: int):
        if cycles_per_bit < 1:
            raise ValueError(f"cycles_per_bit: found {cycles_per_bit}, expected at least 1")
        self.cycles_per_bit = cycles_per_bit
        super().__init__()

    def elaborate(self, platform):
        m = Module()

        frame = Signal(FRAME_BITS, init=-1)
        left  = Signal(range(FRAME_BITS + 1))  # bits of it, with the one on the line
        wait  = Signal(range(self.cycles_per_bit))  # cycles this bit is still on the line
        last  = (left == 1) & (wait == 0)

        m.d.comb += [self.line.eq(frame[0]), self.bytes.ready.eq((left == 0) | last)]
        m.d.sync += wait.eq(wait - 1)
        with m.If(self.bytes.ready & self.bytes.valid):
            m.d.sync += [
                frame.eq(Cat(0, self.bytes.payload, 1)),
                left.eq(FRAME_BITS),
                wait.eq(self.cycles_per_bit - 1),
            ]
        with m.Elif((wait == 0) & (left != 0)):
            m.d.sync += [
                frame.eq(Cat(frame[1:], 1)),
                left.eq(left - 1),
                wait.eq(self.cycles_per_bit - 1),
            ]

        return m
