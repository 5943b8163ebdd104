"""The compiled risk stage keeps its books through any traffic, and starts from cleared tables."""

import random
import struct
import zlib
from collections import Counter

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge, ReadOnly, RisingEdge

from tickwright.book.types import Quote
from tickwright.core.regs import WORD_BYTES
from tickwright.feed.types import Side, Trust
from tickwright.order.types import Response, ResponseKind
from tickwright.risk.regs import RiskRegs
from tickwright.risk.stage import RiskStage
from tickwright.risk.types import Order, Verdict
from tickwright.strategy.types import Intent, IntentKind, Outcome
from tickwright.top.presets import Preset
from tickwright.twin.bench import run_bench, start
from tickwright.twin.handshake import Sink, Source

SYMBOLS, PAIRS, SLOTS = 8, 8, 16
PRESET = Preset(
    name="bench",
    symbols=SYMBOLS,
    orders=64,
    window=64,
    pairs=PAIRS,
    fanout=4,
    hold=16,
    queue=16,
    slots=SLOTS,
)
MAX_POSITION = 1_000  # shares
BID, ASK = 100_000, 100_100  # 1/10000 dollar
ACCOUNT = ("position", "worst_long", "worst_short")


class Registers:
    """The stage's bus, as its host has it."""

    def __init__(self, dut):
        self.dut = dut
        dut.bus__w_en.value = 0
        dut.bus__r_en.value = 0

    async def write(self, **values):
        for name, value in values.items():
            register = getattr(RiskRegs, name)
            for word in range(register.words):
                self.dut.bus__addr.value = register.offset // WORD_BYTES + word
                self.dut.bus__w_data.value = value >> 32 * word & 0xFFFFFFFF
                self.dut.bus__w_en.value = 1
                await RisingEdge(self.dut.clk)
            self.dut.bus__w_en.value = 0

    async def read(self, name):
        register = getattr(RiskRegs, name)
        value = 0
        for word in range(register.words):
            self.dut.bus__addr.value = register.offset // WORD_BYTES + word
            self.dut.bus__r_en.value = 1
            await RisingEdge(self.dut.clk)
            self.dut.bus__r_en.value = 0
            await ReadOnly()
            value |= int(self.dut.bus__r_data.value) << 32 * word
            await RisingEdge(self.dut.clk)
        signed = name in ACCOUNT and value >> register.bits - 1
        return value - (1 << register.bits) if signed else value

    async def account(self, symbol):
        await self.write(symbol=symbol)
        await ClockCycles(self.dut.clk, 4)
        return [await self.read(name) for name in ACCOUNT]


class Transmitter:
    """Takes orders, a frame at a time, and lets nobody send meanwhile."""

    def __init__(self, dut, rng):
        self.dut, self.rng = dut, rng
        self.orders = []

    async def run(self):
        while True:
            self.dut.can_send.value = self.dut.orders__ready.value = 1
            await FallingEdge(self.dut.clk)
            offered = int(self.dut.orders__payload.value) if self.dut.orders__valid.value else None
            await RisingEdge(self.dut.clk)
            if offered is not None:
                self.orders.append(Order(SYMBOLS).from_bits(offered))
                self.dut.can_send.value = self.dut.orders__ready.value = 0
                await ClockCycles(self.dut.clk, self.rng.randrange(1, 20))


class Venue:
    """Fills, cancels and rejects in any order between orders; each order ends."""

    def __init__(self, dut, rng, transmitter):
        self.rng, self.transmitter = rng, transmitter
        self.source = Source(dut, "responses")
        self.left, self.heard = {}, 0
        self.position, self.filled, self.ended = Counter(), Counter(), 0

    def answer(self):
        user_ref = self.rng.choice(list(self.left))
        order, left = self.left[user_ref]
        kind = self.rng.choice([*[ResponseKind.EXECUTED] * 4, *list(ResponseKind)[:5]])
        shares = self.rng.choice([left, self.rng.randrange(1, left + 1)])
        if kind == ResponseKind.EXECUTED:
            self.position[order.symbol] += shares if order.side == Side.BUY else -shares
            self.filled[order.leg] += shares
        elif kind in (ResponseKind.DEAD, ResponseKind.REJECTED):
            shares = left
        elif kind == ResponseKind.ACCEPTED:
            shares = 0
        self.left[user_ref] = (order, left - shares)
        if left == shares:
            del self.left[user_ref]
            self.ended += 1
        told = shares if kind in (ResponseKind.EXECUTED, ResponseKind.CANCELED) else 0
        return Response.const({"kind": kind, "user_ref": user_ref, "shares": told}).as_bits()

    async def run(self):
        while True:
            orders = self.transmitter.orders
            for order in orders[self.heard :]:
                self.left[order.user_ref] = (order, order.shares)
            self.heard = len(orders)
            await RisingEdge(self.source.clk)
            if self.left and self.rng.random() < 0.2:
                await self.source.send([self.answer()])


