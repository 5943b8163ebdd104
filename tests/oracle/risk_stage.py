"""The risk stage: section 8 of the specification, one cycle after the other, and its bench."""

from __future__ import annotations

import struct
import zlib
from collections import deque
from dataclasses import dataclass, field

from tickwright.feed.types import Side
from tickwright.order.types import ResponseKind
from tickwright.risk.checks import CHECKS
from tickwright.risk.regs import RiskRegs
from tickwright.risk.stage import RiskStage
from tickwright.strategy.types import IntentKind
from tickwright.top.presets import Preset

SYMBOLS, PAIRS, SLOTS = 4, 4, 4
SMALL = Preset(
    name="small",
    symbols=SYMBOLS,
    orders=64,
    window=64,
    pairs=PAIRS,
    fanout=4,
    hold=16,
    queue=8,
    slots=SLOTS,
)
LATENCY = 2  # cycles from an intent to its verdict and first order
CLEAR_CYCLES = SYMBOLS + 1  # from the clearing of the shadow until it is ready
CHECK_CYCLES = 63 * SYMBOLS + 19  # from a commit until the set is in force
JUDGE_CYCLES = 2  # the last of them, which wait for no intent
CYCLE_NS = 6
WATCHDOG_NS = 1_000_000
TRADING, HALTED = ord("T"), ord("H")
KILLED, CLOSE_ONLY, ARMED = range(3)

LOOSE = {"max_shares": 1_000, "max_notional": 10**9, "max_position": 1_000, "collar": 100}


# --- the oracle: section 8, written down once more, one cycle after the other


@dataclass
class Holding:
    """A symbol, as the risk officer's book has it: open quantities, not worst cases."""

    quote: dict = field(default_factory=lambda: {"bid": 0, "ask": 0, "status": 0, "trusted": 0})
    position: int = 0
    buys: int = 0
    sells: int = 0


@dataclass
class Placed:
    user_ref: int
    pair: int
    leg: int
    symbol: int
    side: Side
    remaining: int


NOTHING = dict.fromkeys(LOOSE, 0)


@dataclass
class Limits:
    """A set of limits."""

    rows: list = field(default_factory=lambda: [dict(NOTHING) for _ in range(SYMBOLS)])
    max_shares: int = 0
    max_notional: int = 0
    epoch: int = 0

    def checksum(self):
        row = struct.Struct("<IQII")
        text = b"".join(row.pack(*(limits[name] for name in LOOSE)) for limits in self.rows)
        return zlib.crc32(
            text + struct.pack("<IQI", self.max_shares, self.max_notional, self.epoch)
        )

    def lowered(self, other):
        """Return this set with each limit no higher than that of another."""
        rows = [
            {name: min(limits[name], bound[name]) for name in LOOSE}
            for limits, bound in zip(self.rows, other.rows, strict=True)
        ]
        most = min(self.max_shares, other.max_shares), min(self.max_notional, other.max_notional)
        return Limits(rows, *most, self.epoch)


@dataclass
class Pending:
    """A set that is being checked."""

    ends: int  # cycle in which it is in force, or refused
    limits: Limits
    right: bool
    killed: bool  # at the commit
    confirms: bool
    first_user_ref: int


