"""What a set of parameters must pass before it may be in force."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.checksum import Checksum, bytes_of
from tickwright.core.onehot import choose, step
from tickwright.core.regs import WORD_BITS
from tickwright.strategy.parameters import SYMBOLS, Parameters
from tickwright.strategy.regs import PARAMETERS, StrategyRegs

__all__ = ["Commit"]


WORD_BYTES = WORD_BITS // 8


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

    One byte is summed in a cycle. Each byte of a pair is looked at in a cycle of its own, in which
    no evaluation reads the parameters: evaluations never wait for a check, a check waits for them.
    It ends as soon as so many cycles were without an evaluation; there are such cycles unless
    quotes ask, without end and to the cycle, for as many evaluations as there are cycles. If they
    ask for more, each one that is left out is of a quote that is stored in such a cycle.

    Latency, from a commit to ``wants``: 76 cycles a pair, 4 a place of a list, and 8 more; and 1
    for each evaluation that reads while pairs are looked at. Throughput: one at a time.

    Members
    -------
    commit : ``In(1)``
        Check the set.
    epoch, checksum : ``In(bits)``
        Its number, and the sum that it has to have.
    shadow_ready : ``In(1)``
        The shadow is cleared.
    look_pair, can_look, looked, looked_symbols
        Row of the parameters to look at; no evaluation reads in this cycle, so it is; what it held
        in the cycle before.
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
            "can_look":       In(1),
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
        """Look at pair after pair, place after place, the epoch; then judge the sum."""
        looks = {name: Signal(name=f"looks_at_{name}") for name in ("pair", "place", "epoch")}
        byte = Signal(len(bytes_of(words(self.looked))), init=1)  # which one; one-hot
        sums, differs = self._sum(m, checksum, looks, byte)
        pairs = (self.look_pair, self._pairs)
        places = (self.look_place, self._fanout), (self.look_symbol, self._symbols)
        with m.FSM():
            with m.State("pairs"), m.If(self.going & ~self.wants & self.can_look):
                m.d.comb += looks["pair"].eq(1)
                self._next(m, byte, len(byte), pairs, then="places")
            with m.State("places"):
                m.d.comb += looks["place"].eq(1)
                self._next(m, byte, WORD_BYTES, *places, then="epoch")
            with m.State("epoch"):
                m.d.comb += looks["epoch"].eq(1)
                self._next(m, byte, WORD_BYTES, then="sum")
            with m.State("sum"), m.If(~sums):
                right = (checksum.sum == self.new_checksum) & ~differs
                m.d.comb += refuses.eq(~right)
                m.d.sync += [self.wants.eq(right), differs.eq(0)]
                m.next = "pairs"
        with m.If(self.swap):
            m.d.sync += self.wants.eq(0)

    def _next(self, m, byte, count, *indices, then):
        """Go on to the next byte of so many, behind them to the next row; then to a state."""
        last = byte[count - 1]
        m.d.sync += byte.eq(step(byte, last))
        for index, rows in indices:
            with m.If(last):
                m.d.sync += index.eq(Mux(index == rows - 1, 0, index + 1))
            last &= index == rows - 1
        with m.If(last):
            m.next = then

    def _sum(self, m, checksum, looks, byte):
        """Sum the byte of what is looked at, 2 cycles later.

        Returns whether there is one yet to be summed, and whether the symbols of a pair, which are
        kept twice, differ in any.
        """
        looked, looked_byte = Signal(len(looks)), Signal.like(byte)
        m.d.sync += [looked.eq(Cat(looks.values())), looked_byte.eq(byte)]
        pair, place, epoch = looked
        differs = Signal()
        for index, name in enumerate(SYMBOLS):
            with m.If(pair & (self.looked[name] != self.looked_symbols[index])):
                m.d.sync += differs.eq(1)

        used = Cat(self.looked_pair | C(0, WORD_BITS - 1), 1)
        word = Signal(WORD_BITS)
        m.d.comb += word.eq(choose(Cat(place & self.looked_valid, epoch), [used, self.new_epoch]))
        row = bytes_of(words(self.looked))
        m.d.sync += [
            checksum.valid.eq(looked.any()),
            checksum.byte.eq(Mux(pair, choose(looked_byte, row),
                                 choose(looked_byte[:WORD_BYTES], bytes_of(word)))),
        ]
        return looked.any() | checksum.valid, differs
