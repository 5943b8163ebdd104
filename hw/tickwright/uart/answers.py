"""From answers to the bytes that tell them."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.crc.catalog import CRC16_IBM_3740
from amaranth.lib.wiring import In, Out

from tickwright.core.parser import big_endian
from tickwright.uart.messages import ReadAnswer, WriteAnswer
from tickwright.uart.types import Answer

__all__ = ["AnswerWriter"]


class AnswerWriter(wiring.Component):
    """Renders each answer as its number, the value if it is that of a read, and the check.

    Latency: 1 cycle from an answer to its first byte. Throughput: 1 byte per cycle, and a cycle
    between two answers.

    Members
    -------
    answers : ``In(stream.Signature(Answer))``
        What to tell.
    bytes : ``Out(stream.Signature(8))``
        The bytes of it, in wire order.
    """

    answers: In(stream.Signature(Answer))
    bytes:   Out(stream.Signature(8))

    def elaborate(self, platform):
        m = Module()

        m.submodules.crc = crc = CRC16_IBM_3740(data_width=8).create()
        answer = self.answers.payload
        body   = Signal(8 * (ReadAnswer.size - ReadAnswer.check.size))  # next byte lowest
        left   = Signal(range(ReadAnswer.size))
        taken  = self.bytes.valid & self.bytes.ready

        with m.FSM():
            with m.State("WAIT"):
                m.d.comb += [self.answers.ready.eq(1), crc.start.eq(1)]
                m.d.sync += [
                    body.eq(Cat(answer.number, big_endian(answer.value))),
                    left.eq(Mux(answer.write, _body_bytes(WriteAnswer), _body_bytes(ReadAnswer))),
                ]
                with m.If(self.answers.valid):
                    m.next = "BODY"
            with m.State("BODY"):
                m.d.comb += [
                    self.bytes.valid.eq(1),
                    self.bytes.payload.eq(body[:8]),
                    crc.data.eq(body[:8]),
                    crc.valid.eq(taken),
                ]
                with m.If(taken):
                    m.d.sync += [body.eq(body[8:]), left.eq(left - 1)]
                    with m.If(left == 1):
                        m.next = "HIGH"
            with m.State("HIGH"):
                m.d.comb += [self.bytes.valid.eq(1), self.bytes.payload.eq(crc.crc[8:])]
                with m.If(taken):
                    m.next = "LOW"
            with m.State("LOW"):
                m.d.comb += [self.bytes.valid.eq(1), self.bytes.payload.eq(crc.crc[:8])]
                with m.If(taken):
                    m.next = "WAIT"

        return m


def _body_bytes(message: type[ReadAnswer] | type[WriteAnswer]) -> int:
    return message.size - message.check.size
