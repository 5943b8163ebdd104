"""From bytes to requests that came whole."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.crc.catalog import CRC16_IBM_3740
from amaranth.lib.wiring import In, Out

from tickwright.core.parser import fields
from tickwright.uart.messages import ReadRequest, WriteRequest
from tickwright.uart.types import Access

__all__ = ["RequestReader"]

KINDS = {message: message.kind.as_int(message.constants["kind"])
         for message in (ReadRequest, WriteRequest)}


class RequestReader(wiring.Component):
    """Shows the requests whose check is right, and nothing of what is not such a request.

    After an unknown kind, a broken byte or a wrong check, everything is ignored until the line has
    been idle: within one stretch of bytes there is no telling where the next request begins. A
    request that an idle line cuts short is forgotten.

    Latency: 2 cycles from the last byte to the request. Throughput: 1 byte every 2 cycles.

    Members
    -------
    byte, valid : ``In(8)``, ``In(1)``
        A byte from the line; it is new in this cycle.
    broken : ``In(1)``
        A byte came that cannot be read.
    idle : ``In(1)``
        The line has been idle for so long that the next byte begins a request.
    access, arrived : ``Out(Access)``, ``Out(1)``
        A request; it is new in this cycle.
    refused : ``Out(1)``
        A request was of unknown kind, cut short, or had a wrong check: 1 for one cycle.
    """

    byte:    In(8)
    valid:   In(1)
    broken:  In(1)
    idle:    In(1)
    access:  Out(Access)
    arrived: Out(1)
    refused: Out(1)

    def elaborate(self, platform):
        m = Module()

        m.submodules.crc = crc = CRC16_IBM_3740(data_width=8).create()
        request = Signal(8 * WriteRequest.size)  # the last byte that came on top
        left    = Signal(range(WriteRequest.size))
        write   = Signal()

        m.d.comb += [crc.data.eq(self.byte), crc.valid.eq(self.valid)]
        m.d.sync += [self.arrived.eq(0), self.refused.eq(0)]
        with m.If(self.valid):
            m.d.sync += [request.eq(Cat(request[8:], self.byte)), left.eq(left - 1)]

        with m.FSM():
            with m.State("KIND"):
                m.d.comb += crc.start.eq(1)
                with m.If(self.valid):
                    self._begin(m, left, write)
                with m.Elif(self.broken):
                    m.next = "DEAF"
            with m.State("REST"):
                with m.If(self.valid & (left == 1)):
                    m.next = "CHECK"
                with m.Elif(self.broken):
                    m.next = "DEAF"
                with m.Elif(self.idle):
                    m.d.sync += self.refused.eq(1)
                    m.next = "KIND"
            with m.State("CHECK"):
                m.d.sync += [self.arrived.eq(crc.match_detected),
                             self.refused.eq(~crc.match_detected)]
                m.next = "DEAF"
                with m.If(crc.match_detected):
                    m.next = "KIND"
            with m.State("DEAF"), m.If(self.idle):
                m.next = "KIND"

        self._show(m, request, write)

        return m

    def _begin(self, m, left: Signal, write: Signal):
        """Learn from the first byte how many are to come."""
        with m.Switch(self.byte):
            for message, kind in KINDS.items():
                with m.Case(kind):
                    m.d.sync += [left.eq(message.size - 1), write.eq(message is WriteRequest)]
                    m.next = "REST"
            with m.Default():
                m.d.sync += self.refused.eq(1)
                m.next = "DEAF"

    def _show(self, m, request: Signal, write: Signal):
        """Take the fields from where they lie after the last byte of either kind."""
        writing = fields(WriteRequest, request)
        reading = fields(ReadRequest, request, WriteRequest.size - ReadRequest.size)
        m.d.comb += [self.access.write.eq(write), self.access.value.eq(writing.value)]
        for name in ("number", "address"):
            m.d.comb += getattr(self.access, name).eq(
                Mux(write, getattr(writing, name), getattr(reading, name)))
