"""A card has one owner, by whichever way and under whichever name it is reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from tickwright.bus.pcie import DEVICE_ID, VENDOR_ID
from tickwright.service.card_lock import CardLock, CardLockError

ADDRESS = "0000:03:00.0"


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the devices of the PCI bus are, one card among them: its BAR0 is for others."""
    monkeypatch.setattr("tickwright.bus.opening.SYSFS", tmp_path)
    device = tmp_path / ADDRESS
    device.mkdir()
    (device / "vendor").write_text(f"{VENDOR_ID:#06x}\n")
    (device / "device").write_text(f"{DEVICE_ID:#06x}\n")
    (device / "vendor").chmod(0o444)
    return tmp_path


def refused(card: str) -> None:
    with pytest.raises(CardLockError, match=f"^{card}: found another service that owns it"):
        CardLock(card)


def test_a_twin_under_two_names_has_one_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "card").touch()
    (tmp_path / "other").symlink_to("card")
    with CardLock(f"twin:{tmp_path}/card"):
        refused("twin:card")
        refused(f"twin:{tmp_path}/other")
        CardLock("twin:third").close()
    CardLock(f"twin:{tmp_path}/other").close()


@pytest.mark.parametrize("first", ["pcie", f"pcie:{ADDRESS}", f"vfio:{ADDRESS}"])
@pytest.mark.parametrize("second", ["pcie", f"pcie:{ADDRESS}", f"vfio:{ADDRESS}"])
def test_a_card_on_pci_express_has_one_owner(devices: Path, first: str, second: str):
    with CardLock(first):
        refused(second)
    CardLock(second).close()


def test_a_device_that_is_not_there_is_told(devices: Path):
    with pytest.raises(CardLockError, match=r"vendor: no such file or directory$"):
        CardLock("vfio:0000:04:00.0")
