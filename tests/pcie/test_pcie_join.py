"""Requests of two sources leave whole, each source's in order, the first's before the second's."""

import random

import pytest

from tickwright.pcie.join import RequestJoin

WIDTH = 64
WORD_BITS = 32


def request(packet, source, number, words):
    """Return a request whose words tell where it comes from."""
    return packet([source << 16 | number << 8 | word for word in range(words)], user=0xFF)


class Sink:
    """Takes beats, after pauses with the given probability; fails if a request has a gap."""

    def __init__(self, dut, pause=0.0):
        self.rq, self.pause, self.rng = dut.rq, pause, random.Random(3)
        self.found, self.began, self.ended = [], [], []

    async def open(self, ctx):
        while True:
            ctx.set(self.rq.tready, self.rng.random() >= self.pause)
            await ctx.tick()

    async def keep(self, ctx):
        names = ("tvalid", "tready", "tlast", "tkeep", "tdata", "tuser")
        words, cycle = None, 0
        beats = ctx.tick().sample(*(getattr(self.rq, name) for name in names))
        async for *_, valid, ready, last, keep, data, user in beats:
            if valid and words is None:
                words = []
                self.began.append(cycle)
                assert user & 0xFF == 0xFF
            assert valid or words is None, "a gap within a request"
            if valid and ready:
                words += [data >> WORD_BITS * k & 0xFFFF_FFFF for k in range(keep.bit_length())]
                if last:
                    self.found.append(words)
                    self.ended.append(cycle)
                    words = None
            cycle += 1

    async def until(self, ctx, count):
        while len(self.found) < count:
            await ctx.tick()


def source_of(words):
    return words[0] >> 16


@pytest.mark.parametrize("pause", [0, 0.4])
def test_no_request_is_broken_or_overtaken(simulate, streams, packet, pause):
    dut, rng, count = RequestJoin(WIDTH), random.Random(2), 60
    sink = Sink(dut, pause)
    sent = [
        [request(packet, source, number, rng.randrange(1, 9)) for number in range(count)]
        for source in range(2)
    ]

    def feeding(source, port):
        async def feed(ctx):
            for one in sent[source]:
                if pause:
                    await ctx.tick().repeat(rng.randrange(1, 12))
                await streams().send(ctx, port, [one])

        return feed

    async def done(ctx):
        await sink.until(ctx, 2 * count)

    benches = [feeding(0, dut.first), feeding(1, dut.second), done]
    simulate(dut, *benches, background=[sink.open, sink.keep])
    for source in range(2):
        ours = [words for words in sink.found if source_of(words) == source]
        assert ours == [one.words for one in sent[source]]
    if not pause:
        assert [source_of(words) for words in sink.found] == [0] * count + [1] * count


def test_the_first_source_waits_for_one_request_of_the_second_at_most(simulate, streams, packet):
    dut = RequestJoin(WIDTH)
    sink = Sink(dut)

    async def second(ctx):
        await streams().send(ctx, dut.second, [request(packet, 1, n, 40) for n in range(2)])

    async def first(ctx):
        await ctx.tick().repeat(5)
        await streams().send(ctx, dut.first, [request(packet, 0, 0, 2)])

    async def done(ctx):
        await sink.until(ctx, 3)

    simulate(dut, first, second, done, background=[sink.open, sink.keep])
    assert [source_of(words) for words in sink.found] == [1, 0, 1]
    assert sink.began == [0, sink.ended[0] + 1, sink.ended[1] + 1]  # no cycle is lost
