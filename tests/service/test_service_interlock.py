"""What was asked for before a kill arms nothing and confirms nothing behind it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from fake_card.bench import Bench, limits_text
from fake_card.card import FakeCard

from tickwright.bus.way import Way
from tickwright.host.card import Card
from tickwright.risk.regs import RiskRegs
from tickwright.service.errors import ServiceError
from tickwright.service.interlock import Interlock
from tickwright.service.killing import killed
from tickwright.service.progress import Progress
from tickwright.service.roles import Role
from tickwright.top.memory_map import base

BEGIN, COMMIT, ARM, KILL = (
    base("risk") + register.offset
    for register in (RiskRegs.begin_limits, RiskRegs.commit, RiskRegs.arm, RiskRegs.kill)
)


class Floor:
    """A desk that reaches its card through an interlock, and one who kills meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.card = FakeCard()
        self.interlock = Interlock()
        self.bench = Bench(folder, self.interlock.guarded(_Way(self)))
        self._at: tuple[int, bool] | None = None
        self.lost = 0  # kills of the desk that get lost

    def ready(self) -> None:
        self.bench.load()
        self.bench.feed_watchdog()
        self.card.hear()
        self.bench.desk.poll()

    def kill_before(self, addr: int, *, told: bool) -> None:
        """Kill before the next write to ``addr``; the service is told of it, or not."""
        self._at = addr, told

    def look(self, addr: int) -> bool:
        """Look at a write of the desk; return whether it gets through."""
        if addr == KILL and self.lost:
            self.lost -= 1
            return False
        if self._at is None or addr != self._at[0]:
            return True
        (_, told), self._at = self._at, None
        if told:
            self.interlock.count()
        killed(Card(self.card))
        return True


class _Way(Way):
    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def read(self, addr: int) -> int:
        return self._floor.card.read(addr)

    def write(self, addr: int, value: int) -> None:
        if self._floor.look(addr):
            self._floor.card.write(addr, value)

    def close(self) -> None:
        """There is nothing to close."""


@pytest.mark.parametrize("addr", [BEGIN, COMMIT])
@pytest.mark.parametrize("told", [False, True], ids=["not-told", "told"])
def test_limits_that_were_under_way_confirm_nothing_after_a_kill(tmp_path: Path, addr, told):
    floor = Floor(tmp_path)
    with floor.bench.started() as bench:
        floor.ready()
        floor.kill_before(addr, told=told)
        bench.ask("limits.load", Role.RISK, limits=limits_text(300))
        assert not bench.ask("positions").confirmed
        floor.interlock.begin(floor.interlock.kills)
        with pytest.raises(ServiceError, match="positions_unconfirmed"):
            bench.ask("arm")
        assert floor.card.gate.state == 0


@pytest.mark.parametrize("addr", [BEGIN, COMMIT])
def test_positions_that_were_under_way_are_not_confirmed_after_a_kill(tmp_path: Path, addr):
    floor = Floor(tmp_path)
    with floor.bench.started() as bench:
        floor.ready()
        floor.kill_before(addr, told=True)
        with pytest.raises(ServiceError, match=r"positions\.load: found a kill"):
            bench.ask("positions.load", keep=True)
        assert not bench.ask("positions").confirmed
        floor.interlock.begin(floor.interlock.kills)
        assert bench.ask("positions.load", keep=True).confirmed


def test_nothing_is_armed_by_what_was_asked_for_before_a_kill(tmp_path: Path):
    floor = Floor(tmp_path)
    with floor.bench.started() as bench:
        floor.ready()
        floor.kill_before(ARM, told=True)
        with pytest.raises(ServiceError, match="arm: found a kill"):
            bench.ask("arm")
        assert floor.card.gate.state == 0


def test_a_kill_while_arming_is_written_until_the_card_says_so(tmp_path: Path):
    """The kill did not wait: it was written before the gate was armed, and is lost behind it."""
    floor = Floor(tmp_path)
    with floor.bench.started() as bench:
        floor.ready()
        write = floor.card.write

        def arming(addr: int, value: int) -> None:
            write(addr, value)
            if addr == ARM:
                floor.card.write, floor.lost = write, 3
                floor.interlock.count()

        floor.card.write = arming
        with pytest.raises(ServiceError, match="found a kill meanwhile"):
            bench.ask("arm")
        assert (floor.card.gate.state, floor.lost) == (0, 0)


def test_the_way_of_a_service_reads_words_in_one_turn():
    turns = []

    class Slow(Way):
        def read(self, addr: int) -> int:
            raise AssertionError(f"{addr} was asked for by itself")

        def read_words(self, addrs: Sequence[int]) -> list[int]:
            turns.append(list(addrs))
            return [7 for _ in addrs]

        def write(self, addr: int, value: int) -> None:
            """Nothing is written."""

        def close(self) -> None:
            """There is nothing to close."""

    way = Interlock().guarded(Progress(lambda: 0).watched(Slow()))
    assert way.read_words([4, 8, 4]) == [7, 7, 7]
    assert turns == [[4, 8, 4]]
