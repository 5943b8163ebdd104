"""The text that names a card leads to it, or to one line that says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tickwright.bus.errors import BusError
from tickwright.bus.opening import open_bus, place_of
from tickwright.bus.pcie import PcieBar
from tickwright.bus.recorded import RecordedBus
from tickwright.top.memory_map import fingerprint


@pytest.mark.parametrize(
    "text", ["", "card", "twin", "twin:", "uart:", "recorded", "pcie:", "vfio", "vfio:", "PCIE"]
)
def test_a_text_that_names_no_card_is_refused(text):
    with pytest.raises(BusError, match="expected twin:PATH") as error:
        open_bus(text)
    assert repr(text) in str(error.value)


def test_a_twin_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(BusError, match="found no such file or directory, expected a twin"):
        open_bus(f"twin:{tmp_path}/none")


def test_a_record_is_opened(tmp_path: Path):
    (tmp_path / "record").write_text("r 0 1\n")
    with open_bus(f"recorded:{tmp_path}/record") as bus:
        assert isinstance(bus, RecordedBus)
        assert bus.read(0) == 1


def card(sysfs: Path, name: str, map_hash: int = fingerprint()) -> None:
    (sysfs / name).mkdir()
    (sysfs / name / "vendor").write_text("0x10ee\n")
    (sysfs / name / "device").write_text("0x7457\n")
    words = [map_hash, *[7] * 1023]
    (sysfs / name / "resource0").write_bytes(b"".join(w.to_bytes(4, "little") for w in words))


def test_the_only_card_needs_no_place_and_others_do(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tickwright.bus.opening.SYSFS", tmp_path)
    with pytest.raises(BusError, match="found none, expected one card"):
        open_bus("pcie")
    card(tmp_path, "0000:01:00.0")
    with open_bus("pcie") as bus:
        assert bus.read(4) == 7
    card(tmp_path, "0000:02:00.0")
    with pytest.raises(BusError, match=r"found 0000:01:00\.0, 0000:02:00\.0, expected one card"):
        open_bus("pcie")
    with open_bus("pcie:0000:02:00.0") as bus:
        assert bus.read(8) == 7
    for way in ("pcie", "vfio"):
        with pytest.raises(BusError, match=rf"^{way}: .*no ids of a PCI device"):
            open_bus(f"{way}:0000:03:00.0")
    with pytest.raises(BusError, match="iommu_group: found none, expected an IOMMU"):
        open_bus("vfio:0000:02:00.0")


@pytest.mark.parametrize("found", [0, 0xFFFF_FFFF, fingerprint() ^ 1], ids=hex)
@pytest.mark.parametrize("text", ["pcie", "pcie:0000:01:00.0"])
def test_a_card_with_another_register_map_is_refused_and_closed(
    tmp_path: Path, monkeypatch, text: str, found: int
):
    monkeypatch.setattr("tickwright.bus.opening.SYSFS", tmp_path)
    closed = []
    close = PcieBar.close
    monkeypatch.setattr(PcieBar, "close", lambda bar: (closed.append(bar), close(bar)))
    card(tmp_path, "0000:01:00.0", map_hash=found)
    with pytest.raises(BusError) as error:
        open_bus(text)
    told = f"found map hash {found:#010x}, expected {fingerprint():#010x}"
    assert str(error.value).startswith(f"0000:01:00.0: {told}: ")
    assert len(closed) == 1


def test_a_card_is_in_one_place_however_it_is_named(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tickwright.bus.opening.SYSFS", tmp_path)
    monkeypatch.chdir(tmp_path)
    card(tmp_path, "0000:01:00.0")
    for name in ("pcie", "pcie:0000:01:00.0", "vfio:0000:01:00.0"):
        assert place_of(name) == tmp_path / "0000:01:00.0"
    (tmp_path / "other").symlink_to(tmp_path / "tty")
    for scheme in ("twin", "uart", "recorded"):
        for name in ("tty", "other", f"{tmp_path}/other"):
            assert place_of(f"{scheme}:{name}") == tmp_path / "tty"
    assert place_of("uart:other@9600") == tmp_path / "tty"


def test_a_name_that_several_cards_have_is_of_no_place(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tickwright.bus.opening.SYSFS", tmp_path)
    card(tmp_path, "0000:01:00.0")
    card(tmp_path, "0000:02:00.0")
    with pytest.raises(BusError, match="expected one card"):
        place_of("pcie")
