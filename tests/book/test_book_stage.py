"""The book shows what section 5 of the specification says, in order, however close events come."""

import random
from dataclasses import dataclass, field
from functools import cache

import pytest
from amaranth import *
from amaranth.sim import Simulator

from tickwright.book.regs import BookRegs
from tickwright.book.stage import BookStage
from tickwright.feed.types import BookOp, Side
from tickwright.top.presets import Preset

SYMBOLS, WINDOW = 4, 32
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
        """Apply a message; give the quotes or the taint that come of it.

        ``no_way`` says that the card found no way for the order.
        """
        if kind == "trusts" and fields["all"]:
            for stock in self.stocks:
                stock.reasons |= names(fields["reasons"])
            return [("taint", {**fields, "symbol": 0})]
        symbol = fields["symbol"]
        stock = self.stocks[symbol]
        concerned = [symbol]
        if kind == "trusts":
            stock.reasons |= names(fields["reasons"])
        elif kind == "statuses":
            stock.status = fields["status"]
        else:
            resting = self.orders.get(fields["reference"])
            self._order(fields, no_way)
            if fields["op"] != ADD and resting and resting.symbol != symbol:
                concerned.append(resting.symbol)
        return [quote for number in concerned if (quote := self._publish(number))]

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
    overflows: list = field(default_factory=list)  # cycle, sequence, marked
    capacities: list = field(default_factory=list)  # cycle, sequence
    busy: list = field(default_factory=list)  # cycles
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
        await self._ctx.tick()  # the strobe takes effect


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
        assert not (ctx.get(dut.quotes.valid) and ctx.get(dut.taints.valid))
        if ctx.get(dut.busy):
            said.busy.append(cycle)
        for records, output in (
            (said.overflows, dut.overflows),
            (said.capacities, dut.capacities),
        ):
            if ctx.get(output.valid):
                records.append((cycle, *unpacked(ctx.get(output.payload)).values()))
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
    refused = {sequence: marked for _, sequence, marked in said.overflows}
    no_way = {sequence for _, sequence in said.capacities}
    published = []
    for _, (kind, fields) in timed:
        sequence = fields["cause"]["sequence"]
        plain = {name: value for name, value in fields.items() if name != "cause"}
        if kind != "trusts" and sequence in refused:
            if not refused[sequence]:
                continue
            kind, plain = trust("overflow")
        for what, result in book.apply(kind, plain, sequence in no_way):
            published.append((what, {**result, "cause": fields["cause"]}))
    return published, book


def drive(dut, bench):
    """Simulate without a waveform, which would take nine tenths of the time."""
    simulator = Simulator(dut)
    simulator.add_clock(CLOCK_PERIOD)
    simulator.add_testbench(bench)
    finish(simulator)


def finish(simulator):
    """Run until all benches have ended."""
    for _ in range(2 * DEADLINE):
        if not simulator.advance():
            return
    raise TimeoutError(f"no verdict after {DEADLINE} cycles")


class Card:
    """A book whose simulation is prepared once, and begins from reset for each bench."""

    def __init__(self):
        self.dut = BookStage(SMALL)
        self._bench = None
        self._simulator = Simulator(self.dut)
        self._simulator.add_clock(CLOCK_PERIOD)
        self._simulator.add_testbench(self._run)

    async def _run(self, ctx):
        await self._bench(ctx)

    def drive(self, bench):
        if self._bench:
            self._simulator.reset()
        self._bench = bench
        finish(self._simulator)


@cache
def card():
    return Card()


def run(timed, settings=SETTINGS, registers=()):
    """Configure a book, send it messages, and give what it says."""
    dut = card().dut
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

    card().drive(bench)
    return results[0]


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
        tick = base + self.rng.choice((14, 15, 16, 17, self.rng.randrange(WINDOW)))
        if self._one_in(40):
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
        if op in (DELETE, REPLACE):
            del self.live[reference]
        if op == REPLACE:
            self.live[new], self.last = symbol, new
        if self._errs():
            reference = self.rng.getrandbits(64)
        shares, price = self._shares(), self._price(symbol)
        return event(op, symbol, reference, new=new, shares=shares, price=price)


