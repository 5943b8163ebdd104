"""The risk stage: intents in, orders out."""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from tickwright.book.types import Quote
from tickwright.core.regfile import RegisterFile
from tickwright.feed.types import Trust
from tickwright.order.types import Response
from tickwright.risk.arming import Arming
from tickwright.risk.checks import CHECKS
from tickwright.risk.commit import Commit
from tickwright.risk.gate import Gate
from tickwright.risk.ledger import Ledger
from tickwright.risk.legs import LegChecks
from tickwright.risk.limits import LimitTable
from tickwright.risk.outcomes import OutcomeQueue
from tickwright.risk.regs import SYMBOL_LIMITS, RiskRegs
from tickwright.risk.tally import Tally
from tickwright.risk.touches import TouchTable
from tickwright.risk.types import GateState, Order, Verdict
from tickwright.risk.watchdog import Watchdog
from tickwright.strategy.types import LEGS, Intent, Outcome

__all__ = ["RiskStage"]


class RiskStage(wiring.Component):
    """Lets out the orders that the limits, the books and the ledger allow, and keeps the ledger. ::

        quotes, taints ─▶ touches ─┐
           commit ⇄ limits ────────┼─▶ legs ─▶ gate ─┬─▶ orders
        intents ───────────────────┼──────────▶ ▲    ├─▶ verdicts
        responses ─────▶ ledger ───┘   arming ──┘    └─▶ ledger, outcomes
                        watchdog ────────▶ ▲

    ``quotes_seen`` and ``responses_applied`` of a verdict are exact: the judgement saw that many
    quotes and taints (responses), and none of those after. It sees what comes in the cycle before
    the judgement, and not what comes in its own cycle; the flags ``feed_ok`` and ``session_ok``, a
    kill and ``can_send`` it sees in its own cycle. Its limits, for both legs and for all, are those
    of one set: the one in force in the cycle before.

    Latency: 2 cycles from an intent to its verdict and first order when nothing waits, constant;
    what waits while a set of limits is checked may wait 1 cycle more. Throughput: 1 intent every 2
    cycles, 1 response every 3, 1 quote per cycle.

    Members
    -------
    quotes, taints : ``In(stream, always ready)``
        As the book publishes them; never both in one cycle.
    intents : ``In(stream.Signature(Intent))``
        What the strategy wishes.
    responses : ``In(stream.Signature(Response))``
        What the venue says.
    now_ns : ``In(64)``
        Card time; it never goes back.
    feed_ok : ``In(1)``
        No gap is open and the feed is not stale.
    session_ok : ``In(1)``
        The order session is open and its window suffices.
    tables_ready : ``In(1)``
        The tables of the other stages are cleared.
    can_send : ``In(1)``
        The transmitter can take the first word of a frame in the next cycle.
    orders : ``Out(stream.Signature(Order))``
        Orders for the transmitter.
    verdicts : ``Out(stream.Signature(Verdict, always_ready=True))``
        The word on each intent.
    outcomes : ``Out(stream.Signature(Outcome))``
        What became of intents and orders, for the strategy.
    bus : ``In(BusSignature(...))``
        Access from the host, to `RiskRegs`.
    ready : ``Out(1)``
        The tables of this stage are cleared.
    """

    def __init__(self, preset):
        self._preset = preset
        self._regs = RegisterFile(RiskRegs)
        symbols, pairs = preset.symbols, preset.pairs
        super().__init__({
            "quotes":       In(stream.Signature(Quote(symbols), always_ready=True)),
            "taints":       In(stream.Signature(Trust(symbols), always_ready=True)),
            "intents":      In(stream.Signature(Intent(symbols, pairs))),
            "responses":    In(stream.Signature(Response)),
            "now_ns":       In(64),
            "feed_ok":      In(1),
            "session_ok":   In(1),
            "tables_ready": In(1),
            "can_send":     In(1),
            "orders":       Out(stream.Signature(Order(symbols))),
            "verdicts":     Out(stream.Signature(Verdict, always_ready=True)),
            "outcomes":     Out(stream.Signature(Outcome(pairs))),
            "bus":          self._regs.signature.members["bus"],
            "ready":        Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.regs     = regs     = self._regs
        m.submodules.touches  = touches  = TouchTable(self._preset)
        m.submodules.limits   = limits   = LimitTable(self._preset)
        m.submodules.commit   = commit   = Commit(self._preset)
        m.submodules.ledger   = ledger   = Ledger(self._preset)
        m.submodules.watchdog = watchdog = Watchdog()
        m.submodules.arming   = arming   = Arming()
        m.submodules.gate     = gate     = Gate(self._preset)
        m.submodules.outcomes = outcomes = OutcomeQueue(self._preset)
        m.submodules.tally    = tally    = Tally()

        connect(m, flipped(self.quotes), touches.quotes)
        connect(m, flipped(self.taints), touches.taints)
        connect(m, flipped(self.intents), gate.intents)
        connect(m, flipped(self.responses), ledger.responses)
        connect(m, gate.orders, flipped(self.orders))
        connect(m, outcomes.outcomes, flipped(self.outcomes))

        intent = gate.intents.payload
        self._check_legs(m, intent, touches, limits, ledger, arming, gate)
        m.d.comb += [
            gate.state.eq(arming.state),
            gate.ledger_fault.eq(ledger.ledger_fault),
            gate.feed_ok.eq(self.feed_ok),
            gate.session_ok.eq(self.session_ok),
            gate.quotes_seen.eq(touches.quotes_seen),
            gate.responses_applied.eq(ledger.responses_applied),
            gate.slots_free.eq(ledger.slots_free),
            gate.user_refs.eq(ledger.user_refs),
            gate.can_send.eq(self.can_send),
            gate.may_judge.eq(self.ready & ~ledger.busy & outcomes.room_to_refuse),
            ledger.legs.eq(intent.legs),
            ledger.pair.eq(intent.pair),
            ledger.judging.eq(gate.judging),
            ledger.reserve.eq(gate.passes),
            ledger.room.eq(outcomes.room_to_settle),
            outcomes.refuses.eq(gate.judging & ~gate.passes),
            outcomes.pair.eq(intent.pair),
            outcomes.settles.eq(ledger.settles),
            outcomes.outcome.eq(ledger.outcome),
            self.verdicts.payload.eq(gate.verdicts.payload),
            self.verdicts.valid.eq(gate.verdicts.valid),
            tally.verdicts.payload.eq(gate.verdicts.payload),
            tally.verdicts.valid.eq(gate.verdicts.valid),
            tally.sends.eq(self.orders.valid & self.orders.ready),
        ]
        m.d.sync += self.ready.eq(touches.ready & limits.ready & ledger.ready)
        connect(m, flipped(self.bus), regs.bus)
        killed, ready = Signal(), Signal()
        m.d.comb += [
            killed.eq(arming.state == GateState.KILLED),
            ready.eq(self.ready & self.tables_ready),
        ]
        self._keep_watch(m, watchdog, arming, killed)
        self._commit_limits(m, regs, limits, commit, gate, killed)
        self._arm(m, commit, ledger, arming, ready)
        refused_writes = self._load(m, regs, limits, commit, ledger, arming, killed)
        self._attach(m, regs, (ledger, commit, watchdog, arming, tally), ready=ready,
                     shadow_ready=limits.shadow_ready, watchdog_expired=watchdog.expired,
                     refused_writes=refused_writes)

        return m

    def _check_legs(self, m, intent, touches, limits, ledger, arming, gate):
        """Let each leg read the tables, and judge it by what is read."""
        for index in range(LEGS):
            m.submodules[f"leg_{index}"] = leg = LegChecks(self._preset)
            symbol = intent.legs[index].symbol
            found = {name: getattr(leg, name) for name in leg.CHECKS}
            m.d.comb += [
                touches.symbols[index].eq(symbol),
                limits.symbols[index].eq(symbol),
                ledger.symbols[index].eq(symbol),
                ledger.worst[index].eq(leg.worst),
                leg.leg.eq(intent.legs[index]),
                leg.touch.eq(touches.touches[index]),
                leg.limits.eq(limits.limits[index]),
                leg.account.eq(ledger.accounts[index]),
                leg.of_all.eq(limits.of_all.limits),
                leg.state.eq(arming.state),
                gate.checked[index].failed.eq(Cat(found.get(name, C(0)) for name in CHECKS)),
                gate.checked[index].short.eq(leg.short),
            ]

    def _keep_watch(self, m, watchdog, arming, killed):
        """Let card time pass for those that go by it."""
        m.d.comb += [
            watchdog.now_ns.eq(self.now_ns),
            watchdog.killed.eq(killed),
            arming.now_ns.eq(self.now_ns),
            arming.expired.eq(watchdog.expired),
        ]

    def _commit_limits(self, m, regs, limits, commit, gate, killed):
        """Connect the two sets of limits to what checks them; the host writes the shadow else."""
        rows = {name: getattr(regs, f"symbol_{name}") for name in SYMBOL_LIMITS}
        m.d.comb += [
            commit.killed.eq(killed),
            commit.shadow_ready.eq(limits.shadow_ready),
            commit.in_force.eq(limits.in_force),
            commit.looked.eq(limits.looked),
            commit.can_look.eq(gate.lends),
            gate.lent.eq(commit.looks),
            limits.looks.eq(commit.looks),
            limits.look_symbol.eq(commit.look_symbol),
            limits.look_in_force.eq(commit.look_in_force),
            limits.swap.eq(commit.swap),
            limits.next_of_all.eq(commit.next_of_all),
        ]
        with m.If(commit.going):
            m.d.comb += [limits.symbol.eq(commit.look_symbol), limits.row.eq(limits.looked)]
        with m.Else():
            m.d.comb += [limits.symbol.eq(regs.symbol),
                         *(limits.row[name].eq(row) for name, row in rows.items())]

    def _arm(self, m, commit, ledger, arming, ready):
        """Tell what decides on the state all that it asks for."""
        m.d.comb += [
            *(getattr(arming, name).eq(getattr(commit, name))
              for name in ("begins", "committing", "committed", "swap")),
            arming.tables_ready.eq(ready),
            arming.idle.eq(ledger.idle),
            arming.ledger_fault.eq(ledger.ledger_fault),
        ]

    def _load(self, m, regs, limits, commit, ledger, arming, killed):
        """Take what the host loads, where it may; return how often it was refused."""
        begins, loads, moves = Signal(), Signal(), Signal()
        still, known = ~commit.going, regs.symbol < self._preset.symbols
        m.d.comb += [
            begins.eq(regs.begin_limits & still),
            loads.eq(regs.load_limits & still & limits.shadow_ready & known),
            moves.eq(regs.load_position & still & killed & ledger.idle & self.ready & known),
            limits.clear.eq(begins),
            limits.write.eq(Mux(commit.going, commit.write,
                                loads.replicate(len(limits.write)))),
            ledger.load.eq(moves),
            arming.loads.eq(moves),
            ledger.renumber.eq(commit.renumbers & ledger.idle),
            ledger.first_user_ref.eq(commit.new_user_ref),
        ]
        refuses = ((regs.begin_limits & ~begins) | (regs.load_limits & ~loads)
                   | (regs.load_position & ~moves))
        # A host that reads in the cycle after its write sees a refusal already.
        refused, refused_writes = (Signal(RiskRegs.refused_writes.bits, name=name)
                                   for name in ("refused", "refused_writes"))
        m.d.comb += refused_writes.eq(refused + (refuses & ~refused.all()))
        m.d.sync += refused.eq(refused_writes)
        return refused_writes

    def _attach(self, m, regs, parts, **signals):
        """Connect each register to the last part that has a member of its name."""
        named = {name: getattr(part, name) for part in parts for name in part.signature.members}
        handled = {name: Signal(getattr(RiskRegs, name).bits, name=name) for name in
                   ("begin_limits", "load_limits", "load_position",
                    *(f"symbol_{name}" for name in SYMBOL_LIMITS))}
        regs.attach(m, SimpleNamespace(**named | handled | signals))
