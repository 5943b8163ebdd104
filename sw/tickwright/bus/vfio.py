"""A card on PCI Express that the kernel hands to this process alone, behind the IOMMU.

The process needs no root, only leave to open the card's group below /dev/vfio. The card reaches
what was mapped for it and nothing else, so whatever it does it cannot harm the host.
"""

from __future__ import annotations

import mmap
import os
from contextlib import ExitStack
from pathlib import Path

from tickwright.bus import vfio_kernel
from tickwright.bus.bar import Bar
from tickwright.bus.errors import BusError
from tickwright.bus.mapped_memory import MappedMemory, virtual_address
from tickwright.bus.pcie import check_ids
from tickwright.pcie.regs import BAR_BYTES

__all__ = ["VfioCard", "VfioMemory"]

KERNEL = Path("/dev/vfio")

FIRST_BUS_ADDRESS = 1 << 32  # below lie the addresses that interrupts have
MEMORY_STEP = 2 << 20  # bus addresses begin at multiples, so that the IOMMU may use large pages

COMMAND_OFFSET, COMMAND_BYTES, BUS_MASTER = 4, 2, 1 << 2  # in the configuration of a PCI device


class VfioMemory(MappedMemory):
    """Memory that the card, and no other device, sees at ``address``."""

    def __init__(self, container: int, address: int, size: int) -> None:
        self._container = container
        mapped = mmap.mmap(-1, -(-size // mmap.PAGESIZE) * mmap.PAGESIZE)
        super().__init__(mapped, address, size, "memory of the card")
        try:
            vfio_kernel.map_memory(container, virtual_address(mapped), address, len(mapped))
        except BaseException:
            mapped.close()
            raise

    def close(self) -> None:
        """Take the memory from the card, then give it back."""
        if not self._map.closed:
            vfio_kernel.unmap_memory(self._container, self.address, len(self._map))
            super().close()


class VfioCard(Bar):
    """BAR0 of a card, and memory for its rings; leaving its context gives all of it back.

    When its file is closed, by the end of the process too, the kernel forbids the card to write
    and resets it if it can: a card held this way does not outlive its host. Raises BusError: VFIO
    is not there, or refuses; PcieError: the device has other ids, or was asked for what lies
    outside of the BAR.
    """

    def __init__(self, device: Path, kernel: Path = KERNEL) -> None:
        check_ids(device)
        number = device / "iommu_group"
        if not number.exists():
            raise BusError(
                f"{number}: found none, expected an IOMMU (intel_iommu=on, amd_iommu=on)"
            )
        with ExitStack() as opened:
            self._container = _kept(opened, vfio_kernel.open_file(kernel / "vfio"))
            vfio_kernel.check_container(self._container)
            group = _kept(opened, vfio_kernel.open_file(kernel / number.resolve().name))
            vfio_kernel.check_group(group)
            vfio_kernel.join(self._container, group)
            self._file = _kept(opened, vfio_kernel.device_of(group, device.name))
            self._configuration, _ = vfio_kernel.region(self._file, vfio_kernel.CONFIGURATION)
            offset, size = vfio_kernel.region(self._file, vfio_kernel.BAR0)
            super().__init__(_mapped(self._file, offset, size))
            self._held = opened.pop_all()
        self._memories: list[VfioMemory] = []
        self._next_address = FIRST_BUS_ADDRESS

    def close(self) -> None:
        """Forbid the card to write, take its memory from it, and give it back to the kernel."""
        super().close()
        with self._held.pop_all() as held:
            for memory in self._memories:
                held.callback(memory.close)
            if self._memories:
                held.callback(self.allow_bus_master, False)
            self._memories = []

    def memory(self, size: int) -> VfioMemory:
        """Return new memory of so many bytes for the card, at the start of a page of its bus."""
        if size < 1:
            raise BusError(f"memory of the card: found {size} bytes, expected at least 1")
        memory = VfioMemory(self._container, self._next_address, size)
        self._next_address += -(-size // MEMORY_STEP) * MEMORY_STEP
        self._memories.append(memory)
        return memory

    def allow_bus_master(self, allowed: bool = True) -> None:
        """Let the card write to its memory, or forbid it."""
        place = self._configuration + COMMAND_OFFSET
        try:
            command = int.from_bytes(os.pread(self._file, COMMAND_BYTES, place), "little")
            command = command | BUS_MASTER if allowed else command & ~BUS_MASTER
            os.pwrite(self._file, command.to_bytes(COMMAND_BYTES, "little"), place)
        except OSError as error:
            told = (error.strerror or str(error)).lower()
            raise BusError(f"vfio: found {told}, expected to set bus mastering") from None


def _mapped(file: int, offset: int, size: int) -> mmap.mmap:
    try:
        if size:  # 0 would mean all that the file has
            return mmap.mmap(file, size, offset=offset)
        told = "no bytes"
    except (OSError, ValueError) as error:
        told = str(error).lower()
    raise BusError(f"vfio: BAR0: found {told}, expected {BAR_BYTES} bytes that can be mapped")


def _kept(opened: ExitStack, file: int) -> int:
    opened.callback(os.close, file)
    return file
