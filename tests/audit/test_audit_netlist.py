"""Verilog is read as it is meant, or not at all."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Value
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

from tickwright.audit.findings import UnreadableError
from tickwright.audit.netlist import Netlist
from tickwright.audit.structure import structure
from tickwright.audit.ternary import Ternary, constant, mask
from tickwright.order.digits import Decimal
from tickwright.order.responses import ResponseDecoder
from tickwright.risk.arming import Arming
from tickwright.risk.gate import Gate
from tickwright.risk.legs import LegChecks
from tickwright.top.build import verilog
from tickwright.top.presets import PRESETS

CYCLES = 100
VERSA = PRESETS["versa"]


def in_verilog(*lines: str, ports: str = "clk, rst, a, b, y") -> Netlist:
    declared = ["input clk, rst;", "input [3:0] a;", "input [3:0] b;", "output [7:0] y;"]
    return Netlist("\n".join([f"module top({ports});", *declared, *lines, "endmodule\n"]), "top")


def known(netlist: Netlist, **inputs: int) -> Ternary:
    given = {netlist.net(f"top.{name}"): value for name, value in inputs.items()}
    held = {net: constant(value, net.width) for net, value in given.items()}
    return netlist.settled(netlist.order, held)[netlist.net("top.y")]


@pytest.mark.parametrize(
    "component",
    [LegChecks(VERSA), Gate(VERSA), Arming(), ResponseDecoder(), Decimal()],
    ids=lambda component: type(component).__name__,
)
def test_the_text_does_what_the_gateware_does(component: Any):
    netlist = Netlist(verilog(component, "top"), "top")
    ports = {
        "__".join(map(str, path)): (member.flow, Value.cast(value))
        for path, member, value in component.signature.flatten(component)
    }
    inputs, outputs = (
        [name for name, net in netlist.ports.items() if net.direction == way and name in ports]
        for way in ("input", "output")
    )
    assert {name for name in inputs} <= {name for name, (flow, _) in ports.items() if flow == In}
    rng = random.Random(2026)
    state = {
        net: net.initial if net.initial is not None else Ternary(0, 0) for net in netlist.registers
    }
    given = {net: constant(0, net.width) for name in ("clk", "rst")
             if (net := netlist.ports.get(name))}  # fmt: skip

    def some(bits: int) -> int:
        return rng.choice([0, 1, 2, mask(bits), rng.getrandbits(bits), rng.getrandbits(bits)])

    async def bench(ctx: Any):
        nonlocal state
        for _ in range(CYCLES):
            now = dict(given)
            for name in inputs:
                bits = netlist.ports[name].width
                number = some(bits) & mask(bits)
                ctx.set(ports[name][1], number)
                now[netlist.ports[name]] = constant(number, bits)
            values = netlist.settled(netlist.order, now | state) | state
            for name in outputs:
                net, expected = netlist.ports[name], ctx.get(ports[name][1])
                assert values[net] == constant(expected, net.width), name
            state = netlist.after(now | state, netlist.registers)
            if netlist.registers:
                await ctx.tick()
            else:
                await ctx.delay(1e-9)

    simulator = Simulator(component)
    if netlist.registers:
        simulator.add_clock(1e-9)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(
    ("expression", "y"),
    [
        pytest.param("a + b", 9 + 12, id="as-wide-as-what-it-is-assigned-to"),
        pytest.param("{a + b}", (9 + 12) & 15, id="a-concatenation-is-as-wide-as-it-is"),
        pytest.param("a - b", (9 - 12) & 255, id="negative"),
        pytest.param("$signed(a) + $signed(b)", (9 - 16 + 12 - 16) & 255, id="signed"),
        pytest.param("$signed(a) + b", 9 + 12, id="unsigned-if-one-is"),
        pytest.param("- $signed(a)", 7, id="minus"),
        pytest.param("~ a", 0xF6, id="inverse-of-what-is-widened"),
        pytest.param("a > b", 0, id="unsigned-comparison"),
        pytest.param("$signed(a) < $signed(b)", 1, id="signed-comparison"),
        pytest.param("$signed(a) < 2", 1, id="a-number-without-a-size-is-signed"),
        pytest.param("$signed(a) < 4'd2", 0, id="one-with-a-size-is-not"),
        pytest.param("a << b[1:0]", 9, id="shift-by-nothing"),
        pytest.param("a << b[3:2]", 9 << 3, id="left"),
        pytest.param("{ b, a } >> a[1:0]", 0xC9 >> 1, id="right"),
        pytest.param("(a == b) ? a : $signed(b)", 12, id="choice"),
        pytest.param("| a", 1, id="any"),
        pytest.param("& a", 0, id="all"),
        pytest.param("! a", 0, id="none"),
        pytest.param("8'b1_01", None, id="an-underscore"),
        pytest.param("a ** b", None, id="a-power"),
        pytest.param("a && b", None, id="logical-and"),
        pytest.param("$unsigned(a)", None, id="another-function"),
        pytest.param("a[b +: 2]", None, id="an-indexed-part"),
        pytest.param("a[4]", None, id="a-bit-outside"),
        pytest.param("8'sh5", None, id="a-signed-number"),
        pytest.param("8'hx0", None, id="a-number-with-an-x"),
        pytest.param("c", None, id="undeclared"),
    ],
)
def test_expressions(expression: str, y: int | None):
    if y is None:
        with pytest.raises(UnreadableError):
            in_verilog(f"assign y = {expression};")
    else:
        assert known(in_verilog(f"assign y = {expression};"), a=9, b=12) == constant(y, 8)


CASES = """
reg [7:0] c;
assign y = c;
always @* begin
  c = 8'h00;
  casez (a)
    4'h1, 4'h2: c = 8'h11;
    4'b1??0: c[0] = 1'h1;
    4'b1?0?: c = 8'h33;
    {default}
  endcase
