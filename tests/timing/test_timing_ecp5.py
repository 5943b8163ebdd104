"""The open flow for ECP5: what it reports of a small design, and what it refuses."""

import json
from collections import Counter
from pathlib import Path

import pytest
from amaranth import *
from amaranth.back import rtlil
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.timing.ecp5 import COMPARISONS, FlowError, route, synthesize, yosys
from tickwright.timing.harness import Harness
from tickwright.top.build import verilog


class Product(wiring.Component):
    """Multiplies two numbers that lie in a memory."""

    row: In(9)
    value: In(36)
    product: Out(36)

    def elaborate(self, platform):
        m = Module()
        m.submodules.rows = rows = Memory(shape=36, depth=512, init=[])
        write, read = rows.write_port(), rows.read_port()
        m.d.comb += [write.addr.eq(self.row), write.data.eq(self.value), write.en.eq(1)]
        m.d.comb += read.addr.eq(self.row)
        m.d.sync += self.product.eq(read.data[:18] * read.data[18:])
        return m


def test_a_design_is_measured_in_a_part(build):
    netlist = synthesize(verilog(Harness(Product()), "top"), build, "product")
    found = route(netlist, "45F", seed=1)
    assert found.there == {"LUT4": 43_848, "FF": 43_848, "block RAM": 108, "DSP": 72}
    assert (found.used["block RAM"], found.used["DSP"]) == (1, 1)
    assert found.used["FF"] >= 2 * (9 + 36) + 2 * 36
    assert 50 < found.fmax_mhz < 600
    assert abs(sum(hop.delay_ns for hop in found.path) - 1e3 / found.fmax_mhz) < 1
    assert route(netlist, "45F", seed=1) == found  # the same in every run


def test_what_is_no_design_is_refused(build):
    with pytest.raises(FlowError, match="syntax error"):
        synthesize("module top(; endmodule", build, "broken")


@pytest.mark.parametrize("sign", ["", "signed"])
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_a_comparison_is_a_carry_chain_alone(build, operator, sign):
    netlist = synthesize(compares(operator, sign, bits=32), build, "compares")
    top = json.loads(netlist.read_text())["modules"]["top"]
    cells = Counter(cell["type"] for cell in top["cells"].values())
    assert cells["CCU2C"] == 16
    assert cells["LUT4"] <= 1  # to turn the last carry round


@pytest.mark.parametrize("sign", ["", "signed"])
@pytest.mark.parametrize("operator", ["<=", ">"])
def test_a_comparison_turned_round_is_the_same(build, operator, sign):
    source = compares(operator, sign, bits=8)
    prove_same(source, COMPARISONS, build)
    with pytest.raises(FlowError, match="equiv"):  # it would be seen if it were another
        prove_same(source, COMPARISONS.replace(".A(B), .B(A)", ".A(A), .B(B)"), build)


def test_a_comparison_with_nothing_is_mapped(build):
    value, nothing, least, most = Signal(8), Signal(0), Signal(), Signal()
    m = Module()
    m.d.comb += [least.eq(value <= nothing), most.eq(value > nothing)]
    netlist = synthesize(
        rtlil.convert(m, name="top", ports=[value, least, most]), build, "nothing", language="rtlil"
    )
    assert netlist.exists()


def prove_same(source: str, techmap: str, build: Path) -> None:
    """Let Yosys prove that a module is the same when it is mapped."""
    build.mkdir(parents=True, exist_ok=True)
    path, proved = build / "techmap.v", build / "proved.stat"
    path.write_text(techmap)
    yosys(
        source,
        proved,
        f"hierarchy -top top; proc; equiv_opt -assert techmap -map {path}; tee -q -o {proved} stat",
    )


def compares(operator: str, sign: str, bits: int) -> str:
    """Return Verilog that compares two numbers."""
    return (
        f"module top(input {sign} [{bits - 1}:0] a, input {sign} [{bits - 1}:0] b, output y);\n"
        f"assign y = a {operator} b;\nendmodule\n"
    )
