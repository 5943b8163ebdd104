"""Latencies as bars of text, a bar for each power of two."""

from __future__ import annotations

from tickwright.recorder.snapshot import Latency

__all__ = ["histogram"]

WIDEST = 40  # characters of a bar
UNITS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us"), (1, "ns"))
BAR = "█"


def histogram(latency: Latency) -> list[tuple[str, str, str]]:
    """Return rows of range, bar and count, from the first to the last that is not empty."""
    used = [place for place, count in enumerate(latency.counts) if count]
    rows = [
        (_range(place), _bar(latency.counts[place], max(latency.counts)), f"{count:,}")
        for place in (range(used[0], used[-1] + 1) if used else ())
        for count in (latency.counts[place],)
    ]
    if latency.negative:
        rows.insert(0, ("below 0 ns", "", f"{latency.negative:,}"))
    return rows


def _range(place: int) -> str:
    """Return the times that a place counts: 0, or from 2^(n-1) to below 2^n nanoseconds."""
    if not place:
        return "0 ns"
    return f"{_time(1 << place - 1)} .. {_time(1 << place)}"


def _time(ns: int) -> str:
    for size, unit in UNITS:
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return "0 ns"


def _bar(count: int, most: int) -> str:
    """Return a bar; whatever is counted has one."""
    return BAR * -(-count * WIDEST // most) if count else ""
