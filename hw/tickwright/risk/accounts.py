"""What is held of each symbol, and the worst that open orders may make of it."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["Account", "AccountTable", "Worst"]

POSITION_BITS = 32

Worst = signed(POSITION_BITS + 1)
"""What a worst case is kept in, in shares."""


class Account(data.Struct):
    """The position of a symbol, and what it may become.

    At all times ``-worst_short <= position <= worst_long``, for what is open is at least 0. The
    host loads a position of 32 bits, and an order passes only where the worst case stays within a
    limit of 31 bits or, in close-only, at or below 0. So both worst cases stay at or below 2^31
    (2^31 - 1 the long one), the position within 32 bits and the worst cases within 33, whatever the
    venue answers: a fill leaves the worst case of its side as it is, and all else lowers one.
    """

    position:    signed(POSITION_BITS)  # shares; below 0: short
    worst_long:  Worst                  # position + open buys
    worst_short: Worst                  # open sells - position


Parts = data.StructLayout(dict.fromkeys(Account.as_shape().members, 1))
"""A bit for each part of an account."""


class AccountTable(wiring.Component):
    """Holds the account of each symbol; one changes a cycle, ``reads`` are read.

    A read shows all writes before the cycle in which the row appears. After reset the accounts
    clear themselves, which takes a cycle a symbol.

    Latency: 1 cycle from the symbols to their accounts. Throughput: all, every cycle.

    Members
    -------
    symbol, account, write : ``In``
        Change the account of the symbol in this cycle, with a bit for each part: whether to change
        that one; not before the table is ready.
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
            "write":    In(Parts),
            "symbols":  In(data.ArrayLayout(range(preset.symbols), reads)),
            "accounts": Out(data.ArrayLayout(Account, reads)),
            "ready":    Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        walk = Signal(range(self._symbols + 1))
        m.d.comb += self.ready.eq(walk == self._symbols)
        with m.If(~self.ready):
            m.d.sync += walk.eq(walk + 1)

        for name, field in Account.as_shape():
            m.submodules[name] = rows = Memory(shape=field.shape, depth=self._symbols, init=[])
            write = rows.write_port()
            m.d.comb += [
                write.en.eq(self.write[name] | ~self.ready),
                write.addr.eq(Mux(self.ready, self.symbol, walk)),
                write.data.eq(Mux(self.ready, self.account[name], 0)),
            ]
            for symbol, account in zip(self.symbols, self.accounts, strict=True):
                read = rows.read_port(transparent_for=(write,))
                m.d.comb += [read.addr.eq(symbol), account[name].eq(read.data)]

        return m
