"""Packets cross from clock to clock whole, in order and without a gap."""

import random

import pytest

from tickwright.pcie.types import MOST_RECORDS, RECORD_BITS, REQUEST_HEADER_WORDS, WORD_BITS
from tickwright.platforms.packet_crossing import PacketCrossing

WIDTH, USER_BITS = 256, 10
CARD_S, HOST_S = 6.4e-9, 4e-9
LONGEST = -(-(REQUEST_HEADER_WORDS * WORD_BITS + MOST_RECORDS * RECORD_BITS) // WIDTH)
WAYS = [("sync", "pcie"), ("pcie", "sync")]
CLOCKS = {"sync": CARD_S, "pcie": HOST_S}


def packets(count, rng):
    """Return packets as lists of beats: data, keep, user."""
    sizes = [1, 2, LONGEST, *(rng.randrange(1, LONGEST + 1) for _ in range(count))]
    return [
        [(rng.getrandbits(WIDTH), rng.getrandbits(8), rng.getrandbits(USER_BITS))
         for _ in range(size)]
        for size in sizes
    ]  # fmt: skip


async def give(ctx, dut, domain, packet, pause=lambda: False):
    for number, (data, keep, user) in enumerate(packet):
        while pause():
            await ctx.tick(domain)
        ctx.set(dut.given.tdata, data)
        ctx.set(dut.given.tkeep, keep)
        ctx.set(dut.given.tuser, user)
        ctx.set(dut.given.tlast, number == len(packet) - 1)
        ctx.set(dut.given.tvalid, 1)
        await ctx.tick(domain).until(dut.given.tready)
        ctx.set(dut.given.tvalid, 0)


@pytest.mark.parametrize("stalled", [0, 0.5])
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_packets_are_sent_whole_and_without_a_gap(simulate, source, target, stalled):
    dut = PacketCrossing(WIDTH, USER_BITS, from_domain=source, to_domain=target)
    rng, given = random.Random(7), packets(25, random.Random(3))
    found = []

    async def sender(ctx):
        for packet in given:
            await give(ctx, dut, source, packet, lambda: rng.random() < 0.5)

    async def taker(ctx):
        stalls, packet = random.Random(9), []
        sent = dut.sent
        while len(found) < len(given):
            ctx.set(sent.tready, stalls.random() >= stalled)
            *_, valid, ready, last, data, keep, user = await ctx.tick(target).sample(
                sent.tvalid, sent.tready, sent.tlast, sent.tdata, sent.tkeep, sent.tuser
            )
            assert valid or not packet, "a gap within a packet"
            if valid and ready:
                packet.append((data, keep, user))
                if last:
                    found.append(packet)
                    packet = []

    simulate(dut, sender, taker, clocks=CLOCKS, deadline=20_000)
    assert found == given


@pytest.mark.parametrize(
    ("source", "target", "edges"), [("sync", "pcie", {3, 4}), ("pcie", "sync", {2, 3})]
)
def test_a_packet_is_sent_soon_after_its_last_beat(simulate, source, target, edges):
    """At most a cycle of the clock it comes from, and three of that to which it goes."""
    dut, waits = PacketCrossing(WIDTH, USER_BITS, from_domain=source, to_domain=target), set()

    async def sender(ctx):
        ctx.set(dut.sent.tready, 1)
        for pause in range(20, 40):
            await ctx.tick(source).repeat(pause)
            await give(ctx, dut, source, [(1, 1, 1)])
            count = 0
            while not ctx.get(dut.sent.tvalid):
                await ctx.tick(target)
                count += 1
            waits.add(count)

    simulate(dut, sender, clocks=CLOCKS, deadline=20_000)
    assert waits == edges
    assert max(edges) <= 3 + -(-round(1e12 * CLOCKS[source]) // round(1e12 * CLOCKS[target]))
