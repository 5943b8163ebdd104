"""The compiled strategy wishes the same at any pace, and starts from cleared tables."""

import random

import cocotb
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge

from tickwright.book.types import Quote
from tickwright.core.regs import WORD_BYTES
from tickwright.feed.types import Side, Trust
from tickwright.host.sets import ParameterSet, Sizes, listing
from tickwright.host.setup import PairSetup
from tickwright.strategy.regs import PARAMETERS, StrategyRegs
from tickwright.strategy.stage import StrategyStage
from tickwright.strategy.types import LEGS, Coalesced, Intent, Outcome
from tickwright.top.presets import Preset
from tickwright.twin.bench import run_bench, start
from tickwright.twin.handshake import Sink, Source

SYMBOLS, PAIRS = 8, 8
PRESET = Preset(
    name="bench",
    symbols=SYMBOLS,
    orders=64,
    window=64,
    pairs=PAIRS,
    fanout=4,
    hold=16,
    queue=16,
    slots=16,
)
GROUP = 8  # quotes that come at one go
LISTED = 2  # pairs that list a symbol
QUIET = 60  # cycles after which all of a group is decided
UNIT = 1 << 8  # of a deviation, for half a price unit of spread


class Registers:
    """The stage's bus, as its host has it."""

    def __init__(self, dut):
        self.dut = dut
        dut.bus__w_en.value = 0
        dut.bus__r_en.value = 0

    async def write(self, name, value=1):
        register = getattr(StrategyRegs, name)
        value &= (1 << register.bits) - 1
        for word in range(register.words):
            self.dut.bus__addr.value = register.offset // WORD_BYTES + word
            self.dut.bus__w_data.value = value >> 32 * word & 0xFFFFFFFF
            self.dut.bus__w_en.value = 1
            await RisingEdge(self.dut.clk)
        self.dut.bus__w_en.value = 0

    async def read(self, name):
        register = getattr(StrategyRegs, name)
        self.dut.bus__addr.value = register.offset // WORD_BYTES
        self.dut.bus__r_en.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.bus__r_en.value = 0
        await ReadOnly()
        value = int(self.dut.bus__r_data.value)
        await RisingEdge(self.dut.clk)
        return value


async def woken(dut, *, again=False):
    """Take the stage out of reset; return its registers once its tables are cleared."""
    for port in (dut.quotes__valid, dut.taints__valid, dut.outcomes__valid, dut.intents__ready):
        port.value = 0
    registers = Registers(dut)
    if again:
        dut.rst.value = 1
        await RisingEdge(dut.clk)
        dut.rst.value = 0
    else:
        await start(dut)
    while not await registers.read("ready"):
        pass
    return registers


PARAMETER_SET = ParameterSet(
    epoch=1,
    pairs=tuple(  # a pair for each neighbourhood of symbols; each symbol lists two pairs
        PairSetup(
            name=f"pair {pair}",
            symbol_a=pair,
            symbol_b=(pair + 1) % SYMBOLS,
            hedge=1 << 16,
            mean=0,
            entry_deviation=4 * UNIT,
            exit_deviation=UNIT,
            stop_deviation=16 * UNIT,
            min_edge=0,
            shares_a=100,
            shares_b=100,
            max_spread_a=3,
            max_spread_b=3,
            aggression_a=1,
            aggression_b=2,
            retry_ns=10,
        )
        for pair in range(PAIRS)
    ),
)


async def load(registers):
    """Load the parameters as a host does, and put them in force."""
    await registers.write("begin")
    while not await registers.read("shadow_ready"):
        pass
    for number, pair in enumerate(PARAMETER_SET.pairs):
        await registers.write("pair", number)
        for name in PARAMETERS:
            await registers.write(name, int(getattr(pair, name)))
        await registers.write("load")
    for symbol, listed in enumerate(listing(PARAMETER_SET.pairs, SYMBOLS)):
        for place, pair in enumerate(listed):
            row = {"list_symbol": symbol, "list_position": place, "list_pair": pair}
            for name, value in (row | {"list_valid": 1}).items():
                await registers.write(name, value)
            await registers.write("set_list")
    await registers.write("epoch", PARAMETER_SET.epoch)
    await registers.write("checksum", PARAMETER_SET.checksum(Sizes.of(PRESET)))
    await registers.write("commit")
    while await registers.read("committing"):
        pass
    assert await registers.read("active_epoch") == PARAMETER_SET.epoch
    assert await registers.read("refused_writes") == 0


def traffic(rng, count):
    """Return quotes, as bits; None for a taint."""
    items = []
    for number in range(count):
        bid = 100 + rng.randrange(12)
        fields = {
            "symbol": rng.randrange(SYMBOLS),
            "bid": bid,
            "bid_shares": 1_000,
            "ask": bid + 1 + rng.randrange(3),
            "ask_shares": 1_000,
            "status": ord("T"),
            "trusted": 1,
            "cause": {"sequence": number + 1, "feed_ns": number},
        }
        quote = Quote(SYMBOLS).const(fields).as_bits()
        items.append(None if rng.random() < 0.01 else quote)
    return items


