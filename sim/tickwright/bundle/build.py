"""Writes the Vivado project of a board and looks it over: ``make bundle BOARD=alveo_u50``."""

from __future__ import annotations

import sys
from pathlib import Path

from tickwright.bundle.check import Report, check
from tickwright.platforms.alveo import AlveoPlatform
from tickwright.platforms.alveo_card import SYNCHRONIZERS
from tickwright.platforms.alveo_u50 import AlveoU50
from tickwright.platforms.alveo_ul3524 import AlveoUl3524
from tickwright.platforms.bundle import write_bundle
from tickwright.top.presets import PRESETS, Preset

__all__ = ["BOARDS", "build", "main"]

ROOT = Path(__file__).resolve().parents[3]
BOARDS: dict[str, type[AlveoPlatform]] = {board.name: board for board in (AlveoU50, AlveoUl3524)}
PRESET = "alveo"


def build(board: str, preset: Preset, folder: Path) -> Report:
    """Write the bundle of a board into a folder, and return what there is to say of it."""
    platform = BOARDS[board]()
    write_bundle(platform, preset, folder, ROOT / "constraints")
    return check(folder, board, platform.blocks, SYNCHRONIZERS, platform.unverified)


def main(arguments: list[str]) -> int:
    """Write and check; the status is 1 if anything is wrong, 2 for a board that there is not."""
    if len(arguments) != 1 or arguments[0] not in BOARDS:
        expected = " or ".join(BOARDS)
        sys.stderr.write(f"board: found {' '.join(arguments) or 'none'}, expected {expected}\n")
        return 2
    folder = ROOT / "build" / "bundle" / arguments[0]
    report = build(arguments[0], PRESETS[PRESET], folder)
    sys.stdout.write(f"{folder}: generated, not run\n")
    for line in (*(f"ERROR {error}" for error in report.errors), *report.open):
        sys.stderr.write(f"{line}\n")
    return 1 if report.errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
