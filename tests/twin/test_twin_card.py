"""The twin is a card to the host: identified, loaded, armed and killed through its registers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from oracle.session import FEED, ORDER_SESSION, PRESET, datagram, frame_table, one_by_one

from tickwright.core.fixed import DEVIATION, HEDGE_RATIO
from tickwright.exchange.scripted import ScriptedVenue
from tickwright.feed.messages import AddOrder, OrderCancel
from tickwright.host.card import Card, CardError
from tickwright.host.records import GateState
from tickwright.host.setup import CardSetup, GateSetup, PairSetup, SymbolSetup
from tickwright.market.frames_table import FrameTable
from tickwright.market.messages_table import MessageTable
from tickwright.market.packets import pack_datagrams
from tickwright.market.report import Line
from tickwright.risk.checks import CHECKS
from tickwright.top.memory_map import BLOCK_WORDS, BLOCKS, IdentityRegs, base, fingerprint
from tickwright.twin.card import Run, TwinCard
from tickwright.twin.venue import VenuePeer

PLENTY = (1 << 31) - 1
START_NS, SPACING_NS = 1_000_000_000, 1_000_000
RING_CYCLES = 4  # a message that leaves the ring of the feed
LEGS = ("AAA", "BBB")
TRADING = ord("T")

SETUP = CardSetup(
    window=PRESET.window,
    symbols=tuple(
        SymbolSetup(
            name=name, locate=locate, base_tick=800, status=TRADING, max_shares=PLENTY,
            max_notional=PLENTY, max_position=PLENTY, collar=PLENTY,
        )
        for locate, name in enumerate(LEGS, start=1)
    ),
    pairs=(
        PairSetup(
            name="AAA-BBB", symbol_a=0, symbol_b=1, hedge=HEDGE_RATIO.scale, mean=0,
            entry_deviation=DEVIATION.scale // 50, exit_deviation=0, stop_deviation=PLENTY,
            min_edge=-(1 << 47), shares_a=100, shares_b=100, max_spread_a=PLENTY,
            max_spread_b=PLENTY, aggression_a=0, aggression_b=0, retry_ns=0,
        ),
    ),
    gate=GateSetup(max_shares=PLENTY, max_notional=PLENTY, state="armed"),
    feed=replace(FEED, max_age_ns=1 << 40),
    session=ORDER_SESSION,
)  # fmt: skip


def market() -> FrameTable:
    """Return frames that make both books, then let a better bid of AAA cause an entry."""
    adds = [(1, "B", 100_000), (1, "S", 102_000), (2, "B", 100_000), (2, "S", 102_000),
            (1, "B", 101_000)]  # fmt: skip
    return one_by_one(
        [
            AddOrder(
                locate=locate, timestamp_ns=START_NS + number * SPACING_NS, reference=number + 1,
                side=side, shares=500, stock=LEGS[locate - 1], price=price,
            ).pack()
            for number, (locate, side, price) in enumerate(adds)
        ]
    )  # fmt: skip


def storm(count: int) -> FrameTable:
    """Return full packets of messages each of which changes the best bid of AAA."""
    stamp = {"locate": 1, "timestamp_ns": START_NS}
    bid = AddOrder(**stamp, reference=1, side="B", shares=count + 1, stock="AAA", price=100_000)
    cancel = OrderCancel(**stamp, reference=1, shares=1)
    messages = MessageTable.from_messages([bid.pack(), *[cancel.pack()] * count])
    at = FEED.line_a
    return pack_datagrams(messages, line=Line(address=at.destination, port=at.port))


@pytest.fixture
def twin() -> Iterator[TwinCard]:
    with TwinCard(PRESET, hold_ns=SETUP.feed.hold_ns) as twin:
        yield twin


def play(twin: TwinCard) -> Run:
    return twin.play([market()], VenuePeer(SETUP.session, ScriptedVenue("none")))


class OtherCard:
    """A bus with another card at its end: every register reads as the same number."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.written: list[tuple[int, int]] = []

    def read(self, addr: int) -> int:
        return self.value

    def write(self, addr: int, value: int) -> None:
        self.written.append((addr, value))


