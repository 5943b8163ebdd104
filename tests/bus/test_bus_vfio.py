"""A card through VFIO, against a kernel of our own that checks what it is asked.

Its numbers and structures are written down here a second time, from ``linux/vfio.h``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from pathlib import Path

import pytest
from fake_endpoint.ring import LOG2, Card

from tickwright.bus import vfio_kernel
from tickwright.bus.errors import BusError
from tickwright.bus.host_ring import ring_bytes
from tickwright.bus.pcie import DEVICE_ID, VENDOR_ID
from tickwright.bus.record_ring import RecordRing
from tickwright.bus.vfio import VfioCard

NAME = "0000:01:00.0"
BAR_AT, BAR_SIZE, CONFIG_AT = 0, 1 << 16, 1 << 16
COMMAND_AT = CONFIG_AT + 4


class Kernel:
    """Files of VFIO, and what their requests do."""

    def __init__(self, root: Path) -> None:
        self.files = root / "vfio"
        self.files.mkdir()
        for name in ("vfio", "26", "device"):
            (self.files / name).touch()
        (self.files / "device").write_bytes(bytes(COMMAND_AT) + bytes.fromhex("0601"))
        self.version, self.extensions, self.viable, self.bar_size = 0, {3}, 1, BAR_SIZE
        self.steps: list[str] = []
        self.mapped: dict[int, tuple[int, int]] = {}  # of the bus address: address here, size
        self.refused: int | None = None

    def command(self) -> int:
        return struct.unpack("<H", (self.files / "device").read_bytes()[COMMAND_AT:])[0]

    def ioctl(self, file: int, request: int, argument: int | bytearray = 0) -> int:
        if request == self.refused:
            raise OSError(errno.EPERM, "Operation not permitted")
        match opened(file).name, request, argument:
            case "vfio", 0x3B64, 0:
                return self.version
            case "vfio", 0x3B65, int(extension):
                return int(extension in self.extensions)
            case "26", 0x3B67, bytearray(status):
                assert struct.unpack("=II", status) == (8, 0)
                argument[:] = struct.pack("=II", 8, self.viable)
            case "26", 0x3B68, bytearray(container):
                (other,) = struct.unpack("=i", container)
                assert opened(other) == self.files / "vfio"
                self.steps.append("joined")
            case "vfio", 0x3B66, 3:
                assert self.steps == ["joined"]
                self.steps.append("translated")
            case "26", 0x3B6A, bytearray(name):
                assert (self.steps, bytes(name)) == (
                    ["joined", "translated"],
                    NAME.encode() + b"\0",
                )
                return os.open(self.files / "device", os.O_RDWR)
            case "device", 0x3B6C, bytearray(wanted):
                size, flags, index, more, *rest = struct.unpack("=IIIIQQ", wanted)
                assert (size, flags, more, rest) == (32, 0, 0, [0, 0])
                found = {0: (self.bar_size, BAR_AT), 7: (256, CONFIG_AT)}[index]
                argument[:] = struct.pack("=IIIIQQ", 32, 7, index, 0, *found)
            case "vfio", 0x3B71, bytearray(wanted):
                size, flags, here, there, length = struct.unpack("=IIQQQ", wanted)
                assert (size, flags) == (32, 3)
                assert here % 4096 == there % 4096 == length % 4096 == 0 < length
                self.mapped[there] = here, length
            case "vfio", 0x3B72, bytearray(wanted):
                size, flags, there, length = struct.unpack("=IIQQ", wanted)
                assert (size, flags) == (24, 0)
                assert not self.command() & 4, "memory goes while the card may write"
                assert self.mapped.pop(there)[1] == length
            case _:
                raise OSError(errno.ENOTTY, "Inappropriate ioctl for device")
        return 0

    def write(self, there: int, data: bytes) -> None:
        """Write as the card does, if it may and sees memory there."""
        assert self.command() & 4
        for start, (here, length) in self.mapped.items():
            if start <= there and there + len(data) <= start + length:
                ctypes.memmove(here + there - start, data, len(data))
                return
        raise AssertionError(f"the card wrote to {there:#x}, where it sees nothing")


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel(tmp_path)
    monkeypatch.setattr(vfio_kernel.fcntl, "ioctl", kernel.ioctl)
    return kernel


@pytest.fixture
def device(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    path.mkdir()
    (path / "vendor").write_text(f"{VENDOR_ID:#06x}\n")
    (path / "device").write_text(f"{DEVICE_ID:#06x}\n")
    (tmp_path / "26").mkdir()
    (path / "iommu_group").symlink_to(tmp_path / "26")
    return path


def opened(file: int) -> Path:
    return Path(f"/proc/self/fd/{file}").readlink()


def left_open(folder: Path) -> list[Path]:
    """Return the files below a folder that this process has open."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [path for link in links if folder in (path := link.readlink()).parents]