SEEDS = range(2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("wrong", "news"),
    [
        pytest.param(0, 120, id="sound"),
        pytest.param(0.003, 120, id="rarely-wrong"),
        pytest.param(0.1, 60, id="often-wrong"),
    ],
)
def test_equals_the_dictionary_book(seed, wrong, news):
    traffic = Traffic(seed, wrong=wrong)
    said, _ = check(traffic.messages(400), traffic.gaps())
    assert len(said.published) > news


@pytest.mark.parametrize("seed", SEEDS)
def test_equals_the_dictionary_book_where_the_queue_overflows(seed):
    traffic = Traffic(seed, wrong=0.02)
    said, book = check(traffic.messages(400), traffic.gaps((1, 1, 1, 2, 40)))
    assert len(said.overflows) > sum(marked for *_, marked in said.overflows) > 2
    assert all("overflow" in stock.reasons for stock in book.stocks)


@pytest.mark.parametrize("seed", SEEDS)
def test_equals_the_dictionary_book_where_the_table_is_full(seed):
    traffic = Traffic(seed, wrong=0, orders=SMALL.orders)
    said, book = check(traffic.messages(300), traffic.gaps((4,)), registers=["orders", "capacity"])
    assert said.registers == {"orders": len(book.orders), "capacity": len(said.capacities)}
    assert len(said.capacities) > 10


# --- cases by hand

BASE = SETTINGS[0][0]
TRUSTED = 0


def cents(tick):
    """Give the price of a tick of symbol 0, counted from its window's base."""
    return (BASE + tick) * 100


def reasons(*names_):
    return sum(1 << REASONS.index(name) for name in names_)


def quotes(said):
    """Give what quotes show: symbol, bid, shares, ask, shares, reasons."""
    fields = ("symbol", "bid", "bid_shares", "ask", "ask_shares", "reasons")
    return [tuple(q[name] for name in fields) for _, kind, q in said.published if kind == "quote"]


RESTING = add(0, 7, BUY, 300, cents(10))


@pytest.mark.parametrize(
    ("before", "message", "cycles"),
    [
        pytest.param([], add(0, 1, BUY, 100, cents(5)), LATENCY, id="add"),
        pytest.param([RESTING], event(EXECUTE, 0, 7, shares=1), LATENCY, id="execute"),
        pytest.param([RESTING], event(EXECUTE, 0, 7, shares=300), LATENCY, id="execute-all"),
        pytest.param([RESTING], event(CANCEL, 0, 7, shares=1), LATENCY, id="cancel"),
        pytest.param([RESTING], event(DELETE, 0, 7), LATENCY, id="delete"),
        pytest.param([], event(DELETE, 0, 7), LATENCY, id="delete-of-none"),
        pytest.param([], status(0, "H"), LATENCY, id="status"),
        pytest.param([], trust("directory", symbol=0), LATENCY, id="trust"),
        pytest.param([], trust("gap"), LATENCY, id="taint"),
        pytest.param(
            [RESTING],
            event(REPLACE, 0, 7, new=8, shares=5, price=cents(11)),
            REPLACE_LATENCY,
            id="replace",
        ),
        pytest.param(
            [],
            event(REPLACE, 0, 7, new=8, shares=5, price=cents(11)),
            REPLACE_LATENCY,
            id="replace-of-none",
        ),
    ],
)
def test_shows_an_event_after_a_constant_time(before, message, cycles):
    said, _ = check([*before, message], gaps=[100, 100])
    at, _, _ = said.published[-1]
    assert at == 100 * len(before) + cycles


