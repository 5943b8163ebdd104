"""What Linux's VFIO is asked, as its header ``linux/vfio.h`` has it: requests and their structures.

Each function makes one request of an open file and raises BusError, of one line, if it is refused.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from tickwright.bus.errors import BusError

__all__ = [
    "BAR0",
    "CONFIGURATION",
    "check_container",
    "check_group",
    "device_of",
    "join",
    "map_memory",
    "open_file",
    "region",
    "unmap_memory",
]

TYPE, FIRST = ord(";"), 100  # of the numbers of requests
API_VERSION, CHECK_EXTENSION, SET_IOMMU, GROUP_STATUS, SET_CONTAINER = range(5)
GET_DEVICE, REGION_INFO, MAP_DMA, UNMAP_DMA = 6, 8, 13, 14

EXPECTED_VERSION = 0
TYPE1_V2 = 3  # the kind of I/O memory management that x86 has
VIABLE = 1  # all devices of the group are VFIO's, or nobody's
READABLE, WRITABLE = 1, 2  # of memory, by the card

BAR0, CONFIGURATION = 0, 7  # regions of a PCI device

STATUS = struct.Struct("=II")  # its size, flags
REGION = struct.Struct(
    "=IIIIQQ"
)  # its size, flags, index, offset of more; size, offset in the file
MAPPING = struct.Struct("=IIQQQ")  # its size, flags; address here, address of the card, size
UNMAPPING = struct.Struct("=IIQQ")  # its size, flags; address of the card, size


def open_file(path: Path) -> int:
    """Open one of VFIO's files for reading and writing."""
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        raise BusError(
            f"{path}: found {told}, expected the card bound to vfio-pci, and leave to open it"
        ) from None


def check_container(container: int) -> None:
    """Check that this kernel's VFIO is the one described here, with an IOMMU that translates."""
    version = _ask(container, API_VERSION, 0, "its version")
    if version != EXPECTED_VERSION:
        raise BusError(f"vfio: found version {version}, expected {EXPECTED_VERSION}")
    if not _ask(container, CHECK_EXTENSION, TYPE1_V2, "an extension"):
        raise BusError("vfio: found no IOMMU of type 1, version 2, expected one (intel_iommu=on)")


def check_group(group: int) -> None:
    """Check that all devices of a group have been given up by their drivers."""
    status = bytearray(STATUS.pack(STATUS.size, 0))
    _ask(group, GROUP_STATUS, status, "the state of the group")
    if not STATUS.unpack(status)[1] & VIABLE:
        raise BusError(
            "vfio: found devices of the card's IOMMU group with other drivers, expected all of "
            "them bound to vfio-pci or to none"
        )


def join(container: int, group: int) -> None:
    """Put the group into the container, and let the IOMMU translate for it."""
    _ask(group, SET_CONTAINER, bytearray(struct.pack("=i", container)), "joining the container")
    _ask(container, SET_IOMMU, TYPE1_V2, "translating addresses")


def device_of(group: int, name: str) -> int:
    """Return the open file of the device of that name, as DOMAIN:BUS:DEVICE.FUNCTION."""
    return _ask(group, GET_DEVICE, bytearray(name.encode("ascii") + b"\0"), f"device {name}")


def region(device: int, index: int) -> tuple[int, int]:
    """Return where a region of the device lies in its file, and its size, in bytes."""
    found = bytearray(REGION.pack(REGION.size, 0, index, 0, 0, 0))
    _ask(device, REGION_INFO, found, f"region {index}")
    *_, size, offset = REGION.unpack(found)
    return offset, size


def map_memory(container: int, address: int, bus_address: int, size: int) -> None:
    """Let the card see memory of this process at an address of its bus; whole pages, in bytes."""
    flags = READABLE | WRITABLE
    wanted = MAPPING.pack(MAPPING.size, flags, address, bus_address, size)
    _ask(container, MAP_DMA, bytearray(wanted), f"mapping {size} bytes (ulimit -l)")


def unmap_memory(container: int, bus_address: int, size: int) -> None:
    """Let the card see it no more."""
    wanted = UNMAPPING.pack(UNMAPPING.size, 0, bus_address, size)
    _ask(container, UNMAP_DMA, bytearray(wanted), f"unmapping {size} bytes")


def _ask(file: int, request: int, argument: int | bytearray, what: str) -> int:
    try:
        return fcntl.ioctl(file, TYPE << 8 | FIRST + request, argument)
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        raise BusError(f"vfio: {what}: found {told}, expected it granted") from None
