"""The cycle of a message's last byte is found from its cause."""

import numpy as np
import pytest
from oracle.session import datagram, frame_table

from tickwright.host.records import FRAME_MODULUS
from tickwright.market.frames_table import FrameTable
from tickwright.twin.stamps import KEPT_CHUNKS, Stamps

MESSAGES = [bytes([0xC0 + number]) * size for number, size in enumerate((36, 19, 23, 1, 31, 35))]
FIRST = 1_000  # sequence
FRAME = datagram(FIRST, MESSAGES)
TAGGED = FRAME[:12] + bytes.fromhex("81000005") + FRAME[12:]
LATER = 1 << 40  # cycle


def stamps(*chunks: tuple[list[bytes], list[int]]) -> Stamps:
    """Return stamps that know frames and the cycles of their first words."""
    made = Stamps()
    for frames, cycles in chunks:
        made.add(frame_table([(0, frame) for frame in frames]), np.array(cycles, np.uint64))
    return made


@pytest.mark.parametrize("frame", [FRAME, TAGGED], ids=["plain", "vlan"])
@pytest.mark.parametrize("place", range(len(MESSAGES)))
def test_last_byte_of_each_message(frame, place):
    last = frame.index(MESSAGES[place]) + len(MESSAGES[place]) - 1
    assert stamps(([frame], [500])).cycle(0, FIRST + place, LATER) == 500 + last // 8


def test_frames_are_numbered_over_chunks():
    found = stamps(([FRAME, FRAME], [10, 100]), ([TAGGED], [1_000]))
    first = FRAME.index(MESSAGES[0]) + len(MESSAGES[0]) - 1
    assert [found.cycle(frame, FIRST, LATER) for frame in range(4)] == [
        10 + first // 8, 100 + first // 8, 1_000 + (first + 4) // 8, None,
    ]  # fmt: skip


def test_of_frames_with_one_number_the_last_before_the_record():
    count = FRAME_MODULUS + 2
    one = frame_table([(0, FRAME)])
    again = FrameTable(
        data=one.data,
        offset=np.zeros(count, np.int64),
        length=np.full(count, len(FRAME), np.uint32),
        time_ns=np.zeros(count, np.uint64),
    )
    found = Stamps()
    found.add(again, np.arange(count, dtype=np.uint64) * 100)
    word = (FRAME.index(MESSAGES[0]) + len(MESSAGES[0]) - 1) // 8
    second = FRAME_MODULUS * 100
    assert found.cycle(0, FIRST, LATER) == second + word
    assert found.cycle(0, FIRST, second + 1) == second + word
    assert found.cycle(0, FIRST, second) == word
    assert found.cycle(1, FIRST, second + 1) == 100 + word


def test_a_frame_long_gone_is_not_found():
    chunks = [([FRAME], [number * 100]) for number in range(KEPT_CHUNKS + 1)]
    found = stamps(*chunks)
    assert found.cycle(0, FIRST, LATER) is None
    assert found.cycle(1, FIRST, LATER) is not None
