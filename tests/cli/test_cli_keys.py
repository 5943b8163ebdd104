"""Keys are made, listed and revoked from the command line, and no secret is printed."""

from __future__ import annotations

import json
from pathlib import Path

from tickwright.service.keys import read_secret


def test_a_new_key_is_listed_and_its_secret_is_not_printed(folder: Path, type_in):
    done = type_in("keys new ann --role quant --state state")
    assert done.status == 0
    secret = read_secret(folder / "state/keys/ann.toml").secret
    shown = type_in("keys list --state state")
    assert [line.split()[:2] for line in shown.out.splitlines()[1:]] == [
        ["ann", "quant"],
        ["bob", "risk"],
    ]
    for text in (done.out, done.err, shown.out, shown.err):
        assert secret not in text


def test_a_revoked_key_is_no_longer_listed(folder: Path, type_in):
    assert type_in("keys revoke bob --state state").status == 0
    assert json.loads(type_in("keys list --state state --json").out) == {"keys": [], "faults": []}
    done = type_in("keys revoke bob --state state")
    assert (done.status, done.err.count("\n")) == (2, 1)


def test_a_name_twice_is_2(folder: Path, type_in):
    done = type_in("keys new bob --role viewer --state state")
    assert done.status == 2
    assert "key bob is known already, expected a new name" in done.err


def test_a_role_that_is_none_is_2(folder: Path, type_in):
    done = type_in("keys new ann --role root --state state")
    assert done.status == 2
    assert not (folder / "state/keys/ann.toml").exists()


def test_a_file_that_cannot_be_trusted_is_told(folder: Path, type_in):
    (folder / "state/authorized/eve.toml").write_text("no key")
    done = type_in("keys list --state state")
    assert done.status == 0
    assert done.err.startswith("state/authorized/eve.toml: found no key that can be read")
    assert "eve" not in done.out
