"""A verb writes where it may, and says so before the work where it may not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import typer

from tickwright.cli.outputs import writable


def test_a_new_file_in_a_folder_is_taken(tmp_path: Path):
    assert writable("--out", tmp_path / "a.csv", [tmp_path / "b.pcap"]) == tmp_path / "a.csv"
    assert writable("--out", None, [tmp_path]) is None


def test_a_link_is_followed(tmp_path: Path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert writable("--out", tmp_path / "link.csv", []) == tmp_path / "real.csv"


def test_an_input_is_never_overwritten(tmp_path: Path):
    (tmp_path / "day.pcap").write_bytes(b"capture")
    (tmp_path / "link.csv").symlink_to(tmp_path / "day.pcap")
    for path in (tmp_path / "day.pcap", tmp_path / "link.csv"):
        with pytest.raises(typer.BadParameter, match="also reads or writes"):
            writable("--out", path, [tmp_path / "day.pcap"])


def test_a_device_or_a_folder_is_no_file(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(typer.BadParameter, match="which is no file"):
            writable("--out", path, [])


def test_a_folder_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(typer.BadParameter, match="a folder that exists"):
        writable("--out", tmp_path / "nowhere" / "a.csv", [])
