"""The book shows what section 5 of the specification says, in order, however close events come."""

import random
from dataclasses import dataclass, field

import pytest
from amaranth.sim import Simulator

from tickwright.book.regs import BookRegs
from tickwright.book.stage import BookStage
from tickwright.feed.types import BookOp, Side
from tickwright.top.presets import Preset

SYMBOLS, WINDOW = 4, 64
SMALL = Preset(
    name="small",
    symbols=SYMBOLS,
    orders=64,
    window=WINDOW,
    pairs=4,
    fanout=2,
    hold=16,
    queue=8,
    slots=8,
)
CLOCK_PERIOD = 1 / 156.25e6  # seconds
DEADLINE = 20_000  # cycles
LATENCY = 8  # cycles from an event to its quote
REPLACE_LATENCY = 10
HIGHEST_TICK = (1 << 25) - 1

BUY, SELL = Side.BUY, Side.SELL
ADD, EXECUTE, CANCEL, DELETE, REPLACE = BookOp

# base tick, is the tick a cent, status: no base is aligned, one window ends at the highest tick.
SETTINGS = (
    (100_037, 1, ord("T")),
    (77, 0, 0),
    (HIGHEST_TICK - WINDOW, 0, ord("T")),
    (0, 1, ord("H")),
)


# --- what happens to the book


def cause(sequence):
    return {
        "sequence": sequence,
        "feed_ns": 1_000 + sequence,
        "stamp": 3 * sequence,
        "frame": sequence % 5,
        "line": sequence % 2,
        "venue": 3,
        "last_in_packet": sequence % 3 == 0,
    }


def event(op, symbol, reference, *, new=0, side=BUY, shares=0, price=0):
    order = {"reference": reference, "new_reference": new, "side": side}
    return "events", {"op": op, "symbol": symbol, **order, "shares": shares, "price": price}


def add(symbol, reference, side, shares, price):
    return event(ADD, symbol, reference, side=side, shares=shares, price=price)


def status(symbol, state):
    return "statuses", {"symbol": symbol, "status": ord(state)}


def trust(*reasons, symbol=None, first=0, last=0):
    bits = sum(1 << REASONS.index(reason) for reason in reasons)
    scope = {"all": symbol is None, "symbol": symbol or 0}
    return "trusts", {**scope, "reasons": bits, "first": first, "last": last}


# --- the oracle: section 5, written down once more, over a dictionary

REASONS = [
    "gap",
    "fault",
    "overflow",
    "unknown_reference",
    "duplicate_reference",
    "quantity",
    "price",
    "capacity",
    "directory",
    "mismatch",
    "configured",
    "window",
]


@dataclass
class Resting:
    symbol: int
    side: Side
    tick: int
    shares: int


@dataclass
class Stock:
    base: int = 0
    tick_size: int = 1
    status: int = 0
    reasons: set = field(default_factory=set)
    shown: tuple = ()


