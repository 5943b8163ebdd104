"""A page that a card may write is refused unless its address is known to be the card's too."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import pytest

from tickwright.bus import huge_memory
from tickwright.bus.errors import BusError
from tickwright.bus.huge_memory import HugeMemory, allow_bus_master, huge_page_bytes
from tickwright.bus.mapped_memory import virtual_address

PAGE = 2 << 20
FRAME = 0x12_3400


@pytest.fixture
def device(tmp_path: Path) -> Path:
    path = tmp_path / "0000:01:00.0"
    path.mkdir()
    (path / "config").write_bytes(bytes.fromhex("ee10577402001000"))
    return path


class Kernel:
    """A folder that passes for hugetlbfs, and a page map in which its pages lie somewhere."""

    def __init__(self, root: Path) -> None:
        self.folder, self.pagemap = root / "hugepages", root / "pagemap"
        self.folder.mkdir()
        self.entry = 1 << 63 | FRAME
        self.block = PAGE
        self.map = huge_memory._mapped

    def mapped(self, file: int, size: int) -> mmap.mmap:
        mapped = self.map(file, size)
        with self.pagemap.open("wb") as entries:
            entries.seek(virtual_address(mapped) // 4096 * 8)
            entries.write(self.entry.to_bytes(8, "little"))
        return mapped

    def memory(self, size: int, device: Path, purpose: str = "records") -> HugeMemory:
        return HugeMemory(size, device, purpose, folder=self.folder, pagemap=self.pagemap)


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel(tmp_path)
    monkeypatch.setattr(huge_memory, "_mapped", kernel.mapped)
    monkeypatch.setattr(huge_memory, "_block_bytes", lambda file: kernel.block)
    monkeypatch.setattr(huge_memory, "huge_page_bytes", lambda: PAGE)
    return kernel


def test_a_page_lies_where_the_kernel_says_and_holds_what_is_written(device: Path, kernel: Kernel):
    with kernel.memory(PAGE, device) as memory:
        assert (memory.address, memory.size) == (FRAME * 4096, PAGE)
        memory.write(PAGE - 4, b"tail")
        memory.write(0, b"head")
        assert memory.read(PAGE - 4, 4) == b"tail"
        assert memory.read(0, 6) == b"head\0\0"


@pytest.mark.parametrize(("offset", "size"), [(-1, 1), (PAGE, 1), (PAGE - 3, 4)])
def test_what_lies_outside_is_refused(device: Path, kernel: Kernel, offset: int, size: int):
    with kernel.memory(PAGE, device) as memory:
        with pytest.raises(BusError, match=f"found bytes {offset} to"):
            memory.read(offset, size)
        with pytest.raises(BusError, match=f"found bytes {offset} to"):
            memory.write(offset, bytes(size))


@pytest.mark.parametrize("size", [0, PAGE + 1])
def test_more_than_a_page_is_refused(device: Path, kernel: Kernel, size: int):
    with pytest.raises(BusError, match=f"found {size} bytes, expected at most one page of {PAGE}"):
        kernel.memory(size, device)


def test_a_card_that_sees_other_addresses_is_refused(device: Path, kernel: Kernel):
    (device / "iommu_group").mkdir()
    kind = device / "iommu_group" / "type"
    kind.write_text("DMA-FQ\n")
    with pytest.raises(BusError, match="found DMA-FQ, expected identity"):
        kernel.memory(PAGE, device)
    kind.write_text("identity\n")
    with kernel.memory(PAGE, device) as memory:
        assert memory.address == FRAME * 4096


def test_a_device_that_is_not_there_is_refused(tmp_path: Path, kernel: Kernel):
    with pytest.raises(BusError, match="found no device"):
        kernel.memory(PAGE, tmp_path / "none")


@pytest.mark.parametrize("entry", [0, 1 << 63, FRAME])
def test_a_kernel_that_does_not_tell_where_a_page_lies_is_refused(
    device: Path, kernel: Kernel, entry: int
):
    kernel.entry = entry
    with pytest.raises(BusError, match="CAP_SYS_ADMIN"):
        kernel.memory(PAGE, device)


def test_a_kernel_without_a_page_map_is_refused(device: Path, kernel: Kernel, tmp_path: Path):
    with pytest.raises(BusError, match="found no such file"):
        HugeMemory(PAGE, device, folder=kernel.folder, pagemap=tmp_path / "none")


def test_a_kernel_without_a_free_huge_page_is_told_what_to_do(
    device: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", full)
    with pytest.raises(BusError, match=r"found cannot allocate memory.*vm\.nr_hugepages"):
        kernel.memory(PAGE, device)


def test_a_page_that_was_not_given_back_is_taken_over_as_it_is(device: Path, kernel: Kernel):
    killed = kernel.memory(PAGE, device)
    killed.write(100, b"the card may still write")
    killed._map.close()  # what the kernel does for a process that is killed
    os.close(killed._file)
    with kernel.memory(PAGE, device) as memory:
        assert memory.read(100, 24) == b"the card may still write"
    assert list(kernel.folder.iterdir()) == []
    with kernel.memory(PAGE, device) as memory:
        assert memory.read(100, 24) == bytes(24)


def test_a_page_has_one_user_and_each_purpose_its_own(device: Path, kernel: Kernel):
    with kernel.memory(PAGE, device) as records, kernel.memory(PAGE, device, "frames") as frames:
        with pytest.raises(BusError, match="found another process that uses it"):
            kernel.memory(PAGE, device)
        records.write(0, b"r")
        assert frames.read(0, 1) == b"\0"
    records.close()
    assert list(kernel.folder.iterdir()) == []


def test_a_folder_that_is_no_hugetlbfs_is_refused(device: Path, kernel: Kernel, tmp_path: Path):
    kernel.block = 4096
    with pytest.raises(BusError, match="with blocks of 4096 bytes, expected hugetlbfs"):
        kernel.memory(PAGE, device)
    assert list(kernel.folder.iterdir()) == []
    with pytest.raises(BusError, match="found no such file or directory, expected hugetlbfs"):
        HugeMemory(PAGE, device, folder=tmp_path / "none", pagemap=kernel.pagemap)


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
