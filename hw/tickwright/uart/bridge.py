"""A host bus at the end of a serial line."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from tickwright.core.regfile import BusSignature
from tickwright.uart.answers import AnswerWriter
from tickwright.uart.messages import IDLE_BITS
from tickwright.uart.receiver import UartReceiver
from tickwright.uart.requests import RequestReader
from tickwright.uart.transmitter import UartTransmitter

__all__ = ["UartBridge"]

COUNTER_BITS = 32


class UartBridge(wiring.Component):
    """Carries out the requests of `tickwright.uart.messages` on a bus and answers them.

    A write is carried out only if its number follows that of the request before, so that nothing
    overtakes what was lost. An address that is no multiple of 4 or beyond the bus names no
    register. What is not carried out is not answered, and counted. ::

        rx ──▶ receiver ──▶ requests ──▶ [ number in order? ] ──▶ bus
                                                                   │
        tx ◀── transmitter ◀── answers ◀───────────────────────────┘

    An answer is shorter than every request, so answers keep up with requests that come without a
    pause, as long as the rates of the two ends differ by less than 12 percent.

    Latency: from the middle of a request's last stop bit to the start bit of its answer, 9 cycles.
    Throughput: a read every 80 bits, a write every 120.

    Members
    -------
    rx, tx : ``In(1)``, ``Out(1)``
        The serial lines, 1 when idle; ``rx`` of another clock.
    bus : ``Out(BusSignature(addr_bits))``
        The registers.
    framing_errors : ``Out(32)``
        Bytes without a stop bit since reset; stops at its maximum.
    refused_requests : ``Out(32)``
        Requests that were cut short, of unknown kind, or had a wrong check or number, since reset;
        stops at its maximum. What follows one before the line is idle is not counted.
    """

    def __init__(self, *, addr_bits: int, cycles_per_bit: int, idle_bits: int = IDLE_BITS):
        self._receiver = UartReceiver(cycles_per_bit=cycles_per_bit, idle_bits=idle_bits)
        self._transmitter = UartTransmitter(cycles_per_bit=cycles_per_bit)
        super().__init__({
            "rx":               In(1, init=1),
            "tx":               Out(1, init=1),
            "bus":              Out(BusSignature(addr_bits)),
            "framing_errors":   Out(COUNTER_BITS),
            "refused_requests": Out(COUNTER_BITS),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.receiver    = receiver    = self._receiver
        m.submodules.requests    = requests    = RequestReader()
        m.submodules.answers     = answers     = AnswerWriter()
        m.submodules.transmitter = transmitter = self._transmitter

        connect(m, answers.bytes, transmitter.bytes)
        m.d.comb += [
            receiver.line.eq(self.rx),
            requests.byte.eq(receiver.byte),
            requests.valid.eq(receiver.valid),
            requests.broken.eq(receiver.broken),
            requests.idle.eq(receiver.idle),
            self.tx.eq(transmitter.line),
        ]

        access = requests.access
        number = Signal.like(access.number)  # of the next write that may be carried out
        sound  = (~access.write | (access.number == number)) & answers.answers.ready

        m.d.sync += [self.bus.w_en.eq(0), self.bus.r_en.eq(0)]
        with m.FSM():
            with m.State("WAIT"), m.If(requests.arrived & sound):
                self._start(m, access)
                m.d.sync += number.eq(access.number + 1)
                m.next = "ACCESS"
            with m.State("ACCESS"):
                m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += [
                    answers.answers.valid.eq(1),
                    answers.answers.payload.write.eq(access.write),
                    answers.answers.payload.number.eq(access.number),
                    answers.answers.payload.value.eq(self.bus.r_data),
                ]
                m.next = "WAIT"

        self._count(m, self.framing_errors, receiver.broken)
        self._count(m, self.refused_requests, requests.refused | (requests.arrived & ~sound))

        return m

    def _start(self, m, access: Value):
        """Put the access on the bus in the next cycle, if its address is that of a word there."""
        word = access.address[2:]
        there = (access.address[:2] == 0) & (word[len(self.bus.addr) :] == 0)
        m.d.sync += [
            self.bus.addr.eq(word),
            self.bus.w_data.eq(access.value),
            self.bus.w_en.eq(access.write & there),
            self.bus.r_en.eq(~access.write & there),
        ]

    def _count(self, m, counter: Signal, event: Value):
        with m.If(event & ~counter.all()):
            m.d.sync += counter.eq(counter + 1)
