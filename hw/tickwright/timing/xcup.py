"""Cells of UltraScale+ that a component takes, as Yosys maps it; no placement, so no clock.

The open flow stops there: these counts are before the vendor's tool packs and optimizes.
"""

import json
import re
from collections import Counter
from pathlib import Path

from tickwright.timing.ecp5 import yosys

__all__ = ["KINDS", "counts"]

KINDS = {
    "LUT":  re.compile(r"LUT[1-6]|SRL\w+"),
    "FF":   re.compile(r"FD[RSCP]E"),
    "RAMB36": re.compile(r"RAMB36E2"),
    "RAMB18": re.compile(r"RAMB18E2"),
    "URAM": re.compile(r"URAM288"),
    "DSP":  re.compile(r"DSP48E2"),
}
"""What is counted, and the cells that it is."""


def counts(source: str, folder: Path, name: str) -> dict[str, int]:
    """Return how many cells of each of `KINDS` a module ``top`` takes, in Verilog.

    Files go to a folder below the working directory. No memory becomes LUT RAM, which Yosys does
    not map for all; small ones are registers, so that their bits count as FF. Raises FlowError.
    """
    statistics = folder / f"{name}.xcup.stat"
    yosys(source, statistics, "synth_xilinx -family xcup -flatten -noiopad -nolutram -top top; "
          f"tee -q -o {statistics} stat -json")
    found = json.loads(statistics.read_text())["design"]["num_cells_by_type"]
    sums: Counter[str] = Counter({kind: 0 for kind in KINDS})
    for cell, number in found.items():
        for kind, pattern in KINDS.items():
            if pattern.fullmatch(cell):
                sums[kind] += number
    return dict(sums)
