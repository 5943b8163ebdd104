"""Two lines become one sequence."""

from amaranth import *
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.feed.hold import HoldRing
from tickwright.feed.moldudp64 import FeedMessage, Origin
from tickwright.feed.pending import PendingTrust
from tickwright.feed.types import Trust

__all__ = ["WAIT_BITS", "Arbiter", "GapTimer"]

WAIT_BITS = 48


class GapTimer(wiring.Component):
    """Says when a gap has been open for long enough.

    Latency: 1 cycle from card time to ``expired``.

    Members
    -------
    now_ns, hold_ns : ``In(64)``, ``In(48)``
        Card time, and how long a gap may stay open.
    opens : ``In(1)``
        For a cycle: a gap opens, and is open from the next cycle on.
    gap_open : ``In(1)``
        A gap is open.
    expired : ``Out(1)``
        It has been open for that long.
    """

    now_ns:   In(64)
    hold_ns:  In(WAIT_BITS)
    opens:    In(1)
    gap_open: In(1)
    expired:  Out(1)

    def elaborate(self, platform):
        m = Module()

        opened_ns = Signal(64)
        with m.If(self.opens):
            m.d.sync += opened_ns.eq(self.now_ns)
        m.d.sync += self.expired.eq(self.gap_open & (self.now_ns - opened_ns >= self.hold_ns))

        return m


class Step(enum.Enum, shape=3):
    """What is done with the ring."""

    REST = 0  # nothing is held, or the lowest held is known and not expected yet
    READ = 1  # read the entry of `probe`
    LOOK = 2  # see whether it is there
    GIVE = 3  # deliver it
    NEXT = 4  # let a cycle pass, for one in four


