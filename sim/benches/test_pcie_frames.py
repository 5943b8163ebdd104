"""The compiled endpoint behind the hard block's model: raw frames both ways.

What the host sends comes back to it. The host's side is the product's own drivers; link and memory
are those of cocotbext-pcie.
"""

import random
from collections.abc import Callable

import cocotb
import pytest
from cocotb.task import bridge, resume
from pcie_card import PcieCard, at, at_frames, disturb, numbers, settling, woken

from tickwright.bus.frame_outbox import LONGEST_FRAME_BYTES, FrameOutbox
from tickwright.bus.frame_ring import FrameRing
from tickwright.bus.host_ring import RingError, ring_bytes
from tickwright.bus.record_ring import RecordRing
from tickwright.pcie.messages import SLICE_DATA_BYTES
from tickwright.top.presets import PRESETS
from tickwright.twin.bench import run_bench
from tickwright.twin.root_complex import BlockingBar, PcieHost

LOG2 = 5  # of the slices in the ring of frames
SLOTS = 1 << LOG2
RECORDS_LOG2 = 10
FAST = 40  # in 256 cycles so many records, near half of what the widest link takes
WIDEST = 256  # bits
LONG = 1514  # bytes


def frame_ring(host: PcieHost) -> FrameRing:
    return FrameRing(BlockingBar(host), host.memory(ring_bytes(LOG2)), LOG2)


def record_ring(host: PcieHost) -> RecordRing:
    return RecordRing(BlockingBar(host), host.memory(ring_bytes(RECORDS_LOG2)), RECORDS_LOG2)