class Oracle:
    """What the gate must say, given what comes in each cycle."""

    def __init__(self):
        self.holdings = [Holding() for _ in range(SYMBOLS)]
        self.now = 0  # cycles
        self.limits = self.judged_by = Limits()  # in force, in the cycle before too
        self.shadow = Limits()
        self.shadow_ready = 2 * SYMBOLS  # cycle
        self.pending = None
        self.was_read = False  # the intent shown, in the cycle before
        self.commits = self.refused_commits = 0
        self.wait_ns, self.ends_ns, self.expired = 0, 0, True
        self.kill_reasons, self.killed_at_ns = set(), 0
        self.registers = {"positions_confirmed": 0, "first_user_ref": 1, "watchdog_ns": 0}
        self.state, self.confirmed, self.fault = KILLED, False, False
        self.quotes_seen = self.responses_applied = 0
        self.next_ref = 0
        self.open = {}  # user reference -> order
        self.verdicts, self.orders, self.outcomes = [], [], []
        self.refused_arms = self.refused_writes = 0

    def checks(self, intent, feed_ok, session_ok, state):
        legs = [leg for leg in intent["legs"] if leg["valid"]]
        failed = set()
        if state == KILLED:
            failed.add("killed")
        if not feed_ok:
            failed.add("feed")
        if not session_ok:
            failed.add("session")
        if self.fault:
            failed.add("ledger")
        taken = {ref % SLOTS for ref in self.open}
        for ref, leg in enumerate(legs, start=self.next_ref):
            if ref % SLOTS in taken:
                failed.add("slots")
            failed |= self._checks_of(leg, state)
        return failed

    def _checks_of(self, leg, state):
        holding = self.holdings[leg["symbol"]]
        of_all, limits = self.judged_by, self.judged_by.rows[leg["symbol"]]
        quote, shares, price = holding.quote, leg["shares"], leg["price"]
        if leg["side"] == Side.BUY:
            worst = holding.position + holding.buys + shares
            beyond = quote["ask"] == 0 or price > quote["ask"] + limits["collar"]
        else:
            worst = holding.sells - holding.position + shares
            beyond = quote["bid"] == 0 or price + limits["collar"] < quote["bid"]
        fails = {
            "close_only": state == CLOSE_ONLY and worst > 0,
            "trust": not quote["trusted"],
            "halted": quote["status"] != TRADING,
            "shares": not 0 < shares <= min(limits["max_shares"], of_all.max_shares, 999_999),
            "notional": shares * price > min(limits["max_notional"], of_all.max_notional),
            "collar": beyond,
            "position": state != CLOSE_ONLY and worst > limits["max_position"],
            "price": not 0 < price <= 1_999_999_900,
        }
        return {name for name, failed in fails.items() if failed}

    def cycle(self, seen):
        """Take all that happened in a cycle."""
        strobes = {name for name, value in seen.writes if value}
        self.registers |= dict(seen.writes)
        causes = {"host": "kill" in strobes, "ledger": self.fault}
        causes["watchdog"] = self.expired and self.state != KILLED
        if any(causes.values()):
            if self.state != KILLED:
                self.killed_at_ns = seen.now_ns
            self.state = KILLED
        if causes["host"] or causes["ledger"]:
            self._doubt()
        self.kill_reasons |= {name for name, holds in causes.items() if holds}
        if "close_only" in strobes and self.state == ARMED:
            self.state = CLOSE_ONLY
        nothing_open = not self.open
        self._read(seen)
        watched = self._watch(strobes, seen.now_ns)
        placed = self._judge(seen) if seen.verdict is not None else []
        if seen.response is not None:
            self._respond(seen.response)
        for order in placed:
            self.open[order.user_ref] = order
        if seen.item is not None:
            self._publish(seen.item)
        for name in strobes:
            self._write(name, nothing_open)
        self.expired = watched
        self.judged_by = self.limits
        self.now += 1
        self._end_check(nothing_open)

    def _read(self, seen):
        """Let a check stand still where the limits are read for an intent, else the reading."""
        needs = seen.intent is not None and not self.was_read
        waits = seen.intent is not None and seen.verdict is None
        self.was_read = waits and (needs or not self.pending)
        if needs and self.pending and self.now < self.pending.ends - JUDGE_CYCLES:
            self.pending.ends += 1

    def _doubt(self):
        self.confirmed = False
        if self.pending:
            self.pending.confirms = False

    def _watch(self, strobes, now_ns):
        """Return whether the watchdog has run out in the next cycle."""
        runs_out = not self.expired and now_ns >= self.ends_ns
        expired = self.expired or runs_out
        if "feed_watchdog" in strobes:
            expired = runs_out or self.wait_ns == 0
            self.ends_ns = now_ns + self.wait_ns
        if self.state == KILLED and self.wait_ns != self.registers["watchdog_ns"]:
            self.wait_ns, expired = self.registers["watchdog_ns"], True
        return expired

    def _end_check(self, nothing_open):
        """Put the set that is being checked in force, or refuse it, when its time has come."""
        if not self.pending or self.now < self.pending.ends:
            return
        ended, self.pending = self.pending, None
        if not ended.right:
            self.refused_commits += 1
            return
        self.shadow, self.limits = self.limits, ended.limits
        self.commits += 1
        if ended.killed:
            self.confirmed = self.confirmed or ended.confirms
            if nothing_open:
                self.next_ref = max(self.next_ref, ended.first_user_ref)

    def _judge(self, seen):
        assert seen.can_send, "judged while the transmitter was busy"
        intent = seen.intent
        failed = self.checks(intent, seen.feed_ok, seen.session_ok, self.state)
        self.verdicts.append(
            (
                intent["id"],
                failed,
                self.quotes_seen,
                self.responses_applied,
                self.state,
                seen.feed_ok,
                seen.session_ok,
            )
        )
        placed = []
        if failed:
            self.outcomes.append((intent["pair"], 1, 0, Side.BUY, 0, 0))
            return placed
        for number, leg in enumerate(intent["legs"]):
            if not leg["valid"]:
                continue
            symbol, side, shares = leg["symbol"], leg["side"], leg["shares"]
            holding = self.holdings[symbol]
            short = side == Side.SELL and holding.sells + shares > holding.position
            if side == Side.BUY:
                holding.buys += shares
            else:
                holding.sells += shares
            order = Placed(self.next_ref, intent["pair"], number, symbol, side, shares)
            self.orders.append(
                (self.next_ref, intent["id"], number, symbol, side, short, shares, leg["price"])
            )
            self.next_ref += 1
            placed.append(order)
        return placed

    def _respond(self, response):
        self.responses_applied += 1
        kind, shares = response["kind"], response["shares"]
        order = self.open.get(response["user_ref"])
        quantified = kind in (ResponseKind.EXECUTED, ResponseKind.CANCELED)
        if (
            order is None
            or kind == ResponseKind.UNHANDLED
            or (quantified and shares > order.remaining)
        ):
            self.fault = True
            return
        if kind == ResponseKind.ACCEPTED:
            return
        shares = shares if quantified else order.remaining
        filled = shares if kind == ResponseKind.EXECUTED else 0
        holding = self.holdings[order.symbol]
        if order.side == Side.BUY:
            holding.buys -= shares
            holding.position += filled
        else:
            holding.sells -= shares
            holding.position -= filled
        order.remaining -= shares
        done = order.remaining == 0
        if done:
            del self.open[order.user_ref]
        self.outcomes.append((order.pair, 0, order.leg, order.side, filled, done))

    def _publish(self, item):
        self.quotes_seen += 1
        if item == "taint":
            for holding in self.holdings:
                holding.quote["trusted"] = 0
        else:
            self.holdings[item["symbol"]].quote = dict(item)

    def _write(self, name, nothing_open):
        registers = self.registers
        known = registers.get("symbol", 0) < SYMBOLS
        shadow_ready = self.now >= self.shadow_ready
        match name:
            case "begin_limits" if not self.pending:
                self.shadow, self.shadow_ready = Limits(), self.now + CLEAR_CYCLES
            case "load_limits" if not self.pending and shadow_ready and known:
                row = {limit: registers[f"symbol_{limit}"] for limit in LOOSE}
                self.shadow.rows[registers["symbol"]] = row
            case "load_position" if (
                not self.pending and self.state == KILLED and nothing_open and known
            ):
                self.holdings[registers["symbol"]].position = registers["symbol_position"]
                self._doubt()
            case "begin_limits" | "load_limits" | "load_position":
                self.refused_writes += 1
            case "commit" if not self.pending and shadow_ready:
                self._commit(registers)
            case "commit":
                self.refused_commits += 1
            case "arm":
                self._arm(nothing_open, registers["arm_as"])

    def _commit(self, registers):
        of_all = (registers[name] for name in ("max_shares", "max_notional", "limits_epoch"))
        limits = Limits([dict(row) for row in self.shadow.rows], *of_all)
        if self.state != KILLED:
            limits = limits.lowered(self.limits)
            self.shadow = Limits([dict(row) for row in limits.rows])
        self.pending = Pending(
            ends=self.now + CHECK_CYCLES,
            limits=limits,
            right=limits.checksum() == registers["limits_checksum"],
            killed=self.state == KILLED,
            confirms=bool(registers["positions_confirmed"]),
            first_user_ref=registers["first_user_ref"],
        )

    def _arm(self, nothing_open, state):
        given = self.state == KILLED and nothing_open and not self.fault and self.confirmed
        if given and self.commits and not self.pending and not self.expired:
            self.state, self.confirmed = state, False
            self.kill_reasons = set()
        else:
            self.refused_arms += 1


