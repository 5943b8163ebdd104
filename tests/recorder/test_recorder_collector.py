"""Records of a card on PCI Express come into the recorder's ring, in order, each once.

The card is two files, its BAR0 and its page of memory, and a part of the test that writes them.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tickwright.bus import huge_memory, opening
from tickwright.bus.errors import BusError
from tickwright.bus.host_ring import RingError
from tickwright.bus.pcie import DEVICE_ID, VENDOR_ID
from tickwright.pcie.regs import BAR_BYTES, ENDPOINT_BASE, PcieRegs
from tickwright.pcie.regs import fingerprint as endpoint_fingerprint
from tickwright.recorder import collector
from tickwright.recorder.collector import collect
from tickwright.recorder.ring import RingError as RecorderRingError
from tickwright.recorder.ring import RingReader, RingWriter
from tickwright.telemetry.messages import RECORD_BYTES
from tickwright.top.memory_map import base, fingerprint

PAGE = 2 << 20
BUS_ADDRESS = 0x40_0000_0000
NAME = "0000:01:00.0"
LOG2, ENTRIES = 6, 64


class Card:
    """A card whose turn comes whenever the collector asks whether to stop."""

    def __init__(self, root: Path) -> None:
        self.sysfs, self.pages = root / "devices", root / "hugepages"
        self.pages.mkdir()
        self.device = self.sysfs / NAME
        self.device.mkdir(parents=True)
        (self.device / "vendor").write_text(f"{VENDOR_ID:#06x}\n")
        (self.device / "device").write_text(f"{DEVICE_ID:#06x}\n")
        (self.device / "config").write_bytes(bytes.fromhex("ee10577402001000"))
        self.bar = self.device / "resource0"
        self.bar.write_bytes(bytes(BAR_BYTES))
        self.put(self.bar, base("identity"), fingerprint(), 4)
        self.set("map_hash", endpoint_fingerprint())
        self.set("running", 1)
        self.head = self.dropped = self.sent = self.turns = 0
        self.wanted = 500
        self.rng = random.Random(1)

    def put(self, file: Path, place: int, value: int, size: int) -> None:
        with file.open("r+b") as opened:
            opened.seek(place)
            opened.write(value.to_bytes(size, "little"))

    def set(self, name: str, value: int) -> None:
        register = getattr(PcieRegs, name)
        self.put(self.bar, ENDPOINT_BASE + register.offset, value, 4 * register.words)

    def get(self, name: str) -> int:
        register = getattr(PcieRegs, name)
        start = ENDPOINT_BASE + register.offset
        return int.from_bytes(self.bar.read_bytes()[start : start + 4 * register.words], "little")

    @property
    def page(self) -> Path:
        return self.pages / f"tickwright-{NAME}-records"

    def may_write(self) -> bool:
        return bool((self.device / "config").read_bytes()[4] & 4 and self.get("enabled"))

    def turn(self) -> bool:
        """Send some records; return whether all were sent and the last ones have been read."""
        assert self.may_write()
        assert self.get("ring_base") == BUS_ADDRESS
        tail, slots = self.get("tail"), 1 << self.get("ring_log2")
        self.turns += 1
        for _ in range(min(self.rng.randrange(2 * slots), self.wanted - self.sent)):
            if self.head - tail < slots:
                place = self.head % slots * RECORD_BYTES
                self.put(self.page, place, self.sent, RECORD_BYTES)
                self.head += 1
            else:
                self.dropped += 1
            self.sent += 1
        self.set("dropped_full", self.dropped)
        self.put(self.page, self.get("head_base") - BUS_ADDRESS, self.head, 8)
        return self.sent == self.wanted


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    card = Card(tmp_path)
    monkeypatch.setattr(opening, "SYSFS", card.sysfs)
    monkeypatch.setattr(collector, "LOG2", LOG2)
    monkeypatch.setattr(collector, "ENTRIES", ENTRIES)
    monkeypatch.setattr(collector, "REST_S", 0)
    monkeypatch.setattr(collector, "CHECK_S", 0)
    monkeypatch.setattr(huge_memory, "huge_page_bytes", lambda: PAGE)
    monkeypatch.setattr(huge_memory, "_block_bytes", lambda file: PAGE)
    monkeypatch.setattr(huge_memory, "_physical", lambda mapped, pagemap: BUS_ADDRESS)
    real = huge_memory.HugeMemory
    monkeypatch.setattr(
        collector, "HugeMemory", lambda size, device: real(size, device, folder=card.pages)
    )
    return card


def numbers(reader: RingReader) -> list[int]:
    """Return the numbers of the records that wait, and release them."""
    found = [int.from_bytes(one.tobytes(), "little") for one in reader.read(ENTRIES)]
    reader.release()
    return found


@pytest.mark.parametrize("text", ["pcie", f"pcie:{NAME}"])
def test_records_come_in_order_and_what_is_missing_the_card_counted(
    card: Card, tmp_path: Path, text: str
):
    path, found = tmp_path / "ring", []
    RingWriter(path, ENTRIES).close()

    with RingReader(path) as reader:

        def stopped() -> bool:
            if card.turns % 3:  # and now and then the recorder takes none
                found.extend(numbers(reader))
            return card.turn()

        collect(text, path, stopped, lambda: found.append(-1))
        found += numbers(reader)
        assert reader.dropped == 0
    assert found[0] == -1
    assert found[1:] == sorted(set(found[1:]))
    in_card = card.head - card.get("tail")
    assert len(found) - 1 + in_card + card.dropped == card.wanted
    assert card.dropped > 0
    assert len(found) > 3 * ENTRIES


def test_when_it_ends_the_card_writes_no_more_and_the_page_is_given_back(
    card: Card, tmp_path: Path
):
    collect("pcie", tmp_path / "ring", card.turn)
    assert card.get("enabled") == 0
    assert not card.page.exists()


def test_a_card_that_goes_on_writing_keeps_its_page(card: Card, tmp_path: Path):
    def turn() -> bool:
        card.turn()
        card.set("busy", 1)
        return True

    with pytest.raises(RingError, match="still writing"):
        collect("pcie", tmp_path / "ring", turn)
    assert card.page.exists()


def test_a_ring_that_stopped_ends_it(card: Card, tmp_path: Path):
    def turn() -> bool:
        card.turn()
        card.set("running", 0)
        return False

    with pytest.raises(RingError, match="record ring: found it stopped"):
        collect("pcie", tmp_path / "ring", turn)
    assert card.get("enabled") == 0
    with RingReader(tmp_path / "ring") as reader:
        assert len(numbers(reader)) == card.head


@pytest.mark.parametrize("text", ["twin:here", "uart:there", ""])
def test_a_card_that_is_not_on_pci_express_is_refused(card: Card, tmp_path: Path, text: str):
    with pytest.raises(BusError, match=f"found '{text}', expected pcie or pcie:"):
        collect(text, tmp_path / "ring", card.turn)


def test_a_ring_with_another_writer_is_refused_before_the_card_is_touched(
    card: Card, tmp_path: Path
):
    with (
        RingWriter(tmp_path / "ring", ENTRIES),
        pytest.raises(RecorderRingError, match="found another writer"),
    ):
        collect("pcie", tmp_path / "ring", card.turn)
    assert card.get("ring_base") == 0
    assert not card.page.exists()