end
"""


@pytest.mark.parametrize(
    ("a", "default", "y"),
    [(1, "", 0x11), (2, "", 0x11), (8, "", 1), (9, "", 0x33), (11, "", 0), (0, "", 0),
     (0, "default: c = 8'hff;", 0xFF), (13, "default: c = 8'hff;", 0x33)],
)  # fmt: skip
def test_cases(a: int, default: str, y: int):
    assert known(in_verilog(CASES.format(default=default)), a=a) == constant(y, 8)


def test_what_is_not_known_goes_every_way():
    netlist = in_verilog(CASES.format(default="default: c = 8'h11;"))
    assert known(netlist) == Ternary(0x01, 0xCD)  # 0x11, 0x01 or 0x33
    choice = "reg [7:0] c; assign y = c; always @* begin c = 8'h05; if (a[0]) begin {} end end"
    assert known(in_verilog(choice.format("c = 8'h04;"))) == Ternary(0x04, 0xFE)


UNREADABLE = {
    "an inout": "inout z;",
    "a signed net": "wire signed [3:0] c;",
    "a parameter": "parameter P = 1;",
    "bits that begin above 0": "wire [4:1] c;",
    "a wire with its driver": "wire c = a[0];",
    "two widths": "output [3:0] c; wire [4:0] c;",
    "a function": "function f; input x; f = x; endfunction",
    "a loop": "integer i; always @* for (i = 0; i < 2; i = i + 1) y = a;",
    "another case": "reg c; always @* begin case (a) 4'h0: c = 1'h0; endcase end",
    "a pattern of another width": "reg c; always @* begin casez (a) 3'h0: c = 1'h0; endcase end",
    "an empty wait": "reg c; always @* begin c = 1'h0; @*; end",
    "a delay": "reg c; always @* begin c = #1 1'h0; end",
    "blocking behind a clock": "reg c; always @(posedge clk) c = a[0];",
    "not blocking without one": "reg c; always @* c <= a[0];",
    "an asynchronous reset": "reg c; always @(posedge clk or posedge rst) c <= a[0];",
    "an initial block": "reg c; initial c = 1'h0;",
    "read before it is written": "reg [1:0] c; always @* begin c[1] = c[0]; c[0] = a[0]; end",
    "an index that writes a bit": "reg [3:0] c; always @* begin c = 4'h0; c[a] = 1'h1; end",
    "a memory without an index": "reg [7:0] c [3:0]; assign y = c;",
    "a module that is not there": "other other (.x(a));",
    "a directive": "`define A",
    "a gate": "and g(y[0], a[0], a[1]);",
    "no Verilog": "this is none",
}


@pytest.mark.parametrize("line", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_not_understood_is_refused(line: str):
    with pytest.raises(UnreadableError):
        known(in_verilog(line, "assign y = a;"))


@pytest.mark.parametrize("connection", ["a", ".x(a[0]), .z(a)"], ids=["in-order", "unknown"])
def test_connections_have_to_name_a_port(connection: str):
    inner = "module inner(x); input x; endmodule\n"
    outer = f"module top(a); input [3:0] a; inner i ({connection}); endmodule\n"
    with pytest.raises(UnreadableError):
        Netlist(inner + outer, "top")


@pytest.mark.parametrize("text", ["module a(); endmodule module b(); endmodule", "wire x;"])
def test_all_of_a_text_has_to_be_modules(text: str):
    with pytest.raises(UnreadableError):
        Netlist(text + "\nmodule top(); \nendmodule\n", "top")


BREACHES = {
    "a latch on one way": (
        "reg c; always @* if (a[0]) c = 1'h1;",
        "latch: top.c: found a way through its block that leaves it, expected none",
    ),
    "a latch on some bits": (
        "reg [3:0] c; always @* begin c[3:1] = 3'h0; casez (a) 4'h0: c = 4'h1; endcase end",
        "latch: top.c[0]: found a way through its block that leaves it, expected none",
    ),
    "a latch by a case too few": (
        "reg c; always @* casez (a[1:0]) 2'h0: c = 1'h0; 2'h1, 2'h2: c = 1'h1; endcase",
        "latch: top.c: found",
    ),
    "two drivers": (
        "wire [3:0] c; assign c = a; assign c[1] = b[0];",
        "driver: top.c: found a second driver in top, expected one",
    ),
    "no driver": ("wire c; wire d; assign d = c;", "driver: top.c: found none, though top.d reads"),
    "an output that feeds an input": (
        "wire c; assign a = 4'h0;", "driver: top.a: found a second driver in top, expected one",
    ),
    "a loop": (
        "wire c, d; assign c = d | a[0]; assign d = ~ c;",
        "loop: top.c: found top.c ◀ top.d ◀ top.c, expected a register on the way",
    ),
    "a clock of its own making": (
        "reg c; reg d; always @(posedge clk) c <= a[0]; always @(posedge c) d <= a[1];",
        "clock: top.d: found posedge top.c, expected posedge top.clk",
    ),
    "a clock as data of a register": (
        "wire c; assign c = clk;\nreg d; always @(posedge c) d <= a[0] & c;",
        "clock: top.d: found a use of top.c as data, expected none",
    ),
    "a clock as data": (
        "wire c; assign c = clk & a[0];",
        "clock: top.c: found a use of top.clk as data, expected none",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "told"), BREACHES.values(), ids=BREACHES)
def test_a_breach_of_the_structure_is_found(lines: str, told: str):
    findings = [str(one) for one in structure(in_verilog(lines, "assign y = a;"))]
    assert len(findings) == 1, findings
    assert findings[0].startswith(told)


SOUND = [
    "reg c; always @* begin c = 1'h0; if (a[0]) c = 1'h1; end",
    "reg c; always @* if (a[0]) c = 1'h0; else c = 1'h1;",
    "reg c; always @* casez (a[0]) 1'h0: c = 1'h0; 1'h1: c = 1'h1; endcase",
    "reg c; always @* casez (a) 4'h0: c = 1'h0; default: c = 1'h1; endcase",
    "wire [1:0] c; assign c[0] = a[0]; assign c[1] = ~ c[0];",
    "reg [1:0] c; always @* begin c[0] = a[0]; c[1] = 1'h0; if (c[0]) c[1] = 1'h1; end",
    "reg [3:0] c; always @(posedge clk) if (a[0]) c <= c + 1'h1;",
]


@pytest.mark.parametrize("lines", SOUND)
def test_a_sound_structure_has_no_breach(lines: str):
    assert [str(one) for one in structure(in_verilog(lines, "assign y = a;"))] == []