# --- the bench: everything around the stage, one cycle after the other


@dataclass
class Seen:
    """What happened in a cycle."""

    item: object = None  # quote, or "taint"
    intent: object = None  # shown to the gate
    response: object = None  # taken by the ledger
    can_send: int = 0
    feed_ok: int = 1
    session_ok: int = 1
    now_ns: int = 0
    writes: list = field(default_factory=list)  # controls and strobes that became visible
    verdict: object = None  # on the intent judged in this cycle


def write_words(name, value=1):
    """Return the bus writes of a register: (word, data, whether the register is then written)."""
    register = getattr(RiskRegs, name)
    bits = value & (1 << register.bits) - 1
    last = register.words - 1
    return [
        (register.offset // 4 + word, bits >> 32 * word & 0xFFFFFFFF, (name, value), word == last)
        for word in range(register.words)
    ]


class Bench:
    """Drives every port of the stage each cycle, and keeps what it saw."""

    def __init__(self, dut):
        self.dut = dut
        self.bus = deque()
        self.intents, self.responses, self.items = deque(), deque(), deque()
        self.cycles = []
        self.orders, self.outcomes = [], []
        self.busy = 0  # cycles until the transmitter is free
        self.can_send, self.feed_ok, self.session_ok = 1, 1, 1
        self.takes = 1  # whether a free transmitter takes orders
        self.frame_cycles = lambda: 3
        self.outcomes_ready = lambda: 1
        self.on_order = lambda order: None
        self.elapsed_ns = 0  # beside that of the cycles
        self._writes = []

    def host(self, **registers):
        for name, value in registers.items():
            self.bus.extend(write_words(name, value))

    def pause(self, count):
        """Let the host wait for some cycles before its next write."""
        self.bus.extend([None] * count)

    def host_limits(self, limits=None, *, epoch=1, checksum=None, **registers):
        """Let the host load a set: a Limits, or the same limits for all."""
        limits = all_alike(LOOSE) if limits is None else limits
        limits.epoch = epoch
        self.host(begin_limits=1)
        self.pause(CLEAR_CYCLES)
        for symbol, row in enumerate(limits.rows):
            if any(row.values()):
                named = {f"symbol_{name}": value for name, value in row.items()}
                self.host(symbol=symbol, **named, load_limits=1)
        self.host(max_shares=limits.max_shares, max_notional=limits.max_notional)
        checksum = limits.checksum() if checksum is None else checksum
        self.host(limits_epoch=epoch, limits_checksum=checksum, **registers, commit=1)

    async def start(self, ctx, *, limits=LOOSE, state=ARMED, positions=(0,) * SYMBOLS):
        """Load limits and positions, and arm."""
        while not await self.read(ctx, "shadow_ready"):
            pass
        ctx.set(self.dut.tables_ready, 1)
        for symbol in range(SYMBOLS):
            self.host(symbol=symbol, symbol_position=positions[symbol], load_position=1)
        self.host_limits(all_alike(limits), positions_confirmed=1, first_user_ref=1)
        self.host(watchdog_ns=WATCHDOG_NS, feed_watchdog=1)
        self.pause(CHECK_CYCLES)
        self.host(arm_as=state, arm=1)
        await self.drain(ctx)

    async def drain(self, ctx):
        """Let cycles pass until the bus is quiet."""
        while self.bus:
            await self.cycle(ctx)
        await self.cycle(ctx)
        await self.cycle(ctx)

    async def read(self, ctx, name):
        register = getattr(RiskRegs, name)
        value = 0
        for word in range(register.words):
            ctx.set(self.dut.bus.addr, register.offset // 4 + word)
            ctx.set(self.dut.bus.r_en, 1)
            await self.cycle(ctx)
            ctx.set(self.dut.bus.r_en, 0)
            value |= ctx.get(self.dut.bus.r_data) << 32 * word
        return value

    async def cycle(self, ctx):
        now_ns = CYCLE_NS * len(self.cycles) + self.elapsed_ns
        dut, seen = self.dut, Seen(writes=self._writes, now_ns=now_ns)
        ctx.set(dut.now_ns, now_ns)
        self._writes = []
        self._drive_bus(ctx)

        seen.item = self.items.popleft() if self.items else None
        is_quote = isinstance(seen.item, dict)
        ctx.set(dut.quotes.valid, is_quote)
        ctx.set(dut.taints.valid, seen.item == "taint")
        if is_quote:
            ctx.set(dut.quotes.payload, seen.item)

        for source, stream in ((self.intents, dut.intents), (self.responses, dut.responses)):
            ctx.set(stream.valid, bool(source))
            if source:
                ctx.set(stream.payload, source[0])
        seen.can_send = int(self.can_send and not self.busy)
        seen.feed_ok, seen.session_ok = self.feed_ok, self.session_ok
        ctx.set(dut.can_send, seen.can_send)
        ctx.set(dut.feed_ok, seen.feed_ok)
        ctx.set(dut.session_ok, seen.session_ok)
        takes = self.takes and not self.busy
        ctx.set(dut.orders.ready, takes)
        ctx.set(dut.outcomes.ready, self.outcomes_ready())

        self._sample(ctx, seen)
        self.cycles.append(seen)
        await ctx.tick()

    def _drive_bus(self, ctx):
        bus = self.dut.bus
        access = self.bus.popleft() if self.bus else None
        ctx.set(bus.w_en, access is not None)
        if access is not None:
            word, bits, write, last = access
            ctx.set(bus.addr, word)
            ctx.set(bus.w_data, bits)
            if last:
                self._writes = [write]

    def _sample(self, ctx, seen):
        dut = self.dut
        if ctx.get(dut.verdicts.valid):
            self.cycles[-1].verdict = ctx.get(dut.verdicts.payload)
        if self.intents:
            seen.intent = self.intents[0]
            if ctx.get(dut.intents.ready):
                self.intents.popleft()
        if self.responses and ctx.get(dut.responses.ready):
            seen.response = self.responses.popleft()
        if ctx.get(dut.outcomes.valid) and ctx.get(dut.outcomes.ready):
            found = ctx.get(dut.outcomes.payload)
            self.outcomes.append(
                (found.pair, found.refused, found.leg, found.side, found.filled, found.done)
            )
        if self.busy:
            self.busy -= 1
        elif self.takes and ctx.get(dut.orders.valid):
            order = ctx.get(dut.orders.payload)
            self.orders.append((len(self.cycles), order))
            self.busy = self.frame_cycles()
            self.on_order(order)

    def told(self):
        """Return verdicts as the oracle has them."""
        return [verdict_of(seen.verdict) for seen in self.cycles if seen.verdict is not None]


def all_alike(limits):
    """Return a set in which every symbol has these limits, and all have."""
    rows = [dict(limits) for _ in range(SYMBOLS)]
    return Limits(rows, limits["max_shares"], limits["max_notional"])


def verdict_of(found):
    failed = {name for bit, name in enumerate(CHECKS) if found.checks >> bit & 1}
    assert found.checks >> len(CHECKS) == 0
    assert found.passed == (not failed)
    return (
        found.id,
        failed,
        found.quotes_seen,
        found.responses_applied,
        found.state.value,
        found.feed_ok,
        found.session_ok,
    )


def order_of(found):
    return (
        found.user_ref,
        found.intent_id,
        found.leg,
        found.symbol,
        found.side,
        bool(found.short),
        found.shares,
        found.price,
    )


def quote(symbol, bid=50_000, ask=50_100, *, status=TRADING, trusted=1):
    return {"symbol": symbol, "bid": bid, "ask": ask, "status": status, "trusted": trusted}


def leg(symbol, side=Side.BUY, shares=100, price=None):
    price = (50_100 if side == Side.BUY else 50_000) if price is None else price
    return {"valid": 1, "symbol": symbol, "side": side, "shares": shares, "price": price}


NO_LEG = {"valid": 0, "symbol": 0, "side": Side.BUY, "shares": 0, "price": 0}


def intent(number, *legs, pair=0):
    legs = [*legs, NO_LEG][:2]
    cause = {"sequence": 1_000 + number}
    return {"id": number, "pair": pair, "kind": IntentKind.EXIT, "legs": legs, "cause": cause}


def answer(user_ref, kind, shares=0):
    return {"user_ref": user_ref, "kind": kind, "shares": shares}


def directed(simulate, script, *, state=ARMED, positions=(0,) * SYMBOLS, sane=True):
    """Run a script against a stage that is armed and whose symbols all have a sound quote.

    The oracle is asked too, unless intents come that are not sane.
    """
    dut = RiskStage(SMALL)
    bench = Bench(dut)

    async def world(ctx):
        await bench.start(ctx, state=state, positions=positions)
        bench.items.extend(quote(symbol) for symbol in range(SYMBOLS))
        for _ in range(SYMBOLS):
            await bench.cycle(ctx)
        await script(ctx, bench)

    simulate(dut, world)
    if not sane:
        return bench
    oracle = Oracle()
    for seen in bench.cycles:
        oracle.cycle(seen)
    assert bench.told() == oracle.verdicts
    assert [order_of(order) for _, order in bench.orders] == oracle.orders
    assert bench.outcomes == oracle.outcomes[: len(bench.outcomes)]
    return bench


async def cycles(ctx, bench, count):
    for _ in range(count):
        await bench.cycle(ctx)


def failed(bench):
    return [checks for _, checks, *_ in bench.told()]
