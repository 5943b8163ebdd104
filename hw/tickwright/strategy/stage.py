"""The strategy stage: quotes in, intents out."""

from types import SimpleNamespace

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out, connect, flipped

from tickwright.core.regfile import RegisterFile
from tickwright.strategy.commit import Commit
from tickwright.strategy.contract import Contract
from tickwright.strategy.issue import Issue
from tickwright.strategy.lists import PairLists
from tickwright.strategy.pairs import PairArithmetic
from tickwright.strategy.parameters import ParameterTable
from tickwright.strategy.queue import IntentQueue
from tickwright.strategy.regs import StrategyRegs
from tickwright.strategy.state import Decision
from tickwright.strategy.store import QuoteStore
from tickwright.strategy.switch import Switch

__all__ = ["StrategyStage"]


class StrategyStage(wiring.Component):
    """Trades pairs of symbols when their spread is far from its mean. ::

        cycle  0        1            2            3..4        5           6
        quotes ─▶ issue ─▶ lists ──▶ parameters ─▶ arithmetic ─▶ decision ─▶ queue ─▶ intents
                    └──▶ store ─────▶ touches ───┘                  ▲ │
                                                        outcomes ──┘ └──▶ applied

    Quotes take effect in order, each with the pairs that its symbol lists, in the order of the
    list. Nothing is decided before all tables are cleared; quotes that come earlier wait. A new
    set of parameters, checked by `Commit`, comes in force by `Switch` between two quotes.

    Latency, from a quote to the intent it causes, when nothing waits: 6 cycles at place 0 of the
    list, 1 more for each place in use before it; constant. Throughput: 1 evaluation per cycle, 1
    quote per cycle whose symbol lists at most one pair.

    Members
    -------
    quotes, taints, outcomes, intents, applied, coalesced, controls
        As the contract of a strategy has them.
    bus : ``In(BusSignature(...))``
        Access from the host, to `StrategyRegs`.
    ready : ``Out(1)``
        All tables are cleared.
    busy : ``Out(1)``
        Quotes, evaluations or a set of parameters wait for their turn.
    """

    def __init__(self, preset):
        self._preset = preset
        self._regs = RegisterFile(StrategyRegs)
        super().__init__({
            **Contract(preset).flip().members,
            "bus":   self._regs.signature.members["bus"],
            "ready": Out(1),
            "busy":  Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.regs       = regs       = self._regs
        m.submodules.issue      = issue      = Issue(self._preset)
        m.submodules.lists      = lists      = PairLists(self._preset)
        m.submodules.store      = store      = QuoteStore(self._preset)
        m.submodules.parameters = parameters = ParameterTable(self._preset)
        m.submodules.arithmetic = arithmetic = PairArithmetic(self._preset)
        m.submodules.decision   = decision   = Decision(self._preset)
        m.submodules.queue      = queue      = IntentQueue(self._preset)
        m.submodules.commit     = commit     = Commit(self._preset)
        m.submodules.switch     = switch     = Switch()

        # Cycle 0: a quote is stored and the first place of its list read.
        connect(m, flipped(self.quotes), issue.quotes)
        connect(m, flipped(self.taints), issue.taints)
        connect(m, issue.coalesced, flipped(self.coalesced))
        m.d.comb += [
            issue.hold.eq(~self.ready | decision.yields | switch.hold),
            store.quote.eq(issue.stored),
            store.write.eq(issue.store),
            store.taint.eq(issue.taint),
            lists.symbol.eq(issue.stored.symbol),
            issue.places.eq(lists.places),
            lists.read_symbol.eq(issue.symbol),
            lists.read_place.eq(issue.place),
        ]

        # Cycle 1: the pair is known; its parameters and both touches are read.
        issued = Signal()
        m.d.sync += issued.eq(issue.issue)
        m.d.comb += [
            parameters.read_pair.eq(lists.pair),
            parameters.read.eq(issued),
            commit.can_look.eq(~issued),
            store.symbols.eq(parameters.read_symbols),
        ]

        # Cycle 2 to 4: arithmetic. Cycle 5: decision.
        m.d.sync += [
            arithmetic.valid.eq(issued),
            arithmetic.pair.eq(lists.pair),
            arithmetic.cause.eq(issue.cause),
        ]
        m.d.comb += [
            arithmetic.parameters.eq(parameters.row),
            arithmetic.touches.eq(store.touches),
            decision.evaluated.eq(arithmetic.evaluated),
            decision.evaluation.eq(arithmetic.evaluation),
            queue.made.eq(decision.made),
            queue.intent.eq(decision.intent),
            decision.epoch.eq(switch.active_epoch),
            decision.flatten.eq(switch.flattening),
        ]
        connect(m, flipped(self.outcomes), decision.outcomes)
        connect(m, decision.applied, flipped(self.applied))
        connect(m, queue.intents, flipped(self.intents))

        connect(m, flipped(self.bus), regs.bus)
        self._switch(m, commit, switch, parameters, lists, issue)
        self._attach(m, regs, parameters, lists, issue, decision, commit, switch)
        m.d.sync += self.ready.eq(lists.ready & store.ready & parameters.ready & decision.ready)
        m.d.comb += self.busy.eq(issue.busy | commit.committing | switch.hold)

        return m

    def _switch(self, m, commit, switch, parameters, lists, issue):
        """Let a set be checked, and put in force between two quotes."""
        connect(m, switch.controls, flipped(self.controls))
        m.d.comb += [
            commit.shadow_ready.eq(parameters.shadow_ready & lists.shadow_ready),
            commit.looked.eq(parameters.row),
            commit.looked_symbols.eq(parameters.looked_symbols),
            commit.looked_valid.eq(lists.looked_valid),
            commit.looked_pair.eq(lists.looked_pair),
            commit.swap.eq(switch.swap),
            parameters.look_pair.eq(commit.look_pair),
            lists.look_symbol.eq(commit.look_symbol),
            lists.look_place.eq(commit.look_place),
            switch.wants.eq(commit.wants),
            switch.new_epoch.eq(commit.new_epoch),
            switch.new_checksum.eq(commit.new_checksum),
            switch.resting.eq(issue.resting & self.ready),
            switch.quotes.eq(issue.stored_quotes),
        ]
        for table in (parameters, lists):
            m.d.comb += [
                table.closed.eq(commit.committing),
                table.bank.eq(switch.bank),
                table.swap.eq(switch.swap),
            ]

    def _attach(self, m, regs, parameters, lists, issue, decision, commit, switch):
        """Connect each register to the part that has a member of its name."""
        begins = Signal()
        m.d.comb += begins.eq(regs.begin & self.ready & ~commit.going)
        m.d.comb += [table.clear.eq(begins) for table in (parameters, lists)]
        # A host that reads in the cycle after its write sees a refusal already.
        refuses = parameters.refused | lists.refused | (regs.begin & ~begins)
        refused, refused_writes = (Signal(StrategyRegs.refused_writes.bits, name=name)
                                   for name in ("refused", "refused_writes"))
        m.d.comb += refused_writes.eq(refused + (refuses & ~refused.all()))
        m.d.sync += refused.eq(refused_writes)
        named = {name: getattr(part, name)
                 for part in (parameters, lists, issue, decision, commit, switch)
                 for name in part.signature.members}
        regs.attach(m, SimpleNamespace(**named | {
            "begin": Signal(), "shadow_ready": commit.shadow_ready, "epoch": commit.epoch,
            "flatten": switch.flatten, "ready": self.ready, "refused_writes": refused_writes}))
        m.d.comb += parameters.pair.eq(regs.pair)
