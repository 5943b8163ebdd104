"""A page that a card may write is refused unless its address is known to be the card's too."""

from __future__ import annotations

import ctypes
import mmap
from pathlib import Path

import pytest

from tickwright.bus import huge_memory
from tickwright.bus.errors import BusError
from tickwright.bus.huge_memory import HugeMemory, allow_bus_master, huge_page_bytes

PAGE = 2 << 20
FRAME = 0x12_3400


@pytest.fixture
def device(tmp_path: Path) -> Path:
    path = tmp_path / "0000:01:00.0"
    path.mkdir()
    (path / "config").write_bytes(bytes.fromhex("ee10577402001000"))
    return path


@pytest.fixture
def pagemap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a page map in which ordinary memory stands for the huge page of the next mapping."""
    path = tmp_path / "pagemap"

    def map_ordinary(size: int) -> mmap.mmap:
        mapped = mmap.mmap(-1, size)
        first = ctypes.c_char.from_buffer(mapped)
        with path.open("wb") as entries:
            entries.seek(ctypes.addressof(first) // 4096 * 8)
            entries.write((1 << 63 | FRAME).to_bytes(8, "little"))
        del first
        return mapped

    monkeypatch.setattr(huge_memory, "_map_huge", map_ordinary)
    monkeypatch.setattr(huge_memory, "huge_page_bytes", lambda: PAGE)
    return path


def test_a_page_lies_where_the_kernel_says_and_holds_what_is_written(device: Path, pagemap: Path):
    with HugeMemory(PAGE, device, pagemap) as memory:
        assert (memory.address, memory.size) == (FRAME * 4096, PAGE)
        memory.write(PAGE - 4, b"tail")
        memory.write(0, b"head")
        assert memory.read(PAGE - 4, 4) == b"tail"
        assert memory.read(0, 6) == b"head\0\0"


@pytest.mark.parametrize(("offset", "size"), [(-1, 1), (PAGE, 1), (PAGE - 3, 4)])
def test_what_lies_outside_is_refused(device: Path, pagemap: Path, offset: int, size: int):
    with HugeMemory(PAGE, device, pagemap) as memory:
        with pytest.raises(BusError, match=f"found bytes {offset} to"):
            memory.read(offset, size)
        with pytest.raises(BusError, match=f"found bytes {offset} to"):
            memory.write(offset, bytes(size))


@pytest.mark.parametrize("size", [0, PAGE + 1])
def test_more_than_a_page_is_refused(device: Path, pagemap: Path, size: int):
    with pytest.raises(BusError, match=f"found {size} bytes, expected at most one page of {PAGE}"):
        HugeMemory(size, device, pagemap)


def test_a_card_that_sees_other_addresses_is_refused(device: Path, pagemap: Path):
    (device / "iommu_group").mkdir()
    kind = device / "iommu_group" / "type"
    kind.write_text("DMA-FQ\n")
    with pytest.raises(BusError, match="found DMA-FQ, expected identity"):
        HugeMemory(PAGE, device, pagemap)
    kind.write_text("identity\n")
    with HugeMemory(PAGE, device, pagemap) as memory:
        assert memory.address == FRAME * 4096


def test_a_device_that_is_not_there_is_refused(tmp_path: Path, pagemap: Path):
    with pytest.raises(BusError, match="found no device"):
        HugeMemory(PAGE, tmp_path / "none", pagemap)


@pytest.mark.parametrize("entry", [0, 1 << 63, FRAME])
def test_a_kernel_that_does_not_tell_where_a_page_lies_is_refused(
    device: Path, pagemap: Path, monkeypatch: pytest.MonkeyPatch, entry: int
):
    mapped_before = huge_memory._map_huge

    def map_untold(size: int) -> mmap.mmap:
        mapped = mapped_before(size)
        with pagemap.open("r+b") as entries:
            entries.seek(-8, 2)
            entries.write(entry.to_bytes(8, "little"))
        return mapped

    monkeypatch.setattr(huge_memory, "_map_huge", map_untold)
    with pytest.raises(BusError, match="CAP_SYS_ADMIN"):
        HugeMemory(PAGE, device, pagemap)


def test_a_kernel_without_a_page_map_is_refused(device: Path, pagemap: Path, tmp_path: Path):
    with pytest.raises(BusError, match="found no such file"):
        HugeMemory(PAGE, device, tmp_path / "none")


def test_a_kernel_without_a_free_huge_page_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", full)
    with pytest.raises(BusError, match=r"found cannot allocate memory.*vm\.nr_hugepages"):
        huge_memory._map_huge(PAGE)


def test_the_size_of_a_huge_page_is_the_kernels(tmp_path: Path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 8 kB\nHugepagesize:       2048 kB\n")
    assert huge_page_bytes(meminfo) == PAGE
    meminfo.write_text("MemTotal: 8 kB\n")
    with pytest.raises(BusError, match="found no Hugepagesize"):
        huge_page_bytes(meminfo)


def test_bus_mastering_is_one_bit_of_the_command_and_leaves_the_others(device: Path):
    allow_bus_master(device)
    assert (device / "config").read_bytes().hex() == "ee10577406001000"
    allow_bus_master(device, False)
    assert (device / "config").read_bytes().hex() == "ee10577402001000"


def test_a_configuration_that_cannot_be_written_is_told(device: Path):
    (device / "config").unlink()
    with pytest.raises(BusError, match="expected to set bus mastering"):
        allow_bus_master(device)
