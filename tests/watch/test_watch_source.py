"""A look asks for everything; one that fails leaves what was seen, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_card.bench import Bench

from tickwright.recorder.publication import Publisher, Subscriber
from tickwright.recorder.snapshot import Snapshot
from tickwright.service.errors import ServiceError
from tickwright.service.protocol import OrderRow, Orders, Status
from tickwright.watch.source import Source

ORDER = OrderRow(7, 1, "AAA", "B", 100, 600_000, 0, "sent", 0)


class Service:
    """A service that answers while it is told to."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self.fault = ""

    def status(self) -> Status:
        if self.fault:
            raise ServiceError.unreachable(self.fault)
        return self._status

    def orders(self) -> Orders:
        return Orders([ORDER])


@pytest.fixture
def service(tmp_path: Path) -> Service:
    bench = Bench(tmp_path / "desk")
    with bench.started():
        return Service(bench.ask("status"))


def test_a_look_and_one_that_fails(service: Service, tmp_path: Path):
    now = [100.0]
    endpoint = f"ipc://{tmp_path / 'telemetry'}"
    with (
        Publisher(endpoint, 10) as publisher,
        Source(service, Subscriber(endpoint, records=False), lambda: now[0]) as source,
    ):
        view = source.view
        for _ in range(100):  # until the subscription is there
            publisher.summary(Snapshot(records=5))
            if (view := source.look(100)).seen.snapshot is not None:
                break
        assert view.seen.snapshot == Snapshot(records=5)
        assert view.seen.orders == [ORDER]
        assert view.warnings == []
        service.fault = "nobody answers"
        now[0] = 104.0
        view = source.look()
        assert view.seen.status is not None
        assert view.seen.status_s == 100.0
        assert view.warnings[:2] == [
            "nobody answers",
            "OLD: status, orders and books are of 4 s ago",
        ]
        service.fault = ""
        assert source.look().seen.fault == ""


def test_without_telemetry_orders_are_not_asked_for(service: Service):
    with Source(service, None) as source:
        view = source.look(1000)
    assert view.seen.orders == []
    assert not view.seen.telemetry
