"""What a set of parameters must pass before it may be in force."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.checksum import Checksum
from tickwright.core.regs import WORD_BITS
from tickwright.strategy.parameters import SYMBOLS, Parameters
from tickwright.strategy.regs import PARAMETERS, StrategyRegs

__all__ = ["Commit"]


def words(row):
    """Cut parameters into words: one each, two (the low one first) for those wider than a word."""
    return Cat(Value.cast(row[name])[at:at + WORD_BITS] | C(0, WORD_BITS)
               for name in PARAMETERS
               for at in range(0, getattr(StrategyRegs, name).bits, WORD_BITS))


class Commit(wiring.Component):
    """Sums up the set in the shadow, as the memories hold it, and lets it be put in force or not.

    Each pair, then each place of each list, then the epoch. What the host writes after the commit
    has no effect on it. A commit is refused at once while one is going on, and while the shadow is
    not cleared; at the end, if the sum is not the one that the host gave. ::

        shadow ─▶ pairs ─▶ places ─▶ epoch ─▶ checksum ─▶ right? ─┬─▶ wants, until swap
                                                                  └─▶ refused + 1

    Latency, from a commit to ``wants``: 24 cycles a pair, 2 a place of a list, and 3 more.
    Throughput: one at a time.

    Members
    -------
    commit : ``In(1)``
        Check the set.
    epoch, checksum : ``In(bits)``
        Its number, and the sum that it has to have.
    shadow_ready : ``In(1)``
        The shadow is cleared.
    look_pair, looked, looked_symbols
        Row of the parameters to look at, and what it held in the cycle before.
    look_symbol, look_place, looked_valid, looked_pair
        Place of the lists to look at, and what it held in the cycle before.
    wants, swap : ``Out(1)``, ``In(1)``
        The set is right and may come in force; it does, after this cycle.
    new_epoch, new_checksum : ``Out(bits)``
        Of the set that may.
    going, committing : ``Out(1)``
        A set is being checked, or is right and waits; the same, or a check begins in this cycle.
    commits, refused_commits : ``Out(32)``, ``Out(16)``
        Sets put in force, modulo 2^32; sets refused, which stops at its maximum.
    """

    def __init__(self, preset):
        self._pairs, self._symbols, self._fanout = preset.pairs, preset.symbols, preset.fanout
        symbols = range(preset.symbols)
        super().__init__({
            "commit":         In(1),
            "epoch":          In(StrategyRegs.epoch.bits),
            "checksum":       In(StrategyRegs.checksum.bits),
            "shadow_ready":   In(1),
            "look_pair":      Out(range(preset.pairs)),
            "looked":         In(Parameters(preset.symbols)),
            "looked_symbols": In(data.ArrayLayout(symbols, len(SYMBOLS))),
            "look_symbol":    Out(symbols),
            "look_place":     Out(range(preset.fanout)),
            "looked_valid":   In(1),
            "looked_pair":    In(range(preset.pairs)),
            "wants":          Out(1),
            "swap":           In(1),
            "going":          Out(1),
            "new_epoch":      Out(StrategyRegs.epoch.bits),
            "new_checksum":   Out(StrategyRegs.checksum.bits),
            **{name: Out(getattr(StrategyRegs, name).bits)
               for name in ("committing", "commits", "refused_commits")},
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.checksum = checksum = Checksum()
        begins, refuses = Signal(), Signal()
        m.d.comb += [
            begins.eq(self.commit & self.shadow_ready & ~self.going),
            self.committing.eq(self.going | begins),
            checksum.clear.eq(begins),
        ]
        with m.If(begins):
            m.d.sync += [
                self.going.eq(1),
                self.new_epoch.eq(self.epoch),
                self.new_checksum.eq(self.checksum),
            ]
        self._walk(m, checksum, refuses)
        with m.If(refuses | self.swap):
            m.d.sync += self.going.eq(0)
        with m.If(self.swap):
            m.d.sync += self.commits.eq(self.commits + 1)
        refused = refuses | (self.commit & ~begins)
        with m.If(refused & ~self.refused_commits.all()):
            m.d.sync += self.refused_commits.eq(self.refused_commits + 1)

        return m

    def _walk(self, m, checksum, refuses):
        """Take pair after pair, place after place, the epoch; then judge the sum."""
        count = len(words(self.looked)) // WORD_BITS
        rest, left = Signal(count * WORD_BITS), Signal(range(count + 1))
        differs = Signal()  # the symbols of a pair are kept twice
        with m.FSM():
            with m.State("pair"), m.If(self.going & ~self.wants):
                m.next = "row"
            with m.State("row"):
                m.d.sync += [rest.eq(words(self.looked)), left.eq(count)]
                for index, name in enumerate(SYMBOLS):
                    with m.If(self.looked[name] != self.looked_symbols[index]):
                        m.d.sync += differs.eq(1)
                m.next = "words"
            with m.State("words"):
                m.d.comb += [checksum.word.eq(rest[:WORD_BITS]), checksum.valid.eq(1)]
                m.d.sync += [rest.eq(rest >> WORD_BITS), left.eq(left - 1)]
                with m.If(left == 1):
                    self._next(m, self.look_pair, self._pairs, "pair", "place")
            with m.State("place"):
                m.next = "used"
            with m.State("used"):
                used = Cat(self.looked_pair | C(0, WORD_BITS - 1), 1)
                m.d.comb += [checksum.word.eq(Mux(self.looked_valid, used, 0)),
                             checksum.valid.eq(1)]
                m.next = "place"
                m.d.sync += self.look_place.eq(self.look_place + 1)
                with m.If(self.look_place == self._fanout - 1):
                    m.d.sync += self.look_place.eq(0)
                    self._next(m, self.look_symbol, self._symbols, "place", "epoch")
            with m.State("epoch"):
                m.d.comb += [checksum.word.eq(self.new_epoch), checksum.valid.eq(1)]
                m.next = "sum"
            with m.State("sum"):
                right = (checksum.sum == self.new_checksum) & ~differs
                m.d.comb += refuses.eq(~right)
                m.d.sync += [self.wants.eq(right), differs.eq(0)]
                m.next = "pair"
        with m.If(self.swap):
            m.d.sync += self.wants.eq(0)

    def _next(self, m, index, count, again, then):
        """Go on to the next row of a table, and behind the last one to what follows."""
        last = index == count - 1
        m.d.sync += index.eq(Mux(last, 0, index + 1))
        with m.If(last):
            m.next = then
        with m.Else():
            m.next = again
