"""Frames that the host puts into the outbox leave whole, in order, or not at all."""

import random

import pytest

from tickwright.core.streams import WORD_BYTES
from tickwright.pcie.outbox import DEPTH, FrameOutbox

FIRST_WORD_CYCLES = 2
GAP_CYCLES = 2
WRAPS = 1 << 32


def words_of(frame: bytes) -> list[int]:
    """Return a frame as it lies in the outbox, its length before it."""
    padded = frame + bytes(-len(frame) % WORD_BYTES)
    parts = range(0, len(padded), WORD_BYTES)
    return [len(frame), *(int.from_bytes(padded[k : k + WORD_BYTES], "little") for k in parts)]


class Host:
    """Puts words into the outbox, and keeps the frames that leave it."""

    def __init__(self, dut, rng=None, pause=0.0):
        self.dut, self.rng, self.pause = dut, rng, pause
        self.written = 0
        self.frames, self.began, self.cycle = [], [], 0

    async def put(self, ctx, words, *, show=True):
        for word in words:
            for half in range(2):
                ctx.set(self.dut.bus.addr, 2 * (self.written % DEPTH) + half)
                ctx.set(self.dut.bus.w_data, word >> 32 * half & 0xFFFF_FFFF)
                ctx.set(self.dut.bus.w_en, 1)
                await ctx.tick()
            ctx.set(self.dut.bus.w_en, 0)
            self.written = (self.written + 1) % WRAPS
        if show:
            ctx.set(self.dut.outbox_written, self.written)

    async def room_for(self, ctx, words):
        while (self.written - ctx.get(self.dut.outbox_taken)) % WRAPS + words > DEPTH:
            await ctx.tick()

    async def drained(self, ctx):
        await ctx.tick()
        while ctx.get(self.dut.outbox_taken) != self.written:
            await ctx.tick()

    async def collect(self, ctx):
        """Keep frames; fail if one has a gap or changes while it waits."""
        port, frame, held = self.dut.frames, b"", None
        while True:
            ready = not self.pause or self.rng.random() >= self.pause
            ctx.set(port.ready, ready)
            if ctx.get(port.valid):
                word = ctx.get(port.payload)
                assert held is None or held == word.data, "a word changed while it waited"
                held = None if ready else word.data
                assert word.first == (frame == b"")
                if word.first and (not self.began or len(self.began) == len(self.frames)):
                    self.began.append(self.cycle)
                if ready:
                    frame += word.data.to_bytes(WORD_BYTES, "little")[: word.bytes]
                    if word.last:
                        self.frames.append(frame)
                        frame = b""
            else:
                assert frame == b"", "a gap within a frame"
            await ctx.tick()
            self.cycle += 1


@pytest.mark.parametrize("pause", [0, 0.5])
def test_frames_leave_whole_and_in_order_many_times_round(simulate, pause):
    dut, rng = FrameOutbox(), random.Random(1)
    host = Host(dut, rng, pause)
    lengths = [1, 7, 8, 9, 60, 64, 1514, WORD_BYTES * (DEPTH - 1)]
    frames = [rng.randbytes(length) for length in lengths * 2]

    async def bench(ctx):
        for frame in frames:
            words = words_of(frame)
            await host.room_for(ctx, len(words))
            await host.put(ctx, words)
        await host.drained(ctx)
        assert host.written > 2 * DEPTH
        assert ctx.get(dut.frames_sent) == len(frames)
        assert ctx.get(dut.outbox_errors) == 0

    simulate(dut, bench, background=[host.collect])
    assert host.frames == frames


def test_the_first_word_comes_2_cycles_after_the_count_and_2_lie_between_frames(simulate):
    dut = FrameOutbox()
    host = Host(dut)

    async def bench(ctx):
        await host.put(ctx, words_of(bytes(24)) + words_of(bytes(8)), show=False)
        ctx.set(dut.outbox_written, host.written)
        host.shown = host.cycle
        await host.drained(ctx)

    simulate(dut, bench, background=[host.collect])
    first, second = host.began
    assert first - host.shown == FIRST_WORD_CYCLES
    assert second - (first + 3) == GAP_CYCLES


def test_a_frame_is_not_sent_before_all_of_it_is_counted(simulate):
    dut = FrameOutbox()
    host = Host(dut)

    async def bench(ctx):
        await host.put(ctx, words_of(bytes(100)), show=False)
        await ctx.tick().repeat(20)
        assert not ctx.get(dut.frames.valid)
        ctx.set(dut.outbox_written, host.written)
        await host.drained(ctx)

    simulate(dut, bench, background=[host.collect])
    assert host.frames == [bytes(100)]


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ([0], 1),
        ([9, 0], 2),  # one word short
        ([0xFFFF, 1, 2], 3),
        ([8, 0], DEPTH + 1),  # more than it holds
        ([8, 0], WRAPS - 1),  # a count that went back
    ],
)
def test_a_length_or_count_that_makes_no_sense_empties_it_unsent(simulate, words, count):
    dut = FrameOutbox()
    host = Host(dut)

    async def bench(ctx):
        await host.put(ctx, words, show=False)
        host.written = count
        ctx.set(dut.outbox_written, count)
        await host.drained(ctx)
        assert ctx.get(dut.outbox_errors) == 1
        assert ctx.get(dut.frames_sent) == 0
        await host.put(ctx, words_of(b"after"))
        await host.drained(ctx)
        assert ctx.get(dut.outbox_errors) == 1

    simulate(dut, bench, background=[host.collect])
    assert host.frames == [b"after"]


def test_the_outbox_reads_as_0(simulate):
    dut = FrameOutbox()
    host = Host(dut)

    async def bench(ctx):
        await host.put(ctx, [0xFFFF_FFFF_FFFF_FFFF], show=False)
        ctx.set(dut.bus.addr, 0)
        ctx.set(dut.bus.r_en, 1)
        await ctx.tick().repeat(2)
        assert ctx.get(dut.bus.r_data) == 0

    simulate(dut, bench)
