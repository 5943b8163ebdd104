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
    ledger fault, and positions confirmed by a commit since the gate was killed and since a position
    was loaded; any other request to arm is refused and counted. It is lowered only to killed. A
    kill beats an arm.

    Latency: 0 cycles from a kill or a ledger fault to ``state``; 1 cycle from an arm.

    Members
    -------
    kill, arm, arm_as, commit, positions_confirmed : ``In``
        What the host asks for.
    loads : ``In(1)``
        A position is loaded in this cycle.
    tables_ready : ``In(1)``
        The tables of the card are cleared.
    idle : ``In(1)``
        No order is open.
    ledger_fault : ``In(1)``
        A response did not fit the ledger.
    state : ``Out(GateState)``
        State in this cycle, a kill in this cycle heeded.
    refused_arms : ``Out(16)``
        Requests refused; stops counting at its maximum.
    """

    kill:                In(1)
    arm:                 In(1)
    arm_as:              In(2)
    commit:              In(1)
    positions_confirmed: In(1)
    loads:               In(1)
    tables_ready:        In(1)
    idle:                In(1)
    ledger_fault:        In(1)
    state:               Out(GateState)
    refused_arms:        Out(RiskRegs.refused_arms.bits)

    def elaborate(self, platform):
        m = Module()

        kept = Signal(GateState, init=GateState.KILLED)
        confirmed, killed, arms = Signal(), Signal(), Signal()
        raises = self.arm_as.matches(GateState.CLOSE_ONLY, GateState.ARMED)
        m.d.comb += [
            killed.eq((kept == GateState.KILLED) | self.kill | self.ledger_fault),
            self.state.eq(Mux(killed, GateState.KILLED, kept)),
            arms.eq(self.arm & (kept == GateState.KILLED) & ~self.kill & ~self.ledger_fault & raises
                    & self.tables_ready & self.idle & confirmed & ~self.loads),
        ]

        with m.If(arms):
            m.d.sync += kept.eq(self.arm_as)
        with m.Else():
            m.d.sync += kept.eq(self.state)
        with m.If(self.kill | self.ledger_fault | self.loads | arms):
            m.d.sync += confirmed.eq(0)
        with m.Elif(self.commit & killed):
            m.d.sync += confirmed.eq(self.positions_confirmed)
        with m.If(self.arm & ~arms & ~self.refused_arms.all()):
            m.d.sync += self.refused_arms.eq(self.refused_arms + 1)

        return m
