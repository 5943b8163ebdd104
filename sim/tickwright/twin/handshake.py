"""The two ends of a stream of a compiled component, for cocotb."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat

from cocotb.triggers import ReadOnly, RisingEdge

from tickwright.core.streams import WORD_BYTES, Word

__all__ = ["Sink", "Source", "frame_bytes", "frame_words"]


class _End:
    """What a producer and a consumer have in common.

    A stream that is always ready has no port for it.
    """

    def __init__(self, dut, name: str) -> None:
        self.clk = dut.clk
        self.payload = getattr(dut, f"{name}__payload")
        self.valid = getattr(dut, f"{name}__valid")
        self.ready = getattr(dut, f"{name}__ready", None)

    async def _cycle(self) -> int | None:
        """Let a cycle pass; return the payload transferred at its end, if one was."""
        await ReadOnly()
        offered = int(self.payload.value) if self.valid.value else None
        accepted = self.ready is None or bool(self.ready.value)
        await RisingEdge(self.clk)
        self._check(offered, accepted)
        return offered if accepted else None

    def _check(self, offered: int | None, accepted: bool) -> None:
        """See what happened in a cycle; raise AssertionError if it breaks the rules of a stream."""

    async def _transfer(self) -> int:
        """Wait for the clock edge at which a payload is transferred."""
        while (payload := await self._cycle()) is None:
            pass
        return payload


class Source(_End):
    """Produces the payloads of an input stream of the component."""

    def __init__(self, dut, name: str) -> None:
        super().__init__(dut, name)
        self.valid.value = 0

    async def send(self, payloads: Iterable[int], gaps: Iterable[int] = repeat(0)) -> None:
        """Offer the payloads in turn, each after so many idle cycles."""
        for payload, idle in zip(payloads, gaps, strict=False):
            for _ in range(idle):
                await RisingEdge(self.clk)
            self.payload.value = payload
            self.valid.value = 1
            await self._transfer()
            self.valid.value = 0


class Sink(_End):
    """Consumes the payloads of an output stream of the component.

    What is offered but not accepted may neither change nor go away.
    """

    def __init__(self, dut, name: str) -> None:
        super().__init__(dut, name)
        self._waiting: int | None = None
        self._accept(False)

    async def take(self, count: int, stalls: Iterable[int] = repeat(0)) -> list[int]:
        """Accept ``count`` payloads, each after so many stalled cycles, and return them."""
        taken = []
        for _, stall in zip(range(count), stalls, strict=False):
            for _ in range(stall if self.ready is not None else 0):
                await self._cycle()
            self._accept(True)
            taken.append(await self._transfer())
            self._accept(False)
        return taken

    def _accept(self, ready: bool) -> None:
        if self.ready is not None:
            self.ready.value = ready

    def _check(self, offered: int | None, accepted: bool) -> None:
        if self._waiting is not None and offered != self._waiting:
            raise AssertionError(f"offered {self._waiting:#x}, then {offered} before it was taken")
        self._waiting = None if accepted else offered


def frame_words(frame: bytes) -> Iterator[int]:
    """Cut a frame into the words that a stream of `Word` carries."""
    for at in range(0, len(frame), WORD_BYTES):
        part = frame[at : at + WORD_BYTES]
        fields = {
            "data": int.from_bytes(part, "little"),
            "bytes": len(part),
            "first": at == 0,
            "last": at + WORD_BYTES >= len(frame),
        }
        yield Word.const(fields).as_bits()


def frame_bytes(words: Iterable[int]) -> list[bytes]:
    """Join words to the frames they carry; raise ValueError where they do not make whole frames."""
    frames, frame = [], b""
    for bits in words:
        word = Word.from_bits(bits)
        if bool(word.first) == bool(frame):
            raise ValueError("found a first word within a frame, or a frame without one")
        if not 1 <= word.bytes <= WORD_BYTES or (word.bytes < WORD_BYTES and not word.last):
            raise ValueError(f"found a word of {word.bytes} bytes, expected {WORD_BYTES}")
        frame += word.data.to_bytes(WORD_BYTES, "little")[: word.bytes]
        if word.last:
            frames.append(frame)
            frame = b""
    if frame:
        raise ValueError(f"found {len(frame)} bytes of a frame without an end")
    return frames
