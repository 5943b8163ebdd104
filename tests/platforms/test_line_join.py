"""Frames of two lines become one stream, whole and each line's in order, or are counted."""

import random

import pytest

from tickwright.platforms.line_join import LineJoin
from tickwright.twin.handshake import frame_bytes, frame_words

LONGEST, DEPTH = 120, 32
LATENCY = 2  # cycles


async def put(ctx, dut, line, word, good=1):
    """Show a word for a cycle."""
    words, end = dut.lines[line], dut.ends[line]
    ctx.set(words.p.as_value(), word)
    ctx.set(words.valid, 1)
    ctx.set(end.valid, ctx.get(words.p.last))
    ctx.set(end.p.good, good)
    await ctx.tick()
    ctx.set(words.valid, 0)
    ctx.set(end.valid, 0)


class Taken:
    """The words that came out, with their cycles, and the verdicts that came with them."""

    def __init__(self, dut):
        self.dut, self.words, self.cycles, self.good = dut, [], [], []

    async def watch(self, ctx):
        dut, cycle = self.dut, 0
        seen = (dut.words.valid, dut.words.p.as_value(), dut.words.p.last, dut.frame_end.valid,
                dut.frame_end.p.good)  # fmt: skip
        async for _, _, valid, word, last, ended, good in ctx.tick().sample(*seen):
            if valid:
                self.words.append(word)
                self.cycles.append(cycle)
            assert ended == (valid and last)
            if ended:
                self.good.append(good)
            cycle += 1


def frames(line, count, rng):
    return [
        bytes([line, number]) + rng.randbytes(rng.randrange(1, LONGEST - 1))
        for number in range(count)
    ]


@pytest.mark.parametrize("share", [0.3, 0.49])
def test_both_lines_pass_while_they_bring_no_more_than_a_word_a_cycle(simulate, share):
    dut, rng = LineJoin(longest=LONGEST, depth=4 * DEPTH), random.Random(1)
    taken, given = Taken(dut), [frames(line, 60, rng) for line in range(2)]

    def feed(line):
        async def bench(ctx):
            pauses = random.Random(line)
            for number, frame in enumerate(given[line]):
                words = list(frame_words(frame))
                for word in words:
                    await put(ctx, dut, line, word, good=number % 3 != 0)
                while pauses.random() > share:
                    await ctx.tick().repeat(len(words))
            await ctx.tick().repeat(200)

        return bench

    simulate(dut, feed(0), feed(1), background=[taken.watch], deadline=20_000)
    found = frame_bytes(taken.words)
    assert [[frame for frame in found if frame[0] == line] for line in range(2)] == given
    assert taken.good == [frame[1] % 3 != 0 for frame in found]


def test_a_word_takes_two_cycles_when_nothing_waits(simulate):
    dut = LineJoin(longest=LONGEST, depth=DEPTH)
    taken = Taken(dut)

    async def lines(ctx):
        for number, line in enumerate((0, 1, 1, 0)):
            for word in frame_words(bytes([number] * 40)):
                await put(ctx, dut, line, word)
            await ctx.tick().repeat(5)

    simulate(dut, lines, background=[taken.watch])
    sent = [start + word for start in (0, 10, 20, 30) for word in range(5)]
    assert [cycle - at for cycle, at in zip(taken.cycles, sent, strict=True)] == [LATENCY] * 20


def test_a_frame_without_room_is_dropped_whole_and_counted(simulate):
    dut = LineJoin(longest=LONGEST, depth=DEPTH)
    taken = Taken(dut)
    count, frame = 12, bytes(range(LONGEST))
    words = list(frame_words(frame))

    async def both(ctx):
        for _ in range(count):
            for word in words:
                for line in range(2):
                    ctx.set(dut.lines[line].p.as_value(), word)
                    ctx.set(dut.lines[line].valid, 1)
                    ctx.set(dut.ends[line].valid, ctx.get(dut.lines[line].p.last))
                await ctx.tick()
        for line in range(2):
            ctx.set(dut.lines[line].valid, 0)
            ctx.set(dut.ends[line].valid, 0)
        await ctx.tick().repeat(100)
        dropped = [ctx.get(dut.dropped[line]) for line in range(2)]
        assert all(dropped)
        assert frame_bytes(taken.words) == [frame] * (2 * count - sum(dropped))

    simulate(dut, both, background=[taken.watch])
