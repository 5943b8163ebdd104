"""Audits a Verilog file of the card: ``python -m tickwright.audit FILE [--keep]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tickwright.audit.card import KEPT, audit
from tickwright.audit.census import census, written
from tickwright.audit.findings import UnreadableError
from tickwright.audit.netlist import Netlist
from tickwright.audit.structure import structure


def main(words: Sequence[str] | None = None) -> int:
    """Audit a file; return 1 if anything is not as it has to be."""
    arguments = argparse.ArgumentParser(prog="audit", description=__doc__)
    arguments.add_argument("file", type=Path)
    arguments.add_argument("--keep", action="store_true", help=f"expect what is found: {KEPT.name}")
    asked = arguments.parse_args(words)
    try:
        netlist = Netlist(asked.file.read_text(encoding="utf-8"), "card")
        if asked.keep and not list(structure(netlist)):
            KEPT.write_text(written(census(netlist)), encoding="utf-8")
        findings = list(audit(netlist))
    except UnreadableError as error:
        sys.stderr.write(f"{asked.file}: {error}\n")
        return 1
    for finding in findings:
        sys.stderr.write(f"{finding}\n")
    sys.stdout.write(f"{asked.file}: {len(findings)} findings\n")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
