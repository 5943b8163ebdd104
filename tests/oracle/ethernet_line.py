"""Gigabit Ethernet as its line has it: a byte a cycle, or none; by IEEE 802.3 and zlib alone."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["IDLE", "Symbol", "Told", "carrier", "idle", "judged", "on_line", "with_fcs"]


@dataclass(frozen=True)
class Symbol:
    """What a GMII has in a cycle."""

    data: int = 0
    valid: int = 0
    error: int = 0


IDLE = Symbol()


def idle(count: int) -> list[Symbol]:
    return [IDLE] * count


def with_fcs(frame: bytes, pad: int = 0) -> bytes:
    """Return the frame, padded to so many bytes, and its check behind it."""
    frame = frame.ljust(pad, b"\0")
    return frame + zlib.crc32(frame).to_bytes(4, "little")


def carrier(
    frame: bytes, *, start: bytes = b"\x55" * 7 + b"\xd5", errors: Iterable[int] = ()
) -> list[Symbol]:
    """Return a frame as it goes over the line, the error signalled with the bytes of ``errors``."""
    wrong = set(errors)
    return [Symbol(byte, 1, at in wrong) for at, byte in enumerate(start + frame)]


@dataclass(frozen=True)
class Told:
    """What a MAC tells of a carrier event: a frame and its reason, or why there is none."""

    frame: bytes = b""
    reason: str = "GOOD"


def judged(event: list[Symbol], max_bytes: int) -> Told:
    """Return what has to be told of a carrier event."""
    data = bytes(symbol.data for symbol in event)
    body = data.lstrip(b"\x55")
    if not body.startswith(b"\xd5"):
        return Told(reason="no_start")
    frame = body[1:]
    if len(frame) < 5:
        return Told(reason="no_words")
    cut = frame[:max_bytes]
    heard = event[: len(data) - len(frame) + len(cut)]
    if any(symbol.error for symbol in heard):
        reason = "ERROR"
    elif len(frame) > max_bytes:
        reason = "OVERSIZE"
    elif len(frame) < 64:
        reason = "RUNT"
    else:
        reason = "GOOD" if with_fcs(frame[:-4]) == frame else "FCS"
    return Told(cut[:-4], reason)


def on_line(line: Iterable[Symbol]) -> Iterator[tuple[int, list[Symbol]]]:
    """Cut what a line had into carrier events, each with the idle cycles before it."""
    pause, event = 0, []
    for symbol in [*line, IDLE]:
        if symbol.valid:
            event.append(symbol)
        elif event:
            yield pause, event
            pause, event = 1, []
        else:
            pause += 1
