"""What is said of the blocks that a design does not contain is how they are joined to it."""

from fnmatch import fnmatchcase

import pytest
from amaranth.hdl import Fragment, Instance

from tickwright.platforms.alveo_u50 import AlveoU50
from tickwright.platforms.alveo_ul3524 import AlveoUl3524
from tickwright.platforms.pcie_block import PCIE, PcieBlock

JOINED = [
    pytest.param(PcieBlock, PCIE, id="pcie"),
    pytest.param(AlveoU50().ports, AlveoU50.ethernet, id="gty"),
    pytest.param(AlveoUl3524().ports, AlveoUl3524.ethernet, id="gtf"),
]


def meant(name, patterns) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def joined(part, block) -> dict[str, bool]:
    """Return which ports of the block are outputs."""
    fragment = Fragment.get(part(), None)
    (instance,) = (
        inner
        for inner, *_ in fragment.subfragments
        if isinstance(inner, Instance) and inner.type == block.module
    )
    return {name: kind == "o" for name, (_, kind) in instance.ports.items()}


@pytest.mark.parametrize(("part", "block"), JOINED)
def test_outputs_are_what_the_block_drives(part, block):
    assert {name: meant(name, block.outputs) for name in joined(part, block)} == joined(part, block)


@pytest.mark.parametrize(("part", "block"), JOINED)
def test_clocks_and_references_are_ports(part, block):
    found = joined(part, block)
    made = {clock: reference for clock, reference in block.clocks.items() if clock in found}
    assert made
    for clock, reference in made.items():
        assert found[clock]
        assert not found[reference]


@pytest.mark.parametrize(("part", "block"), JOINED)
def test_a_port_goes_by_one_clock_at_most_and_every_pattern_means_one(part, block):
    found = joined(part, block)
    for name in found:
        assert sum(meant(name, patterns) for patterns in block.domains.values()) <= 1
    for clock, patterns in block.domains.items():
        if clock in found:
            assert all(any(fnmatchcase(name, pattern) for name in found) for pattern in patterns)
    for pattern in (*block.serial, *block.outputs):
        assert any(fnmatchcase(name, pattern) for name in found)
