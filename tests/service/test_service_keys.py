"""A key is known with its role until it is revoked; its secret is nobody else's."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
import zmq
from zmq.utils import z85

from tickwright.service.keys import (
    AUTHORIZED,
    Key,
    KeysError,
    Registry,
    new_key,
    read_secret,
    revoke,
)
from tickwright.service.roles import Role


@pytest.fixture
def ann(tmp_path: Path) -> Path:
    return new_key(tmp_path, "ann", Role.QUANT)


def public_file(state: Path, name: str = "ann") -> Path:
    return state / AUTHORIZED / f"{name}.toml"


def test_a_new_key_is_known_with_its_role(tmp_path: Path, ann: Path):
    key = read_secret(ann)
    found = Registry(tmp_path).find(key.public)
    assert found == Key("ann", Role.QUANT, key.public)
    assert zmq.curve_public(key.secret.encode()).decode() == key.public


@pytest.mark.parametrize("role", list(Role))
def test_each_role_is_kept(tmp_path: Path, role: Role):
    new_key(tmp_path, "bob", role)
    assert [key.role for key in Registry(tmp_path).known()] == [role]


def test_the_secret_is_its_owners(ann: Path, tmp_path: Path):
    assert stat.S_IMODE(ann.stat().st_mode) == 0o600
    assert stat.S_IMODE(ann.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(ann.parent.parent.stat().st_mode) == 0o700
    assert read_secret(ann).secret not in public_file(tmp_path).read_text()


def test_the_secret_is_not_shown(ann: Path):
    key = read_secret(ann)
    assert key.secret not in repr(key)
    assert key.secret not in str(key)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_secret_that_others_may_read_is_refused(ann: Path, mode: int):
    ann.chmod(mode)
    with pytest.raises(KeysError, match=f"found permissions {mode:o}, expected 600"):
        read_secret(ann)


@pytest.mark.parametrize("name", ["", ".", "../x", "a/b", "-x", "a b", "ä", "x" * 33, "a\n", "a."])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str):
    with pytest.raises(KeysError, match="expected 1 to 32 letters"):
        new_key(tmp_path, name, Role.VIEWER)
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_given_once(tmp_path: Path, ann: Path):
    with pytest.raises(KeysError, match="is known already"):
        new_key(tmp_path, "ann", Role.RISK)
    revoke(tmp_path, "ann")
    with pytest.raises(KeysError, match="is revoked already"):
        new_key(tmp_path, "ann", Role.RISK)


def test_a_revoked_key_is_unknown_at_once(tmp_path: Path, ann: Path):
    registry, public = Registry(tmp_path), read_secret(ann).public
    assert registry.find(public) is not None
    revoke(tmp_path, "ann")
    assert registry.find(public) is None
    with pytest.raises(KeysError, match="found no key 'ann'"):
        revoke(tmp_path, "ann")


def test_a_key_made_later_is_known_at_once(tmp_path: Path):
    registry = Registry(tmp_path)
    assert registry.known() == []
    bob = read_secret(new_key(tmp_path, "bob", Role.RISK))
    assert [key.name for key in registry.known()] == ["bob"]
    assert registry.find(bob.public) is not None


def test_a_changed_role_acts_at_once(tmp_path: Path, ann: Path):
    registry, public = Registry(tmp_path), read_secret(ann).public
    assert registry.find(public)
    text = public_file(tmp_path).read_text()
    public_file(tmp_path).write_text(text.replace('"quant"', '"viewer"'))
    found = registry.find(public)
    assert found is not None
    assert found.role is Role.VIEWER


class TestFaults:
    """What cannot be trusted is unknown, told, and harms no other key."""

    @pytest.mark.parametrize(
        ("old", "new"),
        [('"quant"', '"root"'), ("public", "publik"), ('name = "ann"', 'name = "bob"'),
         ('public = "', 'public = "x'), ("name", "= name"), ('"ann"', '"\xe4"')],
    )  # fmt: skip
    def test_a_file_that_was_meddled_with(self, tmp_path: Path, ann: Path, old: str, new: str):
        bob = read_secret(new_key(tmp_path, "bob", Role.RISK))
        path = public_file(tmp_path)
        path.write_text(path.read_text().replace(old, new, 1), encoding="utf-8")
        registry = Registry(tmp_path)
        assert registry.find(read_secret(ann).public) is None
        assert registry.find(bob.public) is not None
        assert [fault.split(":")[0] for fault in registry.faults] == [str(path)]

    def test_one_key_under_two_names_is_nobodys(self, tmp_path: Path, ann: Path):
        text = public_file(tmp_path).read_text()
        text = text.replace('name = "ann"', 'name = "eve"').replace('"quant"', '"operator"')
        public_file(tmp_path, "eve").write_text(text)
        registry = Registry(tmp_path)
        assert registry.find(read_secret(ann).public) is None
        assert registry.faults == [
            f"{tmp_path / AUTHORIZED}: ann and eve have one public key, expected their own"
        ]

    def test_a_secret_is_not_repeated_in_an_error(self, ann: Path):
        secret = read_secret(ann).secret
        ann.write_text(ann.read_text().replace(secret, secret[:-1]))
        with pytest.raises(KeysError) as caught:
            read_secret(ann)
        assert secret[:10] not in str(caught.value)

    def test_a_file_that_is_not_there(self, tmp_path: Path):
        with pytest.raises(KeysError, match="no such file or directory"):
            read_secret(tmp_path / "none.toml")


def test_curve_takes_a_known_key_and_refuses_another(tmp_path: Path, ann: Path):
    """A handshake of ZeroMQ's own, with the registry as the word on who is known."""
    registry, key = Registry(tmp_path), read_secret(ann)
    server_public, server_secret = zmq.curve_keypair()
    with zmq.Context() as context, context.socket(zmq.REP) as door:
        door.bind("inproc://zeromq.zap.01")
        with context.socket(zmq.ROUTER) as router:
            router.setsockopt(zmq.LINGER, 0)
            router.curve_server = True
            router.curve_secretkey, router.curve_publickey = server_secret, server_public
            router.bind(f"ipc://{tmp_path}/door")
            stranger = tuple(part.decode() for part in zmq.curve_keypair())
            for public, secret, known in ((key.public, key.secret, True), (*stranger, False)):
                with context.socket(zmq.DEALER) as dealer:
                    dealer.setsockopt(zmq.LINGER, 0)
                    dealer.curve_serverkey = server_public
                    dealer.curve_publickey, dealer.curve_secretkey = (
                        public.encode(), secret.encode()
                    )  # fmt: skip
                    dealer.connect(f"ipc://{tmp_path}/door")
                    dealer.send(b"hello")
                    assert door.poll(10_000)
                    asked = door.recv_multipart()
                    found = registry.find(z85.encode(asked[6]).decode())
                    assert (found is not None) == known
                    code = b"200" if found else b"400"
                    door.send_multipart([asked[0], asked[1], code, b"", b"", b""])
                    assert bool(router.poll(10_000 if known else 300)) == known
                    if known:
                        assert router.recv_multipart()[-1] == b"hello"


def test_a_key_for_which_there_is_no_room_leaves_nothing(tmp_path: Path, monkeypatch):
    def fsync(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KeysError, match=r"keys/eve\.toml: no space left on device$"):
        new_key(tmp_path, "eve", Role.VIEWER)
    assert not (tmp_path / "keys" / "eve.toml").exists()
