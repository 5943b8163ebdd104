"""No change makes the card later than the kept table says, nor leaves the table behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tickwright.timing.figures import Table, read
from tickwright.timing.limits import cycles_kept
from tickwright.timing.targets import PIPELINE
from tickwright.top.presets import PRESETS
from tickwright.twin.latency import isolated, stage_cycles

ROUNDS = 8  # every place of a word

Cycles = dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def found() -> Cycles:
    """Return what was measured on the simulated card, by component and kind of message."""
    return stage_cycles(isolated(PRESETS["twin"], ROUNDS))


@pytest.fixture
def kept(project: Path) -> Table:
    return read(project / "docs" / "timing.toml")


def test_the_card_is_as_late_as_the_kept_table_says(found: Cycles, kept: Table):
    assert list(cycles_kept(found, kept)) == []


def test_the_card_is_as_late_as_its_stages_together(found: Cycles):
    for kind, cycles in found[PIPELINE].items():
        stages = [kinds[kind] for name, kinds in found.items() if name != PIPELINE]
        assert sum(stages) == cycles
        assert min(stages) > 0


@pytest.mark.parametrize(
    ("change", "told"), [(-1, "expected at most"), (1, "better than the kept")]
)
def test_a_cycle_more_or_less_than_kept_is_noticed(found: Cycles, kept: Table, change, told):
    for name, kinds in found.items():
        for kind, cycles in kinds.items():
            figures = kept.of(name)
            other = replace(figures, cycles={**figures.cycles, kind: cycles + change})
            (line,) = cycles_kept(found, Table({**kept.figures, name: other}))
            assert line.startswith(f"found {cycles}, {told} ")
