"""Requests come whole or not at all, word by word."""

import random

import pytest

from tickwright.pcie.requests import DEPTH, RequestQueue
from tickwright.pcie.types import WIDTHS


async def take(ctx, port, count, rng, stall):
    """Return the data of so many requests."""
    found, words = [], []
    while len(found) < count:
        ctx.set(port.ready, rng.random() >= stall)
        if ctx.get(port.valid) and ctx.get(port.ready):
            word = ctx.get(port.payload)
            words.append((word.data, word.first_be, word.last_be))
            if word.last:
                found.append(words)
                words = []
        await ctx.tick()
    return found


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("pause", "stall"), [(0, 0), (0.5, 0), (0, 0.5), (0.3, 0.3)])
def test_whole_requests_pass_and_damaged_ones_leave_no_trace(
    simulate, streams, packet, width, pause, stall
):
    dut, rng = RequestQueue(width), random.Random(width)
    packets = [
        packet(
            [rng.getrandbits(32) for _ in range(rng.choice([4, 5, 6, 7, 20]))],
            user=rng.getrandbits(8),
            damaged=rng.random() < 0.3,
        )
        for _ in range(40)
    ]
    packets[-1].damaged = False
    sound = [one for one in packets if not one.damaged]
    discards = 0
    line = streams(pause, rng)

    async def host(ctx):
        await line.send(ctx, dut.cq, packets)

    async def card(ctx):
        found = await take(ctx, dut.words, len(sound), rng, stall)
        assert found == [
            [(word, one.user & 0xF, one.user >> 4) for word in one.words] for one in sound
        ]

    async def count(ctx):
        nonlocal discards
        async for *_, discarded in ctx.tick().sample(dut.discarded):
            discards += discarded

    simulate(dut, host, card, background=[line.clock, count])
    assert discards == len(packets) - len(sound)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_request_longer_than_the_queue_is_forgotten_and_does_not_block(
    simulate, streams, packet, width
):
    dut = RequestQueue(width)
    packets = [packet([7] * 4), packet([1] * DEPTH), packet([2] * (DEPTH + 1)), packet([3] * 4)]
    line = streams()

    async def host(ctx):
        await line.send(ctx, dut.cq, packets)

    async def card(ctx):
        found = await take(ctx, dut.words, 3, random.Random(0), 0)
        assert [len(words) for words in found] == [4, DEPTH, 4]
        assert found[-1][0][0] == 3

    simulate(dut, host, card, background=[line.clock])


@pytest.mark.parametrize("width", WIDTHS)
def test_latency_is_2_cycles_and_one_for_each_word_of_the_last_beat(
    simulate, streams, packet, width
):
    dut = RequestQueue(width)
    lanes = width // 32
    line = streams()

    async def bench(ctx):
        ctx.set(dut.words.ready, 1)
        request = packet([1] * (lanes * -(-4 // lanes)))
        await line.send(ctx, dut.cq, [request])
        sent = line.cycle - 1
        while not ctx.get(dut.words.valid):
            await ctx.tick()
        assert line.cycle - sent == 2 + lanes

    simulate(dut, bench, background=[line.clock])
