"""A bitstream is written by the programmer that is there, and its failure is ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from tickwright.platforms import flash
from tickwright.platforms.build import bitstream_path


@pytest.fixture
def place(monkeypatch, tmp_path) -> Path:
    """Return a folder that is all of PATH; a bitstream is there to be written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    path = bitstream_path("versa")
    path.parent.mkdir(parents=True)
    path.write_text("bits")
    return tmp_path


def install(place: Path, name: str, status: int = 0) -> None:
    program = place / name
    program.write_text(f'#!/bin/sh\necho "{name} $@" >> {place}/called\nexit {status}\n')
    program.chmod(0o755)


def called(place: Path) -> list[str]:
    return (place / "called").read_text().splitlines()


@pytest.mark.parametrize(
    ("there", "call"),
    [
        (["openFPGALoader", "ecpprog"], "openFPGALoader --cable ft2232 --write-flash"),
        (["ecpprog"], "ecpprog"),
    ],
)
def test_the_first_programmer_that_is_found_writes(place, there, call):
    for name in there:
        install(place, name)
    assert flash.main("versa") == 0
    assert called(place) == [f"{call} build/versa/tickwright_versa.bit"]


def test_a_programmer_that_fails_is_told(place):
    install(place, "ecpprog", status=3)
    assert flash.main("versa") == 1


def test_nothing_to_write_with_is_one_line(place, capsys):
    assert flash.main("versa") == 1
    assert capsys.readouterr().err == ("flash: found neither openFPGALoader nor ecpprog on PATH\n")


def test_nothing_to_write_is_one_line(place, capsys):
    install(place, "ecpprog")
    bitstream_path("versa").unlink()
    assert flash.main("versa") == 1
    assert capsys.readouterr().err == (
        "build/versa/tickwright_versa.bit: found no bitstream; "
        "make bitstream BOARD=versa makes it\n"
    )


def test_a_board_that_is_not_there_is_refused(place, capsys):
    assert flash.main("nexys") == 1
    assert capsys.readouterr().err.startswith("BOARD: found 'nexys', expected one of ")
