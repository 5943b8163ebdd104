"""Latencies become bars: a bar for each power of two, none left out between the ends."""

from __future__ import annotations

from tickwright.recorder.snapshot import Latency
from tickwright.watch.histogram import WIDEST, histogram


def test_a_bar_for_each_power_of_two():
    counts = [0] * 40
    counts[11], counts[13] = 1, 400  # 1.02 us to 2.05 us, and 4.1 us to 8.19 us
    rows = histogram(Latency(counts))
    assert [row[0] for row in rows] == [
        "1.02 us .. 2.05 us",
        "2.05 us .. 4.1 us",
        "4.1 us .. 8.19 us",
    ]
    assert [len(row[1]) for row in rows] == [1, 0, WIDEST]
    assert [row[2] for row in rows] == ["1", "0", "400"]


def test_the_ends():
    assert histogram(Latency()) == []
    assert histogram(Latency([5]))[0] == ("0 ns", "█" * WIDEST, "5")
    assert histogram(Latency([0, 1]))[0][0] == "1 ns .. 2 ns"
    assert histogram(Latency([0] * 30 + [2]))[0][0] == "537 ms .. 1.07 s"
    assert histogram(Latency([], negative=3)) == [("below 0 ns", "", "3")]
