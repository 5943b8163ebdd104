"""The compiled book shows the best prices of thousands of orders, from cleared tables on."""

import random
from itertools import count
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge

from tickwright.book.regs import BookRegs
from tickwright.book.stage import BookStage
from tickwright.book.types import Quote
from tickwright.core.regs import WORD_BYTES
from tickwright.feed.reasons import WINDOW as HIDDEN
from tickwright.feed.types import BookEvent, BookOp, Reason, Side
from tickwright.top.presets import PRESETS
from tickwright.twin.bench import run_bench, start
from tickwright.twin.handshake import Source

PRESET = PRESETS["versa"]
SYMBOLS, WINDOW = PRESET.symbols, PRESET.window
TICK = 100  # 1/10000 dollar
EVENTS = 1_500
LATENCY = 8  # cycles from an event to its quote
TRADING = ord("T")
BUY, SELL = Side.BUY, Side.SELL


def base(symbol):
    return 1_000_003 + 777 * symbol


class Registers:
    """The stage's bus, as its host has it."""

    def __init__(self, dut):
        self.dut = dut
        dut.bus__w_en.value = 0
        dut.bus__r_en.value = 0

    async def write(self, **values):
        for name, value in values.items():
            self.dut.bus__addr.value = getattr(BookRegs, name).offset // WORD_BYTES
            self.dut.bus__w_data.value = value
            self.dut.bus__w_en.value = 1
            await RisingEdge(self.dut.clk)
        self.dut.bus__w_en.value = 0

    async def read(self, name):
        self.dut.bus__addr.value = getattr(BookRegs, name).offset // WORD_BYTES
        self.dut.bus__r_en.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.bus__r_en.value = 0
        await ReadOnly()
        value = int(self.dut.bus__r_data.value)
        await RisingEdge(self.dut.clk)
        return value


class Market:
    """Sound events on a dictionary of orders, and what the touch is after each."""

    def __init__(self, rng):
        self.rng = rng
        self.orders = {}  # reference: symbol, side, tick, shares
        self.shown = {}
        self.sequences = count(1)
        self.quotes = []

    def event(self):
        """Make an event and give its payload."""
        if len(self.orders) < self.rng.randrange(160):
            fields = self._add()
        else:
            fields = self._change(self.rng.choice(list(self.orders)))
        return self._told(fields)

    def away(self):
        """Take every order away, one event after the other."""
        for reference, (symbol, *_) in list(self.orders.items()):
            del self.orders[reference]
            yield self._told({"op": BookOp.DELETE, "symbol": symbol, "reference": reference})

    def _told(self, fields):
        sequence = next(self.sequences)
        self._show(fields["symbol"], sequence)
        return BookEvent(SYMBOLS).const({**fields, "cause": {"sequence": sequence}}).as_bits()

    def _add(self):
        symbol, side = self.rng.randrange(SYMBOLS), self.rng.choice((BUY, SELL))
        reference, shares = self.rng.getrandbits(64), self.rng.randrange(1, 1_000)
        tick = self._tick(symbol)
        self.orders[reference] = (symbol, side, tick, shares)
        order = {"reference": reference, "side": side, "shares": shares, "price": tick * TICK}
        return {"op": BookOp.ADD, "symbol": symbol, **order}

    def _change(self, reference):
        symbol, side, tick, shares = self.orders.pop(reference)
        op = self.rng.choice((BookOp.EXECUTE, BookOp.CANCEL, BookOp.DELETE, BookOp.REPLACE))
        fields = {"op": op, "symbol": symbol, "reference": reference}
        if op == BookOp.DELETE:
            return fields
        if op == BookOp.REPLACE:
            new, tick = self.rng.getrandbits(64), self._tick(symbol)
            self.orders[new] = (symbol, side, tick, shares)
            return {**fields, "new_reference": new, "shares": shares, "price": tick * TICK}
        taken = self.rng.choice((shares, self.rng.randrange(shares)))
        if taken < shares:
            self.orders[reference] = (symbol, side, tick, shares - taken)
        return {**fields, "shares": taken}

    def _tick(self, symbol):
        far = self.rng.random() < 0.01
        return base(symbol) + (self.rng.choice((-1, WINDOW)) if far else self.rng.randrange(WINDOW))

    def _touch(self, symbol, side):
        """Give the price and shares of the best level, and whether it lies outside the window."""
        mine = [
            (tick, shares)
            for s, at, tick, shares in self.orders.values()
            if (s, at) == (symbol, side)
        ]
        if not mine:
            return 0, 0, 0
        best = (max if side == BUY else min)(tick for tick, _ in mine)
        if not 0 <= best - base(symbol) < WINDOW:
            return 0, 0, HIDDEN
        return best * TICK, sum(shares for tick, shares in mine if tick == best), 0

    def _show(self, symbol, sequence):
        bid, bid_shares, no_bid = self._touch(symbol, BUY)
        ask, ask_shares, no_ask = self._touch(symbol, SELL)
        now = (bid, bid_shares, ask, ask_shares, no_bid | no_ask)
        if now != self.shown.get(symbol, (0, 0, 0, 0, 0)):
            self.shown[symbol] = now
            self.quotes.append((sequence, symbol, *now))


