"""A key is found by name, by file, or as the only one; a service by its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tickwright.client.finding import key_of, local_endpoint, service_of
from tickwright.service.errors import ServiceError
from tickwright.service.keys import new_key, service_key
from tickwright.service.protocol import StatusCode
from tickwright.service.roles import Role
from tickwright.service.state_folder import StateFolder
from tickwright.service.whereabouts import Whereabouts, tell

HERE = Whereabouts(process=1, card="twin:x", public="p", endpoints=["ipc://a", "tcp://b"])


def test_the_only_key_needs_no_name(tmp_path: Path):
    service_key(tmp_path)
    with pytest.raises(ServiceError, match=r"found keys none in .*, expected one to be named"):
        key_of(tmp_path, "")
    file = new_key(tmp_path, "ann", Role.QUANT)
    assert key_of(tmp_path, "") == key_of(tmp_path, "ann") == key_of(tmp_path, str(file))
    new_key(tmp_path, "bob", Role.RISK)
    with pytest.raises(ServiceError, match="found keys ann, bob in") as error:
        key_of(tmp_path, "")
    assert error.value.status == StatusCode.WRONG
    assert key_of(tmp_path, "bob").role == Role.RISK
    file.chmod(0o640)
    with pytest.raises(ServiceError, match="expected 600"):
        key_of(tmp_path, "ann")


def test_a_service_is_found_while_it_runs(tmp_path: Path):
    with pytest.raises(ServiceError, match="found no service") as error:
        service_of(tmp_path)
    assert error.value.status == StatusCode.UNREACHABLE
    with StateFolder(tmp_path) as folder:
        tell(folder.whereabouts, HERE)
        assert local_endpoint(tmp_path, service_of(tmp_path)) == "ipc://a"
    assert service_of(tmp_path) == HERE
    with pytest.raises(ServiceError, match="found the service of process 1 gone") as error:
        local_endpoint(tmp_path, HERE)
    assert error.value.status == StatusCode.UNREACHABLE
