"""What is held of each symbol, and the worst that open orders may make of it."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["Account", "AccountTable"]

POSITION_BITS = 32


class Account(data.Struct):
    """The position of a symbol, and what it may become.

    At all times ``-worst_short <= position <= worst_long``, for what is open is at least 0. The
    host loads a position of 32 bits, and an order passes only where the worst case stays within a
    limit of 31 bits or, in close-only, at or below 0. So both worst cases stay at or below 2^31
    (2^31 - 1 the long one), the position within 32 bits and the worst cases within 33, whatever the
    venue answers: a fill leaves the worst case of its side as it is, and all else lowers one.
    """

    position:    signed(POSITION_BITS)      # shares; below 0: short
    worst_long:  signed(POSITION_BITS + 1)  # position + open buys
    worst_short: signed(POSITION_BITS + 1)  # open sells - position


class AccountTable(wiring.Component):
    """Holds the account of each symbol; one changes a cycle, ``reads`` are read.

    A read shows all writes before the cycle in which the row appears. After reset the accounts
    clear themselves, which takes a cycle a symbol.

    Latency: 1 cycle from the symbols to their accounts. Throughput: all, every cycle.

    Members
    -------
    symbol, account, write : ``In``
        Change the account of the symbol in this cycle; not before the table is ready.
    symbols : ``In(ArrayLayout(range(symbols), reads))``
        Symbols to read.
    accounts : ``Out(ArrayLayout(Account, reads))``
        Accounts of the symbols of the cycle before.
    ready : ``Out(1)``
        The table is cleared.
    """

    def __init__(self, preset, *, reads: int):
        self._symbols, self._reads = preset.symbols, reads
        super().__init__({
            "symbol":   In(range(preset.symbols)),
            "account":  In(Account),
            "write":    In(1),
            "symbols":  In(data.ArrayLayout(range(preset.symbols), reads)),
            "accounts": Out(data.ArrayLayout(Account, reads)),
            "ready":    Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.rows = rows = Memory(shape=Account, depth=self._symbols, init=[])
        write = rows.write_port()

        walk = Signal(range(self._symbols + 1))
        m.d.comb += [
            self.ready.eq(walk == self._symbols),
            write.en.eq(self.write | ~self.ready),
            write.addr.eq(Mux(self.ready, self.symbol, walk)),
            write.data.eq(Mux(self.ready, self.account, 0)),
        ]
        with m.If(~self.ready):
            m.d.sync += walk.eq(walk + 1)

        for index in range(self._reads):
            read = rows.read_port(transparent_for=(write,))
            m.d.comb += [read.addr.eq(self.symbols[index]), self.accounts[index].eq(read.data)]

        return m
