"""What a load changes: one value a row, in the units of the files."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from tickwright.host.desk import LIMIT_UNITS
from tickwright.host.sets import ORDER_LIMITS, LimitSet, loosened
from tickwright.host.settings import Desk as DeskFile
from tickwright.host.settings import Limits, keys, shown
from tickwright.host.setup import GateSetup, SymbolSetup
from tickwright.risk.checks import STATES
from tickwright.risk.regs import SYMBOL_LIMITS
from tickwright.service.protocol import Change

__all__ = ["desk_changes", "file_changes", "limit_changes"]

GATE = "limits"
KEYS = {register: (key, scale) for key, register, scale, _ in LIMIT_UNITS}


def desk_changes(old: DeskFile | None, new: DeskFile) -> list[Change]:
    """Return what differs between two desk files: sections, symbols, then pairs by name."""
    rows: list[Change] = []
    for key in keys(DeskFile):
        before = None if old is None else getattr(old, key.name)
        after = getattr(new, key.name)
        if isinstance(after, Struct):
            rows += _differences(key.name, before, after)
        elif isinstance(after, dict):
            rows += _of_tables("symbol", before or {}, after)
    before = {} if old is None else {pair.name: pair for pair in old.pair}
    return rows + _of_tables("pair", before, {pair.name: pair for pair in new.pair})


def file_changes(old: Limits | None, new: Limits) -> list[Change]:
    """Return what differs between two limits files, of whatever symbols they name."""
    rows = _differences(GATE, old, new)
    rows += _differences("defaults", None if old is None else old.defaults, new.defaults)
    return rows + _of_tables("symbol", {} if old is None else old.symbols, new.symbols)


def limit_changes(old: LimitSet | None, new: LimitSet) -> list[Change]:
    """Return each limit that differs between two sets, as the card judges by them.

    A symbol that was not in force had limits of 0; so had all, where nothing was.
    """
    before = LimitSet(epoch=0, symbols=(), gate=GateSetup()) if old is None else old
    looser = set(loosened(before, new))
    rows = [
        _limit(GATE, register, getattr(before.gate, register), getattr(new.gate, register),
               ("", register) in looser)
        for register in ORDER_LIMITS
        if getattr(before.gate, register) != getattr(new.gate, register)
    ]  # fmt: skip
    if before.gate.state != new.gate.state:
        higher = STATES.index(new.gate.state) > STATES.index(before.gate.state)
        rows.append(Change(GATE, "state", before.gate.state, new.gate.state, higher))
    count = max(len(before.symbols), len(new.symbols))
    nothing = SymbolSetup(name="-")
    for index in range(count):
        held = before.symbols[index] if index < len(before.symbols) else nothing
        wanted = new.symbols[index] if index < len(new.symbols) else nothing
        name = wanted.name if wanted is not nothing else held.name
        rows += [
            _limit(f"symbol {name}", register, getattr(held, register), getattr(wanted, register),
                   (name, register) in looser)
            for register in SYMBOL_LIMITS
            if getattr(held, register) != getattr(wanted, register)
        ]  # fmt: skip
    return rows


def _limit(where: str, register: str, old: int, new: int, loosens: bool) -> Change:
    key, scale = KEYS[register]
    before, after = (shown(value if scale == 1 else Decimal(value) / scale) for value in (old, new))
    return Change(where, key, before, after, loosens)


def _of_tables(what: str, old: Mapping[str, Struct], new: Mapping[str, Struct]) -> list[Change]:
    """Return what differs between tables of structures by name; those that are gone come last."""
    rows = []
    for name in [*new, *(name for name in old if name not in new)]:
        rows += _differences(f"{what} {name}", old.get(name), new.get(name))
    return rows


def _differences(where: str, old: Struct | None, new: Struct | None) -> list[Change]:
    """Return the plain values that differ; a structure that is not there has none."""
    there = new or old
    if there is None:
        return []
    rows = []
    for name in there.__struct_fields__:
        before, after = (None if one is None else getattr(one, name) for one in (old, new))
        plain = not isinstance(before if after is None else after, Struct | dict | list)
        if plain and before != after:
            texts = ["" if value is None else shown(value) for value in (before, after)]
            rows.append(Change(where, name, texts[0], texts[1]))
    return rows
