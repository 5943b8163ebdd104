"""A caller tells soon that nobody takes its request, and leaves none behind for later."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
import zmq
from service_party.serving import serving

from tickwright.service.caller import Caller
from tickwright.service.errors import ServiceError
from tickwright.service.keys import Key, new_key, read_secret, service_key
from tickwright.service.protocol import StatusCode
from tickwright.service.roles import Role

SHORT_S = 0.2


def free_endpoint() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def ann(tmp_path: Path) -> Key:
    return read_secret(new_key(tmp_path / "state", "ann", Role.OPERATOR))


def test_what_is_no_address_is_wrong(ann: Key):
    with pytest.raises(ServiceError) as caught:
        Caller("nonsense", ann.public, ann)
    assert caught.value.status is StatusCode.WRONG
    assert str(caught.value) == "service: found 'nonsense', expected tcp://HOST:PORT"


def test_what_nobody_took_is_not_carried_out_later(tmp_path: Path, ann: Key):
    """A service that comes back does not arm because a desk asked before."""
    endpoint, state = free_endpoint(), tmp_path / "state"
    public = service_key(state).public
    with Caller(endpoint, public, ann, timeout_s=SHORT_S) as caller:
        with pytest.raises(ServiceError, match=f"found nobody within {SHORT_S} s who") as caught:
            caller.ask("arm")
        assert caught.value.status is StatusCode.UNREACHABLE
        with serving(state, endpoint) as served:
            assert served.ask(ann, "status").status == StatusCode.DONE
            served.until(lambda: bool(caller._socket.poll(0, zmq.POLLOUT)))
            time.sleep(SHORT_S)
            assert [verb for _, verb, _ in served.carried.asked] == ["status"]
