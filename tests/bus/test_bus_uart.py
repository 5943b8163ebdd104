"""A serial port of this host leads to the bridge behind it."""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from oracle.uart_bridge import BridgeModel

from tickwright.bus.errors import BusError
from tickwright.bus.opening import open_bus
from tickwright.bus.uart import UartBus

POLL_S = 0.02
DEADLINE_S = 20.0


class Board:
    """A bridge at the far end of a pseudo terminal, in a thread of its own."""

    def __init__(self) -> None:
        self.bridge = BridgeModel()
        self._far, self._near = pty.openpty()
        tty.setraw(self._far)
        self.device = os.ttyname(self._near)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._ends.is_set():
            if select.select([self._far], [], [], POLL_S)[0]:
                os.write(self._far, self.bridge.hear(os.read(self._far, 1024)))
            else:
                self.bridge.idle()

    def close(self) -> None:
        self._ends.set()
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()
        os.close(self._far)
        os.close(self._near)


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board()
    yield board
    board.close()


@pytest.mark.parametrize("rate", ["", "@115200", "@3000000"])
def test_a_port_leads_to_the_registers_behind_it(board: Board, rate: str):
    with open_bus(f"uart:{board.device}{rate}") as bus:
        for value in range(200):
            bus.write(4 * value, 3 * value)
        assert [bus.read(4 * value) for value in range(0, 200, 20)] == list(range(0, 600, 60))
    assert len(board.bridge.written) == 200


def test_a_port_is_for_one_host_alone(board: Board):
    with (
        UartBus(board.device) as bus,
        pytest.raises(BusError, match=rf"^uart:{board.device}: found .*, expected a serial port"),
    ):
        UartBus(board.device)
    with UartBus(board.device) as bus:
        assert bus.read(0) == 0


def test_a_port_without_a_bridge_is_refused():
    far, near = pty.openpty()
    tty.setraw(far)
    try:
        device = os.ttyname(near)
        with pytest.raises(BusError, match=f"^uart:{device}: read of 0x0: found no answer"):
            UartBus(f"{device}@3000000")
    finally:
        os.close(far)
        os.close(near)


@pytest.mark.parametrize(
    "place", ["", "@115200", "/dev/x@", "/dev/x@fast", "/dev/x@0", "/dev/x@-1", "/dev/x@12000001"]
)
def test_a_place_that_cannot_be_is_refused(place: str):
    with pytest.raises(BusError, match="expected DEVICE or DEVICE@BAUD"):
        UartBus(place)


def test_what_is_no_port_is_told_in_one_line(tmp_path: Path):
    with pytest.raises(BusError, match="found no such file or directory, expected a serial port"):
        UartBus(f"{tmp_path}/none")
    (tmp_path / "file").write_text("")
    with pytest.raises(BusError, match=r"expected a serial port at 1000000 baud$"):
        UartBus(f"{tmp_path}/file")


def test_a_port_that_goes_away_is_told_in_one_line():
    board = Board()
    bus = UartBus(board.device)
    board.close()
    with pytest.raises(BusError, match=f"^uart:{board.device}: .*expected") as error:
        bus.read(0)
    assert "\n" not in str(error.value)
    bus.close()