class DictionaryBook:
    """Every order in one dictionary; all else is counted anew when it is asked for."""

    def __init__(self, settings):
        self.orders = {}
        self.stocks = [Stock(base, 100 if cents else 1, state) for base, cents, state in settings]
        for stock in self.stocks:
            stock.shown = (0, 0, 0, 0, stock.status, 0)

    def apply(self, kind, fields, no_way):
        """Apply a message; give the quote or the taint that comes of it, or None.

        ``no_way`` says that the card found no way for the order.
        """
        if kind == "trusts" and fields["all"]:
            for stock in self.stocks:
                stock.reasons |= names(fields["reasons"])
            return "taint", {**fields, "symbol": 0}
        symbol = fields["symbol"]
        stock = self.stocks[symbol]
        if kind == "trusts":
            stock.reasons |= names(fields["reasons"])
        elif kind == "statuses":
            stock.status = fields["status"]
        else:
            self._order(fields, no_way)
        return self._publish(symbol)

    def _order(self, fields, no_way):
        op, symbol, reference = fields["op"], fields["symbol"], fields["reference"]
        if op == ADD:
            self._add(symbol, reference, fields["side"], fields, no_way)
        elif op == REPLACE:
            old = self._take(symbol, reference, None)
            if old:
                self._add(symbol, fields["new_reference"], old.side, fields, no_way)
        else:
            self._take(symbol, reference, None if op == DELETE else fields["shares"])

    def _add(self, symbol, reference, side, fields, no_way):
        stock, shares, price = self.stocks[symbol], fields["shares"], fields["price"]
        tick = min(price // stock.tick_size, HIGHEST_TICK)
        if reference in self.orders:
            stock.reasons.add("duplicate_reference")
        elif shares == 0:
            stock.reasons.add("quantity")
        elif self._is_inside(symbol, tick) and price % stock.tick_size:
            stock.reasons.add("price")
        elif no_way:
            stock.reasons.add("capacity")
        else:
            self.orders[reference] = Resting(symbol, side, tick, shares)
            if self._is_inside(symbol, tick) and self._shares(symbol, side, tick) >= 1 << 32:
                stock.reasons.add("quantity")

    def _take(self, symbol, reference, shares):
        reasons = self.stocks[symbol].reasons
        order = self.orders.get(reference)
        if order is None:
            reasons.add("unknown_reference")
            return None
        if order.symbol != symbol:
            reasons.add("mismatch")
            self.stocks[order.symbol].reasons.add("mismatch")
            return None
        if shares is not None and shares > order.shares:
            reasons.add("quantity")
        order.shares -= order.shares if shares is None else min(shares, order.shares)
        if order.shares == 0:
            del self.orders[reference]
        return order

    def _is_inside(self, symbol, tick):
        base = self.stocks[symbol].base
        return base <= tick < base + WINDOW

    def _side(self, symbol, side):
        return [o for o in self.orders.values() if o.symbol == symbol and o.side == side]

    def _shares(self, symbol, side, tick):
        return sum(order.shares for order in self._side(symbol, side) if order.tick == tick)

    def _best(self, symbol, side):
        """Give price, shares, and whether the side is hidden."""
        stock = self.stocks[symbol]
        ticks = [order.tick for order in self._side(symbol, side)]
        if not ticks:
            return 0, 0, False
        best = max(ticks) if side == BUY else min(ticks)
        if not self._is_inside(symbol, best):
            return 0, 0, True
        return best * stock.tick_size, self._shares(symbol, side, best) % (1 << 32), False

    def _publish(self, symbol):
        stock = self.stocks[symbol]
        bid, bid_shares, no_bid = self._best(symbol, BUY)
        ask, ask_shares, no_ask = self._best(symbol, SELL)
        reasons = stock.reasons | ({"window"} if no_bid or no_ask else set())
        bits = sum(1 << REASONS.index(reason) for reason in reasons)
        now = (bid, bid_shares, ask, ask_shares, stock.status, bits)
        if now == stock.shown:
            return None
        stock.shown = now
        fields = ("bid", "bid_shares", "ask", "ask_shares", "status", "reasons")
        return "quote", {
            "symbol": symbol,
            **dict(zip(fields, now, strict=True)),
            "trusted": not bits,
            "crossed": bid > ask > 0,
            "locked": bid == ask > 0,
        }


def names(bits):
    return {name for index, name in enumerate(REASONS) if bits >> index & 1}


# --- the card


@dataclass
class Outcome:
    """What the card said, each with its cycle; cycle 0 is that of the first message."""

    published: list = field(default_factory=list)  # cycle, "quote" or "taint", fields
    overflows: list = field(default_factory=list)  # cycle, sequence
    capacities: list = field(default_factory=list)
    registers: dict = field(default_factory=dict)

    def plain(self):
        return [(kind, fields) for _, kind, fields in self.published]


class Desk:
    """The host of a simulated book."""

    def __init__(self, ctx, dut):
        self._ctx, self._bus = ctx, dut.bus

    async def write(self, name, value):
        register = getattr(BookRegs, name)
        self._ctx.set(self._bus.addr, register.offset // 4)
        self._ctx.set(self._bus.w_data, value)
        self._ctx.set(self._bus.w_en, 1)
        await self._ctx.tick()
        self._ctx.set(self._bus.w_en, 0)

    async def read(self, name):
        self._ctx.set(self._bus.addr, getattr(BookRegs, name).offset // 4)
        self._ctx.set(self._bus.r_en, 1)
        await self._ctx.tick()
        self._ctx.set(self._bus.r_en, 0)
        return self._ctx.get(self._bus.r_data)

    async def configure(self, symbol, base, cents, state):
        for name, value in {
            "symbol": symbol,
            "base_tick": base,
            "cent_tick": cents,
            "status": state,
            "configure": 1,
        }.items():
            await self.write(name, value)


def unpacked(view):
    """Return a constant of a struct as a dictionary of numbers."""
    return {
        name: unpacked(value)
        if hasattr(value := view[name], "shape")
        else int(getattr(value, "value", value))
        for name, _ in view.shape()
    }


async def play(ctx, dut, messages, tail=24):
    """Send messages, each in its cycle; give what the book says until some cycles after."""
    said = Outcome()
    schedule = dict(messages)
    for cycle in range(max(schedule, default=0) + tail):
        stream = None
        if cycle in schedule:
            kind, fields = schedule[cycle]
            stream = getattr(dut, kind)
            ctx.set(stream.payload, fields)
            ctx.set(stream.valid, 1)
        for name, output in (("quote", dut.quotes), ("taint", dut.taints)):
            if ctx.get(output.valid):
                said.published.append((cycle, name, unpacked(ctx.get(output.payload))))
        for sequences, output in (
            (said.overflows, dut.overflows),
            (said.capacities, dut.capacities),
        ):
            if ctx.get(output.valid):
                sequences.append((cycle, ctx.get(output.payload.sequence)))
        await ctx.tick()
        if stream is not None:
            ctx.set(stream.valid, 0)
    return said


def spaced(messages, gaps, first=1):
    """Give each message its cycle, ``gaps`` apart, and its cause."""
    cycle, timed = 0, []
    for sequence, ((kind, fields), gap) in enumerate(zip(messages, gaps, strict=False), first):
        timed.append((cycle, (kind, {**fields, "cause": cause(sequence)})))
        cycle += gap
    return timed


def expected(timed, said, settings=SETTINGS):
    """Give what the oracle publishes, told what the card decides: overflows and capacities."""
    book = DictionaryBook(settings)
    refused = {sequence for _, sequence in said.overflows}
    no_way = {sequence for _, sequence in said.capacities}
    published, in_run = [], False
    for _, (kind, fields) in timed:
        sequence = fields["cause"]["sequence"]
        plain = {name: value for name, value in fields.items() if name != "cause"}
        is_refused = kind != "trusts" and sequence in refused
        if is_refused and in_run:
            continue
        if is_refused:
            kind, plain = trust("overflow")
        if kind != "trusts" or is_refused:
            in_run = is_refused
        result = book.apply(kind, plain, sequence in no_way)
        if result:
            published.append((result[0], {**result[1], "cause": fields["cause"]}))
    return published, book


def run(timed, settings=SETTINGS, preset=SMALL, registers=()):
    """Configure a book, send it messages, and give what it says."""
    dut = BookStage(preset)
    results = []

    async def bench(ctx):
        desk = Desk(ctx, dut)
        for symbol, (base, cents, state) in enumerate(settings):
            await desk.configure(symbol, base, cents, state)
        while not ctx.get(dut.ready):
            await ctx.tick()
        said = await play(ctx, dut, timed)
        for name in registers:
            said.registers[name] = await desk.read(name)
        results.append(said)

    # Without a waveform, which would take nine tenths of the time.
    simulator = Simulator(dut)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(bench)
    for _ in range(2 * DEADLINE):
        if not simulator.advance():
            return results[0]
    raise TimeoutError(f"no verdict after {DEADLINE} cycles")


def check(messages, gaps=None, **options):
    """Compare the book with the oracle; give what was published."""
    messages = list(messages)
    timed = spaced(messages, gaps or [12] * len(messages))
    said = run(timed, **options)
    wanted, book = expected(timed, said)
    assert said.plain() == wanted
    return said, book


# --- random traffic


class Traffic:
    """Random messages that meet each other: few orders, few prices, the same order again and again.

    ``wrong`` is how often a message is one that costs trust, or has an odd price.
    """

    def __init__(self, seed, *, wrong, orders=24):
        self.rng = random.Random(seed)
        self.wrong = wrong
        self.orders = orders  # about how many rest
        self.live = {}  # reference: symbol, as far as a rough count goes
        self.last = 0

    def messages(self, count):
        return [self._status() if self._one_in(30) else self._event() for _ in range(count)]

    def gaps(self, choices=(2, 2, 3, 4, 9)):
        while True:
            yield self.rng.choice(choices)

    def _one_in(self, count):
        return self.rng.random() < 1 / count

    def _errs(self):
        return self.rng.random() < self.wrong

    def _status(self):
        if self._errs():
            reasons = self.rng.choice((["gap"], ["fault"], ["gap", "fault"]))
            return trust(*reasons, first=self.rng.randrange(9), last=self.rng.getrandbits(64))
        if self._errs():
            return trust("directory", symbol=self.rng.randrange(SYMBOLS))
        return status(self.rng.randrange(SYMBOLS), self.rng.choice("THPQ"))

    def _price(self, symbol):
        base, cents, _ = SETTINGS[symbol]
        size = 100 if cents else 1
        if self._errs():
            return self.rng.choice((0, base * size + 1, (1 << 32) - 1, (HIGHEST_TICK + 1) * size))
        tick = base + self.rng.choice((20, 31, 32, 33, self.rng.randrange(WINDOW)))
        if self._one_in(12):
            tick = base + self.rng.choice((-2, -1, 0, WINDOW - 1, WINDOW, WINDOW + 1))
        return max(0, tick) * size

    def _shares(self):
        if self._errs():
            return self.rng.choice((0, (1 << 32) - 1, 1 << 31))
        return self.rng.choice((1, 100, 100, 200, 300))

    def _new(self):
        if self.live and self._errs():
            return self.rng.choice(list(self.live))
        return self.rng.getrandbits(64)

    def _event(self):
        symbol = self.rng.choice((0, 0, 0, 1, 2, 3))
        if not self.live or self.rng.random() > len(self.live) / (2 * self.orders):
            reference = self._new()
            self.live[reference], self.last = symbol, reference
            side = self.rng.choice((BUY, SELL))
            return add(symbol, reference, side, self._shares(), self._price(symbol))

        again = self.last in self.live and self._one_in(2)
        reference = self.last if again else self.rng.choice(list(self.live))
        symbol = self.rng.randrange(SYMBOLS) if self._errs() else self.live[reference]
        op = self.rng.choice((EXECUTE, CANCEL, DELETE, REPLACE))
        new = self._new()
        self.last = reference
        if op == DELETE or op == REPLACE:
            del self.live[reference]
        if op == REPLACE:
            self.live[new], self.last = symbol, new
        if self._errs():
            reference = self.rng.getrandbits(64)
        shares, price = self._shares(), self._price(symbol)
        return event(op, symbol, reference, new=new, shares=shares, price=price)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("wrong", [0, 0.003, 0.1])
def test_equals_the_dictionary_book(seed, wrong):
    traffic = Traffic(seed, wrong=wrong)
    said, book = check(traffic.messages(600), traffic.gaps())
    assert len(said.published) > 150
