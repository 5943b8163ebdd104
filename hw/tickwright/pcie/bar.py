"""BAR0: what the host asks of the card's registers, and what it is answered."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.regfile import BusSignature
from tickwright.core.regs import WORD_BYTES
from tickwright.pcie.completions import MOST_WORDS
from tickwright.pcie.regs import BAR_BYTES
from tickwright.pcie.types import (
    COMPLETION_HEADER_WORDS,
    REQUEST_HEADER_WORDS,
    WORD_BITS,
    CcDescriptor,
    CompletionStatus,
    CqDescriptor,
    RequestKind,
    RequestWord,
)

__all__ = ["Completer"]

ADDR_BITS = (BAR_BYTES // WORD_BYTES - 1).bit_length()
OWED_BYTES = 4  # what a completion without data says, except to a read
# Behind a refusal follow the byte enables and the request, for the hard block's log of errors.
REFUSAL_WORDS = COMPLETION_HEADER_WORDS + 1 + REQUEST_HEADER_WORDS

POSTED = (RequestKind.MESSAGE, RequestKind.VENDOR_MESSAGE, RequestKind.ATS_MESSAGE,
          RequestKind.RESERVED)


class Completer(wiring.Component):
    """Answers every request of the host, once, and in the order in which they come.

    A read of BAR0 reads whole registers; its completions say which bytes were asked for and end at
    multiples of 128 bytes. A read of no byte is answered without touching a register. A write that
    spares bytes of any register is refused whole and counted; one that means no byte at all does
    nothing. Whatever else wants an answer (another BAR, I/O, atomics, locked reads, configuration)
    is told that it is unsupported, with its payload skipped, and repeated for the hard block's log
    of errors; what wants none (writes to another BAR, messages) is skipped. ::

                    ┌─ WRITE: a word a cycle ─▶ bus
        words ─▶ header ─ READ ─▶ room? ─▶ header, words ─▶ completions
                    └─ SKIP the payload ─▶ unsupported ──▶

    Latency: a read of one register takes 10 cycles from the first word of the request to the last
    word of its completion when there is room, a write of one takes 5 to the bus, both constant.
    Throughput: 1 register per cycle within a request.

    Members
    -------
    words : ``In(stream.Signature(RequestWord))``
        Requests, whole.
    completions : ``Out(stream, always ready)``
        Words of completions; bit 32 marks the last one.
    room : ``In(1)``
        A whole completion may be begun.
    bus : ``Out(BusSignature(...))``
        The registers.
    partial_write, unsupported, malformed : ``Out(1)``
        In this cycle such a request was found.
    """

    words:         In(stream.Signature(RequestWord))
    completions:   Out(stream.Signature(WORD_BITS + 1, always_ready=True))
    room:          In(1)
    bus:           Out(BusSignature(ADDR_BITS))
    partial_write: Out(1)
    unsupported:   Out(1)
    malformed:     Out(1)

    def elaborate(self, platform):
        m = Module()

        word = self.words.payload
        request, at, now = Signal(CqDescriptor), Signal(2), Signal(_Progress)
        reads, arrives = Signal(2), Signal(2)  # a word; the last one of this completion
        m.d.comb += self.bus.addr.eq(now.addr)
        m.d.sync += arrives.eq(reads)

        with m.FSM():
            with m.State("HEADER"):
                m.d.comb += self.words.ready.eq(1)
                with m.If(self.words.valid):
                    m.d.sync += [
                        request.eq(Cat(request.as_value()[WORD_BITS:], word.data)),
                        at.eq(at + 1),
                        now.first_be.eq(word.first_be),
                        now.last_be.eq(word.last_be),
                        now.ended.eq(word.last),
                    ]
                    with m.If(at == 3):
                        m.next = "JUDGE"
                    with m.Elif(word.last):
                        m.d.comb += self.malformed.eq(1)
                        m.d.sync += at.eq(0)
            with m.State("JUDGE"):
                self._judge(m, request, now)
            with m.State("WRITE"):
                m.d.comb += [
                    self.words.ready.eq(1),
                    self.bus.w_en.eq(self.words.valid),
                    self.bus.w_data.eq(word.data),
                ]
                with m.If(self.words.valid):
                    m.d.sync += now.addr.eq(now.addr + 1)
                    with m.If(word.last):
                        m.next = "HEADER"
            with m.State("SKIP"):
                m.d.comb += self.words.ready.eq(~now.ended)
                with m.If(now.ended | (self.words.valid & word.last)):
                    m.next = "HEADER"
                    with m.If(now.answer):
                        m.next = "ROOM"
            self._complete(m, request, now, reads)

        with m.If(arrives[0]):
            m.d.comb += self.completions.valid.eq(1)
            m.d.comb += self.completions.payload.eq(Cat(self.bus.r_data, arrives[1]))

        return m

    def _judge(self, m, request, now):
        """Choose what becomes of the request whose header has come."""
        single = request.words == 1
        whole = now.first_be.all() & (now.last_be.all() | single)
        posted = (request.kind == RequestKind.WRITE) | _any_of(request.kind, POSTED)
        ours = request.bar == 0
        spared = (_before_first(now.first_be)
                  + _after_last(Mux(single, now.first_be, now.last_be)))
        m.d.sync += [
            now.addr.eq(request.address),
            now.left.eq(request.words),
            now.lead.eq(_before_first(now.first_be)),
            now.owed.eq(Mux(now.first_be == 0, 1, Cat(C(0, 2), request.words) - spared)),
            now.answer.eq(~posted),
            now.refused.eq(1),
        ]
        m.next = "SKIP"
        with m.If(ours & (request.kind == RequestKind.READ) & (request.words != 0) & now.ended):
            m.d.sync += now.refused.eq(0)
            m.next = "ROOM"
        with m.Elif(ours & (request.kind == RequestKind.WRITE) & ~now.ended):
            with m.If(whole):
                m.next = "WRITE"
            with m.Elif(~(single & (now.first_be == 0))):
                m.d.comb += self.partial_write.eq(1)
        with m.Else():
            m.d.comb += self.unsupported.eq(1)

    def _complete(self, m, request, now, reads):
        """Send completions until nothing is owed."""
        header, answer = Signal(CcDescriptor), Signal(REFUSAL_WORDS * WORD_BITS)
        at, last = (Signal(range(REFUSAL_WORDS), name=name) for name in ("at", "last"))
        here = Signal(range(MOST_WORDS + 1))  # words of this completion still to be read
        to_end = MOST_WORDS - now.addr[:MOST_WORDS.bit_length() - 1]

        with m.State("ROOM"):
            of_memory = request.kind == RequestKind.READ
            words = Mux(now.refused, 0, Mux(now.left > to_end, to_end, now.left))
            m.d.comb += [
                header.lower_address.eq(Mux(of_memory, Cat(now.lead, now.addr), 0)),
                header.address_type.eq(request.address_type),
                header.bytes.eq(Mux(of_memory, now.owed, OWED_BYTES)),
                header.locked.eq(request.kind == RequestKind.LOCKED_READ),
                header.words.eq(words),
                header.requester.eq(request.requester),
                header.tag.eq(request.tag),
                header.function.eq(request.function),
                header.traffic.eq(request.traffic),
                header.attributes.eq(request.attributes),
            ]
            with m.If(now.refused):
                m.d.comb += header.status.eq(CompletionStatus.UNSUPPORTED)
            m.d.sync += [
                answer.eq(Cat(header, Cat(now.first_be, now.last_be, C(0, 24)), request)),
                here.eq(words),
                at.eq(0),
                last.eq(Mux(now.refused, REFUSAL_WORDS, COMPLETION_HEADER_WORDS) - 1),
            ]
            with m.If(self.room):
                m.next = "ANSWER"
        with m.State("ANSWER"):
            ends = at == last
            m.d.comb += [
                self.completions.valid.eq(1),
                self.completions.payload.eq(Cat(answer[:WORD_BITS], ends & now.refused)),
            ]
            m.d.sync += [answer.eq(answer >> WORD_BITS), at.eq(at + 1)]
            with m.If(ends):
                m.d.sync += [
                    now.left.eq(now.left - here),
                    now.owed.eq(now.owed - (Cat(C(0, 2), here) - now.lead)),
                ]
                m.next = "WORDS"
                with m.If(now.refused):
                    m.next = "HEADER"
        with m.State("WORDS"):
            m.d.comb += [reads.eq(Cat(1, here == 1)), self.bus.r_en.eq(now.first_be != 0)]
            m.d.sync += [now.addr.eq(now.addr + 1), now.lead.eq(0), here.eq(here - 1)]
            with m.If(here == 1):
                m.next = "ROOM"
                with m.If(now.left == 0):
                    m.next = "HEADER"


class _Progress(data.Struct):
    """How far a request has been answered."""

    first_be: unsigned(4)
    last_be:  unsigned(4)
    ended:    unsigned(1)          # all words have come
    answer:   unsigned(1)          # the host waits for a completion
    refused:  unsigned(1)
    addr:     unsigned(ADDR_BITS)  # of the next register
    left:     unsigned(11)         # registers still to be read after this completion
    owed:     unsigned(13)         # bytes asked for and not yet sent
    lead:     unsigned(2)          # bytes of the next register that were not asked for


def _any_of(kind, kinds):
    return Cat(kind == one for one in kinds).any()


def _before_first(enables):
    """Return how many bytes lie before the first one that is meant; 0 if none is."""
    return Mux(enables[0] | (enables == 0), 0, Mux(enables[1], 1, Mux(enables[2], 2, 3)))


def _after_last(enables):
    """Return how many bytes lie after the last one that is meant; 0 if none is."""
    return Mux(enables[3] | (enables == 0), 0, Mux(enables[2], 1, Mux(enables[1], 2, 3)))
