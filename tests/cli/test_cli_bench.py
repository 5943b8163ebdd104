"""What `bench` prints, and what scripts read of it."""

from __future__ import annotations

import json

import pytest

MACHINE = {"cpu", "cores", "system"}


def measured(done) -> dict:
    assert done.status == 0, done.err
    found = json.loads(done.out)
    assert set(found["machine"]) == MACHINE
    assert {"python", "numpy", "numba"} <= set(found["versions"])
    return found


def test_the_model(type_in):
    found = measured(type_in("bench model --messages 20000 --symbols 3 --json"))
    assert found["messages_per_second"] > 0
    assert found["symbols"] == 3
    assert found["resident_bytes"] > 1 << 20


def test_the_twin(type_in):
    found = measured(type_in("bench twin --messages 10000 --json"))
    assert found["cycles_per_second"] > 0
    assert found["messages"] == 10_000
    assert found["preset"] == "twin"
    assert found["cycles_per_second"] / found["messages_per_second"] == pytest.approx(
        found["cycles"] / found["messages"]
    )


def test_latency(type_in):
    found = measured(type_in("bench latency --rounds 8 --json"))
    for kind in ("add", "delete", "replace"):
        assert set(found["cycles"][kind]) >= {"min", "mean", "p99", "p999", "max"}
        assert found["cycles"][kind]["min"] == found["cycles"][kind]["max"]
    assert found["cycles"]["add"]["max"] <= 24
    assert set(found["stages"]["add"]) == {"quotes", "intents", "orders", "frames"}
    assert found["stage_cycles"]["pipeline"]["add"] == found["cycles"]["add"]["max"]
    assert sum(found["waits"].values()) > 0


def test_latency_of_a_card_that_does_not_exist(type_in):
    done = type_in("bench latency --preset large")
    assert done.status == 2
    assert "--preset: found 'large', expected twin, versa, alveo" in done.err


def test_the_host(type_in):
    found = measured(type_in("bench host --rate 5000 --seconds 0.5 --json"))
    assert found["lost"] == 0
    assert found["records"] == found["received"] == found["on_disk"] == 2500
    assert found["records_per_second"] > 0
    assert 0 < found["round_trip_ms"]["p50"] <= found["round_trip_ms"]["p99"]


def test_people_read_the_machine_too(type_in):
    lines = type_in("bench model --messages 20000").out.splitlines()
    assert lines[0].startswith("messages a second")
    assert [line.split()[0] for line in lines[-2:]] == ["machine", "versions"]


def test_the_host_with_a_service(type_in):
    found = measured(type_in("bench host --service --rate 5000 --seconds 0.5 --json"))
    assert (found["lost"], found["records"], found["received"]) == (0, 2500, 2500)
    for kind in ("round_trip_ms", "journalled_round_trip_ms"):
        assert 0 < found[kind]["p50"] <= found[kind]["p99"] <= found[kind]["max"]
    assert found["round_trip_of"] == "service: card.info, flatten"
