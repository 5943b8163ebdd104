"""Whoever may listen gets every batch whole, or sees which records it did not get."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import zmq

from tickwright.recorder.publication import Batch, PublicationError, Publisher, Subscriber
from tickwright.recorder.snapshot import NewestQuote, Snapshot
from tickwright.service.keys import Registry, new_key, read_secret, revoke
from tickwright.service.roles import Role
from tickwright.telemetry.messages import RECORD_BYTES

NEAR = "tcp://127.0.0.1:0"
DEADLINE_S = 20
MOMENT_MS = 50


def records(count: int, value: int) -> np.ndarray:
    return np.full((count, RECORD_BYTES), value, np.uint8)


def heard(publisher: Publisher, subscriber: Subscriber) -> Batch:
    """Publish batches until the first arrives: a subscription takes a moment."""
    deadline = time.monotonic() + DEADLINE_S
    for place in range(1 << 20):
        publisher.records(records(1, 1), 1, place, 0)
        found = subscriber.receive(MOMENT_MS)
        if isinstance(found, Batch):
            while isinstance(later := subscriber.receive(MOMENT_MS), Batch):
                found = later
            return found
        assert time.monotonic() < deadline
    raise AssertionError("unreachable")


def test_batches_and_summaries_arrive_whole():
    with Publisher(NEAR, 100) as publisher, Subscriber(publisher.endpoint) as subscriber:
        place = heard(publisher, subscriber).head.place + 1
        publisher.records(records(3, 7), 4, place, 2)
        snapshot = Snapshot(records=5, quotes=[NewestQuote(1, 2, 3, 4, 5, "T", ["gap"], 6, 7)])
        publisher.summary(snapshot)
        found = subscriber.receive(DEADLINE_S * 1000)
        assert isinstance(found, Batch)
        assert np.array_equal(found.records, records(3, 7))
        assert (found.head.generation, found.head.lost, found.shed) == (4, 2, 0)
        assert subscriber.receive(DEADLINE_S * 1000) == snapshot
        assert subscriber.receive(0) is None


def test_a_slow_subscriber_is_shed_and_sees_how_much():
    with (
        Publisher(NEAR, 3) as publisher,
        Subscriber(publisher.endpoint, high_water=3) as subscriber,
    ):
        place = first = heard(publisher, subscriber).head.place + 1
        for _ in range(500):
            publisher.records(records(1000, 1), 1, place, 0)
            place += 1000
        received = 0
        while isinstance(found := subscriber.receive(10 * MOMENT_MS), Batch):
            received += len(found.records)
        assert received < place - first
        found = heard_at(publisher, subscriber, place)
        assert found.head.place == place
        assert subscriber.shed == place - first - received > 0


def heard_at(publisher: Publisher, subscriber: Subscriber, place: int) -> Batch:
    publisher.records(records(1, 1), 1, place, 0)
    found = subscriber.receive(DEADLINE_S * 1000)
    assert isinstance(found, Batch)
    return found


@pytest.fixture
def state(tmp_path: Path) -> Path:
    for name in ("service", "desk", "other"):
        new_key(tmp_path, name, Role.VIEWER)
    return tmp_path


def test_only_known_keys_hear_anything(state: Path):
    service, desk, other = (
        read_secret(state / "keys" / f"{name}.toml") for name in ("service", "desk", "other")
    )
    revoke(state, "other")
    with Publisher(NEAR, 100, service, Registry(state)) as publisher:
        endpoint, server = publisher.endpoint, service.public
        with (
            Subscriber(endpoint, key=desk, server=server) as known,
            Subscriber(endpoint, key=other, server=server) as revoked,
            Subscriber(endpoint) as keyless,
            Subscriber(endpoint, key=desk, server=other.public) as mistaken,
        ):
            heard(publisher, known)
            for stranger in (revoked, keyless, mistaken):
                assert stranger.receive(MOMENT_MS) is None


@pytest.mark.parametrize("endpoint", ["tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://127.0.0.1.x:5"])
def test_nothing_listens_beyond_this_machine_without_a_key(endpoint: str):
    with pytest.raises(PublicationError, match="found no key, expected one, or a local socket"):
        Publisher(endpoint, 1)


def test_an_endpoint_that_is_taken_is_told():
    with (
        Publisher(NEAR, 1) as publisher,
        pytest.raises(PublicationError, match="address already in use"),
    ):
        Publisher(publisher.endpoint, 1)


def test_half_a_security_is_refused(state: Path):
    with pytest.raises(PublicationError, match="found half of key and registry"):
        Publisher(NEAR, 1, None, Registry(state))


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([b"records", b"short", b""], "BatchHead"),
        ([b"records", bytes(30), b""], r"BatchHead\.version"),
        ([b"records", b"\0\1" + bytes(28), b"x"], "found 1 bytes, expected 0 records"),
        ([b"records"], "found 1 frames"),
        ([b"summary", b"{"], "summary"),
    ],
)
def test_what_is_no_publication_is_refused(frames: list[bytes], why: str):
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        with Subscriber(f"tcp://127.0.0.1:{port}") as subscriber:
            for _ in range(2):
                assert socket.poll(DEADLINE_S * 1000)
                socket.recv()
            socket.send_multipart(frames)
            with pytest.raises(PublicationError, match=why):
                subscriber.receive(DEADLINE_S * 1000)
