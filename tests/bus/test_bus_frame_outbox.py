"""The driver of the outbox against a card that is a table of words."""

from __future__ import annotations

import random

import pytest

from tickwright.bus.frame_outbox import LONGEST_FRAME_BYTES, SLOTS, FrameOutbox, OutboxError
from tickwright.bus.host_ring import RingError
from tickwright.pcie.regs import FRAMES_BASE, OUTBOX_BASE, OUTBOX_BYTES, FrameRegs, fingerprint


class Card:
    """The outbox as the driver sees it; it sends when it is told to."""

    def __init__(self, taken: int = 0) -> None:
        self.words = {FRAMES_BASE + FrameRegs.map_hash.offset: fingerprint()}
        self.set("outbox_written", taken)
        self.set("outbox_taken", taken)

    def get(self, name: str) -> int:
        return self.words.get(FRAMES_BASE + getattr(FrameRegs, name).offset, 0)

    def set(self, name: str, value: int) -> None:
        self.words[FRAMES_BASE + getattr(FrameRegs, name).offset] = value % 2**32

    def read(self, addr: int) -> int:
        return self.words.get(addr, 0)

    def write(self, addr: int, value: int) -> None:
        self.words[addr] = value

    def send(self) -> list[bytes]:
        """Return the frames that were put, and give their words back."""
        data = b"".join(
            self.read(OUTBOX_BASE + place).to_bytes(4, "little")
            for place in range(0, OUTBOX_BYTES, 4)
        )
        frames, taken = [], self.get("outbox_taken")
        while taken != self.get("outbox_written"):
            start = taken % SLOTS * 8
            around = data[start:] + data[:start]
            length = int.from_bytes(around[:8], "little")
            frames.append(around[8 : 8 + length])
            taken = (taken + 1 + -(-length // 8)) % 2**32
        self.set("outbox_taken", taken)
        return frames


@pytest.mark.parametrize("taken", [0, 2**32 - 700])
def test_frames_leave_in_order_and_one_without_room_changes_nothing(taken: int):
    rng, card = random.Random(1), Card(taken)
    outbox = FrameOutbox(card)
    sent, found, refused = [], [], 0
    for _ in range(300):
        frame = rng.randbytes(rng.choice([1, 7, 8, 9, 60, 1514, LONGEST_FRAME_BYTES]))
        before = dict(card.words)
        while not outbox.offer(frame):
            refused += 1
            assert card.words == before
            found += card.send()
            assert outbox.waiting() == 0
            before = dict(card.words)
        sent.append(frame)
    found += card.send()
    assert found == sent
    assert refused > 20


def test_the_room_is_used_to_the_last_word():
    card = Card()
    outbox = FrameOutbox(card)
    assert outbox.offer(bytes(8 * (SLOTS - 3)))
    assert outbox.waiting() == SLOTS - 2
    assert not outbox.offer(bytes(9))
    assert outbox.offer(bytes(8))
    assert outbox.waiting() == SLOTS
    assert not outbox.offer(b"x")


def test_a_frame_is_counted_after_all_of_it_was_written():
    card = Card()
    outbox = FrameOutbox(card)
    order = []
    write = card.write
    card.write = lambda addr, value: (order.append(addr), write(addr, value))[1]
    outbox.offer(bytes(20))
    assert order == [
        *range(OUTBOX_BASE, OUTBOX_BASE + 32, 4),
        FRAMES_BASE + FrameRegs.outbox_written.offset,
    ]


@pytest.mark.parametrize("length", [0, LONGEST_FRAME_BYTES + 1])
def test_a_frame_of_a_length_that_never_fits_is_refused(length: int):
    with pytest.raises(OutboxError, match=f"found {length} bytes, expected 1 to 4088"):
        FrameOutbox(Card()).offer(bytes(length))


def test_an_outbox_that_was_emptied_unsent_is_told_once():
    card = Card()
    outbox = FrameOutbox(card)
    outbox.offer(b"lost")
    card.set("outbox_errors", 1)
    card.set("outbox_taken", card.get("outbox_written"))
    with pytest.raises(OutboxError, match="found it emptied unsent 1 times, expected 0"):
        outbox.offer(b"next")
    assert outbox.offer(b"next")
    assert card.send() == [b"next"]


def test_a_card_of_another_version_is_refused():
    card = Card()
    card.set("map_hash", 1)
    with pytest.raises(RingError, match="map hash 0x00000001"):
        FrameOutbox(card)
