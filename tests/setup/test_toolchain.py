"""The tools are found from the environment that runs, and from no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tickwright.setup.toolchain import MissingToolError, activated, tool_environment, verilator_bin


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    program = tmp_path / "verilator" / "bin" / "verilator"
    program.parent.mkdir(parents=True)
    program.touch()
    return tmp_path


def test_a_missing_verilator_names_the_command_that_makes_it(tmp_path: Path):
    with pytest.raises(MissingToolError, match="make setup"):
        verilator_bin(tmp_path)


def test_our_verilator_is_the_first_on_the_path(prefix: Path):
    path = tool_environment(prefix)["PATH"].split(os.pathsep)
    assert path[0] == str(verilator_bin(prefix).parent)
    assert path[2:] == os.environ["PATH"].split(os.pathsep)


def test_no_other_verilator_leads_ours_astray(prefix: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VERILATOR_ROOT", "/somebody/else")
    assert "VERILATOR_ROOT" not in tool_environment(prefix)
    with activated(prefix):
        assert "VERILATOR_ROOT" not in os.environ
    assert os.environ["VERILATOR_ROOT"] == "/somebody/else"


def test_activation_ends_with_its_block(prefix: Path):
    before = dict(os.environ)
    with activated(prefix):
        assert os.environ["PATH"].startswith(str(prefix))
        os.environ["LEFT_BEHIND"] = "1"
    assert dict(os.environ) == before


def test_activation_ends_with_an_error_too(prefix: Path):
    before = dict(os.environ)
    with pytest.raises(ZeroDivisionError), activated(prefix):
        raise ZeroDivisionError
    assert dict(os.environ) == before
