"""A write that is lost on a line that is shared is told to whoever wrote it, and to nobody else."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from oracle.faulty_line import FaultyLine, cut, garbled, lost

from tickwright.bus.errors import BusError
from tickwright.bus.shared import SharedWay
from tickwright.bus.uart_driver import UartDriver
from tickwright.bus.way import Way
from tickwright.core.closing import Closing

OURS, THEIRS = 0x500, 0x600


class Party(Closing):
    """A way with two users, of whom the other is urgent."""

    def __init__(self) -> None:
        self.line = FaultyLine()
        self.shared = SharedWay(UartDriver(self.line))
        self.user, self.other = self.shared.view(), self.shared.view(urgent=True)

    def close(self) -> None:
        self.shared.close()


def read(way: Way) -> None:
    assert way.read(THEIRS) == 0


def write_many(way: Way) -> None:
    for value in range(100):
        way.write(THEIRS, value)
    assert way.read(THEIRS) == 99


def write_and_close(way: Way) -> None:
    way.write(THEIRS, 7)
    way.close()


ACCESSES: list[Callable[[Way], None]] = [
    lambda way: way.write(OURS, 5),
    lambda way: way.read(OURS),
    lambda way: way.close(),
]


@pytest.mark.parametrize("behind", [0, 3])
@pytest.mark.parametrize("access", ACCESSES, ids=["write", "read", "close"])
@pytest.mark.parametrize("others", [read, write_many, write_and_close])
def test_its_writer_is_told_though_another_came_first(
    others: Callable[[Way], None], access: Callable[[Way], None], behind: int
):
    with Party() as party:
        party.line.to_bridge = [lost]
        for value in range(behind + 1):
            party.user.write(OURS, value + 1)
        others(party.other)
        with pytest.raises(BusError, match=f"write to 0x500: .* it and the {behind} behind it"):
            access(party.user)
        assert OURS not in party.line.bridge.words
        party.user.write(OURS, 6)  # told once, it goes on
        assert party.user.read(OURS) == 6


@pytest.mark.parametrize("access", [*ACCESSES[1:], write_and_close], ids=["read", "close", "late"])
def test_its_writer_is_told_where_no_other_came(access: Callable[[Way], None]):
    with Party() as party:
        party.line.to_bridge = [lost]
        party.user.write(OURS, 1)
        with pytest.raises(BusError, match="write to 0x500"):
            access(party.user)
        read(party.other)


def failing(data: bytes) -> bytes:
    raise BusError("line: found input/output error, expected a port that works")


def test_a_request_that_does_not_leave_is_no_fault_of_others():
    with Party() as party:
        party.user.write(OURS, 1)
        party.line.to_bridge = [failing]
        with pytest.raises(BusError, match="found input/output error"):
            party.user.write(OURS, 2)
        write_and_close(party.other)
        assert party.line.bridge.written == [(OURS, 1), (THEIRS, 7)]


def test_a_line_that_fails_while_answers_are_taken_is_told_to_their_writer(
    monkeypatch: pytest.MonkeyPatch,
):
    with Party() as party:
        take, failures = party.line.take, [failing]

        def once(count: int, timeout_s: float) -> bytes:
            return failures.pop()(b"") if failures else take(count, timeout_s)

        party.user.write(OURS, 1)
        party.user.write(OURS, 2)
        monkeypatch.setattr(party.line, "take", once)
        write_and_close(party.other)
        with pytest.raises(BusError, match="found input/output error"):
            party.user.read(OURS)
        assert party.user.read(OURS) == 2


def test_an_urgent_write_waits_for_one_answer_of_those_that_are_lost():
    with Party() as party:
        party.line.to_bridge = [lost] * 64
        for value in range(64):
            party.user.write(OURS, value)
        party.other.write(THEIRS, 7)
        assert party.line.silences == 1
        assert party.line.bridge.written == [(THEIRS, 7)]
        with pytest.raises(BusError, match="it and the 63 behind it"):
            party.user.close()


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_lost_each_is_told_of_its_own_writes_alone(seed: int):
    rng, line = random.Random(seed), FaultyLine()
    shared = SharedWay(UartDriver(line))
    views = [shared.view(urgent=n > 0) for n in range(3)]
    since: list[list[tuple[int, int]]] = [[], [], []]  # written, and not vouched for or told yet
    told = vouched = 0

    def spoilt(data: bytes) -> bytes:
        """Spoil some writes, but no read: whoever is told of anything is told of a write."""
        spoils = data[:1] == b"W" and rng.random() < 0.05
        return rng.choice([lost, garbled, cut])(data) if spoils else data

    for value in range(3_000):
        user = rng.randrange(3)
        view, address = views[user], 4 * user
        line.to_bridge = [spoilt] * 3
        try:
            if rng.random() < 0.8:
                view.write(address, value)
                since[user].append((address, value))
                continue
            view.read(address)
            assert set(since[user]) <= set(line.bridge.written)
            vouched += len(since[user])
        except BusError:
            assert not set(since[user]) <= set(line.bridge.written)
            told += 1
        since[user].clear()
    assert told > 20
    assert vouched > 100
