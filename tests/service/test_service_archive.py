"""The archive gives a set as it was kept, or says that it cannot."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from tickwright.host.desk import card_setup
from tickwright.host.settings import Desk, Limits
from tickwright.service.archive import Archive, ArchiveError, SetKind, StoredSet


def a_set(epoch: int, kind: SetKind = SetKind.LIMITS, text: str = "max_shares = 1\n") -> StoredSet:
    setup = card_setup(Desk(), Limits(), epoch=epoch)
    return StoredSet(kind=kind, epoch=epoch, checksum=7, name="l.toml", by="rita", time_ns=5,
                     text=text, setup=setup)  # fmt: skip


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "some" / "sets")


def test_what_is_kept_is_given(archive: Archive):
    kept = a_set(3, text="# Ünï\n")
    archive.keep(kept)
    assert archive.get(SetKind.LIMITS, 3) == kept
    assert archive.get(SetKind.LIMITS, 3).limits.epoch == 3
    assert Archive(archive.folder).get(SetKind.LIMITS, 3) == kept


def test_nobody_else_may_read_it(archive: Archive):
    archive.keep(a_set(1))
    assert archive.folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in archive.folder.iterdir())


def test_epochs_are_those_of_the_kind_in_order(archive: Archive):
    for epoch in (10, 9, 65535, 1):
        archive.keep(a_set(epoch))
    archive.keep(a_set(2, SetKind.PARAMETERS))
    (archive.folder / "limits-00077.draft").write_text("cut off")
    (archive.folder / "notes.json").write_text("{}")
    assert archive.epochs(SetKind.LIMITS) == [1, 9, 10, 65535]
    assert archive.epochs(SetKind.PARAMETERS) == [2]


def test_a_set_is_never_changed(archive: Archive):
    archive.keep(a_set(3))
    with pytest.raises(ArchiveError, match="exists already, expected an epoch that is not taken"):
        archive.keep(a_set(3, text="other"))
    assert archive.get(SetKind.LIMITS, 3) == a_set(3)
    assert len(list(archive.folder.iterdir())) == 1


def test_a_draft_that_was_cut_off_is_written_over(archive: Archive):
    (archive.folder / "limits-00003.draft").write_text("cut off, and longer than it will be" * 99)
    archive.keep(a_set(3))
    assert archive.get(SetKind.LIMITS, 3) == a_set(3)


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"{}",
        b"\xff",
        msgspec.json.encode(a_set(4)),
        msgspec.json.encode(a_set(3, SetKind.PARAMETERS)),
        msgspec.json.encode(a_set(3))[:-1],
    ],
    ids=["empty", "nothing", "not-text", "another", "other-kind", "cut"],
)
def test_a_set_that_is_not_as_it_was_kept_is_told(archive: Archive, spoilt: bytes):
    path = archive.folder / "limits-00003.json"
    path.write_bytes(spoilt)
    with pytest.raises(ArchiveError) as caught:
        archive.get(SetKind.LIMITS, 3)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_set_that_is_not_there_is_told(archive: Archive):
    with pytest.raises(ArchiveError, match="no such file"):
        archive.get(SetKind.LIMITS, 3)


def test_a_disk_that_takes_nothing_keeps_nothing(archive: Archive, monkeypatch):
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArchiveError, match=r"limits-00003\.json: no space left on device"):
        archive.keep(a_set(3))
    assert archive.epochs(SetKind.LIMITS) == []


def test_a_place_that_is_no_folder_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="file"):
        Archive(tmp_path / "file")