def test_shows_events_in_a_row_two_cycles_apart_and_replaces_four():
    steps = [
        RESTING,
        event(EXECUTE, 0, 7, shares=100),
        event(REPLACE, 0, 7, new=8, shares=50, price=cents(11)),
        event(REPLACE, 0, 8, new=9, shares=60, price=cents(12)),
        event(CANCEL, 0, 9, shares=20),
        event(DELETE, 0, 9),
    ]
    said, _ = check(steps, gaps=[1] * len(steps))
    assert [cycle for cycle, _, _ in said.published] == [8, 10, 14, 18, 20, 22]
    assert quotes(said) == [
        (0, cents(10), 300, 0, 0, TRUSTED),
        (0, cents(10), 200, 0, 0, TRUSTED),
        (0, cents(11), 50, 0, 0, TRUSTED),
        (0, cents(12), 60, 0, 0, TRUSTED),
        (0, cents(12), 40, 0, 0, TRUSTED),
        (0, 0, 0, 0, 0, TRUSTED),
    ]


def test_is_busy_until_the_last_that_waits_takes_its_turn():
    """Operations take their turn 2 cycles apart; a replace is two."""
    replace = event(REPLACE, 0, 8, new=9, shares=1, price=30)
    steps = [add(0, 8, BUY, 1, 30), replace, status(0, "H"), trust("gap"), event(DELETE, 0, 9)]
    said = run(spaced(steps, [1] * len(steps)))
    assert said.busy == list(range(11))
    said = run(spaced(steps, [20] * len(steps)))
    assert said.busy == [0, 20, 21, 22, 40, 60, 80]


@pytest.mark.parametrize("gap", [2, 3, 4])
def test_one_level_and_one_order_touched_without_a_pause(gap):
    """Each step needs what the one before has written; so do the shares that quotes show."""
    steps = []
    for number in range(1, 6):
        steps.append(add(0, number, SELL, 10 * number, cents(20)))
        steps.append(add(0, 100 + number, BUY, number, cents(20 - number)))
    steps += [event(CANCEL, 0, 5, shares=1) for _ in range(50)]
    steps += [event(DELETE, 0, number) for number in range(1, 5)]
    steps += [event(DELETE, 0, 100 + number) for number in range(1, 6)]
    said, book = check(steps, gaps=[gap] * len(steps))
    assert not book.orders
    assert quotes(said)[-1] == (0, 0, 0, 0, 0, TRUSTED)


