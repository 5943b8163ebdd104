"""The driver of the bridge notices all that is lost, and repeats only what may be repeated."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from oracle.faulty_line import Fault, FaultyLine, cut, garbled, lost, sound

from tickwright.bus.errors import BusError
from tickwright.bus.uart_driver import UartDriver

FAULTS = [lost, garbled, cut]


@pytest.fixture
def line() -> FaultyLine:
    return FaultyLine()


def test_words_are_read_back_as_written(line: FaultyLine):
    with UartDriver(line) as bus:
        for addr, value in ((0, 0), (4, 0xFFFF_FFFF), (0xFFFF_FFFC, 0x1234_5678)):
            bus.write(addr, value)
            assert bus.read(addr) == value
    assert not line.open


def test_many_writes_go_out_before_one_answer_is_asked_for_and_none_is_lost(line: FaultyLine):
    rng = random.Random(1)
    wanted = [(4 * rng.randrange(100), rng.getrandbits(32)) for _ in range(700)]
    with UartDriver(line) as bus:
        for addr, value in wanted:
            bus.write(addr, value)
        assert line.waiting == 64 * 3
    assert line.bridge.written == wanted


def test_a_bridge_that_does_not_answer_is_refused_and_the_line_given_back(line: FaultyLine):
    line.to_bridge = [lost] * 3
    with pytest.raises(
        BusError,
        match=r"^uart:line: read of 0x0: found no answer in 3 tries, "
        r"expected a bridge at 1000000 baud$",
    ):
        UartDriver(line)
    assert not line.open


def test_what_another_host_left_behind_is_over_before_the_first_request(line: FaultyLine):
    line.bridge.hear(b"W\x00\x00")
    line._answers = b"old"
    with UartDriver(line) as bus:
        assert bus.read(8) == 0
        assert line.rests == 1


@pytest.mark.parametrize("way", ["to_bridge", "to_host"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_read_is_tried_three_times(line: FaultyLine, way: str, fault: Fault, times: int):
    with UartDriver(line) as bus:
        bus.write(8, 77)
        assert bus.read(8) == 77
        setattr(line, way, [fault] * times)
        if times < 3:
            assert bus.read(8) == 77
        else:
            with pytest.raises(BusError, match="read of 0x8: found no answer in 3 tries"):
                bus.read(8)
        assert bus.read(8) == 77
    assert line.bridge.written == [(8, 77)]


@pytest.mark.parametrize("fault", FAULTS)
def test_no_write_overtakes_one_that_was_lost(line: FaultyLine, fault: Fault):
    with UartDriver(line) as bus:
        bus.write(0, 1)
        line.to_bridge = [fault]
        for value in (2, 3, 4):
            bus.write(0, value)
        with pytest.raises(
            BusError, match=r"write to 0x0: .* it and the 2 behind it .* not known$"
        ):
            bus.read(0)
        assert line.bridge.written == [(0, 1)]
        bus.write(0, 5)
        assert bus.read(0) == 5
    assert line.bridge.written == [(0, 1), (0, 5)]


def test_no_write_overtakes_a_lost_one_however_late_it_is_sent(line: FaultyLine):
    """The bridge has come to itself by then, and goes by the numbers."""
    with UartDriver(line) as bus:
        line.to_bridge = [garbled]
        bus.write(0, 2)
        line.bridge.idle()
        bus.write(0, 3)
        with pytest.raises(BusError, match="write to 0x0"):
            bus.read(0)
    assert line.bridge.written == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_whose_answer_was_lost_is_told_and_not_repeated(line: FaultyLine, fault: Fault):
    with UartDriver(line) as bus:
        line.to_host = [fault]
        bus.write(0, 2)
        with pytest.raises(BusError, match="write to 0x0"):
            bus.read(0)
        assert bus.read(0) == 2
    assert line.bridge.written == [(0, 2)]


def test_a_lost_write_is_told_at_the_latest_when_the_line_is_given_back(line: FaultyLine):
    bus = UartDriver(line)
    line.to_bridge = [lost]
    bus.write(0, 2)
    with pytest.raises(BusError, match="write to 0x0: found no answer, expected its answer"):
        bus.close()
    assert not line.open
    bus.close()
    with pytest.raises(BusError, match="found it closed"):
        bus.read(0)


@pytest.mark.parametrize("addr", [-4, 2, 1 << 32])
def test_an_address_that_cannot_be_is_refused_and_nothing_sent(line: FaultyLine, addr: int):
    with UartDriver(line) as bus:
        line.sent.clear()
        with pytest.raises(BusError, match="expected an address that is a multiple of 4"):
            bus.read(addr)
        with pytest.raises(BusError, match="expected an address that is a multiple of 4"):
            bus.write(addr, 0)
        assert line.sent == []


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_a_value_that_does_not_fit_is_refused(line: FaultyLine, value: int):
    with UartDriver(line) as bus, pytest.raises(BusError, match="32 bits each"):
        bus.write(0, value)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_lost_a_read_that_is_answered_vouches_for_all_writes_before_it(seed: int):
    rng, line = random.Random(seed), FaultyLine()
    wanted: list[tuple[int, int]] = []
    since: list[tuple[int, int]] = []  # the last answer or error
    told = vouched = 0
    with UartDriver(line) as bus:
        for value in range(600):
            fault = rng.choice(FAULTS) if rng.random() < 0.05 else sound
            (line.to_bridge if rng.random() < 0.5 else line.to_host).append(fault)
            try:
                if rng.random() < 0.8:
                    wanted.append((4, value))
                    bus.write(4, value)
                    since.append((4, value))
                    continue
                shown = bus.read(4)
                assert line.bridge.written[len(line.bridge.written) - len(since) :] == since
                assert shown == line.bridge.words.get(4, 0)
                vouched += len(since)
            except BusError:
                told += 1
            since.clear()
        line.to_bridge, line.to_host = [], []
        with suppress(BusError):
            bus.read(0)
    carried_out = set(line.bridge.written)
    assert line.bridge.written == [write for write in wanted if write in carried_out]
    assert told > 10
    assert vouched > 100