def test_the_card_says_what_it_is(twin):
    identity = IdentityRegs(twin, base("identity"))
    names = [register.name for register in identity.registers]
    sizes = {name: getattr(identity, name) for name in names if hasattr(PRESET, name)}
    assert sizes == {name: getattr(PRESET, name) for name in sizes}
    assert set(names) - set(sizes) == {"map_hash", "now_ns", "cycles"}
    assert identity.map_hash == fingerprint()


def test_the_card_tells_its_time(twin):
    identity = IdentityRegs(twin, base("identity"))
    first_ns, first = identity.now_ns, identity.cycles
    twin.step(100)
    later_ns, later = identity.now_ns, identity.cycles
    assert later - first >= 100
    assert later_ns - first_ns == pytest.approx((later - first) * 6.4, abs=2)


def test_what_is_written_is_read(twin):
    card = Card(twin)
    card.feed.hold_ns = 0x1234_5678_9ABC
    card.order.peer_mac = 0x0200_0000_00FE
    card.order.window = 0x4321
    assert card.feed.hold_ns == 0x1234_5678_9ABC
    assert card.order.peer_mac == 0x0200_0000_00FE
    assert card.order.window == 0x4321


def test_what_no_block_owns_reads_as_zero(twin):
    beyond = base(list(BLOCKS)[-1]) + BLOCK_WORDS * 4
    twin.write(beyond, 0xFFFF_FFFF)
    assert twin.read(beyond) == 0
    assert twin.read(base("identity")) == fingerprint()


@pytest.mark.parametrize("value", [0, 0xFFFF_FFFF, fingerprint() ^ 1], ids=hex)
def test_a_card_of_another_map_is_refused_untouched(value):
    bus = OtherCard(value)
    with pytest.raises(
        CardError, match=f"found hash {value:#010x}, expected {fingerprint():#010x}"
    ):
        Card(bus)
    assert bus.written == []


