"""The compiled endpoint behind the hard block's model: records and interrupts.

The host's side is the product's own driver; link and memory are those of cocotbext-pcie.
"""

import random

import cocotb
import numpy as np
import pytest
from cocotb.task import bridge, resume
from pcie_card import SETTLE_CYCLES, PcieCard, at, disturb, numbers, settling, woken

from tickwright.bus.host_ring import RingError, ring_bytes
from tickwright.bus.record_ring import RecordRing
from tickwright.pcie.regs import MSIX_PENDING_BASE, MSIX_TABLE_BASE
from tickwright.telemetry.messages import RECORD_BYTES
from tickwright.top.presets import PRESETS
from tickwright.twin.bench import run_bench
from tickwright.twin.root_complex import BlockingBar, PcieHost

LOG2 = 6  # of the ring's records
SLOTS = 1 << LOG2
FLOOD_LOG2 = 10
SHORT_FLOOD = 5_000  # records
WIDEST = 256  # bits
FLOOD_PACE = 56  # in 256 cycles, over the widest stream
LATE, LATE_CYCLES = 0.02, 8_000  # so often, and so long there, the host reads nothing


def ring_of(host: PcieHost) -> RecordRing:
    return RecordRing(BlockingBar(host), host.memory(ring_bytes(LOG2)), LOG2)


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def records_come_whole_and_in_order(dut):
    rng = random.Random(3)
    host = await woken(dut)
    disturb(host, rng, 0.4)
    count = 8 * SLOTS
    settle = settling(dut)

    @bridge
    def reader() -> None:
        ring = ring_of(host)
        for _ in range(2):
            ring.start()
            first = int(dut.sent.value)
            dut.wanted.value, dut.pace.value = first + count, 8
            found = []
            while len(found) < count:
                settle(rng.randrange(1, 100))
                found += numbers(ring.read(rng.randrange(1, SLOTS)))
            assert found == list(range(first, first + count))
            assert ring.lost() == 0
        ring.stop()

    await reader()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def a_flood_comes_in_order_and_what_a_full_ring_dropped_is_counted(dut):
    count = int(cocotb.plusargs.get("flood", SHORT_FLOOD))
    rng, slower = random.Random(4), WIDEST // len(dut.rq__tdata)
    host = await woken(dut, payload_bytes=256)
    stalls = Stalls(rng)
    host.device.rq_sink.set_pause_generator(stalls)
    settle = settling(dut)

    @bridge
    def reader() -> int:
        ring = RecordRing(BlockingBar(host), host.memory(ring_bytes(FLOOD_LOG2)), FLOOD_LOG2)
        ring.start(spacing_cycles=SETTLE_CYCLES)
        dut.wanted.value, dut.pace.value = count, FLOOD_PACE // slower
        last, found = -1, 0
        while int(dut.sent.value) < count:
            late = found == 0 or rng.random() < LATE  # the first time for sure
            settle(LATE_CYCLES * slower if late else rng.randrange(200, 2000))
            last, more = following(last, ring.read())
            found += more
        settle(2000)
        for _ in range(2):
            last, more = following(last, ring.read())
            found += more
        assert found + ring.lost() == count
        return found

    found = await reader()
    assert await host.read(at("dropped_full")) == count - found > 0
    assert await host.read(at("dropped_queue")) == await host.read(at("dropped_off")) == 0
    cocotb.log.warning(
        "%d records: %d read in order, %.0f times round the ring, %d dropped by the full ring "
        "and counted; %d of %d cycles stalled",
        count,
        found,
        found / (1 << FLOOD_LOG2),
        count - found,
        stalls.stalled,
        stalls.cycles,
    )


class Stalls:
    """Pauses of the hard block: none, some, or long ones, a while each."""

    def __init__(self, rng):
        self.rng = rng
        self.stalled = self.cycles = self.left = self.rest = 0
        self.share = 0.0

    def __iter__(self):
        return self

    def __next__(self):
        self.cycles += 1
        if not self.left:
            self.left = self.rng.randrange(50, 500)
            self.share = self.rng.choice([0.0, 0.1, 0.3, 0.5])
        self.left -= 1
        if not self.rest and self.rng.random() < 1 / 2000:
            self.rest = self.rng.randrange(20, 60)
        self.rest -= self.rest > 0
        stall = self.rest > 0 or self.rng.random() < self.share
        self.stalled += stall
        return stall