def outcomes_of(intent):
    """Return what becomes of an intent: a third is refused, a third filled, a third in part."""
    if intent.id % 3 == 0:
        return [{"pair": intent.pair, "refused": 1}]
    return [
        {
            "pair": intent.pair,
            "leg": number,
            "side": leg.side,
            "filled": leg.shares // (intent.id % 3) if number else leg.shares,
            "done": 1,
        }
        for number, leg in enumerate(intent.legs)
        if leg.valid
    ]


async def wishes(dut, gaps, stalls, *, again=False):
    """Play the same quotes at a pace; return the intents, as bits."""
    registers = await woken(dut, again=again)
    await load(registers)
    gate, ledger = Sink(dut, "intents"), Source(dut, "outcomes")
    dut.taints__payload.value = Trust(SYMBOLS).const({"all": 1, "reasons": 1}).as_bits()
    taken, settled = [], 0

    async def take():
        while True:
            taken.extend(await gate.take(1, stalls=stalls))

    taking = cocotb.start_soon(take())
    items = traffic(random.Random(7), 600)
    for first in range(0, len(items), GROUP):
        for item in items[first : first + GROUP]:
            port = dut.taints__valid if item is None else dut.quotes__valid
            dut.quotes__payload.value = item or 0
            port.value = 1
            await RisingEdge(dut.clk)
            port.value = 0
            for _ in range(next(gaps)):
                await RisingEdge(dut.clk)
        await ClockCycles(dut.clk, QUIET)
        for bits in taken[settled:]:
            told = outcomes_of(Intent(SYMBOLS, PAIRS).from_bits(bits))
            await ledger.send(Outcome(PAIRS).const(outcome).as_bits() for outcome in told)
        settled = len(taken)
    evaluations = sum(LISTED for item in items if item is not None)
    assert await registers.read("evaluations") == evaluations
    assert await registers.read("intents") == len(taken)
    taking.cancel()
    return taken


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def wishes_the_same_at_any_pace(dut):
    rng = random.Random(2026)
    none, some, many = (iter(lambda top=top: rng.randrange(top), None) for top in (1, 3, 6))
    expected = await wishes(dut, none, none)
    intents = [Intent(SYMBOLS, PAIRS).from_bits(bits) for bits in expected]
    assert len(intents) > 50
    assert {intent.kind.value for intent in intents} == set(range(5))
    assert [intent.id for intent in intents] == list(range(1, len(intents) + 1))
    for intent in intents:
        sides = [leg.side for leg in intent.legs if leg.valid]
        assert len(sides) < LEGS or set(sides) == {Side.BUY, Side.SELL}
    for gaps, stalls in ((many, none), (none, some), (some, some)):
        assert await wishes(dut, gaps, stalls, again=True) == expected


@cocotb.test(timeout_time=100, timeout_unit="us")
async def evaluates_nothing_until_told_to(dut):
    registers = await woken(dut)
    for item in traffic(random.Random(1), 50):
        dut.quotes__payload.value = item or 0
        dut.quotes__valid.value = item is not None
        await RisingEdge(dut.clk)
    dut.quotes__valid.value = 0
    await ClockCycles(dut.clk, QUIET)
    assert await registers.read("evaluations") == 0
    for pair in range(PAIRS):
        await registers.write("pair", pair)
        await ClockCycles(dut.clk, 3)
        state = [await registers.read(name) for name in ("phase", "held_a", "held_b", "stopped")]
        assert state == [0, 0, 0, 0]


@cocotb.test(timeout_time=100, timeout_unit="us")
async def tells_what_it_leaves_out(dut):
    registers = await woken(dut)
    await load(registers)
    quotes = [item for item in traffic(random.Random(3), 400) if item is not None]
    told = []

    async def watch():
        while True:
            await ReadOnly()
            if dut.coalesced__valid.value:
                told.append(Coalesced(PRESET.fanout).from_bits(int(dut.coalesced__payload.value)))
            await RisingEdge(dut.clk)

    watching = cocotb.start_soon(watch())
    for item in quotes:
        dut.quotes__payload.value = item
        dut.quotes__valid.value = 1
        await RisingEdge(dut.clk)
    dut.quotes__valid.value = 0
    await ClockCycles(dut.clk, LISTED * len(quotes))
    watching.cancel()
    assert len(told) > 100
    assert {row.evaluations for row in told} == {LISTED}
    sequences = [Quote(SYMBOLS).from_bits(quotes[row.quotes]).cause.sequence for row in told]
    assert [row.cause.sequence for row in told] == sequences
    assert await registers.read("evaluations_dropped") == LISTED * len(told)
    assert await registers.read("evaluations") == LISTED * (len(quotes) - len(told))


def test_strategy():
    run_bench(StrategyStage(PRESET), __name__)
