"""Memory that a card may write: one huge page, in one piece wherever the card looks.

A card knows addresses on its bus. Without an I/O memory management unit between, or with one that
passes addresses through, these are physical addresses, which the kernel tells a process that has
CAP_SYS_ADMIN. A huge page is contiguous and is neither moved nor swapped.

The page is a file of hugetlbfs, so it outlives a process that is killed: the card may still write,
and must not write into what the kernel has given to somebody else. The next one takes it over.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import re
from contextlib import ExitStack
from pathlib import Path

from tickwright.bus.errors import BusError
from tickwright.bus.mapped_memory import MappedMemory, virtual_address

__all__ = ["HugeMemory", "allow_bus_master", "huge_page_bytes"]

HUGETLBFS = Path("/dev/hugepages")  # where systemd mounts it
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
        raise BusError(
            f"{path}: found {_told(error)}, expected to set bus mastering (as root)"
        ) from None


class HugeMemory(MappedMemory):
    """At most one huge page, for the card at ``device``; leaving its context gives it back.

    ``purpose`` tells the memories of a card apart. The card must have been told to write no more
    before it is given back. Raises BusError: there is no free huge page, another process has it,
    the kernel does not tell where it lies, or the device sees other addresses.
    """

    def __init__(
        self,
        size: int,
        device: Path,
        purpose: str = "records",
        *,
        folder: Path = HUGETLBFS,
        pagemap: Path = Path("/proc/self/pagemap"),
    ) -> None:
        page = huge_page_bytes()
        if not 0 < size <= page:
            raise BusError(
                f"huge memory: found {size} bytes, expected at most one page of {page}; "
                f"larger pages are an option of the kernel (default_hugepagesz=1G)"
            )
        _check_translation(device)
        self._path = folder / f"tickwright-{device.name}-{purpose}"
        with ExitStack() as opened:
            self._file = _opened(self._path, page)
            opened.callback(os.close, self._file)
            mapped = _mapped(self._file, page)
            opened.callback(mapped.close)
            super().__init__(mapped, _physical(mapped, pagemap), size, "huge memory")
            opened.pop_all()

    def close(self) -> None:
        """Give the page back to the kernel."""
        if not self._map.closed:
            super().close()
            self._path.unlink(missing_ok=True)
            os.close(self._file)


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


def _opened(path: Path, page: int) -> int:
    """Open the file of a page for this process alone."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BusError(
            f"{path}: found {_told(error)}, expected hugetlbfs there, and leave to write"
        ) from None
    if not _owned(file):
        os.close(file)
        raise BusError(f"{path}: found another process that uses it, expected none")
    if (found := _block_bytes(file)) != page:
        os.close(file)
        path.unlink()
        raise BusError(
            f"{path}: found a file system with blocks of {found} bytes, expected hugetlbfs with "
            f"pages of {page}"
        )
    return file


def _owned(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return os.fstat(file).st_nlink > 0  # its user has not just given it back


def _block_bytes(file: int) -> int:
    return os.fstatvfs(file).f_bsize


def _mapped(file: int, page: int) -> mmap.mmap:
    try:
        os.ftruncate(file, page)
        return mmap.mmap(file, page, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
    except OSError as error:
        raise BusError(
            f"huge memory: found {_told(error)}, expected a free huge page "
            f"(sysctl vm.nr_hugepages=8)"
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
        raise BusError(f"{pagemap}: found {_told(error)}, expected where memory lies") from None
    frame = entry & FRAME_MASK
    if not entry & PRESENT or not frame:
        raise BusError(
            f"{pagemap}: found page frame {frame}, expected where memory lies: the kernel tells "
            f"only those who have CAP_SYS_ADMIN"
        )
    return frame * PAGE_BYTES


def _told(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