@pytest.mark.parametrize(
    ("steps", "reason", "symbols"),
    [
        pytest.param([trust("gap", first=3, last=4)], "gap", {0, 1, 2, 3}, id="gap"),
        pytest.param([trust("fault")], "fault", {0, 1, 2, 3}, id="fault"),
        pytest.param([trust("directory", symbol=2)], "directory", {2}, id="directory"),
        *(
            pytest.param(
                [event(op, 0, 99, new=98, shares=1, price=cents(1))],
                "unknown_reference",
                {0},
                id=f"unknown-{op.name.lower()}",
            )
            for op in (EXECUTE, CANCEL, DELETE, REPLACE)
        ),
        pytest.param(
            [add(0, 7, SELL, 1, cents(30))], "duplicate_reference", {0}, id="duplicate-add"
        ),
        pytest.param(
            [add(1, 7, SELL, 1, 90)], "duplicate_reference", {1}, id="duplicate-of-another-symbol"
        ),
        pytest.param(
            [
                add(0, 8, BUY, 1, cents(2)),
                event(REPLACE, 0, 8, new=7, shares=1, price=cents(3)),
            ],
            "duplicate_reference",
            {0},
            id="duplicate-replace",
        ),
        pytest.param([event(EXECUTE, 0, 7, shares=301)], "quantity", {0}, id="executed-too-many"),
        pytest.param([event(CANCEL, 0, 7, shares=301)], "quantity", {0}, id="cancelled-too-many"),
        pytest.param([add(0, 8, BUY, 0, cents(1))], "quantity", {0}, id="add-of-none"),
        pytest.param(
            [event(REPLACE, 0, 7, new=8, price=cents(1))], "quantity", {0}, id="replace-by-none"
        ),
        pytest.param(
            [add(0, 8, BUY, (1 << 32) - 300, cents(10))], "quantity", {0}, id="level-beyond-32-bits"
        ),
        pytest.param([add(0, 8, BUY, 1, cents(10) + 1)], "price", {0}, id="off-grid"),
        pytest.param([add(0, 8, BUY, 1, cents(0) + 1)], "price", {0}, id="off-grid-at-the-base"),
        pytest.param(
            [add(0, 8, BUY, 1, cents(WINDOW - 1) + 99)], "price", {0}, id="off-grid-at-the-top"
        ),
        *(
            pytest.param(
                [event(op, 3, 7, new=9, shares=1, price=0)],
                "mismatch",
                {0, 3},
                id=f"mismatch-{op.name.lower()}",
            )
            for op in (EXECUTE, CANCEL, DELETE, REPLACE)
        ),
    ],
)
def test_what_costs_trust(steps, reason, symbols):
    # The last messages change no order: they only show every symbol's reasons.
    shows = [status(symbol, "Q") for symbol in range(SYMBOLS)]
    said, book = check([RESTING, *steps, *shows])
    shown = {symbol: bits for symbol, *_, bits in quotes(said)[-SYMBOLS:]}
    assert shown == {s: reasons(reason) if s in symbols else 0 for s in range(SYMBOLS)}
    assert 7 not in book.orders or book.orders[7].symbol == 0


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(add(0, 8, BUY, 1, cents(-1) + 50), id="off-grid-below-the-window"),
        pytest.param(add(0, 8, SELL, 1, cents(WINDOW) + 1), id="off-grid-above-the-window"),
        pytest.param(event(EXECUTE, 0, 7, shares=300), id="executed-in-full"),
        pytest.param(event(CANCEL, 0, 7, shares=0), id="none-cancelled"),
        pytest.param(add(0, 8, BUY, (1 << 32) - 301, cents(10)), id="level-of-32-bits"),
        pytest.param(event(REPLACE, 0, 7, new=7, shares=1, price=cents(3)), id="same-reference"),
    ],
)
def test_what_does_not_cost_trust(step):
    _, book = check([RESTING, add(0, 9, BUY, 5, cents(1)), step, status(0, "Q")])
    assert not any(stock.reasons for stock in book.stocks)


@pytest.mark.parametrize(
    ("steps", "shown"),
    [
        pytest.param(
            [add(0, 1, BUY, 5, cents(0)), add(0, 2, SELL, 6, cents(WINDOW - 1))],
            (cents(0), 5, cents(WINDOW - 1), 6, ()),
            id="edges-are-inside",
        ),
        pytest.param(
            [add(0, 1, BUY, 5, cents(3)), add(0, 2, BUY, 6, cents(WINDOW))],
            (0, 0, 0, 0, ("window",)),
            id="better-bid-above",
        ),
        pytest.param(
            [add(0, 1, BUY, 5, cents(3)), add(0, 2, BUY, 6, cents(-1))],
            (cents(3), 5, 0, 0, ()),
            id="worse-bid-below",
        ),
        pytest.param(
            [add(0, 2, BUY, 6, cents(-1))], (0, 0, 0, 0, ("window",)), id="only-a-bid-below"
        ),
        pytest.param(
            [add(0, 1, SELL, 5, cents(3)), add(0, 2, SELL, 6, cents(-1))],
            (0, 0, 0, 0, ("window",)),
            id="better-ask-below",
        ),
        pytest.param(
            [add(0, 1, SELL, 5, cents(3)), add(0, 2, SELL, 6, cents(WINDOW))],
            (0, 0, cents(3), 5, ()),
            id="worse-ask-above",
        ),
        pytest.param(
            [add(0, 2, SELL, 6, cents(WINDOW))], (0, 0, 0, 0, ("window",)), id="only-an-ask-above"
        ),
        pytest.param(
            [
                add(0, 1, BUY, 5, cents(3)),
                add(0, 2, SELL, 6, cents(-1)),
                event(DELETE, 0, 2),
            ],
            (cents(3), 5, 0, 0, ()),
            id="window-comes-and-goes",
        ),
        pytest.param(
            [
                add(0, 1, SELL, 5, cents(3)),
                add(0, 2, BUY, 6, cents(WINDOW)),
                event(REPLACE, 0, 2, new=3, shares=7, price=cents(2)),
            ],
            (cents(2), 7, cents(3), 5, ()),
            id="replaced-into-the-window",
        ),
        pytest.param(
            [
                add(0, 1, SELL, 5, cents(3)),
                event(REPLACE, 0, 1, new=2, side=BUY, shares=7, price=cents(4)),
            ],
            (0, 0, cents(4), 7, ()),
            id="replaced-on-its-side",
        ),
        pytest.param(
            [add(0, 1, BUY, 5, cents(9)), add(0, 2, SELL, 6, cents(9))],
            (cents(9), 5, cents(9), 6, ()),
            id="locked",
        ),
        pytest.param(
            [add(0, 1, BUY, 5, cents(10)), add(0, 2, SELL, 6, cents(9))],
            (cents(10), 5, cents(9), 6, ()),
            id="crossed",
        ),
        pytest.param(
            [add(0, 1, BUY, 5, (1 << 32) - 1)], (0, 0, 0, 0, ("window",)), id="the-highest-price"
        ),
    ],
)
def test_what_the_window_shows(steps, shown):
    said, _ = check(steps)
    *numbers, why = shown
    assert quotes(said)[-1] == (0, *numbers, reasons(*why))


