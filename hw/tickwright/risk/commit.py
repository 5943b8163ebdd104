"""What a set of limits must pass before it is in force."""

from itertools import accumulate

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.checksum import BYTE_BITS, Checksum, bytes_of
from tickwright.core.onehot import choose, step
from tickwright.core.regs import WORD_BITS
from tickwright.risk.limits import OfAll, SymbolLimits
from tickwright.risk.regs import SYMBOL_LIMITS, RiskRegs

__all__ = ["Commit"]

OF_HOST = ("max_shares", "max_notional", "limits_epoch", "limits_checksum", "first_user_ref")


def words(row):
    """Cut limits into words: one each, two (the low one first) for those wider than a word."""
    return Cat(row[name][at:at + WORD_BITS] | C(0, WORD_BITS)
               for name, field in row.shape() for at in range(0, field.width, WORD_BITS))


def byte_count(name):
    """Return how many bytes a limit of a symbol has in whole words."""
    return -(-SymbolLimits[name].width // WORD_BITS) * WORD_BITS // BYTE_BITS


class Commit(wiring.Component):
    """Checks the set in the shadow, row by row, and puts it in force or refuses it.

    Unless the gate is killed in the cycle of the commit, each limit of the set becomes the lower of
    itself and the one in force, first. Then the checksum over all that is in the shadow must be
    the one the host gave, or the set stays in the shadow. What the host writes after the commit
    has no effect on it. A commit is refused at once while one is going on, and while the shadow is
    not cleared. ::

        shadow ──▶ ┐
                   ├─▶ lower? ─▶ shadow
        in force ─▶ ┘     └────▶ checksum ─▶ right? ─┬─▶ swap
                                                     └─▶ refused + 1

    All is done by the byte, the lowest of a row first: each is compared, then each is summed. In
    every cycle but the last 2 a row is looked at, through the port by which the gate reads the
    limits of a second leg: in a cycle in which the gate needs it, the check stands still. That is
    the first cycle of an intent; whether or not it is judged in the one after, the check goes on.

    Latency: 63 cycles a symbol and 19 more from a commit until the set is in force, and 1 for each
    cycle it stands still: at most as many again. Throughput: one at a time.

    Members
    -------
    commit, killed : ``In(1)``
        Check the set; the gate is killed in this cycle.
    max_shares, max_notional, limits_epoch, limits_checksum, first_user_ref : ``In(bits)``
        What the set says for all, its checksum, and the reference of the next order.
    shadow_ready, in_force : ``In(1)``, ``In(OfAll)``
        The shadow is cleared; what is in force for all.
    can_look, looks : ``In(1)``, ``Out(1)``
        A row may be looked at in this cycle; it is.
    look_symbol, look_in_force, looked : ``Out``, ``Out``, ``In(SymbolLimits)``
        Row to look at, and what that of the cycle before held.
    write : ``Out(4)``
        A bit for each limit: that of the row looked at is to be written to the shadow, at
        ``look_symbol``.
    begins, swap, next_of_all : ``Out(1)``, ``Out(1)``, ``Out(OfAll)``
        A check begins in this cycle; the set comes in force after this one, with this for all.
    renumbers, new_user_ref : ``Out(1)``, ``Out(32)``
        With the swap: the commit was one while killed; the reference it gave.
    going, committing, committed : ``Out(1)``
        A check goes on; it does, or begins in this cycle; a set has come in force since reset.
    active_limits_epoch, active_limits_checksum : ``Out``
        Of the set in force.
    limit_commits, refused_commits : ``Out(32)``, ``Out(16)``
        Sets put in force, modulo 2^32; sets refused, which stops at its maximum.
    """

    def __init__(self, preset):
        self._symbols = preset.symbols
        outs = ("committing", "active_limits_epoch", "active_limits_checksum", "limit_commits",
                "refused_commits")
        super().__init__({
            "commit":        In(1),
            "killed":        In(1),
            **{name: In(getattr(RiskRegs, name).bits) for name in OF_HOST},
            "shadow_ready":  In(1),
            "in_force":      In(OfAll),
            "can_look":      In(1),
            "looks":         Out(1),
            "look_symbol":   Out(range(preset.symbols)),
            "look_in_force": Out(1),
            "looked":        In(SymbolLimits),
            "write":         Out(len(SYMBOL_LIMITS)),
            "begins":        Out(1),
            "going":         Out(1),
            "swap":          Out(1),
            "next_of_all":   Out(OfAll),
            "renumbers":     Out(1),
            "new_user_ref":  Out(RiskRegs.first_user_ref.bits),
            "committed":     Out(1),
            **{name: Out(getattr(RiskRegs, name).bits) for name in outs},
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.checksum = checksum = Checksum()
        while_killed, refuses = Signal(), Signal()
        m.d.comb += [
            self.renumbers.eq(self.swap & while_killed),
            self.begins.eq(self.commit & self.shadow_ready & ~self.going),
            self.committing.eq(self.going | self.begins),
            self.looks.eq(self.going & self.can_look),
            checksum.clear.eq(self.begins),
            self.active_limits_epoch.eq(self.in_force.epoch),
            self.active_limits_checksum.eq(self.in_force.checksum),
        ]
        with m.If(self.begins):
            m.d.sync += [self.going.eq(1), while_killed.eq(self.killed)]
            self._keep(m)
        self._walk(m, while_killed, checksum, refuses)
        with m.If(self.swap | refuses):
            m.d.sync += self.going.eq(0)
        with m.If(self.swap):
            m.d.sync += [self.committed.eq(1), self.limit_commits.eq(self.limit_commits + 1)]
        refused = refuses | (self.commit & ~self.begins)
        with m.If(refused & ~self.refused_commits.all()):
            m.d.sync += self.refused_commits.eq(self.refused_commits + 1)

        return m

    def _keep(self, m):
        """Keep what the host says for all; the limits as they will be in force."""
        kept, limits = self.next_of_all, self.next_of_all.limits
        m.d.sync += [
            kept.epoch.eq(self.limits_epoch),
            kept.checksum.eq(self.limits_checksum),
            self.new_user_ref.eq(self.first_user_ref),
        ]
        for name, _ in limits.shape():
            wanted, in_force = getattr(self, name), self.in_force.limits[name]
            m.d.sync += limits[name].eq(Mux(~self.killed & (in_force < wanted), in_force, wanted))

    def _walk(self, m, while_killed, checksum, refuses):
        """Lower and sum the rows one by one, then sum what is for all; judge the sum."""
        row = bytes_of(words(self.looked))
        of_all = bytes_of(Cat(words(self.next_of_all.limits),
                              self.next_of_all.epoch | C(0, WORD_BITS)))
        at = Signal(len(row) + len(of_all), init=1)  # which byte; one-hot
        byte, before = Signal(BYTE_BITS), Signal(BYTE_BITS)  # of this step, and of the one before
        # A byte is kept, for where the check stands still another row is read.
        stood, kept = Signal(), Signal(BYTE_BITS)
        m.d.comb += [
            byte.eq(Mux(stood, kept, choose(at, row + of_all))),
            checksum.byte.eq(before),
        ]
        m.d.sync += [stood.eq(~self.can_look), kept.eq(byte), checksum.valid.eq(0)]
        with m.If(self.can_look):
            m.d.sync += before.eq(byte)
        row_ends, last = at[len(row) - 1], self.look_symbol == self._symbols - 1

        with m.FSM():
            with m.State("in_force"), m.If(self.looks):
                m.d.comb += self.look_in_force.eq(1)
                m.next = "shadow"
            with m.State("shadow"), m.If(self.looks):
                m.next = "compare"
            with m.State("compare"), m.If(self.looks):
                lower = self._compare(m, at, before, byte)
                m.d.comb += self.look_in_force.eq(1)
                m.d.sync += at.eq(step(at, row_ends))
                m.next = "shadow"
                with m.If(row_ends):
                    m.next = "lower"
            with m.State("lower"):
                m.d.comb += self.write.eq(Mux(while_killed | stood, 0, lower))
                with m.If(self.looks):
                    m.next = "look"
            with m.State("look"), m.If(self.looks):
                m.next = "sum"
            with m.State("sum"), m.If(self.looks):
                m.d.sync += [checksum.valid.eq(1), at.eq(step(at, (row_ends & ~last) | at[-1]))]
                with m.If(row_ends):
                    m.d.sync += self.look_symbol.eq(Mux(last, 0, self.look_symbol + 1))
                with m.If(row_ends & ~last):
                    m.next = "in_force"
                with m.If(at[-1]):
                    m.next = "judge"
            with m.State("judge"), m.If(~checksum.valid):
                right = self._is_right(checksum)
                m.d.comb += [self.swap.eq(right), refuses.eq(~right)]
                m.next = "in_force"

    def _compare(self, m, at, in_force, wanted):
        """Compare a byte; return a bit for each limit of the row: the one in force is lower."""
        ends = Cat(at[end - 1] for end in accumulate(map(byte_count, SYMBOL_LIMITS))).any()
        lower = Signal(len(SYMBOL_LIMITS))  # those compared last; the last one is the highest bit
        below, is_below = Signal(), Signal()  # up to the byte before, and with this one
        m.d.comb += is_below.eq(Cat(C(0, 1), in_force) < Cat(below, wanted))
        m.d.sync += below.eq(is_below & ~ends)
        with m.If(ends):
            m.d.sync += lower.eq(Cat(lower[1:], is_below))
        return lower

    def _is_right(self, checksum):
        """Return whether all words of the set have the checksum the host gave."""
        return checksum.sum == self.next_of_all.checksum
