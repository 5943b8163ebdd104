"""The state of each pair, and the decisions made on it."""

from amaranth import *
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.feed.types import Side
from tickwright.strategy.pairs import Evaluation
from tickwright.strategy.regs import StrategyRegs
from tickwright.strategy.types import LEGS, SHARES_BITS, Applied, Intent, IntentKind, Outcome

__all__ = ["Decision", "PairState", "Phase"]

PATIENCE = 16  # evaluations that an outcome lets pass before it asks for a cycle of its own


class Phase(enum.Enum, shape=2):
    """What a pair is about."""

    FLAT = 0
    PENDING = 1  # an intent is under way
    HOLDING = 2


class PairState(data.Struct):
    """The state of a pair, but for when it may act next and whether it is stopped."""

    phase:       Phase
    entering:    unsigned(1)  # the intent under way enters
    outstanding: unsigned(LEGS)  # legs of it that are not done
    held:        data.ArrayLayout(signed(SHARES_BITS), LEGS)  # shares of A and B


class Decision(wiring.Component):
    """Decides on one evaluation after the other, each on the state that the one before left.

    The only place where the state of a pair is read or written, in one cycle: an intent is visible
    in the state of the next evaluation, however close. An outcome is applied in a cycle without an
    evaluation; one that has waited for 16 asks for a cycle by ``yields``. A pair has at most one
    intent under way, so whatever takes intents needs room for one a pair.

    A position has 20 bits and a sign at most: a pair enters only when it holds nothing, with 20
    bits of shares, an exit asks for what is held, and the ledger lets no order fill beyond its
    shares.

    Latency: 0 cycles from an evaluation to its intent; 1 cycle from an outcome taken to
    ``applied``. Throughput: 1 evaluation or outcome per cycle. Clearing takes a cycle a pair.

    Members
    -------
    evaluated : ``In(1)``
        Decide on the evaluation in this cycle.
    evaluation : ``In(Evaluation(symbols, pairs))``
        What the pair looks like.
    epoch : ``In(16)``
        Put into every intent.
    flatten : ``In(1)``
        No pair enters; each that holds exits.
    made : ``Out(1)``
        An intent is made in this cycle.
    intent : ``Out(Intent(symbols, pairs))``
        The intent.
    outcomes : ``In(stream.Signature(Outcome))``
        What became of intents.
    applied : ``Out(stream.Signature(Applied, always_ready=True))``
        Outcomes that took effect.
    yields : ``Out(1)``
        Let there be a cycle without an evaluation soon.
    evaluations, intents : ``Out(32)``
        How many there were, modulo 2^32.
    pair : ``In(16)``
        Pair to show and to resume.
    phase, held_a, held_b, stopped : ``Out``
        State of that pair, 1 cycle later; 0 if the card does not have it.
    resume : ``In(1)``
        Clear ``stopped`` of that pair.
    ready : ``Out(1)``
        The state of all pairs is cleared.
    """

    def __init__(self, preset):
        self._pairs = preset.pairs
        symbols, pairs = preset.symbols, preset.pairs
        super().__init__({
            "evaluated":  In(1),
            "evaluation": In(Evaluation(symbols, pairs)),
            "epoch":      In(StrategyRegs.epoch.bits),
            "flatten":    In(1),
            "made":       Out(1),
            "intent":     Out(Intent(symbols, pairs)),
            "outcomes":   In(stream.Signature(Outcome(pairs))),
            "applied":    Out(stream.Signature(Applied(pairs), always_ready=True)),
            "yields":     Out(1),
            **{name: Out(getattr(StrategyRegs, name).bits)
               for name in ("evaluations", "intents", "phase", "held_a", "held_b", "stopped")},
            "pair":       In(StrategyRegs.pair.bits),
            "resume":     In(1),
            "ready":      Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.states = states = Memory(shape=PairState, depth=self._pairs, init=[])
        m.submodules.earliest = earliest = Memory(shape=64, depth=self._pairs, init=[])
        write, renew = states.write_port(), earliest.write_port()
        before, settling, ready_ns = (memory.read_port(domain="comb")
                                      for memory in (states, states, earliest))
        stops = Signal(self._pairs)  # a bit a pair: stopped
        walk = Signal(range(self._pairs + 1))
        m.d.comb += self.ready.eq(walk == self._pairs)
        with m.If(~self.ready):
            m.d.sync += walk.eq(walk + 1)

        evaluation, outcome = self.evaluation, self.outcomes.payload
        wished, settled = Signal(PairState), Signal(PairState)
        applies = Signal()
        m.d.comb += [
            self.outcomes.ready.eq(self.ready & ~self.evaluated),
            applies.eq(self.outcomes.valid & self.outcomes.ready),
            before.addr.eq(evaluation.pair),
            ready_ns.addr.eq(evaluation.pair),
            settling.addr.eq(outcome.pair),
            write.en.eq(~self.ready | self.made | applies),
            write.addr.eq(Mux(self.ready, Mux(self.evaluated, evaluation.pair, outcome.pair),
                              walk)),
            write.data.eq(Mux(self.ready, Mux(self.evaluated, wished, settled), 0)),
            renew.en.eq(~self.ready | self.made),
            renew.addr.eq(Mux(self.ready, evaluation.pair, walk)),
            renew.data.eq(Mux(self.ready,
                              evaluation.cause.feed_ns + evaluation.parameters.retry_ns, 0)),
        ]

        due = evaluation.cause.feed_ns >= ready_ns.data
        stop = self._decide(m, before.data, due, stops.bit_select(evaluation.pair, 1), wished)
        self._settle(m, settling.data, settled)

        m.d.sync += [
            self.applied.valid.eq(applies),
            self.applied.p.outcome.eq(outcome),
            self.applied.p.evaluations.eq(self.evaluations),
            self.evaluations.eq(self.evaluations + self.evaluated),
            self.intents.eq(self.intents + self.made),
        ]
        known = self.pair < self._pairs
        with m.If(self.resume & known):
            m.d.sync += stops.bit_select(self.pair, 1).eq(0)
        with m.If(self.made & stop):
            m.d.sync += stops.bit_select(evaluation.pair, 1).eq(1)

        waited = Signal(range(PATIENCE))
        m.d.comb += self.yields.eq(waited == PATIENCE - 1)
        with m.If(applies | self.yields):
            m.d.sync += waited.eq(0)
        with m.Elif(self.outcomes.valid & self.evaluated):
            m.d.sync += waited.eq(waited + 1)

        watched = states.read_port(domain="comb")
        m.d.comb += watched.addr.eq(self.pair)
        with m.If(known & self.ready):
            m.d.sync += [
                self.phase.eq(watched.data.phase),
                self.held_a.eq(watched.data.held[0]),
                self.held_b.eq(watched.data.held[1]),
                self.stopped.eq(stops.bit_select(self.pair, 1)),
            ]
        with m.Else():
            m.d.sync += [self.phase.eq(0), self.held_a.eq(0), self.held_b.eq(0), self.stopped.eq(0)]

        return m

    def _decide(self, m, before, due, stopped, after):
        """Make the intent that the evaluation calls for; return whether it stops the pair."""
        found, parameters = self.evaluation, self.evaluation.parameters
        held = before.held

        fit = ((before.phase == Phase.FLAT) & parameters.enabled & ~self.flatten & ~stopped & due
               & found.sound & found.narrow & found.far)
        enter_short, enter_long, enter = Signal(), Signal(), Signal()
        m.d.comb += [
            enter_short.eq(fit & found.above & found.earns_short & found.deep_short),
            enter_long.eq(fit & found.below & found.earns_long & found.deep_long),
            enter.eq(enter_short | enter_long),
        ]

        short, long = held[0] < 0, held[0] > 0  # of A
        unbalanced, reverted, stop, leave = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            unbalanced.eq((held[0] == 0) | (held[1] == 0) | ((held[0] < 0) == (held[1] < 0))),
            reverted.eq(found.priced & (found.near | (~found.above & short)
                                        | (~found.below & long))),
            stop.eq(found.priced & found.too_far
                    & ((found.above & short) | (found.below & long))),
            leave.eq((before.phase == Phase.HOLDING) & due
                     & (unbalanced | reverted | stop | self.flatten)),
        ]

        makeable = []
        for index, leg in enumerate(self.intent.legs):
            wish = found.wishes[index]
            sell = Signal(name=f"sell_{index}")
            shares = (parameters.shares_a, parameters.shares_b)[index]
            m.d.comb += [
                sell.eq(Mux(enter, (enter_short, enter_long)[index], held[index] > 0)),
                leg.valid.eq(enter | (held[index] != 0)),
                leg.symbol.eq((parameters.symbol_a, parameters.symbol_b)[index]),
                leg.side.eq(Mux(sell, Side.SELL, Side.BUY)),
                leg.shares.eq(Mux(enter, shares, abs(held[index]))),
                leg.price.eq(Mux(sell, wish.sell, wish.buy)),
            ]
            makeable.append(~leg.valid | Mux(sell, wish.sellable, wish.buyable))

        m.d.comb += [
            self.made.eq(self.evaluated & (enter | leave) & makeable[0] & makeable[1]),
            self.intent.id.eq(self.intents + 1),
            self.intent.pair.eq(found.pair),
            self.intent.kind.eq(Mux(enter, Mux(enter_short, IntentKind.ENTER_SHORT,
                                               IntentKind.ENTER_LONG),
                                    Mux(stop, IntentKind.STOP,
                                        Mux(unbalanced, IntentKind.UNBALANCED, IntentKind.EXIT)))),
            self.intent.epoch.eq(self.epoch),
            self.intent.cause.eq(found.cause),
            after.eq(before),
            after.phase.eq(Phase.PENDING),
            after.entering.eq(enter),
            after.outstanding.eq(Cat(leg.valid for leg in self.intent.legs)),
        ]
        return leave & stop

    def _settle(self, m, before, after):
        """Find the state that an outcome leaves."""
        outcome = self.outcomes.payload
        m.d.comb += after.eq(before)
        with m.If(outcome.refused):
            m.d.comb += [
                after.outstanding.eq(0),
                after.phase.eq(Mux(before.entering, Phase.FLAT, Phase.HOLDING)),
            ]
        with m.Else():
            for index in range(LEGS):
                with m.If(outcome.leg == index):
                    m.d.comb += after.held[index].eq(
                        before.held[index] + Mux(outcome.side == Side.BUY, outcome.filled,
                                                 -outcome.filled))
                    with m.If(outcome.done):
                        m.d.comb += after.outstanding[index].eq(0)
            with m.If(~after.outstanding.any()):
                flat = (after.held[0] == 0) & (after.held[1] == 0)
                m.d.comb += after.phase.eq(Mux(flat, Phase.FLAT, Phase.HOLDING))