def test_every_level_of_a_window_takes_its_turn_as_the_best():
    base, _, _ = SETTINGS[1]
    bids = [add(1, 1 + tick, BUY, 1 + tick, base + tick) for tick in range(20)]
    asks = [add(1, 101 + tick, SELL, 1 + tick, base + tick) for tick in range(31, 20, -1)]
    away = [event(DELETE, 1, reference) for reference in (*range(20, 0, -1), *range(122, 133))]
    said, book = check([*bids, *asks, *away], gaps=[3] * 200)
    assert not book.orders
    assert len(said.published) == len(bids) + len(asks) + len(away)


def test_the_highest_tick_is_never_inside():
    base, _, _ = SETTINGS[2]
    top = add(2, 1, SELL, 5, base + WINDOW - 1)
    beyond = add(2, 2, SELL, 6, HIGHEST_TICK)
    clamped = add(2, 3, BUY, 7, HIGHEST_TICK + 1_000)
    said, _ = check([top, beyond, clamped])
    assert quotes(said) == [
        (2, 0, 0, base + WINDOW - 1, 5, TRUSTED),
        (2, 0, 0, base + WINDOW - 1, 5, reasons("window")),
    ]


def test_a_clamped_price_is_not_shown_even_where_the_window_is_too_high():
    too_high = ((HIGHEST_TICK - 5, 0, ord("T")), *SETTINGS[1:])
    said = run(spaced([add(0, 1, BUY, 5, HIGHEST_TICK + 1_000)], [1]), settings=too_high)
    assert quotes(said) == [(0, 0, 0, 0, 0, reasons("window"))]


def colliding(count):
    """References that share a row in both tables of 8 rows.

    Pieces of 3 bits which are 3 pieces apart are turned alike, so equal ones cancel each other.
    """
    values = [(low, high) for low in range(8) for high in range(8)]
    return [low | high << 3 | low << 9 | high << 12 for low, high in values][:count]


def test_a_full_bucket_refuses_an_order_until_one_leaves():
    keys = colliding(10)
    fill = [add(0, key, BUY, 1 + index, cents(index)) for index, key in enumerate(keys[:8])]
    steps = [
        *fill,
        add(0, keys[8], BUY, 50, cents(28)),  # sequence 9: no way
        event(DELETE, 0, keys[3]),
        add(0, keys[9], BUY, 60, cents(29)),  # in the way that became free
        event(REPLACE, 0, keys[0], new=keys[8], shares=70, price=cents(30)),  # in the old one's
        *(event(DELETE, 0, key) for key in (*keys[1:3], *keys[4:10])),
    ]
    said, book = check(steps, gaps=[2] * 8 + [4] * 20, registers=["capacity", "unknown_references"])
    assert [sequence for _, sequence in said.capacities] == [9]
    assert said.registers == {"capacity": 1, "unknown_references": 0}
    assert book.stocks[0].reasons == {"capacity"}
    assert not book.orders