@pytest.mark.parametrize("size", ["window", "slots", "hold"])
def test_a_setup_for_another_build_is_refused(twin, size):
    with Card(twin) as card, pytest.raises(CardError, match=f"card: {size}: found"):
        card.load(replace(SETUP, **{size: getattr(SETUP, size) // 2}))


def test_an_armed_card_trades(twin):
    with Card(twin) as card:
        card.load(SETUP)
        card.arm("armed")
        card.open_feed()
        run = play(twin)
        counters = card.counters()
    assert len(run.sent) == len(run.journal.orders) == 2
    assert counters["feed"]["delivered"] == 5
    assert counters["order"]["orders"] == 2
    assert run.latencies.keys() == {1, 2}
    for frame in run.sent:
        assert len(frame.frame) == 104


def test_quotes_that_too_many_follow_are_recorded_as_coalesced(twin):
    """Each asks for more evaluations than there are cycles to the next."""
    idle = replace(SETUP.pairs[0], enabled=False)
    pairs = tuple(replace(idle, name=f"pair {number}") for number in range(PRESET.fanout))
    with Card(twin) as card:
        card.load(replace(SETUP, pairs=pairs))
        card.open_feed()
        run = twin.play([storm(1_500)], VenuePeer(SETUP.session, ScriptedVenue("none")))
        counted = card.counters()["strategy"]
    quotes, rows = run.journal.quotes, run.journal.coalesced
    assert len(quotes) == 1_501
    assert len(rows) > 100
    assert rows["sequence"].tolist() == quotes["sequence"][rows["quotes"]].tolist()
    assert set(rows["evaluations"]) == {PRESET.fanout}
    assert counted["evaluations_dropped"] == PRESET.fanout * len(rows)
    assert counted["evaluations"] == PRESET.fanout * (len(quotes) - len(rows))


UNWATCHED = 500
HELD = UNWATCHED + 2


def held_back() -> list[tuple[int, bytes]]:
    """Return frames whose first message comes last, so that the ring of the feed holds the others.

    These are a bid, hundreds that are nobody's business, and another bid.
    """
    bids = [
        AddOrder(
            locate=1, timestamp_ns=START_NS, reference=number, side="B", shares=500,
            stock=LEGS[0], price=100_000 + 100 * number,
        ).pack()
        for number in (1, 2)
    ]  # fmt: skip
    nobodys = OrderCancel(locate=99, timestamp_ns=START_NS, reference=7, shares=1).pack()
    held = [bids[0], *[nobodys] * UNWATCHED, bids[1]]
    groups = [(2 + at, held[at : at + 48]) for at in range(0, HELD, 48)]
    frames = [datagram(sequence, group) for sequence, group in groups]
    first = datagram(1, [nobodys], line=FEED.line_b)
    return [(START_NS, frame) for frame in (*frames, first)]


def opened(twin: TwinCard) -> Card:
    card = Card(twin)
    card.load(SETUP)
    card.open_feed()
    return card


def test_time_does_not_leap_while_the_feed_delivers_what_it_held(twin):
    """Nothing of that is recorded but the two bids."""
    late = AddOrder(
        locate=1, timestamp_ns=START_NS + SPACING_NS, reference=3, side="B", shares=500,
        stock=LEGS[0], price=100_300,
    ).pack()  # fmt: skip
    frames = [*held_back(), (START_NS + SPACING_NS, datagram(2 + HELD, [late]))]
    opened(twin)
    run = twin.play([frame_table(frames)])
    assert run.journal.quotes["sequence"].tolist() == [2, 1 + HELD, 2 + HELD]
    first, last, after = (int(cycle) for cycle in run.passed["quotes"])
    assert last - first == RING_CYCLES * (HELD - 1)
    assert last < int(run.frame_cycles[-1]) < after
    assert len(run.journal.trusts) == 0


def test_a_run_does_not_end_before_the_feed_has_delivered_what_it_held(twin):
    card = opened(twin)
    run = twin.play([frame_table(held_back())])
    assert run.journal.quotes["sequence"].tolist() == [2, 1 + HELD]
    assert card.counters()["feed"]["delivered"] == 1 + HELD


@pytest.mark.parametrize("how", ["never-armed", "killed-later"])
def test_a_killed_card_sends_nothing(twin, how):
    with Card(twin) as card:
        card.load(SETUP)
        if how == "killed-later":
            card.arm("armed")
            card.kill()
        card.open_feed()
        run = play(twin)
        assert card.risk.state == GateState.KILLED
    assert run.sent == []
    assert len(run.journal.orders) == 0
    assert len(run.journal.verdicts) == len(run.journal.intents) > 0
    killed = 1 << CHECKS.index("killed")
    assert all(int(verdict["checks"]) & killed for verdict in run.journal.verdicts)
    assert not run.journal.verdicts["passed"].any()


def test_a_closed_feed_shows_nothing(twin):
    with Card(twin) as card:
        card.load(SETUP)
        card.arm("armed")
        run = play(twin)
    assert len(run.journal.quotes) == 0
    assert run.sent == []


@pytest.mark.parametrize("failing", [False, True], ids=["at-the-end", "by-an-error"])
def test_leaving_the_card_kills_it(twin, failing):
    def leave() -> None:
        with Card(twin) as card:
            card.load(SETUP)
            card.arm("armed")
            card.open_feed()
            assert card.risk.state == GateState.ARMED
            if failing:
                raise RuntimeError("the desk has a bug")

    if failing:
        with pytest.raises(RuntimeError, match="the desk has a bug"):
            leave()
    else:
        leave()
    twin.step(4)
    assert Card(twin).risk.state == GateState.KILLED
    assert play(twin).sent == []


def test_a_card_that_was_not_loaded_does_not_arm(twin):
    with pytest.raises(CardError, match="found killed, expected armed"):
        Card(twin).arm("armed")
