"""A folder has one owner; who asks for it disturbs neither the owner nor one who would be."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from tickwright.service.state_folder import LOCK, StateError, StateFolder, owner_of


def test_a_folder_has_one_owner_until_it_is_given_up(tmp_path: Path):
    assert owner_of(tmp_path) is None
    with StateFolder(tmp_path):
        assert owner_of(tmp_path) == os.getpid()
        with pytest.raises(StateError, match=f"found the service of process {os.getpid()}"):
            StateFolder(tmp_path)
        assert owner_of(tmp_path) == os.getpid()
    assert owner_of(tmp_path) is None
    StateFolder(tmp_path).close()


def test_who_looks_for_an_owner_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    StateFolder(tmp_path).close()
    asked = []
    real = fcntl.fcntl

    def watched(file, what, *more):
        found = real(file, what, *more)
        asked.append(what)
        StateFolder(tmp_path).close() if what == fcntl.F_OFD_GETLK else None  # while it looks
        return found

    monkeypatch.setattr(fcntl, "fcntl", watched)
    assert owner_of(tmp_path) is None
    assert asked[0] == fcntl.F_OFD_GETLK
    assert asked.count(fcntl.F_OFD_SETLK) == 1


def test_a_file_that_names_nobody_is_nobodys(tmp_path: Path):
    with StateFolder(tmp_path):
        (tmp_path / LOCK).write_text("")
        assert owner_of(tmp_path) is None