def test_statuses_and_taints_keep_their_place():
    steps = [
        RESTING,
        status(0, "P"),
        trust("gap", first=1, last=2),
        add(0, 8, SELL, 1, cents(20)),
        trust("fault"),
        trust("directory", symbol=0),
        status(0, "P"),
    ]
    said, _ = check(steps, gaps=[1] * len(steps))
    kinds = [(kind, fields["cause"]["sequence"]) for _, kind, fields in said.published]
    assert kinds == [
        ("quote", 1),
        ("quote", 2),
        ("taint", 3),
        ("quote", 4),
        ("taint", 5),
        ("quote", 6),
    ]


# --- a mismatch, which concerns two symbols

OTHER = 3
OTHER_BID = add(OTHER, 9, BUY, 40, 1_500)
WRONG = [event(op, OTHER, 7, new=10, shares=1, price=1_600) for op in BookOp if op != ADD]
"""Each names the order of symbol 0 under another symbol."""


@pytest.mark.parametrize("wrong", WRONG, ids=[fields["op"].name.lower() for _, fields in WRONG])
def test_a_mismatch_shows_both_symbols_one_cycle_apart_with_its_cause(wrong):
    said, book = check([RESTING, OTHER_BID, wrong], gaps=[100, 100, 1])
    at = 200 + (REPLACE_LATENCY if wrong[1]["op"] == REPLACE else LATENCY)
    assert [(cycle, fields["cause"]["sequence"]) for cycle, _, fields in said.published[2:]] == [
        (at, 3),
        (at + 1, 3),
    ]
    assert quotes(said)[2:] == [
        (OTHER, 1_500, 40, 0, 0, reasons("mismatch")),
        (0, cents(10), 300, 0, 0, reasons("mismatch")),
    ]
    assert set(book.orders) == {7, 9}


@pytest.mark.parametrize("gap", [2, 3, 4, 5])
@pytest.mark.parametrize("wrong", WRONG, ids=[fields["op"].name.lower() for _, fields in WRONG])
@pytest.mark.parametrize(
    "then",
    [
        pytest.param(add(0, 8, SELL, 5, cents(20)), id="other-side-of-the-other-symbol"),
        pytest.param(event(CANCEL, 0, 7, shares=1), id="the-very-order"),
        pytest.param(event(DELETE, 0, 99), id="another-reason-of-the-other-symbol"),
        pytest.param(event(REPLACE, 0, 7, new=8, shares=5, price=cents(11)), id="replaced"),
        pytest.param(status(0, "H"), id="status"),
        pytest.param(status(0, "T"), id="no-news"),
        pytest.param(trust("directory", symbol=0), id="trust"),
        pytest.param(trust("gap"), id="taint"),
        pytest.param(event(DELETE, OTHER, 9), id="its-own-symbol"),
        pytest.param(event(DELETE, 1, 9), id="mismatch-again"),
        pytest.param(event(REPLACE, 0, 9, new=11), id="mismatch-the-other-way"),
    ],
)
def test_what_comes_close_behind_a_mismatch_sees_what_both_symbols_showed(wrong, then, gap):
    check([RESTING, OTHER_BID, wrong, then, then], gaps=[20, 20, gap, gap, 1])