def following(last: int, records: bytes) -> tuple[int, int]:
    """Check that records follow each other and the last one; return the last, and how many."""
    found = np.array([last, *numbers(records)])
    assert (np.diff(found) > 0).all()
    return int(found[-1]), len(found) - 1


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_full_ring_drops_and_counts(dut):
    host = await woken(dut)
    settle = settling(dut)

    @bridge
    def reader() -> None:
        ring = ring_of(host)
        ring.start()
        sent = dropped = 0
        for extra in (0, 1, 5, 100):
            dut.wanted.value, dut.pace.value = sent + SLOTS + extra, 16
            while int(dut.sent.value) != sent + SLOTS + extra:
                settle()
            settle()
            assert numbers(ring.read()) == list(range(sent, sent + SLOTS))
            sent += SLOTS + extra
            dropped += extra
            assert ring.lost() == dropped
        assert ring.read() == b""

    await reader()
    assert await host.read(at("dropped_full")) == 106
    assert await host.read(at("dropped_queue")) == await host.read(at("dropped_off")) == 0


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def without_the_bus_nothing_is_sent_and_all_is_counted(dut):
    host = await woken(dut, bus_master=False)
    settle = settling(dut)

    @bridge
    def reader() -> None:
        ring = ring_of(host)
        with pytest.raises(RingError, match="may not master the bus"):
            ring.start()
        dut.wanted.value, dut.pace.value = 100, 255
        settle()
        assert ring.read() == b""

    await reader()
    assert await host.read(at("dropped_off")) == 100
    assert not host.device.rq_sink.active
    await host.card.set_master()
    assert await host.read(at("running")) == 0


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_ring_that_loses_the_bus_stops_and_says_so(dut):
    host = await woken(dut)
    settle = settling(dut)
    master = resume(host.card.set_master)

    @bridge
    def reader() -> None:
        ring = ring_of(host)
        ring.start()
        dut.wanted.value, dut.pace.value = 10, 255
        settle()
        assert numbers(ring.read()) == list(range(10))
        master(False)
        master(True)
        dut.wanted.value = 20
        settle()
        assert ring.read() == b""
        with pytest.raises(RingError, match="stopped"):
            ring.lost()
        ring.start()
        dut.wanted.value = 30
        settle()
        assert numbers(ring.read()) == list(range(20, 30))
        assert ring.lost() == 0

    await reader()
    assert await host.read(at("dropped_off")) == 10


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def interrupts_follow_the_head_and_wait_behind_masks(dut):
    host = await woken(dut)
    settle = settling(dut)
    heads, alarms = [], []
    memory = host.memory(ring_bytes(LOG2))

    async def on_records() -> None:
        heads.append(int.from_bytes(memory.read(RECORD_BYTES * SLOTS, 8), "little"))

    async def on_alarm() -> None:
        alarms.append(int(await host.read(at("interrupts"))))

    assert await host.card.alloc_irq_vectors(2, 2) == 2
    host.card.request_irq(0, on_records)
    host.card.request_irq(1, on_alarm)
    mask = [MSIX_TABLE_BASE + 16 * vector + 12 for vector in range(2)]

    @bridge
    def reader() -> None:
        bar = BlockingBar(host)
        ring = RecordRing(bar, memory, LOG2)
        ring.start()
        settle()
        assert heads == [0]
        dut.wanted.value, dut.pace.value = 5, 4
        settle()
        settle()
        assert heads[-1] == 5
        before = len(heads)
        bar.write(mask[0], 1)
        bar.read(mask[0])
        dut.wanted.value = 9
        settle()
        settle()
        assert len(heads) == before
        assert bar.read(MSIX_PENDING_BASE) == 1
        bar.write(mask[0], 0)
        settle()
        assert heads[before:] == [9]
        assert bar.read(MSIX_PENDING_BASE) == 0
        dut.alarm.value = 1
        settle()
        assert len(alarms) == 1
        ring.stop()
        ring.start(spacing_cycles=10 * SETTLE_CYCLES)
        settle()
        before = len(heads)
        dut.wanted.value, dut.pace.value = 9 + SLOTS, 255
        settle()
        assert len(heads) == before
        for _ in range(20):
            settle()
        assert heads[before:] == [SLOTS]

    await reader()
    assert await host.read(at("interrupts")) == len(heads) + len(alarms)


WIDTHS = [
    pytest.param(64, marks=pytest.mark.soak),
    pytest.param(128, marks=pytest.mark.soak),
    256,
]


@pytest.mark.parametrize("width", WIDTHS)
def test_pcie_records(width):
    run_bench(PcieCard(width, PRESETS["twin"]), __name__)


@pytest.mark.soak
def test_a_million_records():
    run_bench(
        PcieCard(256, PRESETS["twin"]),
        __name__,
        plusargs=["+flood=1000000"],
        testcase="a_flood_comes_in_order_and_what_a_full_ring_dropped_is_counted",
    )
