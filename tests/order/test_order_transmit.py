"""Orders leave as frames that scapy and the codec find right, in the cycle after they come."""

import random
from itertools import repeat

import pytest

from tickwright.feed.types import Side
from tickwright.order.messages import EnterOrder

NAMES = ("AAPL", "ABCDEFGH", "B", "ZVZZT")
WORDS = 13


def expected(fields: dict) -> EnterOrder:
    side = "B" if fields["side"] == Side.BUY else "T" if fields["short"] else "S"
    return EnterOrder(
        user_ref=fields["user_ref"],
        side=side,
        shares=fields["shares"],
        symbol=NAMES[fields["symbol"]],
        price=fields["price"],
        time_in_force="3",
        display="Y",
        capacity="P",
        intermarket_sweep="N",
        cross_type="N",
        client_order_id=f"TW{fields['user_ref']:012d}",
    )


def some_order(rng: random.Random) -> dict:
    return {
        "user_ref": rng.choice([rng.getrandbits(32), rng.getrandbits(8), (1 << 32) - 1, 0]),
        "symbol": rng.randrange(4),
        "side": rng.choice(list(Side)),
        "short": rng.randrange(2),
        "shares": rng.choice([1, 999_999, rng.randrange(1 << 24)]),
        "price": rng.choice([1, 1_999_999_900, rng.getrandbits(32)]),
    }


@pytest.mark.parametrize(
    ("seed", "gaps", "stalls"),
    [(1, 1, 1), (2, 1, 3), (3, 20, 1), (4, 30, 3), (5, 3, 2)],
)
def test_frames_are_right_whatever_waits_for_whom(simulate, desk, seed, gaps, stalls):
    rng = random.Random(seed)
    orders = [some_order(rng) for _ in range(25)]

    async def gate(ctx):
        await desk.open(ctx)
        for order in orders:
            await ctx.tick().repeat(rng.randrange(gaps) or 1)
            await desk.order(ctx, **order)

    async def mac(ctx):
        pauses = iter(lambda: rng.randrange(stalls), None)
        assert await desk.taken(ctx, len(orders), pauses) == [expected(o) for o in orders]
        assert await desk.counts(ctx) == {"orders": len(orders)}
        assert await desk.read(ctx, "seq") == desk.peer.ack

    simulate(desk.top, gate, mac)


def test_word_0_follows_an_order_in_the_next_cycle(simulate, desk):
    """Two legs of an intent: the second waits in the stream, and follows without a pause."""

    async def gate(ctx):
        await desk.open(ctx)
        ctx.set(desk.dut.tx.ready, 1)
        ctx.set(desk.dut.orders.valid, 1)
        for cycle in range(2 * WORDS + 2):
            assert ctx.get(desk.dut.tx.valid) == (0 < cycle <= 2 * WORDS)
            assert ctx.get(desk.dut.orders.ready) == (cycle % WORDS == 0 or cycle > 2 * WORDS)
            if cycle > WORDS:
                ctx.set(desk.dut.orders.valid, 0)
            if ctx.get(desk.dut.tx.valid):
                assert ctx.get(desk.dut.tx.p.first) == (cycle % WORDS == 1)
                assert ctx.get(desk.dut.tx.p.last) == (cycle % WORDS == 0)
                assert ctx.get(desk.dut.tx.p.bytes) == 8
            await ctx.tick()

    simulate(desk.top, gate)


@pytest.mark.parametrize("stalls", [0, 2])
def test_can_send_promises_the_next_cycle(simulate, desk, stalls):
    """A gate that asks can_send, and shows its order 2 cycles later, never waits for word 0."""
    rng = random.Random(stalls)
    intents = [1, 2, 2, 1, 2]

    async def gate(ctx):
        await desk.open(ctx)
        for legs in intents:
            while not ctx.get(desk.dut.can_send):
                await ctx.tick()
            await ctx.tick().repeat(2)
            ctx.set(desk.dut.orders.valid, 1)
            for leg in range(legs):
                ready, waited = False, 0
                while not ready:
                    assert not ctx.get(desk.dut.can_send)
                    *_, ready = await ctx.tick().sample(desk.dut.orders.ready)
                    waited += 1
                assert leg or waited == 1
                assert ctx.get(desk.dut.tx.p.first)
                assert ctx.get(desk.dut.tx.valid)
            ctx.set(desk.dut.orders.valid, 0)
            assert not ctx.get(desk.dut.can_send)

    async def mac(ctx):
        pauses = iter(lambda: rng.randrange(stalls), None) if stalls else repeat(0)
        await desk.taken(ctx, sum(intents), pauses)

    simulate(desk.top, gate, mac)


def test_a_mac_that_is_busy_lets_nothing_be_judged(simulate, desk):
    """It is asked before an order is there: what is judged then would wait for the wire."""

    async def bench(ctx):
        await desk.open(ctx)
        for ready in (0, 1, 0, 1):
            ctx.set(desk.dut.tx.ready, ready)
            assert ctx.get(desk.dut.can_send) == ready
            await ctx.tick()

    simulate(desk.top, bench)


def test_acknowledgment_is_that_of_the_last_segment_taken(simulate, desk):
    async def bench(ctx):
        await desk.open(ctx)
        await desk.send(ctx, {})
        await desk.arrive(ctx, desk.peer.sent(b"\x00\x01H"))
        await desk.send(ctx, {})  # the peer checks it

    simulate(desk.top, bench)


def test_a_name_for_a_symbol_there_is_not_changes_no_other(simulate, desk):
    async def bench(ctx):
        await desk.open(ctx)
        await desk.write(ctx, "name_symbol", 4)
        await desk.write(ctx, "name", 0)
        await desk.write(ctx, "set_name", 1)
        await desk.write(ctx, "name_symbol", 1)
        assert [order.symbol for order in await desk.send(ctx, {"symbol": 0})] == ["AAPL"]

    simulate(desk.top, bench)


def test_sequence_numbers_wrap(simulate, desk):
    desk.peer.ack = (1 << 32) - 75

    async def bench(ctx):
        await desk.open(ctx)
        await desk.send(ctx, {}, {}, {})
        assert await desk.read(ctx, "seq") == 75

    simulate(desk.top, bench)