async def watch(dut, quotes):
    """Note what is published."""
    layout = Quote(SYMBOLS)
    while True:
        await ReadOnly()
        if dut.quotes__valid.value:
            quote: Any = layout.from_bits(int(dut.quotes__payload.value))
            numbers = (quote.bid, quote.bid_shares, quote.ask, quote.ask_shares, quote.reasons)
            quotes.append((quote.cause.sequence, quote.symbol, *numbers))
            assert quote.status == TRADING
        assert not dut.taints__valid.value
        assert not dut.overflows__valid.value
        assert not dut.capacities__valid.value
        await RisingEdge(dut.clk)


async def wake(dut):
    """Configure the book and wait until its tables are cleared."""
    registers = Registers(dut)
    for symbol in range(SYMBOLS):
        await registers.write(symbol=symbol, base_tick=base(symbol), cent_tick=1)
        await registers.write(status=TRADING, configure=1)
    while not await registers.read("ready"):
        pass
    return registers


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def shows_the_best_prices(dut):
    """Twice, with a reset between: the second time the tables are full when it begins."""
    rng = random.Random(2026)
    events = Source(dut, "events")
    dut.statuses__valid.value = dut.trusts__valid.value = 0
    await start(dut)
    for _ in range(2):
        registers = await wake(dut)
        market, quotes = Market(rng), []
        watcher = cocotb.start_soon(watch(dut, quotes))
        gaps = iter(lambda: rng.choice((1, 1, 2, 4, 9)), None)
        await events.send((market.event() for _ in range(EVENTS)), gaps=gaps)
        await ClockCycles(dut.clk, PRESET.queue * 2 + LATENCY)
        assert quotes == market.quotes
        assert len(quotes) > EVENTS / 4
        assert await registers.read("orders") == len(market.orders)

        await events.send(market.away(), gaps=gaps)
        await ClockCycles(dut.clk, PRESET.queue * 2 + LATENCY)
        assert quotes == market.quotes
        assert await registers.read("orders") == await registers.read("untrusted") == 0
        watcher.cancel()

        await events.send((market.event() for _ in range(EVENTS // 10)), gaps=gaps)
        dut.rst.value = 1
        await ClockCycles(dut.clk, 1)
        dut.rst.value = 0


@cocotb.test(timeout_time=100, timeout_unit="us")
async def shows_both_symbols_of_a_mismatch(dut):
    """What comes right behind it finds the other symbol's quote as it was just published."""
    dut.events__valid.value = dut.statuses__valid.value = dut.trusts__valid.value = 0
    await start(dut)
    await wake(dut)
    quotes, price, wrong = [], base(0) * TICK, Reason.MISMATCH.value
    watcher = cocotb.start_soon(watch(dut, quotes))
    add = {"op": BookOp.ADD, "symbol": 0, "side": BUY, "shares": 300, "price": price}
    steps = [add, {"op": BookOp.EXECUTE, "symbol": 1, "shares": 1}]
    steps += [{"op": BookOp.CANCEL, "symbol": 0, "shares": shares} for shares in (0, 1)]
    await Source(dut, "events").send(
        BookEvent(SYMBOLS)
        .const({**step, "reference": 5, "cause": {"sequence": sequence}})
        .as_bits()
        for sequence, step in enumerate(steps, 1)
    )
    await ClockCycles(dut.clk, 4 * LATENCY)
    watcher.cancel()
    assert quotes == [
        (1, 0, price, 300, 0, 0, 0),
        (2, 1, 0, 0, 0, 0, wrong),
        (2, 0, price, 300, 0, 0, wrong),
        (4, 0, price, 299, 0, 0, wrong),
    ]


def test_book():
    run_bench(BookStage(PRESET), __name__)
