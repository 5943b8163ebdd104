"""The open orders, and what the venue's responses make of them and of the positions."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.feed.types import Side
from tickwright.order.types import Response, ResponseKind
from tickwright.risk.accounts import Account, AccountTable, Worst
from tickwright.risk.regs import RiskRegs
from tickwright.strategy.types import LEGS, SHARES_BITS, Leg, Outcome

__all__ = ["Ledger", "OpenOrder"]

SERVICE = LEGS  # the read of accounts that serves responses and the host


def OpenOrder(symbols: int, pairs: int) -> data.StructLayout:
    """An order that may still trade."""
    return data.StructLayout({
        "user_ref":  32,
        "symbol":    range(symbols),
        "pair":      range(pairs),
        "leg":       range(LEGS),
        "side":      Side,
        "remaining": SHARES_BITS,  # shares
    })


class Ledger(wiring.Component):
    """Reserves what an order may do when it leaves, and settles it when the venue answers.

    An order with user reference r lies in slot r modulo the number of slots, until nothing of it
    remains. References count up and never go back: a lower first reference than the next is not
    taken. A response that does not fit (an unknown order, more shares than remain, a kind that is
    not handled) is a fault, which stays until reset; it changes nothing else. ::

        legs ──▶ [ reserve ]──▶ ┬─▶ accounts ─▶ judgement
                                ├─▶ open orders
        responses ─▶ [ settle ]─┴─▶ outcomes

    The gate comes first: in a cycle in which it judges, and while a reservation is written, a
    response waits. In every cycle ``accounts``, ``slots_free`` and ``responses_applied`` are of one
    moment: all responses counted, and no other, are in them. What is reserved is in all of the
    ledger, and ``idle`` tells of it, as soon as it is not ``busy``; until then it is not idle.

    Latency: 1 cycle from the symbols to their accounts; 1 cycle for each leg until a reservation is
    written; 2 cycles from a response to its outcome when the gate is idle. Throughput: 1 response
    every 3 cycles.

    Members
    -------
    symbols, accounts : ``In(ArrayLayout)``, ``Out(ArrayLayout)``
        Symbols of two legs, and their accounts in the cycle after.
    legs, pair, worst : ``In``
        Legs the gate judges, of the symbols of the cycle before; their pair; what each makes of the
        worst case of its side.
    user_refs, slots_free : ``Out(ArrayLayout(32, 2))``, ``Out(2)``
        Reference each leg would take; whether its slot is free.
    judging : ``In(1)``
        The gate judges in this cycle.
    reserve : ``In(1)``
        The legs that are valid become orders; only while judging and not ``busy``.
    busy : ``Out(1)``
        A reservation is being written.
    responses : ``In(stream.Signature(Response))``
        What the venue says.
    outcome, settles : ``Out(Outcome(pairs))``, ``Out(1)``
        What a response means to the strategy; there is one in this cycle.
    room : ``In(1)``
        An outcome can be taken in this cycle.
    symbol, symbol_position, load : ``In``
        Position to load in this cycle; only while no order is open.
    first_user_ref, renumber : ``In(32)``, ``In(1)``
        Take the reference of the next order, in this cycle; only while no order is open.
    next_user_ref, open_orders, responses_applied, ledger_fault : ``Out``
        State of the ledger.
    idle : ``Out(1)``
        No order is open.
    position, worst_long, worst_short : ``Out``
        Account of ``symbol``, read when no response needs the read; 0 if the card does not have it.
    ready : ``Out(1)``
        The tables are cleared.
    """

    def __init__(self, preset):
        if preset.slots < LEGS:
            raise ValueError(f"preset {preset.name}: slots is {preset.slots}, expected at least "
                             f"{LEGS}, one a leg")
        self._preset = preset
        symbols, pairs = preset.symbols, preset.pairs
        self._order = OpenOrder(symbols, pairs)
        super().__init__({
            "symbols":    In(data.ArrayLayout(range(symbols), LEGS)),
            "accounts":   Out(data.ArrayLayout(Account, LEGS)),
            "legs":       In(data.ArrayLayout(Leg(symbols), LEGS)),
            "pair":       In(range(pairs)),
            "worst":      In(data.ArrayLayout(Worst, LEGS)),
            "user_refs":  Out(data.ArrayLayout(32, LEGS)),
            "slots_free": Out(LEGS),
            "judging":    In(1),
            "reserve":    In(1),
            "busy":       Out(1),
            "responses":  In(stream.Signature(Response)),
            "outcome":    Out(Outcome(pairs)),
            "settles":    Out(1),
            "room":       In(1),
            "load":       In(1),
            "renumber":   In(1),
            "idle":       Out(1),
            "responses_applied": Out(32),
            "ready":      Out(1),
            **{name: In(getattr(RiskRegs, name).bits)
               for name in ("symbol", "symbol_position", "first_user_ref")},
            **{name: Out(getattr(RiskRegs, name).bits)
               for name in ("next_user_ref", "open_orders", "ledger_fault", "position",
                            "worst_long", "worst_short")},
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.accounts = accounts = AccountTable(self._preset, reads=LEGS + 1)
        m.submodules.orders = orders = Memory(shape=self._order, depth=self._preset.slots, init=[])
        kept = orders.write_port()
        found = orders.read_port(transparent_for=(kept,))
        is_open = Signal(self._preset.slots)
        count, done = Signal(range(self._preset.slots + 1)), Signal()

        m.d.comb += [
            self.ready.eq(accounts.ready),
            self.idle.eq((count == 0) & ~self.busy),
            self.open_orders.eq(count),
            *(accounts.symbols[leg].eq(self.symbols[leg]) for leg in range(LEGS)),
            *(self.accounts[leg].eq(accounts.accounts[leg]) for leg in range(LEGS)),
        ]
        self._settle(m, is_open, done, accounts, kept, found)
        self._reserve(m, is_open, accounts, kept)
        self._load(m, accounts)
        with m.If(kept.en):
            m.d.sync += is_open.bit_select(kept.addr, 1).eq(self.busy | ~done)
        with m.If(kept.en & (self.busy | done)):
            m.d.sync += count.eq(count + Mux(self.busy, 1, -1))

        return m

    def _reserve(self, m, is_open, accounts, kept):
        """Turn legs into open orders: the valid ones are written one a cycle after."""
        entry = data.StructLayout({name: self._order[name].shape
                                   for name in ("symbol", "side", "remaining")} | {"worst": Worst})
        entries, written = Signal(data.ArrayLayout(entry, LEGS)), Signal(entry)
        pair, valid = Signal.like(self.pair), Signal(LEGS)
        m.d.comb += [
            self.busy.eq(valid.any()),
            written.eq(Mux(valid[0], entries[0].as_value(), entries[1].as_value())),
        ]

        for index, leg in enumerate(self.legs):
            user_ref = self.user_refs[index]
            m.d.comb += [
                user_ref.eq(self.next_user_ref + sum(before.valid for before in self.legs[:index])),
                self.slots_free[index].eq(~is_open.bit_select(self._slot(user_ref), 1)),
            ]
            with m.If(~self.busy):  # kept whether it is judged and passes or not
                m.d.sync += [
                    entries[index].symbol.eq(leg.symbol),
                    entries[index].side.eq(leg.side),
                    entries[index].remaining.eq(leg.shares),
                    entries[index].worst.eq(self.worst[index]),
                    pair.eq(self.pair),
                    valid[index].eq(self.reserve & leg.valid),
                ]

        with m.If(self.busy):
            m.d.comb += [
                accounts.symbol.eq(written.symbol),
                accounts.account.worst_long.eq(written.worst),
                accounts.account.worst_short.eq(written.worst),
                accounts.write.worst_long.eq(written.side == Side.BUY),
                accounts.write.worst_short.eq(written.side == Side.SELL),
                kept.addr.eq(self._slot(self.next_user_ref)),
                kept.data.user_ref.eq(self.next_user_ref),
                kept.data.symbol.eq(written.symbol),
                kept.data.pair.eq(pair),
                kept.data.leg.eq(~valid[0]),
                kept.data.side.eq(written.side),
                kept.data.remaining.eq(written.remaining),
                kept.en.eq(1),
            ]
            m.d.sync += [
                valid.eq(valid & (valid - 1)),
                self.next_user_ref.eq(self.next_user_ref + 1),
            ]

    def _settle(self, m, is_open, done, accounts, kept, found):
        """Take responses: find the order, then what it means and the account, then change both.

        While a reservation is written, the order is looked at again, for it may be that one.
        """
        response, order = self.responses.payload, found.data
        step = Signal(range(3))
        grant, known, over, fault = Signal(), Signal(), Signal(), Signal()
        taken, shares, left = (Signal(SHARES_BITS, name=name)
                               for name in ("taken", "shares", "left"))
        executes = response.kind == ResponseKind.EXECUTED
        counts   = executes | (response.kind == ResponseKind.CANCELED)
        ends     = (response.kind == ResponseKind.DEAD) | (response.kind == ResponseKind.REJECTED)
        accepts  = response.kind == ResponseKind.ACCEPTED

        with m.If(self.responses.valid & ((step == 0) | self.busy)):
            m.d.sync += step.eq(1)
        with m.Elif(step == 1):
            m.d.sync += step.eq(2)
        with m.Elif(grant):
            m.d.sync += step.eq(0)
        m.d.comb += [
            grant.eq((step == 2) & ~self.judging & ~self.busy & ~self.load & self.room
                     & self.ready),
            self.responses.ready.eq(grant),
            found.addr.eq(self._slot(response.user_ref)),
            known.eq(is_open.bit_select(self._slot(response.user_ref), 1)
                     & (order.user_ref == response.user_ref)),
            over.eq(counts & (response.shares > order.remaining)),
            taken.eq(Mux(counts, response.shares, Mux(ends, order.remaining, 0))),
            self.settles.eq(grant & ~fault & ~accepts),
            self.outcome.pair.eq(order.pair),
            self.outcome.leg.eq(order.leg),
            self.outcome.side.eq(order.side),
            self.outcome.filled.eq(Mux(executes, shares, 0)),
            self.outcome.done.eq(done),
        ]
        m.d.sync += [
            fault.eq(~known | over | ~(counts | ends | accepts)),
            shares.eq(taken),
            left.eq(order.remaining - taken),
            done.eq(order.remaining == taken),
        ]
        with m.If(grant):
            m.d.sync += self.responses_applied.eq(self.responses_applied + 1)
            with m.If(fault):
                m.d.sync += self.ledger_fault.eq(1)
        m.d.comb += [
            kept.en.eq(self.settles),
            kept.addr.eq(self._slot(response.user_ref)),
            kept.data.eq(order),
            kept.data.remaining.eq(left),
            accounts.symbol.eq(order.symbol),
        ]
        # The address of the account stays while a response waits, so what is read stays the newest.
        looks = step != 0
        m.d.comb += accounts.symbols[SERVICE].eq(Mux(looks, order.symbol, self.symbol))
        self._account(m, accounts, order.side == Side.BUY, executes, shares)
        self._show(m, accounts, looks)

    def _account(self, m, accounts, buys, executes, shares):
        """Form the account after a response: an execution lowers the worst case of the other side.

        All else lowers that of its own.
        """
        before, after = accounts.accounts[SERVICE], accounts.account
        lowers_long, worst = Signal(), Signal(Worst)
        # What is sold is added as its complement; a bit below all others carries the one it lacks.
        change = Cat(~buys, Mux(buys, shares, ~shares), ~buys).as_signed()
        m.d.comb += [
            lowers_long.eq(buys ^ executes),
            worst.eq(Mux(lowers_long, before.worst_long, before.worst_short) - shares),
            after.position.eq((Cat(1, before.position).as_signed() + change)[1:]),
            after.worst_long.eq(worst),
            after.worst_short.eq(worst),
        ]
        with m.If(self.settles):
            m.d.comb += [
                accounts.write.position.eq(executes),
                accounts.write.worst_long.eq(lowers_long),
                accounts.write.worst_short.eq(~lowers_long),
            ]

    def _show(self, m, accounts, looks):
        """Show the host an account whenever responses leave the read to it."""
        known, shows = self.symbol < self._preset.symbols, Signal()
        shown = accounts.accounts[SERVICE]
        m.d.sync += shows.eq(~looks)
        with m.If(shows):
            m.d.sync += [
                self.position.eq(Mux(known, shown.position, 0)),
                self.worst_long.eq(Mux(known, shown.worst_long, 0)),
                self.worst_short.eq(Mux(known, shown.worst_short, 0)),
            ]

    def _load(self, m, accounts):
        """Take a position, or the number of the next order, from the host."""
        position = self.symbol_position.as_signed()
        with m.If(self.load):
            m.d.comb += [
                *(accounts.write[name].eq(1) for name, _ in accounts.write.shape()),
                accounts.symbol.eq(self.symbol),
                accounts.account.position.eq(position),
                accounts.account.worst_long.eq(position),
                accounts.account.worst_short.eq(-position),
            ]
        with m.If(self.renumber & (self.first_user_ref > self.next_user_ref)):
            m.d.sync += self.next_user_ref.eq(self.first_user_ref)

    def _slot(self, user_ref):
        """Return the slot of an order."""
        return user_ref[:(self._preset.slots - 1).bit_length()]
