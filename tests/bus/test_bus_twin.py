"""A host that talks to a twin waits for what it asked, and for so long only."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tickwright.bus.errors import BusError
from tickwright.bus.twin import TwinBus
from tickwright.bus.twin_link import HEAD, READ, VALUE, WRITE, packed
from tickwright.bus.twin_wire import TwinWire


@contextmanager
def twin(path: Path, answer: bytes | None, expect: int = HEAD.size) -> Iterator[list[bytes]]:
    """Take ``expect`` bytes of one connection and answer; without an answer, hang up."""
    heard: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    listener.settimeout(10)

    def serve() -> None:
        with listener.accept()[0] as connection:
            connection.settimeout(10)
            with connection.makefile("rb") as stream:  # a timeout undoes MSG_WAITALL
                heard.append(stream.read(expect))
            if answer is not None:
                connection.sendall(answer)
                connection.recv(1)  # until the host leaves

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield heard
    finally:
        thread.join(10)
        listener.close()


def test_writes_are_posted_and_a_read_waits(tmp_path: Path):
    with (
        twin(tmp_path / "s", HEAD.pack(VALUE, 8, 42), 3 * HEAD.size) as heard,
        TwinBus(str(tmp_path / "s")) as bus,
    ):
        bus.write(4, 1)
        bus.write(4, 2)
        assert bus.read(8) == 42
    assert heard == [HEAD.pack(WRITE, 4, 1) + HEAD.pack(WRITE, 4, 2) + HEAD.pack(READ, 8, 0)]


def test_words_are_asked_for_in_one_turn(tmp_path: Path):
    answers = HEAD.pack(VALUE, 8, 42) + HEAD.pack(VALUE, 4, 43)
    with (
        twin(tmp_path / "s", answers, 2 * HEAD.size) as heard,
        TwinBus(str(tmp_path / "s")) as bus,
    ):
        assert bus.read_words([8, 4]) == [42, 43]  # the twin answers when it has heard both
    assert heard == [HEAD.pack(READ, 8, 0) + HEAD.pack(READ, 4, 0)]


def test_a_card_that_does_not_answer_is_told_once_and_for_all(tmp_path: Path):
    with (
        twin(tmp_path / "s", b""),
        TwinBus(str(tmp_path / "s"), timeout_s=0.05) as bus,
    ):
        with pytest.raises(BusError, match=r"card does not answer: found nothing for 0\.05 s"):
            bus.read(0)
        with pytest.raises(BusError, match="gone"):
            bus.write(0, 0)


def test_a_card_that_is_gone_is_told(tmp_path: Path):
    with (
        twin(tmp_path / "s", None),
        TwinBus(str(tmp_path / "s")) as bus,
        pytest.raises(BusError, match="card is gone"),
    ):
        bus.read(0)


def test_an_answer_to_another_question_is_refused(tmp_path: Path):
    with (
        twin(tmp_path / "s", HEAD.pack(VALUE, 4, 42)),
        TwinBus(str(tmp_path / "s")) as bus,
        pytest.raises(BusError, match="expected 0x8 as read"),
    ):
        bus.read(8)


@pytest.mark.parametrize(("addr", "value"), [(2, 0), (-4, 0), (1 << 32, 0), (0, -1), (0, 1 << 32)])
def test_what_no_bus_can_carry_is_not_sent(tmp_path: Path, addr, value):
    with (
        twin(tmp_path / "s", None) as heard,
        TwinBus(str(tmp_path / "s")) as bus,
        pytest.raises(BusError, match="32 bits each"),
    ):
        bus.write(addr, value)
    assert heard == [b""]


def test_a_refusal_of_the_wire_side_is_an_error(tmp_path: Path):
    ask = len(packed({"do": "stop"}))
    with (
        twin(tmp_path / "s", packed({"error": "found no play, expected one"}), ask),
        TwinWire(str(tmp_path / "s")) as wire,
        pytest.raises(BusError, match="found no play, expected one"),
    ):
        wire.stop_playing()
