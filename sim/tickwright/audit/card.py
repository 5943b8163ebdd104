"""Everything that is asked of the card's text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tickwright.audit.census import census, changes, parsed, resets
from tickwright.audit.findings import Finding
from tickwright.audit.gate import claims
from tickwright.audit.netlist import Netlist
from tickwright.audit.structure import structure

__all__ = ["KEPT", "audit"]

KEPT = Path(__file__).with_name("card.txt")  # the census that is expected


def audit(netlist: Netlist) -> Iterator[Finding]:
    """Yield what is not as it has to be; what rests on the structure is not asked without it."""
    broken = list(structure(netlist))
    yield from broken
    if broken:
        return
    yield from changes(census(netlist), parsed(KEPT.read_text(encoding="utf-8")))
    yield from resets(netlist)
    for claim in claims(netlist):
        yield from claim.check(netlist)
