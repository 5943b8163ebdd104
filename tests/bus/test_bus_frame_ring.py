"""The driver of the frame ring: slices become frames, and one that lacks a slice is left out."""

from __future__ import annotations

import random

import pytest
from fake_endpoint.ring import LOG2, SLOTS, Card, Memory

from tickwright.bus.frame_ring import NUMBERS, FrameRing
from tickwright.bus.host_ring import RingError
from tickwright.pcie.messages import SLICE_DATA_BYTES, FrameSlice
from tickwright.pcie.regs import FRAMES_BASE, FrameRegs

WHOLE = SLICE_DATA_BYTES


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def card(memory: Memory) -> Card:
    return Card(memory, FrameRegs, FRAMES_BASE)


@pytest.fixture
def ring(card: Card, memory: Memory) -> FrameRing:
    ring = FrameRing(card, memory, LOG2)
    ring.start()
    return ring


def slices_of(frames: list[bytes], number: int = 0) -> list[bytes]:
    """Return frames as the card writes them, numbered from ``number`` on."""
    parts: list[bytes] = []
    for frame in frames:
        for start in range(0, len(frame), WHOLE):
            data = frame[start : start + WHOLE]
            part = FrameSlice(
                number=(number + len(parts)) % NUMBERS,
                first=start == 0,
                last=start + WHOLE >= len(frame),
                bytes=len(data),
                data=data.ljust(WHOLE, b"\xee"),
            )
            parts.append(part.pack())
    return parts


def random_frames(rng: random.Random, count: int) -> list[bytes]:
    edges = [1, WHOLE - 1, WHOLE, WHOLE + 1, 2 * WHOLE]
    return [rng.randbytes(rng.choice([*edges, rng.randrange(1, 5 * WHOLE)])) for _ in range(count)]


def test_frames_come_whole_and_in_order_however_they_are_read(ring: FrameRing, card: Card):
    rng = random.Random(1)
    frames = random_frames(rng, 300)
    slices = iter(slices_of(frames, NUMBERS - 5))
    found = []
    while part := [one for _, one in zip(range(rng.randrange(1, SLOTS + 1)), slices, strict=False)]:
        assert card.pass_on(part) == part
        while (read := card.head - card.get("tail")) > 0:
            found += ring.read(rng.randrange(1, read + 1))
    assert found == frames
    assert ring.lost() == 0


def test_a_frame_that_lacks_a_slice_is_left_out_and_its_slices_are_counted(
    ring: FrameRing, card: Card
):
    rng = random.Random(2)
    frames = random_frames(rng, 400)
    wanted, found, number, lost = [], [], 0, 0
    for frame in frames:
        slices = slices_of([frame], number)
        number += len(slices)
        written = card.pass_on(slices)
        lost += len(slices) - len(written)
        if written == slices:
            wanted.append(frame)
        if rng.random() < 0.3:
            found += ring.read(rng.choice([None, 1, 3, SLOTS]))
    found += ring.read()
    assert found == wanted
    assert ring.lost() == lost > 10
    assert 50 < len(wanted) < len(frames)


@pytest.mark.parametrize("missing", range(3))
def test_any_slice_that_is_missing_costs_that_frame_alone(
    ring: FrameRing, card: Card, missing: int
):
    frames = [b"before", bytes(2 * WHOLE + 1), b"after"]
    slices = slices_of(frames)
    del slices[1 + missing]
    card.pass_on(slices)
    assert ring.read() == [b"before", b"after"]


def test_a_frame_that_was_under_way_at_the_start_is_left_out(ring: FrameRing, card: Card):
    slices = slices_of([bytes(3 * WHOLE), b"next"])
    card.pass_on(slices[:1])
    ring.read()
    ring.start()
    card.pass_on(slices[1:])
    assert ring.read() == [b"next"]


@pytest.mark.parametrize(
    ("size", "last"), [(0, 1), (0, 0), (WHOLE - 1, 0), (WHOLE + 1, 1), (255, 0)]
)
def test_a_slice_that_makes_no_sense_is_told(ring: FrameRing, card: Card, size: int, last: int):
    part = FrameSlice(number=7, first=1, last=last, bytes=size, data=bytes(WHOLE))
    card.pass_on([part.pack()])
    with pytest.raises(RingError, match=f"slice 7 of a frame: found {size} bytes, expected 56"):
        ring.read()


def test_errors_name_the_frame_ring(card: Card, memory: Memory):
    card.master = False
    with pytest.raises(RingError, match="frame ring: the card may not master the bus"):
        FrameRing(card, memory, LOG2).start()


def test_the_memory_may_go_when_the_ring_has_stopped(ring: FrameRing, card: Card):
    card.busy_reads = 3
    ring.stop()
    assert (card.busy_reads, card.get("enabled")) == (0, 0)
