"""Yosys is compiled once for a user, and is whole or absent in the cache."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tickwright.setup import yosys


class Runtime:
    """Stands for the runtime that compiles Yosys, which takes most of a minute."""

    def __init__(self) -> None:
        self.runs = 0
        self.dies = False

    def __call__(self, command: list[str], *, env: Mapping[str, str], check: bool) -> None:
        self.runs += 1
        compiled = yosys.compiled_file()
        assert compiled is not None
        file = Path(env[yosys.CACHE_VARIABLE], yosys.PACKAGE, yosys.PROGRAM, compiled.name)
        file.parent.mkdir(parents=True)
        file.write_text("half")
        if self.dies:
            raise subprocess.CalledProcessError(-9, command)
        file.write_text("whole")


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runtime:
    """Return the stand-in; the cache is an empty folder."""
    runtime = Runtime()
    monkeypatch.setenv(yosys.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(yosys.subprocess, "run", runtime)
    return runtime


def test_compiles_into_the_place_where_the_runtime_looks(runtime: Runtime, tmp_path: Path):
    assert not yosys.is_warm()
    yosys.warm()
    assert yosys.is_warm()
    compiled = yosys.compiled_file()
    assert compiled is not None
    assert compiled.is_relative_to(tmp_path)
    assert compiled.read_text() == "whole"


def test_compiles_once(runtime: Runtime):
    yosys.warm()
    yosys.warm()
    assert runtime.runs == 1


def test_what_died_half_way_is_never_found_and_does_not_stay(runtime: Runtime, tmp_path: Path):
    runtime.dies = True
    with pytest.raises(subprocess.CalledProcessError):
        yosys.warm()
    assert not yosys.is_warm()
    runtime.dies = False
    yosys.warm()
    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    compiled = yosys.compiled_file()
    assert compiled is not None
    assert files == {compiled.name, "warm.lock"}


def test_the_real_one_is_where_the_runtime_of_this_environment_looks():
    assert yosys.is_warm()
