"""Frames are cut into slices that go together again."""

import random

import pytest

from tickwright.core.streams import WORD_BYTES
from tickwright.pcie.messages import SLICE_DATA_BYTES, FrameSlice
from tickwright.pcie.slices import FrameSlicer
from tickwright.telemetry.messages import RECORD_BYTES

LENGTHS = [1, 7, 8, 9, 55, 56, 57, 63, 64, 111, 112, 113, 1518]
SLICE_CYCLES = 1


def words_of(frame: bytes):
    for start in range(0, len(frame), WORD_BYTES):
        part = frame[start : start + WORD_BYTES]
        yield {
            "data": int.from_bytes(part, "little"),
            "bytes": len(part),
            "first": start == 0,
            "last": start + WORD_BYTES >= len(frame),
        }


def slices_of(frames):
    """Return what the slices of frames should hold."""
    parts = [
        (
            start == 0,
            start + SLICE_DATA_BYTES >= len(frame),
            frame[start : start + SLICE_DATA_BYTES],
        )
        for frame in frames
        for start in range(0, len(frame), SLICE_DATA_BYTES)
    ]
    return [(number, *part) for number, part in enumerate(parts)]


@pytest.mark.parametrize("pause", [0, 0.4])
def test_every_length_is_cut_and_numbered(simulate, pause):
    dut, rng, found = FrameSlicer(), random.Random(1), []
    lengths = LENGTHS + [rng.randrange(1, 300) for _ in range(30)]
    frames = [rng.randbytes(length) for length in lengths]

    async def send(ctx):
        for frame in frames:
            for word in words_of(frame):
                while rng.random() < pause:
                    await ctx.tick()
                ctx.set(dut.frames.payload, word)
                ctx.set(dut.frames.valid, 1)
                await ctx.tick()
                ctx.set(dut.frames.valid, 0)
        await ctx.tick().repeat(2)

    async def keep(ctx):
        async for *_, valid, payload in ctx.tick().sample(dut.slices.valid, dut.slices.payload):
            if valid:
                found.append(FrameSlice.unpack(payload.to_bytes(RECORD_BYTES, "little")))

    simulate(dut, send, background=[keep])
    assert [
        (part.number, part.first, part.last, part.data[: part.bytes]) for part in found
    ] == slices_of(frames)


def test_a_slice_is_there_1_cycle_after_its_last_word(simulate):
    dut = FrameSlicer()
    frame = bytes(range(2 * SLICE_DATA_BYTES + 1))

    async def bench(ctx):
        seen = []
        for word in words_of(frame):
            ctx.set(dut.frames.payload, word)
            ctx.set(dut.frames.valid, 1)
            await ctx.tick()
            seen.append(ctx.get(dut.slices.valid))
        ctx.set(dut.frames.valid, 0)
        await ctx.tick()
        seen.append(ctx.get(dut.slices.valid))
        assert seen == [*[0] * 6, 1, *[0] * 6, 1, 1, 0]  # each word as it is taken, 1 cycle on

    simulate(dut, bench)
    assert FrameSlice.size == RECORD_BYTES