async def woken(dut):
    """Take the stage out of reset; return its registers once its tables are cleared."""
    for port in ("quotes", "taints", "intents", "responses"):
        getattr(dut, f"{port}__valid").value = 0
    for port in (dut.orders__ready, dut.outcomes__ready, dut.can_send):
        port.value = 0
    dut.now_ns.value = 0  # time stands still, so the watchdog waits
    dut.feed_ok.value = dut.session_ok.value = dut.tables_ready.value = 1
    registers = Registers(dut)
    await start(dut)
    while not await registers.read("ready"):
        pass
    return registers


async def armed(registers):
    dut = registers.dut
    await registers.write(begin_limits=1)
    while not await registers.read("shadow_ready"):
        pass
    row = (500, 10**9, MAX_POSITION, 100)
    names = ("max_shares", "max_notional", "max_position", "collar")
    for symbol in range(SYMBOLS):
        await registers.write(symbol=symbol, symbol_position=0, load_position=1)
        limits = {f"symbol_{name}": limit for name, limit in zip(names, row, strict=True)}
        await registers.write(**limits, load_limits=1)
    words = struct.pack("<IQII", *row) * SYMBOLS + struct.pack("<IQI", 500, 10**9, 1)
    await registers.write(max_shares=500, max_notional=10**9, limits_epoch=1)
    await registers.write(limits_checksum=zlib.crc32(words), positions_confirmed=1, commit=1)
    while await registers.read("committing"):
        pass
    assert await registers.read("active_limits_epoch") == 1
    await registers.write(watchdog_ns=1, feed_watchdog=1, arm_as=2, arm=1)
    await ClockCycles(dut.clk, 3)
    assert await registers.read("state") == 2


async def publish(dut, symbol, *, trusted=1):
    fields = {"symbol": symbol, "bid": BID, "ask": ASK, "status": ord("T"), "trusted": trusted}
    dut.quotes__payload.value = Quote(SYMBOLS).const(fields).as_bits()
    dut.quotes__valid.value = 1
    await RisingEdge(dut.clk)
    dut.quotes__valid.value = 0


async def market(dut, rng):
    """Publish quotes and taints for ever."""
    dut.taints__payload.value = Trust(SYMBOLS).const({"all": 1}).as_bits()
    while True:
        await ClockCycles(dut.clk, rng.randrange(1, 6))
        if rng.random() < 0.02:
            dut.taints__valid.value = 1
            await RisingEdge(dut.clk)
            dut.taints__valid.value = 0
        else:
            await publish(dut, rng.randrange(SYMBOLS), trusted=rng.random() < 0.97)


def wish(rng, number):
    symbols, sides = rng.sample(range(SYMBOLS), 2), rng.sample(list(Side), 2)
    legs = [
        {
            "valid": rng.random() < 0.9,
            "symbol": symbol,
            "side": side,
            "shares": rng.randrange(1, 520),
            "price": ASK if side == Side.BUY else BID,
        }
        for symbol, side in zip(symbols, sides, strict=True)
    ]
    legs[0]["valid"] |= not legs[1]["valid"]
    pair = number % PAIRS
    fields = {"id": number, "pair": pair, "kind": IntentKind.EXIT, "legs": legs}
    return Intent(SYMBOLS, PAIRS).const(fields).as_bits()