def put(outbox: FrameOutbox, frame: bytes, wait: Callable[[], None]) -> None:
    while not outbox.offer(frame):
        wait()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def frames_go_out_and_come_back_whole_while_records_flow(dut):
    rng = random.Random(5)
    host = await woken(dut)
    disturb(host, rng, 0.3)
    settle = settling(dut)
    edges = [1, 8, 9, SLICE_DATA_BYTES, SLICE_DATA_BYTES + 1, 60, 600]
    frames = [rng.randbytes(length) for length in edges * 3]
    slices = sum(-(-len(frame) // SLICE_DATA_BYTES) for frame in frames)
    assert slices > SLOTS  # the ring goes round

    @bridge
    def desk() -> None:
        outbox, ring, records = FrameOutbox(BlockingBar(host)), frame_ring(host), record_ring(host)
        ring.start()
        records.start()
        dut.wanted.value, dut.pace.value = 1 << 31, 8
        found, told = [], []
        for sent, frame in enumerate(frames):
            put(outbox, frame, lambda: settle(50))
            told += numbers(records.read())
            while len(found) < sent:  # so two at most are in the ring, which holds them
                settle(rng.randrange(1, 100))
                found += ring.read(rng.choice([None, 1, 8]))
        dut.wanted.value = int(dut.sent.value)
        while outbox.waiting():
            settle()
        settle()
        found += ring.read()
        told += numbers(records.read())
        assert found == frames
        assert told == list(range(int(dut.sent.value)))
        assert ring.lost() == records.lost() == 0
        records.stop()
        ring.stop()

    await desk()
    assert await host.read(at_frames("frames_sent")) == len(frames)
    assert await host.read(at_frames("tail")) == slices
    assert await host.read(at_frames("outbox_errors")) == 0


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_full_frame_ring_drops_slices_and_no_record(dut):
    host = await woken(dut, payload_bytes=256)
    settle = settling(dut)
    fits = bytes(SLICE_DATA_BYTES)

    @bridge
    def desk() -> int:
        outbox, ring, records = FrameOutbox(BlockingBar(host)), frame_ring(host), record_ring(host)
        ring.start()
        records.start()
        dut.wanted.value, dut.pace.value = 1 << 31, FAST * len(dut.rq__tdata) // WIDEST
        told = []
        for _ in range(SLOTS):
            put(outbox, fits, lambda: None)
            told += numbers(records.read())
        put(outbox, bytes(LONG), lambda: None)
        while outbox.waiting():
            told += numbers(records.read())
        dut.wanted.value = int(dut.sent.value)
        settle()
        told += numbers(records.read())
        lost = ring.lost()
        assert lost == -(-LONG // SLICE_DATA_BYTES)
        assert ring.read() == [fits] * SLOTS
        put(outbox, b"again", lambda: None)
        settle()
        assert ring.read() == [b"again"]
        assert ring.lost() == lost
        assert told == list(range(int(dut.sent.value)))
        assert records.lost() == 0
        return lost

    lost = await desk()
    assert await host.read(at_frames("dropped_full")) == lost
    for name in ("dropped_queue", "dropped_off"):
        assert await host.read(at_frames(name)) == await host.read(at(name)) == 0
    assert await host.read(at("dropped_full")) == 0


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def frames_that_the_bus_cannot_take_are_dropped_and_counted(dut):
    host = await woken(dut)
    settle = settling(dut)
    log2 = 7

    @bridge
    def desk() -> int:
        bar = BlockingBar(host)
        outbox, ring = FrameOutbox(bar), FrameRing(bar, host.memory(ring_bytes(log2)), log2)
        ring.start()
        settle()
        host.device.rq_sink.pause = True
        for _ in range(2):  # one of them alone is more than waits for the bus
            put(outbox, bytes(LONGEST_FRAME_BYTES), settle)
        while outbox.waiting():
            settle()
        host.device.rq_sink.pause = False
        for _ in range(10):
            settle()
            assert ring.read() == []
        put(outbox, b"again", settle)
        settle()
        assert ring.read() == [b"again"]
        return ring.lost()

    lost = await desk()
    assert await host.read(at_frames("dropped_queue")) == lost > 0
    assert await host.read(at_frames("dropped_full")) == 0


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def without_the_bus_frames_leave_and_those_that_come_are_counted(dut):
    host = await woken(dut, bus_master=False)
    settle = settling(dut)
    master = resume(host.card.set_master)

    @bridge
    def desk() -> None:
        outbox, ring = FrameOutbox(BlockingBar(host)), frame_ring(host)
        with pytest.raises(RingError, match="frame ring: the card may not master the bus"):
            ring.start()
        put(outbox, bytes(3 * SLICE_DATA_BYTES), settle)
        settle()
        assert (outbox.waiting(), ring.read()) == (0, [])
        assert not host.device.rq_sink.active
        master(True)
        ring.start()
        put(outbox, b"now", settle)
        settle()
        assert ring.read() == [b"now"]
        master(False)
        master(True)
        put(outbox, b"lost", settle)
        settle()
        assert ring.read() == []
        with pytest.raises(RingError, match="frame ring: found it stopped"):
            ring.lost()

    await desk()
    assert await host.read(at_frames("frames_sent")) == 3
    assert await host.read(at_frames("dropped_off")) == 4


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_length_that_makes_no_sense_is_counted_and_the_outbox_goes_on(dut):
    host = await woken(dut)
    settle = settling(dut)

    @bridge
    def desk() -> None:
        bar = BlockingBar(host)
        outbox, ring = FrameOutbox(bar), frame_ring(host)
        ring.start()
        bar.write(at_frames("outbox_written"), 3)  # of which no word was put
        settle()
        assert bar.read(at_frames("outbox_taken")) == 3
        assert bar.read(at_frames("outbox_errors")) == 1
        outbox = FrameOutbox(bar)
        put(outbox, b"good", settle)
        settle()
        assert ring.read() == [b"good"]

    await desk()
    assert await host.read(at_frames("frames_sent")) == 1


WIDTHS = [
    pytest.param(64, marks=pytest.mark.soak),
    pytest.param(128, marks=pytest.mark.soak),
    256,
]


@pytest.mark.parametrize("width", WIDTHS)
def test_pcie_frames(width):
    run_bench(PcieCard(width, PRESETS["twin"]), __name__)