class Arbiter(wiring.Component):
    """Delivers every message once, in the order of the sequence, whatever line brings it first.

    A message that is not the next one is held. While some are held, ``probe`` walks up from the
    next sequence to the lowest that is held: so it is known when the next message is in the ring,
    and where the gap ends otherwise. ::

        messages ──▶ next? ──────────────────────▶ sequenced
                      └─ later ──▶ [ hold ring ] ──────┘
        taint, gap declared ──▶ [ pending ] ──▶ trusts

    A trust record waits for a cycle after the last message, and messages wait for it: what a
    message brings about comes before the record, and what follows the record comes after it.

    Latency: 0 cycles for the message expected, while none is held for its turn. Throughput: 1
    message per cycle as they arrive in sequence, one every 4 cycles out of the ring.

    Members
    -------
    messages : ``In(stream.Signature(FeedMessage(symbols), always_ready=True))``
        Messages of both lines; in consecutive cycles their sequences are consecutive.
    announced, next_sequence : ``In(1)``, ``In(64)``
        A heartbeat says which sequence comes next; never together with a message.
    taint : ``In(1)``
        What came until now cannot be trusted: reason ``fault``.
    datagram : ``In(Origin)``
        The last datagram; trust records say that they come from it.
    now_ns, hold_ns : ``In(64)``, ``In(48)``
        Card time, and how long a gap may stay open.
    start, start_sequence : ``In(1)``, ``In(64)``
        Expect this sequence from now on; only before any message.
    sequenced : ``Out(stream.Signature(FeedMessage(symbols), always_ready=True))``
        Messages in sequence.
    trusts : ``Out(stream.Signature(Trust(symbols), always_ready=True))``
        Records of scope all, in their place; never in the cycle of a message or the one after.
    gap_open : ``Out(1)``
        Messages are missing and may still come; a cycle after `Arbiter` knows.
    busy : ``Out(1)``
        Messages are held that can be delivered, or are looked for.
    cleared : ``Out(1)``
        The ring has been cleared since reset.
    duplicates, hold_overflow, skipped_messages, gaps : ``Out(1)``
        For a cycle: what the counter of this name counts.
    lost, delivered : ``Out(64)``
        Messages declared lost, and messages delivered, in all cycles before the last one.
    """

    def __init__(self, symbols: int, hold: int):
        self.symbols = symbols
        self.hold = hold
        messages = stream.Signature(FeedMessage(symbols), always_ready=True)
        super().__init__({
            "messages":         In(messages),
            "announced":        In(1),
            "next_sequence":    In(64),
            "taint":            In(1),
            "datagram":         In(Origin),
            "now_ns":           In(64),
            "hold_ns":          In(WAIT_BITS),
            "start":            In(1),
            "start_sequence":   In(64),
            "sequenced":        Out(messages),
            "trusts":           Out(stream.Signature(Trust(symbols), always_ready=True)),
            "gap_open":         Out(1),
            "busy":             Out(1),
            "cleared":          Out(1),
            "duplicates":       Out(1),
            "hold_overflow":    Out(1),
            "skipped_messages": Out(1),
            "gaps":             Out(1),
            "lost":             Out(64),
            "delivered":        Out(64),
        })

        self._ring    = HoldRing(symbols, hold)
        self._timer   = GapTimer()
        self._pending = PendingTrust(symbols)

        self._expected = Signal(64, init=1)  # the next sequence to be delivered
        self._known    = Signal(64, init=1)  # one more than the highest heard of
        self._probe    = Signal(64)          # while some are held: none is below this
        self._held     = Signal(range(hold + 1))
        self._step     = Signal(Step)
        self._kept      = Signal(FeedMessage(symbols))  # message on its way into the ring
        self._keeping   = Signal()
        self._kept_next = Signal()                      # it is the one expected

        self._absent = Signal()  # the message expected is not in the ring, nor on its way
        self._direct, self._give, self._keep = Signal(), Signal(), Signal()
        self._jump, self._declare, self._overflow = Signal(), Signal(), Signal()
        self._late = Signal()

    def elaborate(self, platform):
        m = Module()

        m.submodules.ring    = ring    = self._ring
        m.submodules.timer   = timer   = self._timer
        m.submodules.pending = pending = self._pending

        self._sort(m)
        self._hold(m)
        self._drain(m)
        self._watch_gap(m)
        self._advance(m)
        self._count(m)

        m.d.comb += [
            self.cleared.eq(ring.cleared),
            self.busy.eq(self._step != Step.REST),
            self.sequenced.valid.eq(self._direct | self._give),
            self.sequenced.p.eq(Mux(self._step == Step.GIVE, ring.entry, self.messages.p)),
            pending.taint.eq(self.taint),
            pending.delivering.eq(self.sequenced.valid),
            pending.expected.eq(self._expected),
            pending.datagram.eq(self.datagram),
            self.trusts.valid.eq(pending.trusts.valid),
            self.trusts.p.eq(pending.trusts.p),
            timer.now_ns.eq(self.now_ns),
            timer.hold_ns.eq(self.hold_ns),
            timer.gap_open.eq(self.gap_open),
            self.duplicates.eq(self._late | self._keeping & ring.there),
            self.hold_overflow.eq(self._overflow),
            self.skipped_messages.eq(self.sequenced.valid & ~self.sequenced.p.known),
            self.gaps.eq(pending.gap),
        ]

        return m

    def _sort(self, m):
        """Say what becomes of the message that arrives."""
        new, sequence = self.messages.valid, self.messages.p.sequence
        ahead = Signal(65)
        near, vacant = Signal(), Signal()
        m.d.comb += [
            ahead.eq(sequence - self._expected),
            near.eq(~ahead[self.hold.bit_length() - 1 :].any()),
            vacant.eq((self._held == 0) & ~self._keeping),
            self._absent.eq(((self._held == 0) | (self._probe != self._expected))
                            & ~(self._keeping & self._kept_next)),
            self._late.eq(new & ahead[64]),
            self._direct.eq(new & ~ahead.any() & self._absent & ~self._keeping
                            & (self._step != Step.NEXT) & ~self._pending.waiting),
            self._jump.eq(new & ~ahead[64] & ~near & vacant),
            self._overflow.eq(new & ~ahead[64] & ~near & ~vacant),
        ]
        m.d.sync += [
            self._keeping.eq(new & near & ~self._direct | self._jump),
            self._kept.eq(self.messages.p),
            self._kept_next.eq(~ahead.any() | self._jump),
        ]

    def _hold(self, m):
        """Put a message into the ring, unless it is there."""
        ring = self._ring
        m.d.comb += [
            ring.asked.eq(self.messages.p.sequence),
            ring.message.eq(self._kept),
            ring.keep.eq(self._keep),
            self._keep.eq(self._keeping & ~ring.there),
        ]
        m.d.sync += self._held.eq(self._held + self._keep - self._give)

    def _drain(self, m):
        """Find the lowest message held, and deliver it when it is the one expected."""
        ring, step, probe = self._ring, self._step, self._probe
        due = probe == self._expected
        m.d.comb += ring.probe.eq(probe), ring.read.eq(step == Step.READ)
        m.d.comb += self._give.eq((step == Step.GIVE) & ~self._pending.waiting)
        with m.Switch(step):
            with m.Case(Step.REST), m.If((self._held != 0) & due):
                m.d.sync += step.eq(Step.READ)
            with m.Case(Step.READ):
                m.d.sync += step.eq(Step.LOOK)
            with m.Case(Step.LOOK):
                with m.If(~ring.found):
                    m.d.sync += step.eq(Step.READ), probe.eq(probe + 1)
                with m.Else():
                    m.d.sync += step.eq(Mux(due, Step.GIVE, Step.REST))
            with m.Case(Step.GIVE), m.If(self._give):
                m.d.sync += step.eq(Step.NEXT), probe.eq(probe + 1)
            with m.Case(Step.NEXT):
                m.d.sync += step.eq(Mux(self._held != 0, Step.READ, Step.REST))
        with m.If(self._keep & ((self._held == 0) | (self._kept.sequence <= probe))):
            m.d.sync += step.eq(Step.READ), probe.eq(self._kept.sequence)

    def _watch_gap(self, m):
        """Say whether a gap is open, and declare it when it is time to."""
        expected, known, timer = self._expected, self._known, self._timer
        missing, searched, hurry = Signal(), Signal(), Signal()
        due = (self._step == Step.LOOK) & self._ring.found & (self._probe == expected)
        m.d.comb += [
            missing.eq(self._absent & (known != expected)),
            searched.eq((self._held == 0) | (self._step == Step.REST)),
            self._declare.eq(self.gap_open & (timer.expired | hurry) & missing & searched
                             & ~self.messages.valid & ~self._keeping & ~self._pending.waiting),
            timer.opens.eq(missing & ~self.gap_open),
        ]
        with m.If(self._declare | due):
            m.d.sync += self.gap_open.eq(0)
        with m.Elif(self._absent):
            m.d.sync += self.gap_open.eq(missing)
        m.d.sync += hurry.eq(self.gap_open & ~self._declare & (hurry | self._overflow))

    def _advance(self, m):
        """Move on to the next sequence, one by one or over a gap."""
        expected, known, pending = self._expected, self._known, self._pending
        sequence = self.messages.p.sequence
        target = Signal(64)
        m.d.comb += [
            target.eq(Mux(self.messages.valid, sequence,
                          Mux(self._held == 0, known, self._probe))),
            pending.gap.eq(self._jump | self._declare),
            pending.first.eq(expected),
            pending.last.eq(target - 1),
        ]
        with m.If(pending.gap):
            m.d.sync += expected.eq(target)
        with m.Elif(self.sequenced.valid):
            m.d.sync += expected.eq(expected + 1)
        with m.If(self.messages.valid & (sequence >= known)):
            m.d.sync += known.eq(sequence + 1)
        with m.If(self.announced & (self.next_sequence > known)):
            m.d.sync += known.eq(self.next_sequence)
        with m.If(self.start):
            m.d.sync += expected.eq(self.start_sequence), known.eq(self.start_sequence)

    def _count(self, m):
        """Count what was lost and delivered in the cycle before."""
        gap, spoken = Signal(), Signal()
        trust = self._pending.trusts.p
        m.d.sync += gap.eq(self._pending.gap), spoken.eq(self.sequenced.valid)
        with m.If(gap):
            m.d.sync += self.lost.eq(self.lost + (trust.last - trust.first + 1))
        m.d.sync += self.delivered.eq(self.delivered + spoken)
