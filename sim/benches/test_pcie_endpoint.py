"""The compiled endpoint behind the hard block's model: what the host asks of its registers.

The host's side is the product's own; link and hard block are those of cocotbext-pcie.
"""

import random
import struct

import cocotb
import pytest
from cocotb.task import bridge
from cocotbext.pcie.core.caps import PciCapId
from cocotbext.pcie.core.tlp import CplStatus, Tlp, TlpType
from cocotbext.pcie.xilinx.us.tlp import Tlp_us
from pcie_card import SCRATCH_BASE, SCRATCH_WORDS, PcieCard, at, disturb, woken

from tickwright.bus.pcie import DEVICE_ID, VENDOR_ID
from tickwright.host.card import Card
from tickwright.pcie.regs import BAR_BYTES, MSIX_PENDING_BASE, MSIX_TABLE_BASE, VECTORS
from tickwright.pcie.regs import fingerprint as endpoint_fingerprint
from tickwright.top.memory_map import base, fingerprint
from tickwright.top.presets import PRESETS
from tickwright.twin.bench import run_bench
from tickwright.twin.root_complex import BlockingBar

BUNDLE_BYTES = 128  # completions end at multiples of it
LONGEST_READ = 512  # bytes


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def the_card_is_enumerated_with_its_ids_its_bar_and_its_vectors(dut):
    host = await woken(dut, bus_master=False)
    card = host.card
    assert (card.vendor_id, card.device_id) == (VENDOR_ID, DEVICE_ID)
    assert card.bar_size[0] == BAR_BYTES
    assert card.bar_addr[0] % BAR_BYTES == 0
    assert [size for size in card.bar_size[1:] if size] == []
    msix = card.get_capability_offset(PciCapId.MSIX)
    control, table, pending = struct.unpack("<2xHII", await card.config_read(msix, 12))
    assert control % (1 << 11) + 1 == len(VECTORS)
    assert (table, pending) == (MSIX_TABLE_BASE, MSIX_PENDING_BASE)  # both in BAR0
    assert not card.is_busmaster
    assert await host.read(base("identity")) == fingerprint()
    assert await host.read(at("map_hash")) == endpoint_fingerprint()
    await card.set_master()
    assert await host.read(base("identity")) == fingerprint()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def registers_hold_what_the_host_writes(dut):
    rng = random.Random(1)
    host = await woken(dut)
    disturb(host, rng, 0.3)

    @bridge
    def desk() -> None:
        card = Card(BlockingBar(host))
        written = {}
        for _ in range(40):
            name = rng.choice(["symbol", "max_shares", "max_notional", "symbol_max_position"])
            written[name] = rng.randrange(1 << getattr(type(card.risk), name).bits)
            setattr(card.risk, name, written[name])
            if rng.random() < 0.5:
                asked = rng.choice(list(written))
                assert getattr(card.risk, asked) == written[asked]
        assert {name: getattr(card.risk, name) for name in written} == written

    await desk()
    assert await host.read(at("unsupported")) == 0


