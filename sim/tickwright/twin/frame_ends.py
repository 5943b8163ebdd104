"""The two ends of a stream of frames, for Amaranth's simulator; what they do in each cycle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat

from tickwright.twin.handshake import frame_bytes, frame_words

__all__ = ["Arriving", "collect", "cycles", "play"]


@dataclass(frozen=True)
class Arriving:
    """A frame, and when its words and its verdict come."""

    frame: bytes
    good: bool = True
    idle: int = 0  # cycles before its first word
    verdict_after: int = 0  # cycles from its last word
    pauses: Iterable[int] = repeat(0)  # idle cycles before each word but the first


def cycles(frames: Iterable[Arriving]) -> Iterator[tuple[int | None, bool | None]]:
    """Return, for each cycle, the word and the verdict that come in it."""
    words: dict[int, int] = {}
    verdicts: dict[int, bool] = {}
    at = 0
    for arriving in frames:
        at += arriving.idle
        pauses = iter(arriving.pauses)
        for index, word in enumerate(frame_words(arriving.frame)):
            at += next(pauses) if index else 0
            words[at] = word
            at += 1
        verdict_at = at - 1 + arriving.verdict_after
        if verdict_at in verdicts:
            raise ValueError("two verdicts in one cycle")
        verdicts[verdict_at] = arriving.good
    for cycle in range(max([*words, *verdicts], default=-1) + 1):
        yield words.get(cycle), verdicts.get(cycle)


async def play(ctx, frames, frame_end, arriving: Iterable[Arriving]) -> None:
    """Let frames arrive on two streams that are always ready."""
    for word, good in cycles(arriving):
        ctx.set(frames.valid, word is not None)
        ctx.set(frames.p.as_value(), word or 0)
        ctx.set(frame_end.valid, good is not None)
        ctx.set(frame_end.p.good, bool(good))
        await ctx.tick()
    ctx.set(frames.valid, 0)
    ctx.set(frame_end.valid, 0)


async def collect(ctx, frames, count: int, stalls: Iterable[int] = repeat(0)) -> list[bytes]:
    """Take whole frames, each word after so many stalled cycles.

    Raises AssertionError where `valid` drops within a frame or a stalled word changes.
    """
    words: list[int] = []
    taken, inside = 0, False
    stalls = iter(stalls)
    while taken < count:
        for _ in range(next(stalls)):
            ctx.set(frames.ready, 0)
            offered = (ctx.get(frames.valid), ctx.get(frames.p.as_value()))
            await ctx.tick()
            if offered[0]:
                assert offered == (ctx.get(frames.valid), ctx.get(frames.p.as_value()))
        ctx.set(frames.ready, 1)
        while not ctx.get(frames.valid):
            assert not inside, "a gap within a frame"
            await ctx.tick()
        words.append(ctx.get(frames.p.as_value()))
        last = ctx.get(frames.p.last)
        inside, taken = not last, taken + last
        await ctx.tick()
        ctx.set(frames.ready, 0)
    return frame_bytes(words)