@pytest.mark.parametrize("before", [[], [trust("gap")]], ids=["at-once", "after-a-taint"])
def test_each_mismatch_in_a_row_shows_what_is_news_of_either_symbol(before):
    adds = [
        add(symbol, 20 + symbol, BUY, 1, (base + 3) * size)
        for symbol, (base, size) in enumerate(((BASE, 100), (77, 1), (SETTINGS[2][0], 1), (0, 100)))
    ]
    wrong = [event(DELETE, symbol, 20 + symbol ^ 1) for symbol in (0, 1, 2, 3, 0)]
    steps = [*adds, *before, *wrong]
    said, _ = check(steps, gaps=[2] * len(steps))
    start = 2 * (len(adds) + len(before)) + LATENCY
    shown = [(cycle, fields["symbol"]) for cycle, kind, fields in said.published if cycle >= start]
    # The second and the fourth tell nothing new, nor does the last.
    assert shown == [(start, 0), (start + 1, 1), (start + 4, 2), (start + 5, 3)]


def test_a_mismatch_that_is_news_of_the_other_symbol_alone_shows_that_one_only():
    fifth = add(1, 5, SELL, 1, 90)
    steps = [RESTING, fifth, event(DELETE, 3, 7), event(DELETE, 3, 5), event(CANCEL, 1, 7)]
    said, _ = check(steps, gaps=[2] * len(steps))
    shown = [(cycle, fields["symbol"]) for cycle, _, fields in said.published]
    assert shown == [(8, 0), (10, 1), (12, 3), (13, 0), (15, 1)]


def test_each_symbol_of_a_mismatch_shows_its_own_reasons_and_status():
    hidden = [RESTING, add(0, 8, SELL, 5, cents(-1)), status(0, "P"), trust("directory", symbol=1)]
    said, _ = check([*hidden, event(EXECUTE, 1, 7, shares=1)])
    assert quotes(said)[-2:] == [
        (1, 0, 0, 0, 0, reasons("directory", "mismatch")),
        (0, cents(10), 300, 0, 0, reasons("mismatch", "window")),
    ]
    assert [fields["status"] for _, _, fields in said.published[-2:]] == [0, ord("P")]


def test_a_directory_that_concerns_two_symbols_shows_both():
    steps = [RESTING, trust("directory", symbol=2), trust("directory", symbol=0)]
    said, _ = check(steps, gaps=[20, 1, 1])
    assert [cycle for cycle, _, _ in said.published] == [8, 28, 30]
    assert [bits for *_, bits in quotes(said)[1:]] == [reasons("directory")] * 2


def test_a_status_that_is_no_news_is_not_published():
    said, _ = check([status(0, "T"), status(3, "H"), status(1, "\0"), status(1, "T")])
    assert [q["cause"]["sequence"] for _, _, q in said.published] == [4]


# --- the host, reset


async def cleared(ctx, dut):
    while not ctx.get(dut.ready):
        await ctx.tick()


def taints(said):
    return [
        (fields["reasons"], fields["cause"]["sequence"])
        for _, kind, fields in said.published
        if kind == "taint"
    ]


def test_events_before_the_tables_are_cleared_are_refused_and_cost_all_trust():
    dut = card().dut
    early = [RESTING, status(1, "T"), trust("gap"), add(0, 8, BUY, 1, 1)]

    async def bench(ctx):
        said = await play(ctx, dut, spaced(early, [3, 1, 1, 1]))
        assert said.overflows == [(1, 1, 1), (4, 2, 0), (6, 4, 0)]
        assert not said.published
        await cleared(ctx, dut)
        await ctx.tick()  # the queue takes events again
        said = await play(ctx, dut, spaced([add(0, 9, BUY, 3, 5)], [1], first=20))
        assert taints(said) == [(reasons("overflow"), 1), (reasons("gap"), 3)]
        assert quotes(said) == [(0, 5, 3, 0, 0, reasons("overflow", "gap"))]

    card().drive(bench)


