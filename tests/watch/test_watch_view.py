"""The screen's contents: the newest of everything, and what of it is not of now."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_card.bench import Bench

from tickwright.recorder.snapshot import Latency, Snapshot
from tickwright.service.protocol import OrderRow, Status
from tickwright.watch.view import NEWEST_ORDERS, Seen, View

ORDERS = [
    OrderRow(n, n, "AAA", "B", 100, 600_000, 100, "filled", 34_200_000_000_000) for n in range(20)
]


@pytest.fixture
def status(tmp_path: Path) -> Status:
    bench = Bench(tmp_path / "desk")
    with bench.started():
        bench.arm()
        return bench.ask("status")


def test_all_of_it_in_order(status: Status):
    latency = Latency([0, 0, 3, 1])
    seen = Seen(status, 10.0, ORDERS, Snapshot(latency=latency), 10.0)
    found = View(seen, 11.0).parts
    assert found.values[0][0] == "gate"
    assert [table.title.partition(":")[0] for table in found.tables] == [
        "symbols",
        "pairs",
        "orders",
        "latency",
    ]
    symbols, pairs, orders, latencies = found.tables
    assert [row[0] for row in symbols.cells] == ["AAA", "BBB", "CCC"]
    assert [row[0] for row in pairs.cells] == ["one", "two"]
    assert [row[0] for row in orders.cells] == [str(n) for n in range(20)][-NEWEST_ORDERS:]
    assert [row[0] for row in latencies.cells] == ["2 ns .. 4 ns", "4 ns .. 8 ns"]


@pytest.mark.parametrize(
    ("now_s", "lines"),
    [
        (13.0, []),
        (13.1, ["OLD: status, orders and books are of 3 s ago"]),
        (
            20.5,
            [
                "OLD: status, orders and books are of 10 s ago",
                "OLD: latencies are of 8 s ago",
            ],
        ),
    ],
)
def test_what_is_old_says_so(status: Status, now_s: float, lines: list[str]):
    view = View(Seen(status, 10.0, [], Snapshot(), 12.0), now_s)
    assert view.warnings == lines
    assert [text for name, text in view.parts.values if name == "warning"] == lines


def test_what_is_missing_says_so(status: Status):
    assert View(Seen(status, 1.0), 1.0).warnings == ["no telemetry yet: latencies are not known"]
    assert View(Seen(status, 1.0, telemetry=False), 1.0).warnings == [
        "no telemetry: this card has no ring that a host can follow"
    ]
    gone = View(Seen(status, 1.0, [], Snapshot(), 1.0, fault="nobody answers"), 1.0)
    assert gone.warnings == ["nobody answers"]
    assert View(Seen(fault="nobody answers"), 1.0).parts.values == [("service", "nobody answers")]
    assert View(Seen(), 1.0).parts.values == [("service", "not heard of yet")]
