"""The open flow for ECP5: what it reports of a small design, and what it refuses."""

import pytest
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tickwright.timing.ecp5 import FlowError, route, synthesize
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
