"""How much the gate lets through, and what it takes to let more through."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.risk.regs import RiskRegs
from tickwright.risk.types import GateState

__all__ = ["Arming"]


class Arming(wiring.Component):
    """Keeps the state of the gate: killed after reset, and again at once when anything is wrong.

    The state is raised only from killed, with the tables of the card cleared, no order open, no
    ledger fault, a watchdog that runs, limits in force and none being checked, and positions
    confirmed by a commit since the gate was killed and since a position was loaded; any other
    request to arm is refused and counted. Else the state is only lowered: armed to close-only,
    either to killed. A kill beats an arm.

    Latency: 0 cycles from a kill, a ledger fault, a watchdog that has run out and a request for
    close-only to ``state``; 1 cycle from an arm, and from a kill to why and when.

    Members
    -------
    kill, close_only, arm, arm_as, positions_confirmed : ``In``
        What the host asks for.
    begins, committing, committed, swap : ``In(1)``
        The check of a set of limits begins; one goes on; one has come in force since reset, does so
        after this cycle.
    loads : ``In(1)``
        A position is loaded in this cycle.
    tables_ready : ``In(1)``
        The tables of the card are cleared.
    idle : ``In(1)``
        No order is open.
    ledger_fault, expired : ``In(1)``
        A response did not fit the ledger; the watchdog has run out.
    now_ns : ``In(64)``
        Card time.
    state : ``Out(GateState)``
        State in this cycle, a kill in this cycle heeded.
    kill_reasons, killed_at_ns : ``Out``
        What has killed the gate since it was last armed, and when it was killed.
    confirmed : ``Out(1)``
        The positions are right.
    refused_arms : ``Out(16)``
        Requests refused; stops counting at its maximum.
    """

    kill:                In(1)
    close_only:          In(1)
    arm:                 In(1)
    arm_as:              In(2)
    positions_confirmed: In(1)
    begins:              In(1)
    committing:          In(1)
    committed:           In(1)
    swap:                In(1)
    loads:               In(1)
    tables_ready:        In(1)
    idle:                In(1)
    ledger_fault:        In(1)
    expired:             In(1)
    now_ns:              In(RiskRegs.killed_at_ns.bits)
    state:               Out(GateState)
    kill_reasons:        Out(RiskRegs.kill_reasons.bits)
    killed_at_ns:        Out(RiskRegs.killed_at_ns.bits)
    confirmed:           Out(1)
    refused_arms:        Out(RiskRegs.refused_arms.bits)

    def elaborate(self, platform):
        m = Module()

        kept = Signal(GateState, init=GateState.KILLED)
        kills, arms = Signal(), Signal()
        raises = self.arm_as.matches(GateState.CLOSE_ONLY, GateState.ARMED)
        m.d.comb += [
            kills.eq(self.kill | self.ledger_fault | self.expired),
            arms.eq(self.arm & (kept == GateState.KILLED) & ~kills & raises & self.tables_ready
                    & self.idle & self.committed & ~self.committing & self.confirmed
                    & ~self.loads),
            self.state.eq(kept),
        ]
        with m.If(kills):
            m.d.comb += self.state.eq(GateState.KILLED)
        with m.Elif(self.close_only & (kept == GateState.ARMED)):
            m.d.comb += self.state.eq(GateState.CLOSE_ONLY)

        m.d.sync += kept.eq(Mux(arms, self.arm_as, self.state))
        with m.If(kills & (kept != GateState.KILLED)):
            m.d.sync += self.killed_at_ns.eq(self.now_ns)
        with m.If(self.arm & ~arms & ~self.refused_arms.all()):
            m.d.sync += self.refused_arms.eq(self.refused_arms + 1)
        self._confirm(m, arms)
        self._explain(m, kept, arms)

        return m

    def _confirm(self, m, arms):
        """Keep whether the positions are right: said by a set that began, and came in force.

        A set that says nothing of them leaves it as it is, so that no host has to say it again.
        """
        says = Signal()
        with m.If(self.begins):
            m.d.sync += says.eq(self.positions_confirmed & (self.state == GateState.KILLED))
        with m.If(self.kill | self.ledger_fault | self.loads | arms):
            m.d.sync += [self.confirmed.eq(0), says.eq(0)]
        with m.Elif(self.swap & says):
            m.d.sync += self.confirmed.eq(1)

    def _explain(self, m, kept, arms):
        """Keep what has killed; the host and the ledger are named if they would have, too."""
        causes = Cat(self.kill, self.expired & (kept != GateState.KILLED), self.ledger_fault)
        m.d.sync += self.kill_reasons.eq(Mux(arms, 0, self.kill_reasons | causes))