@cocotb.test(timeout_time=2, timeout_unit="ms")
async def memory_is_read_and_written_in_every_shape(dut):
    rng = random.Random(2)
    host = await woken(dut)
    disturb(host, rng, 0.2)
    size = 4 * SCRATCH_WORDS
    truth = bytearray(rng.randbytes(size))
    for start in range(0, size, 256):
        await host.bar.write(SCRATCH_BASE + start, bytes(truth[start : start + 256]))
    for _ in range(60):
        start, length = rng.randrange(size), rng.randrange(1, LONGEST_READ)
        length = min(length, size - start)
        found = await host.bar.read(SCRATCH_BASE + start, length)
        assert found == truth[start : start + length]
        start, words = rng.randrange(SCRATCH_WORDS), rng.randrange(1, 65)
        data = rng.randbytes(4 * min(words, SCRATCH_WORDS - start))
        truth[4 * start : 4 * start + len(data)] = data
        await host.bar.write(SCRATCH_BASE + 4 * start, data)
    assert await host.bar.read(SCRATCH_BASE, size) == truth
    assert await host.read(at("partial_writes")) == 0


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_write_that_spares_bytes_is_refused_whole(dut):
    host = await woken(dut)
    before = bytes(range(64))
    await host.bar.write(SCRATCH_BASE, before)
    shapes = [(1, 1), (2, 2), (0, 3), (1, 7), (4, 5), (3, 9), (0, 17)]
    for offset, length in shapes:
        await host.bar.write(SCRATCH_BASE + offset, b"\xff" * length)
    assert await host.bar.read(SCRATCH_BASE, 64) == before
    assert await host.read(at("partial_writes")) == len(shapes)
    await host.bar.write(SCRATCH_BASE, b"")  # means no byte at all
    assert await host.bar.read(SCRATCH_BASE, 64) == before
    assert await host.read(at("partial_writes")) == len(shapes)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def completions_end_at_multiples_of_128_bytes(dut):
    host = await woken(dut)
    for first_word in (0, 1, 31, 32, 100):
        for words in (1, 2, 31, 32, 33, 64, 128):
            request = Tlp()
            request.fmt_type = TlpType.MEM_READ_64
            request.set_addr_be(host.bar_address + SCRATCH_BASE + 4 * first_word, 4 * words)
            address, due = request.address, 4 * words
            for completion in await host.ask(request):
                assert (completion.status, completion.byte_count) == (CplStatus.SC, due)
                assert completion.lower_address == address % BUNDLE_BYTES
                address, due = address + 4 * completion.length, due - 4 * completion.length
                assert due == 0 or address % BUNDLE_BYTES == 0
            assert due == 0


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def what_is_not_supported_is_answered_so(dut):
    host = await woken(dut)
    wanting = [
        (TlpType.IO_READ, 0, 1),
        (TlpType.IO_WRITE, 1, 1),
        (TlpType.FETCH_ADD, 1, 1),
        (TlpType.SWAP, 2, 2),
        (TlpType.CAS, 4, 4),
        (TlpType.MEM_READ_LOCKED, 0, 3),
    ]
    for tag, (kind, payload, words) in enumerate(wanting):
        (answer,) = await host.inject(request_of(kind, tag, payload, words))
        assert (answer.status, answer.tag, answer.length) == (CplStatus.UR, tag, 0)
        locked = kind == TlpType.MEM_READ_LOCKED
        assert (answer.fmt_type == TlpType.CPL_LOCKED) == locked
        assert (answer.byte_count, answer.lower_address) == (4, 0)
    other_bar = request_of(TlpType.MEM_READ, 77, 0, 3)
    other_bar.bar_id = 2
    (answer,) = await host.inject(other_bar)
    assert (answer.status, answer.tag, answer.byte_count) == (CplStatus.UR, 77, 12)
    other_bar = request_of(TlpType.MEM_WRITE, 0, 3, 3)
    other_bar.bar_id = 2
    assert await host.inject(other_bar) == []
    assert await host.read(at("unsupported")) == len(wanting) + 2


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_damaged_write_changes_nothing(dut):
    host = await woken(dut)
    await host.bar.write(SCRATCH_BASE, bytes(64))
    for words in (1, 2, 5, 16):
        request = request_of(TlpType.MEM_WRITE, 0, words, words)
        request.discontinue = True
        assert await host.inject(request) == []
    assert await host.bar.read(SCRATCH_BASE, 64) == bytes(64)
    assert await host.read(at("discarded")) == 4


def request_of(kind, tag, payload_words, words) -> Tlp_us:
    """Return a request to the memory, as the hard block passes it on."""
    request = Tlp_us()
    request.fmt_type = kind
    request.address, request.length, request.tag = SCRATCH_BASE, words, tag
    request.first_be, request.last_be = 0xF, 0xF if words > 1 else 0
    request.data = bytearray(b"\xee" * 4 * payload_words)
    return request


WIDTHS = [
    pytest.param(64, marks=pytest.mark.soak),
    pytest.param(128, marks=pytest.mark.soak),
    256,
]


@pytest.mark.parametrize("width", WIDTHS)
def test_pcie_endpoint(width):
    run_bench(PcieCard(width, PRESETS["twin"]), __name__)
