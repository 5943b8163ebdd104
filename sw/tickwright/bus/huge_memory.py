"""Memory that a card may write: one huge page, in one piece wherever the card looks.

A card knows addresses on its bus. Without an I/O memory management unit between, or with one that
passes addresses through, these are physical addresses, which the kernel tells a process that has
CAP_SYS_ADMIN. A huge page is contiguous and is neither moved nor swapped while it is mapped.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from tickwright.bus.errors import BusError
from tickwright.bus.mapped_memory import MappedMemory, virtual_address

__all__ = ["HugeMemory", "allow_bus_master", "huge_page_bytes"]

MAP_HUGETLB = 0x40000  # of Linux on x86-64; Python's mmap does not name it
PAGE_BYTES = 4096  # of the entries of a pagemap
ENTRY_BYTES = 8
PRESENT = 1 << 63
FRAME_MASK = (1 << 55) - 1

PASSES_THROUGH = {"identity"}  # types of an IOMMU group in which bus addresses are physical ones

COMMAND_OFFSET, BUS_MASTER = 4, 1 << 2  # in the configuration space of a PCI device


def huge_page_bytes(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Return the size of the kernel's huge pages. Raises BusError: it has none."""
    found = re.search(r"^Hugepagesize:\s+(\d+) kB$", meminfo.read_text(), re.MULTILINE)
    if found is None:
        raise BusError(f"{meminfo}: found no Hugepagesize, expected a kernel with huge pages")
    return int(found[1]) << 10


def allow_bus_master(device: Path, allowed: bool = True) -> None:
    """Let the card at ``device`` (below /sys/bus/pci/devices) write to memory, or forbid it.

    Raises BusError: its configuration cannot be written.
    """
    path = device / "config"
    try:
        with path.open("r+b", buffering=0) as config:
            config.seek(COMMAND_OFFSET)
            command = int.from_bytes(config.read(2), "little")
            command = command | BUS_MASTER if allowed else command & ~BUS_MASTER
            config.seek(COMMAND_OFFSET)
            config.write(command.to_bytes(2, "little"))
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        raise BusError(f"{path}: found {told}, expected to set bus mastering (as root)") from None


class HugeMemory(MappedMemory):
    """At most one huge page, for the card at ``device``; leaving its context gives it back.

    The card must have been told to write no more before it is given back. Raises BusError: the
    kernel has no free huge page, does not tell where it lies, or the device sees other addresses.
    """

    def __init__(self, size: int, device: Path, pagemap: Path = Path("/proc/self/pagemap")) -> None:
        page = huge_page_bytes()
        if not 0 < size <= page:
            raise BusError(
                f"huge memory: found {size} bytes, expected at most one page of {page}; "
                f"larger pages are an option of the kernel (default_hugepagesz=1G)"
            )
        _check_translation(device)
        mapped = _map_huge(page)
        try:
            address = _physical(mapped, pagemap)
        except BaseException:
            mapped.close()
            raise
        super().__init__(mapped, address, size, "huge memory")


def _check_translation(device: Path) -> None:
    group = device / "iommu_group" / "type"
    if not device.is_dir():
        raise BusError(f"{device}: found no device, expected a card")
    if not group.exists():
        return
    found = group.read_text().strip()
    if found not in PASSES_THROUGH:
        raise BusError(
            f"{group}: found {found}, expected identity (iommu=pt): the card would see other "
            f"addresses than physical ones"
        )


def _map_huge(size: int) -> mmap.mmap:
    flags = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE | MAP_HUGETLB
    try:
        return mmap.mmap(-1, size, flags=flags)
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        raise BusError(
            f"huge memory: found {told}, expected a free huge page (sysctl vm.nr_hugepages=8)"
        ) from None


def _physical(mapped: mmap.mmap, pagemap: Path) -> int:
    """Return the physical address of the mapping's first byte."""
    mapped[0] = 0  # a page that was never touched lies nowhere
    virtual = virtual_address(mapped)
    try:
        with pagemap.open("rb", buffering=0) as entries:
            entries.seek(virtual // PAGE_BYTES * ENTRY_BYTES)
            entry = int.from_bytes(entries.read(ENTRY_BYTES), "little")
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        raise BusError(f"{pagemap}: found {told}, expected where memory lies") from None
    frame = entry & FRAME_MASK
    if not entry & PRESENT or not frame:
        raise BusError(
            f"{pagemap}: found page frame {frame}, expected where memory lies: the kernel tells "
            f"only those who have CAP_SYS_ADMIN"
        )
    return frame * PAGE_BYTES
