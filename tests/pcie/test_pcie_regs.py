"""The pages behind BAR0 lie apart, where the manual says, and their hash tells a change."""

import re

import pytest

from tickwright.pcie import regs
from tickwright.pcie.outbox import DEPTH
from tickwright.telemetry.messages import RECORD_BYTES

PAGES = ("ENDPOINT_BASE", "MSIX_TABLE_BASE", "MSIX_PENDING_BASE", "FRAMES_BASE", "OUTBOX_BASE")


def test_pages_lie_where_the_manual_says_and_within_the_bar(project):
    text = (project / "docs" / "endpoint.md").read_text(encoding="utf-8")
    said = [int(start, 16) for start in re.findall(r"^\| (0x[0-9A-F]{4}) \|", text, re.MULTILINE)]
    assert said == [0, *(getattr(regs, name) for name in PAGES)]
    assert len({start // regs.PAGE_BYTES for start in said}) == len(said)
    assert regs.OUTBOX_BASE + regs.OUTBOX_BYTES <= regs.BAR_BYTES
    for block in (regs.PcieRegs, regs.FrameRegs):
        assert 4 * block.words <= regs.PAGE_BYTES


def test_both_rings_have_the_same_registers_at_the_same_offsets_and_begin_with_the_hash():
    assert regs.RingRegs.registers[0].name == "map_hash"
    for block in (regs.PcieRegs, regs.FrameRegs):
        ours = block.registers[: len(regs.RingRegs.registers)]
        assert [(one.name, one.offset) for one in ours] == [
            (one.name, one.offset) for one in regs.RingRegs.registers
        ]


@pytest.mark.parametrize("name", PAGES)
def test_the_hash_tells_another_place(monkeypatch, name):
    before = regs.fingerprint()
    monkeypatch.setattr(regs, name, getattr(regs, name) + regs.PAGE_BYTES)
    assert regs.fingerprint() != before


def test_what_the_manual_says_of_sizes_holds(project):
    text = (project / "docs" / "endpoint.md").read_text(encoding="utf-8")
    assert f"2^{regs.FEWEST_LOG2} to 2^{regs.MOST_LOG2} records of {RECORD_BYTES} bytes" in text
    assert f"The longest frame has {8 * (DEPTH - 1):,} bytes." in text