async def judge(dut, rng, count, gaps, stalls):
    """Run intents through the armed stage until all orders have ended; check every book."""
    registers = await woken(dut)
    await armed(registers)
    for symbol in range(SYMBOLS):
        await publish(dut, symbol)
    intents, outcomes = Source(dut, "intents"), Sink(dut, "outcomes")
    verdicts = Sink(dut, "verdicts")
    transmitter = Transmitter(dut, rng)
    venue = Venue(dut, rng, transmitter)
    words, told = [], []

    async def collect(sink, shape, into, pauses):
        while True:
            into.extend(shape.from_bits(bits) for bits in await sink.take(1, stalls=pauses))

    never = iter(lambda: 0, None)
    for task in (
        market(dut, rng),
        transmitter.run(),
        venue.run(),
        collect(verdicts, Verdict, words, never),
        collect(outcomes, Outcome(PAIRS), told, stalls),
    ):
        cocotb.start_soon(task)
    wishes = [wish(rng, number) for number in range(1, count + 1)]
    await intents.send(wishes, gaps=gaps)
    while len(words) < count or venue.left or venue.heard < len(transmitter.orders):
        await ClockCycles(dut.clk, 50)
    await ClockCycles(dut.clk, 400)

    assert [word.id for word in words] == list(range(1, count + 1))
    check_orders(wishes, words, transmitter.orders)
    assert sum(outcome.refused for outcome in told) == sum(not word.passed for word in words)
    assert sum(outcome.done for outcome in told) == venue.ended == len(transmitter.orders)
    filled = Counter()
    for outcome in told:
        filled[outcome.leg] += outcome.filled
    assert +filled == +venue.filled
    for symbol in range(SYMBOLS):
        position = venue.position[symbol]
        assert await registers.account(symbol) == [position, position, -position]
        assert abs(position) <= MAX_POSITION
    assert await registers.read("ledger_fault") == 0
    assert await registers.read("open_orders") == 0
    assert await registers.read("sent") == len(transmitter.orders)
    return words


def check_orders(wishes, words, orders):
    """Check that exactly the legs of the intents that passed left, in order."""
    legs = []
    for bits, word in zip(wishes, words, strict=True):
        intent = Intent(SYMBOLS, PAIRS).from_bits(bits)
        if word.passed:
            legs += [
                (intent.id, number, leg) for number, leg in enumerate(intent.legs) if leg.valid
            ]
    assert [order.user_ref for order in orders] == list(range(1, len(legs) + 1))
    for order, (number, index, leg) in zip(orders, legs, strict=True):
        assert (order.intent_id, order.leg) == (number, index)
        assert (order.symbol, order.side, order.shares, order.price) == (
            leg.symbol,
            leg.side,
            leg.shares,
            leg.price,
        )


@cocotb.test(timeout_time=400, timeout_unit="us")
async def keeps_its_books_under_steady_load(dut):
    pauses = iter(lambda: 0, None)
    words = await judge(dut, random.Random(1), 400, pauses, pauses)
    assert sum(word.passed for word in words) > 50


@cocotb.test(timeout_time=400, timeout_unit="us")
async def keeps_its_books_with_gaps_and_stalls(dut):
    rng = random.Random(2)
    gaps, stalls = (iter(lambda top=top: rng.randrange(top), None) for top in (60, 30))
    words = await judge(dut, rng, 400, gaps, stalls)
    assert sum(word.passed for word in words) > 50


@cocotb.test(timeout_time=40, timeout_unit="us")
async def wakes_killed_with_empty_books(dut):
    registers = await woken(dut)
    assert await registers.read("state") == 0
    for symbol in range(SYMBOLS):
        assert await registers.account(symbol) == [0, 0, 0]
    # Without limits and quotes everything is refused, by every check that looks at them.
    dut.can_send.value = dut.orders__ready.value = 1
    gate = Source(dut, "intents")
    words = Sink(dut, "verdicts")
    cocotb.start_soon(gate.send([wish(random.Random(3), 1)]))
    (bits,) = await words.take(1)
    refused = {"killed", "trust", "halted", "shares", "notional", "collar", "position"}
    counts = {name: await registers.read(f"refused_{name}") for name in refused}
    assert counts == dict.fromkeys(refused, 1)
    assert bin(Verdict.from_bits(bits).checks).count("1") == len(refused)


def test_risk():
    run_bench(RiskStage(PRESET), __name__)