def test_reset_empties_the_tables_and_forgets_the_windows():
    dut, reset = BookStage(SMALL), Signal()
    fill = [add(0, 1, BUY, 5, 30), add(0, 2, SELL, 6, 31), add(1, 3, SELL, 7, 99)]
    fill += [add(0, 4, SELL, 8, 2)]  # which the first window does not show

    async def bench(ctx):
        for base, shown in (4, (0, 30, 5, 0, 0, reasons("window"))), (0, (0, 30, 5, 2, 8, TRUSTED)):
            if base:
                await Desk(ctx, dut).configure(0, base, 0, 0)
            await cleared(ctx, dut)
            said = await play(ctx, dut, spaced(fill, [2, 2, 2, 2]))
            assert quotes(said) == [
                (0, 30, 5, 0, 0, TRUSTED),
                (0, 30, 5, 31, 6, TRUSTED),
                (1, 0, 0, 0, 0, reasons("window")),
                shown,
            ]
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            await ctx.tick()

    drive(ResetInserter(reset)(dut), bench)


def test_moving_the_window_of_a_symbol_that_had_an_event_costs_its_trust():
    dut = card().dut

    async def bench(ctx):
        desk = Desk(ctx, dut)
        await desk.configure(0, 100, 0, ord("H"))
        await cleared(ctx, dut)
        await desk.configure(0, 120, 0, ord("T"))  # nothing has been seen of it
        await desk.configure(1, 120, 0, ord("T"))
        assert await desk.read("reasons") == 0
        said = await play(ctx, dut, spaced([add(0, 9, BUY, 3, 121)], [1]))
        await desk.configure(1, 140, 0, ord("T"))
        assert await desk.read("reasons") == 0
        await desk.configure(SYMBOLS, 140, 0, ord("T"))  # there is no such symbol
        await desk.write("symbol", 0)
        assert await desk.read("reasons") == 0
        await desk.configure(0, 120, 0, ord("P"))
        assert await desk.read("reasons") == reasons("configured")
        later = await play(ctx, dut, spaced([status(0, "P"), status(1, "T")], [2, 2], first=2))
        assert quotes(said) == [(0, 121, 3, 0, 0, TRUSTED)]
        assert quotes(later) == [(0, 121, 3, 0, 0, reasons("configured"))]
        assert later.published[0][2]["status"] == ord("P")

    card().drive(bench)


@pytest.mark.parametrize("delay", range(12))
def test_moving_the_window_while_an_event_is_on_its_way_costs_trust_or_counts_for_it(delay):
    """Either the event finds the new window, or the symbol is no longer trusted."""
    dut = card().dut

    async def bench(ctx):
        desk = Desk(ctx, dut)
        await desk.configure(0, 100, 0, ord("T"))
        await cleared(ctx, dut)
        await desk.write("base_tick", 200)

        ctx.set(dut.events.payload, {**add(0, 9, BUY, 3, 205)[1], "cause": cause(1)})
        for cycle in range(40):
            ctx.set(dut.events.valid, cycle == 6)
            if cycle == delay:
                ctx.set(dut.bus.addr, BookRegs.configure.offset // 4)
                ctx.set(dut.bus.w_data, 1)
            ctx.set(dut.bus.w_en, cycle == delay)
            await ctx.tick()
        said = await play(ctx, dut, spaced([status(0, "Q")], [1], first=2))
        ((_, bid, shares, _, _, why),) = quotes(said)
        assert (bid, shares, why) == (205, 3, TRUSTED) or why & reasons("configured")

    card().drive(bench)


def test_the_host_sees_what_happened():
    steps = [
        RESTING,
        add(0, 8, SELL, 1, cents(20)),
        add(0, 8, SELL, 1, cents(21)),
        event(DELETE, 0, 99),
        event(DELETE, 0, 98),
        status(3, "P"),
        trust("directory", symbol=2),
    ]
    names_ = [register.name for register in BookRegs.registers if not register.writable]
    said, _ = check(steps, registers=names_)
    assert said.registers == {
        "ready": 1,
        "reasons": 0,  # symbol 3 was configured last
        "untrusted": 2,
        "orders": 2,
        "events": 6,
        "quotes": 6,
        "overflows": 0,
        "capacity": 0,
        "unknown_references": 2,
        "duplicates": 1,
    }
