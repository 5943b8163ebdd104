"""BAR0 through files laid out as Linux does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tickwright.bus.bar import PcieError
from tickwright.bus.pcie import DEVICE_ID, VENDOR_ID, PcieBar, find_cards


def device(root: Path, name: str, vendor: int = VENDOR_ID, model: int = DEVICE_ID) -> Path:
    path = root / name
    path.mkdir()
    (path / "vendor").write_text(f"{vendor:#06x}\n")
    (path / "device").write_text(f"{model:#06x}\n")
    (path / "resource0").write_bytes(bytes(4096))
    return path


def test_only_devices_with_both_ids_are_cards(tmp_path: Path):
    second = device(tmp_path, "0000:02:00.0")
    first = device(tmp_path, "0000:01:00.0")
    device(tmp_path, "0000:03:00.0", vendor=0x8086)
    device(tmp_path, "0000:04:00.0", model=DEVICE_ID + 1)
    assert find_cards(tmp_path) == [first, second]


def test_a_word_written_is_read_back_and_lies_little_endian_at_its_address(tmp_path: Path):
    path = device(tmp_path, "card")
    with PcieBar(path) as bar:
        bar.write(4092, 0x1234_5678)
        assert (bar.read(4092), bar.read(4088)) == (0x1234_5678, 0)
    assert (path / "resource0").read_bytes()[4092:] == bytes.fromhex("78563412")


@pytest.mark.parametrize("addr", [-4, 2, 4096])
def test_an_address_outside_the_bar_or_between_words_is_refused(tmp_path: Path, addr: int):
    with PcieBar(device(tmp_path, "card")) as bar:
        with pytest.raises(PcieError, match="found"):
            bar.read(addr)
        with pytest.raises(PcieError, match="found"):
            bar.write(addr, 1)


def test_a_device_with_other_ids_is_refused_before_it_is_mapped(tmp_path: Path):
    with pytest.raises(PcieError, match="found ids 0x8086"):
        PcieBar(device(tmp_path, "other", vendor=0x8086))


@pytest.mark.parametrize("content", [None, b""])
def test_a_bar_that_cannot_be_mapped_is_one_clear_line(tmp_path: Path, content: bytes | None):
    path = device(tmp_path, "card")
    (path / "resource0").unlink()
    if content is not None:
        (path / "resource0").write_bytes(content)
    with pytest.raises(PcieError, match="BAR0 cannot be mapped"):
        PcieBar(path)


def test_a_folder_that_is_no_device_is_refused(tmp_path: Path):
    with pytest.raises(PcieError, match="no ids"):
        PcieBar(tmp_path)
