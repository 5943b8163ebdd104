"""Constraints are taken in each form that keeps two clocks apart, and in no other."""

import pytest

from tickwright.bundle.constraints import Constraints, queries
from tickwright.bundle.tcl import commands

FAST = "[get_clocks -of_objects [get_pins a/clk]]"
APART = {("a/clk", "slow"), ("slow", "a/clk")}


def apart(script: str) -> set[tuple[str, str]]:
    found = Constraints()
    found.read(script)
    return {(one, other) for source, target in found.apart
            for one in source.pins for other in target.pins}  # fmt: skip


@pytest.mark.parametrize(
    ("script", "pairs"),
    [
        (f"set_clock_groups -asynchronous -group {FAST} -group [get_clocks slow]", APART),
        (f"set_false_path -from {FAST} -to [get_clocks slow]", {("a/clk", "slow")}),
        (f"set_max_delay -datapath_only -from {FAST} -to [get_clocks slow] 4", {("a/clk", "slow")}),
        (f"set_max_delay -from {FAST} -to [get_clocks slow] 4", set()),
        (f"set_false_path -from {FAST}", set()),
        ("set_false_path -from [get_ports a] -to [get_ports b]", set()),
    ],
)
def test_clocks_are_kept_apart(script, pairs):
    assert apart(script) == pairs


def test_properties_and_clocks_of_ports():
    found = Constraints()
    found.read(
        "set_property -dict {PACKAGE_PIN A1 IOSTANDARD LVDS} [get_ports {a[0]}]\n"
        "set_property PULLUP TRUE [get_ports {a[0] b}]\n"
        "create_clock -name slow -period 10 [get_ports b]\n"
        "create_clock -period 10 [get_ports c]\n"
        "set_property ASYNC_REG TRUE [get_cells {x/stage*_reg}]\n"
        "set_property CONFIG_MODE SPIx4 [current_design]\n"
    )
    assert found.properties == {
        "a[0]": {"PACKAGE_PIN": "A1", "IOSTANDARD": "LVDS", "PULLUP": "TRUE"},
        "b": {"PULLUP": "TRUE"},
    }
    assert found.clocks == {"slow": "b", "c": "c"}
    assert found.synchronizers == ["x/stage*_reg"]


def test_names_are_found_within_brackets_too():
    script = commands(f"a\nset_x {FAST} -to [get_ports {{p q}}]")
    found = [(query.line, query.kind, query.names) for query in queries(script)]
    assert found == [(2, "clocks", ()), (2, "pins", ("a/clk",)), (2, "ports", ("p", "q"))]
