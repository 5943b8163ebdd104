"""A serial line as the far end of a component has it, in cycles of the component."""

from __future__ import annotations

from typing import Any

__all__ = ["hear", "say", "say_bits"]

FRAME_BITS = 10


async def say_bits(ctx: Any, line: Any, bits: list[int], cycles_per_bit: float) -> None:
    """Put the bits on the line in turn; the rate need not be a whole number of cycles."""
    due = at = 0.0
    for bit in bits:
        ctx.set(line, bit)
        due += cycles_per_bit
        while at < due - 0.5:
            await ctx.tick()
            at += 1


async def say(ctx: Any, line: Any, data: bytes, cycles_per_bit: float) -> None:
    """Send the bytes without a pause, 8N1."""
    bits = [bit for byte in data for bit in (0, *(byte >> at & 1 for at in range(8)), 1)]
    await say_bits(ctx, line, bits, cycles_per_bit)


async def hear(ctx: Any, line: Any, count: int, cycles_per_bit: int) -> bytes:
    """Take so many bytes; each has its start and its stop bit."""
    heard = []
    for _ in range(count):
        while ctx.get(line):
            await ctx.tick()
        await ctx.tick().repeat(cycles_per_bit // 2)
        bits = []
        for _ in range(FRAME_BITS - 1):
            bits.append(ctx.get(line))
            await ctx.tick().repeat(cycles_per_bit)
        bits.append(ctx.get(line))
        assert (bits[0], bits[-1]) == (0, 1)
        heard.append(sum(bit << at for at, bit in enumerate(bits[1:-1])))
    return bytes(heard)