def test_a_word_written_is_read_back_and_all_is_closed_in_the_end(kernel: Kernel, device: Path):
    with VfioCard(device, kernel.files) as card:
        card.write(BAR_SIZE - 4, 0x1234_5678)
        assert (card.read(BAR_SIZE - 4), card.read(0)) == (0x1234_5678, 0)
        assert (kernel.files / "device").read_bytes()[BAR_SIZE - 4 : BAR_SIZE].hex() == "78563412"
        assert {path.name for path in left_open(kernel.files)} == {"vfio", "26", "device"}
    card.close()
    assert left_open(kernel.files) == []


def test_bus_mastering_changes_that_bit_alone(kernel: Kernel, device: Path):
    with VfioCard(device, kernel.files) as card:
        before = kernel.command()
        card.allow_bus_master()
        assert kernel.command() == before | 4
        card.allow_bus_master(False)
        assert kernel.command() == before & ~4


def test_memory_lies_apart_where_the_card_sees_it_until_the_end(kernel: Kernel, device: Path):
    with VfioCard(device, kernel.files) as card:
        first, second = card.memory(5000), card.memory(3 << 20)
        assert first.address >= 1 << 32
        assert first.address + first.size <= second.address
        assert second.address % (2 << 20) == 0
        card.allow_bus_master()
        kernel.write(first.address + 4990, b"tail of it")
        kernel.write(second.address, b"head")
        assert first.read(4990, 10) == b"tail of it"
        assert second.read(0, 5) == b"head\0"
        second.write(0, b"H")
        assert second.read(0, 4) == b"Head"
        with pytest.raises(BusError, match="memory of the card: found bytes 4999 to 5001"):
            first.read(4999, 2)
        card.allow_bus_master(False)
        first.close()
        assert list(kernel.mapped) == [second.address]
        card.allow_bus_master()
    assert kernel.mapped == {}
    with pytest.raises(BusError, match="found 0 bytes, expected at least 1"):
        card.memory(0)


def test_a_ring_runs_in_it(kernel: Kernel, device: Path):
    with VfioCard(device, kernel.files) as card:
        memory = card.memory(ring_bytes(LOG2))
        card.allow_bus_master()
        endpoint = Card(memory)
        memory.write, kept = lambda at, data: kernel.write(memory.address + at, data), memory.write
        ring = RecordRing(endpoint, memory, LOG2)
        ring.start()
        assert b"".join(endpoint.send(5)) == ring.read() != b""
        memory.write = kept
        ring.stop()


def test_a_card_without_an_iommu_is_refused(kernel: Kernel, device: Path):
    (device / "iommu_group").unlink()
    with pytest.raises(BusError, match="iommu_group: found none, expected an IOMMU"):
        VfioCard(device, kernel.files)


@pytest.mark.parametrize(
    ("fact", "value", "told"),
    [
        ("version", 1, "found version 1, expected 0"),
        ("extensions", set(), "found no IOMMU of type 1, version 2"),
        ("viable", 0, "found devices of the card's IOMMU group with other drivers"),
        ("bar_size", 0, "BAR0: found no bytes, expected 65536 bytes that can be mapped"),
        ("refused", 0x3B68, "joining the container: found operation not permitted"),
        ("refused", 0x3B6A, f"device {NAME}: found operation not permitted"),
    ],
)
def test_what_the_kernel_refuses_is_one_line_and_leaves_nothing_open(
    kernel: Kernel, device: Path, fact: str, value: object, told: str
):
    setattr(kernel, fact, value)
    with pytest.raises(BusError, match=told) as error:
        VfioCard(device, kernel.files)
    assert "\n" not in str(error.value)
    assert left_open(kernel.files) == []


@pytest.mark.parametrize("missing", ["vfio", "26"])
def test_a_card_that_vfio_does_not_have_is_told(kernel: Kernel, device: Path, missing: str):
    (kernel.files / missing).unlink()
    with pytest.raises(BusError, match=f"{missing}: found no such file or directory, expected"):
        VfioCard(device, kernel.files)


def test_memory_that_may_not_be_locked_is_refused(kernel: Kernel, device: Path):
    with VfioCard(device, kernel.files) as card:
        kernel.refused = 0x3B71
        with pytest.raises(BusError, match="mapping 8192 bytes"):
            card.memory(5000)
