"""What comes as WebAssembly is compiled once for a user, and is whole or absent in the cache."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tickwright.setup import webassembly
from tickwright.setup.webassembly import CACHE_VARIABLE, TOOLS, Tool


class Runtime:
    """Stands for the runtime that compiles a tool, which takes up to a minute."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool
        self.runs = 0
        self.dies = False

    def __call__(self, command: list[str], *, env: Mapping[str, str], check: bool) -> None:
        self.runs += 1
        compiled = self.tool.compiled_file()
        assert compiled is not None
        assert self.tool.run in command[-1]
        file = Path(env[CACHE_VARIABLE], self.tool.package, self.tool.file, compiled.name)
        file.parent.mkdir(parents=True)
        file.write_text("half")
        if self.dies:
            raise subprocess.CalledProcessError(-9, command)
        file.write_text("whole")


@pytest.fixture(params=TOOLS, ids=lambda tool: tool.name)
def runtime(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Runtime:
    """Return the stand-in; the cache is an empty folder."""
    runtime = Runtime(request.param)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(webassembly.subprocess, "run", runtime)
    return runtime


def test_compiles_into_the_place_where_the_runtime_looks(runtime: Runtime, tmp_path: Path):
    tool = runtime.tool
    assert not tool.is_warm()
    tool.warm()
    assert tool.is_warm()
    compiled = tool.compiled_file()
    assert compiled is not None
    assert compiled.is_relative_to(tmp_path)
    assert compiled.read_text() == "whole"


def test_compiles_once(runtime: Runtime):
    runtime.tool.warm()
    runtime.tool.warm()
    assert runtime.runs == 1


def test_what_died_half_way_is_never_found_and_does_not_stay(runtime: Runtime, tmp_path: Path):
    tool = runtime.tool
    runtime.dies = True
    with pytest.raises(subprocess.CalledProcessError):
        tool.warm()
    assert not tool.is_warm()
    runtime.dies = False
    tool.warm()
    files = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    compiled = tool.compiled_file()
    assert compiled is not None
    assert files == {compiled.name, "warm.lock"}


def test_the_real_ones_are_where_the_runtime_of_this_environment_looks():
    assert webassembly.is_warm()
