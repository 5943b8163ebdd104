"""Whether records are of now: told by the card's count of quotes, for each leaves a record."""

from __future__ import annotations

import pytest

from tickwright.recorder.snapshot import Snapshot
from tickwright.service.telemetry_flow import PATIENCE_NS, TelemetryFlow

LATE_NS = PATIENCE_NS + 1


@pytest.fixture
def flow() -> TelemetryFlow:
    flow = TelemetryFlow()
    assert not flow.look(100, Snapshot(records=500), 0)
    return flow


def test_a_market_that_is_quiet_leaves_no_records(flow):
    assert not flow.look(100, Snapshot(records=500), 3600 * LATE_NS)
    assert flow.heard


def test_quotes_without_records_are_given_their_time(flow):
    begun_ns = 3600 * LATE_NS  # however long it was quiet before
    assert not flow.look(101, Snapshot(records=500), begun_ns)
    assert not flow.look(105, Snapshot(records=500), begun_ns + PATIENCE_NS)
    assert flow.look(105, Snapshot(records=500), begun_ns + LATE_NS)
    assert flow.look(105, Snapshot(records=500), begun_ns + 100 * LATE_NS)


def test_it_is_well_again_with_the_next_record(flow):
    flow.look(101, Snapshot(records=500), 0)
    assert flow.look(101, Snapshot(records=500), LATE_NS)
    assert not flow.look(200, Snapshot(records=501), 2 * LATE_NS)
    assert not flow.look(200, Snapshot(records=501), 9 * LATE_NS)


def test_records_that_come_are_never_behind(flow):
    for n in range(1, 100):
        assert not flow.look(100 + n, Snapshot(records=500 + n), n * LATE_NS)


def test_a_card_that_was_reset_owes_what_it_published_since(flow):
    assert not flow.look(0, Snapshot(records=500), 0)
    assert not flow.look(0, Snapshot(records=500), LATE_NS)
    assert not flow.look(1, Snapshot(records=500), 2 * LATE_NS)
    assert flow.look(1, Snapshot(records=500), 4 * LATE_NS)
    assert not flow.look(1, Snapshot(records=3), 5 * LATE_NS)  # of a recorder begun anew


def test_a_recorder_that_is_away_for_a_while_owes_what_it_did_before(flow):
    flow.look(101, Snapshot(records=500), 0)
    assert not flow.look(102, None, 10)
    assert flow.look(102, Snapshot(records=500), LATE_NS)


def test_without_any_recorder_nothing_is_behind():
    flow = TelemetryFlow()
    assert not flow.look(0, None, 0)
    assert not flow.look(1000, None, LATE_NS)
    assert not flow.heard
