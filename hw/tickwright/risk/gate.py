"""The last word on every order."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.risk.checks import CHECKS
from tickwright.risk.types import GateState, Order, OrderKind, Verdict
from tickwright.strategy.types import LEGS, Intent

__all__ = ["Gate"]


class Gate(wiring.Component):
    """Passes an intent when no check fails on any of its legs; both legs leave, or none.

    An intent is judged only in a cycle in which the transmitter can take its first word next and
    the orders before it have left; until then it waits, and is judged by what is newest then. A
    kill in that cycle is heeded. The second order of an intent follows when the first is taken: it
    has been judged, and leaves even if the gate is killed in between, or one leg would be held
    without the other.

    An intent without a valid leg, which no strategy should make, fails `shares`; one with both legs
    of one symbol, whose second leg the account read does not know of, fails `position`. ::

        cycle 0                     1                               2
        intents ─▶ read the tables ─▶ can_send? ─▶ judge, reserve ─▶ orders, verdicts

    What is read of the tables in the first cycle of an intent is always for the gate. In the cycles
    after, which it needs only if the intent is not judged at once, the limits may be read for
    another; then the gate reads again in the next cycle, and judges in the one after that at the
    earliest.

    Latency: 2 cycles from an intent to its verdict and first order when nothing waits, constant;
    the second order 1 cycle after the first is taken. Throughput: 1 intent every 2 cycles; what
    passes waits for the transmitter, and what waits waits up to 1 cycle more for each cycle in
    which another read.

    Members
    -------
    intents : ``In(stream.Signature(Intent))``
        What the strategy wishes.
    checked : ``In(ArrayLayout(StructLayout, 2))``
        For each leg of the intent, a bit for each check that fails on it, and whether it sells
        short.
    slots_free, user_refs : ``In``
        Of the ledger, for each leg.
    state : ``In(GateState)``
        State of the gate in this cycle.
    ledger_fault, feed_ok, session_ok : ``In(1)``
        Facts that concern every leg.
    quotes_seen, responses_applied : ``In(32)``
        How many there were when what the checks look at was newest.
    can_send : ``In(1)``
        The transmitter can take the first word of a frame in the next cycle.
    may_judge : ``In(1)``
        The tables are cleared, the ledger keeps up, and an outcome can be taken.
    lends, lent : ``Out(1)``, ``In(1)``
        Another may read the limits in this cycle; it does, only if it may.
    judging, passes : ``Out(1)``
        An intent is judged in this cycle; and it passes.
    orders : ``Out(stream.Signature(Order))``
        Orders for the transmitter.
    verdicts : ``Out(stream.Signature(Verdict, always_ready=True))``
        The word on each intent.
    """

    def __init__(self, preset):
        symbols, pairs = preset.symbols, preset.pairs
        self._order = Order(symbols)
        super().__init__({
            "intents":    In(stream.Signature(Intent(symbols, pairs))),
            "checked":    In(data.ArrayLayout(
                data.StructLayout({"failed": len(CHECKS), "short": 1}), LEGS)),
            "slots_free": In(LEGS),
            "user_refs":  In(data.ArrayLayout(32, LEGS)),
            "state":      In(GateState),
            "ledger_fault":      In(1),
            "feed_ok":           In(1),
            "session_ok":        In(1),
            "quotes_seen":       In(32),
            "responses_applied": In(32),
            "can_send":   In(1),
            "may_judge":  In(1),
            "lends":      Out(1),
            "lent":       In(1),
            "judging":    Out(1),
            "passes":     Out(1),
            "orders":     Out(stream.Signature(self._order)),
            "verdicts":   Out(stream.Signature(Verdict, always_ready=True)),
        })

    def elaborate(self, platform):
        m = Module()

        intent = self.intents.payload
        was_read, waits = Signal(), Signal()
        second = Signal(self._order)
        failed = Signal(len(CHECKS))

        m.d.sync += was_read.eq(self.intents.valid & ~self.intents.ready & ~self.lent)
        m.d.comb += [
            self.lends.eq(~self.intents.valid | was_read),
            self.judging.eq(self.intents.valid & was_read & self.can_send & self.may_judge
                            & ~self.orders.valid),
            self.intents.ready.eq(self.judging),
            failed.eq(self._failed(intent)),
            self.passes.eq(self.judging & ~failed.any()),
        ]

        m.d.sync += [
            self.verdicts.valid.eq(self.judging),
            self.verdicts.p.id.eq(intent.id),
            self.verdicts.p.passed.eq(~failed.any()),
            self.verdicts.p.checks.eq(failed),
            self.verdicts.p.quotes_seen.eq(self.quotes_seen),
            self.verdicts.p.responses_applied.eq(self.responses_applied),
            self.verdicts.p.state.eq(self.state),
            self.verdicts.p.feed_ok.eq(self.feed_ok),
            self.verdicts.p.session_ok.eq(self.session_ok),
        ]

        # What is judged is kept whether it passes or not: so the verdict, which comes last in the
        # cycle, has to reach two bits alone.
        first_order, second_order = (self._order_of(m, intent, leg) for leg in range(LEGS))
        with m.If(self.judging):
            m.d.sync += [
                self.orders.valid.eq(self.passes),
                self.orders.payload.eq(Mux(intent.legs[0].valid, first_order, second_order)),
                second.eq(second_order),
                waits.eq(self.passes & intent.legs[0].valid & intent.legs[1].valid),
            ]
        with m.Elif(self.orders.ready):
            m.d.sync += [
                self.orders.valid.eq(waits),
                self.orders.payload.eq(second),
                waits.eq(0),
            ]

        return m

    def _failed(self, intent):
        """Return a bit for each check that fails, on a leg or for all."""
        legs = intent.legs
        of_all = {
            "killed":   self.state == GateState.KILLED,
            "shares":   ~legs[0].valid & ~legs[1].valid,
            "position": legs[0].valid & legs[1].valid & (legs[0].symbol == legs[1].symbol),
            "feed":     ~self.feed_ok,
            "session":  ~self.session_ok,
            "slots":    ((legs[0].valid & ~self.slots_free[0])
                         | (legs[1].valid & ~self.slots_free[1])),
            "ledger":   self.ledger_fault,
        }
        of_legs = self.checked[0].failed | self.checked[1].failed
        return of_legs | Cat(of_all.get(name, C(0)) for name in CHECKS)

    def _order_of(self, m, intent, index):
        """Return the order that a leg becomes."""
        leg = intent.legs[index]
        order = Signal(self._order, name=f"order_{index}")
        m.d.comb += [
            order.kind.eq(OrderKind.ENTER),
            order.user_ref.eq(self.user_refs[index]),
            order.intent_id.eq(intent.id),
            order.leg.eq(index),
            order.symbol.eq(leg.symbol),
            order.side.eq(leg.side),
            order.short.eq(self.checked[index].short),
            order.shares.eq(leg.shares),
            order.price.eq(leg.price),
            order.cause.eq(intent.cause),
        ]
        return order
