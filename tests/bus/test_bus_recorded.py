"""A record answers what was asked of the card then, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tickwright.bus.errors import BusError
from tickwright.bus.recorded import RecordedBus, RecordingBus


class Words:
    """A bus that keeps what is written."""

    def __init__(self) -> None:
        self.words: dict[int, int] = {}

    def read(self, addr: int) -> int:
        return self.words.get(addr, 0)

    def write(self, addr: int, value: int) -> None:
        self.words[addr] = value


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "record"
    with RecordingBus(Words(), path) as bus:
        bus.write(0x10, 0xFFFF_FFFF)
        assert bus.read(0x10) == 0xFFFF_FFFF
        assert bus.read(0) == 0
    return path


def test_accesses_are_lines(record):
    assert record.read_text() == "w 10 ffffffff\nr 10 ffffffff\nr 0 0\n"


def test_the_same_accesses_have_the_same_answers(record):
    with RecordedBus(record) as bus:
        bus.write(0x10, 0xFFFF_FFFF)
        assert [bus.read(0x10), bus.read(0)] == [0xFFFF_FFFF, 0]
        with pytest.raises(BusError, match="the record ends"):
            bus.read(0)


def test_other_accesses_are_refused(record):
    with pytest.raises(BusError, match="line 1: found a read of 0x10, expected 'w 10 ffffffff'"):
        RecordedBus(record).read(0x10)
    with pytest.raises(BusError, match="found a write of 0x1 to 0x10, expected 'w 10 ffffffff'"):
        RecordedBus(record).write(0x10, 1)


def test_what_is_no_record_is_told(tmp_path: Path):
    (tmp_path / "record").write_text("r 0\n")
    with pytest.raises(BusError, match="line 1: found a line, expected r or w, an address"):
        RecordedBus(tmp_path / "record").read(0)
    with pytest.raises(BusError, match="expected a record of accesses"):
        RecordedBus(tmp_path / "none")
