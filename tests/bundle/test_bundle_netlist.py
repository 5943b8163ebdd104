"""Verilog of the form that Yosys writes is read signal by signal."""

import pytest

from tickwright.bundle.clocks import Crossing, Design
from tickwright.bundle.netlist import NetlistError, modules
from tickwright.platforms.hard_block import HardBlock

BLOCK = HardBlock(
    module="hard",
    source="",
    outputs=("clk_out", "q"),
    serial=("pad",),
    clocks={"clk_out": "ref"},
    domains={"clk_out": ("q", "d")},
)

TOP = r"""
/* a comment */
module top(clk, pad, other, out);
  input clk;
  wire clk;
  input pad;
  input other;
  output [1:0] out;
  reg [1:0] \begin  = 2'h0;
  reg [7:0] mem [3:0];
  reg taken;
  reg held;
  wire here;
  wire q, fast;
  initial begin
    mem[0] = 8'h00;
  end
  always @(posedge clk)
    if (other) \begin  <= { taken, q };
  always @(posedge clk) begin
    mem[\begin ] <= other;
  end
  always @(posedge clk)
    if (q) held <= other;
  always @* begin
    taken = 1'h0;
    casez (other)
      1'h1: taken = here;
      default: taken = 1'h1;
    endcase
  end
  assign out[1:0] = \begin ;
  \top.inner  inner (
    .fast(fast),
    .there(here),
    .q(q)
  );
  hard #(
    .MODE(32'd1)
  ) block (
    .clk_out(fast),
    .ref(clk),
    .pad(pad),
    .d(\begin [0]),
    .q(q)
  );
endmodule

module \top.inner (fast, q, there);
  input fast;
  input q;
  output there;
  reg there = 1'h0;
  always @(posedge fast, posedge q)
    if (q) there <= 1'h1;
    else there <= 1'h0;
endmodule
"""


@pytest.fixture
def design():
    return Design(modules(TOP), "top", [BLOCK])


def test_ports_are_told_bit_by_bit(design):
    assert design.ports == ["clk", "pad", "other", "out[0]", "out[1]"]


def test_registers_memories_and_instances_are_cells(design):
    assert design.cells == {"begin_reg", "mem_reg", "held_reg", "inner", "inner/there_reg", "block"}


def test_a_clock_comes_from_a_port_or_a_block(design):
    assert design.clocks() == {"clk": "held", "block/clk_out": "inner/there"}


def test_a_clock_made_by_logic_is_refused():
    broken = TOP.replace(".fast(fast),", ".fast(gated),").replace(
        "  wire q, fast;", "  wire q, fast;\n  wire gated;\n  assign gated = fast & other;"
    )
    with pytest.raises(ValueError, match=r"the clock gated is made by logic"):
        Design(modules(broken), "top", [BLOCK]).clocks()


def test_each_crossing_is_found(design):
    """Through logic, by a condition and into a block; a reset of the same clock is none."""
    assert design.crossings() == [
        Crossing("block/clk_out", "clk", "\\begin"),
        Crossing("block/clk_out", "clk", "held"),
        Crossing("clk", "block/clk_out", "block/d"),
    ]


def test_only_a_port_that_leads_to_a_transceiver_alone_is_serial(design):
    assert design.serial() == {"pad"}


@pytest.mark.parametrize(
    "text",
    [
        "primitive x(a); endprimitive",
        TOP.replace("inner (", "inner ;"),
        TOP.replace("= here;", "= there;"),
        TOP.replace("  assign out[1:0] = \\begin ;", "  assign out[1:0] = \\begin "),
    ],
)
def test_what_yosys_does_not_write_is_refused(text):
    with pytest.raises(NetlistError):
        modules(text)
